/**
 * Work that is done again for other numbers: what a body asked of the device, without running the body.
 */
import { sizeOf } from '../../shape.js'
import { awaitedTensor, copyInto, isAlike, storageOf, type Tensor } from '../../tensor.js'
import type { Backend } from '../backend.js'
import type { Arena } from './arena.js'
import type { Queue } from './queue.js'

/** Does a tensor of this type lie in linear memory as it is? */
const isOfArena = (dtype: Tensor['dtype']): dtype is 'float32' | 'float64' | 'int32' =>
  dtype === 'float32' || dtype === 'float64' || dtype === 'int32'

/** See `Backend`. A body that looks at a number, or whose inputs cannot lie in linear memory, has to be run instead. */
export const recorder = (
  { written, isOpen, inOwnPlaces }: Pick<Arena, 'written' | 'isOpen' | 'inOwnPlaces'>,
  { settle, recorded }: Pick<Queue, 'settle' | 'recorded'>,
): Required<Backend>['record'] => {
  /** What is recorded within a recording is part of it. */
  let isRecording = false
  return <A>(inputs: readonly Tensor[], body: (inputs: readonly Tensor[]) => A) => {
    if (isRecording || !isOpen() || !inputs.every(({ dtype }) => isOfArena(dtype))) return { result: body(inputs) }
    let numbers = inputs
    const placed = ({ dtype, shape }: Tensor, index: number): Tensor => {
      const place = written(dtype as 'float32', sizeOf(shape), (out) => copyInto(out, 0, numbers[index] as Tensor))
      return awaitedTensor(place, shape, settle)
    }
    const results: A[] = []
    let perform: (() => void) | undefined
    // To copy what is yet to be made would be to look at it.
    numbers.forEach(storageOf)
    isRecording = true
    try {
      const isValid = inOwnPlaces(() => {
        perform = recorded(() => {
          results.push(body(inputs.map(placed)))
        })
      })
      const [result] = results as [A]
      const repeat = perform
      if (repeat === undefined) return { result }
      return {
        result,
        again: (others) => {
          if (!isValid() || others.length !== inputs.length || !others.every((t, i) => isAlike(t, inputs[i] as Tensor)))
            return false
          others.forEach(storageOf)
          settle()
          numbers = others
          repeat()
          return true
        },
      }
    } finally {
      isRecording = false
    }
  }
}

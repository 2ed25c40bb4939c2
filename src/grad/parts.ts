/**
 * A batch in parts that a pass takes one after the other, so that memory follows from the model rather than from the batch.
 */
import type { Backend } from '../tensor/backend/backend.js'
import { showShape } from '../tensor/shape.js'
import { type Tensor, zeros } from '../tensor/tensor.js'
import type { Tree } from '../tensor/tree.js'
import { slice } from '../tensor/view.js'
import type { Batch } from './batch.js'
import type { LayerRule } from './layer.js'
import { holdingsOf } from './surplus.js'

/** What a pass may keep from its way forward, unless told otherwise: 96 MiB of float32. */
export const defaultNumbersAtOnce: number = 1.5 * 2 ** 24

/** Numbers of all tensors within records and lists; storage that several share counts once. */
const numbersWithin = (value: unknown): number =>
  Array.from(holdingsOf(value).storages).reduce((sum, { length }) => sum + length, 0)

/** How many numbers the way forward keeps for each further sample. */
const keptForEachSample = <P extends Tree, C>(
  backend: Backend,
  model: LayerRule<P, C>,
  params: P,
  input: Tensor,
): number => {
  const kept = (count: number): number =>
    backend.scope(() => {
      // A storage of its own, so that it is not the whole batch that is counted.
      const some = zeros([count, ...input.shape.slice(1)], input.dtype)
      return numbersWithin(model.forward(backend, params, some)[1])
    })
  return kept(2) - kept(1)
}

/**
 * Cuts a batch into parts of nearly equal size, each of which keeps at most `numbersAtOnce` numbers on its way forward; at
 * least one sample is in each. What a sum over the samples of a batch needs is then bounded, however large the batch. The
 * cut follows from model and shapes alone. A batch that fits, and an empty one, is one part.
 *
 * Cost  one forward pass of three samples for each shape of samples
 */
export const batchParts = <P extends Tree, C>(
  model: LayerRule<P, C>,
  { backend, numbersAtOnce }: { readonly backend: Backend; readonly numbersAtOnce: number },
): ((params: P, batch: Batch) => readonly [Batch, ...Batch[]]) => {
  const known = new Map<string, number>()
  const eachOf = (params: P, input: Tensor): number => {
    const shape = showShape(input.shape.slice(1))
    const found = known.get(shape) ?? keptForEachSample(backend, model, params, input)
    known.set(shape, found)
    return found
  }
  return (params, batch) => {
    const count = batch.input.shape[0] as number
    // What does not fit together goes on as it is, to be refused.
    if (batch.target.shape[0] !== count) return [batch]
    const most = count < 2 ? 1 : Math.max(1, Math.floor(numbersAtOnce / Math.max(1, eachOf(params, batch.input))))
    const parts = Math.max(1, Math.ceil(count / most))
    if (parts === 1) return [batch]
    const each = Math.ceil(count / parts)
    const part = (index: number): Batch => {
      const cut = slice({ axis: 0, start: index * each, end: Math.min(count, (index + 1) * each) })
      return { input: cut(batch.input), target: cut(batch.target) }
    }
    return [part(0), ...Array.from({ length: Math.ceil(count / each) - 1 }, (_, index) => part(index + 1))]
  }
}

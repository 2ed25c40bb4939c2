/**
 * A batch that goes through in parts: what is summed over its samples, one part after another.
 */
import type { Recording } from '../tensor/backend/backend.js'
import { defaultBackend } from '../tensor/backend/default.js'
import { mapTensors } from '../tensor/backend/within.js'
import { isAtHome } from '../tensor/home.js'
import { isAlike, ownElements, placeOf, type Tensor, unsafeTensor } from '../tensor/tensor.js'
import type { Tree } from '../tensor/tree.js'
import type { Batch } from './batch.js'
import { bookKeeping, type PerSampleGradients, type TakeStep } from './book-keeping.js'
import type { LayerRule } from './layer.js'
import type { Loss } from './losses/loss.js'
import { type GradientOptions, namingSamples, partsOf, withPerSampleGradients } from './per-sample.js'

/**
 * What is done with the gradients of one part after another. Where memory has to grow it is done again, all of it, or the part's `use`: so
 * that has its effect, if any, as its last act.
 */
export interface PartsUse<P extends Tree, A, B> {
  /** What is read of the gradients of a part. */
  readonly use: (gradients: PerSampleGradients<P>) => A
  /** Told of it before the next part. Is there nothing to mend? */
  readonly accept?: (found: A) => boolean
  /** What is found instead, where something is to be mended; the memory of the pass has been given back. */
  readonly mend?: (found: A, part: Batch) => A
  readonly finish: (found: readonly A[]) => B
}

/** Thrown through the use of a part whose pass goes another way than that of the part before. */
const otherwise = Object.assign(new Error('a part of a batch is read otherwise than the one before it'), {
  name: 'ReadOtherwise',
})

/** The same, with tensors that do not end with a scope. */
const detached = <A>(value: A): A =>
  mapTensors(value, (t) => (isAtHome(placeOf(t)) ? unsafeTensor(ownElements(t.dtype, t), t.shape) : t)) as A

const isSameKey = (one: readonly unknown[], other: readonly unknown[]): boolean =>
  one.length === other.length && one.every((part, index) => part === other[index])

/** Steps as the first pass takes them, and as those after it do. */
interface RecordedSteps {
  readonly first: TakeStep
  /** Can all of them be taken again? */
  readonly isRepeatable: () => boolean
  readonly again: () => TakeStep
}

const recordedSteps = (
  record: <A>(inputs: readonly Tensor[], body: (inputs: readonly Tensor[]) => A) => Recording<A>,
): RecordedSteps => {
  const steps: { readonly key: readonly unknown[]; readonly recording: Recording<unknown> }[] = []
  return {
    first: (key, inputs, step) => {
      const recording = record(inputs, step)
      steps.push({ key, recording })
      return recording.result
    },
    isRepeatable: () => steps.every(({ recording }) => recording.again !== undefined),
    again: () => {
      let next = 0
      return <A>(key: readonly unknown[], inputs: readonly Tensor[]) => {
        const known = steps[next++]
        if (known === undefined || !isSameKey(key, known.key) || known.recording.again?.(inputs) !== true)
          throw otherwise
        return known.recording.result as A
      }
    },
  }
}

/**
 * Reads the gradients of a batch part by part. Parts of one shape are one pass, which JavaScript goes through for the first of them: for
 * the others the backend does the same again with their numbers, where it can (`record`).
 *
 * @internal
 */
export const partByPart = <P extends Tree, C>(
  loss: Loss,
  model: LayerRule<P, C>,
  options: GradientOptions = {},
): (<A, B>(params: P, batch: Batch, begin: () => PartsUse<P, A, B>) => B) => {
  const { backend = defaultBackend() } = options
  const perSample = withPerSampleGradients(loss, model, options)
  const cut = partsOf(model, options)
  const { record } = backend

  /** As many of the parts as one pass serves, from the first on: what is found, and whether the last was accepted. */
  const onePass = <A>(
    params: P,
    [part, ...others]: readonly [Batch, ...Batch[]],
    { use, accept }: Required<Pick<PartsUse<P, A, unknown>, 'use' | 'accept'>>,
    recording: typeof record,
  ): { readonly found: readonly A[]; readonly isAccepted: boolean; readonly isRepeatable: boolean } => {
    const unlike = others.findIndex((other) => !isAlike(other.input, part.input))
    const alike = unlike === -1 ? others : others.slice(0, unlike)
    if (recording === undefined || alike.length === 0) {
      const found = perSample(params, part, use)
      return { found: [found], isAccepted: accept(found), isRepeatable: false }
    }
    return namingSamples(loss, model, options)(params, part, () =>
      backend.scope(() => {
        const steps = recordedSteps(recording)
        const pass = (of: Batch, take: TakeStep): A =>
          detached(use(bookKeeping(loss, model, backend, params, of, take)))
        const first = pass(part, steps.first)
        const found = [first]
        let isAccepted = accept(first)
        const isRepeatable = steps.isRepeatable()
        for (const other of alike) {
          if (!isAccepted || !isRepeatable) break
          try {
            found.push(backend.scope(() => pass(other, steps.again())))
          } catch (error) {
            if (error === otherwise) break
            throw error
          }
          isAccepted = accept(found.at(-1) as A)
        }
        return { found, isAccepted, isRepeatable }
      }),
    )
  }

  return (params, batch, begin) => {
    const parts = cut(params, batch)
    const all = () => {
      const { use, accept = () => true, mend, finish } = begin()
      const found: ReturnType<typeof use>[] = []
      let recording = record
      while (found.length < parts.length) {
        const rest = parts.slice(found.length) as [Batch, ...Batch[]]
        const some = onePass(params, rest, { use, accept }, recording)
        found.push(...some.found)
        if (!some.isRepeatable) recording = undefined
        if (!some.isAccepted && mend !== undefined)
          found.push(mend(found.pop() as (typeof found)[number], parts[found.length] as Batch))
      }
      return finish(found)
    }
    // What has been added up by then begins anew with the body of the scope.
    return parts.length === 1 ? all() : backend.scope(all)
  }
}

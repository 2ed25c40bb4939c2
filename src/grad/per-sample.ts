/**
 * The gradients of a batch, sample by sample: what BackPACK calls BatchGrad and BatchL2Grad, and their weighted sum,
 * by three plans that agree.
 */
import type { Backend, MemoryLimit } from '../tensor/backend/backend.js'
import { defaultBackend } from '../tensor/backend/default.js'
import { shapeError } from '../tensor/shape.js'
import { full } from '../tensor/tensor.js'
import { mapTree, type Tree, zipTreesWith } from '../tensor/tree.js'
import { concatenate, reshape } from '../tensor/view.js'
import { type Batch, takeBatch } from './batch.js'
import { bookKeeping, type PerSampleGradients } from './book-keeping.js'
import { groupedRows } from './grouped.js'
import { type LayerRule, lazy, squaredNormOfRows, weightedSumOfRows } from './layer.js'
import type { Loss } from './losses/loss.js'
import { exceedsMemory, exceedsMemoryError, type GradientMemory, memoryOf } from './memory.js'
import { bytesOf } from './operation-cost.js'
import { batchParts, defaultNumbersAtOnce } from './parts.js'

/**
 * How per-sample quantities are computed. The result is the same up to rounding.
 * - `bookKeeping`: one backward pass; norms by the cheapest form of each layer; the weighted sum as one contraction from
 *   what the pass kept (Bu et al. 2022, arXiv:2210.00038). Never holds n × parameters of the whole model. The default.
 * - `materialised`: forms every per-sample gradient and reads everything off them.
 * - `oneByOne`: a batch of one at a time through the plain gradient. Slow; the oracle.
 */
export type Plan = 'bookKeeping' | 'materialised' | 'oneByOne'

/** How per-sample gradients are computed; the result does not depend on it. */
export interface GradientOptions {
  /** Default: the wasm backend. */
  readonly backend?: Backend
  /** Default `bookKeeping`. */
  readonly plan?: Plan
  /**
   * What a sum over a batch may keep at once from its way forward, in numbers; a batch that keeps more goes through in
   * parts. The plan `bookKeeping` alone reads it. Default 1.5 · 2²⁴: 96 MiB of float32.
   */
  readonly numbersAtOnce?: number
}

/**
 * The batch in the parts in which a sum over its samples is computed: one, but for a batch that keeps more than
 * `numbersAtOnce` under the plan `bookKeeping`.
 *
 * @internal
 */
export const partsOf = <P extends Tree, C>(
  model: LayerRule<P, C>,
  { backend = defaultBackend(), plan = 'bookKeeping', numbersAtOnce = defaultNumbersAtOnce }: GradientOptions = {},
): ((params: P, batch: Batch) => readonly [Batch, ...Batch[]]) =>
  plan === 'bookKeeping' ? batchParts(model, { backend, numbersAtOnce }) : (_params, batch) => [batch]

/**
 * Runs `use` on the per-sample gradients of a batch. What `use` returns may hold tensors; the gradients themselves
 * must not escape it (they live in the backend's arena).
 *
 * @throws ShapeError when the batch does not fit the model
 */
export const withPerSampleGradients =
  <P extends Tree, C>(
    loss: Loss,
    model: LayerRule<P, C>,
    { backend = defaultBackend(), plan = 'bookKeeping' }: GradientOptions = {},
  ) =>
  <A>(params: P, batch: Batch, use: (gradients: PerSampleGradients<P>) => A): A => {
    if (batch.input.shape[0] !== batch.target.shape[0])
      throw shapeError('inputs and targets differ in number', batch.input.shape, batch.target.shape)
    return namingSamples(loss, model, { backend, plan })(params, batch, () =>
      backend.scope(() => use(plans[plan](loss, model, backend, params, batch))),
    )
  }

/**
 * Runs a body that computes the gradients of a batch. Where there is not enough memory, the error says how many samples would fit.
 *
 * @internal
 */
export const namingSamples =
  <P extends Tree, C>(
    loss: Loss,
    model: LayerRule<P, C>,
    { backend = defaultBackend(), plan = 'bookKeeping' }: GradientOptions = {},
  ) =>
  <A>(params: P, batch: Batch, body: () => A): A => {
    try {
      return body()
    } catch (error) {
      throw isMemoryLimit(error) ? tooLargeBatch(loss, model, { backend, plan }, { params, batch, error }) : error
    }
  }

/**
 * The memory of the norms and the weighted sum of a batch: bytes of all results of the operations, which an arena holds until the end,
 * and of batch and parameters. The batch gives the shapes: one sample is enough. A batch that goes through in parts needs no
 * more than its largest.
 *
 *   bytes(n) = fixed + n · perSample,   from n = 1 and n = 2
 *
 * @example
 * const model = linear(1, { bias: false })
 * const { params } = model.init(key(0), [1000])
 * const one = { input: zeros([1, 1000]), target: zeros([1, 1]) }
 * gradientMemory(meanSquaredError, model, { plan: 'materialised' })(params, one).perSample > 8000 // => true
 */
export const gradientMemory =
  <P extends Tree, C>(
    loss: Loss,
    model: LayerRule<P, C>,
    { backend = defaultBackend(), plan = 'bookKeeping' }: GradientOptions = {},
  ) =>
  (params: P, batch: Batch): GradientMemory => {
    const some = (count: number): Batch => takeBatch(new Array<number>(count).fill(0))(batch)
    return memoryOf(backend, {
      // The sum lies there twice, as it was weighted and in its own units (see `clippedGrad`).
      operands: (count) => bytesOf(some(count)) + 2 * bytesOf(params),
      // Where a layer keeps no gradients, because they are many, it holds its cotangents: less than the gradients that book-keeping is
      // spared, but more than materialised gradients of few samples let go.
      isGivenUp: plan !== 'materialised',
      run: (on, count) =>
        on.scope(() => {
          const gradients = plans[plan](loss, model, on, params, some(count))
          gradients.squaredNorm()
          gradients.weightedSum(full(1, [count], 'float64'))
          // The cotangent is as large as what it is of; a weight is rounded to float32.
          return bytesOf(gradients.prediction) + 4 * count
        }),
    })
  }

const isMemoryLimit = (error: unknown): error is MemoryLimit => (error as Partial<MemoryLimit>)?.name === 'MemoryLimit'

/** What is said of a batch that does not fit: how many samples would. */
const tooLargeBatch = <P extends Tree, C>(
  loss: Loss,
  model: LayerRule<P, C>,
  options: GradientOptions,
  { params, batch, error }: { readonly params: P; readonly batch: Batch; readonly error: MemoryLimit },
): RangeError => {
  const { limit } = error
  const samples = batch.input.shape[0] as number
  try {
    const exceeds = exceedsMemory({ samples, limit })(gradientMemory(loss, model, options)(params, batch))
    return exceeds === undefined ? error : exceedsMemoryError(exceeds)
  } catch (again) {
    if (!isMemoryLimit(again)) throw again
    return exceedsMemoryError({ _tag: 'ExceedsMemory', samples, needed: again.needed, limit, fits: 0 })
  }
}

type Interpreter = <P extends Tree, C>(
  loss: Loss,
  model: LayerRule<P, C>,
  backend: Backend,
  params: P,
  batch: Batch,
) => PerSampleGradients<P>

const materialised: Interpreter = (loss, model, backend, params, batch) => {
  const kept = bookKeeping(loss, model, backend, params, batch)
  const grad = lazy(kept.grad)
  return {
    ...kept,
    grad,
    squaredNorm: lazy(() => squaredNormOfRows(backend, kept.count)(grad())),
    weightedSum: (weight) => weightedSumOfRows(backend, weight)(grad()),
    grouped: (labels) => groupedRows(backend, labels, grad),
  }
}

const oneByOne: Interpreter = <P extends Tree, C>(
  loss: Loss,
  model: LayerRule<P, C>,
  backend: Backend,
  params: P,
  batch: Batch,
): PerSampleGradients<P> => {
  const all = bookKeeping(loss, model, backend, params, batch)
  const gradients = lazy(() =>
    Array.from({ length: all.count }, (_, n) => {
      const one = bookKeeping(loss, model, backend, params, takeBatch([n])(batch))
      return one.weightedSum(full(1, [1], 'float64'))
    }),
  )
  const grad = lazy(() => {
    const [first, ...rest] = gradients().map(mapTree((leaf) => reshape([1, ...leaf.shape])(leaf)))
    if (first === undefined) return all.grad()
    return rest.reduce(
      zipTreesWith((a, b) => concatenate([a, b])),
      first,
    )
  })
  return {
    ...all,
    grad: grad as () => P,
    squaredNorm: lazy(() => squaredNormOfRows(backend, all.count)(grad() as P)),
    weightedSum: (weight) => weightedSumOfRows(backend, weight)(grad() as P),
    grouped: (labels) => groupedRows(backend, labels, grad as () => P),
  }
}

const plans: Readonly<Record<Plan, Interpreter>> = { bookKeeping, materialised, oneByOne }

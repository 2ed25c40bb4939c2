/**
 * The gradients of a batch, sample by sample: what BackPACK calls BatchGrad and BatchL2Grad, and their weighted sum,
 * by three plans that agree.
 */
import type { Backend, MemoryLimit } from '../tensor/backend/backend.js'
import { defaultBackend } from '../tensor/backend/default.js'
import { scaleTensor, zipTensorsWith } from '../tensor/elementwise.js'
import { runningSum } from '../tensor/running-sum.js'
import { ShapeEq, shapeError } from '../tensor/shape.js'
import { cast, full, type Tensor } from '../tensor/tensor.js'
import { mapTree, type Tree, zipTreesWith } from '../tensor/tree.js'
import { concatenate, reshape, slice } from '../tensor/view.js'
import { type Batch, takeBatch } from './batch.js'
import { groupedReadings, groupedRows } from './grouped.js'
import { type GroupedReadings, type LayerRule, lazy, squaredNormOfRows, weightedSumOfRows } from './layer.js'
import type { Loss } from './losses/loss.js'
import { exceedsMemory, exceedsMemoryError, type GradientMemory, memoryOf } from './memory.js'
import { bytesOf } from './operation-cost.js'
import { batchParts, defaultNumbersAtOnce } from './parts.js'
import { raised } from './raised.js'

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

/** The gradients gₙ of n losses, each reading computed when asked for. Valid within the call that hands it out. */
export interface PerSampleGradients<P extends Tree> {
  /** n. */
  readonly count: number
  /** [n], float64. */
  readonly loss: Tensor
  readonly prediction: Tensor
  /** Every leaf [n, …param]. */
  readonly grad: () => P
  /** ‖gₙ‖² over all parameters, [n], float64. */
  readonly squaredNorm: () => Tensor
  /** Σₙ wₙ gₙ for w [n]. */
  readonly weightedSum: (weight: Tensor) => P
  /** Both by groups of parameters: labels are made by `labelled`. */
  readonly grouped: (labels: Tree) => GroupedReadings<P>
}

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
    try {
      return backend.scope(() => use(plans[plan](loss, model, backend, params, batch)))
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

const bookKeeping: Interpreter = (loss, model, backend, params, { input, target }) => {
  const [prediction, cache] = model.forward(backend, params, input)
  const { value, cotangent } = loss(prediction, target)
  const { cotangent: given, factor } = raised(backend, cotangent)
  const pulled = lazy(() => model.pullback(backend, params, cache, given))
  const gradients = {
    count: input.shape[0] as number,
    loss: value,
    prediction,
    grad: () => pulled().perSampleGrad(),
    squaredNorm: () => pulled().squaredNorm(),
    weightedSum: (weight: Tensor) => pulled().weightedGrad(weight),
    grouped: (labels: Tree) => groupedReadings(backend, pulled(), labels),
  }
  return factor === undefined ? gradients : timesFactor(backend, factor, gradients)
}

/** The gradients of a cotangent that was raised, each times the power of 2 that undoes it. */
const timesFactor = <P extends Tree>(
  backend: Backend,
  factor: Tensor,
  gradients: PerSampleGradients<P>,
): PerSampleGradients<P> => {
  const squared = zipTensorsWith((s, f) => s * f * f)
  const ofSquare = (s: Tensor): Tensor => squared(s, factor)
  const times = zipTensorsWith((w, f) => w * f)
  const ofWeight = (w: Tensor): Tensor => times(cast('float64')(w), factor)
  return {
    ...gradients,
    grad: () =>
      // A product, and not `scaleRows`, keeps the bits of samples whose factor is 1.
      mapTree((leaf) =>
        backend.zip('mul', leaf, reshape([gradients.count, ...leaf.shape.slice(1).map(() => 1)])(factor)),
      )(gradients.grad()),
    squaredNorm: () => ofSquare(gradients.squaredNorm()),
    weightedSum: (weight) => gradients.weightedSum(ofWeight(weight)),
    grouped: (labels) => {
      const readings = gradients.grouped(labels)
      return {
        squaredNorms: () => new Map(Array.from(readings.squaredNorms(), ([group, s]) => [group, ofSquare(s)])),
        weightedGrad: (weights) => readings.weightedGrad(weights.map(ofWeight)),
      }
    },
  }
}

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

/**
 * The loss and the gradient of each sample. Every leaf is [n, …param].
 *
 * @example
 * perSampleGrad(meanSquaredError, linear(1, { bias: false }))({ weight: tensor([1], [1, 1]) }, { input: tensor([2, 3], [2, 1]), target: tensor([0, 0], [2, 1]) }).grad.weight.shape // => [2, 1, 1]
 */
export const perSampleGrad =
  <P extends Tree, C>(loss: Loss, model: LayerRule<P, C>, options: GradientOptions = {}) =>
  (params: P, batch: Batch): { readonly loss: Tensor; readonly grad: P } =>
    withPerSampleGradients(loss, model, options)(params, batch, (g) => ({ loss: g.loss, grad: g.grad() }))

/** Tensors of the parts of a batch, as of the whole. */
const joined = (parts: readonly Tensor[]): Tensor =>
  parts.length === 1 ? (parts[0] as Tensor) : concatenate(parts as unknown as readonly [Tensor, ...Tensor[]])

/** The loss and the squared gradient norm of each sample, over all parameters: [n], float64. */
export const perSampleSquaredNorm = <P extends Tree, C>(
  loss: Loss,
  model: LayerRule<P, C>,
  options: GradientOptions = {},
): ((params: P, batch: Batch) => { readonly loss: Tensor; readonly squaredNorm: Tensor }) => {
  const [perSample, cut] = [withPerSampleGradients(loss, model, options), partsOf(model, options)]
  return (params, batch) => {
    const parts = cut(params, batch).map((part) =>
      perSample(params, part, (g) => ({ loss: g.loss, squaredNorm: g.squaredNorm() })),
    )
    return { loss: joined(parts.map((part) => part.loss)), squaredNorm: joined(parts.map((part) => part.squaredNorm)) }
  }
}

/** Σₙ wₙ gₙ. With all weights 1 it is the gradient of the summed loss, as training without privacy computes it. */
export const weightedGrad = <P extends Tree, C>(
  loss: Loss,
  model: LayerRule<P, C>,
  options: GradientOptions = {},
): ((params: P, batch: Batch, weight: Tensor) => { readonly loss: Tensor; readonly grad: P }) => {
  const [perSample, cut] = [withPerSampleGradients(loss, model, options), partsOf(model, options)]
  return (params, batch, weight) => {
    if (!ShapeEq.equals(weight.shape, batch.input.shape.slice(0, 1)))
      throw shapeError('weightedGrad: one weight for each sample', weight.shape, batch.input.shape)
    let start = 0
    const parts = cut(params, batch)
    if (parts.length === 1) return perSample(params, batch, (g) => ({ loss: g.loss, grad: g.weightedSum(weight) }))
    const total = runningSum<P>()
    const losses = parts.map((part) => {
      const end = start + (part.input.shape[0] as number)
      const own = slice({ axis: 0, start, end })(weight)
      start = end
      const { loss: losses, grad } = perSample(params, part, (g) => {
        const [loss, grad] = [g.loss, g.weightedSum(own)]
        // Added as the last thing: a body that needs more memory is run again from its beginning.
        return { loss, grad: total.add(grad) ? undefined : grad }
      })
      if (grad !== undefined) total.begin(mapTree(scaleTensor(1))(grad))
      return losses
    })
    return { loss: joined(losses), grad: total.value() as P }
  }
}

/** The model's output for each input: [n, …]. */
export const predict =
  <P extends Tree, C>(model: LayerRule<P, C>, { backend = defaultBackend() }: GradientOptions = {}) =>
  (params: P, input: Tensor): Tensor =>
    backend.scope(() => model.forward(backend, params, input)[0])

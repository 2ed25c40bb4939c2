/**
 * The gradients of a batch, sample by sample: what BackPACK calls BatchGrad and BatchL2Grad, and their weighted sum,
 * by three plans that agree.
 */
import type { Backend } from '../tensor/backend/backend.js'
import { defaultBackend } from '../tensor/backend/default.js'
import { shapeError } from '../tensor/shape.js'
import { full, type Tensor } from '../tensor/tensor.js'
import { mapTree, type Tree, zipTreesWith } from '../tensor/tree.js'
import { concatenate, reshape, take } from '../tensor/view.js'
import { groupedReadings, groupedRows } from './grouped.js'
import { type GroupedReadings, type LayerRule, lazy, squaredNormOfRows, weightedSumOfRows } from './layer.js'
import type { Loss } from './losses/loss.js'

/** Inputs [n, …] and targets [n, …] of the same samples. */
export interface Batch {
  readonly input: Tensor
  readonly target: Tensor
}

/** The chosen samples of a batch. */
export const takeBatch =
  (indices: Readonly<ArrayLike<number>>) =>
  ({ input, target }: Batch): Batch => ({ input: take(indices)(input), target: take(indices)(target) })

/**
 * How per-sample quantities are computed. The result is the same up to rounding.
 * - `bookKeeping`: one backward pass; norms by the cheapest form of each layer; the weighted sum as one contraction from
 *   what the pass kept (Bu et al. 2022, arXiv:2210.00038). Never holds n × parameters of the whole model. The default.
 * - `materialised`: forms every per-sample gradient and reads everything off them.
 * - `oneByOne`: a batch of one at a time through the plain gradient. Slow; the oracle.
 */
export type Plan = 'bookKeeping' | 'materialised' | 'oneByOne'

export interface GradientOptions {
  /** Default: the wasm backend. */
  readonly backend?: Backend
  /** Default `bookKeeping`. */
  readonly plan?: Plan
}

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
    return backend.scope(() => use(plans[plan](loss, model, backend, params, batch)))
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
  const pulled = lazy(() => model.pullback(backend, params, cache, cotangent))
  return {
    count: input.shape[0] as number,
    loss: value,
    prediction,
    grad: () => pulled().perSampleGrad(),
    squaredNorm: () => pulled().squaredNorm(),
    weightedSum: (weight) => pulled().weightedGrad(weight),
    grouped: (labels) => groupedReadings(backend, pulled(), labels),
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

/** The loss and the squared gradient norm of each sample, over all parameters: [n], float64. */
export const perSampleSquaredNorm =
  <P extends Tree, C>(loss: Loss, model: LayerRule<P, C>, options: GradientOptions = {}) =>
  (params: P, batch: Batch): { readonly loss: Tensor; readonly squaredNorm: Tensor } =>
    withPerSampleGradients(loss, model, options)(params, batch, (g) => ({
      loss: g.loss,
      squaredNorm: g.squaredNorm(),
    }))

/** Σₙ wₙ gₙ. With all weights 1 it is the gradient of the summed loss, as training without privacy computes it. */
export const weightedGrad =
  <P extends Tree, C>(loss: Loss, model: LayerRule<P, C>, options: GradientOptions = {}) =>
  (params: P, batch: Batch, weight: Tensor): { readonly loss: Tensor; readonly grad: P } =>
    withPerSampleGradients(loss, model, options)(params, batch, (g) => ({
      loss: g.loss,
      grad: g.weightedSum(weight),
    }))

/** The model's output for each input: [n, …]. */
export const predict =
  <P extends Tree, C>(model: LayerRule<P, C>, { backend = defaultBackend() }: GradientOptions = {}) =>
  (params: P, input: Tensor): Tensor =>
    backend.scope(() => model.forward(backend, params, input)[0])

/**
 * What else can be read off one backward pass, beside gradients and norms: BackPACK's first-order extensions. n, m sample ·
 * j parameter.
 */
import type { Backend } from '../tensor/backend/backend.js'
import { defaultBackend } from '../tensor/backend/default.js'
import { zipTensorsWith } from '../tensor/elementwise.js'
import { sizeOf } from '../tensor/shape.js'
import { full, type Tensor, zeros } from '../tensor/tensor.js'
import { foldTree, mapTree, namedLeaves, type Tree } from '../tensor/tree.js'
import { transpose } from '../tensor/view.js'
import type { Batch } from './batch.js'
import type { PerSampleGradients } from './book-keeping.js'
import type { LayerRule } from './layer.js'
import type { Loss } from './losses/loss.js'
import { packedAs } from './pack.js'
import { type GradientOptions, withPerSampleGradients } from './per-sample.js'

/** A quantity of the per-sample gradients gₙ of a batch: see `quantities`. */
export type Quantity<P extends Tree, A> = (backend: Backend, gradients: PerSampleGradients<P>) => A

/**
 * Σₙ gₙⱼ² for each parameter.
 *
 * Shapes  leaves […param]
 */
export const sumOfSquaredGrads = <P extends Tree>(backend: Backend, { grad }: PerSampleGradients<P>): P =>
  mapTree((leaf) => backend.sum(backend.map('square', leaf), [0]))(grad())

/**
 * The variance of the gradient of each parameter over the batch, as BackPACK has it: of the n gradients gₙ themselves
 * (not divided by n), about their mean.
 *
 *   vⱼ = (1/n) Σₙ (gₙⱼ − ḡⱼ)²
 *
 * Shapes  leaves […param]; zeros for the empty batch
 */
export const gradVariance = <P extends Tree>(backend: Backend, { grad, count }: PerSampleGradients<P>): P =>
  mapTree((leaf) => {
    if (count === 0) return zeros(leaf.shape.slice(1), backend.dtype)
    const share = full(1 / count, [count], 'float64')
    const centred = backend.zip('sub', leaf, backend.weightedRowSum(share, leaf))
    return backend.weightedRowSum(share, backend.map('square', centred))
  })(grad())

/** ⟨row n, row m⟩ of every pair of rows. */
const dotsOfRows = (backend: Backend, count: number, leaf: Tensor): Tensor => {
  const rows = packedAs(backend, [count, sizeOf(leaf.shape.slice(1))], leaf)
  return backend.matmul(rows, transpose()(rows))
}

/**
 * ⟨gₙ, gₘ⟩ of every pair of samples, over all parameters; the diagonal is the squared norms.
 *
 * Shapes  [n, n], float64 sums of the products of each leaf
 */
export const pairwiseDots = <P extends Tree>(backend: Backend, { grad, count }: PerSampleGradients<P>): Tensor =>
  foldTree(zeros([count, count], 'float64'), (sum, leaf) =>
    zipTensorsWith((a, b) => a + b)(sum, dotsOfRows(backend, count, leaf)),
  )(grad())

/**
 * ⟨gₙ, gₘ⟩ of every pair of samples, for each leaf on its own.
 *
 * Shapes  each leaf becomes [n, n]
 */
export const pairwiseDotsPerLeaf = <P extends Tree>(backend: Backend, { grad, count }: PerSampleGradients<P>): P =>
  mapTree((leaf) => dotsOfRows(backend, count, leaf))(grad())

/**
 * ‖gₙ‖² of each leaf on its own.
 *
 * Shapes  each leaf becomes [n], float64
 */
export const squaredNormPerLeaf = <P extends Tree>(backend: Backend, { grad }: PerSampleGradients<P>): P =>
  mapTree((leaf) => backend.rowDots(leaf, leaf))(grad())

/**
 * ‖gₙ‖² of groups of leaves: `group` names the group of a path, such as its first part.
 *
 * Shapes  each group [n], float64
 */
export const squaredNormPerGroup =
  (group: (path: string) => string) =>
  <P extends Tree>(backend: Backend, { grad, count }: PerSampleGradients<P>): Readonly<Record<string, Tensor>> => {
    const sums = new Map<string, Tensor>()
    for (const { path, leaf } of namedLeaves(grad())) {
      const sum = sums.get(group(path)) ?? zeros([count], 'float64')
      sums.set(group(path), zipTensorsWith((a, b) => a + b)(sum, backend.rowDots(leaf, leaf)))
    }
    return Object.fromEntries(sums)
  }

/** What a record of quantities gives. */
export type QuantitiesOf<Q> = { readonly [K in keyof Q]: Q[K] extends Quantity<never, infer A> ? A : never }

/**
 * Several quantities of one batch, from one forward and one backward pass.
 *
 * Cost  the per-sample gradients of the whole model are formed: n × parameters of memory
 *
 * @example
 * const model = linear(1, { bias: false })
 * const batch = { input: tensor([1, 2], [2, 1]), target: tensor([0, 0], [2, 1]) }
 * const read = quantities(meanSquaredError, model)({ squares: sumOfSquaredGrads, dots: pairwiseDots })
 * toArray(read({ weight: tensor([1], [1, 1]) }, batch).dots) // => [4, 16, 16, 64]
 */
export const quantities =
  <P extends Tree, C>(loss: Loss, model: LayerRule<P, C>, options: GradientOptions = {}) =>
  <const Q extends Readonly<Record<string, Quantity<P, unknown>>>>(wanted: Q) =>
  (params: P, batch: Batch): QuantitiesOf<Q> => {
    const backend = options.backend ?? defaultBackend()
    return withPerSampleGradients(loss, model, { ...options, backend })(
      params,
      batch,
      (gradients) =>
        Object.fromEntries(
          Object.entries(wanted).map(([name, quantity]) => [name, quantity(backend, gradients)]),
        ) as QuantitiesOf<Q>,
    )
  }

/**
 * The one place where gradients meet privacy: model × loss × clip rule → bounded sum.
 */

import type { LayerRule } from '../grad/layer.js'
import type { Loss } from '../grad/losses/loss.js'
import { type Batch, type GradientOptions, takeBatch, withPerSampleGradients } from '../grad/per-sample.js'
import { mapTensor } from '../tensor/elementwise.js'
import { contiguous, size, type Tensor, tensor, toArray } from '../tensor/tensor.js'
import { addTrees, leaves, type Tree } from '../tensor/tree.js'
import { type BoundedSum, type ClipRule, isSummable, safeFactor } from './clip.js'

/** A value that was computed from private data and not protected by noise. It must not be published. */
export interface NotPrivate<A> {
  readonly _tag: 'NotPrivate'
  readonly value: A
}

/** What the samples of a batch did, in the order of the batch. */
export interface ClippingDiagnostics {
  /** Loss of each sample, [n]. */
  readonly loss: Tensor
  /** Gradient norm of each sample before clipping, [n]; infinite or NaN where it did not count. */
  readonly norm: Tensor
  /** Samples that contributed nothing because their gradient was not finite. */
  readonly nonFinite: number
}

/** The clipped sum, and what led to it. */
export interface ClippedGrad<P extends Tree> {
  readonly bounded: BoundedSum<P>
  readonly diagnostics: NotPrivate<ClippingDiagnostics>
}

/** Is every number of the tree finite? 0 · x is NaN for those that are not. */
const allFinite = (tree: Tree): boolean =>
  leaves(tree).every((leaf) => {
    const { data, offset } = contiguous(leaf)
    const end = offset + size(leaf)
    let zero = 0
    for (let i = offset; i < end; i++) zero += 0 * (data[i] as number)
    return zero === 0
  })

/**
 * The clipped sum Σₙ factor(‖gₙ‖) gₙ with diagnostics, which are not private.
 *
 * A sample whose gradient norm is not finite contributes exactly zero: it is left out of the batch, and the sum is
 * computed again without it, so that not even 0 · NaN can reach the sum. So does a sample whose rescaled gradient overflows
 * on its way into the sum; its norm is then reported as infinite. The bound is read once, here: what happens to the rule
 * later changes neither the clipping nor the noise.
 *
 * @throws RangeError unless l2Bound is in [2⁻⁸⁰, 2⁸⁰], where float32 can keep it, or infinite
 */
export const clippedGradWithDiagnostics = <P extends Tree, C>(
  loss: Loss,
  model: LayerRule<P, C>,
  { factor, l2Bound }: ClipRule,
  options: GradientOptions = {},
): ((params: P, batch: Batch) => ClippedGrad<P>) => {
  if (!isSummable(l2Bound)) throw new RangeError(`l2Bound is ${l2Bound}: it must be in [2^-80, 2^80], or infinite`)
  const weigh = mapTensor(safeFactor({ factor, l2Bound }))
  const perSample = withPerSampleGradients(loss, model, options)
  return (params, batch) => {
    const attempt = (part: Batch): { readonly sum: P | undefined; readonly loss: Tensor; readonly norm: Tensor } =>
      perSample(params, part, (gradients) => {
        const norm = mapTensor(Math.sqrt)(gradients.squaredNorm())
        const sum = allFinite(norm) ? gradients.weightedSum(weigh(norm)) : undefined
        return { sum: sum !== undefined && allFinite(sum) ? sum : undefined, loss: gradients.loss, norm }
      })
    const sumOf = (chosen: readonly number[]): P | undefined => attempt(takeBatch(chosen)(batch)).sum
    const first = attempt(batch)
    const norms = toArray(first.norm)
    const finite = norms.flatMap((norm, index) => (Number.isFinite(norm) ? [index] : []))
    const together = first.sum ?? sumOf(finite)
    // Where a finite norm hides an overflow, each sample is judged on its own: nobody's share depends on the company.
    const apart = together === undefined ? finite.map((index) => ({ index, sum: sumOf([index]) })) : []
    const overflown = new Set(apart.flatMap(({ index, sum }) => (sum === undefined ? [index] : [])))
    const sum =
      together ??
      apart.flatMap((part) => (part.sum === undefined ? [] : [part.sum])).reduce(addTrees<P>, sumOf([]) as P)
    return {
      bounded: { _tag: 'BoundedSum', sum, l2Bound },
      diagnostics: {
        _tag: 'NotPrivate',
        value: {
          loss: first.loss,
          norm: tensor(
            norms.map((norm, index) => (overflown.has(index) ? Number.POSITIVE_INFINITY : norm)),
            first.norm.shape,
            'float64',
          ),
          nonFinite: norms.length - finite.length + overflown.size,
        },
      },
    }
  }
}

/**
 * The sum of the clipped gradients of a batch, with the bound that clipping gives it.
 *
 *   Σₙ w(‖gₙ‖) gₙ,   w(s) · s ≤ C
 *
 * Guarantee  the sum of a batch of one is at most l2Bound long, in exact arithmetic on the stored floats (the factor leaves
 *            2⁻²⁰ of room for float32 rounding, and norms are no shorter than what is summed); a sample whose gradient is
 *            not finite adds exactly zero; adding one sample to a batch moves its sum by l2Bound and the rounding of the
 *            other samples' partial sums, which no clipping bounds (Casacuberta et al. 2022, arXiv:2207.10635)
 * Cost       one backward pass under the `bookKeeping` plan
 * Reference  Abadi et al. 2016, arXiv:1607.00133; Bu et al. 2022, arXiv:2210.00038
 */
export const clippedGrad = <P extends Tree, C>(
  loss: Loss,
  model: LayerRule<P, C>,
  clip: ClipRule,
  options: GradientOptions = {},
): ((params: P, batch: Batch) => BoundedSum<P>) => {
  const withDiagnostics = clippedGradWithDiagnostics(loss, model, clip, options)
  return (params, batch) => withDiagnostics(params, batch).bounded
}

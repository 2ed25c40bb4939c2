/**
 * The one place where gradients meet privacy: model × loss × clip rule → bounded sum.
 */

import type { LayerRule } from '../grad/layer.js'
import type { Loss } from '../grad/loss.js'
import { type Batch, type GradientOptions, takeBatch, withPerSampleGradients } from '../grad/per-sample.js'
import { mapTensor } from '../tensor/elementwise.js'
import { type Tensor, toArray } from '../tensor/tensor.js'
import type { Tree } from '../tensor/tree.js'
import { type BoundedSum, type ClipRule, safeFactor } from './clip.js'

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

/**
 * The clipped sum Σₙ factor(‖gₙ‖) gₙ with diagnostics, which are not private.
 *
 * A sample whose gradient norm is not finite contributes exactly zero: it is left out of the batch, and the sum is
 * computed again without it, so that not even 0 · NaN can reach the sum.
 */
export const clippedGradWithDiagnostics =
  <P extends Tree, C>(loss: Loss, model: LayerRule<P, C>, clip: ClipRule, options: GradientOptions = {}) =>
  (params: P, batch: Batch): ClippedGrad<P> => {
    const weigh = mapTensor(safeFactor(clip))
    const attempt = (part: Batch): { readonly sum: P | undefined; readonly loss: Tensor; readonly norm: Tensor } =>
      withPerSampleGradients(loss, model, options)(params, part, (gradients) => {
        const norm = mapTensor(Math.sqrt)(gradients.squaredNorm())
        const finite = toArray(norm).every(Number.isFinite)
        return { sum: finite ? gradients.weightedSum(weigh(norm)) : undefined, loss: gradients.loss, norm }
      })
    const first = attempt(batch)
    const norms = toArray(first.norm)
    const kept = norms.flatMap((norm, index) => (Number.isFinite(norm) ? [index] : []))
    const sum = first.sum ?? attempt(takeBatch(kept)(batch)).sum
    // One sample cannot turn another's gradient non-finite; a rule that couples samples breaks the index law.
    if (sum === undefined) throw new Error('a model rule mixes samples: leaving out non-finite samples made others so')
    return {
      bounded: { _tag: 'BoundedSum', sum, l2Bound: clip.l2Bound },
      diagnostics: {
        _tag: 'NotPrivate',
        value: { loss: first.loss, norm: first.norm, nonFinite: norms.length - kept.length },
      },
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

/**
 * The one place where gradients meet privacy: model × loss × clip rule → bounded sum.
 */

import { labelled } from '../grad/grouped.js'
import type { LayerRule } from '../grad/layer.js'
import type { Loss } from '../grad/losses/loss.js'
import {
  type Batch,
  type GradientOptions,
  type PerSampleGradients,
  takeBatch,
  withPerSampleGradients,
} from '../grad/per-sample.js'
import { mapTensor, zipTensorsWith } from '../tensor/elementwise.js'
import { contiguous, size, type Tensor, tensor, toArray, zeros } from '../tensor/tensor.js'
import { addTrees, leaves, type Tree } from '../tensor/tree.js'
import { type BoundedSum, isSummable, safeFactor } from './clip/clip.js'
import { type Clip, groupsOf, groupWeights, isGroupClip } from './clip/group-clip.js'

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
  /** The same of each group, where clipping is by groups. */
  readonly groupNorms: Readonly<Record<string, Tensor>>
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

/** Norms of the samples, and their clipped sum, before anyone has looked whether they are finite. */
interface Attempt<P extends Tree> {
  readonly norm: Tensor
  readonly groupNorms: Readonly<Record<string, Tensor>>
  readonly sum: () => P
}

const root = mapTensor(Math.sqrt)
const addNorms = zipTensorsWith((a, b) => a + b)

/** How a clip reads norms and makes sums. What it promises is read once, here. */
const attemptOf = <P extends Tree>(clip: Clip): ((params: P) => (gradients: PerSampleGradients<P>) => Attempt<P>) => {
  if (!isGroupClip(clip)) {
    const weigh = mapTensor(safeFactor({ ...clip }))
    return () => (gradients) => {
      const norm = root(gradients.squaredNorm())
      return { norm, groupNorms: {}, sum: () => gradients.weightedSum(weigh(norm)) }
    }
  }
  const fixed = { ...clip }
  return (params) => {
    const groups = groupsOf(fixed.group)(params)
    const weigh = groupWeights(fixed, groups).map((weight) => mapTensor(weight))
    const place = new Map(groups.map(({ name }, m) => [name, m]))
    const labels = labelled((path) => place.get(fixed.group(path)) as number)(params)
    return (gradients) => {
      const readings = gradients.grouped(labels)
      const squares = readings.squaredNorms()
      const none = zeros([gradients.count], 'float64')
      const norms = groups.map((_, m) => root(squares.get(m) ?? none))
      return {
        norm: root([...squares.values()].reduce(addNorms, none)),
        groupNorms: Object.fromEntries(groups.map(({ name }, m) => [name, norms[m] as Tensor])),
        sum: () => readings.weightedGrad(norms.map((norm, m) => (weigh[m] as (t: Tensor) => Tensor)(norm))),
      }
    }
  }
}

/**
 * The clipped sum Σₙ factor(‖gₙ‖) gₙ with diagnostics, which are not private.
 *
 * A sample whose gradient norm is not finite contributes exactly zero: it is left out of the batch, and the sum is
 * computed again without it, so that not even 0 · NaN can reach the sum. So does a sample whose rescaled gradient overflows
 * on its way into the sum; its norm is then reported as infinite. The bound is read once, here: what happens to the rule
 * later changes neither the clipping nor the noise. Clipping by groups does this for each group; a gradient that is not finite
 * in one group counts in none.
 *
 * @throws RangeError unless l2Bound is in [2⁻⁸⁰, 2⁸⁰], where float32 can keep it, or infinite
 */
export const clippedGradWithDiagnostics = <P extends Tree, C>(
  loss: Loss,
  model: LayerRule<P, C>,
  clip: Clip,
  options: GradientOptions = {},
): ((params: P, batch: Batch) => ClippedGrad<P>) => {
  const { l2Bound } = clip
  if (!isSummable(l2Bound)) throw new RangeError(`l2Bound is ${l2Bound}: it must be in [2^-80, 2^80], or infinite`)
  const clipping = attemptOf<P>(clip)
  const perSample = withPerSampleGradients(loss, model, options)
  return (params, batch) => {
    const attemptWith = clipping(params)
    const attempt = (part: Batch) =>
      perSample(params, part, (gradients) => {
        const { norm, groupNorms, sum: add } = attemptWith(gradients)
        const sum = allFinite(norm) ? add() : undefined
        return { sum: sum !== undefined && allFinite(sum) ? sum : undefined, loss: gradients.loss, norm, groupNorms }
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
    const reported = (norm: Tensor): Tensor =>
      tensor(
        toArray(norm).map((s, index) => (overflown.has(index) ? Number.POSITIVE_INFINITY : s)),
        norm.shape,
        'float64',
      )
    return {
      bounded: { _tag: 'BoundedSum', sum, l2Bound },
      diagnostics: {
        _tag: 'NotPrivate',
        value: {
          loss: first.loss,
          norm: reported(first.norm),
          groupNorms: Object.fromEntries(
            Object.entries(first.groupNorms).map(([name, norm]) => [name, reported(norm)]),
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
 * Cost       one backward pass under the `bookKeeping` plan, whether by groups or not; where a group cuts through a layer that
 *            is neither affine nor a convolution, the per-sample gradients of that layer are formed
 * Reference  Abadi et al. 2016, arXiv:1607.00133; Bu et al. 2022, arXiv:2210.00038
 */
export const clippedGrad = <P extends Tree, C>(
  loss: Loss,
  model: LayerRule<P, C>,
  clip: Clip,
  options: GradientOptions = {},
): ((params: P, batch: Batch) => BoundedSum<P>) => {
  const withDiagnostics = clippedGradWithDiagnostics(loss, model, clip, options)
  return (params, batch) => withDiagnostics(params, batch).bounded
}

/**
 * The one place where gradients meet privacy: model × loss × clip rule → bounded sum.
 */

import { type Batch, takeBatch } from '../grad/batch.js'
import type { PerSampleGradients } from '../grad/book-keeping.js'
import { labelled } from '../grad/grouped.js'
import type { LayerRule } from '../grad/layer.js'
import type { Loss } from '../grad/losses/loss.js'
import { partByPart } from '../grad/part-by-part.js'
import { type GradientOptions, withPerSampleGradients } from '../grad/per-sample.js'
import { defaultBackend } from '../tensor/backend/default.js'
import { mapTensor, zipTensorsWith } from '../tensor/elementwise.js'
import { allFinite, runningSum } from '../tensor/running-sum.js'
import { type Tensor, tensor, toArray, zeros } from '../tensor/tensor.js'
import { addTrees, scaleTree, type Tree, treeSize } from '../tensor/tree.js'
import { concatenate } from '../tensor/view.js'
import { type BoundedSum, isSummable, safeFactor } from './clip/clip.js'
import { griddedSum, gridFor, integerSum } from './clip/grid.js'
import { type Clip, groupsOf, groupWeights, isGroupClip } from './clip/group-clip.js'
import type { IntegerSum } from './clip/integer-sum.js'

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

/** Norms of the samples, and their clipped sum, before anyone has looked whether they are finite. */
interface Attempt<P extends Tree> {
  readonly norm: Tensor
  readonly groupNorms: Readonly<Record<string, Tensor>>
  /** The sum, times `lift`. */
  readonly raisedSum: () => P
}

const root = mapTensor(Math.sqrt)
const addNorms = zipTensorsWith((a, b) => a + b)

/**
 * The power of 2 by which weights are raised before they meet a gradient, so that the sum has bounds near 2⁶⁰; it is lowered after.
 *
 * A weight is small where a gradient is long. Its products with the small factors of that gradient would leave the range of
 * float32, and what is lost of terms that cancel makes a sum longer, not shorter; under a rule that enlarges what is short, so does
 * what was lost of the norm. Beside 2⁶⁰ neither counts: both are below 2³⁴ for 2⁴⁰ terms of any floats.
 */
const liftOf = (l2Bound: number): number =>
  l2Bound === Number.POSITIVE_INFINITY ? 1 : 2 ** Math.min(60 - Math.ceil(Math.log2(l2Bound)), 120)

/** How a clip that nobody changes any more reads norms and makes sums, times `lift`. */
const attemptOf = <P extends Tree>(
  clip: Clip,
  lift: number,
): ((params: P) => (gradients: PerSampleGradients<P>) => Attempt<P>) => {
  const raised = (weight: (norm: number) => number) =>
    mapTensor((norm) => Math.min(lift * weight(norm), Number.MAX_VALUE))
  if (!isGroupClip(clip)) {
    const weigh = raised(safeFactor(clip))
    return () => (gradients) => {
      const norm = root(gradients.squaredNorm())
      return { norm, groupNorms: {}, raisedSum: () => gradients.weightedSum(weigh(norm)) }
    }
  }
  return (params) => {
    const groups = groupsOf(clip.group)(params)
    const weigh = groupWeights(clip, groups).map(raised)
    const place = new Map(groups.map(({ name }, m) => [name, m]))
    const labels = labelled((path) => place.get(clip.group(path)) as number)(params)
    return (gradients) => {
      const readings = gradients.grouped(labels)
      const squares = readings.squaredNorms()
      const none = zeros([gradients.count], 'float64')
      const norms = groups.map((_, m) => root(squares.get(m) ?? none))
      return {
        norm: root([...squares.values()].reduce(addNorms, none)),
        groupNorms: Object.fromEntries(groups.map(({ name }, m) => [name, norms[m] as Tensor])),
        raisedSum: () => readings.weightedGrad(norms.map((norm, m) => (weigh[m] as (t: Tensor) => Tensor)(norm))),
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
  const fixed = { ...clip }
  const { l2Bound } = fixed
  if (!isSummable(l2Bound)) throw new RangeError(`l2Bound is ${l2Bound}: it must be in [2^-80, 2^80], or infinite`)
  const lift = liftOf(l2Bound)
  const lowered = scaleTree(1 / lift)
  const clipping = attemptOf<P>(fixed, lift)
  const perSample = withPerSampleGradients(loss, model, options)
  const overParts = partByPart(loss, model, options)
  return (params, batch) => {
    const attemptWith = clipping(params)
    return overParts(params, batch, () => {
      const total = runningSum<P>()
      const use = (gradients: PerSampleGradients<P>): Found<P> => {
        const { norm, groupNorms, raisedSum } = attemptWith(gradients)
        const share = allFinite(norm) ? raisedSum() : undefined
        const counts = share !== undefined && allFinite(share)
        // Added as the last thing: a body that needs more memory is run again from its beginning.
        const sum = counts && !total.add(share, 1 / lift) ? lowered(share) : undefined
        return { counts, sum, loss: gradients.loss, norm, groupNorms, nonFinite: 0 }
      }
      // All were finite, as nearly always: nothing is left to judge.
      const accept = ({ counts, sum }: Found<P>): boolean => {
        if (sum !== undefined) total.begin(sum)
        return counts
      }
      const mend = (found: Found<P>, part: Batch): Found<P> => {
        const adds = (chosen: readonly number[]): boolean => accept(perSample(params, takeBatch(chosen)(part), use))
        return { ...found, ...judged(found, adds) }
      }
      // Parts are disjoint, so one sample moves one of them: the bound is that of each.
      const finish = (parts: readonly Found<P>[]): ClippedGrad<P> => ({
        bounded: { _tag: 'BoundedSum', sum: total.value() as P, l2Bound },
        diagnostics: { _tag: 'NotPrivate', value: joined(parts) },
      })
      return { use, accept, mend, finish }
    })
  }
}

/** What was found of a part: does its sum count, and if it is the first that does, what it is? */
interface Found<P extends Tree> extends ClippingDiagnostics {
  readonly counts: boolean
  readonly sum: P | undefined
}

/** What samples did of which not all are finite, once those that count have been added up. `adds` says whether some can be. */
const judged = (
  { norm, groupNorms }: ClippingDiagnostics,
  adds: (chosen: readonly number[]) => boolean,
): Omit<ClippingDiagnostics, 'loss'> => {
  const norms = toArray(norm)
  const finite = norms.flatMap((s, index) => (Number.isFinite(s) ? [index] : []))
  const together = adds(finite)
  // Where a finite norm hides an overflow, each sample is judged on its own: nobody's share depends on the company.
  const overflown = new Set(together ? [] : finite.filter((index) => !adds([index])))
  // Even where nobody's share counts there is a sum.
  if (!together) adds([])
  const reported = (norm: Tensor): Tensor =>
    tensor(
      toArray(norm).map((s, index) => (overflown.has(index) ? Number.POSITIVE_INFINITY : s)),
      norm.shape,
      'float64',
    )
  return {
    norm: reported(norm),
    groupNorms: Object.fromEntries(Object.entries(groupNorms).map(([name, norm]) => [name, reported(norm)])),
    nonFinite: norms.length - finite.length + overflown.size,
  }
}

/** What the samples of the parts of one batch did, as those of the whole. */
const joined = (parts: readonly ClippingDiagnostics[]): ClippingDiagnostics => {
  const [{ loss, norm, groupNorms, nonFinite }, ...rest] = parts as readonly [
    ClippingDiagnostics,
    ...ClippingDiagnostics[],
  ]
  if (rest.length === 0) return { loss, norm, groupNorms, nonFinite }
  return {
    loss: concatenate([loss, ...rest.map((part) => part.loss)]),
    norm: concatenate([norm, ...rest.map((part) => part.norm)]),
    groupNorms: Object.fromEntries(
      Object.entries(groupNorms).map(([name, own]) => [
        name,
        concatenate([own, ...rest.map((part) => part.groupNorms[name] as Tensor)]),
      ]),
    ),
    nonFinite: rest.reduce((sum, part) => sum + part.nonFinite, nonFinite),
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
 *            is neither affine nor a convolution, the per-sample gradients of that layer are formed. A batch that keeps more than
 *            `numbersAtOnce` goes through in parts, so that memory does not grow with it
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

/** Options of a sum on a grid. */
export interface GridOptions extends GradientOptions {
  /** γ: what a step of the public grid stands for. Default: the power of 2 that divides the bound into 2¹⁶ to 2¹⁷ steps. */
  readonly gridSpacing?: number
}

/** The sum on a grid, and what led to it. */
export interface GriddedGrad<P extends Tree> {
  readonly bounded: IntegerSum<P>
  readonly diagnostics: NotPrivate<ClippingDiagnostics>
}

/** Numbers of per-sample gradients that are formed at a time: 64 MiB of float32. */
const formedAtOnce = 2 ** 24

/**
 * The sum of clipped gradients in whole numbers, for `gridGaussian`.
 *
 *   Σₙ round(w(‖gₙ‖) gₙ / γ),   each of length ≤ Δ = ⌈C/γ + √d/2⌉ steps
 *
 * Guarantee  adding one sample to a batch moves the sum by at most Δ steps, exactly: each sample's length is checked in whole
 *            numbers, and whole numbers add without rounding. The one assumption is that a backend's per-sample gradient does
 *            not depend on the rest of the batch, bit for bit, which a property checks for every layer and backend;
 *            `plan: 'oneByOne'` needs no assumption. Contrast `clippedGrad`, whose float sums round (Casacuberta et al. 2022)
 * Cost       forms every per-sample gradient, some samples at a time
 * Errors     RangeError where bound and grid do not fit (`gridFor`)
 * Reference  Kairouz, Liu, Steinke 2021, arXiv:2102.06387
 */
export const griddedGrad = <P extends Tree, C>(
  loss: Loss,
  model: LayerRule<P, C>,
  clip: Clip,
  { gridSpacing, ...options }: GridOptions = {},
): ((params: P, batch: Batch) => GriddedGrad<P>) => {
  const fixed = { ...clip }
  const perSample = withPerSampleGradients(loss, model, options)
  const dtype = (options.backend ?? defaultBackend()).dtype
  return (params, batch) => {
    const dimension = treeSize(params)
    const grid = gridFor({ l2Bound: fixed.l2Bound, dimension, ...(gridSpacing === undefined ? {} : { gridSpacing }) })
    const addUp = griddedSum(fixed, grid, params)
    const count = batch.input.shape[0] as number
    const atOnce = Math.max(1, Math.floor(formedAtOnce / Math.max(1, dimension)))
    const parts = Array.from({ length: Math.max(1, Math.ceil(count / atOnce)) }, (_, part) => {
      const indices = Array.from({ length: Math.min(atOnce, count - part * atOnce) }, (_, n) => part * atOnce + n)
      const chosen = count <= atOnce ? batch : takeBatch(indices)(batch)
      return perSample(params, chosen, (gradients) => ({
        loss: gradients.loss,
        ...addUp(gradients.grad(), gradients.count),
      }))
    })
    const joined = (of: (part: (typeof parts)[number]) => ArrayLike<number>): Tensor => {
      const numbers = parts.flatMap((part) => Array.from(of(part)))
      return tensor(numbers, [numbers.length], 'float64')
    }
    const norm = joined(({ norms }) => norms)
    const names = isGroupClip(fixed) ? groupsOf(fixed.group)(params).map(({ name }) => name) : []
    return {
      bounded: integerSum(parts.map(({ sum }) => sum).reduce(addTrees<P>), grid, dtype),
      diagnostics: {
        _tag: 'NotPrivate',
        value: {
          loss: joined((part) => toArray(part.loss)),
          norm,
          groupNorms: Object.fromEntries(
            names.map((name, m) => [name, joined((p) => p.groupNorms[m] as Float64Array)]),
          ),
          nonFinite: toArray(norm).filter((s) => !Number.isFinite(s)).length,
        },
      },
    }
  }
}

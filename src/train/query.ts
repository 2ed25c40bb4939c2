/**
 * What a step asks of its batch: the clipped sum with noise, on floats or on a grid of whole numbers.
 */
import type { LabelledBatch } from '../data/dataset.js'
import type { LayerRule } from '../grad/layer.js'
import type { OptimizerState } from '../optim/index.js'
import { type AdaptiveClipState, adaptiveQuantileClip, gradientMultiplier } from '../privacy/clip/adaptive-quantile.js'
import { type BoundedSum, disjointSum } from '../privacy/clip/clip.js'
import { gridFor } from '../privacy/clip/grid.js'
import { groupsOf } from '../privacy/clip/group-clip.js'
import { disjointIntegerSum, type IntegerSum } from '../privacy/clip/integer-sum.js'
import {
  type ClippingDiagnostics,
  clippedGradWithDiagnostics,
  griddedGrad,
  type NotPrivate,
} from '../privacy/clipped-grad.js'
import {
  composed,
  gaussian as gaussianEvent,
  type NoiseGrade,
  nonPrivate,
  type PrivacyEvent,
} from '../privacy/event/event.js'
import { eventOnGrid, gridGaussian } from '../privacy/mechanism/discrete-gaussian.js'
import { gaussian, type Released } from '../privacy/mechanism.js'
import type { Key } from '../sampling/index.js'
import { type Tree, treeSize } from '../tensor/tree.js'
import type { AdaptiveChoice, ClipChoice, GridChoice, RunConfig, StepSettings } from './config.js'

/** A released sum, what its batch looked like, and the bounds that adaptive clipping goes on with. */
export interface Answer<P extends Tree> {
  readonly released: Released<P>
  readonly diagnostics: readonly NotPrivate<ClippingDiagnostics>[]
  readonly bounds: AdaptiveClipState
}

/** The batch in physical parts, read one after another. */
export type Parts = readonly (() => LabelledBatch)[]

/** The sum over a batch, with noise from a key. */
export type Query<P extends Tree> = (key: Key) => (params: P, bounds: AdaptiveClipState, parts: Parts) => Answer<P>

interface Part<B> {
  readonly bounded: B
  readonly diagnostics: NotPrivate<ClippingDiagnostics>
}

/** Clips each part, and joins the sums. */
const sumOver = <P extends Tree, B>(
  clipped: (params: P, part: LabelledBatch) => Part<B>,
  join: (a: B, b: B) => B,
  params: P,
  [first, ...rest]: Parts,
): { readonly bounded: B; readonly diagnostics: readonly NotPrivate<ClippingDiagnostics>[] } => {
  if (first === undefined) throw new RangeError('parts is empty: a batch has at least one, which may be empty')
  let { bounded, diagnostics } = clipped(params, first())
  const seen = [diagnostics]
  for (const part of rest) {
    const next = clipped(params, part())
    bounded = join(bounded, next.bounded)
    seen.push(next.diagnostics)
  }
  return { bounded, diagnostics: seen }
}

/** Noise on a sum whose bound is fixed. */
const fixedQuery =
  <P extends Tree, B>(
    clipped: (params: P, part: LabelledBatch) => Part<B>,
    join: (a: B, b: B) => B,
    addNoise: (key: Key) => (bounded: B) => Released<P>,
  ): Query<P> =>
  (key) =>
  (params, bounds, parts) => {
    const { bounded, diagnostics } = sumOver(clipped, join, params, parts)
    return { released: addNoise(key)(bounded), diagnostics, bounds }
  }

/** Are sums whole numbers? */
export const isOnGrid = (grid: GridChoice | undefined): grid is Exclude<GridChoice, false> =>
  grid !== undefined && grid !== false

/** Is this a clip that adapts? */
export const isAdaptive = (clip: ClipChoice): clip is AdaptiveChoice => 'adaptive' in clip

/** The bound before the first step. */
export const initialBound = (clip: ClipChoice): number =>
  isAdaptive(clip) ? clip.adaptive.initialClipNorm : clip.l2Bound

/** Do bounds name the same groups? */
const sameGroups = (a: AdaptiveClipState, b: AdaptiveClipState): boolean =>
  Object.keys(a).length === Object.keys(b).length && Object.keys(a).every((group) => Object.hasOwn(b, group))

/** The query of a step. */
export const queryOf = <P extends Tree, C, S extends OptimizerState, Curve>(
  { loss, model, grid, ...options }: RunConfig<P, C, S, Curve> & { readonly model: LayerRule<P, C> },
  { clip, noiseMultiplier, expectedBatchSize }: Noisy,
): Query<P> => {
  const join = disjointSum<P>().concat
  if (isAdaptive(clip)) {
    const adaptive = adaptiveQuantileClip({ ...clip.adaptive, noiseMultiplier, expectedBatchSize })
    return (key) => (params, before, parts) => {
      const initial = adaptive.init(params)
      // A phase goes on with the bounds of the one before where they are of the same groups.
      const bounds = sameGroups(initial, before) ? before : initial
      const clipped = clippedGradWithDiagnostics(loss, model, adaptive.clip(bounds), options)
      const { bounded, diagnostics } = sumOver(clipped, join, params, parts)
      const { released, state } = adaptive.release(bounds)(key)(bounded, diagnostics)
      return { released, diagnostics, bounds: state }
    }
  }
  return !isOnGrid(grid)
    ? fixedQuery<P, BoundedSum<P>>(
        clippedGradWithDiagnostics(loss, model, clip, options),
        join,
        gaussian(noiseMultiplier),
      )
    : fixedQuery<P, IntegerSum<P>>(
        griddedGrad(loss, model, clip, { ...options, ...(grid === true ? {} : grid) }),
        disjointIntegerSum<P>().concat,
        gridGaussian(noiseMultiplier),
      )
}

type Noisy = Pick<StepSettings, 'clip' | 'noiseMultiplier' | 'expectedBatchSize'>

/**
 * The event that a query releases, before any sampling.
 *
 * @throws RangeError where the grid cannot hold the bound, an adaptive clip leaves no noise for the gradient, or its settings are
 *         out of their ranges
 */
export const queryEvent =
  (grid: GridChoice | undefined, params: Tree) =>
  ({ clip, noiseMultiplier, expectedBatchSize }: Noisy, grade: NoiseGrade): PrivacyEvent => {
    if (isAdaptive(clip)) {
      if (isOnGrid(grid)) throw new RangeError('grid is on: a clip that adapts has no sums on a grid')
      adaptiveQuantileClip({ ...clip.adaptive, noiseMultiplier, expectedBatchSize })
      const { group, countDeviation = expectedBatchSize / 20 } = clip.adaptive
      const groups = group === undefined ? 1 : groupsOf(group)(params).length
      const count = countDeviation / (Math.sqrt(groups) / 2)
      const gradient = gradientMultiplier({ whole: noiseMultiplier, count })
      return composed([
        noiseMultiplier === 0 ? nonPrivate : gaussianEvent(gradient, grade),
        gaussianEvent(count, grade),
      ])
    }
    if (!isOnGrid(grid)) return gaussianEvent(noiseMultiplier, grade)
    const dimension = treeSize(params)
    const { l2Bound } = gridFor({ l2Bound: clip.l2Bound, dimension, ...(grid === true ? {} : grid) })
    if (noiseMultiplier === 0) return nonPrivate
    return eventOnGrid({ sigma: noiseMultiplier * l2Bound, l2Bound, grade: grade === 'float' ? 'float' : 'discrete' })
  }

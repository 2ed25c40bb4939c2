/**
 * Adaptive clipping: the bound follows a quantile of the gradient norms, which is estimated privately beside the gradient.
 * C bound · z noise multiplier of the whole · σ_b standard deviation of the noise on a count · M groups · m expected batch size.
 */
import { foldIn, type Key } from '../../sampling/key.js'
import { type Tensor, tensor, toArray } from '../../tensor/tensor.js'
import type { Tree } from '../../tensor/tree.js'
import type { ClippingDiagnostics, NotPrivate } from '../clipped-grad.js'
import { composed } from '../event/event.js'
import { gaussian, type Released } from '../mechanism.js'
import { type BoundedSum, flatClip, positive } from './clip.js'
import { type Clip, type Grouping, groupBoundsClip, groupsOf } from './group-clip.js'

/** The bound of each group; of the one group '' where clipping is flat. Public: it comes of released counts. */
export type AdaptiveClipState = Readonly<Record<string, number>>

/** The settings of `adaptiveQuantileClip`. */
export interface AdaptiveQuantileOptions {
  /** C of each group before the first step. */
  readonly initialClipNorm: number
  /** z: what gradient and counts of a step may cost together. */
  readonly noiseMultiplier: number
  /** m, a public constant. */
  readonly expectedBatchSize: number
  /** σ_b, above z √M / 2. Default m / 20. */
  readonly countDeviation?: number
  /** γ: the part of the gradients that is not to be clipped. Default 0.5. */
  readonly targetQuantile?: number
  /** η, default 0.2. */
  readonly learningRate?: number
  /** Default: the whole gradient is one group. */
  readonly group?: Grouping
}

/** What a step with an adaptive bound releases: gradient and counts in one event, and the bounds that follow. */
export interface AdaptiveRelease<P extends Tree> {
  readonly released: Released<P>
  readonly state: AdaptiveClipState
}

/** A clip whose bound follows a quantile of the norms, told by noisy counts. */
export interface AdaptiveClip {
  /** The bounds of the first step. */
  readonly init: (params: Tree) => AdaptiveClipState
  /** The clip of the next step. */
  readonly clip: (state: AdaptiveClipState) => Clip
  /**
   * Noises a clipped sum and the counts of norms that are within their bounds, all of one batch, and moves the bounds.
   * The diagnostics are those of all parts of the batch.
   *
   * Errors  RangeError where the sum was clipped to other bounds than the state's
   */
  readonly release: (
    state: AdaptiveClipState,
  ) => (
    key: Key,
  ) => <P extends Tree>(
    sum: BoundedSum<P>,
    diagnostics: readonly NotPrivate<Pick<ClippingDiagnostics, 'norm' | 'groupNorms'>>[],
  ) => AdaptiveRelease<P>
}

/**
 * The multiplier that is left for the gradient, when counts of multiplier `count` are released beside it:
 * z_Δ⁻² + count⁻² ≤ z⁻², within a few units in the last place.
 *
 *   z_Δ = z · count / ((count − z)(count + z))^½
 *
 * @throws RangeError unless 0 ≤ z < count
 * @example
 * gradientMultiplier({ whole: 3, count: 5 }).toFixed(9) // => '3.750000000'
 */
export const gradientMultiplier = ({ whole, count }: { readonly whole: number; readonly count: number }): number => {
  if (!(whole >= 0 && whole < count))
    throw new RangeError(
      `noiseMultiplier is ${whole}: it must be in [0, ${count}), since the counts alone have a multiplier of ${count}`,
    )
  return ((whole * count) / Math.sqrt((count - whole) * (count + whole))) * (1 + 2 ** -50)
}

/** Bounds stay where float32 sums can keep them. */
const [least, most] = [2 ** -60, 2 ** 60]

/** Σₙ (1[‖g_m,n‖ ≤ C_m] − ½) for each group; who has no finite gradient is counted nowhere. */
const centredCounts = (
  bounds: readonly (readonly [name: string, bound: number])[],
  diagnostics: Parameters<ReturnType<ReturnType<AdaptiveClip['release']>>>[1],
): BoundedSum<Tensor> => {
  const counts = bounds.map(([name, bound]) =>
    diagnostics.reduce((sum, { value }) => {
      const whole = toArray(value.norm)
      const own = toArray(value.groupNorms[name] ?? value.norm)
      return own.reduce(
        (total, norm, n) => (Number.isFinite(whole[n]) ? total + (norm <= bound ? 0.5 : -0.5) : total),
        sum,
      )
    }, 0),
  )
  return { _tag: 'BoundedSum', sum: tensor(counts, [counts.length], 'float64'), l2Bound: Math.sqrt(counts.length) / 2 }
}

/**
 * A bound for each group that follows the γ-quantile of its gradient norms.
 *
 *   b̃ = (Σₙ (1[‖gₙ‖ ≤ C] − ½) + N(0, σ_b²)) / m + ½        C ← C e^(−η (b̃ − γ))
 *
 * Guarantee  one step costs what a Gaussian of multiplier z costs, and its event says so: the gradient with z_Δ and the counts with
 *            2σ_b/√M, composed on one batch. Each centred bit is ±½, so M counts move by √M/2 for one sample; the divisor is the
 *            expected batch size, never the actual one. Everything goes through one call, so that no part can be forgotten
 * Errors     RangeError unless all settings are in their ranges
 * Reference  Andrew, Thakkar, McMahan, Ramaswamy 2021, arXiv:1905.03871; by groups: He et al. 2023, arXiv:2212.01539
 *
 * @example
 * const adaptive = adaptiveQuantileClip({ initialClipNorm: 1, noiseMultiplier: 1, expectedBatchSize: 100 })
 * adaptive.clip(adaptive.init({})).l2Bound // => 1
 */
export const adaptiveQuantileClip = ({
  initialClipNorm,
  noiseMultiplier,
  expectedBatchSize,
  countDeviation = expectedBatchSize / 20,
  targetQuantile = 0.5,
  learningRate = 0.2,
  group,
}: AdaptiveQuantileOptions): AdaptiveClip => {
  positive('initialClipNorm', initialClipNorm)
  positive('expectedBatchSize', expectedBatchSize)
  positive('learningRate', learningRate)
  gradientMultiplier({ whole: noiseMultiplier, count: 2 * positive('countDeviation', countDeviation) })
  if (!(targetQuantile > 0 && targetQuantile < 1))
    throw new RangeError(`targetQuantile is ${targetQuantile}: it must be in (0, 1)`)
  const clip = (state: AdaptiveClipState): Clip =>
    group === undefined ? flatClip(state[''] as number) : groupBoundsClip({ group, l2ClipNorms: state })
  return {
    init: (params) =>
      Object.fromEntries(
        (group === undefined ? [{ name: '' }] : groupsOf(group)(params)).map(({ name }) => [name, initialClipNorm]),
      ),
    clip,
    release: (state) => (key) => (sum, diagnostics) => {
      const { l2Bound } = clip(state)
      if (sum.l2Bound !== l2Bound)
        throw new RangeError(`l2Bound is ${sum.l2Bound}: the bounds of this step promise ${l2Bound}`)
      const bounds = Object.entries(state)
      const counts = centredCounts(bounds, diagnostics)
      const count = countDeviation / counts.l2Bound
      const gradient = gaussian(gradientMultiplier({ whole: noiseMultiplier, count }))(foldIn(0)(key))(sum)
      const within = gaussian(count)(foldIn(1)(key))(counts)
      const noisy = toArray(within.value)
      return {
        released: { value: gradient.value, event: composed([gradient.event, within.event]) },
        state: Object.fromEntries(
          bounds.map(([name, bound], m) => {
            const fraction = (noisy[m] as number) / expectedBatchSize + 0.5
            const next = bound * Math.exp(-learningRate * (fraction - targetQuantile))
            return [name, Math.min(most, Math.max(least, next))]
          }),
        ),
      }
    },
  }
}

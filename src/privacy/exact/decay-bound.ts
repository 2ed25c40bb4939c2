/**
 * How fast |M(c + iy)| falls: the bound that says where the contour may end.
 *
 * Under the law of t tilted by e^{cL}, with density G, p(t) = σ|L′(t)| (scaled so that p ≤ 1), φ(y) = M(c + iy)/M(c):
 *
 *   far    |φ(y)| ≤ 1 − E[p^κ] + (σ/y) TV(G p^{κ−1})                                    for every κ ≥ 0: partial integration of a part p^κ
 *   near   |φ(y)|² ≤ 1 − (2/π²) a² E[(L − L̃)²; L, L̃ ∈ W]     a ≤ y ≤ b, W an interval of length π/b, L̃ an independent copy:
 *          |φ|² = E cos(y(L − L̃)) and 1 − cos x ≥ 2x²/π² for |x| ≤ π
 *
 * The far bound falls for ever; the near one is read on cells [a, 1.15a], with W at the edges of the losses, and about quantiles of them. Sums over nodes stand for
 * the integrals: all of a total variation, plus 10 max(G p^{κ−1}) (e^{Λh²/8} − 1) for at most five extrema between nodes, where the
 * logarithm's second derivative is at most Λ = 1 + (2c + 4 + 2κ)/(4σ²); and four fifths of the near bound's expectation, since W cuts
 * the rule.
 */
import type { Composition } from './composition.js'
import { innerRule } from './inner-rule.js'
import { type LossAt, lossAt, type SampledPair, slopeAt, windowOf } from './pair.js'

const POWERS: readonly number[] = [0, 0.05, 0.1, 0.15, 0.25, 0.35, 0.5, 0.75, 1, 1.5, 2, 3]

/** A bound of log |φ(y)| for all y ∈ [a, b]. */
type CellDecay = (a: number, b: number) => number

/** The tilted law of one step on real nodes: log G up to a constant, log p, and L. */
interface TiltedLaw {
  readonly step: number
  readonly logDensity: Float64Array
  readonly logSlope: Float64Array
  readonly loss: Float64Array
  readonly peak: number
}

const MOST_NODES = 60_000

const tiltedLaw = (pair: SampledPair, tilt: number): TiltedLaw | undefined => {
  const evaluate = lossAt(pair)
  const slope = slopeAt(pair)
  const largest = pair.kind === 'replace' ? 2 : 1
  const at: LossAt = { loss: 0, logP: 0 }
  const { step } = innerRule(pair, tilt)
  const { low, high } = windowOf(pair, tilt)
  // G/p has its maximum up to 1/σ further left.
  const first = Math.ceil((low - 1 / pair.noiseMultiplier) / step)
  const count = Math.floor(high / step) - first + 1
  if (!(count < MOST_NODES)) return undefined
  const logDensity = new Float64Array(count)
  const logSlope = new Float64Array(count)
  const loss = new Float64Array(count)
  let peak = -Infinity
  for (let k = 0; k < count; k++) {
    // From the smallest loss to the largest.
    const t = (pair.kind === 'add' ? first + count - 1 - k : first + k) * step
    evaluate(t, at)
    logDensity[k] = at.logP + tilt * at.loss - 0.5 * t * t
    logSlope[k] = Math.log(Math.max(slope(t) / largest, 1e-300))
    loss[k] = at.loss
    peak = Math.max(peak, logDensity[k] as number)
  }
  return { step, logDensity, logSlope, loss, peak }
}

/** |φ(y)| ≤ lost + variation / y. */
interface FarBound {
  readonly lost: number
  readonly variation: number
}

const farBounds = (
  { step, logDensity, logSlope, peak }: TiltedLaw,
  { kind, noiseMultiplier: sigma }: SampledPair,
  tilt: number,
): readonly FarBound[] => {
  const count = logDensity.length
  return POWERS.map((kappa) => {
    let total = 0
    let mass = 0
    let variation = 0
    let previous = 0
    let top = 0
    for (let k = 0; k < count; k++) {
      const base = (logDensity[k] as number) - peak
      const log = logSlope[k] as number
      if (base < -60 && base + (kappa - 1) * log < -60) continue
      const density = Math.exp(base)
      const value = Math.exp(base + (kappa - 1) * log)
      variation += Math.abs(value - previous)
      previous = value
      top = Math.max(top, value)
      total += density
      mass += density * Math.exp(kappa * log)
    }
    const curvature = 1 + (2 * tilt + 4 + 2 * kappa) / (4 * sigma * sigma)
    variation += previous + 10 * top * Math.expm1((curvature * step * step) / 8)
    const scale = sigma / (kind === 'replace' ? 2 : 1) / (total * step)
    return { lost: Math.max(0, 1 - mass / total + 1e-12), variation: scale * variation }
  })
}

const farBound =
  (bounds: readonly FarBound[]) =>
  (y: number): number =>
    bounds.reduce((best, { lost, variation }) => Math.min(best, lost + variation / y), 1)

/** Where windows stand: at the edges of the losses, and about these parts of the tilted mass. */
const QUANTILES: readonly number[] = [0.05, 0.2, 0.5, 0.8]

const nearBound = ({ logDensity, loss, peak }: TiltedLaw): CellDecay => {
  const count = logDensity.length
  const [mass, one, two] = Array.from({ length: 3 }, () => new Float64Array(count + 1)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ]
  // Moments are taken about the edge where losses crowd, the smallest |L|-spacing: differences of sums must keep their digits.
  const crowdsBelow =
    (loss[1] as number) - (loss[0] as number) < (loss[count - 1] as number) - (loss[count - 2] as number)
  const origin = loss[crowdsBelow ? 0 : count - 1] as number
  for (let k = 0; k < count; k++) {
    const g = Math.exp((logDensity[k] as number) - peak)
    const x = (loss[k] as number) - origin
    mass[k + 1] = (mass[k] as number) + g
    one[k + 1] = (one[k] as number) + g * x
    two[k + 1] = (two[k] as number) + g * x * x
  }
  const total = mass[count] as number
  /** The first index from which on an increasing sequence is at least x. */
  const firstFrom = (values: Float64Array, x: number): number => {
    let [low, high] = [0, values.length]
    while (high > low) {
      const middle = (low + high) >> 1
      if ((values[middle] as number) < x) low = middle + 1
      else high = middle
    }
    return low
  }
  const centres = QUANTILES.map((part) => loss[Math.min(count - 1, firstFrom(mass, part * total))] as number)
  const spreadFrom = (low: number, width: number): number => {
    const [start, stop] = [firstFrom(loss, low), firstFrom(loss, low + width)]
    const within = (sums: Float64Array): number => (sums[stop] as number) - (sums[start] as number)
    return Math.max(0, within(mass) * within(two) - within(one) ** 2)
  }
  return (a, b) => {
    const width = Math.PI / b
    const starts = [loss[0] as number, (loss[count - 1] as number) - width, ...centres.map((x) => x - 0.5 * width)]
    const spread = starts.reduce((best, low) => Math.max(best, spreadFrom(low, width)), 0)
    // Of a difference of sums that cancels to nothing nothing is claimed.
    const rounding = 1e-13 * total * (two[count] as number)
    const share = (0.8 * (4 / Math.PI ** 2) * a * a * Math.max(0, spread - rounding)) / (total * total)
    return 0.5 * Math.log1p(-Math.min(0.999, share))
  }
}

const stepDecay = (pair: SampledPair, tilt: number): CellDecay => {
  const law = tiltedLaw(pair, tilt)
  if (law === undefined) return () => 0
  const far = farBound(farBounds(law, pair, tilt))
  const near = nearBound(law)
  return (a, b) => Math.min(Math.log(far(a)), near(a, b))
}

/** A composition's bound, cell by cell: log |M(c + iy)/M(c)| summed over its steps is at most `bounds[i]` for every y ≥ starts[i]. */
export interface Decay {
  readonly starts: Float64Array
  readonly bounds: Float64Array
}

const RATIO = 1.15

/**
 * The bound at tilt c, from y = `first` on.
 *
 * Cost       a few dozen exponentials a node of the inner rule; then about twenty operations a step and cell
 */
export const decay = (
  { precision, steps }: Composition,
  { tilt, first }: { readonly tilt: number; readonly first: number },
): Decay => {
  const parts = steps.map(({ pair, count }) => ({ at: stepDecay(pair, tilt), count }))
  const cells = Math.ceil(Math.log(1e12) / Math.log(RATIO))
  const starts = new Float64Array(cells)
  const bounds = new Float64Array(cells)
  for (let i = 0; i < cells; i++) {
    const a = first * RATIO ** i
    starts[i] = a
    bounds[i] = parts.reduce((sum, { at, count }) => sum + count * at(a, RATIO * a), -0.5 * precision * a * a)
  }
  for (let i = cells - 2; i >= 0; i--) bounds[i] = Math.max(bounds[i] as number, bounds[i + 1] as number)
  return { starts, bounds }
}

/** The bound for every y ≥ the given one. */
export const decayFrom = ({ starts, bounds }: Decay, y: number): number => {
  let bound = 0
  for (let i = 0; i < starts.length && (starts[i] as number) <= y; i++) bound = bounds[i] as number
  return bound
}

/** The first cell from which on the bound, and 1/y with it, is at most e^target; Infinity if there is none. */
export const decayPoint = ({ starts, bounds }: Decay, target: number): number => {
  for (let i = 0; i < starts.length; i++)
    if ((bounds[i] as number) - Math.log(starts[i] as number) <= target) return starts[i] as number
  return Infinity
}

/**
 * The far bound alone, for a certificate: the first y (to 1 %) from which on it, and 1/y, are at most e^target, and the exponent κ that
 * is best there for each step.
 */
export const farDecay =
  ({ precision, steps }: Composition, tilt: number) =>
  (target: number): { readonly y: number; readonly powers: readonly number[] } => {
    const parts = steps.map(({ pair, count }) => {
      const law = tiltedLaw(pair, tilt)
      return { count, bounds: law === undefined ? [] : farBounds(law, pair, tilt) }
    })
    const bestAt = (bounds: readonly FarBound[], y: number): number =>
      bounds.reduce(
        (best, { lost, variation }, i) =>
          lost + variation / y < (bounds[best] as FarBound).lost + (bounds[best] as FarBound).variation / y ? i : best,
        0,
      )
    const at = (y: number): number =>
      parts.reduce(
        (sum, { count, bounds }) => {
          const { lost, variation } = bounds[bestAt(bounds, y)] ?? { lost: 1, variation: 0 }
          return sum + count * Math.min(0, Math.log(lost + variation / y))
        },
        -0.5 * precision * y * y,
      )
    let y = 1e-3
    while (at(y) - Math.log(y) > target && y < 1e12) y *= 1.01
    return {
      y: y < 1e12 ? y : Infinity,
      powers: parts.map(({ bounds }) => POWERS[bestAt(bounds, y)] as number),
    }
  }

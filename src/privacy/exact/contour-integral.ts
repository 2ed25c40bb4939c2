/**
 * δ(ε) of a composition by the trapezoid rule on a vertical line through the saddle point, with every error accounted for.
 *
 *   δ(ε) = (1/2π) ∫ e^{K(s) − sε} / (s (s + 1)) dy,   s = c + iy,   K(s) = Σ n log M(s)
 *
 * The enclosure is  T − tail − aliasing − inner − rounding ≤ δ ≤ T + tail + inner + rounding:
 *
 *   aliasing   `aliasing.ts`; one-sided
 *   tail       |y| > Y:  (1/πY) e^{K(c) − cε} b(Y),  b from `decay-bound.ts`, as b decreases and ∫_Y^∞ dy/y² = 1/Y
 *   inner and  a moment with absolute error e gives |(M + e)^n − M^n| ≤ |M|^n expm1(n log1p(e/|M|)); e holds the inner rule, its window,
 *   rounding   and the rounding of `contour-block.ts`; 16u (1 + |K| + (c + y)ε) for exponential and phase, N u for the sum
 *
 * Where |M| falls too slowly for `mostPoints` (few steps, small q), the composition is joined by a Gaussian mechanism of precision v = μ²,
 * which decays by itself. That can only raise δ, so the upper bound stands; for the lower, δ(ε) ≥ δ_v(ε + t) − δ_Gauss(t) for every t
 * (basic composition). The estimate is extrapolated from v, 3v/2, 2v, 3v to 0, which costs no further moments.
 *
 * References  Alghamdi et al. 2023, arXiv:2208.09595, Thm 3.1 · Trefethen & Weideman 2014, SIAM Review 56 (the trapezoid rule)
 */
import { logDeltaOfGdp } from '../gdp.js'
import { logAddExp, logSubExp, logSumExp } from '../special.js'
import { logAliasing, outerStep } from './aliasing.js'
import type { Composition } from './composition.js'
import { type Contour, contourSum } from './contour-sum.js'
import { decay, decayFrom, decayPoint } from './decay-bound.js'
import type { SaddlePoint } from './saddle-point.js'

/** log δ with its enclosure, and where it came from. */
export interface LogDelta {
  readonly lower: number
  readonly estimate: number
  readonly upper: number
  /** d log δ / dε. */
  readonly slope: number
  readonly contour: Contour
}

export interface ContourOptions {
  /** Points that a contour may have before the composition is smoothed. */
  readonly mostPoints: number
  /** −log of what aliasing and tail may be, relative to δ. */
  readonly digits: number
}

export const defaultContour: ContourOptions = { mostPoints: 30_000, digits: 32 }

/** The values of a cubic in v at v, 3v/2, 2v, 3v give its value at 0. */
const EXTRAPOLATION = [9, -16, 9, -1] as const

/** log max(e^a − e^b, 0). */
const logDifference = (a: number, b: number): number => (a > b ? logSubExp(a, b) : -Infinity)

/**
 * log δ(ε), its enclosure and its slope; undefined where a tilt is out of range.
 *
 * Cost       50 to 300 points of 150 nodes for hundreds of steps or more; up to `mostPoints` for few
 */
export const contourLogDelta = (
  composition: Composition,
  saddle: SaddlePoint,
  epsilon: number,
  options: ContourOptions = defaultContour,
): LogDelta | undefined => {
  const found = enclose(composition, saddle, epsilon, options)
  // Where the approximation at the saddle was far too large, the errors were sized for it: once more, with what is known now.
  return found !== undefined && found.estimate < saddle.logDelta - 2 && found.lower < found.estimate - 1e-9
    ? (enclose(composition, { ...saddle, logDelta: found.estimate }, epsilon, options) ?? found)
    : found
}

const enclose = (
  composition: Composition,
  saddle: SaddlePoint,
  epsilon: number,
  { mostPoints, digits }: ContourOptions,
): LogDelta | undefined => {
  const { tilt, exponent, logDelta } = saddle
  const step = outerStep(composition, saddle, { epsilon, digits })
  const { spacing } = step
  if (!(spacing > 0 && exponent < Infinity)) return undefined
  const falls = decay(composition, { tilt, first: spacing })
  const target = logDelta - digits - exponent + Math.log(Math.PI)
  const wished = Math.ceil(decayPoint(falls, target) / spacing) + 2
  const points = Math.min(wished, mostPoints)
  const end = (points - 1) * spacing
  const bound = decayFrom(falls, end)
  const smoothing = wished <= mostPoints ? 0 : (2 * (bound - Math.log(end) - target)) / (end * end - tilt * (tilt + 1))
  if (!(smoothing >= 0)) return undefined
  const contour = { tilt, spacing, points, smoothing }
  const sum = contourSum(composition, contour, { epsilon, exponent })
  if (sum === undefined) return undefined
  const unit = exponent + Math.log(spacing / Math.PI)
  const value = sum.values[0] as number
  const smoothed = unit + Math.log(Math.max(value, 0))
  const tail = exponent + bound - 0.5 * smoothing * (end * end - tilt * (tilt + 1)) - Math.log(Math.PI * end)
  const error = logAddExp(tail, unit + Math.log(sum.error))
  const upper = Math.min(0, logAddExp(smoothed, error))
  const slope = -sum.slope / value
  if (smoothing === 0) {
    const below = logAddExp(error, logAliasing(step, { abscissa: tilt, smoothing }))
    return { lower: logDifference(smoothed, below), estimate: Math.min(smoothed, 0), upper, slope, contour }
  }
  const limit = sum.values.reduce((total, one, i) => total + one * (EXTRAPOLATION[i] as number), 0)
  const estimate = Math.min(unit + Math.log(Math.max(limit, 0)), upper)
  const mu = Math.sqrt(smoothing)
  const distance = mu * (0.5 * mu + Math.sqrt(-2 * (smoothed - 7)))
  const further = contourSum(composition, contour, { epsilon: epsilon + distance, exponent })
  const below = logSumExp([
    tail,
    unit + Math.log(further?.error ?? Infinity),
    logAliasing(step, { abscissa: tilt, smoothing }),
    logDeltaOfGdp(mu)(distance),
  ])
  const lower = logDifference(unit + Math.log(Math.max(further?.values[0] ?? 0, 0)), below)
  return { lower, estimate: Math.max(estimate, lower), upper, slope, contour }
}

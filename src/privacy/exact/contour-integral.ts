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
 * (basic composition). The estimate is then that of `slow-integral.ts`.
 *
 * References  Alghamdi et al. 2023, arXiv:2208.09595, Thm 3.1 · Trefethen & Weideman 2014, SIAM Review 56 (the trapezoid rule)
 */

import { logAddExp, logSubExp, logSumExp } from '../../tensor/special.js'
import { logDeltaOfGdp } from '../gdp.js'
import { logAliasing, type OuterStep, outerStep } from './aliasing.js'
import type { Composition } from './composition.js'
import { type Contour, type ContourSum, contourSum } from './contour-sum.js'
import { type Decay, decay, decayFrom, decayPoint } from './decay-bound.js'
import type { SaddlePoint } from './saddle-point.js'

/** log δ with its enclosure, and where it came from. `slope` is d log δ / dε. */
export interface LogDelta {
  readonly lower: number
  readonly estimate: number
  readonly upper: number
  readonly slope: number
  readonly contour: Contour
}

export interface ContourOptions {
  /** Points that a contour may have before the composition is smoothed. */
  readonly mostPoints: number
  /** −log of what aliasing and tail may be, relative to δ. */
  readonly digits: number
}

export const defaultContour: ContourOptions = { mostPoints: 1 << 14, digits: 32 }

/** What smoothing costs is far above e^(−9), so tail and aliasing need not be below. */
const SMOOTHED_DIGITS = 9

/** A contour that is proved to do, or to need more than it may have. */
export interface ContourPlan {
  readonly saddle: SaddlePoint
  readonly step: OuterStep
  readonly decay: Decay
  /** log of |f| relative to e^{K(c) − cε} from which on the tail is small enough. */
  readonly target: number
  /** The points that the tail asks for. */
  readonly wished: number
}

/** The step and the end of the contour at a saddle point; undefined where the tilt is out of range. */
export const planContour = (
  composition: Composition,
  at: SaddlePoint,
  epsilon: number,
  digits: number = defaultContour.digits,
): ContourPlan | undefined => {
  const step = outerStep(composition, at, { epsilon, digits })
  const { saddle } = step
  if (!(step.spacing > 0 && saddle.exponent < Infinity)) return undefined
  const falls = decay(composition, { tilt: saddle.tilt, first: step.spacing })
  const target = saddle.logDelta - digits - saddle.exponent + Math.log(Math.PI)
  const wished = Math.ceil(decayPoint(falls, target) / step.spacing) + 2
  return { saddle, step, decay: falls, target, wished }
}

/** log max(e^a − e^b, 0). */
const logDifference = (a: number, b: number): number => (a > b ? logSubExp(a, b) : -Infinity)

interface Evaluated {
  readonly sum: ContourSum
  /** log of T, and of the errors that have no sign. */
  readonly log: number
  readonly logError: number
}

const evaluate = (
  composition: Composition,
  { saddle, decay: falls }: ContourPlan,
  contour: Contour,
  epsilon: number,
): Evaluated | undefined => {
  const { tilt, spacing, points, smoothing } = contour
  const sum = contourSum(composition, contour, { epsilon, exponent: saddle.exponent })
  if (sum === undefined) return undefined
  const end = (points - 1) * spacing
  const unit = saddle.exponent + Math.log(spacing / Math.PI)
  const tail =
    saddle.exponent +
    decayFrom(falls, end) -
    0.5 * smoothing * (end * end - tilt * (tilt + 1)) -
    Math.log(Math.PI * end)
  return {
    sum,
    log: unit + Math.log(Math.max(sum.value, 0)),
    logError: logAddExp(tail, unit + Math.log(sum.error)),
  }
}

/**
 * log δ(ε), its enclosure and its slope, on a contour that ends where the tail is proved to be small.
 *
 * Cost       30 to 300 points of 150 nodes for hundreds of steps or more
 */
export const contourLogDelta = (composition: Composition, plan: ContourPlan, epsilon: number): LogDelta | undefined => {
  const { tilt } = plan.saddle
  const contour = { tilt, spacing: plan.step.spacing, points: plan.wished, smoothing: 0 }
  const found = evaluate(composition, plan, contour, epsilon)
  if (found === undefined) return undefined
  const below = logAddExp(found.logError, logAliasing(plan.step, 0))
  return {
    lower: logDifference(found.log, below),
    estimate: Math.min(found.log, 0),
    upper: Math.min(0, logAddExp(found.log, found.logError)),
    slope: -found.sum.slope / found.sum.value,
    contour,
  }
}

/**
 * Bounds of log δ(ε) by a contour of `mostPoints` points, for the composition joined by the Gaussian mechanism that this needs.
 *
 * `logDelta` is a good estimate: the errors are sized for it.
 */
export const smoothedLogDelta = (
  composition: Composition,
  { saddle, logDelta, epsilon }: { readonly saddle: SaddlePoint; readonly logDelta: number; readonly epsilon: number },
  mostPoints: number = defaultContour.mostPoints,
): Omit<LogDelta, 'slope' | 'estimate'> | undefined => {
  const plan = planContour(composition, { ...saddle, logDelta }, epsilon, SMOOTHED_DIGITS)
  if (plan === undefined) return undefined
  const { tilt } = plan.saddle
  const { spacing } = plan.step
  const points = Math.min(plan.wished, mostPoints)
  const end = (points - 1) * spacing
  const missing = decayFrom(plan.decay, end) - Math.log(end) - plan.target
  const smoothing = Math.max(0, (2 * missing) / (end * end - tilt * (tilt + 1)))
  if (!(end > 2 * tilt + 2)) return undefined
  const contour = { tilt, spacing, points, smoothing }
  const above = evaluate(composition, plan, contour, epsilon)
  if (above === undefined) return undefined
  const upper = Math.min(0, logAddExp(above.log, above.logError))
  const mu = Math.sqrt(smoothing)
  const distance = mu === 0 ? 0 : mu * (0.5 * mu + Math.sqrt(-2 * (logDelta - 7)))
  const further = mu === 0 ? above : evaluate(composition, plan, contour, epsilon + distance)
  if (further === undefined) return { lower: -Infinity, upper, contour }
  const joined = mu === 0 ? -Infinity : logDeltaOfGdp(mu)(distance)
  const below = [further.logError, logAliasing(plan.step, smoothing), joined]
  return { lower: logDifference(further.log, logSumExp(below)), upper, contour }
}

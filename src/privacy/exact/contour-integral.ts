/**
 * δ(ε) of a composition by the trapezoid rule on a vertical line through the saddle point, with every error accounted for.
 *
 *   δ(ε) = (1/2π) ∫ e^{K(s) − sε} / (s (s + 1)) dy,   s = c + iy,   K(s) = Σ n log M(s)
 *
 * The enclosure is  T − known − aliasing − tail − inner − rounding ≤ δ ≤ T − known + tail + inner + rounding:
 *
 *   known and  `aliasing.ts`; the second is one-sided
 *   aliasing
 *   tail       |y| > Y:  (1/πY) e^{K(c) − cε} b(Y),  b from `decay-bound.ts`, as b decreases and ∫_Y^∞ dy/y² = 1/Y
 *   inner and  a moment with absolute error e gives |(M + e)^n − M^n| ≤ |M|^n expm1(n log1p(e/|M|)); e holds the inner rule, its window,
 *   rounding   and the rounding of `contour-block.ts`; 16u (1 + |K| + (c + y)ε) for exponential and phase, N u for the sum
 *
 * K does not depend on ε: a contour that was planned for one ε is read at all those near it.
 *
 * References  Alghamdi et al. 2023, arXiv:2208.09595, Thm 3.1 · Trefethen & Weideman 2014, SIAM Review 56 (the trapezoid rule)
 */

import { logAddExp, logSubExp } from '../../tensor/special.js'
import { logDeltaOfGdp } from '../gdp.js'
import { aliasing, type OuterStep, outerStep } from './aliasing.js'
import type { Composition } from './composition.js'
import { type ContourMoments, contourMoments } from './contour-moments.js'
import { contourSum } from './contour-sum.js'
import { type ContourEnd, type Decay, decay, decayEnd, decayFrom } from './decay-bound.js'
import type { SaddlePoint } from './saddle-point.js'

/** log δ with its enclosure. `slope` is d log δ / dε. */
export interface LogDelta {
  readonly lower: number
  readonly estimate: number
  readonly upper: number
  readonly slope: number
}

export interface ContourOptions {
  /** Points that a contour may have before the composition is smoothed. */
  readonly mostPoints: number
  /** −log of what aliasing and tail may be, relative to δ. */
  readonly digits: number
}

export const defaultContour: ContourOptions = { mostPoints: 1 << 18, digits: 28 }

/** Points of a smoothed contour. */
export const SMOOTHED_POINTS: number = 1 << 14

/** What smoothing costs is far above e^(−9), so tail and aliasing need not be below. */
const SMOOTHED_DIGITS = 9

/** A contour that is proved to do, or to need more than it may have. */
export interface ContourPlan {
  readonly saddle: SaddlePoint
  readonly step: OuterStep
  readonly decay: Decay
  readonly end: ContourEnd
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
  const { saddle, spacing } = step
  if (!(spacing > 0 && saddle.exponent < Infinity)) return undefined
  const falls = decay(composition, saddle.tilt)
  const target = saddle.logDelta - digits - saddle.exponent + Math.log(Math.PI)
  const end = decayEnd(falls, target, spacing)
  return { saddle, step, decay: falls, end, target, wished: Math.ceil(end.y / spacing) + 2 }
}

/** A contour's moments, to be read at any ε. */
export interface PlannedContour {
  readonly plan: ContourPlan
  readonly moments: ContourMoments
  /** log of the bound of |M(c + iy)/M(c)| beyond the contour. */
  readonly beyond: number
  /** The precision of the Gaussian that joins the composition. */
  readonly smoothing: number
}

/** The moments along a plan, to its end; undefined where one overflows. */
export const contourAlong = (composition: Composition, plan: ContourPlan): PlannedContour | undefined => {
  const { saddle, step, end, wished } = plan
  const moments = contourMoments(composition, { tilt: saddle.tilt, spacing: step.spacing, points: wished })
  return moments && { plan, moments, beyond: end.bound, smoothing: 0 }
}

/** log max(e^a − e^b, 0). */
const logDifference = (a: number, b: number): number => (a > b ? logSubExp(a, b) : -Infinity)

/**
 * log δ(ε), its enclosure and its slope.
 *
 * Cost       two exponentials, a sine and a cosine a point
 */
export const readContour = ({ plan, moments, beyond, smoothing }: PlannedContour, epsilon: number): LogDelta => {
  const { tilt, spacing, points } = moments.contour
  const exponent = (moments.re[0] as number) + 0.5 * smoothing * tilt * (tilt + 1) - tilt * epsilon
  const sum = contourSum(moments, { epsilon, exponent, smoothing })
  const end = (points - 1) * spacing
  const unit = exponent + Math.log(spacing / Math.PI)
  const tail = exponent + beyond - 0.5 * smoothing * end * end - Math.log(Math.PI * end)
  const { known, logRest } = aliasing(plan.step, epsilon, smoothing)
  const excess = known === 0 ? 0 : known * Math.exp(-unit)
  // Far beyond the ε that it was planned for, a contour says nothing.
  if (!(excess < Infinity && sum.error < Infinity))
    return { lower: -Infinity, estimate: 0, upper: 0, slope: Number.NaN }
  const value = sum.value - excess
  const logError = logAddExp(tail, unit + Math.log(sum.error + 1e-14 * (1 + tilt / spacing) * Math.abs(excess)))
  const log = unit + Math.log(Math.max(value, 0))
  return {
    lower: logDifference(log, logAddExp(logError, logRest)),
    estimate: Math.min(log, 0),
    upper: Math.min(0, logAddExp(log, logError)),
    slope: -(sum.slope - (known === 0 ? 0 : slopeOfKnown(tilt, spacing, epsilon) * Math.exp(-unit))) / value,
  }
}

/** −d/dε of the known part of the aliasing, which has the kernel's e^{−cε} already. */
const slopeOfKnown = (tilt: number, spacing: number, epsilon: number): number => {
  const rises = (2 * Math.PI * (tilt + 1)) / spacing
  return Math.exp(epsilon - rises) / -Math.expm1(-rises)
}

/** A smoothed contour, and the ε → bounds that it proves. */
export interface SmoothedContour {
  readonly read: (epsilon: number) => LogDelta
}

/**
 * Bounds of log δ by a contour of `mostPoints` points, for the composition joined by the Gaussian mechanism that this needs.
 *
 * Joining can only raise δ, so the upper bound stands; for the lower, δ(ε) ≥ δ_v(ε + t) − δ_Gauss(t) for every t (basic composition).
 * `logDelta` is a good estimate of log δ at the ε that it is planned for: the errors are sized for it.
 */
export const smoothedContour = (
  composition: Composition,
  { saddle, logDelta, epsilon }: { readonly saddle: SaddlePoint; readonly logDelta: number; readonly epsilon: number },
  mostPoints: number,
): SmoothedContour | undefined => {
  const plan = planContour(composition, { ...saddle, logDelta }, epsilon, SMOOTHED_DIGITS)
  if (plan === undefined) return undefined
  const { tilt } = plan.saddle
  const { spacing } = plan.step
  const points = Math.min(plan.wished, mostPoints)
  const end = (points - 1) * spacing
  if (!(end > 2 * tilt + 2)) return undefined
  const beyond = decayFrom(plan.decay, end)
  const missing = beyond - Math.log(end) - plan.target
  const smoothing = Math.max(0, (2 * missing) / (end * end - tilt * (tilt + 1)))
  const moments = contourMoments(composition, { tilt, spacing, points })
  if (moments === undefined) return undefined
  const contour: PlannedContour = { plan, moments, beyond, smoothing }
  if (smoothing === 0) return { read: (at) => readContour(contour, at) }
  const mu = Math.sqrt(smoothing)
  const distance = mu * (0.5 * mu + Math.sqrt(-2 * (logDelta - 7)))
  const joined = logDeltaOfGdp(mu)(distance)
  return {
    read: (at) => ({
      ...readContour(contour, at),
      lower: logDifference(readContour(contour, at + distance).lower, joined),
    }),
  }
}

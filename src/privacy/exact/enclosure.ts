/**
 * log δ(ε) of a composition, enclosed: by closed form where there is one, by contour where it converges, by Chernoff's bound where not.
 */
import type { Bounds } from '../accountant.js'
import { logDeltaOfGdp } from '../gdp.js'
import { type Composition, cumulants, essentialSupremum } from './composition.js'
import {
  type ContourOptions,
  contourLogDelta,
  defaultContour,
  planContour,
  smoothedLogDelta,
} from './contour-integral.js'
import { logChernoff, type SaddlePoint, saddlePoint } from './saddle-point.js'
import { singleStep } from './single-step.js'
import { slowIntegral } from './slow-integral.js'

/** How an enclosure was found. `smoothed`: bounds after a small Gaussian mechanism was joined. `chernoff`: an upper bound only. */
export type Method = NonNullable<Bounds['method']>

/** log δ with its enclosure. `slope` d log δ/dε and the abscissa `tilt` are for searches: NaN where unknown. */
export interface Enclosure {
  readonly lower: number
  readonly estimate: number
  readonly upper: number
  readonly method: Method
  readonly slope: number
  readonly tilt: number
}

const within = (logDelta: number, error: number, method: Method): Enclosure => ({
  lower: logDelta - error,
  estimate: logDelta,
  upper: Math.min(0, logDelta + error),
  method,
  slope: Number.NaN,
  tilt: Number.NaN,
})

/** What `logDeltaOfGdp` may err by. */
const gaussianError = (mu: number, epsilon: number, logDelta: number): number =>
  1e-12 * (1 + Math.abs(logDelta)) +
  4 * Number.EPSILON * (epsilon / mu + 0.5 * mu) * (1 + Math.abs(epsilon / mu - 0.5 * mu))

/**
 * The self check: a contour at 0.85 of the abscissa, with nodes, step and end of its own, must enclose a common value.
 */
const agrees = (
  composition: Composition,
  saddle: SaddlePoint,
  epsilon: number,
  found: { readonly lower: number; readonly estimate: number; readonly upper: number },
  { mostPoints, digits }: ContourOptions,
): boolean => {
  const tilt = 0.85 * saddle.tilt
  const exponent = cumulants(composition)(tilt).value - tilt * epsilon
  const plan = planContour(composition, { tilt, exponent, logDelta: found.estimate }, epsilon, digits)
  if (plan === undefined || plan.wished > 4 * mostPoints) return true
  const other = contourLogDelta(composition, plan, epsilon)
  return other === undefined || (other.lower <= found.upper && found.lower <= other.upper)
}

/**
 * The enclosure of log δ at ε ≥ 0. `start` is a guess of the saddle point; where only the estimate is wanted, `bounds: false` spares the
 * smoothed contour.
 *
 * A contour whose bounds a second contour contradicts is not reported: Chernoff's bound is.
 *
 * Guarantee  lower ≤ log δ ≤ upper by everything that is stated in `contour-integral.ts`; always an answer
 * Cost       about a millisecond for a composition of hundreds of steps or more; 10 ms to a second for few steps of small q
 */
export const enclose =
  (composition: Composition, options: ContourOptions = defaultContour) =>
  (
    epsilon: number,
    { start = 1, bounds = true }: { readonly start?: number; readonly bounds?: boolean } = {},
  ): Enclosure => {
    const { precision, steps } = composition
    const only = steps[0]
    if (precision === Infinity) return within(epsilon === Infinity ? -Infinity : 0, 0, 'gaussian')
    if (epsilon >= essentialSupremum(composition) || epsilon === Infinity) return within(-Infinity, 0, 'single step')
    if (only === undefined) {
      const mu = Math.sqrt(precision)
      const logDelta = logDeltaOfGdp(mu)(epsilon)
      return within(logDelta, mu === 0 ? 0 : gaussianError(mu, epsilon, logDelta), 'gaussian')
    }
    if (precision === 0 && steps.length === 1 && only.count === 1) {
      const closed = singleStep(only.pair, epsilon)
      if (closed !== undefined && closed.error < 1e-6) return within(closed.logDelta, closed.error, 'single step')
    }
    const saddle = saddlePoint(composition, start)(epsilon)
    const { tilt } = saddle
    const chernoff = Math.min(0, logChernoff(saddle) + 1e-11 * (1 + Math.abs(saddle.exponent)))
    const plan = planContour(composition, saddle, epsilon, options.digits)
    if (plan !== undefined && plan.wished <= options.mostPoints) {
      const found = contourLogDelta(composition, plan, epsilon)
      // Where the approximation at the saddle was far too large, the errors were sized for it: then with what is known now.
      const finer =
        found !== undefined && found.estimate < saddle.logDelta - 2
          ? planContour(composition, { ...saddle, logDelta: found.estimate }, epsilon, options.digits)
          : undefined
      const best =
        finer !== undefined && finer.wished <= options.mostPoints
          ? (contourLogDelta(composition, finer, epsilon) ?? found)
          : found
      if (best !== undefined && best.upper >= best.lower) {
        const upper = Math.min(best.upper, chernoff)
        // Without a lower bound all that is known is that δ is below the rounding: its slope is noise.
        if (best.lower === -Infinity)
          return { lower: -Infinity, estimate: upper, upper, method: 'contour', slope: Number.NaN, tilt }
        if (!bounds || agrees(composition, saddle, epsilon, best, options))
          return { ...best, upper, method: 'contour', tilt }
        return { lower: -Infinity, estimate: upper, upper: chernoff, method: 'chernoff', slope: -tilt, tilt }
      }
    }
    const slow = plan && slowIntegral(composition, plan.saddle, epsilon, 2 * plan.step.spacing)
    const estimate = Math.min(slow?.logDelta ?? saddle.logDelta, chernoff)
    const slope = slow?.slope ?? -tilt
    const found = bounds
      ? smoothedLogDelta(composition, { saddle, logDelta: estimate, epsilon }, options.mostPoints)
      : undefined
    if (found === undefined || !(found.upper >= found.lower))
      return { lower: -Infinity, estimate, upper: chernoff, method: 'chernoff', slope, tilt }
    const upper = Math.min(found.upper, chernoff)
    return {
      lower: found.lower,
      estimate: Math.max(Math.min(estimate, upper), found.lower),
      upper,
      method: 'smoothed',
      slope,
      tilt,
    }
  }

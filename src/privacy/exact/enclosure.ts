/**
 * log δ(ε) of a composition, enclosed: by closed form where there is one, by contour where it converges, by Chernoff's bound where not.
 */
import { logDeltaOfGdp } from '../gdp.js'
import { type Composition, essentialSupremum } from './composition.js'
import { type ContourOptions, contourLogDelta, defaultContour } from './contour-integral.js'
import { logChernoff, saddlePoint } from './saddle-point.js'
import { singleStep } from './single-step.js'

/** How an enclosure was found. `smoothed`: by contour, after a small Gaussian mechanism was joined. `chernoff`: an upper bound only. */
export type Method = 'none' | 'gaussian' | 'single step' | 'contour' | 'smoothed' | 'chernoff'

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
 * The enclosure of log δ at ε ≥ 0. `start` is a guess of the saddle point.
 *
 * Guarantee  lower ≤ log δ ≤ upper in exact arithmetic of everything that is stated in `contour-integral.ts`; always an answer
 * Cost       about a millisecond for a composition of hundreds of steps or more; up to a second for few steps of small q
 */
export const enclose =
  (composition: Composition, options: ContourOptions = defaultContour) =>
  (epsilon: number, start = 1): Enclosure => {
    const { precision, steps } = composition
    const only = steps[0]
    if (precision === Infinity) return within(epsilon === Infinity ? -Infinity : 0, 0, 'gaussian')
    if (epsilon >= essentialSupremum(composition) || epsilon === Infinity) return within(-Infinity, 0, 'none')
    if (only === undefined) {
      const mu = Math.sqrt(precision)
      const logDelta = logDeltaOfGdp(mu)(epsilon)
      return within(logDelta, gaussianError(mu, epsilon, logDelta), 'gaussian')
    }
    if (precision === 0 && steps.length === 1 && only.count === 1) {
      const closed = singleStep(only.pair, epsilon)
      if (closed !== undefined && closed.error < 1e-6) return within(closed.logDelta, closed.error, 'single step')
    }
    const saddle = saddlePoint(composition, start)(epsilon)
    const chernoff = Math.min(0, logChernoff(saddle) + 1e-11 * (1 + Math.abs(saddle.exponent)))
    const found = contourLogDelta(composition, saddle, epsilon, options)
    if (found === undefined || !(found.estimate > -Infinity && found.upper >= found.lower))
      return {
        lower: -Infinity,
        estimate: Math.min(saddle.logDelta, chernoff),
        upper: chernoff,
        method: 'chernoff',
        slope: -saddle.tilt,
        tilt: saddle.tilt,
      }
    return {
      lower: found.lower,
      estimate: found.estimate,
      upper: Math.min(found.upper, Math.max(chernoff, found.lower)),
      method: found.contour.smoothing > 0 ? 'smoothed' : 'contour',
      slope: found.slope,
      tilt: saddle.tilt,
    }
  }

/**
 * How fast |M(c + iy)| falls: the bound that says where the contour may end.
 *
 * With p(t) = σ|L′(t)|, G the density of t under the law tilted by e^{cL}, and any κ ≥ 0 (scaled so that p ≤ 1), partial
 * integration of the part p^κ of the mass gives
 *
 *   |M(c + iy)| / M(c) ≤ 1 − E_G[p^κ] + (σ / y) TV(G p^{κ−1})      for every y > 0
 *
 * It decreases in y, and stays below 1 for ever after. κ = 0 is the classical bound V/y; larger κ reach below 1 sooner, which is
 * what a high power needs.
 *
 * The total variation is that of the values at nodes, plus 10 max(G p^{κ−1}) (e^{Λh²/8} − 1): at most five extrema lie between nodes,
 * and the logarithm's second derivative is at most Λ = 1 + (2c + 4 + 2κ)/(4σ²) in size.
 */
import type { Composition } from './composition.js'
import { innerRule } from './inner-rule.js'
import { type LossAt, lossAt, type SampledPair, slopeAt, windowOf } from './pair.js'

const POWERS: readonly number[] = [0, 0.05, 0.1, 0.15, 0.25, 0.35, 0.5, 0.75, 1, 1.5, 2, 3]

/** log of a bound of |M(c + iy)| / M(c), decreasing in y. */
export type LogDecay = (y: number) => number

/** The bound of one step at tilt c. */
const stepDecay = (pair: SampledPair, tilt: number): LogDecay => {
  const { noiseMultiplier: sigma } = pair
  const evaluate = lossAt(pair)
  const slope = slopeAt(pair)
  const largest = pair.kind === 'replace' ? 2 : 1
  const at: LossAt = { loss: 0, logP: 0 }
  const { step } = innerRule(pair, tilt)
  const { low, high } = windowOf(pair, tilt)
  const first = Math.ceil(low / step)
  const count = Math.floor(high / step) - first + 1
  if (!(count < 60_000)) return () => 0
  const logG = new Float64Array(count)
  const logSlope = new Float64Array(count)
  let peak = -Infinity
  for (let k = 0; k < count; k++) {
    const t = (first + k) * step
    evaluate(t, at)
    logG[k] = at.logP + tilt * at.loss - 0.5 * t * t
    logSlope[k] = Math.log(Math.max(slope(t) / largest, 1e-300))
    peak = Math.max(peak, logG[k] as number)
  }
  let total = 0
  for (let k = 0; k < count; k++) total += step * Math.exp((logG[k] as number) - peak)
  const bounds = POWERS.map((kappa) => {
    let mass = 0
    let variation = 0
    let previous = 0
    let top = 0
    for (let k = 0; k < count; k++) {
      const value = Math.exp((logG[k] as number) - peak + (kappa - 1) * (logSlope[k] as number))
      variation += Math.abs(value - previous)
      previous = value
      top = Math.max(top, value)
      mass += step * Math.exp((logG[k] as number) - peak + kappa * (logSlope[k] as number))
    }
    const curvature = 1 + (2 * tilt + 4 + 2 * kappa) / (4 * sigma * sigma)
    variation += previous + 10 * top * Math.expm1((curvature * step * step) / 8)
    return { lost: 1 - mass / total + 1e-12, variation: ((sigma / largest) * variation) / total }
  })
  return (y) =>
    Math.log(bounds.reduce((best, { lost, variation }) => Math.min(best, Math.max(lost, 0) + variation / y), 1))
}

/**
 * The bound for a composition at tilt c: Σ n log of the steps', and −½ μ² y² of the Gaussians, which is exact.
 *
 * Cost       a dozen exponentials a node of the inner rule, once; a dozen divisions a step and y
 */
export const logDecay = ({ precision, steps }: Composition, tilt: number): LogDecay => {
  const parts = steps.map(({ pair, count }) => ({ at: stepDecay(pair, tilt), count }))
  return (y) => parts.reduce((sum, { at, count }) => sum + count * at(y), -0.5 * precision * y * y)
}

/** The smallest y (to 1 %) from which on the bound, and 1/y with it, is at most e^target; Infinity if there is none below 1e15. */
export const decayPoint = (decay: LogDecay, target: number): number => {
  const reached = (logY: number): boolean => decay(Math.exp(logY)) - logY <= target
  let [low, high] = [-10, 35]
  if (!reached(high)) return Infinity
  while (high - low > 0.01) {
    const middle = 0.5 * (low + high)
    if (reached(middle)) high = middle
    else low = middle
  }
  return Math.exp(high)
}

/**
 * δ(ε) where the integrand decays slowly (few steps, small q): panels of Gauss and Legendre, and Wynn's acceleration of the tail.
 *
 * Next to the smallest (or largest) loss of n steps stands nearly all of their mass, and while y is below its inverse width the integrand
 * is an oscillation of frequency ω = |ε − n log(1 − q)| with a slowly falling amplitude. Panels grow from the width of
 * the saddle to half a period; from then on the partial sums of half periods are extrapolated. The result is an estimate with an estimate
 * of its error; bounds are made elsewhere.
 */
import type { Composition } from './composition.js'
import { largestLoss } from './pair.js'
import { panelIntegrand } from './panel-integrand.js'
import type { SaddlePoint } from './saddle-point.js'
import { wynn } from './wynn.js'

export interface SlowIntegral {
  /** log δ; where rounding hides it, the level that it is below. */
  readonly logDelta: number
  /** NaN where δ is hidden. */
  readonly slope: number
  /** Relative: what the panels, the acceleration and rounding may have left; ∞ where δ is hidden. */
  readonly error: number
}

const MOST_PANELS = 600
const MOST_PERIODS = 60

/** The frequency of the oscillation that remains when everything else has died away; 0 if nothing remains. */
const lastingFrequency = ({ steps }: Composition, epsilon: number): number => {
  const kind = steps[0]?.pair.kind
  const edge = steps.reduce((sum, { pair, count }) => sum + count * largestLoss({ ...pair, kind: 'add' }), 0)
  return kind === 'replace' ? epsilon : kind === 'add' ? edge - epsilon : epsilon + edge
}

/**
 * log δ(ε) and its slope; undefined where a tilt is out of range.
 *
 * `first` is a length in y over which the integrand is smooth.
 *
 * Cost       1,000 to 5,000 moments of 150 nodes: 10 to 100 ms
 */
export const slowIntegral = (
  composition: Composition,
  saddle: SaddlePoint,
  epsilon: number,
  first: number,
): SlowIntegral | undefined => {
  const integrate = panelIntegrand(composition, saddle, epsilon)
  if (integrate === undefined) return undefined
  const half = Math.PI / Math.max(lastingFrequency(composition, epsilon), 1e-300)
  // Losses that do not crowd at their edge (many steps, no small q) die away by themselves.
  const lasting = half > 4 * first
  const tolerance = 1e-15
  let value = 0
  let slope = 0
  let size = 0
  let error = 0
  let y = 0
  let length = first
  const finish = (): SlowIntegral => {
    // 1e-15 of the mass that cancelled.
    const noise = error + 1e-15 * size
    return value > 2 * noise
      ? { logDelta: saddle.exponent + Math.log(value / Math.PI), slope: -slope / value, error: noise / value }
      : { logDelta: saddle.exponent + Math.log((2 * noise) / Math.PI), slope: Number.NaN, error: Infinity }
  }
  for (let panels = 0; panels < MOST_PANELS; panels++) {
    const whole = integrate(y, length)
    const left = integrate(y, 0.5 * length)
    const right = integrate(y + 0.5 * length, 0.5 * length)
    const change = Math.abs(whole.value - left.value - right.value)
    if (!(change <= tolerance * Math.max(size, Math.abs(whole.value))) && length > 1e-9 * first) {
      if (Number.isNaN(change)) return undefined
      length *= 0.5
      continue
    }
    value += left.value + right.value
    slope += left.slope + right.slope
    size += left.size + right.size
    error += change
    y += length
    // What remains is at most y times the integrand's size, as it falls like 1/y² or faster.
    if ((right.size / length) * y < 1e-17 * size) return finish()
    if (length >= half && lasting && panels > 20) break
    length = lasting ? Math.min(1.5 * length, half) : 1.5 * length
  }
  const sums: number[] = []
  const slopes: number[] = []
  let best = { value, error: Infinity }
  for (let period = 0; period < MOST_PERIODS; period++) {
    const panel = integrate(y, half)
    value += panel.value
    slope += panel.slope
    size += panel.size
    y += half
    sums.push(value)
    slopes.push(slope)
    if (sums.length >= 9 && sums.length % 2 === 1) {
      const limit = wynn(sums.slice(-25))
      if (limit.error < best.error) {
        best = limit
        if (limit.error < 1e-16 * size || limit.error < 1e-15 * Math.abs(limit.value)) break
      }
    }
  }
  value = best.value
  error += best.error
  slope = wynn(slopes.slice(-25)).value
  return finish()
}

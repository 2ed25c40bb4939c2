/**
 * δ(ε) where the integrand decays slowly (few steps, small q): panels of Gauss and Legendre, and Wynn's acceleration of the tail.
 *
 * Next to the smallest (or largest) loss of n steps stands nearly all of their mass, and while y is below its inverse width the integrand
 * is an oscillation of frequency ω = |ε − n log(1 − q)| with a slowly falling amplitude. Panels grow from the width of
 * the saddle to half a period; from then on the partial sums of half periods are extrapolated. The result is an estimate with an estimate
 * of its error; bounds are made elsewhere.
 */
import { type Composition, cumulants } from './composition.js'
import { largestLoss } from './pair.js'
import { type PanelIntegrator, panelIntegrand } from './panel-integrand.js'
import { wynn } from './wynn.js'

export interface SlowIntegral {
  /** log δ; where rounding hides it, the level that it is below. */
  readonly logDelta: number
  /** NaN where δ is hidden. */
  readonly slope: number
  /** Relative: what the panels, the acceleration and rounding may have left; ∞ where δ is hidden. */
  readonly error: number
}

/** An error of δ, relative, from which on it is worth while to go step by step. @internal */
export const HIDDEN = 1e-10

const MOST_PANELS = 600
/** How far a panel's integrand must be resolved: the rule then errs by the square of it. */
const RESOLVED = 1e-8
const MOST_PERIODS = 60

/** The frequency of the oscillation that remains when everything else has died away; 0 if nothing remains. */
const lastingFrequency = ({ steps }: Composition, epsilon: number): number => {
  const kind = steps[0]?.pair.kind
  const edge = steps.reduce((sum, { pair, count }) => sum + count * largestLoss({ ...pair, kind: 'add' }), 0)
  return kind === 'replace' ? epsilon : kind === 'add' ? edge - epsilon : epsilon + edge
}

/** log δ(ε) and its slope at an ε. */
export type SlowReading = (epsilon: number) => SlowIntegral | undefined

/**
 * The readings of a composition at ε next to `planned`, whose panels they share; undefined where a tilt is out of range.
 *
 * `first` is a length in y over which the integrand is smooth.
 *
 * Cost       1,000 to 5,000 moments of 150 nodes for the first, 10 to 100 ms; a tenth of that for the next
 */
export const slowIntegral = (
  composition: Composition,
  { tilt, planned, first }: { readonly tilt: number; readonly planned: number; readonly first: number },
): SlowReading | undefined => {
  const integrators = panelIntegrand(composition, tilt)
  if (integrators === undefined) return undefined
  const logMoment = cumulants(composition)(tilt).value
  const half = Math.PI / Math.max(lastingFrequency(composition, planned), 1e-300)
  return (epsilon) => {
    const exponent = logMoment - tilt * epsilon
    return integral(integrators(epsilon, exponent), { exponent, half, first })
  }
}

const integral = (
  integrate: PanelIntegrator,
  { exponent, half, first }: { readonly exponent: number; readonly half: number; readonly first: number },
): SlowIntegral | undefined => {
  // Losses that do not crowd at their edge (many steps, no small q) die away by themselves.
  const lasting = half > 4 * first
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
      ? { logDelta: exponent + Math.log(value / Math.PI), slope: -slope / value, error: noise / value }
      : { logDelta: exponent + Math.log((2 * noise) / Math.PI), slope: Number.NaN, error: Infinity }
  }
  for (let panels = 0; panels < MOST_PANELS; panels++) {
    const panel = integrate(y, length)
    const whole = Math.max(size, panel.size)
    if (!(panel.unresolved <= RESOLVED * whole) && length > 1e-9 * first) {
      if (Number.isNaN(panel.unresolved)) return undefined
      length *= 0.6
      continue
    }
    value += panel.value
    slope += panel.slope
    size += panel.size
    // Gauss' rule integrates twice the degree that it resolves.
    error += whole === 0 ? 0 : panel.unresolved * (panel.unresolved / whole)
    y += length
    // What remains is at most y times the integrand's size, as it falls like 1/y² or faster.
    if ((panel.size / length) * y < 1e-17 * size) return finish()
    if (length >= half && lasting && panels > 20) break
    length = lasting ? Math.min(1.4 * length, half) : 1.4 * length
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

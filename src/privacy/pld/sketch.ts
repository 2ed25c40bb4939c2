/**
 * A coarse picture of a loss: some hundreds of atoms from which tilts, windows and steps are planned. Nothing is proved from it.
 */
import type { LossDensity, PrivacyLossPair } from './loss-pair.js'

/** Atoms that stand for the law of a loss under P; `mass` leaves out what is infinite. */
export interface LossSketch {
  readonly loss: Float64Array
  readonly mass: Float64Array
  readonly logMass: Float64Array
}

/** Losses beyond count as infinite. */
export const farthest = 1e6
const STEP = 0.05

/** Where P{L > t} of the density falls to a share of its whole. */
const quantile = ({ above, least, most }: LossDensity, share: number): number => {
  const whole = above(-Infinity).p
  let [low, high] = [Math.max(least, -farthest), Math.min(most, farthest)]
  for (let i = 0; i < 100 && high - low > 1e-12 * (Math.abs(low) + Math.abs(high)); i++) {
    const middle = 0.5 * (low + high)
    if (above(middle).p > share * whole) low = middle
    else high = middle
  }
  return 0.5 * (low + high)
}

/** Edges that are close where the mass is, and grow apart in both directions. */
const spreadEdges = (density: LossDensity): Float64Array => {
  const centre = quantile(density, 0.5)
  const scale = Math.max(0.5 * (quantile(density, 0.16) - quantile(density, 0.84)), 1e-12 * (1 + Math.abs(centre)))
  const [low, high] = [Math.max(density.least, -farthest), Math.min(density.most, farthest)]
  const left = Math.asinh(Math.max(0, centre - low) / scale)
  const right = Math.asinh(Math.max(0, high - centre) / scale)
  const [before, after] = [Math.ceil(left / STEP), Math.ceil(right / STEP)]
  return Float64Array.from({ length: before + after + 1 }, (_, i) => {
    if (i === 0) return low
    if (i === before + after) return high
    const u = i < before ? (left * (i - before)) / before : (right * (i - before)) / after
    return centre + scale * Math.sinh(u)
  })
}

/**
 * The sketch of a pair: its atoms, and one atom for each of the bins of its density, where the bin's masses have their ratio.
 *
 * Cost  about 1000 bins
 */
export const sketchOf = ({ atoms, density }: PrivacyLossPair): LossSketch => {
  const found: { loss: number; mass: number }[] = atoms.map(({ loss, p }) => ({ loss, mass: p }))
  if (density !== undefined) {
    const edges = spreadEdges(density)
    const { p, q } = density.masses(edges)
    for (let i = 0; i < p.length; i++) {
      const [low, high] = [edges[i] as number, edges[i + 1] as number]
      const mass = p[i] as number
      const ratio = Math.log(mass / (q[i] as number)) + Math.max(0, low)
      if (mass > 0) found.push({ loss: ratio >= low && ratio <= high ? ratio : 0.5 * (low + high), mass })
    }
    found.sort((a, b) => a.loss - b.loss)
  }
  return {
    loss: Float64Array.from(found, ({ loss }) => loss),
    mass: Float64Array.from(found, ({ mass }) => mass),
    logMass: Float64Array.from(found, ({ mass }) => Math.log(mass)),
  }
}

/** log E[e^(θL); L < ∞] and its first two derivatives: what it is, and the mean and the variance of the tilted law. */
export interface Cumulant {
  readonly value: number
  readonly mean: number
  readonly variance: number
}

/** The cumulants of finitely many atoms. */
export const cumulantOf =
  ({ loss, logMass }: LossSketch) =>
  (theta: number): Cumulant => {
    let peak = -Infinity
    for (let i = 0; i < loss.length; i++) peak = Math.max(peak, theta * (loss[i] as number) + (logMass[i] as number))
    let [sum, first] = [0, 0]
    for (let i = 0; i < loss.length; i++) {
      const l = loss[i] as number
      const weight = Math.exp(theta * l + (logMass[i] as number) - peak)
      sum += weight
      first += weight * l
    }
    const mean = first / sum
    let second = 0
    for (let i = 0; i < loss.length; i++) {
      const l = loss[i] as number
      second += Math.exp(theta * l + (logMass[i] as number) - peak) * (l - mean) * (l - mean)
    }
    return { value: peak + Math.log(sum), mean, variance: second / sum }
  }

/**
 * A sketch without the largest losses, of mass `negligible` in all. Moments of losses far out may be all that a tilt sees, though they
 * have no part in δ.
 */
export const cutSketch = ({ loss, mass, logMass }: LossSketch, negligible: number): LossSketch => {
  let end = loss.length
  let above = 0
  while (end > 1 && above + (mass[end - 1] as number) < negligible) above += mass[--end] as number
  return { loss: loss.subarray(0, end), mass: mass.subarray(0, end), logMass: logMass.subarray(0, end) }
}

/**
 * Pairs of mixtures of normal laws of one variance: the Gaussian mechanism, its Poisson samples, and sums whose change is random.
 *
 * In units of the noise, z = x/σ: P = Σ aᵢ N(μᵢ, 1), Q = Σ bⱼ N(νⱼ, 1), with a loss that rises in z. A bin of the loss is an interval
 * of z, and its masses are normal masses of that interval.
 */
import { ndtr } from '../../tensor/special.js'
import type { LossDensity, PrivacyLossPair } from './loss-pair.js'
import { normalMass } from './normal-interval.js'

/** One normal law of a mixture. */
interface NormalPart {
  readonly weight: number
  readonly mean: number
}

/** Σ weight e^s (Φ(high − mean) − Φ(low − mean)). */
const massOf = (parts: readonly NormalPart[], low: number, high: number, logScale: number): number => {
  let sum = 0
  for (const { weight, mean } of parts) sum += weight * normalMass(low - mean, high - mean, logScale)
  return sum
}

const above = (parts: readonly NormalPart[], z: number): number =>
  parts.reduce((sum, { weight, mean }) => sum + weight * ndtr(mean - z), 0)
const below = (parts: readonly NormalPart[], z: number): number =>
  parts.reduce((sum, { weight, mean }) => sum + weight * ndtr(z - mean), 0)

const pairOf = ({
  p: partsOfP,
  q: partsOfQ,
  least = -Infinity,
  inverse,
}: {
  readonly p: readonly NormalPart[]
  readonly q: readonly NormalPart[]
  readonly least?: number
  /** The z at which the loss is t. */
  readonly inverse: (t: number) => number
}): PrivacyLossPair => {
  const at = (t: number): number => (t <= least ? -Infinity : t === Infinity ? Infinity : inverse(t))
  const density: LossDensity = {
    least,
    most: Infinity,
    masses: (edges) => {
      const count = edges.length - 1
      const p = new Float64Array(count)
      const q = new Float64Array(count)
      let low = at(edges[0] as number)
      for (let i = 0; i < count; i++) {
        const high = at(edges[i + 1] as number)
        p[i] = massOf(partsOfP, low, high, 0)
        q[i] = massOf(partsOfQ, low, high, Math.max(0, edges[i] as number))
        low = high
      }
      return { p, q }
    },
    above: (t) => ({ p: above(partsOfP, at(t)), q: above(partsOfQ, at(t)) }),
    below: (t) => ({ p: below(partsOfP, at(t)), q: below(partsOfQ, at(t)) }),
  }
  return { infinity: 0, nothing: 0, atoms: [], density }
}

/**
 * N(μ, 1) beside N(0, 1), μ = sensitivity / σ: L = μz − μ²/2. Both directions have one law.
 *
 * @example
 * gaussianPair(1).density?.above(0.5).p // => 0.5
 */
export const gaussianPair = (mu: number): PrivacyLossPair =>
  pairOf({ p: [{ weight: 1, mean: mu }], q: [{ weight: 1, mean: 0 }], inverse: (t) => t / mu + 0.5 * mu })

/**
 * One record replaced in a Poisson sample: (1−q) N(0, 1) + q N(μ, 1) beside (1−q) N(0, 1) + q N(−μ, 1).
 *
 *   L(z) = t  ⟺  z = (t/2 + asinh(c sinh(t/2))) / μ,   c = (1−q)/q e^(μ²/2)
 */
export const replacedGaussianPair = ({
  mu,
  samplingProbability: q,
}: {
  readonly mu: number
  readonly samplingProbability: number
}): PrivacyLossPair => {
  const logFactor = Math.log1p(-q) - Math.log(q) + 0.5 * mu * mu
  const half = (t: number): number => {
    const s = 0.5 * Math.abs(t)
    // log of c sinh(s); far out, asinh(y) = log 2y.
    const logSinh = logFactor + s + Math.log(-0.5 * Math.expm1(-2 * s))
    const angle = logSinh > 20 ? logSinh + Math.LN2 : Math.asinh(Math.exp(logSinh))
    return Math.sign(t) * (s + angle)
  }
  const mixture = (mean: number): readonly NormalPart[] => [
    { weight: 1 - q, mean: 0 },
    { weight: q, mean },
  ]
  return pairOf({ p: mixture(mu), q: mixture(-mu), inverse: (t) => (t === 0 ? 0 : half(t) / mu) })
}

/** A component of a mixture: what it moves by, in units of the noise, and how probable it is. */
export interface MixturePart {
  readonly mu: number
  readonly probability: number
}

/** A number of z that rises, and how fast. */
interface Rising {
  readonly value: number
  readonly slope: number
}

/** A residual as small as this, relative to 1 + |t|, is within what an edge may be off by. */
const NEXT_TO_ROOT = 2 ** -50
/** One more of Newton's steps from there leaves the square of this, as long as the slope is the same at both ends but for this. */
const STRAIGHT = 2 ** -24

/**
 * The z at which it is t: Newton's steps inside of a bracket, none longer than twice the one that was allowed before. Rising t are found
 * fastest, each search starts where the last one's tangent puts it. The logarithm of the slope changes by at most `bend` per unit of z.
 */
const inverseOf = (rising: (z: number) => Rising, bend: number): ((t: number) => number) => {
  const unknown = { t: 0, z: 0, slope: Infinity }
  let last = unknown
  return (t) => {
    let [low, high] = [-Infinity, Infinity]
    const ahead = (t - last.t) / last.slope
    let z = last.z + (Math.abs(ahead) < 1 ? ahead : 0)
    for (let iteration = 0, reach = 1; iteration < 200; iteration++, reach *= 2) {
      const { value, slope } = rising(z)
      const short = t - value
      if (short > 0) low = z
      else high = z
      const step = short === 0 ? 0 : short / slope
      const next = z + (Math.abs(step) <= reach ? step : Math.sign(short) * reach)
      const isNext = Math.abs(short) <= NEXT_TO_ROOT * (1 + Math.abs(t)) && bend * Math.abs(step) <= STRAIGHT
      z = isNext || (next > low && next < high) || next === z ? next : 0.5 * (low + high)
      if (isNext || z === low || z === high) {
        last = Math.abs(z) < 1e3 ? { t, z, slope } : unknown
        break
      }
    }
    return z
  }
}

/** A mixture as its parts that move, the probability of the rest, and log r(z), r = Σ pᵢ e^(μᵢ z − μᵢ²/2). */
const mixtureOf = (parts: readonly MixturePart[]) => {
  const moving = parts.filter(({ mu, probability }) => probability > 0 && mu > 0)
  const rest = parts.reduce((sum, { mu, probability }) => (mu > 0 ? sum : sum + probability), 0)
  const logs = moving.map(({ mu, probability }) => ({ mu, log: Math.log(probability) - 0.5 * mu * mu }))
  const largest = moving.reduce((most, { mu }) => Math.max(most, mu), 0)
  const logRest = Math.log(rest)
  const logRatio = (z: number): Rising => {
    let [highest, at] = [logRest, -1]
    for (let i = 0; i < logs.length; i++) {
      const { mu, log } = logs[i] as (typeof logs)[number]
      const term = log + mu * z
      if (term > highest) [highest, at] = [term, i]
    }
    // The highest term is 1, and what the others add to it keeps its digits where it is little.
    let others = at < 0 ? 0 : Math.exp(logRest - highest)
    let first = logs[at]?.mu ?? 0
    for (let i = 0; i < logs.length; i++) {
      if (i === at) continue
      const { mu, log } = logs[i] as (typeof logs)[number]
      const weight = Math.exp(log + mu * z - highest)
      others += weight
      first += mu * weight
    }
    return { value: highest + Math.log1p(others), slope: first / (1 + others) }
  }
  /** The parts, moved to the right or to the left. */
  const moved = (side: 1 | -1): readonly NormalPart[] => [
    ...moving.map(({ mu, probability }) => ({ weight: probability, mean: side * mu })),
    ...(rest > 0 ? [{ weight: rest, mean: 0 }] : []),
  ]
  return { moves: moving.length > 0, isResolved: largest * 1e-300 > 0, rest, largest, logRatio, moved }
}

const indistinguishable: PrivacyLossPair = { infinity: 0, nothing: 0, atoms: [{ loss: 0, p: 1 }] }

/**
 * Σ pᵢ N(μᵢ, 1) beside N(0, 1), μᵢ ≥ 0: L(z) = log Σ pᵢ e^(μᵢ z − μᵢ²/2).
 *
 * Cost       two or three evaluations of the loss per edge, and as many normal masses as there are parts
 * Reference  Choquette-Choo, Ganesh, Steinke & Thakurta 2023, arXiv:2310.15526
 */
export const gaussianMixturePair = (parts: readonly MixturePart[]): PrivacyLossPair => {
  const { moves, isResolved, rest, largest, logRatio, moved } = mixtureOf(parts)
  if (!moves) return indistinguishable
  return pairOf({
    p: moved(1),
    q: [{ weight: 1, mean: 0 }],
    least: rest > 0 ? Math.log(rest) : -Infinity,
    inverse: isResolved ? inverseOf(logRatio, largest) : () => 0,
  })
}

/**
 * One record replaced where it moves the sum by a random μᵢ, drawn anew for each: Σ pᵢ N(μᵢ, 1) beside Σ pᵢ N(−μᵢ, 1).
 *
 *   L(z) = log r(z) − log r(−z),   r(z) = Σ pᵢ e^(μᵢ z − μᵢ²/2)
 *
 * Guarantee  dominates every two records whose vectors are no longer than the μᵢ, in any directions. Of all sets A with N(0)(A) = Φ(z), none has
 *            more of N(v) than Φ(z + ‖v‖), nor less than Φ(z − ‖v‖) (Neyman and Pearson's lemma), and a half-line has both at once: so
 *            P(A) − e^ε Q(A) ≤ Σ pᵢ Φ(z + μᵢ) − e^ε Σ pᵢ Φ(z − μᵢ), for every ε. Records at both ends reach it
 * Cost       as of `gaussianMixturePair`, twice
 */
export const replacedMixturePair = (parts: readonly MixturePart[]): PrivacyLossPair => {
  const { moves, isResolved, largest, logRatio, moved } = mixtureOf(parts)
  if (!moves) return indistinguishable
  const loss = (z: number): Rising => {
    const [here, there] = [logRatio(z), logRatio(-z)]
    return { value: here.value - there.value, slope: here.slope + there.slope }
  }
  const inverse = inverseOf(loss, largest)
  return pairOf({ p: moved(1), q: moved(-1), inverse: isResolved ? (t) => (t === 0 ? 0 : inverse(t)) : () => 0 })
}

/**
 * Pairs of mixtures of normal laws of one variance: the Gaussian mechanism, its Poisson samples, and sums whose change is random.
 *
 * In units of the noise, z = x/σ: P = Σ aᵢ N(μᵢ, 1), Q = Σ bⱼ N(νⱼ, 1), with a loss that rises in z. A bin of the loss is an interval
 * of z, and its masses are normal masses of that interval.
 */
import { logSumExp, ndtr } from '../../tensor/special.js'
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

/**
 * Σ pᵢ N(μᵢ, 1) beside N(0, 1), μᵢ ≥ 0: L(z) = log Σ pᵢ e^(μᵢ z − μᵢ²/2), inverted by Newton's steps inside of a bracket.
 *
 * Cost       about five evaluations of the loss per edge, and as many normal masses as there are parts
 * Reference  Choquette-Choo, Ganesh, Steinke & Thakurta 2023, arXiv:2310.15526
 */
export const gaussianMixturePair = (
  parts: readonly { readonly mu: number; readonly probability: number }[],
): PrivacyLossPair => {
  const moving = parts.filter(({ mu, probability }) => probability > 0 && mu > 0)
  const rest = parts.reduce((sum, { mu, probability }) => (mu > 0 ? sum : sum + probability), 0)
  if (moving.length === 0) return { infinity: 0, nothing: 0, atoms: [{ loss: 0, p: 1 }] }
  const logs = moving.map(({ mu, probability }) => ({ mu, log: Math.log(probability) - 0.5 * mu * mu }))
  const largest = moving.reduce((most, { mu }) => Math.max(most, mu), 0)
  const loss = (z: number): { readonly value: number; readonly slope: number } => {
    const terms = logs.map(({ mu, log }) => log + mu * z)
    const value = logSumExp(rest > 0 ? [Math.log(rest), ...terms] : terms)
    const slope = terms.reduce((sum, term, i) => sum + (logs[i]?.mu ?? 0) * Math.exp(term - value), 0)
    return { value, slope }
  }
  let start = 0
  const inverse = (t: number): number => {
    let [low, high] = [start - 1, start + 1]
    while (loss(low).value > t && low > -1e6) low -= 2 * (high - low)
    while (loss(high).value < t && high < 1e9) high += 2 * (high - low)
    let z = start
    for (let iteration = 0; iteration < 100; iteration++) {
      const { value, slope } = loss(z)
      if (value > t) high = z
      else low = z
      const wished = z - (value - t) / slope
      const next = wished > low && wished < high ? wished : 0.5 * (low + high)
      if (Math.abs(next - z) <= 1e-15 * (1 + Math.abs(z)) || next === low || next === high) break
      z = next
    }
    // Rising edges: the next search starts where this one ended.
    start = Math.abs(z) < 1e3 ? z : 0
    return z
  }
  return pairOf({
    p: [
      ...moving.map(({ mu, probability }) => ({ weight: probability, mean: mu })),
      ...(rest > 0 ? [{ weight: rest, mean: 0 }] : []),
    ],
    q: [{ weight: 1, mean: 0 }],
    least: rest > 0 ? Math.log(rest) : -Infinity,
    inverse: largest * 1e-300 > 0 ? inverse : () => 0,
  })
}

/**
 * The pairs of laws that a step is compared by, one record's (or one user's) difference apart.
 *
 *   remove   P = (1 − Σ pᵢ) N(0, σ²) + Σ pᵢ N(cᵢ, σ²)      Q = N(0, σ²)
 *   add      the same two, the other way round
 *   replace  P as under remove                            Q = (1 − Σ pᵢ) N(0, σ²) + Σ pᵢ N(−cᵢ, σ²)
 *
 * A Poisson-sampled Gaussian step has one component, c = 1 with p = q; a mixture of Gaussians has several, 0 < cᵢ ≤ 1.
 *
 * Legend: t = x/σ the node, zᵢ = cᵢt/σ − cᵢ²/(2σ²), r = 1 + Σ pᵢ(e^{zᵢ} − 1) the density ratio of mixture and N(0, σ²), m(t) and v(t) mean and
 * variance of c given t, L = log dP/dQ the loss, lp = log dP/dN(0, σ²). All laws have the density φ(t) e^{lp}, and L = log r, −log r,
 * log r(t) − log r(−t). As (log r)′ = m/σ, and 0 < m ≤ 1, every loss is monotone in t.
 *
 * Reference  Zhu, Dong & Wang 2022, arXiv:2106.08567, Thm 11: these pairs dominate under composition · Choquette-Choo et al. 2023,
 * arXiv:2310.15526 (mixtures)
 */

/** Which pair: the record is in P's dataset only, in Q's only, or another one in each. */
export type PairKind = 'remove' | 'add' | 'replace'

/** One Poisson-sampled Gaussian step: σ = noiseMultiplier in units of the bound of one record, q ∈ (0, 1). */
export interface SampledPair {
  readonly kind: PairKind
  readonly noiseMultiplier: number
  readonly samplingProbability: number
}

/** One mixture of Gaussians: σ in units of the largest sensitivity, so that 0 ≤ cᵢ ≤ 1; Σ pᵢ = 1. */
export interface MixturePair {
  readonly kind: PairKind
  readonly noiseMultiplier: number
  readonly sensitivities: readonly number[]
  readonly probabilities: readonly number[]
}

export type Pair = SampledPair | MixturePair

/** The components away from 0, and what remains there. */
interface Components {
  readonly shifts: readonly number[]
  readonly weights: readonly number[]
  readonly rest: number
}

export const componentsOf = (pair: Pair): Components => {
  if ('samplingProbability' in pair)
    return { shifts: [1], weights: [pair.samplingProbability], rest: 1 - pair.samplingProbability }
  const { sensitivities, probabilities } = pair
  const away = sensitivities.map((c, i) => [c, probabilities[i] as number] as const).filter(([c, p]) => c > 0 && p > 0)
  return {
    shifts: away.map(([c]) => c),
    weights: away.map(([, p]) => p),
    rest: probabilities.reduce((sum, p, i) => (sensitivities[i] === 0 ? sum + p : sum), 0),
  }
}

/** The same mechanism seen from the other side: Q against P. */
export const mirrored = (pair: Pair): Pair =>
  pair.kind === 'replace' ? pair : { ...pair, kind: pair.kind === 'remove' ? 'add' : 'remove' }

/** log r at a real node. */
export const logRatioAt = (pair: Pair): ((t: number) => number) => {
  const { noiseMultiplier: sigma } = pair
  if ('samplingProbability' in pair) {
    const { samplingProbability: q } = pair
    const half = 0.5 / sigma / sigma
    const logQ = Math.log(q)
    return (t) => {
      const z = t / sigma - half
      return z < 700 ? Math.log1p(q * Math.expm1(z)) : logQ + z
    }
  }
  const { shifts, weights, rest } = componentsOf(pair)
  const halves = shifts.map((c) => (0.5 * c * c) / sigma / sigma)
  const logs = weights.map(Math.log)
  return (t) => {
    let rho = 0
    let top = rest > 0 ? Math.log(rest) : -Infinity
    let largest = 0
    for (let i = 0; i < shifts.length; i++) {
      const z = ((shifts[i] as number) * t) / sigma - (halves[i] as number)
      rho += (weights[i] as number) * Math.expm1(Math.min(z, 700))
      largest = Math.max(largest, z)
      top = Math.max(top, z + (logs[i] as number))
    }
    if (largest < 700 && rho > -0.5) return Math.log1p(rho)
    // Where r is small, or huge, its terms are added as they are: all are positive.
    let sum = rest * Math.exp(-top)
    for (let i = 0; i < shifts.length; i++)
      sum += Math.exp(((shifts[i] as number) * t) / sigma - (halves[i] as number) + (logs[i] as number) - top)
    return top + Math.log(sum)
  }
}

/** The loss and lp at a real node. */
export interface LossAt {
  loss: number
  logP: number
}

/** L and lp at a real node, written into `out`. */
export const lossAt = (pair: Pair): ((t: number, out: LossAt) => void) => {
  const at = logRatioAt(pair)
  switch (pair.kind) {
    case 'remove':
      return (t, out) => {
        out.loss = out.logP = at(t)
      }
    case 'add':
      return (t, out) => {
        out.loss = -at(t)
        out.logP = 0
      }
    case 'replace':
      return (t, out) => {
        out.logP = at(t)
        out.loss = out.logP - at(-t)
      }
  }
}

/** Mean m and variance v of c given t, and v/m. */
export interface Posterior {
  mean: number
  variance: number
  /** v/m, which stays meaningful where both underflow. */
  ratio: number
}

/** The posterior at a real node, written into `out`. */
export const posteriorAt = (pair: Pair): ((t: number, out: Posterior) => void) => {
  const { noiseMultiplier: sigma } = pair
  if ('samplingProbability' in pair) {
    const { samplingProbability: q } = pair
    const odds = Math.log1p(-q) - Math.log(q) + 0.5 / sigma / sigma
    return (t, out) => {
      const against = Math.exp(odds - t / sigma)
      out.mean = 1 / (1 + against)
      out.ratio = against === Infinity ? 1 : against / (1 + against)
      out.variance = out.mean * out.ratio
    }
  }
  const { shifts, weights, rest } = componentsOf(pair)
  const bases = shifts.map((c, i) => Math.log(weights[i] as number) - (0.5 * c * c) / sigma / sigma)
  return (t, out) => {
    let top = -Infinity
    for (let i = 0; i < shifts.length; i++)
      top = Math.max(top, ((shifts[i] as number) * t) / sigma + (bases[i] as number))
    let [zeroth, first, second] = [0, 0, 0]
    for (let i = 0; i < shifts.length; i++) {
      const c = shifts[i] as number
      const w = Math.exp((c * t) / sigma + (bases[i] as number) - top)
      zeroth += w
      first += w * c
      second += w * c * c
    }
    const whole = zeroth + (rest > 0 ? Math.exp(Math.log(rest) - top) : 0)
    out.mean = first / whole
    out.ratio = Math.max(0, second / first - out.mean)
    out.variance = out.mean * out.ratio
  }
}

/** The largest loss of one step: −log(1 − Σ pᵢ) for `add`, unbounded otherwise. */
export const largestLoss = (pair: Pair): number =>
  pair.kind === 'add'
    ? 'samplingProbability' in pair
      ? -Math.log1p(-pair.samplingProbability)
      : -Math.log(componentsOf(pair).rest)
    : Infinity

/** The nodes where e^{lp + cL} φ can count: a window that reaches 12 standard deviations beyond every tilted mean. */
export const windowOf = (pair: Pair, tilt: number): { readonly low: number; readonly high: number } => {
  const { kind, noiseMultiplier: sigma } = pair
  const at: Posterior = { mean: 0, variance: 0, ratio: 0 }
  posteriorAt(pair)(0, at)
  switch (kind) {
    case 'remove':
      return { low: -12, high: (tilt + 1) / sigma + 12 }
    case 'add':
      return { low: (-tilt / sigma) * at.mean - 12, high: 12 }
    case 'replace':
      return { low: -12 - (tilt / sigma) * at.mean, high: (2 * tilt + 1) / sigma + 12 }
  }
}

/**
 * The pairs of laws that a Poisson-sampled Gaussian step is compared by, one record's difference apart.
 *
 *   remove   P = (1−q) N(0, σ²) + q N(1, σ²)      Q = N(0, σ²)
 *   add      P = N(0, σ²)                         Q = (1−q) N(0, σ²) + q N(1, σ²)
 *   replace  P = (1−q) N(0, σ²) + q N(1, σ²)      Q = (1−q) N(0, σ²) + q N(−1, σ²)
 *
 * Legend: t = x/σ the node, z = t/σ − 1/(2σ²), r = 1 − q + q e^z the density ratio of mixture and N(0, σ²), L = log dP/dQ the
 * loss, lp = log dP/dN(0, σ²). All laws have the density φ(t) e^{lp}, and L = log r, −log r, log r(t) − log r(−t).
 *
 * Reference  Zhu, Dong & Wang 2022, arXiv:2106.08567, Thm 11: these pairs dominate under composition
 */

/** Which pair: the record is in P's dataset only, in Q's only, or another one in each. */
export type PairKind = 'remove' | 'add' | 'replace'

/** One Poisson-sampled Gaussian step: σ = noiseMultiplier in units of the bound of one record, q ∈ (0, 1). */
export interface SampledPair {
  readonly kind: PairKind
  readonly noiseMultiplier: number
  readonly samplingProbability: number
}

/** log r at a real node. */
export const logRatioAt =
  ({ noiseMultiplier: sigma, samplingProbability: q }: SampledPair): ((t: number) => number) =>
  (t) => {
    const z = t / sigma - 0.5 / sigma / sigma
    return z < 700 ? Math.log1p(q * Math.expm1(z)) : Math.log(q) + z
  }

/** The loss and lp at a real node. */
export interface LossAt {
  loss: number
  logP: number
}

/** L and lp at a real node, written into `out`. */
export const lossAt = (pair: SampledPair): ((t: number, out: LossAt) => void) => {
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

/**
 * σ |dL/dt|, in (0, 1], or (0, 2] for `replace`: how far the loss is from flat. p = q e^z / r is the posterior that x came
 * from N(1, σ²).
 */
export const slopeAt = (pair: SampledPair): ((t: number) => number) => {
  const { noiseMultiplier: sigma, samplingProbability: q } = pair
  const odds = Math.log1p(-q) - Math.log(q)
  const posterior = (t: number): number => 1 / (1 + Math.exp(odds - t / sigma + 0.5 / sigma / sigma))
  return pair.kind === 'replace' ? (t) => posterior(t) + posterior(-t) : posterior
}

/** The largest loss of one step: −log(1 − q) for `add`, unbounded otherwise. */
export const largestLoss = ({ kind, samplingProbability: q }: SampledPair): number =>
  kind === 'add' ? -Math.log1p(-q) : Infinity

/** The nodes where e^{lp + cL} φ can count: a window that reaches 12 standard deviations beyond every tilted mean. */
export const windowOf = (pair: SampledPair, tilt: number): { readonly low: number; readonly high: number } => {
  const { kind, noiseMultiplier: sigma } = pair
  switch (kind) {
    case 'remove':
      return { low: -12, high: (tilt + 1) / sigma + 12 }
    case 'add':
      return { low: (-tilt / sigma) * slopeAt(pair)(0) - 12, high: 12 }
    case 'replace':
      return { low: -12 - (tilt / sigma) * slopeAt({ ...pair, kind: 'add' })(0), high: (2 * tilt + 1) / sigma + 12 }
  }
}

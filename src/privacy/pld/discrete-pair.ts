/**
 * Pairs with atoms: Laplace noise, and mechanisms with finitely or countably many outcomes.
 */
import { type Masses, type PrivacyLossPair, pairOfMasses } from './loss-pair.js'

/**
 * Laplace noise of scale b on a number that moves by Δ, β = Δ/b: L = β with probability ½, −β with ½e^(−β), and between a density
 * e^((l−β)/2)/4. Both directions have one law.
 *
 * @example
 * laplacePair(1).atoms.length // => 2
 */
export const laplacePair = (beta: number): PrivacyLossPair => {
  const clip = (t: number): number => Math.min(beta, Math.max(-beta, t))
  // P(−β < L ≤ t) and Q(−β < L ≤ t), and between t and β.
  const below = (t: number): Masses => {
    const l = clip(t)
    const width = 0.5 * (l + beta)
    return { p: 0.5 * Math.exp(-beta) * Math.expm1(width), q: -0.5 * Math.expm1(-width) }
  }
  const above = (t: number): Masses => reversedMasses(below(-t))
  return {
    infinity: 0,
    nothing: 0,
    atoms: [
      { loss: -beta, p: 0.5 * Math.exp(-beta) },
      { loss: beta, p: 0.5 },
    ],
    density: {
      least: -beta,
      most: beta,
      masses: (edges) => {
        const count = edges.length - 1
        const p = new Float64Array(count)
        const q = new Float64Array(count)
        for (let i = 0; i < count; i++) {
          const low = clip(edges[i] as number)
          const width = 0.5 * (clip(edges[i + 1] as number) - low)
          // Beyond β nothing is left, and a scale may overflow.
          if (!(width > 0)) continue
          p[i] = 0.5 * Math.exp(0.5 * (low - beta)) * Math.expm1(width)
          q[i] = -0.5 * Math.exp(Math.max(0, edges[i] as number) - 0.5 * (low + beta)) * Math.expm1(-width)
        }
        return { p, q }
      },
      above,
      below,
    },
  }
}

const reversedMasses = ({ p, q }: Masses): Masses => ({ p: q, q: p })

/**
 * Any mechanism that is (ε, δ)-private: with probability δ everything is told, else a coin of odds e^ε. No pair with this guarantee
 * composes worse.
 *
 * Reference  Kairouz, Oh & Viswanath 2015, arXiv:1311.0776, Thm 3.3
 *
 * @example
 * approximateDpPair({ epsilon: 0, delta: 0.25 }).infinity // => 0.25
 */
export const approximateDpPair = ({
  epsilon,
  delta,
}: {
  readonly epsilon: number
  readonly delta: number
}): PrivacyLossPair => ({
  infinity: delta,
  nothing: delta,
  atoms:
    delta === 1
      ? []
      : epsilon === 0
        ? [{ loss: 0, p: 1 - delta }]
        : [
            { loss: -epsilon, p: (1 - delta) * Math.exp(-epsilon - Math.log1p(Math.exp(-epsilon))) },
            { loss: epsilon, p: (1 - delta) * Math.exp(-Math.log1p(Math.exp(-epsilon))) },
          ],
})

/**
 * Randomized response among k values: with probability p a uniform draw, else one's own. `replace`: between two values; `remove`:
 * between a value and a uniform draw, which is what a record that contributes nothing answers.
 */
export const randomizedResponsePair = ({
  noiseParameter: p,
  buckets: k,
  neighbours,
}: {
  readonly noiseParameter: number
  readonly buckets: number
  readonly neighbours: 'replace' | 'remove'
}): PrivacyLossPair => {
  const own = 1 - p + p / k
  const other = p / k
  return neighbours === 'replace'
    ? pairOfMasses([
        { p: own, q: other },
        { p: other, q: own },
        ...(k > 2 ? [{ p: (k - 2) * other, q: (k - 2) * other }] : []),
      ])
    : pairOfMasses([
        { p: own, q: 1 / k },
        { p: (k - 1) * other, q: (k - 1) / k },
      ])
}

/**
 * Two-sided geometric noise, masses ∝ e^(−a|x|), on an integer that moves by Δ: L = aΔ beyond the one value, −aΔ beyond the other, and
 * steps of 2a between. Both directions have one law.
 */
export const discreteLaplacePair = ({
  rate: a,
  sensitivity,
}: {
  /** 1/scale. */
  readonly rate: number
  readonly sensitivity: number
}): PrivacyLossPair => {
  // P(X ≥ 0) = 1/(1 + e^(−a)), and tanh(a/2) e^(−aj) at j.
  const ray = 1 / (1 + Math.exp(-a))
  const peak = Math.tanh(0.5 * a)
  return {
    infinity: 0,
    nothing: 0,
    atoms: [
      { loss: -a * sensitivity, p: ray * Math.exp(-a * sensitivity) },
      ...Array.from({ length: Math.max(0, sensitivity - 1) }, (_, i) => ({
        loss: a * (2 * (i + 1) - sensitivity),
        p: peak * Math.exp(-a * (sensitivity - 1 - i)),
      })),
      ...(sensitivity > 0 ? [{ loss: a * sensitivity, p: ray }] : []),
    ],
  }
}

/** The discrete Gaussian: masses ∝ e^(−x²/(2σ²)) on |x| ≤ bound, normalised. */
export const discreteGaussianMasses = ({
  sigma,
  bound,
}: {
  readonly sigma: number
  readonly bound: number
}): { readonly at: (x: number) => number } => {
  const weight = (x: number): number => Math.exp((-0.5 * x * x) / (sigma * sigma))
  let total = 1
  for (let x = bound; x >= 1; x--) total += 2 * weight(x)
  return { at: (x) => (Math.abs(x) > bound ? 0 : weight(x) / total) }
}

/**
 * Discrete Gaussian noise on an integer that moves by Δ: P centred at Δ, Q at 0. Both directions have one law.
 *
 *   L(x) = Δ(x − Δ/2)/σ²: steps of Δ/σ²
 *
 * Noise cut off at a given bound has outcomes that tell everything. Without a bound it is cut off where a tail falls below 1e-300,
 * and what is beyond is a loss of ∞.
 *
 * Cost       2 · bound atoms, 75 σ without a bound
 * Reference  Canonne, Kamath & Steinke 2020, arXiv:2004.00010
 */
export const discreteGaussianPair = ({
  sigma,
  sensitivity,
  truncationBound,
}: {
  readonly sigma: number
  readonly sensitivity: number
  readonly truncationBound?: number
}): PrivacyLossPair => {
  if (sensitivity === 0) return { infinity: 0, nothing: 0, atoms: [{ loss: 0, p: 1 }] }
  const bound = truncationBound ?? Math.ceil(37.2 * sigma + sensitivity)
  const { at } = discreteGaussianMasses({ sigma, bound })
  const step = sensitivity / (sigma * sigma)
  let revealed = 0
  const atoms = []
  for (let x = -bound; x <= bound + sensitivity; x++) {
    const p = at(x - sensitivity)
    if (p > 0 && Math.abs(x) <= bound) atoms.push({ loss: step * (x - 0.5 * sensitivity), p })
    else revealed += p
  }
  return { infinity: revealed, nothing: revealed, atoms }
}

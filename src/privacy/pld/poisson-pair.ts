/**
 * Poisson sampling of a pair: the record takes part with probability q. P₁ the law with it, Q₀ the law without, l = log dP₁/dQ₀.
 *
 *   remove  P = (1−q) Q₀ + q P₁,  Q = Q₀                     L = log(1 − q + q eˡ)
 *   add     P = Q₀,               Q = (1−q) Q₀ + q P₁        L = −log(1 − q + q eˡ)
 *
 * The loss is a monotone function of l, so a sampled pair reads its masses from the pair that it samples.
 *
 * Reference  Zhu, Dong & Wang 2022, arXiv:2106.08567, Thm 11: if (P₁, Q₀) dominates, so do these
 */
import { type Masses, mergedAtoms, mirroredMasses, type PrivacyLossPair, swapped, unscaledMass } from './loss-pair.js'

/** log(1 − q + q eˡ). */
export const sampledLoss =
  (q: number) =>
  (l: number): number =>
    l < 30 ? Math.log1p(q * Math.expm1(l)) : l + Math.log(q) + Math.log1p(((1 - q) / q) * Math.exp(-l))

/** The l whose sampled loss is t; −∞ at or below log(1 − q). */
export const unsampledLoss =
  (q: number) =>
  (t: number): number =>
    t > 30
      ? t - Math.log(q) + Math.log1p(-(1 - q) * Math.exp(-t))
      : -Math.expm1(t) >= q
        ? -Infinity
        : Math.log1p(Math.expm1(t) / q)

/**
 * The same, and −∞ at or below the least sampled loss. Narrow noise has nearly all of Q₀ there, which a loss that rounding puts a little
 * above would leave below.
 */
const unsampledFrom = (q: number, least: number): ((t: number) => number) => {
  const inverse = unsampledLoss(q)
  return (t) => (t <= least ? -Infinity : inverse(t))
}

const remove =
  (q: number) =>
  ({ infinity, nothing, atoms, density }: PrivacyLossPair): PrivacyLossPair => {
    const loss = sampledLoss(q)
    const inverse = unsampledFrom(q, loss(density?.least ?? -Infinity))
    const mixed = ({ p, q: without }: Masses): Masses => ({ p: (1 - q) * without + q * p, q: without })
    return {
      infinity: q * infinity,
      nothing: 0,
      atoms: mergedAtoms([
        { loss: Math.log1p(-q), p: (1 - q) * nothing },
        ...atoms.map((atom) => ({ loss: loss(atom.loss), p: (1 - q) * atom.p * Math.exp(-atom.loss) + q * atom.p })),
      ]),
      ...(density === undefined
        ? {}
        : {
            density: {
              least: loss(density.least),
              most: loss(density.most),
              masses: (edges: Float64Array) => {
                const inner = edges.map(inverse)
                const { p, q: scaled } = density.masses(inner)
                for (let i = 0; i < p.length; i++) {
                  const low = inner[i] as number
                  const without = unscaledMass(scaled[i] as number, low)
                  p[i] = (1 - q) * without + q * (p[i] as number)
                  // e^t = 1 − q + q eˡ, and t > 0 exactly where l > 0.
                  if (low > 0) scaled[i] = (1 - q) * without + q * (scaled[i] as number)
                }
                return { p, q: scaled }
              },
              above: (t: number) => mixed(density.above(inverse(t))),
              below: (t: number) => mixed(density.below(inverse(t))),
            },
          }),
    }
  }

const add =
  (q: number) =>
  ({ infinity, nothing, atoms, density }: PrivacyLossPair): PrivacyLossPair => {
    const loss = sampledLoss(q)
    const inverse = unsampledFrom(q, loss(density?.least ?? -Infinity))
    const mixed = ({ p, q: without }: Masses): Masses => ({ p: without, q: (1 - q) * without + q * p })
    return {
      infinity: 0,
      nothing: q * infinity,
      atoms: mergedAtoms([
        { loss: -Math.log1p(-q), p: nothing },
        ...atoms.map((atom) => ({ loss: -loss(atom.loss), p: atom.p * Math.exp(-atom.loss) })),
      ]),
      ...(density === undefined
        ? {}
        : {
            density: {
              least: -loss(density.most),
              most: -loss(density.least),
              masses: (edges: Float64Array) => {
                const inner = (negated: Float64Array) => density.masses(negated.map(inverse))
                return mirroredMasses(edges, inner, ({ p, q: scaled, low, high }) => {
                  const without = unscaledMass(scaled, inverse(low))
                  const sampled = (1 - q) * without + q * p
                  // Beyond the largest loss there is nothing, however large the factor.
                  return { p: without, q: high < 0 && sampled > 0 ? sampled * Math.exp(-high) : sampled }
                })
              },
              above: (t: number) => mixed(density.below(inverse(-t))),
              below: (t: number) => mixed(density.above(inverse(-t))),
            },
          }),
    }
  }

/** Which of two neighbours P is the law of: the one with the record, or the one without. */
export type PairDirection = 'remove' | 'add'

/**
 * The pair of a mechanism on a Poisson sample, from the pair in the direction `remove` of the mechanism on all data.
 *
 * Cost  an inverse of the loss, two transcendental functions, per edge
 */
export const poissonSampledPair = (
  direction: PairDirection,
  samplingProbability: number,
): ((pair: PrivacyLossPair) => PrivacyLossPair) => {
  if (samplingProbability < 1) return (direction === 'remove' ? remove : add)(samplingProbability)
  return direction === 'remove' ? (pair) => pair : swapped
}

/**
 * The part of a pair whose losses lie in an interval, as a pair of its own.
 *
 * Losses stay what they are; P and Q are restricted to the outcomes whose loss is in (low, high] and multiplied by one factor. P and Q of
 * a part need not be probabilities.
 */
import type { LossDensity, PrivacyLossPair } from './loss-pair.js'
import { unscaledMass } from './loss-pair.js'

/** Losses in (low, high], P and Q multiplied by `factor`. */
export interface Restriction {
  readonly low: number
  readonly high: number
  readonly factor: number
}

/**
 * A density, restricted.
 *
 * Cost  as its own masses, for edges that are moved into the interval
 */
export const restrictedDensity = (density: LossDensity, { low: from, high: to, factor }: Restriction): LossDensity => {
  const [least, most] = [Math.max(from, density.least), Math.min(to, density.most)]
  const masses: LossDensity['masses'] = (edges) => {
    const moved = edges.map((t) => Math.min(most, Math.max(least, t)))
    const { p, q } = density.masses(moved)
    for (let i = 0; i < p.length; i++) {
      const [given, used] = [edges[i] as number, moved[i] as number]
      const empty = !((moved[i + 1] as number) > used)
      p[i] = empty ? 0 : factor * (p[i] as number)
      // Masses under Q are in units of e^(−max(lower edge, 0)).
      q[i] = empty ? 0 : factor * (q[i] as number) * Math.exp(Math.max(0, given) - Math.max(0, used))
    }
    return { p, q }
  }
  const between = (low: number, high: number): { readonly p: number; readonly q: number } => {
    if (!(low < high)) return { p: 0, q: 0 }
    const { p, q } = masses(Float64Array.of(low, high))
    return { p: p[0] as number, q: unscaledMass(q[0] as number, low) }
  }
  return {
    least,
    most,
    masses,
    above: (t) => between(Math.max(t, least), most),
    below: (t) => between(least, Math.min(t, most)),
  }
}

/** A pair without atoms and without infinite losses, restricted to losses in (low, high]. */
export const restrictedPair = ({ density }: PrivacyLossPair, restriction: Restriction): PrivacyLossPair => ({
  infinity: 0,
  nothing: 0,
  atoms: [],
  ...(density === undefined ? {} : { density: restrictedDensity(density, restriction) }),
})

/**
 * A pair of laws (P, Q), as the law of its privacy loss L = log dP/dQ: a guarantee in one direction between two neighbours.
 *
 * Everything that a privacy loss accountant needs to know of a mechanism is how much mass P and Q give to sets {a < L ≤ b}. A mechanism
 * with a probability mass function or a distribution function can say that, so any of them becomes a pair.
 *
 *   δ(ε) = P(L > ε) − e^ε Q(L > ε)
 *
 * References  Koskela, Jälkö & Honkela 2020, arXiv:1906.03049 · Zhu, Dong & Wang 2022, arXiv:2106.08567 (dominating pairs)
 */

/** A value of the loss that has a probability of its own: p under P, p e^(−loss) under Q. */
export interface LossAtom {
  readonly loss: number
  readonly p: number
}

/** Masses of the bins between neighbouring edges: under P, and e^max(a, 0) times that under Q, a the lower edge. */
export interface BinMasses {
  readonly p: Float64Array
  readonly q: Float64Array
}

/** Masses of one set under P and Q. */
export interface Masses {
  readonly p: number
  readonly q: number
}

/** The part of the law of a loss that has a density, between `least` and `most`. */
export interface LossDensity {
  readonly least: number
  readonly most: number
  /**
   * Masses of bins with rising edges, −∞ and ∞ allowed at the ends.
   *
   * Guarantee  relative error ≤ 2⁻⁴² for edges that are off by at most 2⁻⁴⁸ (1 + |edge|)
   */
  readonly masses: (edges: Float64Array) => BinMasses
  /** Masses of {L > t}, to the digits that their size leaves. */
  readonly above: (t: number) => Masses
  /** Masses of {L ≤ t}. */
  readonly below: (t: number) => Masses
}

/** A pair of laws as the law of its loss. */
export interface PrivacyLossPair {
  /** P of what Q cannot produce: L = ∞. */
  readonly infinity: number
  /** Q of what P cannot produce: L = −∞. */
  readonly nothing: number
  /** Rising in the loss. */
  readonly atoms: readonly LossAtom[]
  readonly density?: LossDensity
}

/** What masses and edges may err by; see `LossDensity.masses`. */
export const massError: number = 2 ** -42
export const lossError: number = 2 ** -48

/** The largest finite loss; the smallest. */
export const mostLoss = ({ atoms, density }: PrivacyLossPair): number =>
  Math.max(atoms.at(-1)?.loss ?? -Infinity, density?.most ?? -Infinity)
export const leastLoss = ({ atoms, density }: PrivacyLossPair): number =>
  Math.min(atoms[0]?.loss ?? Infinity, density?.least ?? Infinity)

/** Atoms of one loss become one; masses of 0 go. */
export const mergedAtoms = (atoms: readonly LossAtom[]): readonly LossAtom[] => {
  const found: LossAtom[] = []
  for (const { loss, p } of atoms.toSorted((a, b) => a.loss - b.loss)) {
    const last = found.at(-1)
    if (!(p > 0)) continue
    if (last !== undefined && loss - last.loss <= 4 * Number.EPSILON * Math.abs(loss))
      found[found.length - 1] = { loss: last.loss, p: last.p + p }
    else found.push({ loss, p })
  }
  return found
}

/**
 * The pair of two probability mass functions, outcome by outcome.
 *
 * @example
 * pairOfMasses([{ p: 0.75, q: 0.25 }, { p: 0.25, q: 0.75 }]).atoms.length // => 2
 */
export const pairOfMasses = (outcomes: readonly Masses[]): PrivacyLossPair => ({
  infinity: outcomes.reduce((sum, { p, q }) => (q === 0 ? sum + p : sum), 0),
  nothing: outcomes.reduce((sum, { p, q }) => (p === 0 ? sum + q : sum), 0),
  atoms: mergedAtoms(outcomes.flatMap(({ p, q }) => (p > 0 && q > 0 ? [{ loss: Math.log(p / q), p }] : []))),
})

/** A distribution function of the loss, and its complement, each to the digits that its size leaves. */
export interface LossDistribution {
  readonly least: number
  readonly most: number
  /** Masses where the loss is above t. */
  readonly above: (t: number) => Masses
  /** Masses where it is not. */
  readonly below: (t: number) => Masses
}

/**
 * The pair of a loss that has a density, from the distribution functions of the loss under P and under Q.
 *
 * Guarantee  masses of bins are differences of the smaller tails: bounds hold to the digits that these leave. Where all of them are
 *            wanted, as for long compositions, write `masses` for the law at hand, as the pairs of this folder do
 */
export const pairOfDistribution = ({ least, most, above, below }: LossDistribution): PrivacyLossPair => ({
  infinity: 0,
  nothing: 0,
  atoms: [],
  density: {
    least,
    most,
    above,
    below,
    masses: (edges) => {
      const count = edges.length - 1
      const p = new Float64Array(count)
      const q = new Float64Array(count)
      for (let i = 0; i < count; i++) {
        const [a, b] = [edges[i] as number, edges[i + 1] as number]
        const [fromAbove, fromBelow] = [above(a), below(b)]
        const [restAbove, restBelow] = [above(b), below(a)]
        const between = (one: 'p' | 'q'): number =>
          Math.max(
            0,
            fromAbove[one] < fromBelow[one] ? fromAbove[one] - restAbove[one] : fromBelow[one] - restBelow[one],
          )
        p[i] = between('p')
        q[i] = between('q') * Math.exp(Math.max(0, a))
      }
      return { p, q }
    },
  },
})

/** Masses under P back to front, as masses under Q, and the reverse: edges change their signs. */
export const mirroredMasses = (
  edges: Float64Array,
  masses: (edges: Float64Array) => BinMasses,
  swap: (bin: { readonly p: number; readonly q: number; readonly low: number; readonly high: number }) => Masses,
): BinMasses => {
  const count = edges.length - 1
  const negated = Float64Array.from(edges, (_, i) => -(edges[count - i] as number))
  const inner = masses(negated)
  const p = new Float64Array(count)
  const q = new Float64Array(count)
  for (let i = 0; i < count; i++) {
    const j = count - 1 - i
    const bin = swap({
      p: inner.p[j] as number,
      q: inner.q[j] as number,
      low: negated[j] as number,
      high: negated[j + 1] as number,
    })
    p[i] = bin.p
    q[i] = bin.q
  }
  return { p, q }
}

/** e^(−max(a, 0)) of a mass scaled by e^max(a, 0). */
export const unscaledMass = (q: number, low: number): number => (low > 0 ? q * Math.exp(-low) : q)

/**
 * The pair in the other direction, (Q, P): the loss changes its sign.
 *
 * @example
 * swapped({ infinity: 0, nothing: 0.5, atoms: [] }).infinity // => 0.5
 */
export const swapped = ({ infinity, nothing, atoms, density }: PrivacyLossPair): PrivacyLossPair => ({
  infinity: nothing,
  nothing: infinity,
  atoms: atoms.map(({ loss, p }) => ({ loss: -loss, p: p * Math.exp(-loss) })).toReversed(),
  ...(density === undefined
    ? {}
    : {
        density: {
          least: -density.most,
          most: -density.least,
          masses: (edges: Float64Array) =>
            mirroredMasses(edges, density.masses, ({ p, q, low, high }) => ({
              p: unscaledMass(q, low),
              q: high < 0 ? p * Math.exp(Math.min(700, -high)) : p,
            })),
          above: (t: number) => reversed(density.below(-t)),
          below: (t: number) => reversed(density.above(-t)),
        },
      }),
})

const reversed = ({ p, q }: Masses): Masses => ({ p: q, q: p })

/**
 * A pair of one of several mechanisms, chosen at random in view of everybody: masses are weighted means.
 *
 * Guarantee  exact where the choice is independent of the data; an upper bound of a mixture whose choice is not seen (joint convexity)
 */
export const chosenAmong = (
  parts: readonly { readonly weight: number; readonly pair: PrivacyLossPair }[],
): PrivacyLossPair => {
  const weighted = (read: (pair: PrivacyLossPair) => number): number =>
    parts.reduce((sum, { weight, pair }) => sum + weight * read(pair), 0)
  const densities = parts.flatMap(({ weight, pair: { density } }) =>
    density === undefined ? [] : [{ weight, density }],
  )
  const both = (read: (density: LossDensity) => Masses): Masses =>
    densities.reduce(
      (sum, { weight, density }) => {
        const { p, q } = read(density)
        return { p: sum.p + weight * p, q: sum.q + weight * q }
      },
      { p: 0, q: 0 },
    )
  return {
    infinity: weighted(({ infinity }) => infinity),
    nothing: weighted(({ nothing }) => nothing),
    atoms: mergedAtoms(parts.flatMap(({ weight, pair }) => pair.atoms.map(({ loss, p }) => ({ loss, p: weight * p })))),
    ...(densities.length === 0
      ? {}
      : {
          density: {
            least: densities.reduce((least, { density }) => Math.min(least, density.least), Infinity),
            most: densities.reduce((most, { density }) => Math.max(most, density.most), -Infinity),
            masses: (edges: Float64Array) => {
              const p = new Float64Array(edges.length - 1)
              const q = new Float64Array(edges.length - 1)
              for (const { weight, density } of densities) {
                const one = density.masses(edges)
                for (let i = 0; i < p.length; i++) {
                  p[i] = (p[i] as number) + weight * (one.p[i] as number)
                  q[i] = (q[i] as number) + weight * (one.q[i] as number)
                }
              }
              return { p, q }
            },
            above: (t: number) => both((density) => density.above(t)),
            below: (t: number) => both((density) => density.below(t)),
          },
        }),
  }
}

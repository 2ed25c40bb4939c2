/**
 * The law of a loss, cut into bins whose edges lie on a lattice o + kh.
 *
 * Bins are one step wide where a composition will have most of its mass, and wider, by powers of two, where it seldom comes. Atoms
 * that lie on the lattice are kept as they are; the others fall into bins.
 */
import type { Masses, PrivacyLossPair } from './loss-pair.js'

/** Where a lattice lies. */
export interface Lattice {
  readonly offset: number
  readonly step: number
}

/** Masses at lattice points: the law of a loss, or a bound of it. */
export interface LatticePoints {
  /** k of o + kh. */
  readonly index: Float64Array
  readonly mass: Float64Array
}

/** A law in bins. Bin i reaches from edge i to edge i + 1, the upper one included. */
export interface LatticeBins extends Lattice {
  readonly edges: Float64Array
  /** P, and e^(lower edge) Q. */
  readonly p: Float64Array
  readonly q: Float64Array
  /** P below the first edge. */
  readonly below: number
  /** P above the last edge, and e^(last edge) Q there. */
  readonly above: Masses
  /** Atoms on the lattice. */
  readonly exact: LatticePoints
  /** Bins `from` to `to`, `to` not included, that a lower bound may take as one atom at k = 0; none if they are equal. */
  readonly bulk: { readonly from: number; readonly to: number }
  /** P of L = ∞. */
  readonly infinity: number
  /** How far a loss may stand from where it is put. */
  readonly lossError: number
}

/** How close an atom must be to the lattice to count as on it. */
const CLOSE = 2 ** -48

/** k if o + kh is the loss to rounding. */
const indexOf = ({ offset, step }: Lattice, loss: number): number | undefined => {
  const k = Math.round((loss - offset) / step)
  return Math.abs(offset + k * step - loss) <= CLOSE * (1 + Math.abs(loss)) ? k : undefined
}

/**
 * How many steps on either side of its offset a lattice gives to a bulk: a part of the density that is so narrow that one atom stands for
 * it, at the offset, which is put where the masses of the bulk have their ratio.
 */
export const bulkReach = 2

/** Losses of a bulk are merged at log P/Q of it; how far that is from the offset. */
const bulkShift = (p: Float64Array, q: Float64Array, losses: Float64Array, from: number, to: number): number => {
  let [whole, other] = [0, 0]
  for (let i = from; i < to; i++) {
    whole += p[i] as number
    other += (q[i] as number) * Math.exp((losses[from] as number) - (losses[i] as number))
  }
  return whole > 0 ? Math.log(whole / other) + (losses[from] as number) : Infinity
}

/**
 * The bins of a pair, with a bulk around the offset if asked for.
 *
 * Edges must rise, and be integers; with a bulk they must hold every integer within its reach that is between the first and the last.
 */
export const latticeBins = (
  pair: PrivacyLossPair,
  lattice: Lattice,
  edges: Float64Array,
  hasBulk = false,
): LatticeBins => {
  const { offset, step } = lattice
  const count = edges.length - 1
  const losses = edges.map((k) => offset + k * step)
  const first = losses[0] as number
  const last = losses[count] as number
  const p = new Float64Array(count)
  const q = new Float64Array(count)
  let below = 0
  const above = { p: 0, q: 0 }
  if (pair.density !== undefined) {
    const masses = pair.density.masses(losses)
    for (let i = 0; i < count; i++) {
      p[i] = masses.p[i] as number
      q[i] = (masses.q[i] as number) * Math.exp(Math.min(0, losses[i] as number))
    }
    below = pair.density.below(first).p
    const rest = pair.density.above(last)
    above.p = rest.p
    above.q = Math.min(rest.p, rest.q * Math.exp(Math.min(700, last)))
  }
  const exact: { index: number; mass: number }[] = []
  let bin = 0
  for (const { loss, p: mass } of pair.atoms) {
    const index = indexOf(lattice, loss)
    if (index !== undefined) exact.push({ index, mass })
    else if (loss <= first) below += mass
    else if (loss > last) {
      above.p += mass
      above.q += mass * Math.exp(last - loss)
    } else {
      while (loss > (losses[bin + 1] as number)) bin++
      p[bin] = (p[bin] as number) + mass
      q[bin] = (q[bin] as number) + mass * Math.exp((losses[bin] as number) - loss)
    }
  }
  let [from, to] = [0, 0]
  if (hasBulk) {
    from = edges.findIndex((k) => k >= -bulkReach)
    to = edges.findLastIndex((k) => k <= bulkReach)
  }
  const shift = to > from ? Math.max(0, offset - bulkShift(p, q, losses, from, to)) : 0
  return {
    offset,
    step,
    edges,
    p,
    q,
    below,
    above,
    bulk: { from, to },
    exact: {
      index: Float64Array.from(exact, ({ index }) => index),
      mass: Float64Array.from(exact, ({ mass }) => mass),
    },
    infinity: pair.infinity,
    lossError: CLOSE * (1 + Math.max(Math.abs(first), Math.abs(last))) + shift,
  }
}

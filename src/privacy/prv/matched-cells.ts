/**
 * A loss rounded to a lattice so that its mean stays what it is.
 *
 * Cells are centred at lattice points, and the lattice is shifted until the rounded loss has the mean of the loss. The mean of a cell
 * needs no integral: with p and q its masses under P and Q, E[L] ≥ l* = log(p/q) by Jensen's inequality, and E[L] ≤ l* + h²/8 by
 * Hoeffding's lemma.
 *
 * Reference  Gopi, Lee & Wutschitz 2021, arXiv:2106.02848, Algorithm 1 (mean matching)
 */
import type { LatticeLaw } from '../pld/lattice-law.js'
import { massError, type PrivacyLossPair } from '../pld/loss-pair.js'

/** A rounded loss, and what rounding it cost besides a deviation of at most h/2. */
export interface MatchedCells {
  readonly law: LatticeLaw
  /** How far the means of the loss and of the rounded loss may be apart. */
  readonly meanError: number
  /** P of losses below the first cell, which the law leaves out. Those above the last one count as ∞. */
  readonly below: number
}

/** Where the cells lie. */
export interface Cells {
  readonly step: number
  readonly low: number
  readonly high: number
}

/**
 * The rounded loss of a pair, cells of one width from below `low` to above `high`.
 *
 * Cost  the masses of (high − low)/step cells
 */
export const matchedCells = (pair: PrivacyLossPair, { step, low, high }: Cells): MatchedCells => {
  const count = Math.max(1, Math.ceil((high - low) / step))
  const edges = Float64Array.from({ length: count + 1 }, (_, i) => low + i * step)
  const mass = new Float64Array(count)
  // Σ of mass times the distance of its mean from the cell's centre.
  let shift = 0
  let [below, above] = [0, 0]
  if (pair.density !== undefined) {
    const { p, q } = pair.density.masses(edges)
    below = pair.density.below(edges[0] as number).p
    above = pair.density.above(edges[count] as number).p
    for (let i = 0; i < count; i++) {
      const cell = p[i] as number
      if (!(cell > 0)) continue
      const edge = edges[i] as number
      const least = Math.log(cell / (q[i] as number)) + Math.max(0, edge) - edge
      mass[i] = cell
      shift += cell * (Math.min(step, Math.max(0, least)) + (step * step) / 24 - 0.5 * step)
    }
  }
  for (const { loss, p } of pair.atoms) {
    const cell = Math.ceil((loss - low) / step) - 1
    if (cell < -1 || loss < low) below += p
    else if (cell >= count) above += p
    else {
      const i = Math.max(0, cell)
      mass[i] = (mass[i] as number) + p
      shift += p * (loss - (low + (i + 0.5) * step))
    }
  }
  const whole = mass.reduce((sum, m) => sum + m, 0)
  const kept = Array.from(mass.keys()).filter((i) => (mass[i] as number) > 0)
  return {
    law: {
      offset: low + 0.5 * step + (whole > 0 ? shift / whole : 0),
      step,
      index: Float64Array.from(kept),
      mass: Float64Array.from(kept, (i) => mass[i] as number),
      infinity: pair.infinity + above,
    },
    meanError: (step * step) / 12 + 8 * massError + 2 ** -50 * (Math.abs(low) + Math.abs(high)),
    below,
  }
}

/**
 * Laws on a lattice in the plainest way: every loss rounded to an end of its bin, and dots connected by second differences of δ. They are
 * what `pessimistic` and `optimistic` are compared with; neither is accurate enough for long compositions, the first because it is of
 * first order in the step, the second because its differences cancel.
 *
 * References  Meiser & Mohammadi 2018, "Tight on budget?", CCS · Doroshenko, Ghazi, Kamath, Kumar & Manurangsi 2022, arXiv:2207.04380, Alg. 1
 */
import type { LatticeBins } from './lattice-bins.js'
import type { LatticeLaw } from './lattice-law.js'

/**
 * A law with all mass of a bin at its upper end, an upper bound, or at its lower end, a lower bound. What is below the first edge goes
 * to it, or is left out; what is above the last one becomes infinite, or goes to it.
 */
export const buckets = (bins: LatticeBins, rounded: 'up' | 'down'): LatticeLaw => {
  const { offset, step, edges, p, below, above, exact, infinity } = bins
  const mass = new Float64Array(edges.length)
  if (rounded === 'up') mass[0] = below
  else mass[edges.length - 1] = above.p
  for (let i = 0; i < p.length; i++) {
    const at = rounded === 'up' ? i + 1 : i
    mass[at] = (mass[at] as number) + (p[i] as number)
  }
  return {
    offset,
    step,
    infinity: infinity + (rounded === 'up' ? above.p : 0),
    index: Float64Array.from([...edges, ...exact.index]),
    mass: Float64Array.from([...mass, ...exact.mass]),
  }
}

/**
 * The law on given losses that has given values of δ there: the smallest one that does. Values must fall and be convex in e^ε.
 *
 * Cost  linear
 */
export const connectedDots = ({
  losses,
  deltas,
}: {
  readonly losses: readonly number[]
  readonly deltas: readonly number[]
}): { readonly mass: readonly number[]; readonly infinity: number } => {
  const last = losses.length - 1
  const delta = (i: number): number => deltas[i] as number
  const gap = (i: number): number => (losses[i + 1] as number) - (losses[i] as number)
  return {
    mass: losses.map((_, i) => {
      const after = i === last ? 0 : (delta(i + 1) - delta(i)) / Math.expm1(gap(i))
      const before = i === 0 ? 1 - delta(0) : (delta(i - 1) - delta(i)) / -Math.expm1(-gap(i - 1))
      return after + before
    }),
    infinity: delta(last),
  }
}

/**
 * Very many equal losses in two stages: n₁ of them on a fine lattice of their own, as a block; n₂ blocks on the lattice of the sum.
 *
 * Of n losses on a lattice of step h both bounds are off by n h². A block has a range some √n₂ times shorter, so that as many points give it a
 * step that much finer; what is left of the coarse step counts n₂ times, not n. A block's law is put on the coarse lattice as a
 * loss's is: by the chords of κ, and by the minorant of their values.
 *
 * What a block's transform errs by, E in the l1 norm of its tilted law, is (1 + E)^n₂ − 1 at most in that of the sum: chords and minorant
 * bound the law that was computed, so only its own error is left.
 *
 * Reference  Ghazi, Kamath, Kumar & Manurangsi 2022, arXiv:2207.04381 (composition in stages)
 */
import { minimise } from '../minimise.js'
import { type LatticeBins, latticeBins } from './lattice-bins.js'
import { optimistic, pessimistic } from './lattice-law.js'
import { meshFor } from './mesh.js'
import { placed } from './placed.js'
import type { Component, Plan } from './plan.js'
import { type Cumulant, cumulantOf, cutSketch } from './sketch.js'
import { logMoment, type Term, type TiltedSum, tiltedSum } from './tilted-sum.js'

/** Blocks of so many losses as a term, and the losses that are left over. */
export interface Blocks {
  readonly term: Term
  readonly rest: number
  /** How far the blocks' losses may stand from where they were put. */
  readonly lossError: number
}

/** A part of the tolerance that either stage may take. */
const PART = 0.1
/** Fewer losses are not worth two stages. */
const LEAST_COUNT = 4096

/** Beyond e to this, and e to minus this, masses are no doubles that can be relied on. */
const RANGE = 600

/** Do the factors that tilt a law back leave its masses in the range of doubles? */
const isInRange = ({ logScale, theta, first, step, mass }: TiltedSum): boolean =>
  logScale - theta * first < RANGE && logScale - theta * (first + step * mass.length) > -RANGE

/** A tilted sum in bins of `width` steps: those of a loss that has this law. */
const binsOf = (
  { first, step, theta, logScale, mass, infinity, beyond }: TiltedSum,
  width: number,
  side: 1 | -1,
): LatticeBins => {
  const count = Math.ceil((mass.length - 1) / width)
  const p = new Float64Array(count)
  const q = new Float64Array(count)
  for (let i = 1; i < mass.length; i++) {
    const bin = Math.ceil(i / width) - 1
    const probability = (mass[i] as number) * Math.exp(logScale - theta * (first + i * step))
    p[bin] = (p[bin] as number) + probability
    q[bin] = (q[bin] as number) + probability * Math.exp(step * (bin * width - i))
  }
  const empty = new Float64Array(0)
  return {
    offset: first,
    step: step * width,
    edges: Float64Array.from({ length: count + 1 }, (_, k) => k),
    p,
    q,
    below: (mass[0] as number) * Math.exp(logScale - theta * first),
    above: { p: 0, q: 0 },
    exact: { index: empty, mass: empty },
    bulk: { from: 0, to: 0 },
    infinity: side === 1 ? infinity + beyond : infinity,
    lossError: 0,
  }
}

/** The tilts that bound a sum of n tilted losses on either side, and the window that they prove all but e^(−digits) to be in. */
const windowOf = (
  at: (theta: number) => Cumulant,
  { theta, logDelta }: Plan,
  count: number,
  digits: number,
): { readonly low: number; readonly high: number; readonly toTheLeft: number; readonly toTheRight: number } => {
  const here = at(theta)
  const sd = Math.sqrt(count * here.variance) + 1e-12
  const reach = (side: 1 | -1, log: number): { readonly s: number; readonly end: number } => {
    const end = (logS: number): number => {
      const s = Math.exp(logS)
      return (count * (at(theta + side * s).value - here.value) + log) / s
    }
    const { x, value } = minimise({ low: Math.log(1e-3 / sd), high: Math.log(1e3 / sd), tolerance: 0.1 })(end)
    return { s: Math.exp(x), end: side * value }
  }
  const nearest = reach(1, digits)
  // What is above the window is told: it counts in full.
  const inFull = count * here.value - theta * nearest.end - logDelta + digits
  const right = inFull > digits ? reach(1, inFull) : nearest
  const left = reach(-1, digits)
  return { low: left.end, high: right.end, toTheLeft: left.s, toTheRight: right.s }
}

/**
 * A component of a sum as blocks, for a lattice of this step that is too coarse for its losses one by one; undefined where that gains nothing.
 *
 * Cost       a transform of at most `mostPoints` points, and its bins
 */
export const blocksFor = (
  component: Component,
  plan: Plan,
  { step, wanted, mostPoints }: { readonly step: number; readonly wanted: number; readonly mostPoints: number },
): Blocks | undefined => {
  const { pair, count, sketch } = component
  if (pair.atoms.length > 0 || pair.density === undefined || count < LEAST_COUNT) return undefined
  // n₂ step² is to be a part of n wanted².
  const blocks = Math.floor(PART * count * (wanted / step) ** 2)
  if (!(blocks >= 1 && 2 * blocks <= count)) return undefined
  const size = Math.floor(count / blocks)
  const at = cumulantOf(cutSketch(sketch, plan.negligible / count))
  const digits = 30 + Math.log(blocks) - Math.log(plan.relevant)
  const { low, high, ...tilts } = windowOf(at, plan, size, digits)
  const margin = 4 * (1 + Math.sqrt(size))
  const most = (0.9 * mostPoints - 2 * margin) / (high - low)
  const parts = Math.min(Math.ceil(step / (Math.sqrt(PART) * wanted)), Math.floor(step * most))
  if (!(parts >= 2)) return undefined
  const fine = step / parts
  const length = 2 ** Math.ceil(Math.log2(Math.max(64, (high - low) / fine + 2 * margin)))
  const lattice = placed(component, fine)
  const bins = latticeBins(pair, lattice, meshFor(component, lattice, plan), lattice.hasBulk)
  const first = Math.floor((low - size * lattice.offset) / fine - margin)
  const one: Term = { upper: pessimistic(bins), lower: optimistic(bins), count: size }
  const { upper, lower } = tiltedSum([one], { theta: plan.theta, ...tilts }, { first, length })
  if (![upper, lower].every(isInRange)) return undefined
  const laws = { upper: pessimistic(binsOf(upper, parts, 1)), lower: optimistic(binsOf(lower, parts, -1)) }
  // What errs is measured by the block's own tilted mass, and what is made of it by that of the coarser law.
  const lost = Math.max(0, lower.logScale - plan.theta * lower.first - logMoment(laws.lower, plan.theta))
  const compounded = (error: number): number => Math.expm1(blocks * Math.log1p(error))
  return {
    term: {
      ...laws,
      count: blocks,
      errors: {
        upper: compounded(upper.error),
        lower: Math.exp(blocks * lost) * compounded(lower.error + lower.folded),
        relative: compounded(Math.max(upper.relative, lower.relative) + (parts + 64) * 2 ** -52),
      },
    },
    rest: count - blocks * size,
    lossError:
      blocks * size * (bins.lossError + 2 ** -52 * (Math.abs(lattice.offset) + fine)) +
      blocks * 2 ** -50 * (Math.abs(upper.first) + step * length),
  }
}

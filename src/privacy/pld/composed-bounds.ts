/**
 * δ and ε of a composition between two bounds: bins on a lattice, both laws of them, both sums, both readings; the lattice halved until
 * the bounds meet a tolerance.
 */
import { commonStep } from './common-step.js'
import { bulkReach, type Lattice, latticeBins } from './lattice-bins.js'
import { optimistic, pessimistic } from './lattice-law.js'
import { mostLoss } from './loss-pair.js'
import { meshFor } from './mesh.js'
import { type Aim, type Component, guessEpsilon, guessLogDelta, type Plan, planFor } from './plan.js'
import { logLargestWeight, type Reading, readingOf } from './reading.js'
import { type Term, type TiltedSum, tiltedSum } from './tilted-sum.js'

/** How close the bounds are to be, and at what cost. */
export interface Resolution {
  /** Distance of the bounds of ε relative to ε. */
  readonly relative: number
  /** Distance of the bounds of ε that is good enough whatever ε is. */
  readonly absolute: number
  /** The most lattice points that a composition may be resolved by: a power of two. */
  readonly mostPoints: number
}

/** Bounds of ε within 1e-4 relative or 1e-6, as long as 2²⁰ points can tell. */
export const defaultResolution: Resolution = { relative: 1e-4, absolute: 1e-6, mostPoints: 2 ** 20 }

/** What is proved, and the number in between. */
export interface Enclosed {
  readonly lower: number
  readonly estimate: number
  readonly upper: number
}

const LEAST_POINTS = 64

/** The step that meets a tolerance: both bounds together are off by n h² (1 + slope)/4, and a little more where bins are wide. */
const wantedStep = (components: readonly Component[], { slope, tolerance }: Plan): number => {
  const count = components.reduce((sum, component) => sum + component.count, 0)
  return Math.sqrt((3 * tolerance) / (count * (1 + slope)))
}

/** The step on which every atom of every component lies, if there is one. */
const atomicStep = (components: readonly Component[]): number | undefined => {
  const differences = components.flatMap(({ pair: { atoms } }) =>
    atoms.length > 4096 ? [] : atoms.slice(1).map(({ loss }, i) => loss - (atoms[i]?.loss ?? loss)),
  )
  return commonStep(differences)
}

/** The median loss. */
const middleOf = ({ sketch: { loss, mass } }: Component): number => {
  const whole = mass.reduce((sum, m) => sum + m, 0)
  let sum = 0
  for (let i = 0; i < mass.length; i++) {
    sum += mass[i] as number
    if (2 * sum >= whole) return loss[i] as number
  }
  return 0
}

/** Where the lattice of a component lies, and whether most of its density is a bulk at the offset. */
interface Placed extends Lattice {
  readonly hasBulk: boolean
}

/** The share of the mass from which on a bulk is one. */
const BULK = 0.5

/** Atoms lie on the lattice. A density that is narrow beside the step has its bulk's own loss on the lattice, any other its median. */
const placed = (component: Component, step: number): Placed => {
  const { density, atoms } = component.pair
  if (atoms[0] !== undefined || density === undefined) return { offset: atoms[0]?.loss ?? 0, step, hasBulk: false }
  const middle = middleOf(component)
  let offset = middle
  let share = 0
  for (let i = 0; i < 6; i++) {
    const low = offset - bulkReach * step
    const { p, q } = density.masses(Float64Array.of(low, offset + bulkReach * step))
    share = p[0] as number
    const next = Math.log(share / (q[0] as number)) + Math.max(0, low)
    if (!(share > BULK) || Math.abs(next - offset) <= 1e-16) break
    offset = next
  }
  return share > BULK ? { offset, step, hasBulk: true } : { offset: middle, step, hasBulk: false }
}

/** A lattice per component, of one step, and the window of the sum. */
interface Grid {
  readonly lattices: readonly Placed[]
  readonly first: number
  readonly length: number
}

const gridFor = (components: readonly Component[], { low, high }: Plan, wanted: number, mostPoints: number): Grid => {
  const repetitions = components.reduce((sum, { count }) => sum + count, 0)
  // What the lattice adds: a step or two, and a deviation of h √(n/6) to either side.
  const margin = 4 * (1 + Math.sqrt(repetitions))
  const span = Math.max(high - low, wanted)
  const atomic = atomicStep(components)
  const dense = components.some(({ pair }) => pair.density !== undefined)
  const points = (step: number): number => 2 ** Math.ceil(Math.log2(Math.max(LEAST_POINTS, span / step + 2 * margin)))
  let step: number
  if (atomic !== undefined && points(atomic) <= mostPoints) {
    // Where everything lies on the lattice, a finer one gains nothing.
    let parts = dense ? Math.max(1, Math.ceil(atomic / wanted)) : 1
    while (parts > 1 && points(atomic / parts) > mostPoints) parts = Math.floor(parts / 2)
    step = atomic / parts
  } else {
    const length = Math.min(mostPoints, points(wanted))
    step = span / Math.max(length / 2, length - 2 * margin)
  }
  const lattices = components.map((component) => placed(component, step))
  const offset = components.reduce((sum, { count }, i) => sum + count * (lattices[i]?.offset ?? 0), 0)
  const length = Math.min(mostPoints, points(step))
  const spare = Math.max(0, length - span / step)
  return { lattices, first: Math.floor((low - offset) / step - 0.5 * spare), length }
}

/** Both sums on a grid, and how far a loss may stand from where it was put. */
const sumsOn = (
  components: readonly Component[],
  plan: Plan,
  { lattices, first, length }: Grid,
): { readonly upper: TiltedSum; readonly lower: TiltedSum; readonly lossError: number } => {
  let lossError = 0
  const terms = components.map((component, i): Term => {
    const lattice = lattices[i] as Placed
    const edges = meshFor(component, lattice, plan)
    const bins = latticeBins(component.pair, lattice, edges, lattice.hasBulk)
    lossError += component.count * (bins.lossError + 2 ** -52 * (Math.abs(lattice.offset) + lattice.step))
    return { upper: pessimistic(bins), lower: optimistic(bins), count: component.count }
  })
  // A steeper tilt than this sees but the noise of the lattice.
  const steepest = 12 / ((lattices[0]?.step ?? 1) * Math.sqrt(terms.reduce((sum, { count }) => sum + count, 0)))
  const tilts = {
    theta: plan.theta,
    toTheRight: Math.min(plan.toTheRight, steepest),
    toTheLeft: Math.min(plan.toTheLeft, steepest),
  }
  return { ...tiltedSum(terms, tilts, { first, length }), lossError }
}

/** Readings of both sums, each on its side. */
interface Readings {
  readonly upper: Reading
  readonly lower: Reading
  readonly sum: TiltedSum
  readonly lossError: number
}

/** What two enclosures prove together; the estimate of the second, if it is possible. */
const tighter = (a: Enclosed, b: Enclosed): Enclosed => {
  const lower = Math.max(a.lower, b.lower)
  const upper = Math.min(a.upper, b.upper)
  return { lower, estimate: Math.min(upper, Math.max(lower, b.estimate)), upper }
}

/** Answers from readings, finer ones until they meet the tolerance or the points run out. */
const refine = (
  components: readonly Component[],
  plan: Plan,
  { mostPoints, rounds }: { readonly mostPoints: number; readonly rounds: number },
  answer: (readings: Readings) => Enclosed,
  met: (found: Enclosed) => boolean,
): Enclosed => {
  let best: Enclosed | undefined
  let wanted = wantedStep(components, plan)
  for (let round = 1; ; round++) {
    const grid = gridFor(components, plan, wanted, mostPoints)
    const { upper, lower, lossError } = sumsOn(components, plan, grid)
    const found = answer({ upper: readingOf(upper, 1), lower: readingOf(lower, -1), sum: upper, lossError })
    best = best === undefined ? found : tighter(best, found)
    const step = grid.lattices[0]?.step ?? wanted
    if (met(best) || round >= rounds || 2 * grid.length > mostPoints) return best
    wanted = Math.min(wanted, step) / 2
  }
}

/** Rounds of halving the step; points of the first look. */
const ROUNDS = 4
const FIRST_POINTS = 2 ** 15

/** A third of the way from the upper bound to the lower one: where second-order errors of 1 and −2 cancel. */
const between = (lower: number, upper: number): number => (upper < Infinity ? upper - (upper - lower) / 3 : lower)

const sumOver = <C extends { readonly count: number }>(
  components: readonly C[],
  read: (component: C) => number,
): number => components.reduce((sum, component) => sum + component.count * read(component), 0)

/** P of an infinite loss of a composition. */
export const infinityOf = (components: readonly Pick<Component, 'pair' | 'count'>[]): number =>
  -Math.expm1(sumOver(components, ({ pair }) => Math.log1p(-Math.min(1, pair.infinity))))

/** The largest finite loss of a composition. */
export const mostLossOf = (components: readonly Pick<Component, 'pair' | 'count'>[]): number =>
  sumOver(components, ({ pair }) => mostLoss(pair))

/**
 * ε at δ ∈ (0, 1), at least 0.
 *
 * Guarantee  lower ≤ truth ≤ upper. Where no window resolves δ, upper is Chernoff's bound
 */
export const epsilonBounds = (
  components: readonly Component[],
  delta: number,
  { relative, absolute, mostPoints }: Resolution,
): Enclosed => {
  const infinity = infinityOf(components)
  if (infinity >= delta) return { lower: Infinity, estimate: Infinity, upper: Infinity }
  const most = mostLossOf(components)
  const logDelta = Math.log(delta - infinity)
  const toleranceAt = (epsilon: number): number => Math.max(absolute, relative * epsilon)
  const answer = ({ upper, lower, sum, lossError }: Readings): Enclosed => {
    const { theta, logScale } = sum
    const finite = delta - sum.infinity
    const chernoff = finite > 0 ? (logScale + logLargestWeight(theta) - Math.log(finite)) / theta : Infinity
    const high = Math.max(0, Math.min(upper.epsilon(delta) ?? Infinity, chernoff) + lossError)
    const low = Math.max(0, Math.min((lower.epsilon(delta) ?? 0) - lossError, high))
    const capped = Math.min(high, Math.max(0, most))
    return { lower: Math.min(low, capped), estimate: between(Math.min(low, capped), capped), upper: capped }
  }
  const met = ({ lower, upper }: Enclosed): boolean => upper - lower <= toleranceAt(upper)
  // A first look, with few points, finds where ε is; it costs little, and a plan for another ε may cost much.
  const inside = (x: number): number => Math.max(0, Math.min(x, most - absolute))
  let epsilon = inside(guessEpsilon(components, logDelta))
  let found: Enclosed = { lower: 0, estimate: epsilon, upper: Infinity }
  for (let look = 0; look < 4; look++) {
    const plan = planFor(components, { epsilon, logDelta, tolerance: 100 * toleranceAt(epsilon) })
    found = refine(components, plan, { mostPoints: Math.min(FIRST_POINTS, mostPoints), rounds: 1 }, answer, met)
    if (epsilon >= found.lower && epsilon <= found.upper) break
    epsilon = inside(found.upper < Infinity ? found.estimate : 2 * epsilon)
  }
  for (let look = 0; ; look++) {
    const plan = planFor(components, { epsilon, logDelta, tolerance: toleranceAt(epsilon) })
    const next = refine(components, plan, { mostPoints, rounds: ROUNDS }, answer, met)
    found = tighter(found, next)
    if (met(found) || look === 1 || Math.abs(found.estimate - epsilon) * plan.slope < 0.5) return found
    epsilon = inside(found.estimate)
  }
}

/**
 * δ at ε ≥ 0.
 *
 * Guarantee  lower ≤ truth ≤ upper
 */
export const deltaBounds = (
  components: readonly Component[],
  epsilon: number,
  { relative, mostPoints }: Resolution,
): Enclosed => {
  const infinity = infinityOf(components)
  if (epsilon >= mostLossOf(components)) return { lower: infinity, estimate: infinity, upper: infinity }
  const answer = ({ upper, lower, sum, lossError }: Readings): Enclosed => {
    const { theta, logScale } = sum
    const chernoff = sum.infinity + Math.exp(logScale - theta * (epsilon - lossError) + logLargestWeight(theta))
    const high = Math.min(1, upper.delta(epsilon - lossError), chernoff)
    const low = Math.min(lower.delta(epsilon + lossError), high)
    return { lower: low, estimate: between(low, high), upper: high }
  }
  const met = ({ lower, upper }: Enclosed): boolean => upper - lower <= 10 * relative * upper
  const guess = guessLogDelta(components, epsilon)
  const { slope } = guess
  let { logDelta } = guess
  const aim = (part: number): Aim => ({ epsilon, logDelta, tolerance: part })
  for (let look = 0; look < 4; look++) {
    const plan = planFor(components, aim((1000 * relative) / (1 + slope)))
    const found = refine(components, plan, { mostPoints: Math.min(FIRST_POINTS, mostPoints), rounds: 1 }, answer, met)
    if (logDelta >= Math.log(found.lower) && logDelta <= Math.log(found.upper)) break
    logDelta = Math.max(-700, Math.log(found.estimate))
  }
  const plan = planFor(components, aim((10 * relative) / (1 + slope)))
  return refine(components, plan, { mostPoints, rounds: ROUNDS }, answer, met)
}

/**
 * Both bounds of a composition on one lattice: bins, both laws of them, both sums, both readings.
 */
import { commonStep } from './common-step.js'
import { bulkReach, type Lattice, latticeBins } from './lattice-bins.js'
import { optimistic, pessimistic } from './lattice-law.js'
import { meshFor } from './mesh.js'
import type { Component, Plan } from './plan.js'
import { logLargestWeight, type Reading, readingOf } from './reading.js'
import { type Term, type TiltedSum, tiltedSum } from './tilted-sum.js'

const LEAST_POINTS = 64

/** The step that meets a tolerance: both bounds together are off by n h² (1 + slope)/4, and a little more where bins are wide. */
export const wantedStep = (components: readonly Component[], { slope, tolerance }: Plan): number => {
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

/** The most lattice points, and the step that is wanted: what comes of it may be finer or coarser. */
export interface Fineness {
  readonly wanted: number
  readonly mostPoints: number
}

/** How many lattice points a plan takes at a step. */
export const pointsFor = ({ low, high }: Plan, step: number): number => Math.max(LEAST_POINTS, (high - low) / step)

/** Readings of both sums, each on its side, and the lattice that they are from. */
export interface LatticeReadings {
  readonly upper: Reading
  readonly lower: Reading
  readonly sum: TiltedSum
  /** How far a loss may stand from where it was put. */
  readonly lossError: number
  readonly step: number
  readonly length: number
}

/** The readings of a composition by a plan. */
export const latticeReadings = (
  components: readonly Component[],
  plan: Plan,
  { wanted, mostPoints }: Fineness,
): LatticeReadings => {
  const grid = gridFor(components, plan, wanted, mostPoints)
  const { upper, lower, lossError } = sumsOn(components, plan, grid)
  return {
    upper: readingOf(upper, 1),
    lower: readingOf(lower, -1),
    sum: upper,
    lossError,
    step: grid.lattices[0]?.step ?? wanted,
    length: grid.length,
  }
}

/** Chernoff's bound of δ(ε) at the tilt of a sum. */
export const chernoffAt = (
  { sum: { infinity, logScale, theta }, lossError }: LatticeReadings,
  epsilon: number,
): number => infinity + Math.exp(logScale - theta * (epsilon - lossError) + logLargestWeight(theta))

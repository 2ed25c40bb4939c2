/**
 * Both bounds of a composition on one lattice: bins, both laws of them, both sums, both readings.
 */
import { blocksFor } from './block.js'
import { commonStep } from './common-step.js'
import { latticeBins } from './lattice-bins.js'
import { optimistic, pessimistic } from './lattice-law.js'
import { meshFor } from './mesh.js'
import { placed } from './placed.js'
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

/** The step of the lattices, and how many points of them the window of the sum has. */
interface Grid {
  readonly step: number
  readonly length: number
}

const gridFor = (components: readonly Component[], { low, high }: Plan, { wanted, mostPoints }: Fineness): Grid => {
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
  return { step, length: Math.min(mostPoints, points(step)) }
}

/** The terms of a component at a step, and how far its losses may stand from where they were put: in blocks where the step is too coarse. */
const termsOf = (
  component: Component,
  plan: Plan,
  step: number,
  { wanted, mostPoints }: Fineness,
): { readonly terms: readonly Term[]; readonly lossError: number } => {
  if (component.count === 0) return { terms: [], lossError: 0 }
  const blocks = step > wanted ? blocksFor(component, plan, { step, wanted, mostPoints }) : undefined
  if (blocks !== undefined) {
    const rest = termsOf({ ...component, count: blocks.rest }, plan, step, { wanted: step, mostPoints })
    return { terms: [blocks.term, ...rest.terms], lossError: blocks.lossError + rest.lossError }
  }
  const lattice = placed(component, step)
  const bins = latticeBins(component.pair, lattice, meshFor(component, lattice, plan), lattice.hasBulk)
  return {
    terms: [{ upper: pessimistic(bins), lower: optimistic(bins), count: component.count }],
    lossError: component.count * (bins.lossError + 2 ** -52 * (Math.abs(lattice.offset) + step)),
  }
}

/** Both sums on a grid, and how far a loss may stand from where it was put. */
const sumsOn = (
  components: readonly Component[],
  plan: Plan,
  { step, length }: Grid,
  fineness: Fineness,
): { readonly upper: TiltedSum; readonly lower: TiltedSum; readonly lossError: number } => {
  const parts = components.map((component) => termsOf(component, plan, step, fineness))
  const terms = parts.flatMap((part) => part.terms)
  const spare = Math.max(0, length - Math.max(plan.high - plan.low, fineness.wanted) / step)
  const offset = terms.reduce((sum, { upper, count }) => sum + count * upper.offset, 0)
  const first = Math.floor((plan.low - offset) / step - 0.5 * spare)
  // A steeper tilt than this sees but the noise of the lattice.
  const steepest = 12 / (step * Math.sqrt(terms.reduce((sum, { count }) => sum + count, 0)))
  const tilts = {
    theta: plan.theta,
    toTheRight: Math.min(plan.toTheRight, steepest),
    toTheLeft: Math.min(plan.toTheLeft, steepest),
  }
  return {
    ...tiltedSum(terms, tilts, { first, length }),
    lossError: parts.reduce((sum, { lossError }) => sum + lossError, 0),
  }
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
export const latticeReadings = (components: readonly Component[], plan: Plan, fineness: Fineness): LatticeReadings => {
  const grid = gridFor(components, plan, fineness)
  const { upper, lower, lossError } = sumsOn(components, plan, grid, fineness)
  return {
    upper: readingOf(upper, 1),
    lower: readingOf(lower, -1),
    sum: upper,
    lossError,
    step: grid.step,
    length: grid.length,
  }
}

/** Chernoff's bound of δ(ε) at the tilt of a sum. */
export const chernoffAt = (
  { sum: { infinity, logScale, theta }, lossError }: LatticeReadings,
  epsilon: number,
): number => infinity + Math.exp(logScale - theta * (epsilon - lossError) + logLargestWeight(theta))

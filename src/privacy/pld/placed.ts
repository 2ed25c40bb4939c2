/**
 * Where the lattice of a component lies.
 */
import { bulkReach, type Lattice } from './lattice-bins.js'
import type { Component } from './plan.js'

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

/** A lattice, and whether most of a density is a bulk at its offset. */
export interface Placed extends Lattice {
  readonly hasBulk: boolean
}

/** The share of the mass from which on a bulk is one. */
const BULK = 0.5

/** Atoms lie on the lattice. A density that is narrow beside the step has its bulk's own loss on the lattice, any other its median. */
export const placed = (component: Component, step: number): Placed => {
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

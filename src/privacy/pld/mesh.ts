/**
 * Where on the lattice the bins of one mechanism's loss begin and end.
 *
 * A bin of width w adds variance up to w²/6 in the tilted law, times the share of the tilted mass that is there. So where that share is
 * T in all from here outwards, a width of h √(η/T) costs little, and the bins get as few as the logarithm of the range.
 */
import { bulkReach, type Lattice } from './lattice-bins.js'
import { leastLoss, mostLoss } from './loss-pair.js'
import type { Component, Plan } from './plan.js'
import { cumulantOf, cutSketch, farthest } from './sketch.js'

/** η: the tilted mass beyond which bins are a step wide. */
const RARE = 0.01
/** Tilted mass that needs no bins. */
const NOTHING = 1e-20
/** About as many bins as there may be, wherever they lie. */
const MOST_BINS = 2 ** 18
/** So many bins there may never be, however the mass is spread. */
const EVER_MOST_BINS = 2 ** 19
/** The most a bin may span, in units of 1/(1 + θ). */
const WIDEST = 0.1

/** Tilted masses up to each atom of the sketch, from the left and from the right, of what is not negligible. */
const tiltedTails = ({ sketch, count }: Component, theta: number, negligible: number) => {
  const { loss, mass, logMass } = cutSketch(sketch, negligible / count)
  const { value } = cumulantOf({ loss, mass, logMass })(theta)
  const left = new Float64Array(loss.length)
  const right = new Float64Array(loss.length)
  const weight = (i: number): number => Math.exp(theta * (loss[i] as number) + (logMass[i] as number) - value)
  for (let i = 0; i < loss.length; i++) left[i] = (i === 0 ? 0 : (left[i - 1] as number)) + weight(i)
  for (let i = loss.length - 1; i >= 0; i--)
    right[i] = (i === loss.length - 1 ? 0 : (right[i + 1] as number)) + weight(i)
  return { loss, left, right }
}

/** Edges, in steps of the lattice, for a component of a plan. */
export const meshFor = (
  component: Component,
  { offset, step }: Lattice,
  { theta, slope, negligible, relevant }: Plan,
): Float64Array => {
  const { pair, sketch } = component
  const { loss, left, right } = tiltedTails(component, theta, negligible)
  let first = 0
  while (first + 1 < loss.length && (left[first + 1] as number) < NOTHING * relevant) first++
  // Atoms of the sketch stand inside of their bins: one more on either side.
  const low = first === 0 ? Math.max(leastLoss(pair), -farthest) : (loss[first - 1] as number)
  const high =
    loss.length === sketch.loss.length ? Math.min(mostLoss(pair), farthest) : (sketch.loss[loss.length] as number)
  const start = Math.floor((low - offset) / step - 1e-9)
  const end = Math.max(start + 1, Math.ceil((high - offset) / step + 1e-9))
  const most = Math.max(1, WIDEST / (1 + slope) / step, (end - start) / MOST_BINS)
  const least = 2 * Math.max(0.5, (end - start) / EVER_MOST_BINS)
  const rare = RARE * Math.min(1, 10 * relevant)
  let at = 0
  const widthAt = (t: number): number => {
    while (at + 1 < loss.length && (loss[at + 1] as number) <= t) at++
    const beyond = Math.min(left[at] as number, right[at] as number)
    // Where there is nothing, nothing is too wide, even beside a δ that no tilted mass is left of.
    return beyond > 0 ? Math.min(most, Math.max(least, Math.sqrt(rare / beyond))) : most
  }
  const edges = [start]
  for (let k = start; k < end; ) {
    let width = 2 ** Math.floor(Math.log2(Math.max(1, widthAt(offset + k * step))))
    const here = at
    while (width > 1 && widthAt(offset + (k + width) * step) < width) {
      width /= 2
      at = here
    }
    at = here
    // Steps of one within the reach of a bulk.
    if (k < bulkReach) width = k < -bulkReach ? Math.min(width, -bulkReach - k) : 1
    k = Math.min(end, k + width)
    edges.push(k)
  }
  return Float64Array.from(edges)
}

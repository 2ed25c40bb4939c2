/**
 * Laws on a lattice between which the law of a loss lies.
 *
 * In x = e^ε, κ(x) = E_P[(1 − x e^(−L))₊] = δ(ε) is convex and falls. A law on the lattice is a convex function that is linear between
 * lattice points, and the mass at a point is x times the change of slope there. κ ≤ κ′ stays so under composition.
 *
 *   pessimistic   the chords of κ between its values at lattice points: each bin's mass is split between the two ends of the bin so
 *                 that its masses under P and Q stay what they are. With p and q = e^a Q of a bin of width w above a,
 *                   right = (p − q)/(1 − e^(−w)),   left = p − right
 *   optimistic    the convex minorant of the same values, each lowered by the most that a chord beside it can be above κ: the gap
 *                 that there is if all the bin's mass is one atom, at log(p/q) above a
 *
 * Both differ from κ in second order of the step.
 *
 * References  Doroshenko, Ghazi, Kamath, Kumar & Manurangsi 2022, arXiv:2207.04380, Alg. 1 (the chords, by second differences of κ)
 */
import type { Lattice, LatticeBins, LatticePoints } from './lattice-bins.js'
import { massError } from './loss-pair.js'

/** Masses at lattice points and at ∞. */
export interface LatticeLaw extends Lattice, LatticePoints {
  readonly infinity: number
}

/** The larger part of a bin's mass that its upper edge can have; the smaller. */
const shareAbove = (p: number, q: number, width: number, direction: 1 | -1): number => {
  const whole = -Math.expm1(-width)
  const share = (p - q + direction * 2 * massError * p) / whole
  return Math.min(p, Math.max(0, share))
}

/** Points with their masses, those of the exact atoms added; in no order, equal points allowed. */
const lawOf = (
  { offset, step, exact }: LatticeBins,
  index: readonly number[] | Float64Array,
  mass: readonly number[] | Float64Array,
  infinity: number,
): LatticeLaw => {
  const kept: number[] = []
  for (let i = 0; i < index.length; i++) if ((mass[i] as number) > 0) kept.push(i)
  return {
    offset,
    step,
    infinity,
    index: Float64Array.from([...kept.map((i) => index[i] as number), ...exact.index]),
    mass: Float64Array.from([...kept.map((i) => mass[i] as number), ...exact.mass]),
  }
}

/**
 * The smallest law on the lattice that is an upper bound: the dots of κ, connected.
 *
 * Guarantee  δ of the result ≥ δ of the loss at every ε, also after composition, up to `massError` of each mass
 */
export const pessimistic = (bins: LatticeBins): LatticeLaw => {
  const { step, edges, p, q, below, above, infinity } = bins
  const mass = new Float64Array(edges.length)
  mass[0] = below
  for (let i = 0; i < p.length; i++) {
    const whole = p[i] as number
    const width = step * ((edges[i + 1] as number) - (edges[i] as number))
    const right = shareAbove(whole, q[i] as number, width, 1)
    mass[i] = (mass[i] as number) + (whole - right)
    mass[i + 1] = (mass[i + 1] as number) + right
  }
  // Above the last edge, δ there is a mass at ∞ and the rest a mass at the edge: the chord to an edge at ∞.
  const told = Math.min(above.p, above.p - above.q + 4 * massError * above.p)
  mass[p.length] = (mass[p.length] as number) + (above.p - told)
  return lawOf(bins, edges, mass, infinity + told)
}

/** κ at the edges, Σ above of mass (1 − e^(here − there)): sums of positive terms, from the top. */
const valuesAbove = (widths: Float64Array, mass: Float64Array): Float64Array => {
  const values = new Float64Array(mass.length)
  // Σ of the masses above, each times e^(here − there).
  let scaled = 0
  for (let i = widths.length - 1; i >= 0; i--) {
    const width = widths[i] as number
    const above = scaled + (mass[i + 1] as number)
    values[i] = (values[i + 1] as number) - Math.expm1(-width) * above
    scaled = Math.exp(-width) * above
  }
  return values
}

/** κ less the line P − xQ that it starts as, Σ below of mass (e^(here − there) − 1): from the bottom. */
const valuesBelow = (widths: Float64Array, mass: Float64Array): Float64Array => {
  const values = new Float64Array(mass.length)
  let scaled = 0
  for (let i = 0; i < widths.length; i++) {
    const width = widths[i] as number
    const below = scaled + (mass[i] as number)
    values[i + 1] = (values[i] as number) + Math.expm1(width) * below
    scaled = Math.exp(width) * below
  }
  return values
}

/**
 * A law on the lattice that is a lower bound.
 *
 * What is above the last edge is left out. A bulk is one atom: merging is a contraction. At either end of the rest, where less of κ is left than is to be taken off, κ is taken down to the line that it becomes there.
 *
 * Guarantee  δ of the result ≤ δ of the loss at every ε, also after composition, up to `massError` of each mass
 */
export const optimistic = (bins: LatticeBins): LatticeLaw => {
  const { step, edges, p, q, infinity, bulk } = bins
  const count = p.length
  const widths = Float64Array.from(p, (_, i) => step * ((edges[i + 1] as number) - (edges[i] as number)))
  const mass = new Float64Array(count + 1)
  const lowered = new Float64Array(count + 1)
  let merged = 0
  for (let i = 0; i < count; i++) {
    const whole = p[i] as number
    if (i >= bulk.from && i < bulk.to) {
      merged += whole
      continue
    }
    if (!(whole > 0)) continue
    const width = widths[i] as number
    const right = shareAbove(whole, q[i] as number, width, -1)
    mass[i] = (mass[i] as number) + (whole - right)
    mass[i + 1] = (mass[i + 1] as number) + right
    // The chord where κ of the one atom is 0.
    const atom = Math.min(width, Math.max(0, Math.log(whole / (q[i] as number))))
    const gap = -right * Math.expm1(atom - width) * (1 + 1e-9) + 4 * massError * whole
    lowered[i] = Math.max(lowered[i] as number, gap)
    lowered[i + 1] = Math.max(lowered[i + 1] as number, gap)
  }
  const [fromTop, fromBottom] = [valuesAbove(widths, mass), valuesBelow(widths, mass)]
  // Where a line is reached, it is reached one edge earlier too, so that the chord to it is below κ.
  let top = 0
  while (top < count && (fromTop[top] as number) > (lowered[top] as number)) top++
  let bottom = count
  while (bottom > 0 && (fromBottom[bottom] as number) > (lowered[bottom] as number)) bottom--
  top--
  bottom++
  const withBulk = ([index, masses]: readonly [index: readonly number[], mass: readonly number[]]): LatticeLaw =>
    lawOf(bins, [...index, 0], [...masses, merged], infinity)
  // Lines that cross beyond these edges leave no room between them.
  const room =
    bottom < top &&
    (fromBottom[top] as number) >= (fromTop[top] as number) &&
    (fromTop[bottom] as number) >= (fromBottom[bottom] as number)
  if (!room) return withBulk(oneAtom(edges, mass, widths))
  lowered[top] = fromTop[top] as number
  lowered[bottom] = fromBottom[bottom] as number
  const kinks = new Float64Array(top - bottom + 1)
  const fall = (i: number): number =>
    ((lowered[i + 1] as number) - (lowered[i] as number)) / Math.expm1(widths[i] as number)
  for (let i = bottom + 1; i < top; i++)
    kinks[i - bottom] = (mass[i] as number) - fall(i) + fall(i - 1) * Math.exp(widths[i - 1] as number)
  const [first, last] = [bottom + 1, top - 1]
  kinks[0] = ((fromBottom[first] as number) - (lowered[first] as number)) / Math.expm1(widths[bottom] as number)
  kinks[top - bottom] = ((fromTop[last] as number) - (lowered[last] as number)) / -Math.expm1(-(widths[last] as number))
  const minorant = convexMinorant(step, edges.subarray(bottom, top + 1), kinks)
  return withBulk(minorant[1].some((x) => x < 0) ? oneAtom(edges, mass, widths) : minorant)
}

/** All mass as one atom, on the highest edge that is not above it. */
const oneAtom = (
  edges: Float64Array,
  mass: Float64Array,
  widths: Float64Array,
): readonly [index: readonly number[], mass: readonly number[]] => {
  let [whole, at, nearest] = [0, 0, Infinity]
  for (let i = 0; i < mass.length; i++) {
    whole += mass[i] as number
    if ((mass[i] as number) > 0) nearest = Math.min(nearest, at)
    at += widths[i] ?? 0
  }
  if (!(whole > 0)) return [[], []]
  // From the lowest mass on, which counts most: what is far below is no double.
  let other = 0
  at = 0
  for (let i = 0; i < mass.length; i++) {
    if ((mass[i] as number) > 0) other += (mass[i] as number) * Math.exp(nearest - at)
    at += widths[i] ?? 0
  }
  const loss = nearest + Math.log(whole / other) - 1e-14 * (1 + nearest)
  let edge = 0
  for (let i = 0, reached = 0; i < widths.length; edge = ++i) {
    reached += widths[i] as number
    if (reached > loss) break
  }
  return [[edges[edge] as number], [whole]]
}

/**
 * The convex minorant of a function that is linear between points, given by its changes of slope as masses: where a mass is negative,
 * the point goes, and its mass is split between the neighbours as a chord does it. The first and the last mass are not negative: the ends are on lines.
 *
 * Cost  linear
 */
const convexMinorant = (
  step: number,
  points: Float64Array,
  masses: Float64Array,
): readonly [index: readonly number[], mass: readonly number[]] => {
  const index: number[] = []
  const mass: number[] = []
  let carried = 0
  for (let i = 0; i < points.length; i++) {
    index.push(points[i] as number)
    mass.push((masses[i] as number) + carried)
    carried = 0
    if (i === points.length - 1) break
    const right = points[i + 1] as number
    while (mass.length > 0 && (mass.at(-1) as number) < 0) {
      const at = index.pop() as number
      const negative = mass.pop() as number
      const left = index.at(-1)
      const share = left === undefined ? 1 : Math.expm1(step * (left - at)) / Math.expm1(step * (left - right))
      carried += share * negative
      if (left !== undefined) mass[mass.length - 1] = (mass.at(-1) as number) + (1 - share) * negative
    }
  }
  // Rounding may leave a little less than nothing at the end: it is taken from the point before.
  while (mass.length > 1 && (mass.at(-1) as number) < 0) {
    index.pop()
    const negative = mass.pop() as number
    mass[mass.length - 1] = (mass.at(-1) as number) + negative
  }
  return [index, mass]
}

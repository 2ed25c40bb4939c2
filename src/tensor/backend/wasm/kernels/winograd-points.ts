/**
 * The linear maps of F(4 × 4, 3 × 3) along one axis, for the points 0, ±a, ±b and ∞ with a = ¾, b = 1½.
 */
import { madd } from './tile'

const A: f32 = 0.75
const B: f32 = 1.5
const AA: f32 = A * A
const BB: f32 = B * B
/** Of the points 0, ±a and ±b: what G divides by. */
const AT_ZERO: f32 = 1 / (AA * BB)
const AT_A: f32 = 1 / (2 * AA * (AA - BB))
const AT_B: f32 = 1 / (2 * BB * (BB - AA))

// @inline
function s(value: f32): v128 {
  return f32x4.splat(value)
}

/** Bᵀ d, from six numbers the six at the points, `step` apart. */
// @inline
export function forwardRow(d0: v128, d1: v128, d2: v128, d3: v128, d4: v128, d5: v128, out: usize, step: usize): void {
  v128.store(out, madd(d0, s(AA * BB), madd(d2, s(-(AA + BB)), d4)))
  const a1 = madd(d2, s(-BB), d4)
  const a2 = madd(d1, s(-BB), d3)
  v128.store(out + step, madd(a2, s(A), a1))
  v128.store(out + 2 * step, madd(a2, s(-A), a1))
  const b1 = madd(d2, s(-AA), d4)
  const b2 = madd(d1, s(-AA), d3)
  v128.store(out + 3 * step, madd(b2, s(B), b1))
  v128.store(out + 4 * step, madd(b2, s(-B), b1))
  v128.store(out + 5 * step, madd(d1, s(AA * BB), madd(d3, s(-(AA + BB)), d5)))
}

/** A g, from four numbers the six at the points, `step` apart: the transpose of what makes outputs of points. */
// @inline
export function cotangentRow(g0: v128, g1: v128, g2: v128, g3: v128, out: usize, step: usize): void {
  v128.store(out, g0)
  const a1 = madd(g2, s(AA), g0)
  const a2 = f32x4.mul(madd(g3, s(AA), g1), s(A))
  v128.store(out + step, f32x4.add(a1, a2))
  v128.store(out + 2 * step, f32x4.sub(a1, a2))
  const b1 = madd(g2, s(BB), g0)
  const b2 = f32x4.mul(madd(g3, s(BB), g1), s(B))
  v128.store(out + 3 * step, f32x4.add(b1, b2))
  v128.store(out + 4 * step, f32x4.sub(b1, b2))
  v128.store(out + 5 * step, g3)
}

/** Gᵀ p, from six numbers at the points, `fromStep` apart, three of a filter, `step` apart. */
// @inline
export function filterRow(from: usize, fromStep: usize, out: usize, step: usize): void {
  const p1 = v128.load(from + fromStep)
  const p2 = v128.load(from + 2 * fromStep)
  const p3 = v128.load(from + 3 * fromStep)
  const p4 = v128.load(from + 4 * fromStep)
  const a = f32x4.mul(f32x4.add(p1, p2), s(AT_A))
  const b = f32x4.mul(f32x4.add(p3, p4), s(AT_B))
  v128.store(out, f32x4.add(f32x4.mul(v128.load(from), s(AT_ZERO)), f32x4.add(a, b)))
  const odd = f32x4.mul(f32x4.sub(p3, p4), s(B * AT_B))
  v128.store(out + step, madd(f32x4.sub(p1, p2), s(A * AT_A), odd))
  v128.store(out + 2 * step, f32x4.add(madd(a, s(AA), f32x4.mul(b, s(BB))), v128.load(from + 5 * fromStep)))
}

/** aⁿ p + bⁿ q for the powers 1 to 3, where p and q are sums or differences of what stands at ±a and at ±b. */
// @inline
export function ofPowers(p: v128, power: i32, q: v128): v128 {
  if (power === 1) return madd(p, s(A), f32x4.mul(q, s(B)))
  return power === 2 ? madd(p, s(AA), f32x4.mul(q, s(BB))) : madd(p, s(A * AA), f32x4.mul(q, s(B * BB)))
}

/** Aᵀ m, from six numbers at the points, `fromStep` apart, four outputs, `step` apart. */
// @inline
export function outputRow(from: usize, fromStep: usize, out: usize, step: usize): void {
  const m1 = v128.load(from + fromStep)
  const m2 = v128.load(from + 2 * fromStep)
  const m3 = v128.load(from + 3 * fromStep)
  const m4 = v128.load(from + 4 * fromStep)
  const s1 = f32x4.add(m1, m2)
  const s2 = f32x4.add(m3, m4)
  const d1 = f32x4.sub(m1, m2)
  const d2 = f32x4.sub(m3, m4)
  v128.store(out, f32x4.add(f32x4.add(v128.load(from), s1), s2))
  v128.store(out + step, ofPowers(d1, 1, d2))
  v128.store(out + 2 * step, ofPowers(s1, 2, s2))
  v128.store(out + 3 * step, f32x4.add(ofPowers(d1, 3, d2), v128.load(from + 5 * fromStep)))
}

/** G g, from three numbers of a filter the six at the points. */
// @inline
function pointsOfRow(g0: v128, g1: v128, g2: v128, out: usize, step: usize): void {
  v128.store(out, f32x4.mul(g0, s(AT_ZERO)))
  const a1 = f32x4.mul(f32x4.add(g0, f32x4.mul(g2, s(AA))), s(AT_A))
  const a2 = f32x4.mul(g1, s(A * AT_A))
  v128.store(out + step, f32x4.add(a1, a2))
  v128.store(out + 2 * step, f32x4.sub(a1, a2))
  const b1 = f32x4.mul(f32x4.add(g0, f32x4.mul(g2, s(BB))), s(AT_B))
  const b2 = f32x4.mul(g1, s(B * AT_B))
  v128.store(out + 3 * step, f32x4.add(b1, b2))
  v128.store(out + 4 * step, f32x4.sub(b1, b2))
  v128.store(out + 5 * step, g2)
}

/** The same number of four filters, `filter` bytes apart, of which there are `rows`; those past the last are 0. */
// @inline
function ofFilters(at: usize, filter: usize, rows: i32): v128 {
  let v = v128.load32_zero(at)
  if (rows > 1) v = v128.load32_lane(at + filter, v, 1)
  if (rows > 2) v = v128.load32_lane(at + 2 * filter, v, 2)
  if (rows > 3) v = v128.load32_lane(at + 3 * filter, v, 3)
  return v
}

/**
 * G w Gᵀ of up to four filters of 3 × 3, or of filters that are read backwards: 36 vectors over the filters, `step` apart. Uses the
 * places of the result.
 */
export function pointsOfTile(at: usize, filter: usize, rows: i32, turned: bool, out: usize, step: usize): void {
  const line: usize = turned ? <usize>-12 : 12
  for (let column: usize = 0; column < 3; column++) {
    const from = turned ? at + 32 - (column << 2) : at + (column << 2)
    pointsOfRow(
      ofFilters(from, filter, rows),
      ofFilters(from + line, filter, rows),
      ofFilters(from + 2 * line, filter, rows),
      out + column * step,
      6 * step,
    )
  }
  for (let i: usize = 0; i < 6; i++) {
    const row = out + 6 * i * step
    pointsOfRow(v128.load(row), v128.load(row + step), v128.load(row + 2 * step), row, step)
  }
}

/**
 * Many register tiles of 4 × 8 numbers (`tile.ts`) in one call: for products of so few terms that calls would take as long as they.
 * The first terms are products alone, so that nothing is zeroed; the order of the sums is that of one tile.
 */
import { madd } from './tile'

// @inline
function put(out: usize, left: v128, right: v128): void {
  v128.store(out, left)
  v128.store(out, right, 16)
}

/**
 * Panels of 4 adjacent rows × k ≥ 1 columns, one after the other, times k rows of 8 columns: 4 × 8 numbers for each, one after the other.
 */
export function panelsTimes(a: usize, panels: i32, b0: usize, k: i32, out: usize): void {
  const end = b0 + ((<usize>k) << 5)
  for (; panels > 0; panels--, out += 128) {
    const l0 = v128.load(b0)
    const r0 = v128.load(b0, 16)
    const u0 = v128.load32_splat(a)
    let c00 = f32x4.mul(u0, l0)
    let c01 = f32x4.mul(u0, r0)
    const u1 = v128.load32_splat(a, 4)
    let c10 = f32x4.mul(u1, l0)
    let c11 = f32x4.mul(u1, r0)
    const u2 = v128.load32_splat(a, 8)
    let c20 = f32x4.mul(u2, l0)
    let c21 = f32x4.mul(u2, r0)
    const u3 = v128.load32_splat(a, 12)
    let c30 = f32x4.mul(u3, l0)
    let c31 = f32x4.mul(u3, r0)
    a += 16
    let b = b0 + 32
    while (b !== end) {
      const l = v128.load(b)
      const r = v128.load(b, 16)
      const v0 = v128.load32_splat(a)
      c00 = madd(v0, l, c00)
      c01 = madd(v0, r, c01)
      const v1 = v128.load32_splat(a, 4)
      c10 = madd(v1, l, c10)
      c11 = madd(v1, r, c11)
      const v2 = v128.load32_splat(a, 8)
      c20 = madd(v2, l, c20)
      c21 = madd(v2, r, c21)
      const v3 = v128.load32_splat(a, 12)
      c30 = madd(v3, l, c30)
      c31 = madd(v3, r, c31)
      a += 16
      b += 32
    }
    put(out, c00, c01)
    put(out + 32, c10, c11)
    put(out + 64, c20, c21)
    put(out + 96, c30, c31)
  }
}

/**
 * `count` products of 4 × 8 numbers: rows of k ≥ 1 adjacent numbers, `aM` apart, times k rows of 8 adjacent columns. Factors are `aNext` and
 * `bNext` apart from one product to the next, results follow each other. Rows past the last one repeat the first.
 */
export function tilesOfRows(
  a: usize,
  aM: usize,
  rows: i32,
  aNext: usize,
  b0: usize,
  bNext: usize,
  k: i32,
  count: i32,
  out: usize,
): void {
  const one = rows > 1 ? aM : 0
  const two = rows > 2 ? 2 * aM : 0
  const three = rows > 3 ? 3 * aM : 0
  for (; count > 0; count--, out += 128, a += aNext, b0 += bNext) {
    const l0 = v128.load(b0)
    const r0 = v128.load(b0, 16)
    const u0 = v128.load32_splat(a)
    let c00 = f32x4.mul(u0, l0)
    let c01 = f32x4.mul(u0, r0)
    const u1 = v128.load32_splat(a + one)
    let c10 = f32x4.mul(u1, l0)
    let c11 = f32x4.mul(u1, r0)
    const u2 = v128.load32_splat(a + two)
    let c20 = f32x4.mul(u2, l0)
    let c21 = f32x4.mul(u2, r0)
    const u3 = v128.load32_splat(a + three)
    let c30 = f32x4.mul(u3, l0)
    let c31 = f32x4.mul(u3, r0)
    let a0 = a + 4
    let a1 = a0 + one
    let a2 = a0 + two
    let a3 = a0 + three
    let b = b0 + 32
    const end = b0 + ((<usize>k) << 5)
    while (b !== end) {
      const l = v128.load(b)
      const r = v128.load(b, 16)
      const v0 = v128.load32_splat(a0)
      c00 = madd(v0, l, c00)
      c01 = madd(v0, r, c01)
      const v1 = v128.load32_splat(a1)
      c10 = madd(v1, l, c10)
      c11 = madd(v1, r, c11)
      const v2 = v128.load32_splat(a2)
      c20 = madd(v2, l, c20)
      c21 = madd(v2, r, c21)
      const v3 = v128.load32_splat(a3)
      c30 = madd(v3, l, c30)
      c31 = madd(v3, r, c31)
      a0 += 4
      a1 += 4
      a2 += 4
      a3 += 4
      b += 32
    }
    put(out, c00, c01)
    put(out + 32, c10, c11)
    put(out + 64, c20, c21)
    put(out + 96, c30, c31)
  }
}

/**
 * The register tile: 4 rows × 8 columns of a product, in eight 4-lane accumulators. Larger tiles spill registers on some
 * engines.
 *
 * One step of k is one turn of the loop: V8 moves the loads of an unrolled body to its front, and spills.
 *
 * Every element is summed over k in ascending order, in one lane, so that its bits do not depend on where in a tile, or on
 * which thread, it was computed.
 */

/** a·b + c, with one rounding where the engine offers it. */
// @inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c)
  return f32x4.add(f32x4.mul(a, b), c)
}

// @inline
function zero(): v128 {
  return f32x4.splat(0)
}

/** Writes, or adds, two vectors to one row of the result. */
// @inline
function put(out: usize, left: v128, right: v128, accumulate: bool): void {
  if (accumulate) {
    v128.store(out, f32x4.add(v128.load(out), left))
    v128.store(out, f32x4.add(v128.load(out, 16), right), 16)
  } else {
    v128.store(out, left)
    v128.store(out, right, 16)
  }
}

/**
 * Left factor with adjacent k: row i starts at a + i·aM. Rows past the last one repeat the first, and their results are
 * for nobody. Right factor with adjacent columns: row k starts at b + k·bK. Always writes 4 × 8 numbers.
 */
export function tileRows(
  a0: usize,
  aM: usize,
  rows: i32,
  b: usize,
  bK: usize,
  k: i32,
  out: usize,
  outM: usize,
  accumulate: bool,
): void {
  let a1 = rows > 1 ? a0 + aM : a0
  let a2 = rows > 2 ? a0 + 2 * aM : a0
  let a3 = rows > 3 ? a0 + 3 * aM : a0
  let c00 = zero()
  let c01 = zero()
  let c10 = zero()
  let c11 = zero()
  let c20 = zero()
  let c21 = zero()
  let c30 = zero()
  let c31 = zero()
  const end = b + <usize>k * bK
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
    b += bK
  }
  put(out, c00, c01, accumulate)
  out += outM
  put(out, c10, c11, accumulate)
  out += outM
  put(out, c20, c21, accumulate)
  out += outM
  put(out, c30, c31, accumulate)
}

/** Left factor with adjacent rows: column k starts at a + k·aK. May read, but not use, up to 12 bytes past the last row. */
export function tileColumns(
  a: usize,
  aK: usize,
  b: usize,
  bK: usize,
  k: i32,
  out: usize,
  outM: usize,
  accumulate: bool,
): void {
  let c00 = zero()
  let c01 = zero()
  let c10 = zero()
  let c11 = zero()
  let c20 = zero()
  let c21 = zero()
  let c30 = zero()
  let c31 = zero()
  const end = b + <usize>k * bK
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
    a += aK
    b += bK
  }
  put(out, c00, c01, accumulate)
  out += outM
  put(out, c10, c11, accumulate)
  out += outM
  put(out, c20, c21, accumulate)
  out += outM
  put(out, c30, c31, accumulate)
}

/** Copies, or adds, the part of a 4 × 8 tile that lies within the result. */
export function putPart(tile: usize, out: usize, outM: usize, rows: i32, columns: i32, accumulate: bool): void {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const value = load<f32>(tile + ((<usize>j) << 2))
      const at = out + ((<usize>j) << 2)
      store<f32>(at, accumulate ? load<f32>(at) + value : value)
    }
    tile += 32
    out += outM
  }
}

/** Writes a tile of `rows` positions × `columns` channels, plus a bias for each channel, channel by channel. */
export function putTransposed(tile: usize, out: usize, channel: usize, rows: i32, columns: i32, bias: usize): void {
  if (rows < 4) {
    for (let j = 0; j < columns; j++) {
      const b = bias ? load<f32>(bias + ((<usize>j) << 2)) : <f32>0
      for (let i = 0; i < rows; i++)
        store<f32>(out + ((<usize>i) << 2), load<f32>(tile + ((<usize>i) << 5) + ((<usize>j) << 2)) + b)
      out += channel
    }
    return
  }
  for (; columns > 0; columns -= 4) {
    const r0 = v128.load(tile)
    const r1 = v128.load(tile, 32)
    const r2 = v128.load(tile, 64)
    const r3 = v128.load(tile, 96)
    const t0 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5)
    const t1 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5)
    const t2 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7)
    const t3 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7)
    putChannel(v128.shuffle<f32>(t0, t1, 0, 1, 4, 5), out, bias)
    if (columns > 1) putChannel(v128.shuffle<f32>(t0, t1, 2, 3, 6, 7), out + channel, bias + 4 * usize(bias !== 0))
    if (columns > 2) putChannel(v128.shuffle<f32>(t2, t3, 0, 1, 4, 5), out + 2 * channel, bias + 8 * usize(bias !== 0))
    if (columns > 3) putChannel(v128.shuffle<f32>(t2, t3, 2, 3, 6, 7), out + 3 * channel, bias + 12 * usize(bias !== 0))
    tile += 16
    out += 4 * channel
    bias += 16 * usize(bias !== 0)
  }
}

// @inline
function putChannel(values: v128, out: usize, bias: usize): void {
  v128.store(out, bias ? f32x4.add(values, v128.load32_splat(bias)) : values)
}

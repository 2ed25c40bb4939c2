/**
 * Sums. Blocks have a fixed length and are added in a fixed order, whatever the number of threads.
 */
import { address, argument } from './arguments'
import { madd } from './tile'

// @inline
function high(v: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<f32>(v, v, 2, 3, 2, 3))
}

// @inline
function both(v: v128): f64 {
  return f64x2.extract_lane(v, 0) + f64x2.extract_lane(v, 1)
}

/**
 * out[outer, inner] = Σᵣ x[outer, r, inner], accumulated in float64. Arguments: 0 x · 1 out · 2 outer · 3 r · 4 inner ·
 * 5 units · 6 units of a chunk. A unit is one outer index and up to 8 inner ones.
 */
export function reduceChunk(chunk: i32): void {
  const r = argument(3)
  const inner = argument(4)
  const parts = (inner + 7) >> 3
  const step = (<usize>inner) << 2
  const end = min(argument(5), (chunk + 1) * argument(6))
  for (let unit = chunk * argument(6); unit < end; unit++) {
    const index = unit / parts
    const column = (unit - index * parts) << 3
    let x = address(0) + ((<usize>index * <usize>r * <usize>inner + <usize>column) << 2)
    const out = address(1) + ((<usize>index * <usize>inner + <usize>column) << 2)
    if (inner === 1) store<f32>(out, <f32>rowSum(x, r))
    else if (column + 8 <= inner) {
      let s0 = f64x2.splat(0)
      let s1 = f64x2.splat(0)
      let s2 = f64x2.splat(0)
      let s3 = f64x2.splat(0)
      for (let i = 0; i < r; i++, x += step) {
        const left = v128.load(x)
        const right = v128.load(x, 16)
        s0 = f64x2.add(s0, f64x2.promote_low_f32x4(left))
        s1 = f64x2.add(s1, high(left))
        s2 = f64x2.add(s2, f64x2.promote_low_f32x4(right))
        s3 = f64x2.add(s3, high(right))
      }
      store2(out, s0, s1)
      store2(out + 16, s2, s3)
    } else
      for (let j = column, at = out; j < inner; j++, x += 4, at += 4) {
        let total: f64 = 0
        for (let i = 0, from = x; i < r; i++, from += step) total += <f64>load<f32>(from)
        store<f32>(at, <f32>total)
      }
  }
}

// @inline
function store2(out: usize, a: v128, b: v128): void {
  const low = f32x4.demote_f64x2_zero(a)
  v128.store(out, v128.shuffle<f32>(low, f32x4.demote_f64x2_zero(b), 0, 1, 4, 5))
}

/** Σ of so many float32, in float64. */
export function rowSum(x: usize, count: i32): f64 {
  let s0 = f64x2.splat(0)
  let s1 = f64x2.splat(0)
  for (; count >= 4; count -= 4, x += 16) {
    const v = v128.load(x)
    s0 = f64x2.add(s0, f64x2.promote_low_f32x4(v))
    s1 = f64x2.add(s1, high(v))
  }
  let total = both(f64x2.add(s0, s1))
  for (; count > 0; count--, x += 4) total += <f64>load<f32>(x)
  return total
}

/**
 * Partial inner products of rows, float64. Arguments: 0 a · 1 b · 2 out [row, block] · 3 length of a row · 4 length of a
 * block · 5 units · 6 units of a chunk. A unit is one block of one row.
 */
export function rowDotsChunk(chunk: i32): void {
  const length = argument(3)
  const block = argument(4)
  const blocks = (length + block - 1) / block
  const end = min(argument(5), (chunk + 1) * argument(6))
  for (let unit = chunk * argument(6); unit < end; unit++) {
    const row = unit / blocks
    const first = (unit - row * blocks) * block
    const offset = (<usize>row * <usize>length + <usize>first) << 2
    store<f64>(
      address(2) + ((<usize>unit) << 3),
      dot(address(0) + offset, address(1) + offset, min(block, length - first)),
    )
  }
}

/**
 * Σ over tensors of the squared norms of their rows, float64: what the sums of `rowDots` are, in the order of the tensors. Arguments:
 * 0 out · 1 rows · 2 rows of a chunk · 3 1 where out has a sum already, which is gone on with · 4 length of a block · 5 tensors · 6
 * and on: the address of each, and the length of its rows.
 */
export function rowNormsChunk(chunk: i32): void {
  const end = min(argument(1), (chunk + 1) * argument(2))
  const block = argument(4)
  for (let row = chunk * argument(2); row < end; row++) {
    const out = address(0) + ((<usize>row) << 3)
    let total: f64 = argument(3) !== 0 ? load<f64>(out) : 0
    for (let tensor = 0; tensor < argument(5); tensor++) {
      let left = argument(7 + 2 * tensor)
      let x = address(6 + 2 * tensor) + ((<usize>row * <usize>left) << 2)
      let sum: f64 = 0
      for (; left > 0; left -= block, x += (<usize>block) << 2) sum += squares(x, min(block, left))
      total += sum
    }
    store<f64>(out, total)
  }
}

/** Σ of each run of neighbours, float64, from 0 and in their order. Arguments: 0 x [row, count] · 1 out · 2 rows · 3 count. One chunk. */
export function runSumsChunk(): void {
  let x = address(0)
  const count = argument(3)
  for (let out = address(1), end = out + ((<usize>argument(2)) << 3); out < end; out += 8) {
    let total: f64 = 0
    for (let i = 0; i < count; i++, x += 8) total += load<f64>(x)
    store<f64>(out, total)
  }
}

/** ‖a‖² of so many float32, in float64: the sums of ⟨a, a⟩, each number converted once. */
function squares(a: usize, count: i32): f64 {
  let s0 = f64x2.splat(0)
  let s1 = f64x2.splat(0)
  let s2 = f64x2.splat(0)
  let s3 = f64x2.splat(0)
  for (; count >= 8; count -= 8, a += 32) {
    const v = v128.load(a)
    const x = v128.load(a, 16)
    const v0 = f64x2.promote_low_f32x4(v)
    const v1 = high(v)
    const x0 = f64x2.promote_low_f32x4(x)
    const x1 = high(x)
    s0 = f64x2.add(s0, f64x2.mul(v0, v0))
    s1 = f64x2.add(s1, f64x2.mul(v1, v1))
    s2 = f64x2.add(s2, f64x2.mul(x0, x0))
    s3 = f64x2.add(s3, f64x2.mul(x1, x1))
  }
  let total = both(f64x2.add(f64x2.add(s0, s1), f64x2.add(s2, s3)))
  for (; count > 0; count--, a += 4) total += <f64>load<f32>(a) * <f64>load<f32>(a)
  return total
}

/** ⟨a, b⟩ of so many float32, in float64. */
export function dot(a: usize, b: usize, count: i32): f64 {
  if (a === b) return squares(a, count)
  let s0 = f64x2.splat(0)
  let s1 = f64x2.splat(0)
  let s2 = f64x2.splat(0)
  let s3 = f64x2.splat(0)
  for (; count >= 8; count -= 8, a += 32, b += 32) {
    const v = v128.load(a)
    const w = v128.load(b)
    s0 = f64x2.add(s0, f64x2.mul(f64x2.promote_low_f32x4(v), f64x2.promote_low_f32x4(w)))
    s1 = f64x2.add(s1, f64x2.mul(high(v), high(w)))
    const x = v128.load(a, 16)
    const y = v128.load(b, 16)
    s2 = f64x2.add(s2, f64x2.mul(f64x2.promote_low_f32x4(x), f64x2.promote_low_f32x4(y)))
    s3 = f64x2.add(s3, f64x2.mul(high(x), high(y)))
  }
  let total = both(f64x2.add(f64x2.add(s0, s1), f64x2.add(s2, s3)))
  for (; count > 0; count--, a += 4, b += 4) total += <f64>load<f32>(a) * <f64>load<f32>(b)
  return total
}

/**
 * Σᵢ wᵢ x[i, j] for several x. Arguments: 0 w · 1 rows, not 0 · 2 columns of a chunk · 3 and on: for each x its address, that of its
 * result, and its columns. The chunks of one x come before those of the next.
 */
export function weightedRowSumsChunk(chunk: i32): void {
  const part = argument(2)
  let at = 3
  for (;;) {
    const chunks = (argument(at + 2) + part - 1) / part
    if (chunk < chunks) break
    chunk -= chunks
    at += 3
  }
  const columns = argument(at + 2)
  const first = chunk * part
  const offset = (<usize>first) << 2
  weightedRowSum(
    address(0),
    address(at) + offset,
    address(at + 1) + offset,
    argument(1),
    columns,
    min(part, columns - first),
  )
}

/** Σᵢ wᵢ x[i, j] for so many j; rows of x are so many columns apart. */
function weightedRowSum(w: usize, x: usize, out: usize, rows: i32, columns: i32, count: i32): void {
  const step = (<usize>columns) << 2
  memory.fill(out, 0, (<usize>count) << 2)
  for (; rows >= 4; rows -= 4, w += 16, x += 4 * step) {
    const w0 = v128.load32_splat(w)
    const w1 = v128.load32_splat(w, 4)
    const w2 = v128.load32_splat(w, 8)
    const w3 = v128.load32_splat(w, 12)
    let a = x
    let b = x + step
    let c = b + step
    let d = c + step
    let at = out
    let left = count
    for (; left >= 4; left -= 4, a += 16, b += 16, c += 16, d += 16, at += 16) {
      let sum = madd(w0, v128.load(a), v128.load(at))
      sum = madd(w1, v128.load(b), sum)
      sum = madd(w2, v128.load(c), sum)
      v128.store(at, madd(w3, v128.load(d), sum))
    }
    for (; left > 0; left--, a += 4, b += 4, c += 4, d += 4, at += 4) {
      let sum = madd(w0, v128.load32_zero(a), v128.load32_zero(at))
      sum = madd(w1, v128.load32_zero(b), sum)
      sum = madd(w2, v128.load32_zero(c), sum)
      v128.store32_lane(at, madd(w3, v128.load32_zero(d), sum), 0)
    }
  }
  for (; rows > 0; rows--, w += 4, x += step) {
    const weight = v128.load32_splat(w)
    let a = x
    let at = out
    let left = count
    for (; left >= 4; left -= 4, a += 16, at += 16) v128.store(at, madd(weight, v128.load(a), v128.load(at)))
    for (; left > 0; left--, a += 4, at += 4)
      v128.store32_lane(at, madd(weight, v128.load32_zero(a), v128.load32_zero(at)), 0)
  }
}

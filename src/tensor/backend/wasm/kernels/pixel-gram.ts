/**
 * Squared norms of the gradients of a convolution's weight from inner products of pixels. Patches are never formed: the inner
 * product of two patches is the sum of those of their pixels, and neighbouring patches share nearly all of them.
 *
 *   ‖g‖² = Σₛₜ (Σ_{u,v} ⟨x_{s+(u,v)}, x_{t+(u,v)}⟩ + one) ⟨gyₛ, gyₜ⟩      (s, t output positions; over the channels of a group)
 *
 * Only pairs whose first position is in the same row as the second, or below, are computed: the rest is equal to them.
 *
 * Where nothing is skipped (stride 1) the sums are taken along columns first, then along rows:
 *
 *   Hₛₜ = Σ_v ⟨x_{s+(0,v)}, x_{t+(0,v)}⟩      Σ_{u,v} … = Σ_u H_{s+(u,0), t+(u,0)}
 *
 * Each is one pass over a row of a matrix: pixels stand in rows with zeros behind them, positions likewise, and rows of the matrices
 * have a margin of zeros, so what leaves an edge lands in zeros.
 *
 * Arguments: 0 x · 1 gy · 2 out, float64 · 3 one, 0 or 1 · 8 to 23 the geometry (`window.ts`) · 24 numbers from row to row of
 * pixels · 25 numbers from row to row of positions · 26 numbers of the margin, a multiple of 4; 0 where something is skipped ·
 * 27 units · 28 units of a chunk. A unit is one sample.
 */
import { address, argument } from './arguments'
import { dot } from './reduce'
import { tileColumns } from './tile'
import { c, dilationH, dilationW, groups, h, kh, kw, o, oh, ow, padH, padW, strideH, strideW, w } from './window'

/** Numbers of `rows` rows, up to whole vectors of 8. */
// @inline
function spread(rows: i32, length: i32): i32 {
  return (rows * length + 7) & ~7
}

/**
 * out[i, j] = ⟨place i, place j⟩ over `channels` planes of rows × length places, for every j in the row of i or above it. Rows of out are
 * `width` bytes apart; up to 3 more of them are written.
 */
function innerProducts(planes: usize, channels: i32, rows: i32, length: i32, out: usize, width: usize): void {
  const count = rows * length
  const plane = (<usize>count) << 2
  for (let i = 0; i < count; i += 4, out += 4 * width) {
    const end = min(count, ((i + 3) / length + 1) * length)
    for (let j = 0; j < end; j += 8)
      tileColumns(
        planes + ((<usize>i) << 2),
        plane,
        planes + ((<usize>j) << 2),
        plane,
        channels,
        out + ((<usize>j) << 2),
        width,
        false,
      )
  }
}

/**
 * The same inner products where places stand in rows of `length` ≥ `columns`, zeros behind. Rows of `from` are `width` bytes apart, those
 * of out `wide`; writes up to 12 bytes too many in each.
 */
function innerProductsInRows(
  from: usize,
  width: usize,
  rows: i32,
  columns: i32,
  length: i32,
  out: usize,
  wide: usize,
): void {
  const row = (<usize>columns) << 2
  const step = (<usize>length) << 2
  for (let y = 0; y < rows; y++) {
    for (let column = 0; column < columns; column++, from += width, out += wide) {
      let source = from
      let to = out
      for (let above = 0; above <= y; above++, source += row, to += step) {
        // What is copied too many is overwritten by the zeros, or by the next row.
        for (let i: usize = 0; i < row; i += 16) v128.store(to + i, v128.load(source + i))
        for (let i = row; i < step; i += 4) store<f32>(to + i, 0)
      }
    }
    for (let column = columns; column < length; column++, out += wide) clear(out, (y + 1) * length)
  }
}

/** out[t] = one + Σₖ from[k · step + t], k < taps; writes up to 12 bytes too many. */
function sumOfRuns(from: usize, step: usize, taps: i32, one: v128, out: usize, count: i32): void {
  const end = out + ((<usize>count) << 2)
  if (taps === 3) {
    for (; out < end; out += 16, from += 16) {
      const first = f32x4.add(one, v128.load(from))
      v128.store(out, f32x4.add(f32x4.add(first, v128.load(from + step)), v128.load(from + 2 * step)))
    }
    return
  }
  for (; out < end; out += 16, from += 16) {
    let sum = one
    for (let k = 0, at = from; k < taps; k++, at += step) sum = f32x4.add(sum, v128.load(at))
    v128.store(out, sum)
  }
}

/** The first k ≥ 0 with start + k · step ≥ 0. */
// @inline
function firstInside(start: i32, step: i32): i32 {
  return start < 0 ? (step - 1 - start) / step : 0
}

/** How many k < taps from `first` on have start + k · step < end. */
// @inline
function countInside(first: i32, start: i32, step: i32, end: i32, taps: i32): i32 {
  return start + first * step >= end ? 0 : min(taps - 1, (end - 1 - start) / step) - first + 1
}

// @inline
function clear(from: usize, count: i32): void {
  for (const end = from + ((<usize>count) << 2); from < end; from += 16) v128.store(from, f32x4.splat(0))
}

/** H of the inner products of pixels: of each with those in its row and above. */
function sumAcross(products: usize, width: usize, out: usize): void {
  const length = argument(24)
  const places = h() * length
  const step = dilationW()
  const right = step * (kw() - 1) - padW() + 4
  // A shift to the left may come from the row above, one to the right goes beyond the end.
  for (let y = 1, row = products; y <= h(); y++)
    for (let column = 0, count = (<usize>(y * length)) << 2; column < length; column++, row += width)
      clear(row + count, y < h() ? length + right : right)
  for (let y = 1, place = 0; y <= h(); y++)
    for (let column = 0; column < length; column++, place++) {
      const start = place - padW()
      const first = firstInside(start, step)
      const taps = countInside(first, start, step, places, kw())
      const shift = first * step - padW()
      const from = products + <usize>(place + shift) * width + ((<usize>shift) << 2)
      sumOfRuns(from, <usize>step * (width + 4), taps, f32x4.splat(0), out + <usize>place * width, y * length)
    }
}

/** Sums along rows of what was summed across: the inner products of one patch with those in its row and above. */
// @inline
function sumDown(across: usize, width: usize, y: i32, column: i32, sum: usize): void {
  const length = argument(24)
  const step = dilationH()
  const start = y - padH()
  const first = firstInside(start, step)
  const taps = countInside(first, start, step, h(), kh())
  const shift = (first * step - padH()) * length
  const from = across + <usize>(y * length + column + shift) * width + ((<usize>shift) << 2)
  const one = f32x4.splat(<f32>argument(3))
  sumOfRuns(from, <usize>(step * length) * (width + 4), taps, one, sum, (y + 1) * length)
}

/** Adds the inner products of the pixels at (u, v) of a patch with those of the patches in the rows 0 … y of positions. */
function addShifted(pixels: usize, u: i32, v: i32, y: i32, sum: usize): void {
  const length = argument(24)
  const positions = argument(25)
  const across = v * dilationW() - padW()
  const down = u * dilationH() - padH()
  const first = down < 0 ? (-down + strideH() - 1) / strideH() : 0
  if (first > y) return
  for (let row = first; row <= y; row++) {
    const from = pixels + ((<usize>((row * strideH() + down) * length)) << 2)
    const to = sum + ((<usize>(row * positions)) << 2)
    for (let column = 0; column < ow(); column++) {
      const place = column * strideW() + across
      if (place < 0 || place >= w()) continue
      const at = to + ((<usize>column) << 2)
      store<f32>(at, load<f32>(at) + load<f32>(from + ((<usize>place) << 2)))
    }
  }
}

/** The inner products of one patch with those in its row and above, tap by tap. */
function sumOfTaps(products: usize, width: usize, y: i32, column: i32, sum: usize): void {
  const one = f32x4.splat(<f32>argument(3))
  for (let i: usize = 0; i < (<usize>((y + 1) * argument(25))) << 2; i += 16) v128.store(sum + i, one)
  for (let u = 0; u < kh(); u++) {
    const row = y * strideH() + u * dilationH() - padH()
    if (row < 0 || row >= h()) continue
    for (let v = 0; v < kw(); v++) {
      const place = column * strideW() + v * dilationW() - padW()
      if (place < 0 || place >= w()) continue
      addShifted(products + <usize>(row * argument(24) + place) * width, u, v, y, sum)
    }
  }
}

/** `innerProducts` in rows of `length` places; by way of `aside` where that is more than they are long. */
function productsOfPlanes(
  planes: usize,
  channels: i32,
  rows: i32,
  columns: i32,
  length: i32,
  out: usize,
  width: usize,
  aside: usize,
): void {
  if (length === columns) {
    innerProducts(planes, channels, rows, columns, out, width)
    return
  }
  const narrow = (<usize>spread(rows, columns)) << 2
  innerProducts(planes, channels, rows, columns, aside, narrow)
  innerProductsInRows(aside, narrow, rows, columns, length, out, width)
}

function squaredNorm(x: usize, gy: usize, scratch: usize): f64 {
  const length = argument(24)
  const positions = argument(25)
  const margin = (<usize>argument(26)) << 2
  const plane = (<usize>spread(h(), length)) << 2
  const outputPlane = (<usize>spread(oh(), positions)) << 2
  const width = plane + margin
  const outputProducts = scratch
  const sum = outputProducts + outputPlane * ((outputPlane >> 2) + 4)
  const products = sum + outputPlane + margin + 64
  const across = products + width * ((plane >> 2) + 4) + margin + 64
  productsOfPlanes(x, c(), h(), w(), length, products, width, across)
  productsOfPlanes(gy, o(), oh(), ow(), positions, outputProducts, outputPlane, across)
  if (margin > 0) {
    // Behind each row, which is before the next one.
    for (let row = -1; row < h() * length; row++) {
      const end = <usize>(row + 1) * width - margin
      clear(products + end, argument(26))
      clear(across + end, argument(26))
    }
    sumAcross(products, width, across)
  }
  let total: f64 = 0
  for (let y = 0; y < oh(); y++)
    for (let column = 0; column < ow(); column++) {
      if (margin > 0) sumDown(across, width, y, column, sum)
      else sumOfTaps(products, width, y, column, sum)
      const above = y * positions
      const others = outputProducts + <usize>(above + column) * outputPlane
      const here = (<usize>above) << 2
      total += 2 * dot(sum, others, above) + dot(sum + here, others + here, positions)
    }
  return total
}

export function pixelGramChunk(chunk: i32, scratch: usize): void {
  const end = min(argument(27), (chunk + 1) * argument(28))
  const group = (<usize>c() * <usize>(h() * w())) << 2
  const outputGroup = (<usize>o() * <usize>(oh() * ow())) << 2
  for (let unit = chunk * argument(28); unit < end; unit++) {
    let total: f64 = 0
    for (let g = 0; g < groups(); g++) {
      const slice = <usize>(unit * groups() + g)
      total += squaredNorm(address(0) + slice * group, address(1) + slice * outputGroup, scratch)
    }
    store<f64>(address(2) + ((<usize>unit) << 3), total)
  }
}

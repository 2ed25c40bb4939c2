/**
 * Squared norms of the gradients of a convolution's weight from inner products of pixels. Patches are never formed: the inner
 * product of two patches is the sum of those of their pixels, and neighbouring patches share nearly all of them.
 *
 *   ‖g‖² = Σₛₜ (Σ_{u,v} ⟨x_{s+(u,v)}, x_{t+(u,v)}⟩ + one) ⟨gyₛ, gyₜ⟩      (s, t output positions; over the channels of a group)
 *
 * Only pairs whose first position is in the same row as the second, or below, are computed: the rest is equal to them.
 *
 * Arguments: 0 x · 1 gy · 2 out, float64 · 3 one, 0 or 1 · 8 to 23 the geometry (`window.ts`) · 24 numbers from row to row of
 * pixels · 25 numbers from row to row of positions · 27 units · 28 units of a chunk. A unit is one sample.
 *
 * Rows of pixels have zeros behind them where 24 says so. Where rows of positions are equally long and nothing is skipped
 * (stride 1), a shift by (u, v) is one run through all rows, and what leaves a row at one end lands in zeros.
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

/** Copies planes [rows, width] to rows of `length` ≥ width, zeros behind; planes are `plane` bytes apart. */
function copyPlanes(from: usize, planes: i32, rows: i32, width: i32, length: i32, to: usize, plane: usize): void {
  for (; planes > 0; planes--, to += plane) {
    let at = to
    for (let row = 0; row < rows; row++, at += (<usize>length) << 2, from += (<usize>width) << 2) {
      // Up to 12 bytes too many, which the zeros or the next row overwrite.
      for (let i: usize = 0; i < (<usize>width) << 2; i += 16) v128.store(at + i, v128.load(from + i))
      for (let i = width; i < length; i++) store<f32>(at + ((<usize>i) << 2), 0)
    }
    for (const end = to + plane; at < end; at += 4) store<f32>(at, 0)
  }
}

/**
 * out[i, j] = ⟨place i, place j⟩ over `channels` planes, for every j in the row of i or above it. Rows of out are as long as
 * a plane.
 */
function innerProducts(planes: usize, channels: i32, rows: i32, length: i32, plane: usize, out: usize): void {
  const count = rows * length
  for (let i = 0; i < count; i += 4, out += 4 * plane) {
    const end = min(count, ((i + 3) / length + 1) * length)
    for (let j = 0; j < end; j += 8)
      tileColumns(
        planes + ((<usize>i) << 2),
        plane,
        planes + ((<usize>j) << 2),
        plane,
        channels,
        out + ((<usize>j) << 2),
        plane,
        false,
      )
  }
}

// @inline
function addRun(from: usize, to: usize, count: i32): void {
  for (; count >= 4; count -= 4, from += 16, to += 16) v128.store(to, f32x4.add(v128.load(to), v128.load(from)))
  for (; count > 0; count--, from += 4, to += 4) store<f32>(to, load<f32>(to) + load<f32>(from))
}

/** Adds the inner products of the pixels at (u, v) of a patch with those of the patches in the rows 0 … y of positions. */
function addShifted(pixels: usize, u: i32, v: i32, y: i32, sum: usize): void {
  const length = argument(24)
  const positions = argument(25)
  const across = v * dilationW() - padW()
  const down = u * dilationH() - padH()
  const first = down < 0 ? (-down + strideH() - 1) / strideH() : 0
  if (first > y) return
  if (strideW() === 1 && strideH() === 1 && length === positions) {
    let from = (first + down) * length + across
    let to = first * length
    let count = (y + 1 - first) * length
    // The run may begin left of the first pixel: nothing is there.
    if (from < 0) {
      to -= from
      count += from
      from = 0
    }
    // So does its last row, where nothing was computed beyond.
    count = min(count, (y + 1 + down) * length - from)
    addRun(pixels + ((<usize>from) << 2), sum + ((<usize>to) << 2), count)
    return
  }
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

function squaredNorm(x: usize, gy: usize, scratch: usize): f64 {
  const length = argument(24)
  const positions = argument(25)
  const plane = (<usize>spread(h(), length)) << 2
  const outputPlane = (<usize>spread(oh(), positions)) << 2
  const planes = scratch
  const outputPlanes = planes + <usize>c() * plane + 64
  const pixelProducts = outputPlanes + <usize>o() * outputPlane + 64
  const outputProducts = pixelProducts + plane * (plane >> 2)
  const sum = outputProducts + outputPlane * (outputPlane >> 2)
  copyPlanes(x, c(), h(), w(), length, planes, plane)
  copyPlanes(gy, o(), oh(), ow(), positions, outputPlanes, outputPlane)
  innerProducts(planes, c(), h(), length, plane, pixelProducts)
  innerProducts(outputPlanes, o(), oh(), positions, outputPlane, outputProducts)
  let total: f64 = 0
  for (let y = 0; y < oh(); y++)
    for (let column = 0; column < ow(); column++) {
      const above = y * positions
      const one = f32x4.splat(<f32>argument(3))
      for (let i: usize = 0; i < (<usize>(above + positions)) << 2; i += 16) v128.store(sum + i, one)
      for (let u = 0; u < kh(); u++) {
        const row = y * strideH() + u * dilationH() - padH()
        if (row < 0 || row >= h()) continue
        for (let v = 0; v < kw(); v++) {
          const place = column * strideW() + v * dilationW() - padW()
          if (place < 0 || place >= w()) continue
          addShifted(pixelProducts + <usize>(row * length + place) * plane, u, v, y, sum)
        }
      }
      const products = outputProducts + <usize>(above + column) * outputPlane
      const here = (<usize>above) << 2
      total += 2 * dot(sum, products, above) + dot(sum + here, products + here, positions)
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

/**
 * Inputs and cotangents of a convolution at the points of filtering, as the gradients of its weight multiply them: A gy Aᵀ and
 * Bᵀ x B of some rows of tiles, which are counted over the samples. Arguments 0 x · 1 gy · 8 to 23 the geometry (`window.ts`) · 25 rows
 * of tiles of a sample · 26 tiles of a row.
 */
import { address, argument } from './arguments'
import { scaleTowardsZero } from './elementwise'
import { packColumns } from './pack'
import { c, groups, h, o, oh, ow, w } from './window'
import { firstLanes, inputRows, inputTiles, rowBytes } from './winograd-inputs'
import { cotangentRow } from './winograd-points'

/** A gy of one row of tiles: 6 rows of `rowBytes`. */
function cotangentRows(plane: usize, tileRow: i32, zeros: usize, out: usize): void {
  const width = rowBytes()
  const row = (<usize>ow()) << 2
  const left = oh() - 4 * tileRow
  const r0 = plane + <usize>(4 * tileRow) * row
  const r1 = left > 1 ? r0 + row : zeros
  const r2 = left > 2 ? r0 + 2 * row : zeros
  const r3 = left > 3 ? r0 + 3 * row : zeros
  let x: usize = 0
  for (; x + 16 <= row; x += 16)
    cotangentRow(v128.load(r0 + x), v128.load(r1 + x), v128.load(r2 + x), v128.load(r3 + x), out + x, width)
  if (x === row) return
  const kept = firstLanes(row - x)
  cotangentRow(
    v128.and(kept, v128.load(r0 + x)),
    v128.and(kept, v128.load(r1 + x)),
    v128.and(kept, v128.load(r2 + x)),
    v128.and(kept, v128.load(r3 + x)),
    out + x,
    width,
  )
}

/** Four tiles of 6 × 4, given where each begins in its rows, times Aᵀ: 36 vectors, `step` apart. */
function cotangentTiles(a: usize, b: usize, d: usize, e: usize, out: usize, step: usize): void {
  const width = rowBytes()
  for (let i = 0; i < 6; i++) {
    const v0 = v128.load(a)
    const v1 = v128.load(b)
    const v2 = v128.load(d)
    const v3 = v128.load(e)
    const t0 = v128.shuffle<f32>(v0, v1, 0, 4, 1, 5)
    const t1 = v128.shuffle<f32>(v2, v3, 0, 4, 1, 5)
    const t2 = v128.shuffle<f32>(v0, v1, 2, 6, 3, 7)
    const t3 = v128.shuffle<f32>(v2, v3, 2, 6, 3, 7)
    cotangentRow(
      v128.shuffle<f32>(t0, t1, 0, 1, 4, 5),
      v128.shuffle<f32>(t0, t1, 2, 3, 6, 7),
      v128.shuffle<f32>(t2, t3, 0, 1, 4, 5),
      v128.shuffle<f32>(t2, t3, 2, 3, 6, 7),
      out,
      step,
    )
    a += width
    b += width
    d += width
    e += width
    out += 6 * step
  }
}

/** Bytes of the tiles of some rows, whole vectors, one number for each. */
// @inline
export function lineBytes(rows: i32): usize {
  return (<usize>((rows * argument(26) + 3) >> 2)) << 4
}

/** Bytes of a row of zeros, longer than those of inputs and of cotangents. */
// @inline
export function zeroBytes(): usize {
  return ((<usize>max(w(), ow())) << 2) + 32
}

/** Clears the zeros, and writes where each tile begins in the transformed rows; a last vector repeats its last tile. */
export function prepare(rows: i32, begins: usize, zeros: usize, transformed: usize): void {
  const across = argument(26)
  const last = rows * across - 1
  const width = rowBytes()
  memory.fill(zeros, 0, zeroBytes())
  for (let tile = 0; tile < ((last + 4) & ~3); tile++) {
    const row = min(tile, last) / across
    const column = min(tile, last) - row * across
    store<usize>(begins + ((<usize>tile) << 2), transformed + <usize>row * 6 * width + ((<usize>column) << 4))
  }
}

/**
 * Bᵀ x B of up to eight channels: for each point a panel [tile][8], `outStep` apart. `octet` has room for the eight, one after the
 * other, points `octetStep` apart.
 */
export function panelsOfInputs(
  first: i32,
  rows: i32,
  group: i32,
  channel: i32,
  begins: usize,
  zeros: usize,
  transformed: usize,
  octet: usize,
  octetStep: usize,
  out: usize,
  outStep: usize,
): void {
  const down = argument(25)
  const line = lineBytes(rows)
  const width = rowBytes()
  const plane = (<usize>(h() * w())) << 2
  const channels = min(8, c() - channel)
  for (let k = 0; k < channels; k++) {
    for (let row = 0; row < rows; row++) {
      const sample = (first + row) / down
      const x = address(0) + <usize>((sample * groups() + group) * c() + channel + k) * plane
      inputRows(x, first + row - sample * down, zeros, transformed + <usize>row * 6 * width)
    }
    for (let quad: usize = 0; quad < line; quad += 16) {
      const at = begins + quad
      const to = octet + <usize>k * line + quad
      inputTiles(load<usize>(at), load<usize>(at, 4), load<usize>(at, 8), load<usize>(at, 12), to, octetStep)
    }
  }
  for (let point: usize = 0; point < 36; point++)
    packColumns(octet + point * octetStep, 4, line, rows * argument(26), channels, out + point * outStep)
}

/**
 * A gy Aᵀ of one output, for each point one row over the tiles, `outStep` apart. Where `weights` is not 0, samples are scaled; `scaled` has
 * room for a plane.
 */
export function rowsOfCotangents(
  first: i32,
  rows: i32,
  group: i32,
  output: i32,
  weights: usize,
  scaled: usize,
  begins: usize,
  zeros: usize,
  transformed: usize,
  out: usize,
  outStep: usize,
): void {
  const down = argument(25)
  const line = lineBytes(rows)
  const width = rowBytes()
  const plane = (<usize>(oh() * ow())) << 2
  let sample = -1
  let gy: usize = 0
  for (let row = 0; row < rows; row++) {
    const at = (first + row) / down
    if (at !== sample) {
      sample = at
      gy = address(1) + <usize>((sample * groups() + group) * o() + output) * plane
      if (weights) {
        scaleTowardsZero(weights + ((<usize>sample) << 2), gy, scaled, plane)
        gy = scaled
      }
    }
    cotangentRows(gy, first + row - sample * down, zeros, transformed + <usize>row * 6 * width)
  }
  for (let quad: usize = 0; quad < line; quad += 16) {
    const at = begins + quad
    cotangentTiles(load<usize>(at), load<usize>(at, 4), load<usize>(at, 8), load<usize>(at, 12), out + quad, outStep)
  }
}

/**
 * Gradients of the weight of a 3 × 3 convolution, sample by sample, by the transpose of Winograd's filtering (see `winograd.ts`):
 *
 *   gw = Gᵀ [Σ_tiles (A gy Aᵀ) ⊙ (Bᵀ x B)] G      in the brackets 36 products of matrices, summed over the tiles of a sample
 *
 * A unit is one group of one sample. Arguments 24 to 26 as in `winograd.ts`.
 */
import { address, argument } from './arguments'
import { packColumns } from './pack'
import { dot } from './reduce'
import { tilesOfRows } from './tiles'
import { c, h, o, oh, ow, w } from './window'
import { apart, inputRows, inputTiles, rowBytes } from './winograd'
import { cotangentRow, filterRow } from './winograd-points'

/** A gy of one row of tiles: 6 rows of `rowBytes`. */
function cotangentRows(plane: usize, tileRow: i32, zeros: usize, out: usize): void {
  const width = rowBytes()
  const row = (<usize>ow()) << 2
  const left = oh() - 4 * tileRow
  const r0 = plane + <usize>(4 * tileRow) * row
  const r1 = left > 1 ? r0 + row : zeros
  const r2 = left > 2 ? r0 + 2 * row : zeros
  const r3 = left > 3 ? r0 + 3 * row : zeros
  for (let x: usize = 0; x < row; x += 16)
    cotangentRow(v128.load(r0 + x), v128.load(r1 + x), v128.load(r2 + x), v128.load(r3 + x), out + x, width)
  for (let line = out; line < out + 6 * width; line += width) memory.fill(line + row, 0, width - row)
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

/** Arguments: 0 x · 1 gy · 2 out [units, o, c, 3, 3] · 3 squared norms of the units, float64, or 0. */
export function winogradGradChunk(chunk: i32, scratch: usize): void {
  const end = min(argument(27), (chunk + 1) * argument(28))
  const numbers = o() * c() * 9
  for (let unit = chunk * argument(28); unit < end; unit++) {
    gradient(unit, scratch)
    if (address(3) === 0) continue
    // While they are in the cache.
    const filters = address(2) + <usize>unit * ((<usize>numbers) << 2)
    store<f64>(address(3) + ((<usize>unit) << 3), dot(filters, filters, numbers))
  }
}

function gradient(slice: i32, scratch: usize): void {
  const down = argument(25)
  const across = argument(26)
  const tiles = down * across
  const quads = (tiles + 3) >> 2
  const line = (<usize>quads) << 4
  const width = rowBytes()
  const octets = (c() + 7) >> 3
  const begins = scratch
  const sums = begins + line
  const temporary = sums + 4608
  const zeros = temporary + 480
  const transformed = zeros + (((<usize>max(w(), ow())) << 2) + 32)
  const octet = transformed + 6 * width * <usize>down
  const octetStep = apart(line << 3)
  const panels = octet + 36 * octetStep
  const panel = (<usize>tiles) << 5
  const panelStep = apart(<usize>octets * panel)
  const cotangents = panels + 36 * panelStep
  const outputs = o()
  memory.fill(zeros, 0, ((<usize>max(w(), ow())) << 2) + 16)
  for (let tile = 0; tile < quads << 2; tile++) {
    const row = min(tile, tiles - 1) / across
    const column = min(tile, tiles - 1) - row * across
    store<usize>(begins + ((<usize>tile) << 2), transformed + <usize>row * 6 * width + ((<usize>column) << 4))
  }
  const plane = (<usize>(h() * w())) << 2
  for (let first = 0; first < c(); first += 8) {
    const channels = min(8, c() - first)
    for (let channel = 0; channel < channels; channel++) {
      const x = address(0) + <usize>(slice * c() + first + channel) * plane
      for (let row = 0; row < down; row++) inputRows(x, row, zeros, transformed + <usize>row * 6 * width)
      for (let quad: usize = 0; quad < line; quad += 16) {
        const at = begins + quad
        const out = octet + <usize>channel * line + quad
        inputTiles(load<usize>(at), load<usize>(at, 4), load<usize>(at, 8), load<usize>(at, 12), out, octetStep)
      }
    }
    for (let point = 0; point < 36; point++)
      packColumns(
        octet + <usize>point * octetStep,
        4,
        line,
        tiles,
        channels,
        panels + <usize>point * panelStep + <usize>(first >> 3) * panel,
      )
  }
  const outputPlane = (<usize>(oh() * ow())) << 2
  const cotangentStep = apart(<usize>outputs * line)
  for (let output = 0; output < outputs; output++) {
    const gy = address(1) + <usize>(slice * outputs + output) * outputPlane
    for (let row = 0; row < down; row++) cotangentRows(gy, row, zeros, transformed + <usize>row * 6 * width)
    for (let quad: usize = 0; quad < line; quad += 16) {
      const at = begins + quad
      const out = cotangents + <usize>output * line + quad
      cotangentTiles(load<usize>(at), load<usize>(at, 4), load<usize>(at, 8), load<usize>(at, 12), out, cotangentStep)
    }
  }
  const filters = address(2) + <usize>(slice * outputs * c()) * 36
  for (let first = 0; first < outputs; first += 4) {
    const rows = min(4, outputs - first)
    for (let j = 0; j < octets; j++) {
      tilesOfRows(
        cotangents + <usize>first * line,
        line,
        rows,
        cotangentStep,
        panels + <usize>j * panel,
        panelStep,
        tiles,
        36,
        sums,
      )
      for (let row = 0; row < rows; row++) {
        const out = filters + <usize>((first + row) * c() + 8 * j) * 36
        const from = sums + ((<usize>row) << 5)
        putFilters(from, temporary, out, min(4, c() - 8 * j))
        if (c() - 8 * j > 4) putFilters(from + 16, temporary, out + 144, min(4, c() - 8 * j - 4))
      }
    }
  }
}

/** Gᵀ p G of up to four filters, each 36 numbers in one lane, 128 bytes apart. */
function putFilters(from: usize, temporary: usize, out: usize, filters: i32): void {
  for (let i: usize = 0; i < 6; i++) filterRow(from + 768 * i, 128, temporary + 48 * i, 16)
  const result = temporary + 288
  for (let column: usize = 0; column < 3; column++) filterRow(temporary + (column << 4), 48, result + (column << 4), 48)
  if (filters === 4) {
    putTaps(result, out)
    putTaps(result + 64, out + 16)
    const last = v128.load(result, 128)
    v128.store32_lane(out, last, 0, 32)
    v128.store32_lane(out, last, 1, 68)
    v128.store32_lane(out, last, 2, 104)
    v128.store32_lane(out, last, 3, 140)
    return
  }
  for (let filter = 0; filter < filters; filter++, out += 36) {
    let at = result + ((<usize>filter) << 2)
    for (let tap: usize = 0; tap < 36; tap += 4, at += 16) store<f32>(out + tap, load<f32>(at))
  }
}

/** Four taps of four filters, from a vector for each tap to neighbours within each filter. */
// @inline
function putTaps(from: usize, out: usize): void {
  const v0 = v128.load(from)
  const v1 = v128.load(from, 16)
  const v2 = v128.load(from, 32)
  const v3 = v128.load(from, 48)
  const t0 = v128.shuffle<f32>(v0, v1, 0, 4, 1, 5)
  const t1 = v128.shuffle<f32>(v2, v3, 0, 4, 1, 5)
  const t2 = v128.shuffle<f32>(v0, v1, 2, 6, 3, 7)
  const t3 = v128.shuffle<f32>(v2, v3, 2, 6, 3, 7)
  v128.store(out, v128.shuffle<f32>(t0, t1, 0, 1, 4, 5))
  v128.store(out, v128.shuffle<f32>(t0, t1, 2, 3, 6, 7), 36)
  v128.store(out, v128.shuffle<f32>(t2, t3, 0, 1, 4, 5), 72)
  v128.store(out, v128.shuffle<f32>(t2, t3, 2, 3, 6, 7), 108)
}

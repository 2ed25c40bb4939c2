/**
 * Gradients of the weight of a 3 × 3 convolution by the transpose of Winograd's filtering (see `winograd.ts`), of each sample or
 * summed over samples with weights:
 *
 *   gw = Gᵀ [Σ_tiles (A gy Aᵀ) ⊙ (Bᵀ x B)] G      in the brackets 36 products of matrices, summed over tiles
 *
 * A unit is one group of some rows of tiles: those of a sample, or of a block of samples. Arguments 24 to 28 as in `winograd.ts`.
 */
import { address, argument } from './arguments'
import { scaleTowardsZero } from './elementwise'
import { packColumns } from './pack'
import { dot } from './reduce'
import { tilesOfRows } from './tiles'
import { c, groups, h, n, o, oh, ow, w } from './window'
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

/** Outputs whose cotangents stay in the cache while the inputs of all channels go by. */
const OUTPUTS_AT_ONCE: i32 = 16

/**
 * Arguments: 0 x · 1 gy · 2 out [units, o, c, 3, 3] · 3 squared norms of the units, float64, or 0 · 4 weights of the samples, or 0 ·
 * 5 rows of tiles that are transformed at once.
 */
export function winogradGradChunk(chunk: i32, scratch: usize): void {
  const end = min(argument(27), (chunk + 1) * argument(28))
  const numbers = o() * c() * 9
  const rowsInAll = n() * argument(25)
  for (let unit = chunk * argument(28); unit < end; unit++) {
    const filters = address(2) + <usize>unit * ((<usize>numbers) << 2)
    const first = (unit / groups()) * argument(24)
    const last = min(rowsInAll, first + argument(24))
    for (let row = first; row < last; row += argument(5))
      gradient(row, min(argument(5), last - row), unit % groups(), row > first, filters, scratch)
    // While they are in the cache.
    if (address(3)) store<f64>(address(3) + ((<usize>unit) << 3), dot(filters, filters, numbers))
  }
}

/** What some rows of tiles have part in the gradient of one group, which it becomes or is added to. */
function gradient(first: i32, rows: i32, group: i32, accumulate: bool, filters: usize, scratch: usize): void {
  const down = argument(25)
  const across = argument(26)
  const tiles = rows * across
  const quads = (tiles + 3) >> 2
  const line = (<usize>quads) << 4
  const width = rowBytes()
  const octets = (c() + 7) >> 3
  const outputPlane = (<usize>(oh() * ow())) << 2
  const begins = scratch
  const sums = begins + line
  const temporary = sums + 4608
  const zeros = temporary + 624
  const scaled = zeros + (((<usize>max(w(), ow())) << 2) + 32)
  const transformed = scaled + (address(4) ? outputPlane + 16 : 0)
  const octet = transformed + 6 * width * <usize>rows
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
  for (let start = 0; start < c(); start += 8) {
    const channels = min(8, c() - start)
    for (let channel = 0; channel < channels; channel++) {
      for (let row = 0; row < rows; row++) {
        const sample = (first + row) / down
        const x = address(0) + <usize>((sample * groups() + group) * c() + start + channel) * plane
        inputRows(x, first + row - sample * down, zeros, transformed + <usize>row * 6 * width)
      }
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
        panels + <usize>point * panelStep + <usize>(start >> 3) * panel,
      )
  }
  const cotangentStep = apart(<usize>outputs * line)
  for (let output = 0; output < outputs; output++) {
    let sample = -1
    let gy: usize = 0
    for (let row = 0; row < rows; row++) {
      const at = (first + row) / down
      if (at !== sample) {
        sample = at
        gy = address(1) + <usize>((sample * groups() + group) * outputs + output) * outputPlane
        if (address(4)) {
          scaleTowardsZero(address(4) + ((<usize>sample) << 2), gy, scaled, outputPlane)
          gy = scaled
        }
      }
      cotangentRows(gy, first + row - sample * down, zeros, transformed + <usize>row * 6 * width)
    }
    for (let quad: usize = 0; quad < line; quad += 16) {
      const at = begins + quad
      const out = cotangents + <usize>output * line + quad
      cotangentTiles(load<usize>(at), load<usize>(at, 4), load<usize>(at, 8), load<usize>(at, 12), out, cotangentStep)
    }
  }
  for (let from = 0; from < outputs; from += OUTPUTS_AT_ONCE)
    for (let j = 0; j < octets; j++)
      for (let output = from; output < min(outputs, from + OUTPUTS_AT_ONCE); output += 4) {
        const count = min(4, outputs - output)
        tilesOfRows(
          cotangents + <usize>output * line,
          line,
          count,
          cotangentStep,
          panels + <usize>j * panel,
          panelStep,
          tiles,
          36,
          sums,
        )
        for (let row = 0; row < count; row++) {
          const out = filters + <usize>((output + row) * c() + 8 * j) * 36
          const at = sums + ((<usize>row) << 5)
          addFilters(at, temporary, out, min(4, c() - 8 * j), accumulate)
          if (c() - 8 * j > 4) addFilters(at + 16, temporary, out + 144, min(4, c() - 8 * j - 4), accumulate)
        }
      }
}

/** Gᵀ p G of up to four filters, put where they belong or added to what is there. */
// @inline
function addFilters(from: usize, temporary: usize, out: usize, filters: i32, accumulate: bool): void {
  if (!accumulate) {
    putFilters(from, temporary, out, filters)
    return
  }
  const added = temporary + 480
  putFilters(from, temporary, added, filters)
  if (filters === 4)
    for (let i: usize = 0; i < 144; i += 16) v128.store(out + i, f32x4.add(v128.load(out + i), v128.load(added + i)))
  else
    for (let i: usize = 0; i < <usize>filters * 36; i += 4)
      store<f32>(out + i, load<f32>(out + i) + load<f32>(added + i))
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

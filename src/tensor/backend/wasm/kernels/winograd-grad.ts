/**
 * Gradients of the weight of a 3 × 3 convolution by the transpose of Winograd's filtering (see `winograd.ts`), of each sample or
 * summed over samples with weights:
 *
 *   gw = Gᵀ [Σ_tiles (A gy Aᵀ) ⊙ (Bᵀ x B)] G      in the brackets 36 products of matrices, summed over tiles
 *
 * A unit is one group of some rows of tiles: those of a sample, or of a block of samples. Arguments 0 x · 1 gy · 2 out [units, o, c, 3,
 * 3] · 3 squared norms of the units, float64, or 0 · 4 weights of the samples, or 0 · 5 rows of tiles that are transformed at once · 8 to
 * 23 the geometry (`window.ts`) · 24 rows of tiles of a unit · 25 of a sample · 26 tiles of a row · 27 units · 28 units of a chunk.
 */
import { address, argument } from './arguments'
import { dot } from './reduce'
import { tilesOfRows } from './tiles'
import { c, groups, n, o, oh, ow } from './window'
import { addFilters } from './winograd-filters'
import { apart, rowBytes } from './winograd-inputs'
import { lineBytes, panelsOfInputs, prepare, rowsOfCotangents, zeroBytes } from './winograd-transforms'

/** Outputs whose cotangents stay in the cache while the inputs of all channels go by. */
const OUTPUTS_AT_ONCE: i32 = 16

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
  const tiles = rows * argument(26)
  const line = lineBytes(rows)
  const octets = (c() + 7) >> 3
  const outputs = o()
  const begins = scratch
  const sums = begins + line
  const temporary = sums + 4608
  const zeros = temporary + 624
  const scaled = zeros + zeroBytes()
  const transformed = scaled + (address(4) ? ((<usize>(oh() * ow())) << 2) + 16 : 0)
  const octet = transformed + 6 * rowBytes() * <usize>rows
  const octetStep = apart(line << 3)
  const panels = octet + 36 * octetStep
  const panel = (<usize>tiles) << 5
  const panelStep = apart(<usize>octets * panel)
  const cotangents = panels + 36 * panelStep
  const cotangentStep = apart(<usize>outputs * line)
  prepare(rows, begins, zeros, transformed)
  for (let j = 0; j < octets; j++) {
    const out = panels + <usize>j * panel
    panelsOfInputs(first, rows, group, 8 * j, begins, zeros, transformed, octet, octetStep, out, panelStep)
  }
  for (let output = 0; output < outputs; output++) {
    const out = cotangents + <usize>output * line
    rowsOfCotangents(first, rows, group, output, address(4), scaled, begins, zeros, transformed, out, cotangentStep)
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

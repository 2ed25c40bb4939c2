/**
 * Convolutions of 3 × 3 without stride by Winograd's minimal filtering F(4 × 4, 3 × 3): a tile of 4 × 4 outputs takes 36 products for
 * each pair of channels, where the definition takes 144 (Lavin, Gray 2016, arXiv:1509.09308).
 *
 *   y = Aᵀ [(G w Gᵀ) ⊙ (Bᵀ x B)] A      summed over channels between the brackets: 36 products of matrices
 *
 * The points are 0, ±¾, ±1½ and ∞, which round about as well as the definition does (Barabasz et al. 2020, arXiv:1803.10986);
 * rounding is relative to the largest numbers of the tile and of the filter.
 *
 * Arguments 0 to 7 are the kernel's own; 8 to 23 are the geometry (`window.ts`); 24 rows of tiles of a unit · 25 rows of tiles of
 * a sample · 26 tiles of a row · 27 units · 28 units of a chunk. Tiles are counted over the rows of tiles of a unit.
 */
import { address, argument } from './arguments'
import { thenNumbers } from './elementwise'
import { panelsTimes } from './tiles'
import { c, groups, h, o, oh, ow, w } from './window'
import { apart, inputRows, inputTiles, rowBytes } from './winograd-inputs'
import { ofPowers, outputRow, pointsOfTile } from './winograd-points'

/** The extent of a tile of which nothing is cut off: 16 · rows + columns. */
const WHOLE: i32 = 68

/** Bytes of the filtered weights of one point, each four outputs of a group a panel of `channels` vectors. */
// @inline
function panelStep(quads: i32, channels: i32): usize {
  return apart((<usize>(groups() * quads * channels)) << 4)
}

/**
 * G w Gᵀ for 4 output channels of one group. Arguments: 0 weight [o, c, 3, 3], or, where 2 is 1, that of the convolution whose
 * adjoint this is, [c, o, 3, 3] within a group, each filter read backwards · 1 panels [36, groups, o / 4, c, 4], points
 * `panelStep` apart.
 */
export function winogradWeightsChunk(chunk: i32): void {
  const quads = (o() + 3) >> 2
  const group = chunk / quads
  const quad = chunk - group * quads
  const channels = c()
  const turned = argument(2) !== 0
  const filter: usize = turned ? 36 : <usize>channels * 36
  const next: usize = turned ? <usize>o() * 36 : 36
  const first = address(0) + <usize>(group * o() * channels) * 36 + <usize>(4 * quad) * filter
  const rows = min(4, o() - 4 * quad)
  const step = panelStep(quads, channels)
  let out = address(1) + ((<usize>((group * quads + quad) * channels)) << 4)
  for (let channel = 0; channel < channels; channel++, out += 16)
    pointsOfTile(first + <usize>channel * next, filter, rows, turned, out, step)
}

/**
 * y = f(W ∗ x + b). Arguments: 0 x · 1 panels of weights · 2 bias or 0 · 3 y · 4 f, as for `thenNumbers`. A unit is some rows of tiles of
 * one group.
 */
export function winogradChunk(chunk: i32, scratch: usize): void {
  const end = min(argument(27), (chunk + 1) * argument(28))
  for (let unit = chunk * argument(28); unit < end; unit++) convolve(unit / groups(), unit % groups(), scratch)
}

function convolve(block: i32, group: i32, scratch: usize): void {
  const down = argument(25)
  const across = argument(26)
  const first = block * argument(24)
  const rows = min(argument(24), <i32>(<i32>argument(8) * down) - first)
  const tiles = rows * across
  const octets = (tiles + 7) >> 3
  const width = rowBytes()
  const plane = (<usize>(h() * w())) << 2
  const outputs = (o() + 3) & ~3
  const channels = c()
  // Where each tile begins in the transformed rows, and in the output; a last octet repeats its last tile.
  const begins = scratch
  const targets = begins + ((<usize>octets) << 5)
  const extents = targets + ((<usize>octets) << 5)
  const temporary = extents + ((<usize>octets) << 5)
  const zeros = temporary + 640
  const transformed = zeros + (((<usize>w()) << 2) + 32)
  const inputs = transformed + 6 * width * <usize>rows
  const inputStep = apart((<usize>(octets * channels)) << 5)
  const products = inputs + 36 * inputStep
  const productStep = apart((<usize>(octets * outputs)) << 5)
  memory.fill(zeros, 0, ((<usize>w()) << 2) + 16)
  for (let tile = 0; tile < octets << 3; tile++) {
    const row = min(tile, tiles - 1) / across
    const column = min(tile, tiles - 1) - row * across
    const sample = (first + row) / down
    const slice = sample * groups() + group
    const y = (slice * o() * oh() + 4 * (first + row - sample * down)) * ow() + 4 * column
    store<usize>(begins + ((<usize>tile) << 2), transformed + <usize>row * 6 * width + ((<usize>column) << 4))
    store<usize>(targets + ((<usize>tile) << 2), address(3) + ((<usize>y) << 2))
    const below = min(4, oh() - 4 * (first + row - sample * down))
    store<i32>(extents + ((<usize>tile) << 2), tile < tiles ? (below << 4) | min(4, ow() - 4 * column) : 0)
  }
  for (let channel = 0; channel < channels; channel++) {
    for (let row = 0; row < rows; row++) {
      const sample = (first + row) / down
      const x = address(0) + <usize>((sample * groups() + group) * channels + channel) * plane
      inputRows(x, first + row - sample * down, zeros, transformed + <usize>row * 6 * width)
    }
    for (let quad = 0; quad < octets << 1; quad++) {
      const at = begins + ((<usize>quad) << 4)
      const out = inputs + ((<usize>((quad >> 1) * channels + channel)) << 5) + ((<usize>(quad & 1)) << 4)
      inputTiles(load<usize>(at), load<usize>(at, 4), load<usize>(at, 8), load<usize>(at, 12), out, inputStep)
    }
  }
  const panel = (<usize>channels) << 4
  const weightStep = panelStep(outputs >> 2, channels)
  for (let point = 0; point < 36; point++) {
    const weights = address(1) + <usize>point * weightStep + <usize>(group * (outputs >> 2)) * panel
    for (let octet = 0; octet < octets; octet++) {
      const right = inputs + <usize>point * inputStep + <usize>octet * ((<usize>channels) << 5)
      const out = products + <usize>point * productStep + <usize>octet * ((<usize>outputs) << 5)
      panelsTimes(weights, outputs >> 2, right, channels, out)
    }
  }
  for (let output = 0; output < o(); output++) {
    for (let quad = 0; quad < octets << 1; quad++) {
      const from = products + ((<usize>((quad >> 1) * outputs + output)) << 5) + ((<usize>(quad & 1)) << 4)
      const bias = address(2) ? load<f32>(address(2) + ((<usize>(group * o() + output)) << 2)) : <f32>0
      const at = (<usize>quad) << 4
      const plane = (<usize>(output * oh() * ow())) << 2
      outputTiles(from, productStep, temporary, bias, targets + at, extents + at, plane)
    }
    if (argument(4) > 0) thenRows(first, rows, group * o() + output)
  }
}

/** f of what some rows of tiles wrote of one channel: a run of numbers for each sample that they belong to. */
function thenRows(first: i32, rows: i32, channel: i32): void {
  const down = argument(25)
  const channels = groups() * o()
  for (let row = first; row < first + rows; ) {
    const sample = row / down
    const top = row - sample * down
    const end = min(down, top + first + rows - row)
    const y = ((sample * channels + channel) * oh() + 4 * top) * ow()
    thenNumbers(argument(4), address(3) + ((<usize>y) << 2), (min(oh(), 4 * end) - 4 * top) * ow())
    row += end - top
  }
}

/** Aᵀ m A + b of four tiles, each 36 numbers in one lane, to where the tables say that they belong within a plane of outputs. */
function outputTiles(
  from: usize,
  step: usize,
  temporary: usize,
  bias: f32,
  targets: usize,
  extents: usize,
  plane: usize,
): void {
  for (let j: usize = 0; j < 6; j++) outputRow(from + j * step, 6 * step, temporary + (j << 4), 96)
  const b = f32x4.splat(bias)
  let whole = true
  for (let k: usize = 0; k < 16; k += 4) whole = whole && load<i32>(extents + k) === WHOLE
  // What is cut goes by way of four tiles side by side.
  const aside = temporary + 384
  const next: usize = whole ? (<usize>ow()) << 2 : 64
  let a0 = whole ? load<usize>(targets) + plane : aside
  let a1 = whole ? load<usize>(targets, 4) + plane : aside + 16
  let a2 = whole ? load<usize>(targets, 8) + plane : aside + 32
  let a3 = whole ? load<usize>(targets, 12) + plane : aside + 48
  for (let row = temporary; row < aside; row += 96) {
    const m1 = v128.load(row, 16)
    const m2 = v128.load(row, 32)
    const m3 = v128.load(row, 48)
    const m4 = v128.load(row, 64)
    const s1 = f32x4.add(m1, m2)
    const s2 = f32x4.add(m3, m4)
    const d1 = f32x4.sub(m1, m2)
    const d2 = f32x4.sub(m3, m4)
    const v0 = f32x4.add(f32x4.add(v128.load(row), s1), s2)
    const v1 = ofPowers(d1, 1, d2)
    const v2 = ofPowers(s1, 2, s2)
    const v3 = f32x4.add(ofPowers(d1, 3, d2), v128.load(row, 80))
    const t0 = v128.shuffle<f32>(v0, v1, 0, 4, 1, 5)
    const t1 = v128.shuffle<f32>(v2, v3, 0, 4, 1, 5)
    const t2 = v128.shuffle<f32>(v0, v1, 2, 6, 3, 7)
    const t3 = v128.shuffle<f32>(v2, v3, 2, 6, 3, 7)
    v128.store(a0, f32x4.add(v128.shuffle<f32>(t0, t1, 0, 1, 4, 5), b))
    v128.store(a1, f32x4.add(v128.shuffle<f32>(t0, t1, 2, 3, 6, 7), b))
    v128.store(a2, f32x4.add(v128.shuffle<f32>(t2, t3, 0, 1, 4, 5), b))
    v128.store(a3, f32x4.add(v128.shuffle<f32>(t2, t3, 2, 3, 6, 7), b))
    a0 += next
    a1 += next
    a2 += next
    a3 += next
  }
  if (whole) return
  for (let k: usize = 0; k < 16; k += 4)
    putTile(aside + (k << 2), load<usize>(targets + k) + plane, load<i32>(extents + k))
}

/** rows × columns numbers, at most 4 × 4, from rows 64 bytes apart; `extent` is 16 · rows + columns. */
// @inline
function putTile(from: usize, target: usize, extent: i32): void {
  const row = (<usize>ow()) << 2
  for (let i = 0; i < extent >> 4; i++, from += 64, target += row)
    for (let j = 0; j < (extent & 15); j++) store<f32>(target + ((<usize>j) << 2), load<f32>(from + ((<usize>j) << 2)))
}

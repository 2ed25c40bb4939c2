/**
 * Convolutions as products with patches that stay in the cache, and are made anew for each sample.
 *
 * Arguments 0 to 7 are the kernel's own; 8 to 23 are the geometry (`window.ts`); from 24 on:
 * 24 bytes from patch to patch · 25 positions of a block · 26 channels of a block (weight gradient) · 27 units ·
 * 28 units of a chunk.
 */
import { address, argument } from './arguments'
import { scaleTowardsZero, thenNumbers } from './elementwise'
import { packColumns } from './pack'
import { addPatches, packPatches } from './patches'
import { dot } from './reduce'
import { putPart, putTransposed, tileColumns, tileRows } from './tile'
import { c, groups, h, kh, kw, n, o, oh, ow, w } from './window'

// @inline
function planeBytes(): usize {
  return (<usize>h() * <usize>w()) << 2
}

// @inline
function roundUp(columns: i32): i32 {
  return (columns + 7) & ~7
}

/**
 * Weights of each group as panels: for the forward product Wᵀ (k = patch entry, column = output channel), for the adjoint in
 * the input W (k = output channel, column = patch entry). Arguments: 0 weight · 1 panels · 2 transposed.
 */
export function packWeightsChunk(_chunk: i32): void {
  const entries = c() * kh() * kw()
  const group = (<usize>o() * <usize>entries) << 2
  const row = (<usize>entries) << 2
  let weight = address(0)
  let panels = address(1)
  for (let g = 0; g < groups(); g++, weight += group) {
    if (argument(2)) {
      packColumns(weight, 4, row, entries, o(), panels)
      panels += (<usize>entries * <usize>roundUp(o())) << 2
    } else {
      packColumns(weight, row, 4, o(), entries, panels)
      panels += (<usize>o() * <usize>roundUp(entries)) << 2
    }
  }
}

/**
 * y = f(W ∗ x + b). Arguments: 0 x · 1 panels of Wᵀ · 2 bias or 0 · 3 y · 4 f, as for `thenNumbers`. A unit is a block of positions of
 * one group of one sample.
 */
export function convolveChunk(chunk: i32, scratch: usize): void {
  const positions = oh() * ow()
  const entries = c() * kh() * kw()
  const channels = o()
  const rowBytes = address(24)
  const block = argument(25)
  const blocks = (positions + block - 1) / block
  const patches = scratch + 128
  const channelBytes = (<usize>positions) << 2
  const panelBytes = (<usize>entries) << 5
  const end = min(argument(27), (chunk + 1) * argument(28))
  for (let unit = chunk * argument(28); unit < end; unit++) {
    const first = (unit % blocks) * block
    const slice = unit / blocks
    const group = slice % groups()
    const count = min(block, positions - first)
    packPatches(address(0) + <usize>slice * <usize>c() * planeBytes(), c(), first, first + count, patches, rowBytes)
    let panel = address(1) + <usize>group * panelBytes * <usize>(roundUp(channels) >> 3)
    const bias = address(2)
    for (let j = 0; j < channels; j += 8, panel += panelBytes) {
      const columns = min(8, channels - j)
      const out = address(3) + ((<usize>slice * <usize>channels + <usize>j) * channelBytes + ((<usize>first) << 2))
      const offset = bias ? bias + ((<usize>(group * channels + j)) << 2) : 0
      for (let p = 0, row = patches; p < count; p += 4, row += 4 * rowBytes) {
        const rows = min(4, count - p)
        tileRows(row, rowBytes, rows, panel, 32, entries, scratch, 32, false)
        putTransposed(scratch, out + ((<usize>p) << 2), channelBytes, rows, columns, offset)
      }
      for (let channel = 0; channel < columns; channel++)
        thenNumbers(argument(4), out + <usize>channel * channelBytes, count)
    }
  }
}

/** gx = Wᵀ ∗ gy. Arguments: 0 gy · 1 panels of W · 2 gx. A unit is one group of one sample. */
export function inputGradChunk(chunk: i32, scratch: usize): void {
  const positions = oh() * ow()
  const entries = c() * kh() * kw()
  const channels = o()
  const rowBytes = address(24)
  const block = argument(25)
  const channelBytes = (<usize>positions) << 2
  const panelBytes = (<usize>channels) << 5
  const groupBytes = <usize>c() * planeBytes()
  const end = min(argument(27), (chunk + 1) * argument(28))
  for (let unit = chunk * argument(28); unit < end; unit++) {
    const planes = address(2) + <usize>unit * groupBytes
    memory.fill(planes, 0, groupBytes)
    const gy = address(0) + <usize>unit * <usize>channels * channelBytes
    const panels = address(1) + <usize>(unit % groups()) * panelBytes * <usize>(roundUp(entries) >> 3)
    for (let first = 0; first < positions; first += block) {
      const count = min(block, positions - first)
      let panel = panels
      for (let j = 0; j < entries; j += 8, panel += panelBytes) {
        let out = scratch + ((<usize>j) << 2)
        let at = gy + ((<usize>first) << 2)
        for (let p = 0; p < count; p += 4, at += 16, out += 4 * rowBytes)
          tileColumns(at, channelBytes, panel, 32, channels, out, rowBytes, false)
      }
      addPatches(planes, c(), first, first + count, scratch, rowBytes)
    }
  }
}

/**
 * gW of one group of one sample, over some of its channels: out[o, entry] (+)= Σₚ gy[o, p] · patch[p, entry].
 */
function weightGrad(
  planes: usize,
  channels: i32,
  gy: usize,
  out: usize,
  outRow: usize,
  accumulate: bool,
  scratch: usize,
): void {
  const positions = oh() * ow()
  const entries = channels * kh() * kw()
  const rowBytes = address(24)
  const block = argument(25)
  const gyRow = (<usize>positions) << 2
  const patches = scratch + 128
  for (let first = 0; first < positions; first += block) {
    const count = min(block, positions - first)
    packPatches(planes, channels, first, first + count, patches, rowBytes)
    for (let j = 0; j < entries; j += 8) {
      const columns = min(8, entries - j)
      for (let i = 0; i < o(); i += 4) {
        const rows = min(4, o() - i)
        const whole = rows === 4 && columns === 8
        const target = out + <usize>i * outRow + ((<usize>j) << 2)
        tileRows(
          gy + <usize>i * gyRow + ((<usize>first) << 2),
          gyRow,
          rows,
          patches + ((<usize>j) << 2),
          rowBytes,
          count,
          whole ? target : scratch,
          whole ? outRow : 32,
          whole && accumulate,
        )
        if (!whole) putPart(scratch, target, outRow, rows, columns, accumulate)
      }
    }
    accumulate = true
  }
}

/**
 * Gradients of the weight. Arguments: 0 x · 1 gy · 2 out · 3 weights of the samples · 4 what to do:
 * 0 a gradient for each sample (a unit is one group of one sample; 6 squared norms of the units, float64, or 0) · 1 squared norms, float64 (a unit is one sample) ·
 * 2 weighted sums over blocks of samples (a unit is one group of one block; 5 samples of a block; out [block, o, entry]).
 */
export function weightGradChunk(chunk: i32, scratch: usize): void {
  const end = min(argument(27), (chunk + 1) * argument(28))
  const group = (<usize>o() * <usize>(c() * kh() * kw())) << 2
  for (let unit = chunk * argument(28); unit < end; unit++) {
    switch (argument(4)) {
      case 0:
        keptGrad(unit, address(2) + <usize>unit * group, scratch)
        break
      case 1:
        store<f64>(address(2) + ((<usize>unit) << 3), squaredNorm(unit, scratch))
        break
      default:
        weightedSum(unit, address(2) + <usize>unit * group, scratch)
    }
  }
}

/** The gradient of one group of one sample, and its squared norm while it is in the cache. */
function keptGrad(slice: i32, out: usize, scratch: usize): void {
  allChannels(slice, sampleGrad(slice), out, false, scratch)
  const norms = address(6)
  if (norms) store<f64>(norms + ((<usize>slice) << 3), dot(out, out, o() * c() * kh() * kw()))
}

// @inline
function sampleGrad(slice: i32): usize {
  return address(1) + ((<usize>slice * <usize>o() * <usize>(oh() * ow())) << 2)
}

/** The gradient of one group of one sample (`slice` counts them), block of channels by block of channels. */
function allChannels(slice: i32, gy: usize, out: usize, accumulate: bool, scratch: usize): void {
  const taps = kh() * kw()
  const row = (<usize>(c() * taps)) << 2
  const planes = address(0) + <usize>slice * <usize>c() * planeBytes()
  for (let first = 0; first < c(); first += argument(26)) {
    const channels = min(argument(26), c() - first)
    const offset = (<usize>(first * taps)) << 2
    weightGrad(planes + <usize>first * planeBytes(), channels, gy, out + offset, row, accumulate, scratch)
  }
}

/** Room for the patches of a block, behind which come gradients that nobody keeps. */
// @inline
function behindPatches(scratch: usize): usize {
  return scratch + 128 + <usize>argument(25) * address(24)
}

function squaredNorm(sample: i32, scratch: usize): f64 {
  const taps = kh() * kw()
  const grad = behindPatches(scratch)
  let left = f64x2.splat(0)
  let right = f64x2.splat(0)
  let rest: f64 = 0
  for (let group = 0; group < groups(); group++) {
    const slice = sample * groups() + group
    const planes = address(0) + <usize>slice * <usize>c() * planeBytes()
    for (let first = 0; first < c(); first += argument(26)) {
      const channels = min(argument(26), c() - first)
      const row = (<usize>(channels * taps)) << 2
      weightGrad(planes + <usize>first * planeBytes(), channels, sampleGrad(slice), grad, row, false, scratch)
      const end = grad + <usize>o() * row
      let at = grad
      for (; at + 16 <= end; at += 16) {
        const v = v128.load(at)
        const low = f64x2.promote_low_f32x4(v)
        const high = f64x2.promote_low_f32x4(v128.shuffle<f32>(v, v, 2, 3, 2, 3))
        left = f64x2.add(left, f64x2.mul(low, low))
        right = f64x2.add(right, f64x2.mul(high, high))
      }
      for (; at < end; at += 4) rest += <f64>load<f32>(at) * <f64>load<f32>(at)
    }
  }
  left = f64x2.add(left, right)
  return f64x2.extract_lane(left, 0) + f64x2.extract_lane(left, 1) + rest
}

function weightedSum(unit: i32, out: usize, scratch: usize): void {
  const size = argument(5)
  const group = unit % groups()
  const first = (unit / groups()) * size
  const end = min(n(), first + size)
  const scaled = behindPatches(scratch)
  const count = (<usize>o() * <usize>(oh() * ow())) << 2
  for (let sample = first; sample < end; sample++) {
    const slice = sample * groups() + group
    const gy = sampleGrad(slice)
    scaleTowardsZero(address(3) + ((<usize>sample) << 2), gy, scaled, count)
    allChannels(slice, scaled, out, sample > first, scratch)
  }
}

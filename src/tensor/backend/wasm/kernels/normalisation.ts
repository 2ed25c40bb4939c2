/**
 * Group normalisation and its adjoint, one group of one sample after the other: its numbers stay in L1 between the passes. Sums
 * are in float64. Indices and layouts as in `../normalisation.ts`.
 */
import { address, argument, double } from './arguments'
import { thenNumbers, zipNumbers } from './elementwise'
import { rowSum } from './reduce'
import { madd } from './tile'

// @inline
function high(v: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<f32>(v, v, 2, 3, 2, 3))
}

// @inline
function both(v: v128): f64 {
  return f64x2.extract_lane(v, 0) + f64x2.extract_lane(v, 1)
}

/** Σ (x − μ)². */
function squaresAbout(mean: f32, x: usize, count: i32): f64 {
  const centre = f32x4.splat(mean)
  let s0 = f64x2.splat(0)
  let s1 = f64x2.splat(0)
  for (; count >= 4; count -= 4, x += 16) {
    const v = f32x4.sub(v128.load(x), centre)
    const a = f64x2.promote_low_f32x4(v)
    const b = high(v)
    s0 = f64x2.add(s0, f64x2.mul(a, a))
    s1 = f64x2.add(s1, f64x2.mul(b, b))
  }
  let total = both(f64x2.add(s0, s1))
  for (; count > 0; count--, x += 4) {
    const v = <f64>(load<f32>(x) - mean)
    total += v * v
  }
  return total
}

/** Σ gy (x − μ) and Σ gy. */
function sumsAbout(mean: f32, x: usize, gy: usize, count: i32): v128 {
  const centre = f32x4.splat(mean)
  let dot0 = f64x2.splat(0)
  let dot1 = f64x2.splat(0)
  let sum0 = f64x2.splat(0)
  let sum1 = f64x2.splat(0)
  for (; count >= 4; count -= 4, x += 16, gy += 16) {
    const v = f32x4.sub(v128.load(x), centre)
    const g = v128.load(gy)
    const g0 = f64x2.promote_low_f32x4(g)
    const g1 = high(g)
    dot0 = f64x2.add(dot0, f64x2.mul(f64x2.promote_low_f32x4(v), g0))
    dot1 = f64x2.add(dot1, f64x2.mul(high(v), g1))
    sum0 = f64x2.add(sum0, g0)
    sum1 = f64x2.add(sum1, g1)
  }
  let total = both(f64x2.add(dot0, dot1))
  let sum = both(f64x2.add(sum0, sum1))
  for (; count > 0; count--, x += 4, gy += 4) {
    const g = <f64>load<f32>(gy)
    total += <f64>(load<f32>(x) - mean) * g
    sum += g
  }
  return f64x2.replace_lane(f64x2.splat(total), 1, sum)
}

/** Entry of a vector with a number for each channel, or 1 or 0 where there is none. */
// @inline
function ofChannel(vector: usize, channel: i32, otherwise: f32): f32 {
  return vector ? load<f32>(vector + ((<usize>channel) << 2)) : otherwise
}

/**
 * Arguments: 0 x · 1 y · 2 γ or 0 · 3 β or 0 · 4 means · 5 1/deviations · 6 channels of a group · 7 pixels · 8 groups ·
 * 9 ε, the bits of a float64, in two · 11 units · 12 units of a chunk · 13 f, as for `thenNumbers`. A unit is one group of one sample.
 */
export function groupNormChunk(chunk: i32): void {
  const each = argument(6)
  const pixels = argument(7)
  const numbers = each * pixels
  const epsilon = double(9)
  const end = min(argument(11), (chunk + 1) * argument(12))
  for (let unit = chunk * argument(12); unit < end; unit++) {
    const start = (<usize>unit * <usize>numbers) << 2
    let x = address(0) + start
    let y = address(1) + start
    const mean = <f32>(rowSum(x, numbers) / <f64>numbers)
    const inverse = <f32>(1 / sqrt<f64>(squaresAbout(mean, x, numbers) / <f64>numbers + epsilon))
    store<f32>(address(4) + ((<usize>unit) << 2), mean)
    store<f32>(address(5) + ((<usize>unit) << 2), inverse)
    const centre = f32x4.splat(mean)
    const first = (unit % argument(8)) * each
    for (let channel = first; channel < first + each; channel++) {
      const scale = f32x4.splat(inverse * ofChannel(address(2), channel, 1))
      const shift = f32x4.splat(ofChannel(address(3), channel, 0))
      let left = pixels
      for (; left >= 4; left -= 4, x += 16, y += 16) v128.store(y, madd(f32x4.sub(v128.load(x), centre), scale, shift))
      for (; left > 0; left--, x += 4, y += 4)
        v128.store32_lane(y, madd(f32x4.sub(v128.load32_zero(x), centre), scale, shift), 0)
    }
    thenNumbers(argument(13), address(1) + start, numbers)
  }
}

/**
 * Arguments: 0 x · 1 gy · 2 γ or 0 · 3 gx · 4 means · 5 1/deviations · 6 channels of a group · 7 pixels · 8 groups ·
 * 9 Σ gy x̂ · 10 Σ gy, both [n, c] · 11 units · 12 units of a chunk · 13 output of an activation behind it, or 0 · 14 the function of
 * gy and that output. A unit is one group of one sample.
 */
export function groupNormGradChunk(chunk: i32, scratch: usize): void {
  const each = argument(6)
  const pixels = argument(7)
  const numbers = each * pixels
  const row = (<usize>pixels) << 2
  const end = min(argument(11), (chunk + 1) * argument(12))
  for (let unit = chunk * argument(12); unit < end; unit++) {
    const start = (<usize>unit * <usize>numbers) << 2
    let x = address(0) + start
    let gy = address(1) + start
    if (address(13)) {
      zipNumbers(argument(14), gy, address(13) + start, scratch, numbers, 4, 4)
      gy = scratch
    }
    let gx = address(3) + start
    const mean = load<f32>(address(4) + ((<usize>unit) << 2))
    const inverse = load<f32>(address(5) + ((<usize>unit) << 2))
    const first = (unit % argument(8)) * each
    let shifts: f64 = 0
    let scaled: f64 = 0
    for (let k = 0; k < each; k++) {
      const sums = sumsAbout(mean, x + <usize>k * row, gy + <usize>k * row, pixels)
      const ofScale = f64x2.extract_lane(sums, 0) * <f64>inverse
      const ofShift = f64x2.extract_lane(sums, 1)
      const at = (<usize>(unit * each + k)) << 2
      store<f32>(address(9) + at, <f32>ofScale)
      store<f32>(address(10) + at, <f32>ofShift)
      const share = <f64>ofChannel(address(2), first + k, 1)
      shifts += share * ofShift
      scaled += share * ofScale
    }
    const centre = f32x4.splat(mean)
    const deviation = f32x4.splat(inverse)
    const along = f32x4.splat(<f32>((-scaled * <f64>inverse) / <f64>numbers))
    const shift = f32x4.splat(<f32>((-shifts * <f64>inverse) / <f64>numbers))
    for (let channel = first; channel < first + each; channel++) {
      const scale = f32x4.splat(inverse * ofChannel(address(2), channel, 1))
      let left = pixels
      for (; left >= 4; left -= 4, x += 16, gy += 16, gx += 16) {
        const normalised = f32x4.mul(f32x4.sub(v128.load(x), centre), deviation)
        v128.store(gx, madd(v128.load(gy), scale, madd(normalised, along, shift)))
      }
      for (; left > 0; left--, x += 4, gy += 4, gx += 4) {
        const normalised = f32x4.mul(f32x4.sub(v128.load32_zero(x), centre), deviation)
        v128.store32_lane(gx, madd(v128.load32_zero(gy), scale, madd(normalised, along, shift)), 0)
      }
    }
  }
}

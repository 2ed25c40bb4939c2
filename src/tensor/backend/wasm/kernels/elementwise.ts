/**
 * Functions of one number and of two, and copies between layouts. Operations are numbered as in `../kernel.ts`.
 */
import { address, argument } from './arguments'
import { exp, gelu, geluSlope, log, sigmoid, tanh } from './transcendental'

// @inline
function unary(op: i32, x: v128): v128 {
  switch (op) {
    case 0:
      return f32x4.neg(x)
    case 1:
      return f32x4.abs(x)
    case 2:
      return exp(x)
    case 3:
      return log(x)
    case 4:
      return f32x4.sqrt(x)
    case 5:
      return f32x4.mul(x, x)
    case 6:
      return f32x4.div(f32x4.splat(1), x)
    case 7:
      return f32x4.pmax(x, f32x4.splat(0))
    case 8:
      return tanh(x)
    case 9:
      return sigmoid(x)
    default:
      return gelu(x)
  }
}

/** a·b, where a product that is too small for a normal number is 0: never farther from 0 than the exact product by more than
 *  rounding of a normal number, which is relative. NaN stays. */
// @inline
function productTowardsZero(a: v128, b: v128): v128 {
  const product = f32x4.mul(a, b)
  return v128.andnot(product, f32x4.lt(f32x4.abs(product), f32x4.splat(1.1754943508222875e-38)))
}

/** One number times some bytes of numbers; writes up to 12 bytes too many. */
export function scaleTowardsZero(factor: usize, from: usize, to: usize, bytes: usize): void {
  const a = v128.load32_splat(factor)
  for (let i: usize = 0; i < bytes; i += 16) v128.store(to + i, productTowardsZero(a, v128.load(from + i)))
}

// @inline
function binary(op: i32, a: v128, b: v128): v128 {
  const one = f32x4.splat(1)
  switch (op) {
    case 0:
      return f32x4.add(a, b)
    case 1:
      return f32x4.sub(a, b)
    case 2:
      return f32x4.mul(a, b)
    case 3:
      return f32x4.div(a, b)
    case 4:
      return f32x4.max(a, b)
    case 5:
      return f32x4.min(a, b)
    case 6:
      return f32x4.mul(a, v128.and(one, f32x4.gt(b, f32x4.splat(0))))
    case 7:
      return f32x4.mul(a, f32x4.sub(one, f32x4.mul(b, b)))
    case 8:
      return f32x4.mul(f32x4.mul(a, b), f32x4.sub(one, b))
    case 9:
      return productTowardsZero(a, b)
    default:
      return f32x4.mul(a, geluSlope(b))
  }
}

// @inline
function mapRun(op: i32, x: usize, out: usize, count: i32): void {
  for (; count >= 4; count -= 4, x += 16, out += 16) v128.store(out, unary(op, v128.load(x)))
  for (; count > 0; count--, x += 4, out += 4) v128.store32_lane(out, unary(op, v128.load32_zero(x)), 0)
}

/** The operation of so many numbers, which may be written where they stand. */
export function mapNumbers(op: i32, x: usize, out: usize, count: i32): void {
  switch (op) {
    case 0:
      mapRun(0, x, out, count)
      break
    case 1:
      mapRun(1, x, out, count)
      break
    case 2:
      mapRun(2, x, out, count)
      break
    case 3:
      mapRun(3, x, out, count)
      break
    case 4:
      mapRun(4, x, out, count)
      break
    case 5:
      mapRun(5, x, out, count)
      break
    case 6:
      mapRun(6, x, out, count)
      break
    case 7:
      mapRun(7, x, out, count)
      break
    case 8:
      mapRun(8, x, out, count)
      break
    case 9:
      mapRun(9, x, out, count)
      break
    case 10:
      mapRun(10, x, out, count)
      break
  }
}

/** Arguments: 0 x · 1 out · 2 op · 3 count · 4 elements of a chunk. */
export function mapChunk(chunk: i32): void {
  const first = chunk * argument(4)
  const offset = (<usize>first) << 2
  mapNumbers(argument(2), address(0) + offset, address(1) + offset, min(argument(4), argument(3) - first))
}

/** In place, where there is an operation: 0 for none, else its number and 1. */
// @inline
export function thenNumbers(then: i32, at: usize, count: i32): void {
  if (then > 0) mapNumbers(then - 1, at, at, count)
}

/** A step of 0 repeats one number. */
// @inline
function zipSteps(op: i32, a: usize, b: usize, out: usize, count: i32, stepA: usize, stepB: usize): void {
  let left = v128.load32_splat(a)
  let right = v128.load32_splat(b)
  for (; count >= 4; count -= 4, out += 16) {
    if (stepA) left = v128.load(a)
    if (stepB) right = v128.load(b)
    v128.store(out, binary(op, left, right))
    a += stepA << 2
    b += stepB << 2
  }
  for (; count > 0; count--, a += stepA, b += stepB, out += 4)
    v128.store32_lane(out, binary(op, v128.load32_zero(a), v128.load32_zero(b)), 0)
}

// @inline
function zipRun(op: i32, a: usize, b: usize, out: usize, count: i32, stepA: usize, stepB: usize): void {
  if (stepA && stepB) zipSteps(op, a, b, out, count, 4, 4)
  else if (stepA) zipSteps(op, a, b, out, count, 4, 0)
  else zipSteps(op, a, b, out, count, 0, stepB)
}

/** Where the run number `index` begins: axes from `axes` on, their strides in bytes from `strides` on. */
function offsetOf(index: i32, rank: i32, axes: i32, strides: i32): usize {
  let offset: usize = 0
  for (let axis = rank - 1; axis >= 0; axis--) {
    const extent = argument(axes + axis)
    const rest = index / extent
    offset += <usize>(index - rest * extent) * address(strides + axis)
    index = rest
  }
  return offset
}

/** The operation of so many pairs of numbers; a step of 0 repeats one number. */
export function zipNumbers(op: i32, a: usize, b: usize, out: usize, count: i32, stepA: usize, stepB: usize): void {
  switch (op) {
    case 0:
      zipRun(0, a, b, out, count, stepA, stepB)
      break
    case 1:
      zipRun(1, a, b, out, count, stepA, stepB)
      break
    case 2:
      zipRun(2, a, b, out, count, stepA, stepB)
      break
    case 3:
      zipRun(3, a, b, out, count, stepA, stepB)
      break
    case 4:
      zipRun(4, a, b, out, count, stepA, stepB)
      break
    case 5:
      zipRun(5, a, b, out, count, stepA, stepB)
      break
    case 6:
      zipRun(6, a, b, out, count, stepA, stepB)
      break
    case 7:
      zipRun(7, a, b, out, count, stepA, stepB)
      break
    case 8:
      zipRun(8, a, b, out, count, stepA, stepB)
      break
    case 9:
      zipRun(9, a, b, out, count, stepA, stepB)
      break
    case 10:
      zipRun(10, a, b, out, count, stepA, stepB)
      break
  }
}

/**
 * Arguments: 0 a · 1 b · 2 out · 3 op · 4 length of the runs · 5, 6 steps of a and b in bytes, 4 or 0 · 7 longest part of a
 * run that is one unit · 8 units · 9 units of a chunk · 10 outer axes · 11 extents · 27 strides of a · 43 of b · 59 what comes
 * after it, as for `thenNumbers`.
 */
export function zipChunk(chunk: i32): void {
  const run = argument(4)
  const part = argument(7)
  const parts = (run + part - 1) / part
  const rank = argument(10)
  const stepA = address(5)
  const stepB = address(6)
  const end = min(argument(8), (chunk + 1) * argument(9))
  for (let unit = chunk * argument(9); unit < end; unit++) {
    const index = unit / parts
    const first = (unit - index * parts) * part
    const count = min(part, run - first)
    const a = address(0) + offsetOf(index, rank, 11, 27) + <usize>first * stepA
    const b = address(1) + offsetOf(index, rank, 11, 43) + <usize>first * stepB
    const out = address(2) + ((<usize>index * <usize>run + <usize>first) << 2)
    zipNumbers(argument(3), a, b, out, count, stepA, stepB)
    thenNumbers(argument(59), out, count)
  }
}

/** A strided view in row-major order. Arguments: as for zip, without b. */
export function gatherChunk(chunk: i32): void {
  const run = argument(4)
  const part = argument(7)
  const parts = (run + part - 1) / part
  const step = address(5)
  const end = min(argument(8), (chunk + 1) * argument(9))
  for (let unit = chunk * argument(9); unit < end; unit++) {
    const index = unit / parts
    const first = (unit - index * parts) * part
    let count = min(part, run - first)
    let a = address(0) + offsetOf(index, argument(10), 11, 27) + <usize>first * step
    let out = address(2) + ((<usize>index * <usize>run + <usize>first) << 2)
    if (step === 4) for (; count >= 4; count -= 4, a += 16, out += 16) v128.store(out, v128.load(a))
    for (; count > 0; count--, a += step, out += 4) store<u32>(out, load<u32>(a))
  }
}

/** Arguments: 0 x · 1 out · 2 h · 3 w · 4 top · 5 bottom · 6 left · 7 right · 8 planes · 9 planes of a chunk. */
export function padChunk(chunk: i32): void {
  const h = argument(2)
  const row = (<usize>argument(3)) << 2
  const left = (<usize>argument(6)) << 2
  const outRow = row + left + ((<usize>argument(7)) << 2)
  const outPlane = outRow * <usize>(h + argument(4) + argument(5))
  const end = min(argument(8), (chunk + 1) * argument(9))
  for (let plane = chunk * argument(9); plane < end; plane++) {
    const out = address(1) + <usize>plane * outPlane
    memory.fill(out, 0, outPlane)
    let from = address(0) + <usize>plane * <usize>h * row
    let at = out + <usize>argument(4) * outRow + left
    for (let i = 0; i < h; i++, from += row, at += outRow) memory.copy(at, from, row)
  }
}

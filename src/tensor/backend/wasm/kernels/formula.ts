/**
 * Programs of formulas: an instruction works on a block of numbers in float64, which stays in the cache from the first to the last.
 * Operations are numbered as in `src/tensor/formula.ts`.
 */
import { address, argument, double } from './arguments'

/** Numbers of a block, and the bytes of a place for them. */
const BLOCK: i32 = 128
const PLACE: usize = 1024

// @inline
function apply(operation: i32, a: v128, b: v128): v128 {
  switch (operation) {
    case 0:
      return f64x2.add(a, b)
    case 1:
      return f64x2.sub(a, b)
    case 2:
      return f64x2.mul(a, b)
    case 3:
      return f64x2.div(a, b)
    case 4:
      return f64x2.max(a, b)
    case 5:
      return f64x2.sqrt(a)
    case 6:
      return f64x2.abs(a)
    default: {
      const signBit = f64x2.splat(-0.0)
      const unit = v128.or(f64x2.splat(1), v128.and(a, signBit))
      // NaN is not greater, and neither is 0: both are their own sign.
      return v128.bitselect(unit, a, f64x2.gt(f64x2.abs(a), f64x2.splat(0)))
    }
  }
}

// @inline
function block(operation: i32, a: usize, b: usize, out: usize): void {
  for (const end = out + PLACE; out < end; a += 64, b += 64, out += 64) {
    v128.store(out, apply(operation, v128.load(a), v128.load(b)))
    v128.store(out, apply(operation, v128.load(a, 16), v128.load(b, 16)), 16)
    v128.store(out, apply(operation, v128.load(a, 32), v128.load(b, 32)), 32)
    v128.store(out, apply(operation, v128.load(a, 48), v128.load(b, 48)), 48)
  }
}

function instruction(operation: i32, a: usize, b: usize, out: usize): void {
  switch (operation) {
    case 0:
      block(0, a, b, out)
      break
    case 1:
      block(1, a, b, out)
      break
    case 2:
      block(2, a, b, out)
      break
    case 3:
      block(3, a, b, out)
      break
    case 4:
      block(4, a, b, out)
      break
    case 5:
      block(5, a, b, out)
      break
    case 6:
      block(6, a, b, out)
      break
    default:
      block(7, a, b, out)
  }
}

function widen(x: usize, to: usize, count: i32): void {
  for (; count >= 4; count -= 4, x += 16, to += 32) {
    v128.store(to, f64x2.promote_low_f32x4(v128.load64_zero(x)))
    v128.store(to, f64x2.promote_low_f32x4(v128.load64_zero(x, 8)), 16)
  }
  for (; count > 0; count--, x += 4, to += 8) store<f64>(to, <f64>load<f32>(x))
}

function round(x: usize, to: usize, count: i32): void {
  for (; count >= 4; count -= 4, x += 32, to += 16) {
    v128.store64_lane(to, f32x4.demote_f64x2_zero(v128.load(x)), 0)
    v128.store64_lane(to, f32x4.demote_f64x2_zero(v128.load(x, 16)), 0, 8)
  }
  for (; count > 0; count--, x += 8, to += 4) store<f32>(to, <f32>load<f64>(x))
}

/**
 * Arguments: 0 count · 1 elements of a chunk · 2 bytes of a number, 4 or 8 · 3 inputs · 4 constants · 5 instructions · 6 outputs · 7 and on: addresses of the inputs,
 * addresses of the outputs, places of the outputs, constants, instructions (operation, left place · 256, right place · 65536).
 * Scratch: the places.
 */
export function formulaChunk(chunk: i32, scratch: usize): void {
  const isDouble = argument(2) === 8
  const inputs = argument(3)
  const constants = argument(4)
  const instructions = argument(5)
  const outputs = argument(6)
  const outputsAt = 7 + inputs
  const constantsAt = outputsAt + 2 * outputs
  const instructionsAt = constantsAt + 2 * constants
  const resultsFrom = scratch + <usize>(inputs + constants) * PLACE
  for (let i = 0; i < constants; i++) {
    const value = f64x2.splat(double(constantsAt + 2 * i))
    const to = scratch + <usize>(inputs + i) * PLACE
    for (let at: usize = 0; at < PLACE; at += 16) v128.store(to + at, value)
  }
  const first = chunk * argument(1)
  const end = min(first + argument(1), argument(0))
  for (let from = first; from < end; from += BLOCK) {
    const count = min(BLOCK, end - from)
    const at = <usize>from * address(2)
    for (let i = 0; i < inputs; i++) {
      const to = scratch + <usize>i * PLACE
      if (isDouble) memory.copy(to, address(7 + i) + at, (<usize>count) << 3)
      else widen(address(7 + i) + at, to, count)
    }
    for (let i = 0; i < instructions; i++) {
      const code = argument(instructionsAt + i)
      const left = scratch + <usize>((code >> 8) & 255) * PLACE
      const right = scratch + <usize>(code >> 16) * PLACE
      instruction(code & 255, left, right, resultsFrom + <usize>i * PLACE)
    }
    for (let i = 0; i < outputs; i++) {
      const found = scratch + <usize>argument(outputsAt + outputs + i) * PLACE
      const to = address(outputsAt + i) + at
      if (isDouble) memory.copy(to, found, (<usize>count) << 3)
      else round(found, to, count)
    }
  }
}

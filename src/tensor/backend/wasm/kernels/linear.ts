/**
 * Sums of two tensors with factors, and normal noise: in float64 and rounded once, as the loops in JavaScript have it.
 */
import { address, argument, double } from './arguments'
import { chacha } from './chacha'
import { normals } from './normal'
import { threefry } from './threefry'

/** The first two and the last two of four numbers. */
// @inline
function low(x: v128): v128 {
  return f64x2.promote_low_f32x4(x)
}

// @inline
function high(x: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<i64>(x, x, 1, 0))
}

// @inline
function rounded(a: v128, b: v128): v128 {
  return v128.shuffle<i64>(f32x4.demote_f64x2_zero(a), f32x4.demote_f64x2_zero(b), 0, 2)
}

function scaleRun(a: f64, x: usize, out: usize, count: i32): void {
  const factor = f64x2.splat(a)
  for (; count >= 4; count -= 4, x += 16, out += 16) {
    const from = v128.load(x)
    v128.store(out, rounded(f64x2.mul(factor, low(from)), f64x2.mul(factor, high(from))))
  }
  for (; count > 0; count--, x += 4, out += 4) store<f32>(out, <f32>(a * <f64>load<f32>(x)))
}

function combineRun(a: f64, x: usize, b: f64, y: usize, out: usize, count: i32): void {
  const p = f64x2.splat(a)
  const q = f64x2.splat(b)
  for (; count >= 4; count -= 4, x += 16, y += 16, out += 16) {
    const left = v128.load(x)
    const right = v128.load(y)
    v128.store(
      out,
      rounded(
        f64x2.add(f64x2.mul(p, low(left)), f64x2.mul(q, low(right))),
        f64x2.add(f64x2.mul(p, high(left)), f64x2.mul(q, high(right))),
      ),
    )
  }
  for (; count > 0; count--, x += 4, y += 4, out += 4)
    store<f32>(out, <f32>(a * <f64>load<f32>(x) + b * <f64>load<f32>(y)))
}

/**
 * a·x, or a·x + b·y, of several pairs. Arguments: 0 a · 2 b · 4 elements of a chunk · 5 and on: for each pair x, y or 0 for none, where
 * the result goes, and the count. The chunks of one pair come before those of the next.
 */
export function combineChunk(chunk: i32): void {
  const part = argument(4)
  let pair = 5
  for (;;) {
    const chunks = (argument(pair + 3) + part - 1) / part
    if (chunk < chunks) break
    chunk -= chunks
    pair += 4
  }
  const first = chunk * part
  const count = min(part, argument(pair + 3) - first)
  const at = (<usize>first) << 2
  const out = address(pair + 2) + at
  if (address(pair + 1) === 0) scaleRun(double(0), address(pair) + at, out, count)
  else combineRun(double(0), address(pair) + at, double(2), address(pair + 1) + at, out, count)
}

/** Variates that are made at once, and the room of their words, of themselves, and of the places of their tails. */
const VARIATES: i32 = 1024
const WORDS_ROOM: usize = 8192 + 512
const VARIATES_ROOM: usize = 8192 + 64
const TAILS_ROOM: usize = 4096 + 64

function noiseRun(x: usize, deviation: f64, z: usize, out: usize, count: i32): void {
  const factor = f64x2.splat(deviation)
  for (; count >= 4; count -= 4, x += 16, z += 32, out += 16) {
    const from = v128.load(x)
    v128.store(
      out,
      rounded(
        f64x2.add(low(from), f64x2.mul(factor, v128.load(z))),
        f64x2.add(high(from), f64x2.mul(factor, v128.load(z, 16))),
      ),
    )
  }
  for (; count > 0; count--, x += 4, z += 8, out += 4)
    store<f32>(out, <f32>(<f64>load<f32>(x) + deviation * load<f64>(z)))
}

/**
 * Arguments: 0 x · 1 out · 2 deviation · 4 count · 5 elements of a chunk, a multiple of 1024 · 6 cipher (0 Threefry, 1 ChaCha20)
 * · 7 and on its state. Scratch: words, variates, places of tails, state.
 */
export function noiseChunk(chunk: i32, scratch: usize): void {
  const words = scratch
  const variates = words + WORDS_ROOM
  const tails = variates + VARIATES_ROOM
  const state = tails + TAILS_ROOM
  const first = chunk * argument(5)
  const end = min(first + argument(5), argument(4))
  if (argument(6) !== 0) for (let i = 0; i < 16; i++) store<i32>(state + ((<usize>i) << 2), argument(7 + i))
  const counter = load<u64>(state, 48)
  for (let from = first; from < end; from += VARIATES) {
    const count = min(VARIATES, end - from)
    if (argument(6) === 0) threefry(argument(7), argument(8), 0, from, count, words)
    else {
      // Eight variates take a block.
      store<u64>(state, counter + <u64>(from >> 3), 48)
      chacha(state, (count + 7) >> 3, words)
    }
    normals(words, count, variates, tails)
    const at = (<usize>from) << 2
    noiseRun(address(0) + at, double(2), variates, address(1) + at, count)
  }
}

/**
 * Is every number of a tensor finite? 0 · x is NaN for those that are not. Arguments: 0 out, an int32 for each tensor · 1 and on: the
 * address and the count of each. A tensor is a chunk.
 */
export function finiteChunk(chunk: i32): void {
  let x = address(1 + 2 * chunk)
  let count = argument(2 + 2 * chunk)
  const zero = f32x4.splat(0)
  let sum = zero
  let other = zero
  for (; count >= 8; count -= 8, x += 32) {
    sum = f32x4.add(sum, f32x4.mul(zero, v128.load(x)))
    other = f32x4.add(other, f32x4.mul(zero, v128.load(x, 16)))
  }
  for (; count > 0; count--, x += 4) sum = f32x4.add(sum, f32x4.mul(zero, v128.load32_zero(x)))
  const found = i32x4.all_true(f32x4.eq(f32x4.add(sum, other), zero))
  store<i32>(address(0) + ((<usize>chunk) << 2), found ? 1 : 0)
}

/**
 * Threefry-2x32, four counters at a time: the same words as `../../threefry.ts`.
 */
import { WORDS } from './places'

const PARITY: i32 = 0x1bd11bda

// @inline
function rotate(x: v128, left: i32): v128 {
  return v128.or(i32x4.shl(x, left), i32x4.shr_u(x, 32 - left))
}

/** Writes the blocks of `count` counters from (high, low) on, in whole groups of four. */
export function threefry(k0: i32, k1: i32, high: i32, low: i32, count: i32): void {
  const k2 = k0 ^ k1 ^ PARITY
  const key0 = i32x4.splat(k0)
  const key1 = i32x4.splat(k1)
  const key2 = i32x4.splat(k2)
  const first = i32x4.splat(low)
  for (let i = 0; i < count; i += 4) {
    const counter = i32x4.add(i32x4.splat(low + i), i32x4(0, 1, 2, 3))
    // A counter that has wrapped around is below the first: the comparison is −1 there.
    let a = i32x4.add(i32x4.sub(i32x4.splat(high), v128.lt<u32>(counter, first)), key0)
    let b = i32x4.add(counter, key1)
    a = i32x4.add(a, b)
    b = v128.xor(rotate(b, 13), a)
    a = i32x4.add(a, b)
    b = v128.xor(rotate(b, 15), a)
    a = i32x4.add(a, b)
    b = v128.xor(rotate(b, 26), a)
    a = i32x4.add(a, b)
    b = v128.xor(rotate(b, 6), a)
    a = i32x4.add(a, key1)
    b = i32x4.add(b, i32x4.splat(k2 + 1))
    a = i32x4.add(a, b)
    b = v128.xor(rotate(b, 17), a)
    a = i32x4.add(a, b)
    b = v128.xor(rotate(b, 29), a)
    a = i32x4.add(a, b)
    b = v128.xor(rotate(b, 16), a)
    a = i32x4.add(a, b)
    b = v128.xor(rotate(b, 24), a)
    a = i32x4.add(a, key2)
    b = i32x4.add(b, i32x4.splat(k0 + 2))
    a = i32x4.add(a, b)
    b = v128.xor(rotate(b, 13), a)
    a = i32x4.add(a, b)
    b = v128.xor(rotate(b, 15), a)
    a = i32x4.add(a, b)
    b = v128.xor(rotate(b, 26), a)
    a = i32x4.add(a, b)
    b = v128.xor(rotate(b, 6), a)
    a = i32x4.add(a, key0)
    b = i32x4.add(b, i32x4.splat(k1 + 3))
    a = i32x4.add(a, b)
    b = v128.xor(rotate(b, 17), a)
    a = i32x4.add(a, b)
    b = v128.xor(rotate(b, 29), a)
    a = i32x4.add(a, b)
    b = v128.xor(rotate(b, 16), a)
    a = i32x4.add(a, b)
    b = v128.xor(rotate(b, 24), a)
    a = i32x4.add(a, key1)
    b = i32x4.add(b, i32x4.splat(k2 + 4))
    a = i32x4.add(a, b)
    b = v128.xor(rotate(b, 13), a)
    a = i32x4.add(a, b)
    b = v128.xor(rotate(b, 15), a)
    a = i32x4.add(a, b)
    b = v128.xor(rotate(b, 26), a)
    a = i32x4.add(a, b)
    b = v128.xor(rotate(b, 6), a)
    a = i32x4.add(a, key2)
    b = i32x4.add(b, i32x4.splat(k0 + 5))
    const out = WORDS + ((<usize>i) << 3)
    v128.store(out, v128.shuffle<i32>(a, b, 0, 4, 1, 5))
    v128.store(out, v128.shuffle<i32>(a, b, 2, 6, 3, 7), 16)
  }
}

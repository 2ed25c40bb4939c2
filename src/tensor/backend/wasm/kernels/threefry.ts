/**
 * Threefry-2x32, eight counters at a time in two groups, whose rounds do not wait for each other: the same words as
 * `sampling/threefry.ts`.
 */

const PARITY: i32 = 0x1bd11bda

// @inline
function rotate(x: v128, left: i32): v128 {
  return v128.or(i32x4.shl(x, left), i32x4.shr_u(x, 32 - left))
}

// @inline
function rotate16(x: v128): v128 {
  return v128.shuffle<i8>(x, x, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13)
}

// @inline
function rotate24(x: v128): v128 {
  return v128.shuffle<i8>(x, x, 1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12)
}

/** The high words of counters from `low` on: one more where the low word is below the first, which it has passed 0 to be. */
// @inline
function highOf(high: i32, low: i32, counter: v128): v128 {
  return i32x4.sub(i32x4.splat(high), v128.lt<u32>(counter, i32x4.splat(low)))
}

// @inline
function put(out: usize, a: v128, b: v128): void {
  v128.store(out, v128.shuffle<i32>(a, b, 0, 4, 1, 5))
  v128.store(out, v128.shuffle<i32>(a, b, 2, 6, 3, 7), 16)
}

/** Writes the blocks of `count` counters from (high, low) on, in whole groups of eight. */
export function threefry(k0: i32, k1: i32, high: i32, low: i32, count: i32, words: usize): void {
  const k2 = k0 ^ k1 ^ PARITY
  const key0 = i32x4.splat(k0)
  const key1 = i32x4.splat(k1)
  const key2 = i32x4.splat(k2)
  for (let i = 0; i < count; i += 8) {
    const first = i32x4.add(i32x4.splat(low + i), i32x4(0, 1, 2, 3))
    const second = i32x4.add(i32x4.splat(low + i), i32x4(4, 5, 6, 7))
    let a = i32x4.add(highOf(high, low, first), key0)
    let b = i32x4.add(first, key1)
    let c = i32x4.add(highOf(high, low, second), key0)
    let d = i32x4.add(second, key1)
    a = i32x4.add(a, b)
    c = i32x4.add(c, d)
    b = v128.xor(rotate(b, 13), a)
    d = v128.xor(rotate(d, 13), c)
    a = i32x4.add(a, b)
    c = i32x4.add(c, d)
    b = v128.xor(rotate(b, 15), a)
    d = v128.xor(rotate(d, 15), c)
    a = i32x4.add(a, b)
    c = i32x4.add(c, d)
    b = v128.xor(rotate(b, 26), a)
    d = v128.xor(rotate(d, 26), c)
    a = i32x4.add(a, b)
    c = i32x4.add(c, d)
    b = v128.xor(rotate(b, 6), a)
    d = v128.xor(rotate(d, 6), c)
    a = i32x4.add(a, key1)
    c = i32x4.add(c, key1)
    b = i32x4.add(b, i32x4.splat(k2 + 1))
    d = i32x4.add(d, i32x4.splat(k2 + 1))
    a = i32x4.add(a, b)
    c = i32x4.add(c, d)
    b = v128.xor(rotate(b, 17), a)
    d = v128.xor(rotate(d, 17), c)
    a = i32x4.add(a, b)
    c = i32x4.add(c, d)
    b = v128.xor(rotate(b, 29), a)
    d = v128.xor(rotate(d, 29), c)
    a = i32x4.add(a, b)
    c = i32x4.add(c, d)
    b = v128.xor(rotate16(b), a)
    d = v128.xor(rotate16(d), c)
    a = i32x4.add(a, b)
    c = i32x4.add(c, d)
    b = v128.xor(rotate24(b), a)
    d = v128.xor(rotate24(d), c)
    a = i32x4.add(a, key2)
    c = i32x4.add(c, key2)
    b = i32x4.add(b, i32x4.splat(k0 + 2))
    d = i32x4.add(d, i32x4.splat(k0 + 2))
    a = i32x4.add(a, b)
    c = i32x4.add(c, d)
    b = v128.xor(rotate(b, 13), a)
    d = v128.xor(rotate(d, 13), c)
    a = i32x4.add(a, b)
    c = i32x4.add(c, d)
    b = v128.xor(rotate(b, 15), a)
    d = v128.xor(rotate(d, 15), c)
    a = i32x4.add(a, b)
    c = i32x4.add(c, d)
    b = v128.xor(rotate(b, 26), a)
    d = v128.xor(rotate(d, 26), c)
    a = i32x4.add(a, b)
    c = i32x4.add(c, d)
    b = v128.xor(rotate(b, 6), a)
    d = v128.xor(rotate(d, 6), c)
    a = i32x4.add(a, key0)
    c = i32x4.add(c, key0)
    b = i32x4.add(b, i32x4.splat(k1 + 3))
    d = i32x4.add(d, i32x4.splat(k1 + 3))
    a = i32x4.add(a, b)
    c = i32x4.add(c, d)
    b = v128.xor(rotate(b, 17), a)
    d = v128.xor(rotate(d, 17), c)
    a = i32x4.add(a, b)
    c = i32x4.add(c, d)
    b = v128.xor(rotate(b, 29), a)
    d = v128.xor(rotate(d, 29), c)
    a = i32x4.add(a, b)
    c = i32x4.add(c, d)
    b = v128.xor(rotate16(b), a)
    d = v128.xor(rotate16(d), c)
    a = i32x4.add(a, b)
    c = i32x4.add(c, d)
    b = v128.xor(rotate24(b), a)
    d = v128.xor(rotate24(d), c)
    a = i32x4.add(a, key1)
    c = i32x4.add(c, key1)
    b = i32x4.add(b, i32x4.splat(k2 + 4))
    d = i32x4.add(d, i32x4.splat(k2 + 4))
    a = i32x4.add(a, b)
    c = i32x4.add(c, d)
    b = v128.xor(rotate(b, 13), a)
    d = v128.xor(rotate(d, 13), c)
    a = i32x4.add(a, b)
    c = i32x4.add(c, d)
    b = v128.xor(rotate(b, 15), a)
    d = v128.xor(rotate(d, 15), c)
    a = i32x4.add(a, b)
    c = i32x4.add(c, d)
    b = v128.xor(rotate(b, 26), a)
    d = v128.xor(rotate(d, 26), c)
    a = i32x4.add(a, b)
    c = i32x4.add(c, d)
    b = v128.xor(rotate(b, 6), a)
    d = v128.xor(rotate(d, 6), c)
    a = i32x4.add(a, key2)
    c = i32x4.add(c, key2)
    b = i32x4.add(b, i32x4.splat(k0 + 5))
    d = i32x4.add(d, i32x4.splat(k0 + 5))
    const out = words + ((<usize>i) << 3)
    put(out, a, b)
    put(out + 32, c, d)
  }
}

/**
 * ChaCha20, a row of the state in each vector, two blocks at a time: the same words as `../../chacha.ts`.
 */
import { STATE, WORDS } from './places'

// @inline
function rotate16(x: v128): v128 {
  return v128.shuffle<i8>(x, x, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13)
}

// @inline
function rotate8(x: v128): v128 {
  return v128.shuffle<i8>(x, x, 3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14)
}

// @inline
function rotate(x: v128, left: i32): v128 {
  return v128.or(i32x4.shl(x, left), i32x4.shr_u(x, 32 - left))
}

// @inline
function turn1(x: v128): v128 {
  return v128.shuffle<i32>(x, x, 1, 2, 3, 0)
}

// @inline
function turn2(x: v128): v128 {
  return v128.shuffle<i32>(x, x, 2, 3, 0, 1)
}

// @inline
function turn3(x: v128): v128 {
  return v128.shuffle<i32>(x, x, 3, 0, 1, 2)
}

/** Writes the blocks of `count` counters from that of the state on, in whole pairs; the state is 16 words at STATE. */
export function chacha(count: i32): void {
  const s0 = v128.load(STATE)
  const s1 = v128.load(STATE, 16)
  const s2 = v128.load(STATE, 32)
  const s3 = v128.load(STATE, 48)
  const counter = v128.extract_lane<u64>(s3, 0)
  for (let i = 0; i < count; i += 2) {
    const c0 = v128.replace_lane<u64>(s3, 0, counter + <u64>i)
    const c1 = v128.replace_lane<u64>(s3, 0, counter + <u64>i + 1)
    let a0 = s0
    let b0 = s1
    let d0 = s2
    let e0 = c0
    let a1 = s0
    let b1 = s1
    let d1 = s2
    let e1 = c1
    for (let doubleRound = 0; doubleRound < 10; doubleRound++) {
      a0 = i32x4.add(a0, b0)
      a1 = i32x4.add(a1, b1)
      e0 = rotate16(v128.xor(e0, a0))
      e1 = rotate16(v128.xor(e1, a1))
      d0 = i32x4.add(d0, e0)
      d1 = i32x4.add(d1, e1)
      b0 = rotate(v128.xor(b0, d0), 12)
      b1 = rotate(v128.xor(b1, d1), 12)
      a0 = i32x4.add(a0, b0)
      a1 = i32x4.add(a1, b1)
      e0 = rotate8(v128.xor(e0, a0))
      e1 = rotate8(v128.xor(e1, a1))
      d0 = i32x4.add(d0, e0)
      d1 = i32x4.add(d1, e1)
      b0 = turn1(rotate(v128.xor(b0, d0), 7))
      b1 = turn1(rotate(v128.xor(b1, d1), 7))
      d0 = turn2(d0)
      d1 = turn2(d1)
      e0 = turn3(e0)
      e1 = turn3(e1)
      a0 = i32x4.add(a0, b0)
      a1 = i32x4.add(a1, b1)
      e0 = rotate16(v128.xor(e0, a0))
      e1 = rotate16(v128.xor(e1, a1))
      d0 = i32x4.add(d0, e0)
      d1 = i32x4.add(d1, e1)
      b0 = rotate(v128.xor(b0, d0), 12)
      b1 = rotate(v128.xor(b1, d1), 12)
      a0 = i32x4.add(a0, b0)
      a1 = i32x4.add(a1, b1)
      e0 = rotate8(v128.xor(e0, a0))
      e1 = rotate8(v128.xor(e1, a1))
      d0 = i32x4.add(d0, e0)
      d1 = i32x4.add(d1, e1)
      b0 = turn3(rotate(v128.xor(b0, d0), 7))
      b1 = turn3(rotate(v128.xor(b1, d1), 7))
      d0 = turn2(d0)
      d1 = turn2(d1)
      e0 = turn1(e0)
      e1 = turn1(e1)
    }
    const out = WORDS + ((<usize>i) << 6)
    v128.store(out, i32x4.add(a0, s0))
    v128.store(out, i32x4.add(b0, s1), 16)
    v128.store(out, i32x4.add(d0, s2), 32)
    v128.store(out, i32x4.add(e0, c0), 48)
    v128.store(out, i32x4.add(a1, s0), 64)
    v128.store(out, i32x4.add(b1, s1), 80)
    v128.store(out, i32x4.add(d1, s2), 96)
    v128.store(out, i32x4.add(e1, c1), 112)
  }
}

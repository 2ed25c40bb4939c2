/**
 * ChaCha20, a row of the state in each vector, four blocks at a time: the same words as `sampling/chacha.ts`.
 */
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

/** The four rows of a block. */
// @inline
function put(out: usize, a: v128, b: v128, c: v128, d: v128): void {
  v128.store(out, a)
  v128.store(out, b, 16)
  v128.store(out, c, 32)
  v128.store(out, d, 48)
}

/** Writes the blocks of `count` counters from that of the state on, in whole groups of four; the state is 16 words. */
export function chacha(state: usize, count: i32, words: usize): void {
  const s0 = v128.load(state)
  const s1 = v128.load(state, 16)
  const s2 = v128.load(state, 32)
  const s3 = v128.load(state, 48)
  const counter = v128.extract_lane<u64>(s3, 0)
  for (let i = 0; i < count; i += 4) {
    const c0 = v128.replace_lane<u64>(s3, 0, counter + <u64>i)
    const c1 = v128.replace_lane<u64>(s3, 0, counter + <u64>i + 1)
    const c2 = v128.replace_lane<u64>(s3, 0, counter + <u64>i + 2)
    const c3 = v128.replace_lane<u64>(s3, 0, counter + <u64>i + 3)
    let a0 = s0
    let b0 = s1
    let d0 = s2
    let e0 = c0
    let a1 = s0
    let b1 = s1
    let d1 = s2
    let e1 = c1
    let a2 = s0
    let b2 = s1
    let d2 = s2
    let e2 = c2
    let a3 = s0
    let b3 = s1
    let d3 = s2
    let e3 = c3
    for (let doubleRound = 0; doubleRound < 10; doubleRound++) {
      a0 = i32x4.add(a0, b0)
      a1 = i32x4.add(a1, b1)
      a2 = i32x4.add(a2, b2)
      a3 = i32x4.add(a3, b3)
      e0 = rotate16(v128.xor(e0, a0))
      e1 = rotate16(v128.xor(e1, a1))
      e2 = rotate16(v128.xor(e2, a2))
      e3 = rotate16(v128.xor(e3, a3))
      d0 = i32x4.add(d0, e0)
      d1 = i32x4.add(d1, e1)
      d2 = i32x4.add(d2, e2)
      d3 = i32x4.add(d3, e3)
      b0 = rotate(v128.xor(b0, d0), 12)
      b1 = rotate(v128.xor(b1, d1), 12)
      b2 = rotate(v128.xor(b2, d2), 12)
      b3 = rotate(v128.xor(b3, d3), 12)
      a0 = i32x4.add(a0, b0)
      a1 = i32x4.add(a1, b1)
      a2 = i32x4.add(a2, b2)
      a3 = i32x4.add(a3, b3)
      e0 = rotate8(v128.xor(e0, a0))
      e1 = rotate8(v128.xor(e1, a1))
      e2 = rotate8(v128.xor(e2, a2))
      e3 = rotate8(v128.xor(e3, a3))
      d0 = i32x4.add(d0, e0)
      d1 = i32x4.add(d1, e1)
      d2 = i32x4.add(d2, e2)
      d3 = i32x4.add(d3, e3)
      b0 = turn1(rotate(v128.xor(b0, d0), 7))
      b1 = turn1(rotate(v128.xor(b1, d1), 7))
      b2 = turn1(rotate(v128.xor(b2, d2), 7))
      b3 = turn1(rotate(v128.xor(b3, d3), 7))
      d0 = turn2(d0)
      d1 = turn2(d1)
      d2 = turn2(d2)
      d3 = turn2(d3)
      e0 = turn3(e0)
      e1 = turn3(e1)
      e2 = turn3(e2)
      e3 = turn3(e3)
      a0 = i32x4.add(a0, b0)
      a1 = i32x4.add(a1, b1)
      a2 = i32x4.add(a2, b2)
      a3 = i32x4.add(a3, b3)
      e0 = rotate16(v128.xor(e0, a0))
      e1 = rotate16(v128.xor(e1, a1))
      e2 = rotate16(v128.xor(e2, a2))
      e3 = rotate16(v128.xor(e3, a3))
      d0 = i32x4.add(d0, e0)
      d1 = i32x4.add(d1, e1)
      d2 = i32x4.add(d2, e2)
      d3 = i32x4.add(d3, e3)
      b0 = rotate(v128.xor(b0, d0), 12)
      b1 = rotate(v128.xor(b1, d1), 12)
      b2 = rotate(v128.xor(b2, d2), 12)
      b3 = rotate(v128.xor(b3, d3), 12)
      a0 = i32x4.add(a0, b0)
      a1 = i32x4.add(a1, b1)
      a2 = i32x4.add(a2, b2)
      a3 = i32x4.add(a3, b3)
      e0 = rotate8(v128.xor(e0, a0))
      e1 = rotate8(v128.xor(e1, a1))
      e2 = rotate8(v128.xor(e2, a2))
      e3 = rotate8(v128.xor(e3, a3))
      d0 = i32x4.add(d0, e0)
      d1 = i32x4.add(d1, e1)
      d2 = i32x4.add(d2, e2)
      d3 = i32x4.add(d3, e3)
      b0 = turn3(rotate(v128.xor(b0, d0), 7))
      b1 = turn3(rotate(v128.xor(b1, d1), 7))
      b2 = turn3(rotate(v128.xor(b2, d2), 7))
      b3 = turn3(rotate(v128.xor(b3, d3), 7))
      d0 = turn2(d0)
      d1 = turn2(d1)
      d2 = turn2(d2)
      d3 = turn2(d3)
      e0 = turn1(e0)
      e1 = turn1(e1)
      e2 = turn1(e2)
      e3 = turn1(e3)
    }
    const out = words + ((<usize>i) << 6)
    put(out, i32x4.add(a0, s0), i32x4.add(b0, s1), i32x4.add(d0, s2), i32x4.add(e0, c0))
    put(out + 64, i32x4.add(a1, s0), i32x4.add(b1, s1), i32x4.add(d1, s2), i32x4.add(e1, c1))
    put(out + 128, i32x4.add(a2, s0), i32x4.add(b2, s1), i32x4.add(d2, s2), i32x4.add(e2, c2))
    put(out + 192, i32x4.add(a3, s0), i32x4.add(b3, s1), i32x4.add(d3, s2), i32x4.add(e3, c3))
  }
}

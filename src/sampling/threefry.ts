/**
 * Threefry-2x32 with 20 rounds: the block cipher behind reproducible keys. Not cryptographic: for experiments.
 *
 *   block(key, counter): (64 bits, 64 bits) → 64 bits
 *
 * References  Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3" (Random123)
 */
import { type Counter, counterOf } from './counter.js'
import { generators, pairsAtOnce } from './wasm/generators.js'

/** The parity constant of Skein's key schedule. */
const PARITY = 0x1bd11bda

/**
 * Encrypts a counter, the next, …, and writes block i to out[2i] and out[2i + 1].
 *
 * The slow twin of the kernel. Unrolled, since V8 unrolls nothing and the rotations want constants.
 *
 * @internal
 */
export const fillThreefry = (key: Readonly<ArrayLike<number>>, first: Counter, out: Uint32Array): void => {
  const k0 = (key[0] as number) | 0
  const k1 = (key[1] as number) | 0
  const k2 = k0 ^ k1 ^ PARITY
  let low = first.low | 0
  let high = first.high | 0
  for (let i = 0; i + 1 < out.length; i += 2) {
    let a = (high + k0) | 0
    let b = (low + k1) | 0
    a = (a + b) | 0
    b = ((b << 13) | (b >>> 19)) ^ a
    a = (a + b) | 0
    b = ((b << 15) | (b >>> 17)) ^ a
    a = (a + b) | 0
    b = ((b << 26) | (b >>> 6)) ^ a
    a = (a + b) | 0
    b = ((b << 6) | (b >>> 26)) ^ a
    a = (a + k1) | 0
    b = (b + k2 + 1) | 0
    a = (a + b) | 0
    b = ((b << 17) | (b >>> 15)) ^ a
    a = (a + b) | 0
    b = ((b << 29) | (b >>> 3)) ^ a
    a = (a + b) | 0
    b = ((b << 16) | (b >>> 16)) ^ a
    a = (a + b) | 0
    b = ((b << 24) | (b >>> 8)) ^ a
    a = (a + k2) | 0
    b = (b + k0 + 2) | 0
    a = (a + b) | 0
    b = ((b << 13) | (b >>> 19)) ^ a
    a = (a + b) | 0
    b = ((b << 15) | (b >>> 17)) ^ a
    a = (a + b) | 0
    b = ((b << 26) | (b >>> 6)) ^ a
    a = (a + b) | 0
    b = ((b << 6) | (b >>> 26)) ^ a
    a = (a + k0) | 0
    b = (b + k1 + 3) | 0
    a = (a + b) | 0
    b = ((b << 17) | (b >>> 15)) ^ a
    a = (a + b) | 0
    b = ((b << 29) | (b >>> 3)) ^ a
    a = (a + b) | 0
    b = ((b << 16) | (b >>> 16)) ^ a
    a = (a + b) | 0
    b = ((b << 24) | (b >>> 8)) ^ a
    a = (a + k1) | 0
    b = (b + k2 + 4) | 0
    a = (a + b) | 0
    b = ((b << 13) | (b >>> 19)) ^ a
    a = (a + b) | 0
    b = ((b << 15) | (b >>> 17)) ^ a
    a = (a + b) | 0
    b = ((b << 26) | (b >>> 6)) ^ a
    a = (a + b) | 0
    b = ((b << 6) | (b >>> 26)) ^ a
    out[i] = a + k2
    out[i + 1] = b + k0 + 5
    low = (low + 1) | 0
    if (low === 0) high = (high + 1) | 0
  }
}

/** Fewer blocks than this, as for the children of a key, are not worth a call into WebAssembly. */
const FEW = 16

/**
 * The blocks of the counters from, …, from + count − 1: 2·count words.
 *
 * Cost  about 3 ns a block with SIMD, 13 without
 *
 * @internal
 */
export const threefryBlocks = (key: Readonly<ArrayLike<number>>, from: number, count: number): Uint32Array => {
  const out = new Uint32Array(2 * count)
  const fast = count < FEW ? undefined : generators()
  if (fast === undefined) {
    fillThreefry(key, counterOf(from), out)
    return out
  }
  for (let start = 0; start < count; start += pairsAtOnce) {
    const length = Math.min(pairsAtOnce, count - start)
    fast.threefry(key, counterOf(from + start), length)
    out.set(fast.words.subarray(0, 2 * length), 2 * start)
  }
  return out
}

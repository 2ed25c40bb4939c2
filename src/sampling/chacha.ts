/**
 * ChaCha20: the stream cipher behind cryptographic keys. Word i of a stream is computed from (key, nonce, i) alone.
 *
 * The block counter has 64 bits: its low half is the counter of RFC 8439, its high half takes the place of the first
 * word of the nonce, as in Bernstein's original. Below 2³² blocks the two agree.
 *
 * References  Bernstein 2008, "ChaCha, a variant of Salsa20" · Nir, Langley 2018, RFC 8439
 */
import type { ChaChaNonce } from './counter.js'
import { generators, pairsAtOnce } from './wasm/generators.js'

/** "expand 32-byte k", little endian. */
const SIGMA = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574] as const

/** The state of the first block: constants, key, counter and nonce. @internal */
export const chachaState = (key: readonly number[], { high, middle, low }: ChaChaNonce): readonly number[] => [
  ...[...SIGMA, ...key],
  ...[0, high, middle, low],
]

/**
 * Fills `out`, a whole number of 16-word blocks, with the key stream from block `firstBlock` on.
 *
 * The slow twin of the kernel. Unrolled, so that the sixteen words of the state are local variables.
 *
 * @internal
 */
export const fillChaCha = (
  key: Readonly<ArrayLike<number>>,
  nonce: ChaChaNonce,
  firstBlock: number,
  out: Uint32Array,
): void => {
  const [s0, s1, s2, s3] = SIGMA
  const s4 = (key[0] as number) | 0
  const s5 = (key[1] as number) | 0
  const s6 = (key[2] as number) | 0
  const s7 = (key[3] as number) | 0
  const s8 = (key[4] as number) | 0
  const s9 = (key[5] as number) | 0
  const s10 = (key[6] as number) | 0
  const s11 = (key[7] as number) | 0
  let s12 = firstBlock | 0
  let s13 = (nonce.high + Math.floor(firstBlock / 0x100000000)) | 0
  const s14 = nonce.middle | 0
  const s15 = nonce.low | 0
  for (let at = 0; at + 15 < out.length; at += 16) {
    let x0: number = s0
    let x1: number = s1
    let x2: number = s2
    let x3: number = s3
    let x4 = s4
    let x5 = s5
    let x6 = s6
    let x7 = s7
    let x8 = s8
    let x9 = s9
    let x10 = s10
    let x11 = s11
    let x12 = s12
    let x13 = s13
    let x14 = s14
    let x15 = s15
    for (let doubleRound = 0; doubleRound < 10; doubleRound++) {
      x0 = (x0 + x4) | 0
      x12 ^= x0
      x12 = (x12 << 16) | (x12 >>> 16)
      x8 = (x8 + x12) | 0
      x4 ^= x8
      x4 = (x4 << 12) | (x4 >>> 20)
      x0 = (x0 + x4) | 0
      x12 ^= x0
      x12 = (x12 << 8) | (x12 >>> 24)
      x8 = (x8 + x12) | 0
      x4 ^= x8
      x4 = (x4 << 7) | (x4 >>> 25)
      x1 = (x1 + x5) | 0
      x13 ^= x1
      x13 = (x13 << 16) | (x13 >>> 16)
      x9 = (x9 + x13) | 0
      x5 ^= x9
      x5 = (x5 << 12) | (x5 >>> 20)
      x1 = (x1 + x5) | 0
      x13 ^= x1
      x13 = (x13 << 8) | (x13 >>> 24)
      x9 = (x9 + x13) | 0
      x5 ^= x9
      x5 = (x5 << 7) | (x5 >>> 25)
      x2 = (x2 + x6) | 0
      x14 ^= x2
      x14 = (x14 << 16) | (x14 >>> 16)
      x10 = (x10 + x14) | 0
      x6 ^= x10
      x6 = (x6 << 12) | (x6 >>> 20)
      x2 = (x2 + x6) | 0
      x14 ^= x2
      x14 = (x14 << 8) | (x14 >>> 24)
      x10 = (x10 + x14) | 0
      x6 ^= x10
      x6 = (x6 << 7) | (x6 >>> 25)
      x3 = (x3 + x7) | 0
      x15 ^= x3
      x15 = (x15 << 16) | (x15 >>> 16)
      x11 = (x11 + x15) | 0
      x7 ^= x11
      x7 = (x7 << 12) | (x7 >>> 20)
      x3 = (x3 + x7) | 0
      x15 ^= x3
      x15 = (x15 << 8) | (x15 >>> 24)
      x11 = (x11 + x15) | 0
      x7 ^= x11
      x7 = (x7 << 7) | (x7 >>> 25)
      x0 = (x0 + x5) | 0
      x15 ^= x0
      x15 = (x15 << 16) | (x15 >>> 16)
      x10 = (x10 + x15) | 0
      x5 ^= x10
      x5 = (x5 << 12) | (x5 >>> 20)
      x0 = (x0 + x5) | 0
      x15 ^= x0
      x15 = (x15 << 8) | (x15 >>> 24)
      x10 = (x10 + x15) | 0
      x5 ^= x10
      x5 = (x5 << 7) | (x5 >>> 25)
      x1 = (x1 + x6) | 0
      x12 ^= x1
      x12 = (x12 << 16) | (x12 >>> 16)
      x11 = (x11 + x12) | 0
      x6 ^= x11
      x6 = (x6 << 12) | (x6 >>> 20)
      x1 = (x1 + x6) | 0
      x12 ^= x1
      x12 = (x12 << 8) | (x12 >>> 24)
      x11 = (x11 + x12) | 0
      x6 ^= x11
      x6 = (x6 << 7) | (x6 >>> 25)
      x2 = (x2 + x7) | 0
      x13 ^= x2
      x13 = (x13 << 16) | (x13 >>> 16)
      x8 = (x8 + x13) | 0
      x7 ^= x8
      x7 = (x7 << 12) | (x7 >>> 20)
      x2 = (x2 + x7) | 0
      x13 ^= x2
      x13 = (x13 << 8) | (x13 >>> 24)
      x8 = (x8 + x13) | 0
      x7 ^= x8
      x7 = (x7 << 7) | (x7 >>> 25)
      x3 = (x3 + x4) | 0
      x14 ^= x3
      x14 = (x14 << 16) | (x14 >>> 16)
      x9 = (x9 + x14) | 0
      x4 ^= x9
      x4 = (x4 << 12) | (x4 >>> 20)
      x3 = (x3 + x4) | 0
      x14 ^= x3
      x14 = (x14 << 8) | (x14 >>> 24)
      x9 = (x9 + x14) | 0
      x4 ^= x9
      x4 = (x4 << 7) | (x4 >>> 25)
    }
    out[at] = x0 + s0
    out[at + 1] = x1 + s1
    out[at + 2] = x2 + s2
    out[at + 3] = x3 + s3
    out[at + 4] = x4 + s4
    out[at + 5] = x5 + s5
    out[at + 6] = x6 + s6
    out[at + 7] = x7 + s7
    out[at + 8] = x8 + s8
    out[at + 9] = x9 + s9
    out[at + 10] = x10 + s10
    out[at + 11] = x11 + s11
    out[at + 12] = x12 + s12
    out[at + 13] = x13 + s13
    out[at + 14] = x14 + s14
    out[at + 15] = x15 + s15
    s12 = (s12 + 1) | 0
    if (s12 === 0) s13 = (s13 + 1) | 0
  }
}

/** Fewer blocks than this, as for the children of a key, are not worth a call into WebAssembly. */
const FEW = 4
/** Blocks that one call makes. */
const AT_ONCE = pairsAtOnce / 8

/**
 * Words from, …, from + count − 1 of a key stream.
 *
 * Cost  about 3 ns a word with SIMD, 10 without
 *
 * @internal
 */
export const chachaWords = (
  key: Readonly<ArrayLike<number>>,
  nonce: ChaChaNonce,
  from: number,
  count: number,
): Uint32Array => {
  const first = Math.floor(from / 16)
  const skipped = from - 16 * first
  const blocks = Math.ceil((skipped + count) / 16)
  const out = new Uint32Array(16 * blocks)
  const fast = blocks < FEW ? undefined : generators()
  if (fast === undefined) fillChaCha(key, nonce, first, out)
  else
    for (let start = 0; start < blocks; start += AT_ONCE) {
      const length = Math.min(AT_ONCE, blocks - start)
      fast.chacha(key, nonce, first + start, length)
      out.set(fast.words.subarray(0, 16 * length), 16 * start)
    }
  return out.subarray(skipped, skipped + count)
}

/**
 * Keys: randomness as data that is split, never a stream that is advanced.
 *
 * A key is used once: to draw, or to be split, or to be folded with numbers. A draw from a key that is also split may
 * repeat bits of the children.
 *
 * | operation     | Threefry2x32, block(c) = cipher(key, c)     | ChaCha20, block(d, c) = 16 words, nonce domain d, counter c |
 * |---------------|---------------------------------------------|-------------------------------------------------------------|
 * | word i        | the two halves of block(i), xor             | word i mod 16 of block(0, ⌊i/16⌋)                           |
 * | child i       | block(i)                                    | first half of block(1, i)                                   |
 * | foldIn(data)  | block(data)                                 | first half of block(2, data)                                |
 *
 * So `foldIn(i)` of a Threefry key is its child i, as in JAX; a ChaCha20 key keeps the two apart.
 */
import type { CipherState } from '../tensor/home.js'
import { chachaState, chachaWords } from './chacha.js'
import { type ChaChaNonce, counterOf } from './counter.js'
import { checkCount } from './range.js'
import { threefryBlocks } from './threefry.js'
import type { Generators } from './wasm/generators.js'

/** Threefry2x32 is reproducible and equal to JAX's; ChaCha20 is cryptographic. Plain data: survives JSON. */
export type Key =
  | { readonly _tag: 'Threefry2x32'; readonly words: readonly [number, number] }
  | { readonly _tag: 'ChaCha20'; readonly words: readonly number[] }

/**
 * A Threefry key, equal to `jax.random.key(seed)`: the seed as a 64-bit integer in two's complement. For experiments:
 * who guesses the seed knows the noise. Noise that protects people starts at `secureKey`.
 *
 * @throws RangeError unless the seed is an integer of at most 53 bits
 * @example
 * key(42) // => { _tag: 'Threefry2x32', words: [0, 42] }
 */
export const key = (seed: number): Key => {
  if (!Number.isSafeInteger(seed)) throw new RangeError(`seed is ${seed}: it must be an integer within ±(2^53 − 1)`)
  return { _tag: 'Threefry2x32', words: [Math.floor(seed / 0x100000000) >>> 0, seed >>> 0] }
}

/**
 * A ChaCha20 key from 256 bits that the caller vouches for, as 8 words of 32 bits. `secureKey` takes them from the
 * operating system.
 *
 * @throws RangeError unless there are 8 unsigned 32-bit words
 */
export const chachaKey = (words: Readonly<ArrayLike<number>>): Key => {
  const copy = Array.from(words)
  if (copy.length !== 8 || copy.some((word) => word !== word >>> 0))
    throw new RangeError(`a ChaCha20 key is 8 unsigned 32-bit words, not ${copy.length} numbers or other numbers`)
  return { _tag: 'ChaCha20', words: copy }
}

/** The nonce domains of ChaCha20: one for each use of a key. The high word belongs to the counter. */
const domain = (low: number): ChaChaNonce => ({ high: 0, middle: 0, low })
const DRAWS = domain(0)
const CHILDREN = domain(1)
const FOLDS = domain(2)

const chachaSubkey = (parent: readonly number[], nonce: ChaChaNonce, index: number): Key => ({
  _tag: 'ChaCha20',
  words: Array.from(chachaWords(parent, nonce, 16 * index, 8)),
})

const threefrySubkey = (parent: readonly [number, number], index: number): Key => {
  const block = threefryBlocks(parent, index, 1)
  return { _tag: 'Threefry2x32', words: [block[0] as number, block[1] as number] }
}

/** So many keys: a tuple for the small counts that one takes apart by name, so that each is known to be there. */
export type Keys<N extends number> = N extends keyof SmallTuples ? SmallTuples[N] : readonly Key[]

interface SmallTuples {
  readonly 1: readonly [Key]
  readonly 2: readonly [Key, Key]
  readonly 3: readonly [Key, Key, Key]
  readonly 4: readonly [Key, Key, Key, Key]
  readonly 5: readonly [Key, Key, Key, Key, Key]
  readonly 6: readonly [Key, Key, Key, Key, Key, Key]
  readonly 7: readonly [Key, Key, Key, Key, Key, Key, Key]
  readonly 8: readonly [Key, Key, Key, Key, Key, Key, Key, Key]
}

/**
 * n keys that behave as if drawn independently. Child i depends on (key, i) alone, so a longer split extends a shorter.
 *
 * @throws RangeError unless n is a count
 * @example
 * split(2)(key(0)).length // => 2
 */
export const split =
  <const N extends number>(n: N) =>
  (parent: Key): Keys<N> =>
    Array.from({ length: checkCount('n', n) }, (_, index) =>
      parent._tag === 'Threefry2x32'
        ? threefrySubkey(parent.words, index)
        : chachaSubkey(parent.words, CHILDREN, index),
    ) as readonly Key[] as Keys<N>

/**
 * The key of a number: of a step, a layer, a person. Equal to `jax.random.fold_in` for 32-bit data.
 *
 * @throws RangeError unless data is an integer in [0, 2⁴⁹)
 * @example
 * foldIn(0)(key(0)) // => { _tag: 'Threefry2x32', words: [1797259609, 2579123966] }
 */
export const foldIn =
  (data: number) =>
  (parent: Key): Key => {
    if (!(Number.isInteger(data) && data >= 0 && data < 2 ** 49))
      throw new RangeError(`data is ${data}: it must be an integer in [0, 2^49)`)
    return parent._tag === 'Threefry2x32' ? threefrySubkey(parent.words, data) : chachaSubkey(parent.words, FOLDS, data)
  }

/**
 * Random words of 32 bits. Word i depends on (key, from + i) alone, never on the count: `jax.random.bits` for Threefry,
 * the key stream of RFC 8439 with nonce 0 for ChaCha20.
 *
 * @throws RangeError unless count and from are counts
 * @example
 * Array.from(randomBits(3)(key(0))) // => [4070199207, 4202968722, 1427181096]
 */
export const randomBits =
  (count: number, from = 0) =>
  (source: Key): Uint32Array => {
    checkCount('count', count)
    checkCount('from', from)
    if (source._tag === 'ChaCha20') return chachaWords(source.words, DRAWS, from, count)
    const blocks = threefryBlocks(source.words, from, count)
    const out = new Uint32Array(count)
    for (let i = 0; i < count; i++) out[i] = (blocks[2 * i] as number) ^ (blocks[2 * i + 1] as number)
    return out
  }

/**
 * Random words of 64 bits as pairs (high, low): 2·count words. Pair i depends on (key, from + i) alone. For Threefry
 * `jax.random.bits` of dtype uint64. What the variates are made of.
 */
export const randomPairs =
  (count: number, from = 0) =>
  (source: Key): Uint32Array => {
    checkCount('count', count)
    checkCount('from', from)
    return source._tag === 'ChaCha20'
      ? chachaWords(source.words, DRAWS, 2 * from, 2 * count)
      : threefryBlocks(source.words, from, count)
  }

/** The cipher of the pairs, from the first on. @internal */
export const drawsOf = (source: Key): CipherState =>
  source._tag === 'Threefry2x32'
    ? { cipher: 'threefry', words: source.words }
    : { cipher: 'chacha20', words: chachaState(source.words, DRAWS) }

/**
 * Puts count ≤ 1024 pairs of words from, … into the memory of the generators; returns after how many pairs they begin.
 *
 * @internal
 */
export const fillPairs = (fast: Generators, source: Key, from: number, count: number): number => {
  if (source._tag === 'Threefry2x32') {
    fast.threefry(source.words, counterOf(from), count)
    return 0
  }
  const first = Math.floor(from / 8)
  const skip = from - 8 * first
  fast.chacha(source.words, DRAWS, first, Math.ceil((skip + count) / 8))
  return skip
}

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chachaWords, fillChaCha } from '../src/sampling/chacha.js'
import { type ChaChaNonce, counterOf } from '../src/sampling/counter.js'
import { standardNormals } from '../src/sampling/index.js'
import { normalOfWord, standardNormalsByWord } from '../src/sampling/normal.js'
import { fillThreefry, threefryBlocks } from '../src/sampling/threefry.js'
import { generators } from '../src/sampling/wasm/generators.js'
import { naturalLog } from '../src/tensor/natural-log.js'
import { anyKey, position } from './arbitraries/key.js'

const word = fc.integer({ min: 0, max: 2 ** 32 - 1 })
/** Around what one call makes, and where a call is not worth it. */
const count = fc.oneof(fc.nat(40), fc.integer({ min: 1000, max: 1100 }), fc.integer({ min: 2040, max: 2070 }))

describe('the SIMD generators', () => {
  it('are there', () => expect(generators()).toBeDefined())

  it('make the blocks of Threefry', () =>
    fc.assert(
      fc.property(fc.tuple(word, word), position, count, (key, from, n) => {
        const slow = new Uint32Array(2 * n)
        fillThreefry(key, counterOf(from), slow)
        expect(threefryBlocks(key, from, n)).toEqual(slow)
      }),
    ))

  it('make the key stream of ChaCha20', () =>
    fc.assert(
      fc.property(
        fc.array(word, { minLength: 8, maxLength: 8 }),
        fc.record({ high: word, middle: word, low: word }),
        position,
        count,
        (key, nonce: ChaChaNonce, from, n) => {
          const first = Math.floor(from / 16)
          const skipped = from - 16 * first
          const slow = new Uint32Array(16 * Math.ceil((skipped + n) / 16))
          fillChaCha(key, nonce, first, slow)
          expect(chachaWords(key, nonce, from, n)).toEqual(slow.slice(skipped, skipped + n))
        },
      ),
    ))

  it('make the normal variates bit for bit, tails included', () =>
    fc.assert(
      fc.property(anyKey, position, count, (key, from, n) => {
        const found = standardNormals(n, from)(key)
        const slow = standardNormalsByWord(n, from, key)
        expect(new BigInt64Array(found.buffer)).toEqual(new BigInt64Array(slow.buffer))
      }),
    ))

  it('make the variates of any words: far tails, and where the logarithm takes another way', () => {
    const fast = generators() as NonNullable<ReturnType<typeof generators>>
    const near = (word: number) => fc.integer({ min: -3, max: 3 }).map((d) => (word + d) >>> 0)
    const high = fc.oneof(
      word,
      fc.tuple(fc.integer({ min: 0, max: 31 }), fc.boolean()).map(([k, s]) => (2 ** k + (s ? 2 ** 31 : 0)) >>> 0),
      fc.integer({ min: 0, max: 30 }).chain((k) => near(2 ** k)),
      // 0.075 · 2³², where the tails begin.
      near(322122547),
    )
    const low = fc.oneof(word, fc.constantFrom(0, 1, 2 ** 31, 2 ** 32 - 1), near(858993459))
    fc.assert(
      fc.property(fc.array(fc.tuple(high, low), { minLength: 1, maxLength: 60 }), fc.nat(9), (pairs, skip) => {
        fast.words.set(pairs.flat(), 2 * skip)
        fast.normals(skip, pairs.length)
        const found = Float64Array.from(fast.variates.subarray(0, pairs.length))
        const slow = Float64Array.from(pairs, ([h, l]) => normalOfWord(h, l))
        expect(new BigInt64Array(found.buffer)).toEqual(new BigInt64Array(slow.buffer))
      }),
      { numRuns: 1000 },
    )
  })
})

describe('naturalLog', () => {
  it('is within a unit in the last place of the engine, at every size', () => {
    const exponent = fc.integer({ min: -1073, max: -2 })
    const mantissa = fc.oneof(
      fc.double({ min: 1, max: 2, noNaN: true, maxExcluded: true }),
      fc.constantFrom(1, 2 - 2 ** -52, 1 + 2 ** -21, 2 - 2 ** -20),
    )
    fc.assert(
      fc.property(exponent, mantissa, (k, m) => {
        const x = m * 2 ** k
        expect(Math.abs(naturalLog(x) / Math.log(x) - 1)).toBeLessThanOrEqual(2 ** -52)
      }),
      { numRuns: 1000 },
    )
  })
})

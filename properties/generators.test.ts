import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chachaWords, fillChaCha } from '../src/sampling/chacha.js'
import { type ChaChaNonce, counterOf } from '../src/sampling/counter.js'
import { standardNormals } from '../src/sampling/index.js'
import { standardNormalsByWord } from '../src/sampling/normal.js'
import { fillThreefry, threefryBlocks } from '../src/sampling/threefry.js'
import { generators } from '../src/sampling/wasm/generators.js'
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
})

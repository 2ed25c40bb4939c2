import fc from 'fast-check'
import { chachaKey, foldIn, type Key, key } from '../../src/sampling/index.js'

/** Any seed that JAX takes, with the corners of the 32-bit halves. */
export const seed: fc.Arbitrary<number> = fc.oneof(
  fc.maxSafeInteger(),
  fc.constantFrom(0, 1, -1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER),
)

export const threefryKey: fc.Arbitrary<Key> = seed.map(key)

const word: fc.Arbitrary<number> = fc.integer({ min: 0, max: 2 ** 32 - 1 })
export const chacha20Key: fc.Arbitrary<Key> = fc.array(word, { minLength: 8, maxLength: 8 }).map(chachaKey)

/** Roots of both kinds, and keys further down. */
export const anyKey: fc.Arbitrary<Key> = fc
  .tuple(fc.oneof(threefryKey, chacha20Key), fc.array(fc.nat(), { maxLength: 2 }))
  .map(([root, path]) => path.reduce((parent, data) => foldIn(data)(parent), root))

/** Positions in a stream: small ones, and those where a 32-bit half of a counter overflows. */
export const position: fc.Arbitrary<number> = fc.oneof(
  fc.nat(1000),
  fc.integer({ min: 2 ** 32 - 40, max: 2 ** 32 + 40 }),
  fc.integer({ min: 2 ** 36 - 40, max: 2 ** 36 + 40 }),
)

/**
 * The only source of real randomness in the library.
 */
import type { IO } from 'fp-ts/lib/IO.js'
import { chachaKey, type Key } from './key.js'

/**
 * A fresh ChaCha20 key: 256 bits from the operating system, by WebCrypto. Each run gives another.
 *
 * @example
 * secureKey()._tag // => 'ChaCha20'
 */
export const secureKey: IO<Key> = () => chachaKey(globalThis.crypto.getRandomValues(new Uint32Array(8)))

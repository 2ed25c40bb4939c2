/**
 * Laplace variates by inversion: one 64-bit word, one variate.
 *
 *   word = sign bit, 63-bit integer k        x = ∓ log((k + ½) / 2⁶³)
 */
import { type Key, randomPairs } from './key.js'
import { checkCount } from './range.js'

/**
 * Standard Laplace numbers (density e^(−|x|)/2) from, …, from + count − 1 of a key.
 *
 * Guarantee  number i depends on (key, from + i) alone; finite, |x| < 45. It is floating point: an adversary who sees the low bits
 *            of a released sum may use them (Mironov 2012); `discreteLaplace` is proof against that
 *
 * @example
 * standardLaplaces(2)(key(0))[1] === standardLaplaces(1, 1)(key(0))[0] // => true
 */
export const standardLaplaces =
  (count: number, from = 0) =>
  (source: Key): Float64Array => {
    const out = new Float64Array(checkCount('count', count))
    const pairs = randomPairs(count, from)(source)
    for (let i = 0; i < count; i++) {
      const high = pairs[2 * i] as number
      const uniform = ((high & 0x7fffffff) * 0x100000000 + (pairs[2 * i + 1] as number) + 0.5) * 2 ** -63
      out[i] = high >>> 31 === 0 ? -Math.log(uniform) : Math.log(uniform)
    }
    return out
  }

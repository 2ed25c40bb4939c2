/**
 * Uniform integers without bias, and the random orders made of them.
 */
import { checkShape, type Shape, sizeOf } from '../tensor/shape.js'
import { type Tensor, unsafeTensor } from '../tensor/tensor.js'
import { type Key, randomPairs } from './key.js'

/** Where the words of the next attempt stand: attempt a of number i reads word a·2⁴⁰ + i. */
const ATTEMPT = 2 ** 40

/** The 53-bit integer of a word. */
const integerOf = (high: number, low: number): number => high * 0x200000 + (low >>> 11)

/** One integer in [0, below): the word's remainder, unless the word stands in the last, incomplete cycle: then the next. */
const integerBelow = (source: Key, index: number, below: number, word: number): number => {
  const whole = 2 ** 53 - (2 ** 53 % below)
  let value = word
  for (let attempt = 1; value >= whole; attempt++) {
    const pair = randomPairs(1, attempt * ATTEMPT + index)(source)
    value = integerOf(pair[0] as number, pair[1] as number)
  }
  return value % below
}

const checkBelow = (below: number): number => {
  if (!(Number.isInteger(below) && below >= 1 && below <= 2 ** 31))
    throw new RangeError(`below is ${below}: it must be an integer in [1, 2^31]`)
  return below
}

/**
 * Independent integers, uniform on {0, …, below − 1}, as int32.
 *
 * Guarantee  exactly uniform (rejection, not remainders); element i depends on (key, from + i) alone
 *
 * @throws RangeError unless below is an integer in [1, 2³¹]
 * @example
 * toArray(randomIntegers(1)([3])(key(0))) // => [0, 0, 0]
 */
export const randomIntegers = (below: number): ((shape: Shape, from?: number) => (source: Key) => Tensor) => {
  checkBelow(below)
  return (shape, from = 0) =>
    (source) => {
      const out = new Int32Array(sizeOf(checkShape(shape)))
      const pairs = randomPairs(out.length, from)(source)
      for (let i = 0; i < out.length; i++)
        out[i] = integerBelow(source, from + i, below, integerOf(pairs[2 * i] as number, pairs[2 * i + 1] as number))
      return unsafeTensor(out, shape)
    }
}

/**
 * A uniform order of 0, …, n − 1: every one of the n! equally likely (Fisher–Yates with unbiased integers).
 *
 * Cost  O(n)
 *
 * @throws RangeError unless n is an integer in [0, 2³¹)
 * @example
 * permutation(4)(key(1)).sort() // => new Int32Array([0, 1, 2, 3])
 */
export const permutation =
  (n: number) =>
  (source: Key): Int32Array => {
    if (!(Number.isInteger(n) && n >= 0 && n < 2 ** 31))
      throw new RangeError(`n is ${n}: it must be an integer in [0, 2^31)`)
    const order = new Int32Array(n).map((_, index) => index)
    const pairs = randomPairs(n)(source)
    for (let i = n - 1; i > 0; i--) {
      const word = integerOf(pairs[2 * i] as number, pairs[2 * i + 1] as number)
      const j = integerBelow(source, i, i + 1, word)
      const swapped = order[i] as number
      order[i] = order[j] as number
      order[j] = swapped
    }
    return order
  }

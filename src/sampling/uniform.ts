/**
 * Uniform variates, and the exact test against a probability that every yes-or-no draw is made of.
 */
import { checkShape, type Shape, sizeOf } from '../tensor/shape.js'
import { type Tensor, unsafeTensor } from '../tensor/tensor.js'
import { type Key, randomBits, randomPairs } from './key.js'
import { checkProbability } from './range.js'

/** The dtypes that variates come in. */
export type FloatDType = 'float32' | 'float64'

/**
 * Independent uniforms on [0, 1).
 *
 *   float64: ⌊word₆₄ / 2¹¹⌋ / 2⁵³        float32: ⌊word₃₂ / 2⁸⌋ / 2²⁴
 *
 * Guarantee  element i depends on (key, i) alone; every multiple of 2⁻⁵³ (2⁻²⁴) is equally likely. For Threefry these are
 *            the numbers of `jax.random.uniform`, with one bit more than JAX keeps.
 *
 * @throws ShapeError when an extent is no count
 * @example
 * toArray(uniform([2])(key(0))) // => [0.41845711171638655, 0.21629545460551136]
 */
export const uniform =
  (shape: Shape, dtype: FloatDType = 'float64') =>
  (source: Key): Tensor => {
    const count = sizeOf(checkShape(shape))
    if (dtype === 'float32') {
      const words = randomBits(count)(source)
      const out = new Float32Array(count)
      for (let i = 0; i < count; i++) out[i] = ((words[i] as number) >>> 8) * 2 ** -24
      return unsafeTensor(out, shape)
    }
    const pairs = randomPairs(count)(source)
    const out = new Float64Array(count)
    for (let i = 0; i < count; i++)
      out[i] = ((pairs[2 * i] as number) * 0x200000 + ((pairs[2 * i + 1] as number) >>> 11)) * 2 ** -53
    return unsafeTensor(out, shape)
  }

/** The 64-bit integer ⌊p·2⁶⁴⌋ in two halves; the high one is 2³² for p = 1. */
export interface Threshold {
  readonly high: number
  readonly low: number
}

/**
 * The threshold below which a 64-bit word means yes. Multiplying by 2³² is exact, so the halves lose nothing.
 *
 * Guarantee  P(word < threshold) = ⌊p·2⁶⁴⌋ / 2⁶⁴: never above p, exactly p for p ≥ 2⁻¹¹ or p = 0, off by < 2⁻⁶⁴ between.
 *
 * @internal
 */
export const threshold = (name: string, probability: number): Threshold => {
  const scaled = checkProbability(name, probability) * 0x100000000
  const high = Math.floor(scaled)
  return { high, low: Math.floor((scaled - high) * 0x100000000) }
}

/**
 * Independent Bernoulli variates: 1 with probability p, else 0, as uint8.
 *
 * Guarantee  P(1) is p exactly for p ≥ 2⁻¹¹ and p = 0, and ⌊p·2⁶⁴⌋ / 2⁶⁴ ≤ p between. Element i depends on (key, i)
 *            alone, and under one key the ones of a smaller p are among those of a larger.
 *
 * @throws RangeError unless p is in [0, 1]
 * @example
 * toArray(bernoulli(1)([3])(key(0))) // => [1, 1, 1]
 */
export const bernoulli = (p: number): ((shape: Shape) => (source: Key) => Tensor) => {
  const { high, low } = threshold('p', p)
  return (shape) => (source) => {
    const out = new Uint8Array(sizeOf(checkShape(shape)))
    const pairs = randomPairs(out.length)(source)
    for (let i = 0; i < out.length; i++) {
      const word = pairs[2 * i] as number
      out[i] = word < high || (word === high && (pairs[2 * i + 1] as number) < low) ? 1 : 0
    }
    return unsafeTensor(out, shape)
  }
}

/**
 * Standard normal variates by inversion: one 64-bit word, one variate.
 *
 *   word = sign bit s, 63-bit integer k        z = ∓ Φ⁻¹((k + ½) / 2⁶⁴)
 *
 * The tail. |z| never exceeds −Φ⁻¹(2⁻⁶⁵) ≈ 9.16, and near that end neighbouring values of k are far apart: beyond 8 σ
 * (probability 1.2·10⁻¹⁵) stand about 23,000 distinct values. The distribution function is within 2⁻⁵² of Φ everywhere,
 * and relatively within 10⁻³ at 8 σ. It is no exact Gaussian: an adversary who sees the low bits of a released float
 * may use them (Mironov 2012, "On significance of the least significant bits for differential privacy").
 *
 * References  Wichura 1988, "Algorithm AS 241: the percentage points of the normal distribution", PPND16
 */
import { centralQuantile, upperQuantile } from '../tensor/normal-quantile.js'
import { checkShape, type Shape, sizeOf } from '../tensor/shape.js'
import { type Tensor, unsafeTensor } from '../tensor/tensor.js'
import { fillPairs, type Key, randomPairs } from './key.js'
import { checkCount } from './range.js'
import type { FloatDType } from './uniform.js'
import { type Generators, generators, pairsAtOnce } from './wasm/generators.js'

/** The variate of one word. @internal */
export const normalOfWord = (high: number, low: number): number => {
  const q = ((high & 0x7fffffff) * 0x100000000 + low + 0.5) * 2 ** -64
  const z = q < 0.075 ? upperQuantile(q) : centralQuantile(0.5 - q)
  return high >>> 31 === 0 ? -z : z
}

/** The slow twin of `standardNormals`: word by word. @internal */
export const standardNormalsByWord = (count: number, from: number, source: Key): Float64Array => {
  const pairs = randomPairs(count, from)(source)
  return Float64Array.from({ length: count }, (_, i) =>
    normalOfWord(pairs[2 * i] as number, pairs[2 * i + 1] as number),
  )
}

/** Piece by piece through the memory of the kernels. */
const standardNormalsBySimd = (
  fast: Generators,
  { count, from, source }: { readonly count: number; readonly from: number; readonly source: Key },
): Float64Array => {
  const out = new Float64Array(count)
  const { variates } = fast
  for (let start = 0; start < count; start += pairsAtOnce) {
    const length = Math.min(pairsAtOnce, count - start)
    const skip = fillPairs(fast, source, from + start, length)
    fast.normals(skip, length)
    out.set(length === pairsAtOnce ? variates : variates.subarray(0, length), start)
  }
  return out
}

/**
 * Standard normal numbers from, …, from + count − 1 of a key.
 *
 * Cost       about 12 ns each on one thread, 15 by a ChaCha20 key
 * Guarantee  number i depends on (key, from + i) alone, with SIMD or without; finite, |z| < 9.2
 *
 * @example
 * standardNormals(2)(key(0))[1] === standardNormals(1, 1)(key(0))[0] // => true
 */
export const standardNormals =
  (count: number, from = 0) =>
  (source: Key): Float64Array => {
    checkCount('count', count)
    checkCount('from', from)
    const fast = generators()
    return fast === undefined
      ? standardNormalsByWord(count, from, source)
      : standardNormalsBySimd(fast, { count, from, source })
  }

/**
 * A tensor of independent standard normal variates.
 *
 * Guarantee  element i (row-major) depends on (key, i) alone, whatever the shape; never infinite, never NaN. The float32
 *            tensor is the float64 one, rounded.
 *
 * @throws ShapeError when an extent is no count
 * @example
 * toArray(normal([2, 3])(key(0))).slice(0, 2) // => toArray(normal([2])(key(0)))
 */
export const normal =
  (shape: Shape, dtype: FloatDType = 'float64') =>
  (source: Key): Tensor => {
    const draws = standardNormals(sizeOf(checkShape(shape)))(source)
    return unsafeTensor(dtype === 'float64' ? draws : new Float32Array(draws), shape)
  }

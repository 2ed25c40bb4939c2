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
import { checkShape, type Shape, sizeOf } from '../tensor/shape.js'
import { type Tensor, unsafeTensor } from '../tensor/tensor.js'
import { fillPairs, type Key, randomPairs } from './key.js'
import { checkCount } from './range.js'
import type { FloatDType } from './uniform.js'
import { type Generators, generators, pairsAtOnce } from './wasm/generators.js'

/** Φ⁻¹(½ + d) for |d| ≤ 0.425. */
const central = (d: number): number => {
  const r = 0.180625 - d * d
  return (
    (d *
      (((((((2509.0809287301227 * r + 33430.57558358813) * r + 67265.7709270087) * r + 45921.95393154987) * r +
        13731.69376550946) *
        r +
        1971.5909503065513) *
        r +
        133.14166789178438) *
        r +
        3.3871328727963665)) /
    (((((((5226.495278852854 * r + 28729.085735721943) * r + 39307.89580009271) * r + 21213.794301586597) * r +
      5394.196021424751) *
      r +
      687.1870074920579) *
      r +
      42.31333070160091) *
      r +
      1)
  )
}

/** −Φ⁻¹(q) for 0 < q < 0.075. */
const tail = (q: number): number => {
  const s = Math.sqrt(-Math.log(q))
  if (s <= 5) {
    const r = s - 1.6
    return (
      (((((((0.0007745450142783414 * r + 0.022723844989269184) * r + 0.2417807251774506) * r + 1.2704582524523684) * r +
        3.6478483247632045) *
        r +
        5.769497221460691) *
        r +
        4.630337846156546) *
        r +
        1.4234371107496835) /
      (((((((1.0507500716444169e-9 * r + 0.0005475938084995345) * r + 0.015198666563616457) * r + 0.14810397642748008) *
        r +
        0.6897673349851) *
        r +
        1.6763848301838038) *
        r +
        2.053191626637759) *
        r +
        1)
    )
  }
  const r = s - 5
  return (
    (((((((2.0103343992922881e-7 * r + 2.7115555687434876e-5) * r + 0.0012426609473880784) * r + 0.026532189526576124) *
      r +
      0.29656057182850487) *
      r +
      1.7848265399172913) *
      r +
      5.463784911164114) *
      r +
      6.657904643501103) /
    (((((((2.0442631033899397e-15 * r + 1.421511758316446e-7) * r + 1.8463183175100548e-5) * r +
      0.0007868691311456133) *
      r +
      0.014875361290850615) *
      r +
      0.1369298809227358) *
      r +
      0.599832206555888) *
      r +
      1)
  )
}

/** The variate of one word. @internal */
export const normalOfWord = (high: number, low: number): number => {
  const q = ((high & 0x7fffffff) * 0x100000000 + low + 0.5) * 2 ** -64
  const z = q < 0.075 ? tail(q) : central(0.5 - q)
  return high >>> 31 === 0 ? -z : z
}

/** The slow twin of `standardNormals`: word by word. @internal */
export const standardNormalsByWord = (count: number, from: number, source: Key): Float64Array => {
  const pairs = randomPairs(count, from)(source)
  return Float64Array.from({ length: count }, (_, i) =>
    normalOfWord(pairs[2 * i] as number, pairs[2 * i + 1] as number),
  )
}

/** Piece by piece through the memory of the kernels; the host finishes the tails. */
const standardNormalsBySimd = (
  fast: Generators,
  { count, from, source }: { readonly count: number; readonly from: number; readonly source: Key },
): Float64Array => {
  const out = new Float64Array(count)
  const { words, variates, unfinished } = fast
  for (let start = 0; start < count; start += pairsAtOnce) {
    const length = Math.min(pairsAtOnce, count - start)
    const skip = fillPairs(fast, source, from + start, length)
    const left = fast.normals(skip, length)
    for (let k = 0; k < left; k++) {
      const place = unfinished[k] as number
      const word = 2 * (skip + place)
      variates[place] = normalOfWord(words[word] as number, words[word + 1] as number)
    }
    out.set(length === pairsAtOnce ? variates : variates.subarray(0, length), start)
  }
  return out
}

/**
 * Standard normal numbers from, …, from + count − 1 of a key.
 *
 * Cost       about 12 ns each
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

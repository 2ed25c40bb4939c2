/**
 * Laplace mechanisms: for sums of bounded l1 norm, and, exactly, for counts.
 */
import { discreteLaplace as draws } from '../../sampling/discrete/discrete-noise.js'
import { foldIn, type Key } from '../../sampling/key.js'
import { standardLaplaces } from '../../sampling/laplace.js'
import { allocate, contiguous, size, storageOf, type Tensor, unsafeTensor } from '../../tensor/tensor.js'
import { mapTree, type Tree, treeSize } from '../../tensor/tree.js'
import { positive } from '../clip/clip.js'
import type { IntegerSum } from '../clip/integer-sum.js'
import { discreteLaplace, laplace as laplaceEvent, nonPrivate, pureDp } from '../event/event.js'
import type { Released } from '../mechanism.js'
import { addIntegerNoise, noNoise } from './discrete-gaussian.js'

/** A sum over samples, each of which contributes a vector of l1 norm at most `l1Bound`. */
export interface L1BoundedSum<P extends Tree> {
  readonly _tag: 'L1BoundedSum'
  readonly sum: P
  readonly l1Bound: number
}

/**
 * The sum of rows, each scaled down to l1 norm C where it is longer; a row that is not finite adds nothing.
 *
 * Shapes     [n, …] → […], float64
 * Guarantee  each row's share is at most C long: the room that is left for rounding grows with the row
 * Errors     RangeError unless l1ClipNorm > 0
 *
 * @example
 * toArray(l1ClippedSum(2)(tensor([3, 1, 0, 1], [2, 2])).sum).map((x) => x.toFixed(5)) // => ['1.50000', '1.50000']
 */
export const l1ClippedSum = (l1ClipNorm: number): ((rows: Tensor) => L1BoundedSum<Tensor>) => {
  positive('l1ClipNorm', l1ClipNorm)
  return (rows) => {
    const dense = contiguous(rows)
    const [data, shape] = [storageOf(dense), rows.shape.slice(1)]
    const width = shape.reduce((product, extent) => product * extent, 1)
    const sum = new Float64Array(width)
    // A sum of d numbers comes out short by d·2⁻⁵³ of itself at most, and what is scaled is off by a few such units more.
    const bound = l1ClipNorm * (1 - (width + 8) * 2 ** -52)
    for (let n = 0; n < (rows.shape[0] as number); n++) {
      const row = Float64Array.from(data.subarray(dense.offset + n * width, dense.offset + (n + 1) * width))
      const norm = row.reduce((total, x) => total + Math.abs(x), 0)
      if (!Number.isFinite(norm)) continue
      const isLonger = norm > bound
      // Divided first: bound/norm could be subnormal, and then far from the truth.
      for (let i = 0; i < width; i++)
        sum[i] = (sum[i] as number) + (isLonger ? ((row[i] as number) / norm) * bound : (row[i] as number))
    }
    return { _tag: 'L1BoundedSum', sum: unsafeTensor(sum, shape), l1Bound: l1ClipNorm }
  }
}

const checkMultiplier = (noiseMultiplier: number): number => {
  if (!(noiseMultiplier >= 0 && Number.isFinite(noiseMultiplier)))
    throw new RangeError(`noiseMultiplier is ${noiseMultiplier}: it must be a finite number >= 0`)
  return noiseMultiplier
}

/**
 * Adds independent Laplace noise to every number of an l1-bounded sum.
 *
 *   x̃ = x + z,   z ~ Laplace(σC),   C = l1Bound
 *
 * Guarantee  the event: Laplace with noise multiplier σ, that is (1/σ)-DP. Floating-point noise is not proof against attacks on
 *            its lowest bits (Mironov 2012). With σ = 0 nothing is added and the event is NonPrivate
 * Errors     RangeError unless σ is finite and ≥ 0
 * Reference  Dwork, McSherry, Nissim, Smith 2006
 *
 * @example
 * laplace(2)(key(0))({ _tag: 'L1BoundedSum', sum: {}, l1Bound: 1 }).event // => Event.laplace(2)
 */
export const laplace = (
  noiseMultiplier: number,
): ((key: Key) => <P extends Tree>(sum: L1BoundedSum<P>) => Released<P>) => {
  checkMultiplier(noiseMultiplier)
  return (key) =>
    <P extends Tree>({ sum, l1Bound }: L1BoundedSum<P>): Released<P> => {
      if (noiseMultiplier === 0) return { value: sum, event: nonPrivate }
      let place = 0
      const value = mapTree((leaf) => {
        const source = contiguous(leaf)
        const [data, out] = [storageOf(source), allocate(leaf.dtype, size(leaf))]
        const noise = standardLaplaces(out.length)(foldIn(place++)(key))
        for (let i = 0; i < out.length; i++)
          out[i] = (data[source.offset + i] as number) + noiseMultiplier * l1Bound * (noise[i] as number)
        return unsafeTensor(out, leaf.shape)
      })(sum)
      return { value, event: laplaceEvent(noiseMultiplier) }
    }
}

/**
 * Adds discrete Laplace noise to every count of an integer sum, exactly.
 *
 *   x̃ = γ (k + z),   P(z) ∝ e^(−|z| / (σΔ₁)),   Δ₁ = l1Bound in steps
 *
 * Guarantee  one count: the event DiscreteLaplace; several: (1/σ)-DP, rounded up. Whole numbers throughout: no floating-point
 *            attack applies, given a ChaCha20 key. With σ = 0 nothing is added and the event is NonPrivate
 * Errors     RangeError unless σ is finite and ≥ 0, l1Bound finite, and σΔ₁ within [2⁻²⁰, 2³⁰] steps
 * Reference  Ghosh, Roughgarden, Sundararajan 2012, arXiv:0811.2841
 *
 * @example
 * gridLaplace(2)(secureKey())(histogram(1)(tensor([0, 0], [2], 'int32'))).event // => Event.discreteLaplace({ scale: 2, sensitivity: 1 })
 */
export const gridLaplace = (
  noiseMultiplier: number,
): ((key: Key) => <P extends Tree>(sum: IntegerSum<P>) => Released<P>) => {
  checkMultiplier(noiseMultiplier)
  return (key) => (sum) => {
    if (noiseMultiplier === 0) return { value: addIntegerNoise(sum, noNoise, key), event: nonPrivate }
    if (!Number.isFinite(sum.l1Bound))
      throw new RangeError(`l1Bound is ${sum.l1Bound}: Laplace noise needs a sum whose l1 bound is known`)
    const scale = noiseMultiplier * sum.l1Bound
    return {
      value: addIntegerNoise(sum, draws(scale), key),
      event:
        treeSize(sum.sum) === 1
          ? discreteLaplace({ scale, sensitivity: sum.l1Bound })
          : pureDp((sum.l1Bound / scale) * (1 + 2 ** -50)),
    }
  }
}

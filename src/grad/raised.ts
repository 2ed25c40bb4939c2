/**
 * Cotangents that are tiny: those of samples about which a model is all but sure.
 *
 * Their products leave the normal numbers of float32, where processors take a hundred times as long, and where norms know few digits. So a
 * sample's cotangent goes back raised by a power of 2, which changes nothing but the exponents of its gradient.
 */
import type { Backend } from '../tensor/backend/backend.js'
import { contiguous, size, storageOf, type Tensor, unsafeTensor } from '../tensor/tensor.js'

/** A cotangent, and for each sample the power of 2 that its gradient is to be multiplied by, [n], where one is not 1. */
export interface Raised {
  readonly cotangent: Tensor
  readonly factor?: Tensor
}

/** A sample none of whose numbers reaches this is raised. */
const tiny = 2 ** -40
/**
 * A sample none of whose numbers reaches this is 0. A squared norm of float32 numbers is at least 2⁻²⁹⁸ or 0, so that of what was raised by
 * no more is a normal float64, and no gradient but 0 has norm 0.
 */
const least = 2 ** -300
/** The smallest normal number of float32. */
const normal = 2 ** -126

/** The largest magnitude of a row, and whether float32 has a number of it that is not normal. NaN is neither. */
const surveyed = (
  numbers: ArrayLike<number>,
  start: number,
  end: number,
): readonly [largest: number, loses: boolean] => {
  let [largest, loses] = [0, false]
  for (let i = start; i < end; i++) {
    const magnitude = Math.abs(numbers[i] as number)
    if (magnitude > largest) largest = magnitude
    if (magnitude > 0 && magnitude < normal) loses = true
  }
  return [largest, loses]
}

/**
 * A cotangent [n, …] for a backend of float32, in which no sample has but tiny numbers; what is not normal then is 0.
 *
 *   raised = cotangent / factor,   factor a power of 2, 1 where a number of the sample reaches 2⁻⁴⁰; 0 where none reaches 2⁻³⁰⁰
 *
 * Guarantee  row n depends on row n alone; a row of factor 1 keeps its bits, but for numbers below 2⁻¹²⁶, which are 0
 *
 * @internal
 */
export const raised = ({ dtype }: Pick<Backend, 'dtype'>, cotangent: Tensor): Raised => {
  const count = cotangent.shape[0] ?? 0
  if (dtype === 'float64' || cotangent.dtype !== 'float64' || size(cotangent) === 0) return { cotangent }
  const own = contiguous(cotangent)
  const [data, offset] = [storageOf(own), own.offset]
  const width = size(cotangent) / count
  let found: { readonly numbers: Float64Array; readonly factor: Float64Array } | undefined
  for (let n = 0; n < count; n++) {
    const [start, end] = [n * width, (n + 1) * width]
    const [largest, loses] = surveyed(data, offset + start, offset + end)
    const isTiny = largest > 0 && largest < tiny
    if (!isTiny && !loses) continue
    found ??= {
      numbers: Float64Array.from(data.subarray(offset, offset + size(own))),
      factor: new Float64Array(count).fill(1),
    }
    const scale = !isTiny ? 1 : largest < least ? 0 : 2 ** -Math.floor(Math.log2(largest))
    if (scale > 0) found.factor[n] = 1 / scale
    for (let i = start; i < end; i++) {
      const value = (found.numbers[i] as number) * scale
      found.numbers[i] = Math.abs(value) < normal ? 0 : value
    }
  }
  if (found === undefined) return { cotangent }
  const { numbers, factor } = found
  return {
    cotangent: unsafeTensor(numbers, cotangent.shape),
    ...(factor.some((f) => f !== 1) ? { factor: unsafeTensor(factor, [count]) } : {}),
  }
}

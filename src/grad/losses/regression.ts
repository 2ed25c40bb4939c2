/**
 * Losses per sample for numbers: means over the sample's own axes. j one of the m numbers of a sample.
 */
import type { Loss } from './loss.js'
import { meanOf } from './rows.js'

/**
 * Mean over the sample's own axes of |prediction − target|.
 *
 *   ∂ℓₙ/∂yₙⱼ = sign(yₙⱼ − tₙⱼ) / m, 0 at 0
 *
 * Shapes  prediction and target [n, …] → [n]
 *
 * @example
 * toArray(absoluteError(tensor([1, -3], [1, 2]), tensor([0, 0], [1, 2])).value) // => [2]
 */
export const absoluteError: Loss = meanOf('absoluteError', (y, t) => [Math.abs(y - t), Math.sign(y - t)])

/**
 * Mean over the sample's own axes of e²/2 for |e| ≤ δ and δ(|e| − δ/2) beyond, e = prediction − target.
 *
 *   ∂ℓₙ/∂yₙⱼ = max(−δ, min(δ, eₙⱼ)) / m: no sample's cotangent is longer than δ
 *
 * Shapes     prediction and target [n, …] → [n]
 * Errors     RangeError unless δ > 0
 * Reference  Huber 1964, "Robust estimation of a location parameter"
 *
 * @example
 * toArray(huber({ delta: 1 })(tensor([3], [1, 1]), tensor([0], [1, 1])).value) // => [2.5]
 */
export const huber = ({ delta = 1 }: { readonly delta?: number } = {}): Loss => {
  if (!(delta > 0)) throw new RangeError(`huber: delta is ${delta}; it must be above 0`)
  return meanOf('huber', (y, t) => {
    const error = y - t
    const size = Math.abs(error)
    return size <= delta ? [(error * error) / 2, error] : [delta * (size - delta / 2), Math.sign(error) * delta]
  })
}

/**
 * Mean over the sample's own axes of max(0, 1 − t y), for targets t of −1 and 1.
 *
 *   ∂ℓₙ/∂yₙⱼ = −t/m where t y < 1, else 0
 *
 * Shapes     prediction and target [n, …] → [n]
 * Reference  Cortes, Vapnik 1995, "Support-vector networks"
 *
 * @example
 * toArray(hinge(tensor([0.25], [1, 1]), tensor([1], [1, 1])).value) // => [0.75]
 */
export const hinge: Loss = meanOf('hinge', (y, t) => (t * y < 1 ? [1 - t * y, -t] : [0, 0]))

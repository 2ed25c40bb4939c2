/**
 * Losses per sample for embeddings that are compared. n sample · e feature.
 */
import { shapeError } from '../../tensor/shape.js'
import type { Loss } from './loss.js'
import { lossOfRows } from './rows.js'

/**
 * Triplet loss: the anchor is to be nearer to the positive than to the negative, by a margin. A sample is all three.
 *
 *   ℓₙ = max(0, ‖a − p‖ − ‖a − q‖ + margin), prediction [a, p, q]; at distance 0 the derivative is taken as 0
 *
 * Shapes     prediction [n, 3, e]; the target [n, …] is not read → [n]
 * Errors     ShapeError for another shape
 * Reference  Schroff, Kalenichenko, Philbin 2015, arXiv:1503.03832 (there with squared distances)
 *
 * @example
 * toArray(tripletMargin()(tensor([0, 3, 1], [1, 3, 1]), zeros([1])).value) // => [3]
 */
export const tripletMargin =
  ({ margin = 1 }: { readonly margin?: number } = {}): Loss =>
  (prediction, target) => {
    const [count, three, features] = prediction.shape
    if (prediction.shape.length !== 3 || three !== 3 || target.shape[0] !== count)
      throw shapeError('tripletMargin needs [n, 3, e] and targets [n, …]', prediction.shape, target.shape)
    const e = features as number
    return lossOfRows((x, _target, gradient) => {
      const distance = (other: number): number =>
        Math.hypot(...Array.from({ length: e }, (_, j) => (x[j] as number) - (x[other * e + j] as number)))
      const [near, far] = [distance(1), distance(2)]
      const loss = near - far + margin
      if (!(loss > 0)) return Number.isNaN(loss) ? loss : 0
      for (let j = 0; j < e; j++) {
        const towards = near === 0 ? 0 : ((x[j] as number) - (x[e + j] as number)) / near
        const away = far === 0 ? 0 : ((x[j] as number) - (x[2 * e + j] as number)) / far
        gradient[j] = towards - away
        gradient[e + j] = -towards
        gradient[2 * e + j] = away
      }
      return loss
    })(prediction, target)
  }

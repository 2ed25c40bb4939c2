/**
 * Gradients by finite differences: the slow twin that knows nothing of backward passes.
 */
import type { Backend } from '../tensor/backend/backend.js'
import { allocate, cast, size, storageOf, type Tensor, unsafeTensor } from '../tensor/tensor.js'
import { mapTree, namedLeaves, type Tree } from '../tensor/tree.js'
import type { Batch } from './batch.js'
import type { LayerRule } from './layer.js'
import type { Loss } from './losses/loss.js'

/**
 * The gradient of each sample by central differences, [n, …param] for each leaf:
 *
 *   ∂ℓₙ/∂θⱼ ≈ (ℓₙ(θ + h eⱼ) − ℓₙ(θ − h eⱼ)) / 2h
 *
 * Cost       two forward passes a parameter
 * Guarantee  with a float64 backend, h = 1e-5 and a smooth model of unit scale: about 1e-9 absolute
 */
export const finiteDifferenceGrad =
  (loss: Loss, backend: Backend, step = 1e-5) =>
  <P extends Tree, C>(model: LayerRule<P, C>) =>
  (params: P, { input, target }: Batch): P => {
    const count = input.shape[0] as number
    const base = mapTree(cast('float64'))(params)
    const lossAt = (path: string, index: number, delta: number): Tensor => {
      const moved = mapTree((leaf, at) => {
        if (at !== path) return leaf
        const data = Float64Array.from(storageOf(leaf).subarray(leaf.offset, leaf.offset + size(leaf)))
        data[index] = (data[index] as number) + delta
        return unsafeTensor(data, leaf.shape)
      })(base)
      return loss(model.forward(backend, moved, input)[0], target).value
    }
    const gradient = new Map(
      namedLeaves(base).map(({ path, leaf }) => {
        const width = size(leaf)
        const out = allocate('float64', count * width)
        for (let j = 0; j < width; j++) {
          const [above, below] = [lossAt(path, j, step).data, lossAt(path, j, -step).data]
          for (let n = 0; n < count; n++)
            out[n * width + j] = ((above[n] as number) - (below[n] as number)) / (2 * step)
        }
        return [path, unsafeTensor(out, [count, ...leaf.shape])]
      }),
    )
    return mapTree((_, path) => gradient.get(path) as Tensor)(params)
  }

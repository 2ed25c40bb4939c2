/**
 * A parameter that is added to every sample. n sample · t position · e feature.
 */
import { foldIn, type Key } from '../../sampling/key.js'
import { normal } from '../../sampling/normal.js'
import { mapTensor } from '../../tensor/elementwise.js'
import { type Shape, ShapeEq, shapeError } from '../../tensor/shape.js'
import type { Tensor } from '../../tensor/tensor.js'
import { type LayerRule, layer } from '../layer.js'

/** weight of the shape of one sample. */
export type PositionalEmbeddingParams = { readonly weight: Tensor }

/**
 * Adds to each position a vector of its own, the same for every sample: broadcast over the batch, and yet with a gradient
 * for each sample, which is the cotangent itself.
 *
 *   yₙₜ = xₙₜ + pₜ     gp = gy     ‖g‖² = ‖gy‖²
 *
 * Shapes     x [n, t, e] (or of any other shape) → y of the same shape; weight [t, e]
 * Cost       norms and weighted sums read the cotangent once
 * Reference  Gehring et al. 2017, arXiv:1705.03122 (learned positions)
 *
 * @example
 * positionalEmbedding().init(key(0), [5, 8]).params.weight.shape // => [5, 8]
 */
export const positionalEmbedding = ({
  standardDeviation = 0.02,
}: {
  readonly standardDeviation?: number
} = {}): LayerRule<PositionalEmbeddingParams, Shape> =>
  layer({
    name: 'positionalEmbedding',
    init: (k: Key, input: Shape) => ({
      params: { weight: mapTensor((z) => standardDeviation * z, 'float32')(normal(input)(foldIn(0)(k))) },
      output: input,
    }),
    forward: (backend, { weight }, x) => {
      if (!ShapeEq.equals(x.shape.slice(1), weight.shape))
        throw shapeError('positionalEmbedding: samples and weight differ in shape', x.shape, weight.shape)
      return [backend.zip('add', x, weight), x.shape]
    },
    backward: (_backend, _params, _shape, gy) => gy,
    perSampleGrad: (_backend, _params, _shape, gy) => ({ weight: gy }),
    perSampleSquaredNorm: (backend, _params, _shape, gy) => backend.rowDots(gy, gy),
    weightedGrad: (backend, _params, _shape, gy, weight) => ({ weight: backend.weightedRowSum(weight, gy) }),
  })

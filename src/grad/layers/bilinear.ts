/**
 * The bilinear layer: an affine map of outer products. n sample · t position · i, j features of the two parts · o output.
 */
import type { Backend } from '../../tensor/backend/backend.js'
import { type Shape, shapeError, sizeOf } from '../../tensor/shape.js'
import type { Tensor } from '../../tensor/tensor.js'
import type { EmptyTree } from '../../tensor/tree.js'
import { reshape } from '../../tensor/view.js'
import { inForm } from '../composition/form.js'
import { sequential } from '../composition/sequential.js'
import { type LayerRule, withoutParams } from '../layer.js'
import { join, packedAs, parted } from '../pack.js'
import { type LinearParams, linear } from './linear.js'

/** weight [o, i, j]; bias [o] unless left out. */
export type BilinearParams = { readonly weight: Tensor; readonly bias?: Tensor }

/** The settings of `bilinear`. */
export interface BilinearOptions {
  /** i and j: a sample ends with the i features of its first part, then the j of its second. */
  readonly first: number
  readonly second: number
  /** Default true. */
  readonly bias?: boolean
}

/** The parts as [r, i, 1] and [r, 1, j]. */
type Parts = readonly [Tensor, Tensor]

/** x = [u, v] ↦ u vᵀ as one vector: [n, …, i + j] → [n, …, i·j]. */
const outerProduct = ({ first: i, second: j }: BilinearOptions): LayerRule<EmptyTree, Parts> => {
  const name = `outerProduct(${i}×${j})`
  const rows = (backend: Backend, x: Tensor, tail: Shape): Tensor =>
    packedAs(backend, [sizeOf(x.shape.slice(0, -1)), ...tail], x)
  return withoutParams({
    name,
    output: (input) => {
      if (input.at(-1) !== i + j) throw shapeError(`${name}: the last axis is not ${i} + ${j} long`, input)
      return [...input.slice(0, -1), i * j]
    },
    forward: (backend, x) => {
      const [u, v] = parted(1, [i, j], rows(backend, x, [i + j])) as unknown as Parts
      const parts: Parts = [packedAs(backend, [...u.shape, 1], u), packedAs(backend, [v.shape[0] as number, 1, j], v)]
      return [reshape([...x.shape.slice(0, -1), i * j])(backend.matmul(...parts)), parts]
    },
    backward: (backend, [u, v], gy) => {
      const g = rows(backend, gy, [i, j])
      const r = g.shape[0] as number
      const gu = backend.sum(backend.zip('mul', g, v), [2])
      const gv = backend.sum(backend.zip('mul', g, u), [1])
      return reshape([...gy.shape.slice(0, -1), i + j])(join(backend, 1, [reshape([r, i])(gu), reshape([r, j])(gv)]))
    },
  })
}

/**
 * A bilinear map of the two parts of the last axis.
 *
 *   yₒ = uᵀ Wₒ v + bₒ, x = [u, v]     gWₒ = Σₜ gyₜₒ uₜ vₜᵀ
 *
 * Shapes     x [n, …, i + j] → y [n, …, o]; weight [o, i, j]; bias [o]
 * Cost       that of `linear` on i·j features, which are kept
 * Guarantee  no norm is shorter, by rounding, than the sample's share of a weighted sum
 *
 * @example
 * bilinear(2, { first: 3, second: 4 }).init(key(0), [7]).params.weight.shape // => [2, 3, 4]
 */
export const bilinear = (outputFeatures: number, options: BilinearOptions): LayerRule<BilinearParams, unknown> => {
  const { first, second, bias = true } = options
  type Inner = readonly [EmptyTree, LinearParams]
  const withWeight = (params: BilinearParams, shape: Shape): BilinearParams => ({
    ...params,
    weight: reshape(shape)(params.weight),
  })
  return inForm<BilinearParams, Inner>({
    name: `bilinear(${outputFeatures}, ${first}×${second})`,
    into: (params) => [{}, withWeight(params, [params.weight.shape[0] as number, first * second])],
    from: ([, params]) => withWeight(params, [...params.weight.shape.slice(0, -1), first, second]),
  })(sequential(outerProduct(options), linear(outputFeatures, { bias })) as unknown as LayerRule<Inner, unknown>)
}

/**
 * The affine layer. n sample · t position (all axes between the first and the last) · i input · o output.
 *
 *   yₙₜₒ = Σᵢ Wₒᵢ xₙₜᵢ + bₒ
 */
import { foldIn, type Key } from '../../sampling/key.js'
import type { Backend, UnaryOp } from '../../tensor/backend/backend.js'
import { type Shape, shapeError, sizeOf } from '../../tensor/shape.js'
import { scalar, type Tensor } from '../../tensor/tensor.js'
import { reshape, transpose } from '../../tensor/view.js'
import { affineCosts, gramIsCheaper, normWay } from '../cost.js'
import { groupedAffine } from '../grouped.js'
import { contractingPullback, keepingPullback, type LayerRule, layer, type Pullback } from '../layer.js'
import { summationError } from '../rounding.js'
import { normOfFormed, normOfGram, scaleOfTerms } from '../terms.js'
import { fanInUniform } from './initialise.js'

/** weight [o, i]; bias [o] unless left out. */
export type LinearParams = { readonly weight: Tensor; readonly bias?: Tensor }

/** The settings of `linear`. */
export interface LinearOptions {
  /** Default true. */
  readonly bias?: boolean
}

/** [n, …, i] as [n, t, i]. */
const byPosition = (x: Tensor): Tensor => {
  const features = x.shape.at(-1) as number
  return reshape([x.shape[0] as number, sizeOf(x.shape.slice(1, -1)), features])(x)
}

/** [n, …, i] as [n·t, i]. */
const rows = (x: Tensor): Tensor => reshape([sizeOf(x.shape.slice(0, -1)), x.shape.at(-1) as number])(x)

/** x Wᵀ + b, and what comes after it. */
const affine = (backend: Backend, { weight, bias }: LinearParams, x: Tensor, then?: UnaryOp): Tensor => {
  if (x.shape.length < 2 || x.shape.at(-1) !== weight.shape[1])
    throw shapeError('linear: input and weight do not fit', x.shape, weight.shape)
  const y = backend.affine(rows(x), weight, bias, then)
  return reshape([...x.shape.slice(0, -1), weight.shape[0] as number])(y)
}

/**
 * Affine map of the last axis; any axes may stand between it and the samples.
 *
 *   gW = Σₜ gyₜ xₜᵀ     gb = Σₜ gyₜ     ‖g‖² = Σₛₜ (⟨xₛ, xₜ⟩ + 1)⟨gyₛ, gyₜ⟩     (the 1 is the bias)
 *
 * Shapes     x [n, …, i] → y [n, …, o]; weight [o, i]; bias [o]
 * Cost       norms O(n t² (i + o)) by the Gram form, O(n t i o) by forming the gradients, whichever is less; with one
 *            position it is ‖gy‖²(‖x‖² + 1), O(n (i + o))
 * Guarantee  no norm is shorter, by rounding, than the sample's share of a weighted sum: where positions cancel, the Gram
 *            form in float32 knows a norm only to about 2⁻¹² Σₜ ‖xₜ‖‖gyₜ‖, and that much is added
 * Reference  Goodfellow 2015, arXiv:1510.01799 (t = 1); Li et al. 2022, arXiv:2110.05679 (t > 1); Bu et al. 2022,
 *            arXiv:2210.00038 (one backward pass)
 *
 * @example
 * linear(3).init(key(0), [5]).output // => [3]
 */
export const linear = (
  outputFeatures: number,
  { bias = true }: LinearOptions = {},
): LayerRule<LinearParams, Tensor> => {
  const rule: LayerRule<LinearParams, Tensor> = layer({
    name: `linear(${outputFeatures})`,
    init: (k: Key, input: Shape) => {
      const fanIn = input.at(-1)
      if (fanIn === undefined) throw shapeError('linear needs a feature axis', input)
      const draw = (shape: Shape, index: number) => fanInUniform({ shape, fanIn })(foldIn(index)(k))
      return {
        params: {
          weight: draw([outputFeatures, fanIn], 0),
          ...(bias ? { bias: draw([outputFeatures], 1) } : {}),
        },
        output: [...input.slice(0, -1), outputFeatures],
      }
    },
    forward: (backend, params, x) => [affine(backend, params, x), x],
    forwardThen: (backend, params, x, then) => [affine(backend, params, x, then), x],
    backward: (backend, params, x, gy) => reshape(x.shape)(backend.matmul(rows(gy), params.weight)),
    perSampleGrad: (backend, params, x, gy) => {
      const cotangent = byPosition(gy)
      return {
        weight: backend.matmul(transpose([0, 2, 1])(cotangent), byPosition(x)),
        ...(params.bias === undefined ? {} : { bias: backend.sum(cotangent, [1]) }),
      }
    },
    perSampleSquaredNorm: (backend, params, x, gy) => {
      const [a, b] = [byPosition(x), byPosition(gy)]
      const [, t, i] = a.shape as readonly [number, number, number]
      const o = b.shape[2] as number
      const one = params.bias === undefined ? 0 : 1
      const terms = { ofX: backend.rowDots(a, a), ofCotangent: backend.rowDots(b, b), uses: 1, ones: one * t }
      if (t === 1) return scaleOfTerms(terms)
      // weightedGrad adds up the positions in another order than perSampleGrad does.
      const ofGradient = 2 * summationError(backend, t + 2)
      if (!gramIsCheaper(affineCosts({ positions: t, inputs: i, outputs: o }))) {
        const { squaredNorm } = keepingPullback(rule, backend, params, x, gy)
        return normOfFormed(squaredNorm(), terms, { ofSquaredNorm: 0, ofGradient })
      }
      const gram = (m: Tensor): Tensor => backend.matmul(m, transpose([0, 2, 1])(m))
      const inputs = one === 0 ? gram(a) : backend.zip('add', gram(a), scalar(1))
      const ofSquaredNorm = summationError(backend, i + o + 4)
      const extents = { t, i: i + one, o }
      return normOfGram(backend, backend.rowDots(inputs, gram(b)), terms, { ofSquaredNorm, ofGradient, extents })
    },
    weightedGrad: (backend, params, x, gy, weight) => {
      const scaled = rows(backend.scaleRows(weight, gy))
      return {
        weight: backend.matmul(transpose()(scaled), rows(x)),
        ...(params.bias === undefined ? {} : { bias: backend.sum(scaled, [0]) }),
      }
    },
    pullback: (backend, params, x, gy) => {
      const [n, positions, inputs] = byPosition(x).shape as readonly [number, number, number]
      const outputs = gy.shape.at(-1) as number
      const way = normWay(affineCosts({ positions, inputs, outputs }), n)
      if (way === 'keep') return keepingPullback(rule, backend, params, x, gy)
      const pullbackOf = (p: LinearParams): Pullback<LinearParams> => contractingPullback(rule, backend, p, x, gy)
      return {
        ...pullbackOf(params),
        norm: positions === 1 ? 'rank one' : way,
        grouped: (labels) =>
          groupedAffine(backend, labels, pullbackOf({ weight: params.weight }), () => backend.sum(byPosition(gy), [1])),
      }
    },
  })
  return rule
}

/**
 * Layers at work: a layer, its parameters, an input and a cotangent, and everything that the reference reads off them.
 */
import fc, { type Arbitrary } from 'fast-check'
import type { Loss, Pullback } from '../../src/grad/index.js'
import { key } from '../../src/sampling/index.js'
import { reference } from '../../src/tensor/backend/reference.js'
import { cast, type Tensor } from '../../src/tensor/tensor.js'
import type { Tree } from '../../src/tensor/tree.js'
import { unitTensors } from '../arbitraries/batch.js'
import { counts, type LayerCase, paramsOf } from '../arbitraries/layer.js'

/** ℓₙ = ⟨yₙ, targetₙ⟩: the loss whose cotangent is its target, so that a gradient is a pullback. */
export const pairing: Loss = (prediction, target) => ({
  value: reference.rowDots(prediction, target),
  cotangent: cast('float64')(target),
})

/** A layer at work: parameters, input, and a cotangent of its output. */
export interface Work extends LayerCase {
  readonly params: Tree
  readonly x: Tensor
  readonly gy: Tensor
}

/** Every reading of a layer at work, each by its own method, and the pullback that has them all. */
export interface Methods extends Pullback<Tree> {
  readonly y: Tensor
  readonly cache: unknown
  readonly pullback: () => Pullback<Tree>
}

export const methods = ({ rule, params, x, gy }: Work): Methods => {
  const [y, cache] = rule.forward(reference, params, x)
  return {
    y,
    cache,
    inputGrad: () => rule.backward(reference, params, cache, gy),
    perSampleGrad: () => rule.perSampleGrad(reference, params, cache, gy),
    squaredNorm: () => rule.perSampleSquaredNorm(reference, params, cache, gy),
    weightedGrad: (weight: Tensor) => rule.weightedGrad(reference, params, cache, gy, weight),
    pullback: () => rule.pullback(reference, params, cache, gy),
  }
}

export const work = (
  cases: Arbitrary<LayerCase>,
  {
    samples = counts,
    tensors = unitTensors,
  }: { readonly samples?: Arbitrary<number>; readonly tensors?: typeof unitTensors } = {},
): Arbitrary<Work> =>
  fc.tuple(cases, samples).chain(([layer, count]) =>
    fc
      .record({
        params: paramsOf(layer.rule, layer.input),
        x: tensors([count, ...layer.input]),
        gy: tensors([count, ...layer.rule.init(key(0), layer.input).output]),
      })
      .map((made) => ({ ...layer, ...made })),
  )

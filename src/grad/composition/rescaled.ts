/**
 * A layer in other coordinates of its parameters.
 */
import type { Backend } from '../../tensor/backend/backend.js'
import { toArray } from '../../tensor/tensor.js'
import { leaves, type Tree, zipTreesWith } from '../../tensor/tree.js'
import { keepingPullback, type LayerRule, layer } from '../layer.js'

/**
 * The same function of the same parameters θ, whose gradients are those in the coordinates φ = θ / s: each is multiplied by its
 * scale. What clips them clips ‖s ⊙ g‖.
 *
 *   g_φ = s ⊙ g_θ
 *
 * Shapes  scale: a tree like the parameters, each leaf of the shape of its parameter or one that broadcasts to it
 * Cost    forms the per-sample gradients: n × parameters of memory
 * Errors  RangeError unless every scale is finite and > 0
 *
 * @example
 * const model = linear(1, { bias: false })
 * const batch = { input: tensor([3], [1, 1]), target: tensor([0], [1, 1]) }
 * toArray(perSampleGrad(meanSquaredError, rescaled({ weight: scalar(10) })(model))({ weight: tensor([1], [1, 1]) }, batch).grad.weight) // => [180]
 */
export const rescaled = (scale: Tree): (<P extends Tree, C>(rule: LayerRule<P, C>) => LayerRule<P, C>) => {
  const odd = leaves(scale)
    .flatMap(toArray)
    .find((s) => !(s > 0 && Number.isFinite(s)))
  if (odd !== undefined) throw new RangeError(`scale is ${odd}: it must be a finite number above 0`)
  return <P extends Tree, C>(rule: LayerRule<P, C>): LayerRule<P, C> => {
    const inScale = (backend: Backend) =>
      zipTreesWith((rows, of) => backend.zip('mul', rows, of)) as unknown as (gradients: P, by: Tree) => P
    const own: LayerRule<P, C> = layer({
      name: `rescaled(${rule.name})`,
      init: (key, input) => rule.init(key, input),
      forward: (backend, params, x) => rule.forward(backend, params, x),
      backward: (backend, params, cache, gy) => rule.backward(backend, params, cache, gy),
      perSampleGrad: (backend, params, cache, gy) =>
        inScale(backend)(rule.perSampleGrad(backend, params, cache, gy), scale),
      pullback: (backend, params, cache, gy) => keepingPullback(own, backend, params, cache, gy),
    })
    return own
  }
}

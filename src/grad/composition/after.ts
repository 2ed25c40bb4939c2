/**
 * A change of the input before a layer.
 */
import type { Backend } from '../../tensor/backend/backend.js'
import type { Tensor } from '../../tensor/tensor.js'
import type { EmptyTree, Tree } from '../../tensor/tree.js'
import { emptyTree } from '../../tensor/tree.js'
import { type LayerRule, layer, type Pullback } from '../layer.js'
import { forwardThenOf } from '../then.js'

/**
 * A layer behind one that has neither parameters nor a cache. What remains is the layer: its parameters, its cache, its
 * norms.
 *
 *   y = f(θ, p(x))      gx = pullback of p of the pullback of f
 *
 * Cost  that of both
 *
 * @example
 * after(pad({ edges: [[1, 1]] }))(linear(2)).init(key(0), [3]).params.weight.shape // => [2, 5]
 */
export const after =
  (first: LayerRule<EmptyTree, null>) =>
  <P extends Tree, C>(rule: LayerRule<P, C>): LayerRule<P, C> => {
    const input = (backend: Backend, x: Tensor): Tensor => first.forward(backend, emptyTree, x)[0]
    const forwardThen = forwardThenOf(rule)
    return layer<P, C>({
      name: rule.name,
      init: (key, input) => rule.init(key, first.init(key, input).output),
      forward: (backend, params, x) => rule.forward(backend, params, input(backend, x)),
      ...(forwardThen === undefined
        ? {}
        : { forwardThen: (backend, params, x, then) => forwardThen(backend, params, input(backend, x), then) }),
      backward: (backend, params, cache, gy) =>
        first.backward(backend, emptyTree, null, rule.backward(backend, params, cache, gy)),
      perSampleGrad: rule.perSampleGrad,
      perSampleSquaredNorm: rule.perSampleSquaredNorm,
      weightedGrad: rule.weightedGrad,
      pullback: (backend, params, cache, gy): Pullback<P> => {
        const pulled = rule.pullback(backend, params, cache, gy)
        return { ...pulled, inputGrad: () => first.backward(backend, emptyTree, null, pulled.inputGrad()) }
      },
    })
  }

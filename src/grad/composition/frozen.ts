/**
 * Layers whose parameters are constants.
 */
import type { Backend } from '../../tensor/backend/backend.js'
import type { Tree } from '../../tensor/tree.js'
import { type EmptyTree, emptyTree } from '../../tensor/tree.js'
import { type LayerRule, layer } from '../layer.js'

/**
 * A layer with fixed parameters: to what surrounds it, a layer that has none. They are no leaves of the model, so they
 * take no part in norms, and no noise is added to them.
 *
 * Cost  no gradient of the layer is computed; its input has one only where a layer below is trained
 *
 * @example
 * const { params } = linear(2).init(key(0), [3])
 * leaves(sequential(frozen(params)(linear(2)), tanh, linear(1)).init(key(1), [3]).params).length // => 2
 */
export const frozen =
  <P extends Tree>(params: P) =>
  <C>(rule: LayerRule<P, C>): LayerRule<EmptyTree, C> =>
    layer({
      name: `frozen(${rule.name})`,
      init: (key, input) => ({ params: emptyTree, output: rule.init(key, input).output }),
      forward: (backend: Backend, _none, x) => rule.forward(backend, params, x),
      backward: (backend, _none, cache, gy) => rule.pullback(backend, params, cache, gy).inputGrad(),
      perSampleGrad: () => emptyTree,
    })

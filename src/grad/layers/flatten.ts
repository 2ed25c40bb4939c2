/**
 * Changes of shape.
 */
import { type Shape, sizeOf } from '../../tensor/shape.js'
import type { EmptyTree } from '../../tensor/tree.js'
import { reshape } from '../../tensor/view.js'
import { type LayerRule, withoutParams } from '../layer.js'

/**
 * Each sample as one vector: [n, …] → [n, Π…].
 *
 * @example
 * flatten.init(key(0), [32, 4, 4]).output // => [512]
 */
export const flatten: LayerRule<EmptyTree, Shape> = withoutParams({
  name: 'flatten',
  output: (input) => [sizeOf(input)],
  forward: (_backend, x) => [reshape([x.shape[0] as number, sizeOf(x.shape.slice(1))])(x), x.shape],
  backward: (_backend, input, gy) => reshape(input)(gy),
})

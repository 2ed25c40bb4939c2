/**
 * The mean of a sequence. n sample · t position.
 */
import { type LayerRule, withoutParams } from '../grad/index.js'
import { type Shape, shapeError } from '../tensor/shape.js'
import { full, scalar } from '../tensor/tensor.js'
import type { EmptyTree } from '../tensor/tree.js'
import { reshape } from '../tensor/view.js'

/**
 * y = (1/t) Σₜ xₜ.
 *
 * Shapes  x [n, t, …] → y [n, …], t ≥ 1
 *
 * @example
 * meanOverPositions.init(key(0), [6, 8]).output // => [8]
 */
export const meanOverPositions: LayerRule<EmptyTree, Shape> = withoutParams({
  name: 'meanOverPositions',
  output: (input) => {
    if (input.length === 0 || input[0] === 0)
      throw shapeError('meanOverPositions needs [t, …] with at least one position', input)
    return input.slice(1)
  },
  forward: (backend, x) => {
    const share = scalar(1 / (x.shape[1] as number), 'float64')
    return [backend.zip('mul', backend.sum(x, [1]), share), x.shape]
  },
  backward: (backend, input, gy) => {
    const [n, t, ...rest] = input as readonly [number, number, ...number[]]
    return backend.zip('mul', reshape([n, 1, ...rest])(gy), full(1 / t, [t, ...rest.map(() => 1)], 'float64'))
  },
})

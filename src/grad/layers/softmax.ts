/**
 * Softmax of the last axis. r row (all axes but the last) · k entry.
 */
import type { Backend } from '../../tensor/backend/backend.js'
import { type Shape, shapeError, sizeOf } from '../../tensor/shape.js'
import { scalar, type Tensor } from '../../tensor/tensor.js'
import type { EmptyTree } from '../../tensor/tree.js'
import { reshape } from '../../tensor/view.js'
import { type LayerRule, withoutParams } from '../layer.js'
import { packedAs } from '../pack.js'

/** Below every finite float32: the maximum of a row without any number. */
const leastFinite = scalar(-3e38)
const one = scalar(1)

/**
 * e^{x − max} / Σ e^{x − max} of every row. The maximum is that of a window as long as a row. With `masked`, entries may be
 * −∞ all over a row, which then becomes zeros; else such a row is NaN.
 *
 * @internal
 */
export const softmaxOf = (backend: Backend, x: Tensor, masked = false): Tensor => {
  const k = x.shape.at(-1) as number
  const r = sizeOf(x.shape.slice(0, -1))
  const rows = packedAs(backend, [1, 1, r, k], x)
  if (r * k === 0) return reshape(x.shape)(backend.map('exp', rows))
  const window = { kernel: [1, k], stride: [1, k], padding: [0, 0], dilation: [1, 1] } as const
  const largest = backend.maxPool2d(rows, window).y
  const powers = backend.map(
    'exp',
    backend.zip('sub', rows, masked ? backend.zip('max', largest, leastFinite) : largest),
  )
  const totals = reshape([1, 1, r, 1])(backend.sum(powers, [3]))
  // The largest entry adds 1 to its total, so only a row without any is changed.
  return reshape(x.shape)(backend.zip('div', powers, masked ? backend.zip('max', totals, one) : totals))
}

/** gx = y (gy − Σₖ gy y) of every row. @internal */
export const pullSoftmax = (backend: Backend, y: Tensor, gy: Tensor): Tensor => {
  const along = backend.sum(backend.zip('mul', gy, y), [y.shape.length - 1])
  return backend.zip('mul', y, backend.zip('sub', gy, reshape([...along.shape, 1])(along)))
}

/**
 * Probabilities along the last axis. (With `crossEntropy`, which takes logits, leave it out.)
 *
 *   yₖ = eˣᵏ / Σⱼ eˣʲ     gx = y (gy − ⟨gy, y⟩)
 *
 * Shapes  x [n, …, k] → y of the same shape
 */
export const softmax: LayerRule<EmptyTree, Tensor> = withoutParams({
  name: 'softmax',
  output: (input: Shape) => {
    if (input.length === 0) throw shapeError('softmax needs an axis', input)
    return input
  },
  forward: (backend, x) => {
    const y = softmaxOf(backend, x)
    return [y, y]
  },
  backward: pullSoftmax,
})

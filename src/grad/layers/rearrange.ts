/**
 * Layers that only move numbers about. n sample · t step.
 */
import { type Shape, ShapeEq, shapeError, sizeOf } from '../../tensor/shape.js'
import type { EmptyTree } from '../../tensor/tree.js'
import { transpose } from '../../tensor/view.js'
import { type LayerRule, withoutParams } from '../layer.js'
import { packed, packedAs, pick } from '../pack.js'

/**
 * Each sample under another shape of equal size.
 *
 * @example
 * reshapeTo([2, 6]).init(key(0), [3, 4]).output // => [2, 6]
 */
export const reshapeTo = (shape: Shape): LayerRule<EmptyTree, Shape> =>
  withoutParams({
    name: `reshapeTo(${shape.join('×')})`,
    output: (input) => {
      if (sizeOf(input) !== sizeOf(shape)) throw shapeError('reshapeTo keeps the number of elements', input, shape)
      return shape
    },
    forward: (backend, x) => [packedAs(backend, [x.shape[0] as number, ...shape], x), x.shape],
    backward: (backend, input, gy) => packedAs(backend, input, gy),
  })

/**
 * The axes of each sample in another order: axis k of the output is axis `axes[k]` of the input (0 is the first after n).
 *
 * @example
 * permute([2, 0, 1]).init(key(0), [3, 4, 5]).output // => [5, 3, 4]
 */
export const permute = (axes: readonly number[]): LayerRule<EmptyTree, null> => {
  const order = [0, ...axes.map((axis) => axis + 1)]
  const back = order.map((_, axis) => order.indexOf(axis))
  return withoutParams({
    name: `permute(${axes.join(', ')})`,
    output: (input) => {
      if (
        !ShapeEq.equals(
          axes.toSorted((a, b) => a - b),
          input.map((_, axis) => axis),
        )
      )
        throw shapeError('permute needs a permutation of the axes of a sample', axes, input)
      return axes.map((axis) => input[axis] as number)
    },
    forward: (backend, x) => [packed(backend, transpose(order)(x)), null],
    backward: (backend, _none, gy) => packed(backend, transpose(back)(gy)),
  })
}

/**
 * The last step of each sequence: what a classifier reads of a recurrent layer.
 *
 * Shapes  x [n, t, …] → y [n, …], t ≥ 1
 *
 * @example
 * sequential(lstm(4), lastStep, linear(2)).init(key(0), [5, 3]).output // => [2]
 */
export const lastStep: LayerRule<EmptyTree, Shape> = withoutParams({
  name: 'lastStep',
  output: (input) => {
    if (input.length === 0 || input[0] === 0) throw shapeError('lastStep needs [t, …] with at least one step', input)
    return input.slice(1)
  },
  forward: (backend, x) => [packed(backend, pick(1, (x.shape[1] as number) - 1, x)), x.shape],
  backward: (backend, input, gy) => {
    const [n, t] = input as readonly [number, number]
    const row = sizeOf(input.slice(2))
    const placed = backend.pad2d(packedAs(backend, [n, 1, row], gy), { top: t - 1, bottom: 0, left: 0, right: 0 })
    return packedAs(backend, input, placed)
  },
})

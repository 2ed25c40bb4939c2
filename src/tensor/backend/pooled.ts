/**
 * What pooling makes of a shape, for every backend.
 */
import { type Shape, shapeError } from '../shape.js'
import { type Window2d, windowOutput } from '../window.js'

/** Extents of [n, c, h, w]. */
type Quad = readonly [number, number, number, number]

/**
 * [n, c, h, w] → [n, c, oh, ow].
 *
 * @throws ShapeError where the input has not four axes, or the window does not fit
 * @internal
 */
export const pooledOutput = (window: Window2d, input: Shape): Quad => {
  const [n, c, h, w] = input
  if (input.length !== 4) throw shapeError('pooling takes [n, c, h, w]', input)
  return [n as number, c as number, ...windowOutput(window, [h as number, w as number])]
}

/**
 * Does a window hold nothing but padding? Windows are the same in every row, so one axis at a time tells.
 *
 * @internal
 */
export const holdsPaddingOnly = (window: Window2d, input: Shape, output: Shape): boolean =>
  ([0, 1] as const).some(
    (axis) =>
      window.padding[axis] > 0 &&
      Array.from({ length: output[2 + axis] as number }).some((_, position) => {
        const start = position * window.stride[axis] - window.padding[axis]
        return !Array.from({ length: window.kernel[axis] }).some((__, tap) => {
          const place = start + tap * window.dilation[axis]
          return place >= 0 && place < (input[2 + axis] as number)
        })
      }),
  )

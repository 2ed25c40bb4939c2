/**
 * The geometry of sliding windows, shared by convolution and pooling. The one place where output extents are computed.
 */
import { checkShape, type Shape, shapeError } from './shape.js'

/** Height and width. */
export type Pair = readonly [height: number, width: number]

/** A window that slides over the last two axes of [n, c, h, w]. Padding is symmetric; kernel, stride and dilation are ≥ 1. */
export interface Window2d {
  readonly kernel: Pair
  readonly stride: Pair
  readonly padding: Pair
  readonly dilation: Pair
}

/** A convolution: input and output channels are split into `groups` blocks that do not see each other. */
export interface Convolution2d extends Window2d {
  readonly groups: number
}

/** A number stands for both axes. */
export const pair = (value: number | Pair): Pair => (typeof value === 'number' ? [value, value] : value)

/**
 * Extents of the output plane, ⌊(in + 2·padding − dilation·(kernel − 1) − 1) / stride⌋ + 1 for each axis.
 *
 * @throws ShapeError when the window does not fit the padded input, or is none
 * @example
 * windowOutput({ kernel: [8, 8], stride: [2, 2], padding: [0, 0], dilation: [1, 1] }, [35, 35]) // => [14, 14]
 */
export const windowOutput = (window: Window2d, [height, width]: Pair): Pair => {
  const { kernel, stride, padding, dilation } = window
  if (![...kernel, ...stride, ...dilation].every((value) => Number.isSafeInteger(value) && value >= 1))
    throw shapeError('kernel, stride and dilation of a window are at least 1', kernel, stride, dilation)
  checkShape(padding)
  const extent = (input: number, axis: 0 | 1): number => {
    const reach = dilation[axis] * (kernel[axis] - 1) + 1
    const output = Math.floor((input + 2 * padding[axis] - reach) / stride[axis]) + 1
    if (!(output >= 1)) throw shapeError('the window is larger than the padded input', kernel, [height, width])
    return output
  }
  return [extent(height, 0), extent(width, 1)]
}

/** The shape of conv2d's result, checked: x [n, c, h, w] and weight [o, c/groups, kh, kw] give [n, o, oh, ow]. */
export const convolutionOutput = (convolution: Convolution2d, input: Shape, weight: Shape): Shape => {
  const [n, c, h, w] = input
  const [o, cg, kh, kw] = weight
  const fits =
    input.length === 4 &&
    weight.length === 4 &&
    [convolution.groups, cg].every(Number.isSafeInteger) &&
    c === (cg as number) * convolution.groups &&
    (o as number) % convolution.groups === 0 &&
    kh === convolution.kernel[0] &&
    kw === convolution.kernel[1]
  if (!fits) throw shapeError(`conv2d (groups ${convolution.groups}): input and weight do not fit`, input, weight)
  return [n as number, o as number, ...windowOutput(convolution, [h as number, w as number])]
}

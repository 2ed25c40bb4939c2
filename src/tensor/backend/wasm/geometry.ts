/**
 * Arguments 8 to 23 of the kernels that slide windows, as `kernels/window.ts` reads them.
 */
import type { Window2d } from '../../window.js'

export type Quad = readonly [number, number, number, number]

/** Of input [n, c, h, w] and output [n, o, oh, ow], channels by group. */
export const geometry = (window: Window2d, groups: number, input: Quad, output: Quad): readonly number[] => [
  input[0],
  input[1] / groups,
  input[2],
  input[3],
  output[1] / groups,
  groups,
  ...window.kernel,
  ...window.stride,
  ...window.padding,
  ...window.dilation,
  output[2],
  output[3],
]

/**
 * Sliding windows as the parameters of kernels, in the order that `sources/planes.ts` reads.
 */
import type { Convolution2d, Window2d } from '../../window.js'

/** Extents of [n, c, h, w] or [n, o, oh, ow]. */
export type Quad = readonly [number, number, number, number]

export const geometry = (
  { kernel, stride, padding, dilation, groups }: Window2d & Partial<Pick<Convolution2d, 'groups'>>,
  [, c, h, w]: Quad,
  [, o, oh, ow]: Quad,
  last = 0,
): readonly number[] => {
  const blocks = groups ?? 1
  return [c, h, w, o, oh, ow, c / blocks, o / blocks, ...kernel, ...stride, ...padding, ...dilation, last]
}

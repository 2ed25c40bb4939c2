/**
 * Convolutions of 3 × 3 without stride by Winograd's filtering: which are, and the tiles that they are cut into. See
 * `kernels/winograd.ts`.
 */
import type { Convolution2d } from '../../window.js'
import type { Quad } from './geometry.js'

/** Tiles of 4 × 4 that cover the output. */
export interface Tiling {
  readonly down: number
  readonly across: number
  /** Channels of a group. */
  readonly group: number
  readonly outputs: number
}

export const tilingOf = ({ groups }: Convolution2d, input: Quad, output: Quad): Tiling => ({
  down: Math.ceil(output[2] / 4),
  across: Math.ceil(output[3] / 4),
  group: input[1] / groups,
  outputs: output[1] / groups,
})

/**
 * Is the convolution one that filtering makes cheaper? Transforms cost as much as some 30 products for each number, and tiles
 * that stick out are computed for nobody. The answer depends on no number of samples, so a sample has the same bits in any
 * company.
 */
export const isFiltered = (convolution: Convolution2d, input: Quad, output: Quad): boolean => {
  const { kernel: size, stride, dilation, padding } = convolution
  const { down, across, group, outputs } = tilingOf(convolution, input, output)
  return (
    [...size].every((k) => k === 3) &&
    [...stride, ...dilation].every((step) => step === 1) &&
    padding.every((p) => p <= 2) &&
    group >= 8 &&
    outputs >= 8 &&
    input[2] * input[3] > 0 &&
    36 * down * across * (group * outputs + 8 * (group + outputs)) < 6 * output[2] * output[3] * group * outputs
  )
}

/** Bytes of a row of transformed inputs. */
export const rowBytes = (across: number): number => 4 * (4 * across + 16)

/** At most what the kernels take from one point to the next. */
export const apart = (bytes: number): number => bytes + 128

/**
 * How the patches of a convolution are cut to the size of the cache, and its samples to chunks.
 */
import type { Convolution2d } from '../../window.js'
import { powerUpTo } from './chain.js'
import { SCRATCH } from './device.js'

/** Bytes of patches that leave room for the rest in L2. */
export const PATCH_BYTES: number = 384 * 1024
/** Multiply-adds of a chunk. */
const CHUNK_WORK = 400_000
/** Multiply-adds to nanoseconds. */
export const COST = 0.06

export const roundUp = (value: number, multiple: number): number => Math.ceil(value / multiple) * multiple

/**
 * Numbers from one patch to the next: room for what the copy of a run writes past its end, and an odd multiple of 8, so that
 * a column of patches spreads over all sets of the cache.
 */
export const patchRow = (entries: number, kernelWidth: number): number => {
  const row = roundUp(entries + (kernelWidth % 4 === 0 ? 0 : 3), 8)
  return row % 16 === 0 ? row + 8 : row
}

export const dimensions = (
  convolution: Convolution2d,
  input: readonly number[],
  output: readonly number[],
): {
  readonly group: number
  readonly outputs: number
  readonly taps: number
  readonly positions: number
  readonly work: number
} => {
  const group = (input[1] as number) / convolution.groups
  const outputs = (output[1] as number) / convolution.groups
  const taps = convolution.kernel[0] * convolution.kernel[1]
  const positions = (output[2] as number) * (output[3] as number)
  return { group, outputs, taps, positions, work: group * outputs * taps * positions }
}

/** How many units of this much work make a chunk. */
export const chunking = (units: number, work: number): { readonly perChunk: number; readonly parts: number } => {
  const perChunk = powerUpTo(CHUNK_WORK / Math.max(1, work))
  return { perChunk, parts: Math.ceil(units / perChunk) }
}

/** Positions whose patches are held at once. */
export const blockOf = (positions: number, row: number, most: number): number => {
  const fits = Math.max(8, Math.floor(Math.min(PATCH_BYTES, SCRATCH) / (4 * row)))
  const blocks = Math.ceil(positions / Math.min(fits, most))
  return Math.min(positions, roundUp(positions / blocks, 4))
}

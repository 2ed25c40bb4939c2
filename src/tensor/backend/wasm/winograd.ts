/**
 * Convolutions of 3 × 3 without stride by Winograd's filtering: which are, and how they are cut. See `kernels/winograd.ts`.
 */
import type { Convolution2d } from '../../window.js'
import type { Device } from './device.js'
import { geometry, type Quad } from './geometry.js'
import { kernel } from './kernel.js'
import { COST, chunking, roundUp } from './patches.js'

/** Bytes of transformed inputs and products that leave room for the rest in L2. */
const UNIT_BYTES = 384 * 1024

/** So many units keep two threads busy to the end; few more tiles of a unit would read the weights less often. */
const LEAST_UNITS = 20

/** Tiles of 4 × 4 that cover the output. */
interface Tiling {
  readonly down: number
  readonly across: number
  /** Channels of a group. */
  readonly group: number
  readonly outputs: number
}

const tilingOf = ({ groups }: Convolution2d, input: Quad, output: Quad): Tiling => ({
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
const rowBytes = (across: number): number => 4 * (4 * across + 16)

/** At most what the kernels take from one point to the next. */
const apart = (bytes: number): number => bytes + 128

const unitBytes = (rows: number, { across, group, outputs }: Tiling, width: number): number => {
  const octets = Math.ceil((rows * across) / 8)
  const tables = 96 * octets + 640 + 4 * width + 32
  return (
    tables + 6 * rowBytes(across) * rows + 36 * (apart(32 * octets * group) + apart(32 * octets * roundUp(outputs, 4)))
  )
}

/** Addresses; the operation that comes after it, as `thenOf` numbers it; `turned` where the weight is that of the convolution whose adjoint this is. */
interface FilteredOperands {
  readonly x: number
  readonly weight: number
  readonly bias: number
  readonly op: number
  readonly out: number
  readonly turned: boolean
}

/** y = f(W ∗ x + b) into `out`. */
export const filtered = (
  device: Device,
  { x, weight, bias, op, out, turned }: FilteredOperands,
  convolution: Convolution2d,
  input: Quad,
  output: Quad,
): void => {
  const { groups } = convolution
  const tiling = tilingOf(convolution, input, output)
  const { down, across, group, outputs } = tiling
  const quads = Math.ceil(outputs / 4)
  const rowsInAll = input[0] * down
  // As many rows of tiles as stay in L2, at least a vector of tiles, and so many units that threads end together.
  const enough = Math.max(1, Math.ceil(8 / across))
  let rows = Math.min(rowsInAll, enough)
  while (2 * rows * LEAST_UNITS <= rowsInAll * groups && unitBytes(2 * rows, tiling, input[3]) <= UNIT_BYTES) rows *= 2
  const units = Math.ceil(rowsInAll / rows) * groups
  const panels = device.result('float32', [9 * apart(16 * groups * quads * group)]).address
  const shape = geometry(convolution, groups, input, output)
  device.launch({
    kernel: kernel.winogradWeights,
    arguments: [weight, panels, turned ? 1 : 0, 0, 0, 0, 0, 0, ...shape],
    parts: groups * quads,
    cost: 40 * groups * quads * group,
  })
  const work = 36 * across * rows * group * outputs
  const { perChunk, parts } = chunking(units, 2 * work)
  device.launch({
    kernel: kernel.winograd,
    arguments: [x, panels, bias, out, op, 0, 0, 0, ...shape, rows, down, across, units, perChunk],
    parts,
    cost: 2 * COST * work * units,
    scratch: unitBytes(rows, tiling, input[3]),
  })
}

const gradBytes = ({ down, across, group, outputs }: Tiling, width: number): number => {
  const tiles = down * across
  const line = 16 * Math.ceil(tiles / 4)
  const tables = line + 4608 + 480 + 4 * width + 32 + 6 * rowBytes(across) * down
  return tables + 36 * (apart(8 * line) + apart(32 * Math.ceil(group / 8) * tiles) + apart(outputs * line))
}

/** Is the gradient of each sample cheaper by filtering? Its transforms have to fit into the cache. */
export const isFilteredGrad = (convolution: Convolution2d, input: Quad, output: Quad): boolean =>
  isFiltered(convolution, input, output) &&
  gradBytes(tilingOf(convolution, input, output), Math.max(input[3], output[3])) <= 960 * 1024

/** The gradient of the weight for each sample, into `out`; squared norms of each group of it into `norms`, unless that is 0. */
export const filteredGrad = (
  device: Device,
  { x, gy, out, norms }: { readonly x: number; readonly gy: number; readonly out: number; readonly norms: number },
  convolution: Convolution2d,
  input: Quad,
  output: Quad,
): void => {
  const tiling = tilingOf(convolution, input, output)
  const { down, across, group, outputs } = tiling
  const units = input[0] * convolution.groups
  const work = 36 * down * across * group * outputs
  const { perChunk, parts } = chunking(units, 2 * work)
  device.launch({
    kernel: kernel.winogradGrad,
    arguments: [
      ...[x, gy, out, norms, 0, 0, 0, 0, ...geometry(convolution, convolution.groups, input, output)],
      ...[0, down, across, units, perChunk],
    ],
    parts,
    cost: 2 * COST * work * units,
    scratch: gradBytes(tiling, Math.max(input[3], output[3])),
  })
}

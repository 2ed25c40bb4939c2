/**
 * Convolutions by Winograd's filtering: how they are cut. See `kernels/winograd.ts`.
 */
import { sizeOf } from '../../shape.js'
import type { Convolution2d } from '../../window.js'
import type { Device } from './device.js'
import { geometry, type Quad } from './geometry.js'
import { kernel } from './kernel.js'
import { COST, chunking, roundUp } from './patches.js'
import { apart, rowBytes, type Tiling, tilingOf } from './winograd-tiling.js'

/** Bytes of transformed inputs and products that leave room for the rest in L2. */
const UNIT_BYTES = 384 * 1024

/** So many units keep two threads busy to the end; few more tiles of a unit would read the weights less often. */
const LEAST_UNITS = 48

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
  const panelNumbers = 9 * apart(16 * groups * quads * group)
  const shape = geometry(convolution, groups, input, output)
  const work = 36 * across * rows * group * outputs
  const { perChunk, parts } = chunking(units, 2 * work)
  device.aside(panelNumbers, (panels) => {
    const made = [panels, 4 * panelNumbers]
    device.launch({
      kernel: kernel.winogradWeights,
      arguments: [weight, panels, turned ? 1 : 0, 0, 0, 0, 0, 0, ...shape],
      parts: groups * quads,
      cost: 40 * groups * quads * group,
      footprint: { reads: [weight, 36 * input[1] * outputs], writes: made },
    })
    device.launch({
      kernel: kernel.winograd,
      arguments: [x, panels, bias, out, op, 0, 0, 0, ...shape, rows, down, across, units, perChunk],
      parts,
      cost: 2 * COST * work * units,
      scratch: unitBytes(rows, tiling, input[3]),
      footprint: {
        ...(groups === 1 ? { split: { samples: input[0], p: down, q: rows * perChunk } } : {}),
        reads: [x, 4 * sizeOf(input)],
        writes: [out, 4 * sizeOf(output)],
        common: [...made, bias, 4 * output[1]],
      },
    })
  })
}

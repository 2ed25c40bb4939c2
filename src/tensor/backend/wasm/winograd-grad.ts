/**
 * Gradients of a convolution's weight by filtering, of each sample and summed: which are, and how they are cut. See
 * `kernels/winograd-grad.ts`.
 */
import { type Shape, sizeOf } from '../../shape.js'
import type { Convolution2d } from '../../window.js'
import type { Filtering } from '../backend.js'
import type { Device } from './device.js'
import { geometry, type Quad } from './geometry.js'
import { kernel } from './kernel.js'
import { COST, chunking, dimensions } from './patches.js'
import { apart, isFiltered, rowBytes, tilingOf } from './winograd-tiling.js'

/** Rows of tiles of a unit, and of what is transformed at once. */
interface RowsOfTiles {
  readonly unit: number
  readonly step: number
}

const gradBytes = (
  rows: number,
  convolution: Convolution2d,
  input: Quad,
  output: Quad,
  isWeighted: boolean,
): number => {
  const { across, group, outputs } = tilingOf(convolution, input, output)
  const tiles = rows * across
  const line = 16 * Math.ceil(tiles / 4)
  const plane = isWeighted ? 4 * output[2] * output[3] + 16 : 0
  const tables = line + 4608 + 624 + 4 * Math.max(input[3], output[3]) + 32 + plane + 6 * rowBytes(across) * rows
  return tables + 36 * (apart(8 * line) + apart(32 * Math.ceil(group / 8) * tiles) + apart(outputs * line))
}

/** To transform a number of a tile takes as long as so many products, and to make a filter of points so many for each point. */
const OF_TRANSFORM = 10
const OF_FILTER = 5.5

/** Multiply-adds, or what takes as long, of a sample's part in a sum of gradients; those that form its gradient alone. */
const gradCosts = (
  convolution: Convolution2d,
  input: Quad,
  output: Quad,
): { readonly contract: number; readonly form: number } => {
  const { down, across, group, outputs } = tilingOf(convolution, input, output)
  const points = 36 * convolution.groups
  const contract = points * down * across * (group * outputs + OF_TRANSFORM * (group + outputs))
  return { contract, form: contract + points * OF_FILTER * group * outputs }
}

const directCost = (convolution: Convolution2d, input: Quad, output: Quad): number =>
  convolution.groups * dimensions(convolution, input, output).work

/** Is the gradient of each sample cheaper by filtering? Its transforms have to fit into the cache. */
export const isFilteredGrad = (convolution: Convolution2d, input: Quad, output: Quad): boolean => {
  if (!isFiltered(convolution, input, output)) return false
  return (
    gradCosts(convolution, input, output).form < directCost(convolution, input, output) &&
    gradBytes(tilingOf(convolution, input, output).down, convolution, input, output, false) <= 960 * 1024
  )
}

/** Addresses of operands and results; of weights of the samples and of squared norms of the units, or 0. */
interface FilteredGradOperands {
  readonly x: number
  readonly gy: number
  readonly out: number
  readonly weight: number
  readonly norms: number
}

const launchGrad = (
  device: Device,
  { x, gy, out, weight, norms }: FilteredGradOperands,
  convolution: Convolution2d,
  { input, output, rows }: { readonly input: Quad; readonly output: Quad; readonly rows: RowsOfTiles },
): void => {
  const { down, across, group, outputs } = tilingOf(convolution, input, output)
  const units = Math.ceil((input[0] * down) / rows.unit) * convolution.groups
  const work = 36 * rows.unit * across * group * outputs
  const { perChunk, parts } = chunking(units, 2 * work)
  device.launch({
    kernel: kernel.winogradGrad,
    arguments: [
      ...[x, gy, out, norms, weight, rows.step, 0, 0, ...geometry(convolution, convolution.groups, input, output)],
      ...[rows.unit, down, across, units, perChunk],
    ],
    parts,
    cost: 2 * COST * work * units,
    scratch: gradBytes(rows.step, convolution, input, output, weight !== 0),
    ...(weight === 0
      ? {
          footprint: {
            split: { samples: input[0], p: convolution.groups, q: perChunk },
            reads: [x, 4 * sizeOf(input), gy, 4 * sizeOf(output)],
            writes: [out, 36 * units * group * outputs, norms, norms === 0 ? 0 : 8 * units],
          },
        }
      : {}),
  })
}

/** The gradient of the weight for each sample, into `out`; squared norms of each group of it into `norms`, unless that is 0. */
export const filteredGrad = (
  device: Device,
  operands: Omit<FilteredGradOperands, 'weight'>,
  convolution: Convolution2d,
  input: Quad,
  output: Quad,
): void => {
  const { down } = tilingOf(convolution, input, output)
  launchGrad(device, { ...operands, weight: 0 }, convolution, { input, output, rows: { unit: down, step: down } })
}

/** Bytes of the transforms of a step, and tiles of one: fewer would not be worth the way back from the points. */
const STEP_BYTES = 2.5 * 1024 * 1024
const LEAST_TILES = 16
const MOST_TILES = 64
/** Blocks of samples, at most, each with a sum of its own. */
const MOST_BLOCKS = 16

/**
 * How the sum of the samples' gradients is cut: rows of tiles of a block and of a step, and how many blocks there are. It depends on
 * shapes alone, so that the sum does too. Undefined where filtering does not pay.
 */
export const filteredSumRows = (
  convolution: Convolution2d,
  input: Quad,
  output: Quad,
): (RowsOfTiles & { readonly blocks: number }) | undefined => {
  if (!isFiltered(convolution, input, output)) return undefined
  const { down, across, group, outputs } = tilingOf(convolution, input, output)
  const tiles = Math.min(MOST_TILES, Math.floor(STEP_BYTES / (144 * (group + outputs))))
  if (tiles < Math.max(LEAST_TILES, across)) return undefined
  const rowsInAll = input[0] * down
  const unit = Math.max(Math.ceil(32 / across), Math.ceil(rowsInAll / MOST_BLOCKS))
  return { unit, step: Math.min(unit, Math.floor(tiles / across)), blocks: Math.ceil(rowsInAll / unit) }
}

/** Sums of the gradients over blocks of samples, each times its weight, into `out`. */
export const filteredSum = (
  device: Device,
  operands: Omit<FilteredGradOperands, 'norms'>,
  convolution: Convolution2d,
  { input, output, rows }: { readonly input: Quad; readonly output: Quad; readonly rows: RowsOfTiles },
): void => launchGrad(device, { ...operands, norms: 0 }, convolution, { input, output, rows })

/**
 * How much more than √A = 3 ‖x‖ ‖gy‖ the terms of a sample's gradient may be, in absolute values and added up: at most
 *
 *   ⅔ (‖D |A|‖ ‖E D⁻¹ |Bᵀ|‖)²      spectral norms; E lengths of the rows of G, D = diag(1, 0.73, 0.73, 0.25, 0.25, 1.1)
 *
 * by the triangle inequality over points, then Cauchy's over points, tiles and channels; a pixel is in up to four tiles.
 */
const AMPLIFICATION = 128
/** Roundings of a term on its way, besides the sum over tiles: times a weight, A and B (4 an axis), a product, G (6 an axis), a sum of blocks. */
const ROUNDINGS = 31

/** See `Backend`. */
export const filtering = (convolution: Convolution2d, x: Shape, gy: Shape): Filtering | undefined => {
  const [input, output] = [x as Quad, gy as Quad]
  if (filteredSumRows(convolution, input, output) === undefined) return undefined
  const { down, across } = tilingOf(convolution, input, output)
  const { contract, form } = gradCosts(convolution, input, output)
  return {
    form: isFilteredGrad(convolution, input, output) ? form : directCost(convolution, input, output),
    contract,
    amplification: AMPLIFICATION,
    terms: down * across + ROUNDINGS,
  }
}

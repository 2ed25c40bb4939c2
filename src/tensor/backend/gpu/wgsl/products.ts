/**
 * Products of matrices and convolutions: tiles, and sums of parts of a long inner extent.
 */
import { type Block, inWords, type Job, type Plan, plain, type Recorder } from './recorder.js'
import { type Shader, THREADS } from './shader.js'
import { type Convolution, convolutionShader } from './sources/convolution.js'
import { thinProduct, tiledProduct } from './sources/products.js'
import { rowSums } from './sources/sums.js'
import { type Tile, tiling } from './sources/tile.js'
import { cutsOf, type Extents, tileOfConvolution, tileOfProduct, tilesOver } from './tiles.js'

/** Sums over rows; where there are too few columns for a device, over some of the rows first. */
export const overRows = <B extends Block>(
  kind: 'weighted' | 'plain',
  recorder: Recorder<B>,
  operands: readonly B[],
  [rows, columns]: readonly [number, number],
): B => {
  const parts = Math.max(1, Math.min(Math.ceil(rows / 8), Math.ceil((256 * 1024) / columns)))
  const part = Math.ceil(rows / parts)
  const count = Math.ceil(rows / part)
  const sums = recorder.take(count * columns)
  recorder.run({
    shader: rowSums(kind),
    operands,
    out: sums,
    words: inWords([rows, columns, part], count * columns),
    groups: Math.ceil((count * columns) / THREADS),
  })
  if (count === 1) return sums
  const total = overRows('plain', recorder, [sums], [count, columns])
  recorder.give(sums)
  return total
}

/** The result of a product: by tiles, or one thread a cell. */
const byTiles = <B extends Block>(
  recorder: Recorder<B>,
  shader: Shader,
  tile: Tile | undefined,
  { operands, parameters, length }: Job<B>,
  extents: Extents & { readonly cuts: number },
): B => {
  const { words, groups, cuts } = tiling(tile ?? { rows: 1, columns: 1, inner: 1 }, extents)
  const cells = cuts * length
  const out = recorder.take(cells)
  recorder.run({
    shader,
    operands,
    out,
    words: inWords(parameters, cells, words),
    groups: tile === undefined ? Math.ceil(cells / THREADS) : groups,
  })
  if (cuts === 1) return out
  const sum = overRows('plain', recorder, [out], [cuts, length])
  recorder.give(out)
  return sum
}

/** Terms of a cell up to which nothing is gained by a tile. */
const THIN = 8

export const matmul: Plan = (recorder, job) => {
  const [rows = 1, columns = 1, inner = 1] = job.parameters
  const { prescribed } = recorder
  if (inner <= THIN && prescribed.tile === undefined) return plain(thinProduct)(recorder, job)
  const extents = { rows, columns, inner, batches: job.length / (rows * columns) }
  const tile = prescribed.tile ?? tileOfProduct(extents)
  const cuts = prescribed.cuts ?? cutsOf(tilesOver(tile, extents), inner)
  const shader = tiledProduct(tile, job.parameters[5] === 1 ? 'm' : 'k', job.parameters[9] === 1 ? 'k' : 'n')
  return byTiles(recorder, shader, tile, job, { ...extents, cuts })
}

/** Multiplications from which on a shader is made for one geometry. */
const WORTH = 2 ** 22

/** Extents of the product that a convolution is, by the parameters of `planes.ts`. */
const extentsOf = (kind: Convolution, length: number, parameters: readonly number[]): Extents => {
  const [c = 1, , , o = 1, oh = 1, ow = 1, group = 1, outputs = 1, kh = 1, kw = 1] = parameters
  const samples = parameters[16] ?? 1
  const blocks = o / outputs
  const taps = group * kh * kw
  switch (kind) {
    case 'conv2d':
      return { rows: outputs, columns: length / o, inner: taps, batches: blocks }
    case 'conv2dInputGrad':
      return { rows: group, columns: length / c, inner: outputs * kh * kw, batches: blocks }
    case 'conv2dPerSampleGrad':
      return { rows: outputs, columns: taps, inner: oh * ow, batches: length / (outputs * taps) }
    case 'conv2dWeightedGrad':
      return { rows: outputs, columns: taps, inner: samples * oh * ow, batches: blocks }
  }
}

export const convolution =
  (kind: Convolution): Plan =>
  (recorder, job) => {
    const { prescribed } = recorder
    const extents = extentsOf(kind, job.length, job.parameters)
    const tile = prescribed.tile ?? tileOfConvolution(extents)
    const groups = tile === undefined ? job.length / THREADS : tilesOver(tile, extents)
    const cuts = kind === 'conv2dWeightedGrad' ? (prescribed.cuts ?? cutsOf(groups, extents.inner)) : 1
    const isWritten = prescribed.isWritten ?? job.length * extents.inner >= WORTH
    const shader = convolutionShader(kind, tile, isWritten ? job.parameters : undefined)
    return byTiles(recorder, shader, tile, job, { ...extents, cuts })
  }

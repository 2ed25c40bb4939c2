/**
 * What is launched for a kernel of the backend: which shaders, on how many groups.
 */
import type { KernelName } from '../device.js'
import { bitsOf, LENGTH, type Shader, THREADS } from './shader.js'
import { type Convolution, convolutionShader } from './sources/convolution.js'
import { binaryShaders, unaryShaders } from './sources/elementwise.js'
import { poolShaders } from './sources/planes.js'
import { privateSumShaders } from './sources/private-sum.js'
import { thinProduct, tiledProduct } from './sources/products.js'
import { pairSums, partDots, partSums, rowSums, scaleRows, shortSums } from './sources/sums.js'
import { ROWS, type Tile, tiling } from './sources/tile.js'

/** Numbers on the device. */
export interface Block {
  readonly length: number
}

/** One shader on so many groups. */
export interface Dispatch<B extends Block> {
  readonly shader: Shader
  readonly operands: readonly B[]
  readonly out: B
  readonly words: readonly number[]
  readonly groups: number
}

/** What a plan asks of a device. */
export interface Recorder<B extends Block> {
  readonly take: (length: number) => B
  readonly give: (block: B) => void
  readonly run: (dispatch: Dispatch<B>) => void
}

export interface Job<B extends Block> {
  readonly kernel: KernelName
  readonly operands: readonly B[]
  readonly parameters: readonly number[]
  readonly length: number
}

/** Terms of a part of a long sum. */
export const PART = 8192

/** Groups that keep a large device busy, and what a tile should have at least. */
const BUSY = 128

const large: Tile = { rows: 128, columns: 128, inner: 8, ownRows: 8, ownColumns: 8 }
const middle: Tile = { rows: 64, columns: 64, inner: 16, ownRows: 8, ownColumns: 4 }
const small: Tile = { rows: 32, columns: 32, inner: 16, ownRows: 4, ownColumns: 4 }
const flat: Tile = { rows: 16, columns: 64, inner: 16, ownRows: 4, ownColumns: 4 }
const low: Tile = { rows: 32, columns: 64, inner: 16, ownRows: 4, ownColumns: 4 }

const tilesOf = (tile: Tile, rows: number, columns: number): number =>
  Math.ceil(rows / tile.rows) * Math.ceil(columns / tile.columns)

/** Into how many parts a long inner extent is cut, where there are few tiles: each of at least 128 terms. */
const cutsOf = (groups: number, inner: number): number =>
  Math.max(1, Math.min(Math.floor(inner / 128), Math.ceil((2 * BUSY) / groups), 64))

/** One cell a thread. */
const plain =
  (shader: Shader, wordsOf: (parameters: readonly number[]) => readonly number[] = (parameters) => parameters) =>
  <B extends Block>({ take, run }: Recorder<B>, { operands, parameters, length }: Job<B>): B => {
    const out = take(length)
    run({ shader, operands, out, words: inWords(wordsOf(parameters), length), groups: Math.ceil(length / THREADS) })
    return out
  }

const inWords = (parameters: readonly number[], length: number, tiled: readonly number[] = []): readonly number[] => {
  const words = new Array<number>(LENGTH + 1).fill(0)
  parameters.forEach((value, i) => {
    words[i] = value
  })
  tiled.forEach((value, i) => {
    words[ROWS + i] = value
  })
  words[LENGTH] = length
  return words
}

/** One group a cell. */
const byGroups = <B extends Block>(
  { take, run }: Recorder<B>,
  shader: Shader,
  { operands, parameters, length }: Pick<Job<B>, 'operands' | 'parameters' | 'length'>,
  cells: number,
): B => {
  const out = take(length)
  run({ shader, operands, out, words: inWords(parameters, cells), groups: cells })
  return out
}

/** Sums over rows; where there are too few columns for a device, over some of the rows first. */
const overRows = <B extends Block>(
  kind: 'weighted' | 'clipped' | 'plain',
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

/** The result of a product whose inner extent may be cut: by tiles, or one thread a cell. */
const byTiles = <B extends Block>(
  recorder: Recorder<B>,
  shader: Shader,
  tile: Tile | undefined,
  { operands, parameters, length }: Job<B>,
  extents: Readonly<Record<'rows' | 'columns' | 'inner' | 'batches' | 'cuts', number>>,
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

const matmul = <B extends Block>(recorder: Recorder<B>, job: Job<B>): B => {
  const [rows = 1, columns = 1, inner = 1] = job.parameters
  const batches = job.length / (rows * columns)
  if (inner <= 8) return plain(thinProduct)(recorder, job)
  const fits = (tile: Tile): boolean =>
    rows > tile.rows / 2 && columns > tile.columns / 2 && batches * tilesOf(tile, rows, columns) >= BUSY
  const tile = [large, middle].find(fits) ?? small
  const cuts = tile === small ? cutsOf(batches * tilesOf(tile, rows, columns), inner) : 1
  const shader = tiledProduct(tile, job.parameters[5] === 1 ? 'm' : 'k', job.parameters[9] === 1 ? 'k' : 'n')
  return byTiles(recorder, shader, tile, job, { rows, columns, inner, batches, cuts })
}

/** Multiplications from which on a shader is made for one geometry. */
const WORTH = 2 ** 22

/** Extents of the product that a convolution is, by the parameters of `planes.ts`. */
const extentsOf = (
  kind: Convolution,
  length: number,
  parameters: readonly number[],
): Readonly<Record<'rows' | 'columns' | 'inner' | 'batches', number>> => {
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

const convolution =
  (kind: Convolution) =>
  <B extends Block>(recorder: Recorder<B>, job: Job<B>): B => {
    const extents = extentsOf(kind, job.length, job.parameters)
    const { rows, columns, inner, batches } = extents
    const isHigh = rows > 32 && batches * tilesOf(middle, rows, columns) >= BUSY
    const tile = rows <= 4 ? undefined : rows <= 16 ? flat : isHigh ? middle : low
    const groups = tile === undefined ? job.length / THREADS : batches * tilesOf(tile, rows, columns)
    const cuts = kind === 'conv2dWeightedGrad' ? cutsOf(groups, inner) : 1
    const numbers = job.length * inner >= WORTH ? job.parameters : undefined
    return byTiles(recorder, convolutionShader(kind, tile, numbers), tile, job, { ...extents, cuts })
  }

type Plan = <B extends Block>(recorder: Recorder<B>, job: Job<B>) => B

const plainPlans = (shaders: Readonly<Record<string, Shader>>): Readonly<Record<string, Plan>> =>
  Object.fromEntries(Object.entries(shaders).map(([name, shader]) => [name, plain(shader)]))

const plans: Readonly<Record<string, Plan>> = {
  ...plainPlans(unaryShaders),
  ...plainPlans(binaryShaders),
  ...plainPlans(poolShaders),
  ...plainPlans(privateSumShaders),
  matmul,
  conv2d: convolution('conv2d'),
  conv2dInputGrad: convolution('conv2dInputGrad'),
  conv2dPerSampleGrad: convolution('conv2dPerSampleGrad'),
  conv2dWeightedGrad: convolution('conv2dWeightedGrad'),
  scaleRows: plain(scaleRows, ([length = 1]) => [length]),
  clipWeights: plain(privateSumShaders.clipWeights, (parameters) => parameters.map(bitsOf)),
  addNormals: plain(privateSumShaders.addNormals, ([a = 0, b = 0, c = 0, d = 0, deviation = 0]) => [
    (a << 16) | b,
    (c << 16) | d,
    bitsOf(deviation),
  ]),
  partSums: (recorder, job) => {
    const part = job.parameters[1] ?? 1
    if (part <= 16) return plain(shortSums)(recorder, job)
    return byGroups(recorder, partSums(part <= 1024 ? 64 : 256), job, job.length)
  },
  partDots: (recorder, job) =>
    byGroups(recorder, partDots((job.parameters[1] ?? 1) <= 1024 ? 64 : 256), job, job.length / 2),
  pairSums: (recorder, job) => byGroups(recorder, pairSums, job, job.length / 2),
  weightedRowSum: (recorder, { operands, parameters: [rows = 1, columns = 1] }) =>
    overRows('weighted', recorder, operands, [rows, columns]),
  clippedRowSum: (recorder, { operands, parameters: [rows = 1, columns = 1] }) =>
    overRows('clipped', recorder, operands, [rows, columns]),
}

/** The result of a kernel, once what was recorded is done. */
export const planned = <B extends Block>(recorder: Recorder<B>, job: Job<B>): B =>
  (plans[job.kernel] as Plan)(recorder, job)

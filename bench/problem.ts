/**
 * One row as numbers that every contender reads: a folder with `problem.json` and three files of little-endian numbers,
 * `params.f32` (leaves one after another), `input.f32` and `target.i32`. A contender writes its clipped sum beside them.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crossEntropy, perSampleSquaredNorm } from '../src/grad/index.js'
import { clippedGrad, flatClip } from '../src/privacy/index.js'
import { key, normal } from '../src/sampling/index.js'
import type { Backend } from '../src/tensor/backend/backend.js'
import { cast, leaves, type Tensor, type Tree, tensor, toArray } from '../src/tensor/index.js'
import { type Network, networkOf, type Row } from './networks.js'

/** What a private step does: clip to C, add N(0, σ²C²), divide by n, and take a step of SGD with momentum. */
export interface Settings {
  readonly l2ClipNorm: number
  readonly noiseMultiplier: number
  readonly learningRate: number
  readonly momentum: number
}

export interface Problem extends Row, Settings {
  /** Shapes of the leaves of the parameters, in order. */
  readonly shapes: readonly (readonly number[])[]
  readonly input: readonly number[]
  readonly classes: number
}

export interface Batch {
  readonly input: Tensor
  readonly target: Tensor
}

/** The batch of a row: standard normal inputs, float32 as every contender reads them, and targets in turn. */
export const batchOf = ({ network, samples }: Row): Batch => ({
  input: cast('float32')(normal([samples, ...(networkOf(network)?.input ?? [])])(key(1))),
  target: tensor(
    Array.from({ length: samples }, (_, n) => n % 10),
    [samples],
    'int32',
  ),
})

export const paramsOf = ({ network }: Row): Tree => {
  const { model, input } = networkOf(network) as Network
  return model.init(key(0), input).params
}

/** The numbers of all leaves, one after another. */
export const flat = (tree: Tree): Float32Array => {
  const parts = leaves(tree).map(toArray)
  return Float32Array.from(parts.flat())
}

/** Writes the problem of a row and its answer, the clipped sum that `backend` finds; C is the median norm, so that half are clipped. */
export const writeProblem = (
  folder: string,
  row: Row,
  backend: Backend,
): { readonly problem: Problem; readonly sum: Float32Array } => {
  const { model } = networkOf(row.network) as Network
  const [params, batch] = [paramsOf(row), batchOf(row)]
  const { squaredNorm } = perSampleSquaredNorm(crossEntropy, model, { backend })(params, batch)
  const norms = toArray(squaredNorm).map(Math.sqrt)
  const l2ClipNorm = Math.fround(norms.toSorted((a, b) => a - b)[norms.length >> 1] as number)
  const problem: Problem = {
    ...row,
    l2ClipNorm,
    noiseMultiplier: 1,
    learningRate: 0.1,
    momentum: 0.9,
    shapes: leaves(params).map(({ shape }) => shape),
    input: batch.input.shape,
    classes: 10,
  }
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'problem.json'), JSON.stringify(problem))
  writeFileSync(join(folder, 'params.f32'), flat(params))
  writeFileSync(join(folder, 'input.f32'), Float32Array.from(toArray(batch.input)))
  writeFileSync(join(folder, 'target.i32'), Int32Array.from(toArray(batch.target)))
  return { problem, sum: flat(clippedGrad(crossEntropy, model, flatClip(l2ClipNorm), { backend })(params, batch).sum) }
}

export const readProblem = (folder: string): Problem =>
  JSON.parse(readFileSync(join(folder, 'problem.json'), 'utf8')) as Problem

/** The numbers that a contender wrote. */
export const readNumbers = (path: string): Float32Array => {
  const bytes = readFileSync(path)
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength))
}

/** ‖a − b‖ / ‖b‖; infinite where they differ in length. */
export const relativeDifference = (a: Float32Array, b: Float32Array): number => {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY
  let [apart, length] = [0, 0]
  for (let i = 0; i < b.length; i++) {
    apart += ((a[i] as number) - (b[i] as number)) ** 2
    length += (b[i] as number) ** 2
  }
  return Math.sqrt(apart / length)
}

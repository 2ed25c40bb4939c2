/**
 * What a plan asks of a device: room, and shaders on so many groups of threads.
 */
import type { Launch } from '../device.js'
import { LENGTH, type Shader, THREADS } from './shader.js'
import { ROWS } from './sources/tile.js'
import type { Prescribed } from './tiles.js'

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

export interface Recorder<B extends Block> {
  readonly take: (length: number) => B
  readonly give: (block: B) => void
  readonly run: (dispatch: Dispatch<B>) => void
  readonly prescribed: Prescribed
}

export interface Job<B extends Block> {
  readonly kernel: Launch['kernel']
  readonly operands: readonly B[]
  readonly parameters: readonly number[]
  readonly length: number
}

/** The result of a kernel, once what was recorded is done. */
export type Plan = <B extends Block>(recorder: Recorder<B>, job: Job<B>) => B

/** Parameters, cells, and what a tiled kernel is told besides. */
export const inWords = (
  parameters: readonly number[],
  cells: number,
  tiled: readonly number[] = [],
): readonly number[] => {
  const words = new Array<number>(LENGTH + 1).fill(0)
  for (let i = 0; i < parameters.length; i++) words[i] = parameters[i] as number
  for (let i = 0; i < tiled.length; i++) words[ROWS + i] = tiled[i] as number
  words[LENGTH] = cells
  return words
}

/** One cell a thread. */
export const plain =
  (shader: Shader, wordsOf: (parameters: readonly number[]) => readonly number[] = (parameters) => parameters): Plan =>
  ({ take, run }, { operands, parameters, length }) => {
    const out = take(length)
    run({ shader, operands, out, words: inWords(wordsOf(parameters), length), groups: Math.ceil(length / THREADS) })
    return out
  }

/** One group a cell. */
export const byGroups = <B extends Block>(
  { take, run }: Recorder<B>,
  shader: Shader,
  { operands, parameters, length }: Pick<Job<B>, 'operands' | 'parameters' | 'length'>,
  cells: number,
): B => {
  const out = take(length)
  run({ shader, operands, out, words: inWords(parameters, cells), groups: cells })
  return out
}

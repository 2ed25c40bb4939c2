/**
 * What is launched for the leaves of a tree: a few at a time, into one result.
 */
import { overRows } from './products.js'
import { type Block, inWords, type Plan, type Recorder } from './recorder.js'
import { bitsOf, OPERANDS, type Shader, THREADS } from './shader.js'
import { addNormals, clippedRowSums, join, pairTotals, STREAMS, squaresOfParts } from './sources/leaves.js'

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0)

/** `each` for as many leaves as are taken at a time, the number of those before them told. */
const inLots = (count: number, most: number, each: (start: number, end: number) => void): void => {
  for (let start = 0; start < count; start += most) each(start, Math.min(count, start + most))
}

/** Numbers of a part of a row. */
const PART = 4096

/** ‖row n of all leaves together‖². parameters = rows, then the length of a row of each leaf. */
export const squaredNorms: Plan = (recorder, { operands, parameters: [rows = 1, ...lengths] }) => {
  const parts = lengths.map((length) => Math.ceil(length / PART))
  const all = sum(parts)
  const pairs = recorder.take(2 * rows * all)
  let before = 0
  inLots(lengths.length, OPERANDS, (start, end) => {
    const here = sum(parts.slice(start, end))
    const leaves = lengths.slice(start, end).flatMap((length, i) => [parts[start + i] as number, length])
    recorder.run({
      shader: squaresOfParts(end - start),
      operands: operands.slice(start, end),
      out: pairs,
      words: inWords([all, before, here, PART, ...leaves], rows * here),
      groups: rows * here,
    })
    before += here
  })
  const out = recorder.take(rows)
  recorder.run({ shader: pairTotals, operands: [pairs], out, words: inWords([all], rows), groups: rows })
  recorder.give(pairs)
  return out
}

/** One thread a number of a result that several shaders fill. */
const into = <B extends Block>(
  { run }: Recorder<B>,
  out: B,
  shader: Shader,
  operands: readonly B[],
  parameters: readonly number[],
  cells: number,
): void => run({ shader, operands, out, words: inWords(parameters, cells), groups: Math.ceil(cells / THREADS) })

/** Σₙ wₙ aₙ of each leaf, one after the other. parameters = rows, then the length of a row of each leaf. */
export const clippedSums: Plan = (recorder, { operands: [weight, ...leaves], parameters: [rows = 1, ...lengths] }) => {
  const total = sum(lengths)
  const parts = Math.max(1, Math.min(Math.ceil(rows / 8), Math.ceil((256 * 1024) / total)))
  const part = Math.ceil(rows / parts)
  const lines = Math.ceil(rows / part)
  const sums = recorder.take(lines * total)
  let before = 0
  inLots(leaves.length, OPERANDS - 1, (start, end) => {
    const own = lengths.slice(start, end)
    const here = sum(own)
    const operands = [weight as (typeof leaves)[number], ...leaves.slice(start, end)]
    into(recorder, sums, clippedRowSums(end - start), operands, [rows, part, total, before, here, ...own], lines * here)
    before += here
  })
  if (lines === 1) return sums
  const out = overRows('plain', recorder, [sums], [lines, total])
  recorder.give(sums)
  return out
}

/** parameters = the length of each operand. */
export const joined: Plan = (recorder, { operands, parameters, length }) => {
  const out = recorder.take(length)
  let before = 0
  inLots(operands.length, OPERANDS, (start, end) => {
    const own = parameters.slice(start, end)
    into(recorder, out, join(end - start), operands.slice(start, end), [before, ...own], sum(own))
    before += sum(own)
  })
  return out
}

/** parameters = deviation, then of each leaf: length, the words of its key. */
export const noised: Plan = (recorder, { operands, parameters: [deviation = 0, ...streams], length }) => {
  const out = recorder.take(length)
  let before = 0
  inLots(streams.length / 3, STREAMS, (start, end) => {
    const own = streams.slice(3 * start, 3 * end)
    const here = sum(own.filter((_, i) => i % 3 === 0))
    into(recorder, out, addNormals, operands, [before, end - start, bitsOf(deviation), ...own], here)
    before += here
  })
  return out
}

/**
 * One row measured: every contender prepares the same problem, its clipped sum is compared, and then the contenders take turns,
 * so that a machine whose speed drifts slows all alike.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { wasm } from '../src/tensor/backend/wasm/index.js'
import { type Contender, type Running, type Stepped, start } from './contender.js'
import { type Row, rowName } from './networks.js'
import { readNumbers, relativeDifference, writeProblem } from './problem.js'

/** What a contender did in a row: times, or a sentence. */
export interface Result {
  readonly contender: string
  readonly isPrivate: boolean
  readonly failed?: string
  readonly version?: string
  readonly rounds?: number
  /** Milliseconds a step. */
  readonly median?: number
  readonly least?: number
  /** Its median over that of book-keeping, and over that of the step without privacy, in the same run. */
  readonly timesBookKeeping?: number
  readonly timesNonPrivate?: number
  /** Most memory of its process, and of the arena in it. */
  readonly bytes?: number
  readonly arena?: number
  /** ‖its sum − ours‖ / ‖ours‖, of a private contender. */
  readonly difference?: number
}

export interface RowResult extends Row {
  readonly parameters: number
  readonly l2ClipNorm: number
  readonly threads: number
  /** Of one minute, when the row had been measured. */
  readonly load: number
  readonly results: readonly Result[]
}

export interface Budget {
  readonly threads: number
  /** Of taking turns, for a row. */
  readonly seconds: number
  /** For one answer of a contender. */
  readonly patience: number
  readonly say: (words: string) => void
}

/** Two sums of half a million terms in float32, added in other orders, stay within this. */
const TOLERANCE = 1e-3

/** Milliseconds: between turns; of a turn that has room for more than one step; and of the longest step that another one goes before. */
const [PAUSE, TURN, SHORT] = [60, 150, 1000]

const WARM_UP = { steps: 10, ms: 1500 } as const

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] as number

interface Turn {
  readonly contender: Contender
  readonly running: Running
  readonly difference: number | undefined
  readonly times: number[]
  last: Stepped | undefined
  spent: number
  failed: string | undefined
}

/**
 * A turn of a contender. The threads of others may spin for a while after their step (OpenBLAS: some 20 ms), so the machine is
 * left alone before it. Of fast steps a turn has several, one after the other as in a training. One that is not counted goes before them, and
 * before any step of less than a second: what a process pays for having been idle is no part of a training's step.
 */
const takeTurn = async (turn: Turn): Promise<void> => {
  await new Promise((resolve) => setTimeout(resolve, PAUSE))
  const expected = turn.last?.ms ?? TURN
  const steps = Math.max(1, Math.round(TURN / expected))
  if (expected < SHORT) await take(turn, 1, false)
  if (turn.failed === undefined) await take(turn, steps, true)
}

/** So many steps of a contender. */
const take = async (turn: Turn, steps: number, counted: boolean): Promise<void> => {
  const found = await turn.running.step(steps)
  if ('failed' in found) {
    turn.failed = found.failed
    turn.running.stop()
    return
  }
  turn.last = found
  turn.spent += steps * found.ms
  if (counted) turn.times.push(found.ms)
}

/** Steps that are not counted: engines compile as they go. */
const warmUp = async (turns: readonly Turn[], say: Budget['say']): Promise<void> => {
  for (const turn of turns) {
    say(`${turn.contender.name} warms up`)
    for (let step = 0; step < WARM_UP.steps && turn.spent < WARM_UP.ms && turn.failed === undefined; step++)
      await take(turn, 1, false)
    turn.spent = 0
  }
}

/**
 * Rounds until the time is up, of which all contenders have the same share. Slow ones take part in fewer rounds, spread over the
 * time; each has at least three turns.
 */
const takeTurns = async (turns: readonly Turn[], { seconds, say }: Budget, row: Row): Promise<void> => {
  const began = performance.now()
  await warmUp(turns, say)
  const start = performance.now()
  const [total, share] = [1000 * seconds, (1000 * seconds) / Math.max(1, turns.length)]
  for (let round = 0; ; round++) {
    const progress = (performance.now() - start) / total
    const alive = turns.filter(({ failed }) => failed === undefined)
    const owed = alive.filter(({ times }) => times.length < Math.min(3, 1 + 3 * progress))
    const going = alive.filter((turn) => owed.includes(turn) || (progress < 1 && turn.spent <= progress * share))
    if (going.length === 0 && progress >= 1) return
    for (const turn of going) await takeTurn(turn)
    if (going.length === 0) await new Promise((resolve) => setTimeout(resolve, PAUSE))
    const sofar = ((performance.now() - began) / 1000).toFixed(0)
    say(`${rowName(row)}: round ${round + 1}, ${going.length} of ${turns.length} contenders, ${sofar} s`)
  }
}

const resultOf = ({ contender, running, difference, times, last, failed }: Turn): Result => ({
  contender: contender.name,
  isPrivate: contender.isPrivate,
  version: running.version,
  ...(difference === undefined ? {} : { difference }),
  ...(failed === undefined ? {} : { failed }),
  ...(times.length === 0 || failed !== undefined
    ? {}
    : { rounds: times.length, median: median(times), least: Math.min(...times) }),
  ...(last === undefined ? {} : { bytes: last.bytes, ...(last.arena === undefined ? {} : { arena: last.arena }) }),
})

const withRatios = (results: readonly Result[]): readonly Result[] => {
  const medianOf = (name: string): number | undefined => results.find(({ contender }) => contender === name)?.median
  const [own, plain] = [medianOf('book-keeping'), medianOf('non-private')]
  return results.map((result) => ({
    ...result,
    ...(result.median === undefined || own === undefined ? {} : { timesBookKeeping: result.median / own }),
    ...(result.median === undefined || plain === undefined ? {} : { timesNonPrivate: result.median / plain }),
  }))
}

/** Measures a row. A contender that fails, or whose sum is another, is reported in a sentence. */
export const measureRow = async (row: Row, all: readonly Contender[], budget: Budget): Promise<RowResult> => {
  const chosen = all.filter(({ only }) => only === undefined || only === row.network)
  const { threads, patience, say } = budget
  const folder = mkdtempSync(join(tmpdir(), 'fp-dp-bench-'))
  const turns: Turn[] = []
  const failures: Result[] = []
  try {
    const backend = wasm({ threads })
    const { problem, sum } = writeProblem(folder, row, backend)
    backend.close()
    for (const contender of chosen) {
      say(`${rowName(row)}: ${contender.name} prepares`)
      const running = await start(contender, { folder, threads, patience })
      const { name, isPrivate } = contender
      if ('failed' in running) {
        failures.push({ contender: name, isPrivate, failed: running.failed })
        continue
      }
      const difference = relativeDifference(readNumbers(join(folder, `${name}.f32`)), sum)
      if (difference <= TOLERANCE) {
        turns.push({ contender, running, difference, times: [], last: undefined, spent: 0, failed: undefined })
        continue
      }
      running.stop()
      const apart = difference.toExponential(1)
      failures.push({
        contender: name,
        isPrivate,
        difference,
        failed: `its sum is another: relative difference ${apart}`,
      })
    }
    await takeTurns(turns, budget, row)
    const results = withRatios([...turns.map(resultOf), ...failures])
    return {
      ...row,
      parameters: problem.shapes.reduce((total, shape) => total + shape.reduce((size, extent) => size * extent, 1), 0),
      l2ClipNorm: problem.l2ClipNorm,
      threads,
      load: loadavg()[0] as number,
      results: chosen.map(({ name }) => results.find(({ contender }) => contender === name) as Result),
    }
  } finally {
    for (const { running } of turns) running.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

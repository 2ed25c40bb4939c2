/**
 * `npm run golden -- FILE…`: every case of the files, a line each, then `N passed, N failed`.
 */
import { readFileSync } from 'node:fs'
import { reference } from '../../src/tensor/backend/reference.js'
import { wasm } from '../../src/tensor/backend/wasm/index.js'
import { accountingCases } from './accounting/cases.js'
import { dpSgdCases } from './dp-sgd-cases.js'
import { layerCases } from './layer-cases.js'
import { optimCases } from './optim-cases.js'
import { type GoldenCase, type Outcome, passed } from './outcome.js'

/** A line of the output: a case, on every backend that it is run on. */
interface Line {
  readonly name: string
  readonly runs: readonly (() => Outcome)[]
}

const line = ({ name, run }: GoldenCase): Line => ({ name, runs: [run] })

/** The cases of a file, by what the file holds. */
const linesOf = (file: unknown): readonly Line[] => {
  const has = (field: string): boolean => Array.isArray((file as Readonly<Record<string, unknown>> | null)?.[field])
  if (has('cases')) {
    const float64 = layerCases(file, { backend: reference, tolerance: 1e-9 })
    const float32 = layerCases(file, { backend: wasm(), tolerance: 1e-4 })
    return float64.map(({ name, run }, index) => ({ name, runs: [run, (float32[index] as GoldenCase).run] }))
  }
  if (has('records')) return accountingCases(file).map(line)
  return [
    ...(has('optimizers') || has('schedules') ? optimCases(file) : []),
    ...(has('dpsgd') ? dpSgdCases(file) : []),
  ].map(line)
}

const attempt = (run: () => Outcome): Outcome | Error => {
  try {
    return run()
  } catch (cause) {
    return cause instanceof Error ? cause : new Error(String(cause))
  }
}

const describe = (outcome: Outcome | Error): string => {
  if (outcome instanceof Error) return outcome.message
  if (outcome._tag === 'notSupported') return `not supported (${outcome.reason})`
  const { error, tolerance, note } = outcome
  return `error ${error.toExponential(2)} (allowed ${tolerance.toExponential(0)})${note === undefined ? '' : `: ${note}`}`
}

/** Says on the side, every few seconds, how far a long file has come; the lines of the cases are the output. */
const progressOf = (path: string, total: number): ((done: number, failed: number) => void) => {
  const started = Date.now()
  let last = started
  return (done, failed) => {
    const now = Date.now()
    if (now - last < PROGRESS_MS) return
    last = now
    const left = Math.round(((now - started) / done) * (total - done) * 1e-3)
    console.error(`${path}: ${done} of ${total} cases, ${failed} failed, about ${left} s left`)
  }
}
const PROGRESS_MS = 5000

const files = process.argv.slice(2)
if (files.length === 0) {
  console.error('golden: name at least one file: npm run golden -- FILE…')
  process.exit(2)
}
const counts = { passed: 0, failed: 0 }
for (const path of files) {
  let lines: readonly Line[] = []
  try {
    lines = linesOf(JSON.parse(readFileSync(path, 'utf8')))
    if (lines.length === 0) throw new Error('it holds none of cases, optimizers, schedules, dpsgd, records')
  } catch (cause) {
    console.error(`${path}: cannot be checked: ${(cause as Error).message}`)
    counts.failed++
    continue
  }
  const progress = progressOf(path, lines.length)
  const before = counts.failed
  for (const [index, { name, runs }] of lines.entries()) {
    const outcomes = runs.map(attempt)
    const right = outcomes.every((outcome) => !(outcome instanceof Error) && passed(outcome) === true)
    counts[right ? 'passed' : 'failed']++
    console.log(`${right ? 'pass' : 'FAIL'}  ${name}  ${[...new Set(outcomes.map(describe))].join(' · ')}`)
    progress(index + 1, counts.failed - before)
  }
}
console.log(`${counts.passed} passed, ${counts.failed} failed`)
process.exitCode = counts.failed === 0 ? 0 : 1

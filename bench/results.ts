/**
 * The results of runs, kept in a JSON file: what was measured on one machine, row by row.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { contenders } from './contender.js'
import type { Result, RowResult } from './measure.js'
import { allRows, rowName } from './networks.js'

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly node: string
}

export interface Table {
  readonly machine: Machine
  readonly rows: readonly RowResult[]
}

/** The rows of a file from earlier runs; none, where there is no file, or where it is of another machine. */
export const readTable = (path: string | undefined, machine: Machine): Table => {
  if (path === undefined || !existsSync(path)) return { machine, rows: [] }
  const found = JSON.parse(readFileSync(path, 'utf8')) as Table
  const same = JSON.stringify(found.machine) === JSON.stringify(machine)
  if (!same)
    console.error(
      `${path} holds rows of another machine (${found.machine.cpu}, ${found.machine.node}): they are dropped`,
    )
  return same ? found : { machine, rows: [] }
}

const place = (row: RowResult): number => {
  const at = allRows.findIndex((known) => rowName(known) === rowName(row))
  return at < 0 ? allRows.length : at
}

/** A row measured again: who did not take part this time stays, with the ratios of its own run. */
const merged = (before: RowResult | undefined, row: RowResult): RowResult => {
  const others = before?.results.filter(({ contender }) => row.results.every((found) => found.contender !== contender))
  const all = [...row.results, ...(others ?? [])]
  const placeOf = ({ contender }: Result): number => contenders.findIndex(({ name }) => name === contender)
  return { ...row, results: all.toSorted((a, b) => placeOf(a) - placeOf(b)) }
}

/** The table with a row more, in order; written where there is a path. */
export const keepRow = (path: string | undefined, { machine, rows }: Table, row: RowResult): Table => {
  const others = rows.filter((known) => rowName(known) !== rowName(row))
  const before = rows.find((known) => rowName(known) === rowName(row))
  const table = { machine, rows: [...others, merged(before, row)].toSorted((a, b) => place(a) - place(b)) }
  if (path === undefined) return table
  // A run that is cut off leaves the rows that it had.
  writeFileSync(`${path}.part`, `${JSON.stringify(table, undefined, 2)}\n`)
  renameSync(`${path}.part`, path)
  return table
}

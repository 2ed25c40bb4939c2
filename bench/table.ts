/**
 * Results as text.
 */
import type { Result, RowResult } from './measure.js'
import { type Network, networkOf } from './networks.js'
import type { Table } from './results.js'

const mebibytes = (bytes: number | undefined): string => (bytes === undefined ? '' : (bytes / 2 ** 20).toFixed(0))

/** Three digits, and no more decimals than they need. */
export const figure = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)

const medianOf = ({ results }: RowResult, name: string): number | undefined =>
  results.find(({ contender }) => contender === name)?.median

const ratio = (times: number | undefined): string => (times === undefined ? '' : figure(times))

const columns = [
  ['median', 10],
  ['least', 10],
  ['× non-private', 14],
  ['× book-keeping', 15],
  ['MiB', 7],
  ['rounds', 7],
  ['difference', 11],
] as const

const cells = (result: Result): readonly string[] => [
  figure(result.median as number),
  figure(result.least as number),
  ratio(result.timesNonPrivate),
  ratio(result.timesBookKeeping),
  mebibytes(result.bytes),
  `${result.rounds}`,
  result.difference === undefined ? '' : result.difference.toExponential(0),
]

/** One row, a line a contender: what failed says why. */
export const showRow = (row: RowResult): string => {
  const { title } = networkOf(row.network) as Network
  const head = `${title}, batch ${row.samples}: ${row.parameters} parameters, load average ${row.load.toFixed(2)}; milliseconds a step`
  const line = (name: string, found: readonly string[]): string =>
    `${name.padEnd(20)}${found.map((cell, at) => cell.padStart(columns[at]?.[1] as number)).join('')}`
  return [
    head,
    line(
      'contender',
      columns.map(([name]) => name),
    ),
    ...row.results.map((result) =>
      result.median === undefined
        ? `${result.contender.padEnd(20)} ${result.failed}`
        : line(result.contender, cells(result)),
    ),
  ].join('\n')
}

/** All rows in Markdown: milliseconds of book-keeping, and how many times as long the others take. */
export const showSummary = ({ rows }: Table): string => {
  const names = [...new Set(rows.flatMap(({ results }) => results.map(({ contender }) => contender)))]
  const others = names.filter((name) => name !== 'book-keeping')
  const cell = (row: RowResult, name: string): string => {
    const result = row.results.find(({ contender }) => contender === name)
    return result === undefined ? '' : ratio(result.timesBookKeeping) || '–'
  }
  const notes = rows.flatMap((row) =>
    row.results
      .filter(({ failed }) => failed !== undefined)
      .map(({ contender, failed }) => `- ${row.network} at ${row.samples}, ${contender}: ${failed}`),
  )
  return [
    `| network | batch | load | book-keeping, ms | ${others.join(' | ')} |`,
    `| --- | --- | --- | --- | ${others.map(() => '---').join(' | ')} |`,
    ...rows.map((row) => {
      const own = medianOf(row, 'book-keeping')
      const mine = own === undefined ? '–' : figure(own)
      return `| ${row.network} | ${row.samples} | ${row.load.toFixed(2)} | ${mine} | ${others.map((name) => cell(row, name)).join(' | ')} |`
    }),
    '',
    ...notes,
  ].join('\n')
}

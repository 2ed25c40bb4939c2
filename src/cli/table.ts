/**
 * Tables in columns that line up.
 */
import { stripVTControlCharacters } from 'node:util'

const widthOf = (text: string): number => [...stripVTControlCharacters(text)].length

const padded = (text: string, width: number, right: boolean): string => {
  const space = ' '.repeat(Math.max(0, width - widthOf(text)))
  return right ? space + text : text + space
}

/**
 * Rows under a head, two spaces between columns; numbers to the right, words to the left, by the name of each column in `right`.
 *
 * @example
 * table({ head: ['q', 'ε'], rows: [['0.01', '1.5']], right: [0, 1] }) // => ['   q    ε', '0.01  1.5']
 */
export const table = ({
  head,
  rows,
  right = [],
}: {
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
  /** Columns that end in line. */
  readonly right?: readonly number[]
}): readonly string[] => {
  const widths = head.map((name, at) => Math.max(widthOf(name), ...rows.map((row) => widthOf(row[at] ?? ''))))
  return [head, ...rows].map((row) =>
    row
      .map((cell, at) => padded(cell, widths[at] as number, right.includes(at)))
      .join('  ')
      .trimEnd(),
  )
}

/** The same as Markdown. */
export const markdownTable = (head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`)

const quoted = (cell: string): string => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)

/** The same as CSV (RFC 4180, lines end in \n). */
export const csv = (head: readonly string[], rows: readonly (readonly (string | number)[])[]): string =>
  [head, ...rows].map((row) => `${row.map((cell) => quoted(String(cell))).join(',')}\n`).join('')

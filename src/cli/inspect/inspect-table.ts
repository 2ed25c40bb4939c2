/**
 * What is in the columns of a table.
 */
import type { ColumnFindings, Finding } from './findings.js'
import { broken } from './findings.js'

/** More different values than this are not listed. */
const MOST_VALUES = 20

interface Column {
  readonly name: string
  least: number
  most: number
  isNumeric: boolean
  missing: number
  readonly values: Set<string>
}

const isNumber = (text: string): boolean => /^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$/.test(text)

const look = (column: Column, value: string): void => {
  if (value.trim() === '') {
    column.missing++
    return
  }
  if (column.values.size <= MOST_VALUES) column.values.add(value)
  if (!isNumber(value)) column.isNumeric = false
  else {
    column.least = Math.min(column.least, Number(value))
    column.most = Math.max(column.most, Number(value))
  }
}

const columnOf = ({ name, least, most, isNumeric, missing, values }: Column): ColumnFindings => ({
  name,
  numbers: isNumeric && least <= most ? { least, most } : undefined,
  values: values.size <= MOST_VALUES ? [...values] : undefined,
  missing,
})

/** The columns of a table whose first line names them. */
export const inspectTable = async (name: string, bytes: Uint8Array): Promise<Finding> => {
  const format = name.endsWith('.tsv') ? 'TSV' : 'CSV'
  const { parse } = await import('csv-parse/browser/esm/sync')
  let columns: readonly Column[] | undefined
  let records = 0
  let uneven = 0
  const onRecord = (fields: readonly string[]): null => {
    if (columns === undefined) {
      columns = fields.map((field) => ({
        ...{ name: field.trim(), least: Number.POSITIVE_INFINITY, most: Number.NEGATIVE_INFINITY },
        ...{ isNumeric: true, missing: 0, values: new Set<string>() },
      }))
      return null
    }
    records++
    if (fields.length !== columns.length) uneven++
    else for (const [place, column] of columns.entries()) look(column, fields[place] as string)
    return null
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    const options = { bom: true, relax_column_count: true, skip_empty_lines: true, max_record_size: 2 ** 20 }
    parse(text, { ...options, delimiter: format === 'TSV' ? '\t' : ',', on_record: onRecord as never })
  } catch (cause) {
    return broken(name, format, (cause as Error).message)
  }
  const found = (columns ?? []).map(columnOf)
  return {
    ...{ name, format, shape: [records, found.length], columns: found },
    problems: [
      ...(found.length === 0 ? ['there is no line'] : []),
      ...(uneven > 0 ? [`${uneven} records have another number of values than there are columns`] : []),
      ...found
        .filter(({ missing }) => missing > 0)
        .map((column) => `column '${column.name}' has ${column.missing} missing values`),
    ],
  }
}

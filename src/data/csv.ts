/**
 * Tables of comma-separated values, by a schema that says what each column is. The schema is public and comes first: what may stand in
 * a column is not learnt from the records, since that would release them.
 *
 * References  Shafranovich 2005, RFC 4180
 */
import type { InfoRecord } from 'csv-parse/browser/esm/sync'
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { type CsvColumn, type CsvOrder, type CsvSchema, checkSchema, inOrder, refused, widthOf } from './csv-schema.js'
import { type DataError, malformedData } from './data-error.js'
import { type Dataset, unsafeDataset } from './dataset.js'

/** A record of more characters is none: a quote that was never closed. */
const LONGEST_RECORD = 2 ** 20

/** Writes the inputs of a column, and returns its class where it is the label; or says what is allowed instead. */
type Write = (text: string, inputs: Float32Array) => number | string

const anyOf = (values: readonly string[]): string =>
  values.length <= 20 ? values.join(', ') : `${values.length} names, among them ${values.slice(0, 3).join(', ')}`

/** A decimal number as people and programs write it: nothing that only JavaScript reads, such as 0x10. */
const decimal = /^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$/

const numberIn = (text: string): number => (decimal.test(text) ? Number(text) : Number.NaN)

const writerOf = (column: CsvColumn, at: number): Write => {
  switch (column.kind) {
    case 'ignored':
      return () => 0
    case 'number': {
      const { mean = 0, std = 1 } = column
      return (text, inputs) => {
        inputs[at] = (numberIn(text) - mean) / std
        return Number.isFinite(inputs[at]) ? 0 : 'a finite number'
      }
    }
    case 'category': {
      const places = new Map(column.values.map((value, place) => [value, place]))
      return (text, inputs) => {
        const place = places.get(text)
        if (place === undefined) return anyOf(column.values)
        inputs[at + place] = 1
        return 0
      }
    }
    case 'label': {
      const { classes } = column
      if (typeof classes !== 'number') {
        const places = new Map(classes.map((name, place) => [name, place]))
        return (text) => places.get(text) ?? anyOf(classes)
      }
      return (text) => {
        const label = numberIn(text)
        return Number.isInteger(label) && label >= 0 && label < classes
          ? label
          : `whole numbers from 0 to ${classes - 1}`
      }
    }
  }
}

/** Records that are added one by one. */
interface Growing {
  readonly add: (row: Float32Array, label: number) => void
  readonly all: () => { readonly inputs: Float32Array; readonly targets: Int32Array }
}

/** Storage that doubles: as much memory as the records take, and as much again at most. */
const growing = (width: number): Growing => {
  let inputs = new Float32Array(64 * width)
  let targets = new Int32Array(64)
  let count = 0
  return {
    add: (row: Float32Array, label: number): void => {
      if (count === targets.length) {
        const [more, longer] = [new Float32Array(2 * inputs.length), new Int32Array(2 * count)]
        more.set(inputs)
        longer.set(targets)
        ;[inputs, targets] = [more, longer]
      }
      inputs.set(row, count * width)
      targets[count++] = label
    },
    all: () => ({ inputs: inputs.slice(0, count * width), targets: targets.slice(0, count) }),
  }
}

/** One record: its inputs are written, its class returned. */
type ReadRecord = (fields: readonly string[], line: number, inputs: Float32Array) => E.Either<DataError, number>

/** How the records of a table with these columns are read. */
const recordReader = (order: CsvOrder): ReadRecord => {
  let width = 0
  const columns = order.map(([name, column]) => {
    const at = width
    width += widthOf(column)
    return { name, column, write: writerOf(column, at) }
  })
  return (fields, line, inputs) => {
    if (fields.length !== columns.length)
      return E.left(refused(`${fields.length} values in line ${line}`, `${columns.length}, one for each column`))
    let found = 0
    for (const [place, { name, column, write }] of columns.entries()) {
      if (column.kind === 'ignored') continue
      const value = fields[place] as string
      const where = `line ${line}, column '${name}'`
      if (value.trim() === '')
        return E.left(
          refused(`nothing in ${where}`, 'a value: missing ones are for the owner of the data to fill in or leave out'),
        )
      const written = write(value, inputs)
      if (typeof written === 'string') return E.left(refused(`'${value}' in ${where}`, written))
      if (column.kind === 'label') found = written
    }
    return E.right(found)
  }
}

/** What a record was refused for, thrown through the parser. */
interface Stopped {
  readonly stopped: DataError
}

const isStopped = (cause: unknown): cause is Stopped =>
  typeof cause === 'object' && cause !== null && 'stopped' in cause

/** The right side, or out of the parser. */
const orStop = <A>(result: E.Either<DataError, A>): A => {
  if (E.isLeft(result)) throw { stopped: result.left } satisfies Stopped
  return result.right
}

const ofParser = (cause: unknown): DataError =>
  malformedData({
    source: 'the table',
    found: cause instanceof Error ? cause.message.replace(/\.$/, '') : String(cause),
    allowed: 'records with a field for each column, quotes closed',
  })

/**
 * The records of a table.
 *
 * Shapes  examples of shape [d], columns in the order of the file: one number for a column of kind `number`, one for each value of a
 *         `category`
 * Cost    memory in proportion to the text
 * Errors  InconsistentData for a schema without exactly one label or without inputs; for a column that the schema or the table does not
 *         have; for a value that is missing, no number or no name of its column, with its line. MalformedData for a quote that is
 *         not closed
 *
 * @example
 * const schema: CsvSchema = { columns: { age: { kind: 'number', mean: 40, std: 10 }, paid: { kind: 'label', classes: ['no', 'yes'] } } }
 * E.map((data: Dataset) => toArray(data.take([1]).input))(await parseCsv(schema)('age,paid\n30,no\n50,yes\n')()) // => E.right([1])
 */
export const parseCsv =
  (schema: CsvSchema) =>
  (text: string | Uint8Array): TE.TaskEither<DataError, Dataset> =>
    pipe(
      TE.fromEither(checkSchema(schema)),
      TE.bindTo('checked'),
      TE.bind('decoded', () => TE.fromEither(decoded(text))),
      // The parser is loaded where a table is read: it is as large as much of this library, and pages rarely need it.
      TE.bind('parser', () => TE.fromTask(() => import('csv-parse/browser/esm/sync'))),
      TE.chainEitherK(({ checked, decoded: table, parser }) => readTable(checked, table, parser.parse as ParseRecords)),
    )

const decoded = (text: string | Uint8Array): E.Either<DataError, string> =>
  E.tryCatch(
    () => (typeof text === 'string' ? text : new TextDecoder('utf-8', { fatal: true }).decode(text)),
    () => malformedData({ source: 'the table', found: 'bytes that are no text', allowed: 'UTF-8' }),
  )

/** The parser, used record by record. */
type ParseRecords = (text: string, options: Readonly<Record<string, unknown>>) => unknown

const readTable = (schema: CsvSchema, text: string, parse: ParseRecords): E.Either<DataError, Dataset> => {
  const columns = Object.values(schema.columns)
  const width = columns.reduce((sum, column) => sum + widthOf(column), 0)
  const classes = columns.flatMap((column) =>
    column.kind !== 'label' ? [] : [typeof column.classes === 'number' ? column.classes : column.classes.length],
  )[0] as number
  const rows = growing(width)
  let read: ReadRecord | undefined
  const onRecord = (fields: readonly string[], { lines }: InfoRecord): null => {
    if (read === undefined) {
      const names = schema.header === false ? Object.keys(schema.columns) : fields.map((name) => name.trim())
      read = recordReader(orStop(inOrder(names, schema)))
      if (schema.header !== false) return null
    }
    const inputs = new Float32Array(width)
    rows.add(inputs, orStop(read(fields, lines, inputs)))
    return null
  }
  return pipe(
    E.tryCatch(
      () =>
        parse(text, {
          bom: true,
          delimiter: schema.delimiter ?? ',',
          on_record: onRecord,
          relax_column_count: true,
          skip_empty_lines: true,
          max_record_size: LONGEST_RECORD,
        }),
      (cause) => (isStopped(cause) ? cause.stopped : ofParser(cause)),
    ),
    E.filterOrElse(
      () => read !== undefined || schema.header === false,
      () => refused('no line', 'a line that names the columns'),
    ),
    E.map(() => unsafeDataset({ ...rows.all(), inputShape: [width], classes })),
  )
}

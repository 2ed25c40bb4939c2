/**
 * What the columns of a table are: public, and said before the first record is read.
 */
import * as E from 'fp-ts/lib/Either.js'
import { type DataError, inconsistentData } from './data-error.js'

/** What a column holds, and what becomes of it. */
export type CsvColumn =
  /** The class of a record: a number 0 … classes − 1, or one of some names, numbered in their order. */
  | { readonly kind: 'label'; readonly classes: number | readonly string[] }
  /** (x − mean) / std, with public constants. Default 0 and 1. */
  | { readonly kind: 'number'; readonly mean?: number; readonly std?: number }
  /** One of some names: as many inputs, of which that of the name is 1 and the others 0. */
  | { readonly kind: 'category'; readonly values: readonly string[] }
  /** Left out. */
  | { readonly kind: 'ignored' }

/** The columns of a table, by name. */
export interface CsvSchema {
  readonly columns: Readonly<Record<string, CsvColumn>>
  /** Does the first line name the columns? Then their order is the file's; else that of the schema. Default true. */
  readonly header?: boolean
  /** Default a comma. */
  readonly delimiter?: string
}

/** How many inputs a column gives. @internal */
export const widthOf = (column: CsvColumn): number =>
  column.kind === 'number' ? 1 : column.kind === 'category' ? column.values.length : 0

/** Columns in the order of a file. @internal */
export type CsvOrder = readonly (readonly [name: string, column: CsvColumn])[]

/** A refusal of the table. @internal */
export const refused = (found: string, allowed: string): DataError =>
  inconsistentData({ source: 'the table', found, allowed })

/** The columns in the order of the file, or what is wrong with them. @internal */
export const inOrder = (names: readonly string[], { columns }: CsvSchema): E.Either<DataError, CsvOrder> => {
  const known = Object.keys(columns)
  const strange = names.find((name) => !Object.hasOwn(columns, name))
  if (strange !== undefined)
    return E.left(refused(`a column '${strange}'`, `the columns of the schema: ${known.join(', ')}`))
  const twice = names.find((name, place) => names.indexOf(name) < place)
  if (twice !== undefined) return E.left(refused(`two columns '${twice}'`, 'each column once'))
  const missing = known.find((name) => !names.includes(name))
  if (missing !== undefined)
    return E.left(refused(`no column '${missing}'`, `the columns of the schema: ${known.join(', ')}`))
  return E.right(names.map((name) => [name, columns[name] as CsvColumn]))
}

/** What is wrong with a schema, whatever the table. @internal */
export const checkSchema = (schema: CsvSchema): E.Either<DataError, CsvSchema> => {
  const columns = Object.entries(schema.columns)
  const labels = columns.filter(([, column]) => column.kind === 'label')
  const wrong = (found: string, allowed: string): E.Either<DataError, never> =>
    E.left(inconsistentData({ source: 'the schema', found, allowed }))
  if (labels.length !== 1) return wrong(`${labels.length} columns of kind label`, 'exactly one')
  if (!columns.some(([, column]) => widthOf(column) > 0))
    return wrong('no inputs', 'a column of kind number or category')
  // JavaScript puts such names first, whatever their place in the schema.
  const numbered = columns.find(([name]) => schema.header === false && /^\d+$/.test(name))
  if (numbered !== undefined)
    return wrong(
      `a column '${numbered[0]}' of a table without a header`,
      'names that are not whole numbers, in the order of the file',
    )
  for (const [name, column] of columns) {
    const list = column.kind === 'category' ? column.values : column.kind === 'label' ? column.classes : []
    if (typeof list !== 'number' && new Set(list).size < list.length)
      return wrong(`a name twice in ${name}`, 'each name once')
    if (column.kind === 'label' && !((typeof list === 'number' ? list : list.length) >= 1))
      return wrong(`no classes in ${name}`, 'one class or more')
    if (
      column.kind === 'number' &&
      !(Number.isFinite(column.mean ?? 0) && (column.std ?? 1) > 0 && Number.isFinite(column.std ?? 1))
    )
      return wrong(`mean ${column.mean}, std ${column.std} in ${name}`, 'finite numbers, std > 0')
  }
  return E.right(schema)
}

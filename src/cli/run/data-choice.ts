/**
 * Where a run's examples come from, in a configuration.
 */
import type { CsvColumn } from '../../data/index.js'
import {
  count,
  either,
  finite,
  flag,
  kind,
  kinds,
  list,
  oneOf,
  optional,
  positive,
  record,
  recordOf,
  type Schema,
  text,
} from './schema-parts.js'

/** Public constants on the scale of what is read: one number, or one for each channel of an image. */
export interface Scale {
  readonly mean?: number | readonly number[]
  readonly std?: number | readonly number[]
}

/** The same, for data without channels. */
export interface PlainScale {
  readonly mean?: number
  readonly std?: number
}

/** Two arrays or files: what is read, and its classes. */
export interface ArrayNames {
  readonly inputs: string
  readonly labels: string
}

/** Two IDX files. */
export interface IdxNames {
  readonly images: string
  readonly labels: string
}

interface Parts<A> {
  readonly train: A
  readonly test: A
}

/** Uses only the first examples of each part. */
interface Taken {
  readonly take?: Partial<Parts<number>>
}

/** Where the examples are. Paths are relative to the folder of the configuration. */
export type DataChoice = Taken &
  (
    | { readonly kind: 'digits'; readonly train?: number; readonly test?: number }
    | { readonly kind: 'idx'; readonly folder: string; readonly classes?: number; readonly normalisation?: PlainScale }
    | ({ readonly kind: 'idxOnDisk'; readonly classes?: number; readonly normalisation?: PlainScale } & Parts<IdxNames>)
    | { readonly kind: 'cifar10'; readonly path: string; readonly onDisk?: boolean; readonly normalisation?: Scale }
    | {
        readonly kind: 'cifar100'
        readonly path: string
        readonly labels?: 'fine' | 'coarse'
        readonly onDisk?: boolean
        readonly normalisation?: Scale
      }
    | ({
        readonly kind: 'csv'
        readonly columns: Readonly<Record<string, CsvColumn>>
        readonly header?: boolean
        readonly delimiter?: string
      } & Parts<string>)
    | ({ readonly kind: 'npy'; readonly classes: number; readonly normalisation?: PlainScale } & Parts<ArrayNames>)
    | ({
        readonly kind: 'npz'
        readonly archive: string
        readonly classes: number
        readonly normalisation?: PlainScale
      } & Parts<ArrayNames>)
  )

type Of<K extends DataChoice['kind']> = Extract<DataChoice, { readonly kind: K }>
type Column<K extends CsvColumn['kind']> = Extract<CsvColumn, { readonly kind: K }>

const taken = {
  take: optional(record<Partial<Parts<number>>>({ train: optional(count), test: optional(count) })),
}
const path = text('the path of a file or folder')
const numbers = list(finite, 'a list of numbers')
const deviations = list(positive, 'a list of numbers above 0')
const scale = optional(
  record<Scale>({
    mean: optional(either<number | readonly number[]>('a number, or one for each channel', finite, numbers)),
    std: optional(
      either<number | readonly number[]>('a number above 0, or one for each channel', positive, deviations),
    ),
  }),
)
const plainScale = optional(record<PlainScale>({ mean: optional(finite), std: optional(positive) }))
const idxNames = record<IdxNames>({ images: path, labels: path })
const arrayNames = record<ArrayNames>({ inputs: text('the name of an array'), labels: text('the name of an array') })
const values = list(text('a text'), 'a list of texts')
const column = kinds<CsvColumn>(
  'kind',
  ['label', 'number', 'category', 'ignored'],
  [
    record<Column<'label'>>({
      kind: kind('label'),
      classes: either<number | readonly string[]>('the number of classes, or the list of their names', count, values),
    }),
    record<Column<'number'>>({ kind: kind('number'), mean: optional(finite), std: optional(positive) }),
    record<Column<'category'>>({ kind: kind('category'), values }),
    record<Column<'ignored'>>({ kind: kind('ignored') }),
  ],
)

/** Where the examples are. */
export const dataSchema: Schema<DataChoice> = kinds(
  'kind',
  ['digits', 'idx', 'idxOnDisk', 'cifar10', 'cifar100', 'csv', 'npy', 'npz'],
  [
    record<Of<'digits'>>({ kind: kind('digits'), train: optional(count), test: optional(count), ...taken }),
    record<Of<'idx'>>({
      kind: kind('idx'),
      folder: path,
      classes: optional(count),
      normalisation: plainScale,
      ...taken,
    }),
    record<Of<'idxOnDisk'>>({
      ...{ kind: kind('idxOnDisk'), train: idxNames, test: idxNames },
      ...{ classes: optional(count), normalisation: plainScale, ...taken },
    }),
    record<Of<'cifar10'>>({ kind: kind('cifar10'), path, onDisk: optional(flag), normalisation: scale, ...taken }),
    record<Of<'cifar100'>>({
      ...{ kind: kind('cifar100'), path, labels: optional(oneOf(['fine', 'coarse'])) },
      ...{ onDisk: optional(flag), normalisation: scale, ...taken },
    }),
    record<Of<'csv'>>({
      ...{
        kind: kind('csv'),
        train: path,
        test: path,
        columns: recordOf(column, 'an object with a column under each name'),
      },
      ...{ header: optional(flag), delimiter: optional(text('a character')), ...taken },
    }),
    record<Of<'npy'>>({
      ...{
        kind: kind('npy'),
        train: arrayNames,
        test: arrayNames,
        classes: count,
        normalisation: plainScale,
        ...taken,
      },
    }),
    record<Of<'npz'>>({
      ...{ kind: kind('npz'), archive: path, train: arrayNames, test: arrayNames },
      ...{ classes: count, normalisation: plainScale, ...taken },
    }),
  ],
)

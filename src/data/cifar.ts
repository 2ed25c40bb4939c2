/**
 * CIFAR-10 and CIFAR-100 in their binary form: one record an image.
 *
 *   record = label (CIFAR-10: 1 byte; CIFAR-100: coarse, fine) · 1024 red · 1024 green · 1024 blue, row-major
 *
 * References  Krizhevsky 2009, "Learning Multiple Layers of Features from Tiny Images", and the page of the datasets
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import type { Shape } from '../tensor/shape.js'
import { type ByteNormalisation, byteTables, datasetOfBytes } from './byte-rows.js'
import { type DataError, inconsistentData, malformedData } from './data-error.js'
import type { Dataset } from './dataset.js'

/** What the labels are: the 10 classes of CIFAR-10, or the 100 or the 20 of CIFAR-100. */
export type CifarLabels = 'cifar10' | 'fine' | 'coarse'

/** How a record is laid out. @internal */
export interface CifarLayout {
  readonly classes: number
  /** Bytes before the pixels, and which of them is the label. */
  readonly lead: number
  readonly label: number
}

/** @internal */
export const cifarLayouts: Readonly<Record<CifarLabels, CifarLayout>> = {
  cifar10: { classes: 10, lead: 1, label: 0 },
  coarse: { classes: 20, lead: 2, label: 0 },
  fine: { classes: 100, lead: 2, label: 1 },
}

/** [3, 32, 32] */
export const cifarShape: Shape = [3, 32, 32]

/** @internal */
export const CIFAR_PIXELS: number = 3 * 32 * 32

/** The number of records in so many bytes. @internal */
export const cifarCount = (bytes: number, labels: CifarLabels): E.Either<DataError, number> => {
  const record = CIFAR_PIXELS + cifarLayouts[labels].lead
  return bytes > 0 && bytes % record === 0
    ? E.right(bytes / record)
    : E.left(
        malformedData({
          source: 'CIFAR data',
          found: `${bytes} bytes`,
          allowed: `records of ${record} bytes, one or more`,
        }),
      )
}

/** The label bytes of records, once each is known to be one. @internal */
export const cifarTargets = (
  labels: CifarLabels,
  count: number,
  at: (record: number) => number,
): E.Either<DataError, Int32Array> => {
  const { classes } = cifarLayouts[labels]
  const targets = Int32Array.from({ length: count }, (_, record) => at(record))
  const bad = targets.findIndex((label) => label >= classes)
  return bad < 0
    ? E.right(targets)
    : E.left(
        inconsistentData({
          source: 'CIFAR data',
          found: `label ${targets[bad]} in record ${bad}`,
          allowed: `0 to ${classes - 1}`,
        }),
      )
}

/** What is read of records, and how. */
export interface CifarOptions {
  /** Default `cifar10`. */
  readonly labels?: CifarLabels
  readonly normalisation?: ByteNormalisation
}

/**
 * The images of one or more files, which stay as they are in memory: a byte a pixel.
 *
 * Shapes  examples of shape [3, 32, 32]
 * Errors  MalformedData where a file is not made of records, InconsistentData for a label out of range or a normalisation that is none
 *
 * @example
 * E.map(({ length }: Dataset) => length)(parseCifar([new Uint8Array(2 * 3073)])) // => E.right(2)
 */
export const parseCifar = (
  files: readonly Uint8Array[],
  { labels = 'cifar10', normalisation }: CifarOptions = {},
): E.Either<DataError, Dataset> => {
  const { classes, lead, label } = cifarLayouts[labels]
  const record = CIFAR_PIXELS + lead
  return pipe(
    E.Do,
    E.bind('tables', () => byteTables(3, normalisation)),
    E.bind('counts', () =>
      pipe(
        files,
        E.traverseArray((file) => cifarCount(file.length, labels)),
      ),
    ),
    E.bind('places', ({ counts }) =>
      E.right(
        counts.flatMap((count, file) => Array.from({ length: count }, (_, row) => [file, row * record] as const)),
      ),
    ),
    E.bind('targets', ({ places }) =>
      cifarTargets(labels, places.length, (i) => {
        const [file, start] = places[i] as readonly [number, number]
        return (files[file] as Uint8Array)[start + label] as number
      }),
    ),
    E.map(({ tables, targets, places }) =>
      datasetOfBytes({
        ...{ targets, tables, classes, inputShape: cifarShape },
        rows: (indices) => (visit) => {
          for (let i = 0; i < indices.length; i++) {
            const [file, start] = places[indices[i] as number] as readonly [number, number]
            visit((files[file] as Uint8Array).subarray(start + lead, start + record), i)
          }
        },
      }),
    ),
  )
}

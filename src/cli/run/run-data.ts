/**
 * Reads the examples that a configuration names.
 */
import { join, resolve } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { blame } from '../../data/data-error.js'
import {
  type CifarOptions,
  type CsvSchema,
  cifarOnDisk,
  type DataError,
  type Dataset,
  drawDigits,
  examplesFrom,
  idxOnDisk,
  inconsistentData,
  parseCsv,
  readArrays,
  readBytes,
  readCifar,
  readIdxFolder,
  type TrainAndTest,
} from '../../data/index.js'
import { foldIn, key } from '../../sampling/index.js'
import { ShapeEq, showShape } from '../../tensor/shape.js'
import type { DataChoice } from './data-choice.js'

/** What stands for both parts is read for each, one after the other: memory is what one of them takes. */
const both = (
  read: (part: 'train' | 'test') => TE.TaskEither<DataError, Dataset>,
): TE.TaskEither<DataError, TrainAndTest> =>
  pipe(
    read('train'),
    TE.bindTo('train'),
    TE.bind('test', () => read('test')),
    TE.filterOrElse(
      ({ train, test }) => ShapeEq.equals(train.inputShape, test.inputShape),
      ({ train, test }) =>
        inconsistentData({
          source: 'the examples to test on',
          found: `inputs of shape ${showShape(test.inputShape)}`,
          allowed: `${showShape(train.inputShape)}, the shape of those to train on`,
        }),
    ),
  )

/** The pen has a key of its own, so that a seed changes the run and not the data. */
const pen = key(20_26)

const cifar = (path: string, onDisk: boolean, options: CifarOptions): TE.TaskEither<DataError, TrainAndTest> => {
  if (!onDisk) return readCifar(path, options)
  const [train, test] =
    options.labels === 'cifar10'
      ? [[1, 2, 3, 4, 5].map((part) => `data_batch_${part}.bin`), 'test_batch.bin']
      : [['train.bin'], 'test.bin']
  return both((part) =>
    cifarOnDisk(
      (part === 'train' ? train : [test]).map((name) => join(path, name)),
      options,
    ),
  )
}

const table = (schema: CsvSchema, path: string): TE.TaskEither<DataError, Dataset> =>
  pipe(
    readBytes(path),
    TE.chain((bytes) => pipe(parseCsv(schema)(bytes), TE.mapLeft(blame(path)))),
  )

const read = (choice: DataChoice, at: (path: string) => string): TE.TaskEither<DataError, TrainAndTest> => {
  switch (choice.kind) {
    case 'digits': {
      const { train = 20_000, test = Math.max(1000, Math.round(train / 5)) } = choice
      return TE.fromIO(() => ({
        train: drawDigits({ count: train, key: foldIn(0)(pen) }),
        test: drawDigits({ count: test, key: foldIn(1)(pen) }),
      }))
    }
    case 'idx': {
      const { folder, classes, normalisation } = choice
      return readIdxFolder(at(folder), {
        ...(classes === undefined ? {} : { classes }),
        ...(normalisation === undefined ? {} : { normalisation: { mean: 0, std: 1, ...normalisation } }),
      })
    }
    case 'idxOnDisk': {
      const { classes, normalisation } = choice
      const options = {
        ...(classes === undefined ? {} : { classes }),
        ...(normalisation === undefined ? {} : { normalisation }),
      }
      return both((part) => idxOnDisk({ images: at(choice[part].images), labels: at(choice[part].labels), ...options }))
    }
    case 'cifar10':
    case 'cifar100': {
      const labels = choice.kind === 'cifar10' ? 'cifar10' : (choice.labels ?? 'fine')
      const { onDisk = false, normalisation } = choice
      return cifar(at(choice.path), onDisk, { labels, ...(normalisation === undefined ? {} : { normalisation }) })
    }
    case 'csv':
      return both((part) => table(choice, at(choice[part])))
    case 'npy':
      return both((part) => readArrays(choice)({ inputs: at(choice[part].inputs), labels: at(choice[part].labels) }))
    case 'npz':
      return both((part) => readArrays(choice)({ archive: at(choice.archive), ...choice[part] }))
  }
}

const firstOf = (dataset: Dataset, most: number | undefined): Dataset =>
  most === undefined || most >= dataset.length ? dataset : examplesFrom({ start: 0, end: most })(dataset)

/**
 * The examples of a run; paths are relative to a folder.
 *
 * Errors  those of the readers, or no example in one of the parts
 */
export const readData = (choice: DataChoice, folder: string): TE.TaskEither<DataError, TrainAndTest> =>
  pipe(
    read(choice, (path) => resolve(folder, path)),
    TE.map(({ train, test }) => ({
      train: firstOf(train, choice.take?.train),
      test: firstOf(test, choice.take?.test),
    })),
    TE.chainEitherK((data) =>
      pipe(
        (['train', 'test'] as const).find((part) => data[part].length === 0),
        E.fromPredicate(
          (empty) => empty === undefined,
          (empty) => inconsistentData({ source: `the examples to ${empty} on`, found: 'none', allowed: 'one or more' }),
        ),
        E.map(() => data),
      ),
    ),
  )

/** A few words about where the examples are from. */
export const describeChoice = (choice: DataChoice): string => {
  switch (choice.kind) {
    case 'digits':
      return 'drawn digits'
    case 'idx':
      return choice.folder
    case 'idxOnDisk':
      return `${choice.train.images}, on disk`
    case 'cifar10':
    case 'cifar100':
      return `${choice.kind} in ${choice.path}`
    case 'csv':
      return choice.train
    case 'npy':
      return choice.train.inputs
    case 'npz':
      return choice.archive
  }
}

/**
 * Where CIFAR's files are: in the published archive, in a folder, or on disk, read row by row. Node only.
 */
import { sequenceS } from 'fp-ts/lib/Apply.js'
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { readBytes } from './atomic-file.js'
import { byteTables, datasetOfBytes } from './byte-rows.js'
import {
  CIFAR_PIXELS,
  type CifarOptions,
  cifarCount,
  cifarLayouts,
  cifarShape,
  cifarTargets,
  parseCifar,
} from './cifar.js'
import { blame, type DataError, unreadableFile } from './data-error.js'
import type { Dataset } from './dataset.js'
import { gunzip } from './gzip.js'
import { isGzip } from './idx.js'
import type { TrainAndTest } from './idx-folder.js'
import { nodeModule } from './node-module.js'
import { filesOfNode, reading } from './random-access.js'
import { parseTar, type TarFile } from './tar.js'

/** The files of each dataset, by what its labels are. */
const filesOf = ({ labels = 'cifar10' }: CifarOptions): { readonly train: readonly string[]; readonly test: string } =>
  labels === 'cifar10'
    ? { train: [1, 2, 3, 4, 5].map((part) => `data_batch_${part}.bin`), test: 'test_batch.bin' }
    : { train: ['train.bin'], test: 'test.bin' }

/** Under which names the archive and its folder are published. */
const published = ({ labels = 'cifar10' }: CifarOptions): { readonly archive: string; readonly folder: string } =>
  labels === 'cifar10'
    ? { archive: 'cifar-10-binary.tar.gz', folder: 'cifar-10-batches-bin' }
    : { archive: 'cifar-100-binary.tar.gz', folder: 'cifar-100-binary' }

/** Both archives hold 184 million bytes. */
const LARGEST = 2 ** 28

const both = (
  options: CifarOptions,
  read: (names: readonly string[]) => TE.TaskEither<DataError, readonly Uint8Array[]>,
): TE.TaskEither<DataError, TrainAndTest> => {
  const { train, test } = filesOf(options)
  const dataset = (names: readonly string[]): TE.TaskEither<DataError, Dataset> =>
    pipe(
      read(names),
      TE.chainEitherK((files) => pipe(parseCifar(files, options), E.mapLeft(blame(names.join(', '))))),
    )
  return pipe({ train: dataset(train), test: dataset([test]) }, sequenceS(TE.ApplySeq))
}

const fromArchive =
  (path: string, options: CifarOptions) =>
  (files: readonly TarFile[]): TE.TaskEither<DataError, TrainAndTest> =>
    both(options, (names) =>
      pipe(
        names,
        E.traverseArray((name) =>
          pipe(
            files.find((file) => file.name === name || file.name.endsWith(`/${name}`)),
            E.fromNullable(unreadableFile(path, `there is no ${name} in the archive`)),
            E.map(({ content }) => content),
          ),
        ),
        TE.fromEither,
      ),
    )

const readArchive = (path: string, options: CifarOptions): TE.TaskEither<DataError, TrainAndTest> =>
  pipe(
    readBytes(path),
    TE.chain((bytes) => (isGzip(bytes) ? gunzip({ most: LARGEST })(bytes) : TE.right(bytes))),
    TE.chainEitherK(parseTar),
    TE.mapLeft(blame(path)),
    TE.chain(fromArchive(path, options)),
  )

/** What there is at a path. */
const kindOf = async (path: string): Promise<'file' | 'folder' | undefined> => {
  const { stat } = nodeModule('node:fs/promises')
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'file'
  } catch {
    return undefined
  }
}

/** The folder that holds the first training file: this one, or the one that the archive unpacks to. */
const folderOf = async (dir: string, options: CifarOptions): Promise<string | undefined> => {
  const { join } = nodeModule('node:path')
  const [first = ''] = filesOf(options).train
  for (const candidate of [dir, join(dir, published(options).folder)])
    if ((await kindOf(join(candidate, first))) === 'file') return candidate
  return undefined
}

/**
 * Reads the published archive (`cifar-10-binary.tar.gz`, `cifar-100-binary.tar.gz`), the folder that it lies in, or the folder of its
 * unpacked files.
 *
 * Cost    a byte a pixel in memory, and the archive beside it while it is read
 * Errors  UnreadableFile, MalformedData or InconsistentData, naming the file: as `parseCifar`, or where a file is missing, the archive is
 *         damaged or holds more than 256 MiB
 */
export const readCifar =
  (path: string, options: CifarOptions = {}): TE.TaskEither<DataError, TrainAndTest> =>
  async () => {
    const { join } = nodeModule('node:path')
    const kind = await kindOf(path)
    if (kind === undefined) return E.left(unreadableFile(path, 'there is no such file or folder'))
    if (kind === 'file') return readArchive(path, options)()
    const dir = await folderOf(path, options)
    const archive = join(path, published(options).archive)
    if (dir === undefined)
      return (await kindOf(archive)) === 'file'
        ? readArchive(archive, options)()
        : E.left(
            unreadableFile(
              path,
              `there is neither ${filesOf(options).train[0]} nor ${published(options).archive} in the folder`,
            ),
          )
    return both(options, (names) =>
      pipe(
        names,
        TE.traverseSeqArray((name) => readBytes(join(dir, name))),
      ),
    )()
  }

/**
 * A dataset whose records stay on disk, in files that are not compressed.
 *
 * Cost       4 bytes of memory a record; a read of each record that is taken, in the order asked for
 * Guarantee  `take` gives what the same files in memory give
 * Errors     as `readCifar`; `take` throws where a file has become shorter since
 */
export const cifarOnDisk =
  (
    paths: readonly string[],
    { labels = 'cifar10', normalisation }: CifarOptions = {},
  ): TE.TaskEither<DataError, Dataset> =>
  async () => {
    const withFile = filesOfNode()
    const { classes, lead, label } = cifarLayouts[labels]
    const record = CIFAR_PIXELS + lead
    return pipe(
      E.Do,
      E.bind('tables', () => byteTables(3, normalisation)),
      E.bind('parts', () =>
        pipe(
          paths,
          E.traverseArray((path) =>
            reading(
              withFile,
              path,
            )(({ size, read }) =>
              pipe(
                cifarCount(size, labels),
                E.chain((count) => cifarTargets(labels, count, (i) => read(i * record + label, 1)[0] as number)),
              ),
            ),
          ),
        ),
      ),
      E.map(({ tables, parts }) => {
        const places = parts.flatMap((targets, file) =>
          Array.from(targets, (_, row) => [paths[file] as string, row] as const),
        )
        return datasetOfBytes({
          ...{ tables, classes, inputShape: cifarShape },
          targets: Int32Array.from(parts.flatMap((targets) => Array.from(targets))),
          rows: (indices) => (visit) => {
            for (let i = 0; i < indices.length; ) {
              const [path] = places[indices[i] as number] as readonly [string, number]
              // Rows of one file that follow each other are read while it is open once.
              withFile(path, ({ read }) => {
                for (; i < indices.length; i++) {
                  const [of, row] = places[indices[i] as number] as readonly [string, number]
                  if (of !== path) return
                  visit(read(row * record + lead, CIFAR_PIXELS), i)
                }
              })
            }
          },
        })
      }),
    )
  }

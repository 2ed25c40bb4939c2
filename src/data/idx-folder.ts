/**
 * A folder with the four files of MNIST, Fashion-MNIST and their relatives. Node only: everything of Node's is loaded
 * when a folder is read, so that importing this module costs a browser nothing.
 */
import { sequenceS } from 'fp-ts/lib/Apply.js'
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { type Shape, ShapeEq, showShape } from '../tensor/shape.js'
import { blame, type DataError, inconsistentData, unreadableFile } from './data-error.js'
import { checkedInputs, checkedTargets, type Dataset, type Normalisation, unsafeDataset } from './dataset.js'
import type { IdxArray } from './idx.js'
import { decodeIdx } from './inflate.js'
import { nodeModule } from './node-module.js'

/** What to train on and what to measure with. */
export interface TrainAndTest {
  readonly train: Dataset
  readonly test: Dataset
}

/** How the numbers in the files are to be read. Public constants, like every setting. */
export interface IdxFolderOptions {
  /** Labels are 0 … classes − 1. 10 by default. */
  readonly classes?: number
  /** Mean and deviation on the scale of brightness, where bytes are divided by 255 and floats are taken as they are. */
  readonly normalisation?: Omit<Normalisation, 'range'>
}

/** A file that was found under one of its names. */
interface Part {
  readonly path: string
  readonly array: IdxArray
}

const splits = { train: 'train', test: 't10k' } as const

/** `train-images-idx3-ubyte` and `train-images.idx3-ubyte` are both in use, either of them with `.gz` or without. */
const namesOf = (split: string, kind: 'images-idx3' | 'labels-idx1'): readonly string[] =>
  [`${split}-${kind}-ubyte`, `${split}-${kind.replace('-', '.')}-ubyte`].flatMap((name) => [name, `${name}.gz`])

const isMissing = (cause: unknown): boolean => {
  const code = (cause as { readonly code?: unknown } | null)?.code
  return code === 'ENOENT'
}

/** The bytes of the first of the names that exists. */
const readFirst =
  (
    dir: string,
    names: readonly string[],
  ): TE.TaskEither<DataError, { readonly path: string; readonly bytes: Uint8Array }> =>
  async () => {
    const [{ readFile, stat }, { join }] = [nodeModule('node:fs/promises'), nodeModule('node:path')]
    try {
      if (!(await stat(dir)).isDirectory()) return E.left(unreadableFile(dir, 'this is a file, and a folder is needed'))
    } catch (cause) {
      return E.left(unreadableFile(dir, isMissing(cause) ? 'there is no such folder' : `cannot be read (${cause})`))
    }
    for (const name of names) {
      const path = join(dir, name)
      try {
        return E.right({ path, bytes: await readFile(path) })
      } catch (cause) {
        if (!isMissing(cause)) return E.left(unreadableFile(path, `cannot be read (${cause})`))
      }
    }
    return E.left(
      unreadableFile(join(dir, names[0] as string), `there is no such file; looked for ${names.join(', ')}`),
    )
  }

const readPart = (dir: string, names: readonly string[]): TE.TaskEither<DataError, Part> =>
  pipe(
    readFirst(dir, names),
    TE.chain(({ path, bytes }) =>
      pipe(
        decodeIdx(bytes),
        TE.bimap(blame(path), (array) => ({ path, array })),
      ),
    ),
  )

const isFloat = ({ type }: IdxArray): boolean => type === 'float32' || type === 'float64'

/** Grey images get a channel axis; what has other axes already keeps them. */
const exampleShape = ({ shape }: IdxArray): Shape => (shape.length === 3 ? [1, ...shape.slice(1)] : shape.slice(1))

const datasetOf =
  ({ classes = 10, normalisation = { mean: 0, std: 1 } }: IdxFolderOptions) =>
  ({ images, labels }: { readonly images: Part; readonly labels: Part }): E.Either<DataError, Dataset> => {
    const refuse = (source: string, found: string, allowed: string): E.Either<DataError, never> =>
      E.left(inconsistentData({ source, found, allowed }))
    const [pixels, targets] = [images.array, labels.array]
    if (pixels.shape.length < 2 || !(pixels.type === 'uint8' || isFloat(pixels)))
      return refuse(images.path, `${pixels.type} of shape ${showShape(pixels.shape)}`, 'images of uint8 or floats')
    if (targets.shape.length !== 1 || isFloat(targets))
      return refuse(labels.path, `${targets.type} of shape ${showShape(targets.shape)}`, 'one whole number per image')
    if (targets.shape[0] !== pixels.shape[0])
      return refuse(
        labels.path,
        `${targets.shape[0]} labels`,
        `${pixels.shape[0]}, as many as there are images in ${images.path}`,
      )
    if (pixels.data.length === 0) return refuse(images.path, `shape ${showShape(pixels.shape)}`, 'one pixel or more')
    const inputShape = exampleShape(pixels)
    const checked = {
      inputs: pipe(
        checkedInputs({
          pixels: pixels.data,
          inputShape,
          normalisation: { range: isFloat(pixels) ? 1 : 255, ...normalisation },
        }),
        E.mapLeft(blame(images.path)),
      ),
      targets: pipe(checkedTargets({ labels: targets.data, classes }), E.mapLeft(blame(labels.path))),
    }
    return pipe(
      checked,
      sequenceS(E.Apply),
      E.map((storage) => unsafeDataset({ ...storage, inputShape, classes })),
    )
  }

const readSplit =
  (dir: string, options: IdxFolderOptions) =>
  (split: string): TE.TaskEither<DataError, Dataset> =>
    pipe(
      { images: readPart(dir, namesOf(split, 'images-idx3')), labels: readPart(dir, namesOf(split, 'labels-idx1')) },
      sequenceS(TE.ApplySeq),
      TE.chainEitherK(datasetOf(options)),
    )

/**
 * Reads `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte` and `t10k-labels-idx1-ubyte`,
 * or the same with `.idx` for `-idx`, each plain or with `.gz`.
 *
 * Shapes      files of images [n, h, w] → examples of shape [1, h, w]
 * Errors      UnreadableFile, MalformedData or InconsistentData, naming the file: a file is missing or truncated, labels
 *             and images differ in number, a label is out of range, a pixel is not finite, train and test differ in shape
 */
export const readIdxFolder = (dir: string, options: IdxFolderOptions = {}): TE.TaskEither<DataError, TrainAndTest> =>
  pipe(
    { train: readSplit(dir, options)(splits.train), test: readSplit(dir, options)(splits.test) },
    sequenceS(TE.ApplySeq),
    TE.filterOrElse(
      ({ train, test }) => ShapeEq.equals(train.inputShape, test.inputShape),
      ({ train, test }) =>
        inconsistentData({
          source: dir,
          found: `test images of shape ${showShape(test.inputShape)}`,
          allowed: `${showShape(train.inputShape)}, the shape of the training images`,
        }),
    ),
  )

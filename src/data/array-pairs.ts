/**
 * Datasets of two arrays, inputs and labels, as NPY and NPZ files hold them.
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { showShape, sizeOf } from '../tensor/shape.js'
import { contiguous, size, storageOf, type Tensor } from '../tensor/tensor.js'
import { readBytes } from './atomic-file.js'
import { blame, type DataError, inconsistentData } from './data-error.js'
import { checkedInputs, checkedTargets, type Dataset, type Normalisation, unsafeDataset } from './dataset.js'
import { decodeNpy } from './npy.js'
import { decodeNpz } from './npz.js'

/** How arrays are to be read. Public constants. */
export interface ArrayOptions {
  /** Labels are 0 … classes − 1. */
  readonly classes: number
  /** Default: bytes onto [0, 1], other numbers as they are. */
  readonly normalisation?: Partial<Normalisation>
}

const numbersOf = (tensor: Tensor): Readonly<ArrayLike<number>> => {
  const dense = contiguous(tensor)
  return storageOf(dense).subarray(dense.offset, dense.offset + size(dense))
}

/**
 * Examples from arrays in memory.
 *
 * Shapes  inputs [n, …], labels [n] or [n, 1]; grey images [n, h, w] get an axis for their channel
 * Errors  InconsistentData where the numbers of inputs and labels differ, an input is not finite, or a label is not in range
 *
 * @example
 * pipe(datasetOfArrays({ classes: 2 })({ inputs: tensor([1, 2, 3, 4], [2, 2]), labels: tensor([0, 1], [2]) }), E.map(({ inputShape }) => inputShape)) // => E.right([2])
 */
export const datasetOfArrays =
  ({ classes, normalisation = {} }: ArrayOptions) =>
  ({ inputs, labels }: { readonly inputs: Tensor; readonly labels: Tensor }): E.Either<DataError, Dataset> => {
    const refuse = (source: string, found: string, allowed: string): E.Either<DataError, never> =>
      E.left(inconsistentData({ source, found, allowed }))
    const [count = 0, ...rest] = inputs.shape
    if (inputs.shape.length < 2 || sizeOf(rest) === 0)
      return refuse(
        'the inputs',
        `shape ${showShape(inputs.shape)}`,
        'an axis of examples and at least one number each',
      )
    const flat = labels.shape.length === 1 || (labels.shape.length === 2 && labels.shape[1] === 1)
    if (!flat || labels.shape[0] !== count)
      return refuse('the labels', `shape ${showShape(labels.shape)}`, `[${count}], a label for each input`)
    const inputShape = rest.length === 2 ? [1, ...rest] : rest
    return pipe(
      checkedTargets({ labels: numbersOf(labels), classes }),
      E.bindTo('targets'),
      E.bind('storage', () =>
        checkedInputs({
          pixels: numbersOf(inputs),
          inputShape,
          normalisation: { range: inputs.dtype === 'uint8' ? 255 : 1, mean: 0, std: 1, ...normalisation },
        }),
      ),
      E.map(({ targets, storage }) => unsafeDataset({ inputs: storage, targets, inputShape, classes })),
    )
  }

/** Where two arrays are: in NPY files, or in an archive under names. */
export type ArrayFiles =
  | { readonly inputs: string; readonly labels: string }
  | { readonly archive: string; readonly inputs: string; readonly labels: string }

const arraysOf = (
  files: ArrayFiles,
): TE.TaskEither<DataError, { readonly inputs: Tensor; readonly labels: Tensor }> => {
  if (!('archive' in files)) {
    const array = (path: string): TE.TaskEither<DataError, Tensor> =>
      pipe(
        readBytes(path),
        TE.chainEitherK((bytes) => pipe(decodeNpy(bytes), E.mapLeft(blame(path)))),
      )
    return pipe(
      array(files.inputs),
      TE.bindTo('inputs'),
      TE.bind('labels', () => array(files.labels)),
    )
  }
  const { archive } = files
  return pipe(
    readBytes(archive),
    TE.chainEitherK((bytes) => pipe(decodeNpz(bytes), E.mapLeft(blame(archive)))),
    TE.chainEitherK((arrays) => {
      const named = (name: string): E.Either<DataError, Tensor> =>
        Object.hasOwn(arrays, name)
          ? E.right(arrays[name] as Tensor)
          : E.left(
              inconsistentData({
                source: archive,
                found: `no array ${name}`,
                allowed: Object.keys(arrays).join(', ') || 'none',
              }),
            )
      return pipe(
        named(files.inputs),
        E.bindTo('inputs'),
        E.bind('labels', () => named(files.labels)),
      )
    }),
  )
}

/**
 * Examples of two NPY files, or of two arrays of an NPZ archive. Node only.
 *
 * Errors  those of the files and of `datasetOfArrays`, naming the file of the inputs or the archive
 */
export const readArrays =
  (options: ArrayOptions) =>
  (files: ArrayFiles): TE.TaskEither<DataError, Dataset> =>
    pipe(
      arraysOf(files),
      TE.chainEitherK((arrays) =>
        pipe(
          datasetOfArrays(options)(arrays),
          E.mapLeft((error) => blame(`${'archive' in files ? files.archive : files.inputs}, ${error.source}`)(error)),
        ),
      ),
    )

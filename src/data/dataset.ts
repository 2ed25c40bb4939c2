/**
 * Labelled examples that fit in memory.
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { type Shape, shapeError, showShape, sizeOf } from '../tensor/shape.js'
import { type Tensor, unsafeTensor } from '../tensor/tensor.js'
import { type DataError, inconsistentData } from './data-error.js'

/** Some examples, with their classes. */
export interface LabelledBatch {
  /** float32 [n, …inputShape] */
  readonly input: Tensor
  /** int32 [n], each in 0 … classes − 1 */
  readonly target: Tensor
}

/** Examples numbered 0 … length − 1. Which of them are taken is for a sampler to say. */
export interface Dataset {
  readonly length: number
  /** Shape of one example. */
  readonly inputShape: Shape
  readonly classes: number
  /**
   * The chosen examples, in the given order: a copy, or a view of numbers that do not change. No index at all gives an empty
   * batch.
   *
   * @throws ShapeError when an index is not in 0 … length − 1
   */
  readonly take: (indices: Readonly<ArrayLike<number>>) => LabelledBatch
}

/**
 * The public affine map x ↦ (x / range − mean) / std that every pixel goes through. All three are constants that the
 * caller knows beforehand: a mean or deviation computed from private examples would be one more release, unaccounted.
 */
export interface Normalisation {
  /** The value that stands for full brightness: 255 for bytes, 1 for floats that are brightness already. */
  readonly range: number
  /** On the scale of x / range. */
  readonly mean: number
  /** On the scale of x / range; > 0. */
  readonly std: number
}

/** x / 255: bytes onto [0, 1]. */
export const unitRange: Normalisation = { range: 255, mean: 0, std: 1 }

/** What an in-memory dataset is made of. */
export interface LabelledExamples {
  /** The pixels of all examples, one example after the other. */
  readonly pixels: Readonly<ArrayLike<number>>
  readonly labels: Readonly<ArrayLike<number>>
  readonly inputShape: Shape
  readonly classes: number
  /** `unitRange` by default. */
  readonly normalisation?: Normalisation
}

const refuse = (source: string, found: string, allowed: string): E.Either<DataError, never> =>
  E.left(inconsistentData({ source, found, allowed }))

/** Labels as storage, once each is known to be in 0 … classes − 1. @internal */
export const checkedTargets = ({
  labels,
  classes,
}: Pick<LabelledExamples, 'labels' | 'classes'>): E.Either<DataError, Int32Array> => {
  const targets = new Int32Array(labels.length)
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i] as number
    if (!(Number.isInteger(label) && label >= 0 && label < classes))
      return refuse('the labels', `label ${label} at example ${i}`, `whole numbers from 0 to ${classes - 1}`)
    targets[i] = label
  }
  return E.right(targets)
}

/** Pixels as storage, normalised, once each is known to be finite. @internal */
export const checkedInputs = ({
  pixels,
  inputShape,
  normalisation: { range, mean, std } = unitRange,
}: Pick<LabelledExamples, 'pixels' | 'inputShape' | 'normalisation'>): E.Either<DataError, Float32Array> => {
  if (!(Number.isFinite(range) && range !== 0 && Number.isFinite(mean) && Number.isFinite(std) && std > 0))
    return refuse('the normalisation', `range ${range}, mean ${mean}, std ${std}`, 'finite numbers, range ≠ 0, std > 0')
  const inputs = new Float32Array(pixels.length)
  for (let i = 0; i < inputs.length; i++) {
    inputs[i] = ((pixels[i] as number) / range - mean) / std
    if (!Number.isFinite(inputs[i] as number))
      return refuse('the pixels', `${pixels[i]} in example ${Math.floor(i / sizeOf(inputShape))}`, 'finite numbers')
  }
  return E.right(inputs)
}

/**
 * A dataset of numbers in memory, which are copied.
 *
 * Cost        length · size numbers of 4 bytes: normalised once, so that `take` is a copy of rows
 * Errors      InconsistentData when counts do not match, a label is not in 0 … classes − 1, a pixel is not finite, or
 *             the normalisation is no invertible map
 *
 * @example
 * pipe(inMemory({ pixels: [0, 51, 255, 102], labels: [1, 0], inputShape: [2], classes: 2 }), E.map((d) => toArray(d.take([1]).input))) // => E.right([1, Math.fround(0.4)])
 */
export const inMemory = (examples: LabelledExamples): E.Either<DataError, Dataset> => {
  const { pixels, labels, inputShape, classes } = examples
  const size = sizeOf(inputShape)
  if (pixels.length !== labels.length * size)
    return refuse(
      'the dataset',
      `${pixels.length} pixels for ${labels.length} labels`,
      `${labels.length * size}, since an example has shape ${showShape(inputShape)}`,
    )
  return pipe(
    checkedTargets(examples),
    E.chain((targets) =>
      pipe(
        checkedInputs(examples),
        E.map((inputs) => unsafeDataset({ inputs, targets, inputShape, classes })),
      ),
    ),
  )
}

/** What `unsafeDataset` and `datasetOfRows` wrap. @internal */
export interface DatasetStorage {
  readonly inputs: Float32Array
  readonly targets: Int32Array
  readonly inputShape: Shape
  readonly classes: number
}

/** The targets of the chosen examples, once each index is known to be one. @internal */
export const chosenTargets = (
  { targets, inputShape }: Pick<DatasetStorage, 'targets' | 'inputShape'>,
  indices: Readonly<ArrayLike<number>>,
): Int32Array => {
  const { length } = targets
  return Int32Array.from(indices, (index) => {
    if (!(Number.isInteger(index) && index >= 0 && index < length))
      throw shapeError(`take: no example ${index}`, [length, ...inputShape])
    return targets[index] as number
  })
}

/** Wraps storage that the caller gives up and has checked. @internal */
export const unsafeDataset = ({ inputs, targets, inputShape, classes }: DatasetStorage): Dataset => {
  const length = targets.length
  const size = sizeOf(inputShape)
  return {
    length,
    inputShape,
    classes,
    take: (indices) => {
      const count = indices.length
      const target = chosenTargets({ targets, inputShape }, indices)
      const input = new Float32Array(count * size)
      for (let i = 0; i < count; i++) {
        const index = indices[i] as number
        input.set(inputs.subarray(index * size, (index + 1) * size), i * size)
      }
      return { input: unsafeTensor(input, [count, ...inputShape]), target: unsafeTensor(target, [count]) }
    },
  }
}

/**
 * As `unsafeDataset`, for examples that are so large that copying them costs as much as computing with them: consecutive
 * examples are taken as a view. Only where nobody else holds the storage.
 *
 * @internal
 */
export const datasetOfRows = (storage: DatasetStorage): Dataset => {
  const { inputs, targets, inputShape } = storage
  const size = sizeOf(inputShape)
  const copying = unsafeDataset(storage)
  const isRun = (indices: Readonly<ArrayLike<number>>): boolean => {
    const first = indices[0]
    if (first === undefined || !(Number.isInteger(first) && first >= 0 && first + indices.length <= targets.length))
      return false
    for (let i = 1; i < indices.length; i++) if (indices[i] !== first + i) return false
    return true
  }
  return {
    ...copying,
    take: (indices) => {
      if (!isRun(indices)) return copying.take(indices)
      const [start, count] = [indices[0] as number, indices.length]
      return {
        input: unsafeTensor(inputs.subarray(start * size, (start + count) * size), [count, ...inputShape]),
        target: unsafeTensor(targets.subarray(start, start + count), [count]),
      }
    },
  }
}

/**
 * Examples start … end − 1 of a dataset, as one of their own.
 *
 * @throws ShapeError unless 0 ≤ start ≤ end ≤ length
 * @example
 * examplesFrom({ start: 1, end: 3 })(drawDigits({ count: 5, key: key(0) })).length // => 2
 */
export const examplesFrom =
  ({ start, end }: { readonly start: number; readonly end: number }) =>
  (dataset: Dataset): Dataset => {
    const length = end - start
    const isRange = Number.isSafeInteger(start) && Number.isSafeInteger(end) && 0 <= start && start <= end
    if (!isRange || end > dataset.length)
      throw shapeError(`examplesFrom: no examples ${start} to ${end}`, [dataset.length, ...dataset.inputShape])
    return {
      ...dataset,
      length,
      take: (indices) =>
        dataset.take(
          Array.from(indices, (index) => {
            if (!(Number.isInteger(index) && index >= 0 && index < length))
              throw shapeError(`take: no example ${index}`, [length, ...dataset.inputShape])
            return start + index
          }),
        ),
    }
  }

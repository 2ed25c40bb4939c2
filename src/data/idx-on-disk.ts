/**
 * A dataset that stays on disk: the rows of an IDX file, read by index when they are asked for. Node only.
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import type * as TE from 'fp-ts/lib/TaskEither.js'
import { sizeOf } from '../tensor/shape.js'
import { unsafeTensor } from '../tensor/tensor.js'
import { type DataError, inconsistentData, malformedData } from './data-error.js'
import { checkedTargets, chosenTargets, type Dataset, type Normalisation, unitRange } from './dataset.js'
import { type IdxHeader, idxElements, parseIdx, parseIdxHeader } from './idx.js'
import { filesOfNode, type RandomAccess, reading, type WithFile } from './random-access.js'

/** The two files of a dataset, not compressed, and how their numbers are to be read. */
export interface IdxOnDisk {
  /** `[n, …]`: images of one channel get an axis for it, as in memory. */
  readonly images: string
  /** `[n]`: whole numbers. They are held in memory. */
  readonly labels: string
  /** Labels are 0 … classes − 1. 10 by default. */
  readonly classes?: number
  /** A public constant. Default: bytes onto [0, 1], floats as they are. */
  readonly normalisation?: Partial<Normalisation>
}

/** The header, if the file is as long as it says. */
const headerOf = ({ size, read }: RandomAccess): E.Either<DataError, IdxHeader> =>
  pipe(
    parseIdxHeader(read(0, Math.min(size, 20)), Number.MAX_SAFE_INTEGER),
    E.filterOrElse(
      ({ totalBytes }) => size === totalBytes,
      ({ totalBytes }) => malformedData({ source: '', found: `${size} bytes`, allowed: `exactly ${totalBytes}` }),
    ),
  )

/**
 * A dataset whose images are on disk, for data larger than memory.
 *
 * Cost       4 bytes of memory a record; a read of each row that is taken, in the order asked for
 * Guarantee  `take` gives what the same files in memory give. A pixel that is not finite is not looked for beforehand: the gradient
 *            of its record is not finite either, adds nothing, and is counted
 * Errors     UnreadableFile, MalformedData or InconsistentData, naming the file: as `readIdxFolder`; compressed files are refused.
 *            `take` throws where a file has become shorter since
 */
export const idxOnDisk =
  ({ images, labels, classes = 10, normalisation }: IdxOnDisk): TE.TaskEither<DataError, Dataset> =>
  async () => {
    const withFile = filesOfNode()
    return pipe(
      E.Do,
      E.bind('targets', () =>
        reading(
          withFile,
          labels,
        )((file) =>
          pipe(
            parseIdx(file.read(0, file.size)),
            E.chain(({ data, shape }) =>
              shape.length === 1
                ? checkedTargets({ labels: data, classes })
                : E.left(
                    inconsistentData({ source: '', found: `labels of ${shape.length} axes`, allowed: 'one axis' }),
                  ),
            ),
          ),
        ),
      ),
      E.bind('header', ({ targets }) =>
        reading(
          withFile,
          images,
        )((file) =>
          pipe(
            headerOf(file),
            E.filterOrElse(
              ({ shape }) => shape[0] === targets.length && shape.length > 1 && sizeOf(shape.slice(1)) > 0,
              ({ shape }) =>
                inconsistentData({
                  source: '',
                  found: `images of shape [${shape}]`,
                  allowed: `${targets.length} images of one pixel or more, as many as there are labels`,
                }),
            ),
          ),
        ),
      ),
      E.map(({ targets, header }) => datasetOf(withFile, images, targets, header, classes, normalisation)),
    )
  }

const datasetOf = (
  withFile: WithFile,
  images: string,
  targets: Int32Array,
  { type, shape, headerBytes }: IdxHeader,
  classes: number,
  normalisation: Partial<Normalisation> = {},
): Dataset => {
  const isFloat = type === 'float32' || type === 'float64'
  const { range, mean, std } = { ...unitRange, ...(isFloat ? { range: 1 } : {}), ...normalisation }
  const inputShape = shape.length === 3 ? [1, ...shape.slice(1)] : shape.slice(1)
  const { bytes, read } = idxElements(type)
  const [length, size] = [targets.length, sizeOf(inputShape)]
  return {
    length,
    inputShape,
    classes,
    take: (indices) => {
      const target = chosenTargets({ targets, inputShape }, indices)
      const input = new Float32Array(indices.length * size)
      if (indices.length > 0)
        withFile(images, (file) => {
          for (let i = 0; i < indices.length; i++) {
            const row = file.read(headerBytes + (indices[i] as number) * size * bytes, size * bytes)
            const pixels = read(new DataView(row.buffer), size)
            for (let j = 0; j < size; j++) input[i * size + j] = ((pixels[j] as number) / range - mean) / std
          }
        })
      return {
        input: unsafeTensor(input, [indices.length, ...inputShape]),
        target: unsafeTensor(target, [indices.length]),
      }
    },
  }
}

/**
 * Features that are dear to compute, kept in files. Node only: everything of Node's is loaded when a cache is used.
 *
 * A file holds the features of some consecutive examples, as safetensors, and says in its metadata of what: the SHA-256 of the
 * recipe and the inputs (which also names the file), and that of the features themselves.
 */
import * as E from 'fp-ts/lib/Either.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { ShapeEq, showShape } from '../tensor/shape.js'
import { cast, size, storageOf, type Tensor } from '../tensor/tensor.js'
import { readBytes, writeFileAtomically } from './atomic-file.js'
import { type DataError, inconsistentData, malformedData, unreadableFile } from './data-error.js'
import { type Dataset, datasetOfRows } from './dataset.js'
import { nodeModule } from './node-module.js'
import { decodeSafeTensors, encodeSafeTensors } from './safetensors.js'

/** A function of inputs [n, …] to features [n, size] float32, and what it is, in words: other words, other files. */
export interface FeatureRecipe {
  /** Everything that the features depend on besides the inputs. */
  readonly description: string
  /** Numbers of one example. */
  readonly size: number
  /** Called when a file is missing, on the inputs of one file. */
  readonly features: (inputs: Tensor) => Tensor
}

/** What is known after each file. */
export interface FeatureProgress {
  /** Examples whose features are there. */
  readonly done: number
  readonly total: number
  /** Those of them that were computed, rather than read. */
  readonly computed: number
  /** Why a file that was there was not used. */
  readonly refused?: DataError
}

/** Where features are kept. */
export interface FeatureCacheOptions {
  /** Folder of the files; made where it is missing. */
  readonly dir: string
  /** Called as features are read or computed. */
  readonly onProgress?: (progress: FeatureProgress) => void
}

/** Examples in one file: 80 MB where an example has 4,000 features. */
const SHARD = 5000

/** SHA-256 of strings and bytes, in hexadecimal. */
const digest = async (...parts: readonly (string | Uint8Array)[]): Promise<string> => {
  const hash = nodeModule('node:crypto').createHash('sha256')
  return parts.reduce((sum, part) => sum.update(part), hash).digest('hex')
}

/** The bytes of the elements. */
const bytesOf = (t: Tensor): Uint8Array => {
  const dense = cast('float32')(t)
  const { buffer, byteOffset } = storageOf(dense)
  return new Uint8Array(buffer, byteOffset + 4 * dense.offset, 4 * size(dense))
}

/** A file, once everything about it is as it was written. @internal */
export const encodeFeatures = async (source: string, features: Tensor): Promise<Uint8Array> =>
  encodeSafeTensors({ tensors: { features }, metadata: { source, sha256: await digest(bytesOf(features)) } })

/**
 * The features of a file, or what is wrong with it: cut off, changed, of other inputs or of another recipe.
 *
 * @internal
 */
export const decodeFeatures = async (
  path: string,
  bytes: Uint8Array,
  { source, shape }: { readonly source: string; readonly shape: readonly number[] },
): Promise<E.Either<DataError, Tensor>> => {
  const decoded = decodeSafeTensors(bytes)
  if (E.isLeft(decoded)) return E.left({ ...decoded.left, source: path })
  const { tensors, metadata } = decoded.right
  const { features } = tensors
  if (metadata.source !== source)
    return E.left(
      inconsistentData({ source: path, found: `features of ${metadata.source ?? 'nothing'}`, allowed: source }),
    )
  if (features === undefined || features.dtype !== 'float32' || !ShapeEq.equals(features.shape, shape))
    return E.left(
      inconsistentData({
        source: path,
        found: features === undefined ? 'no features' : `${features.dtype} of shape ${showShape(features.shape)}`,
        allowed: `float32 of shape ${showShape(shape)}`,
      }),
    )
  return (await digest(bytesOf(features))) === metadata.sha256
    ? E.right(features)
    : E.left(malformedData({ source: path, found: 'numbers that were changed', allowed: 'those it was written with' }))
}

/**
 * A dataset whose inputs are replaced by their features: read from the folder where it holds them, computed and kept there
 * where not. A run that was stopped goes on after the last file.
 *
 * Cost       length · size numbers of 4 bytes in memory, and as many on disk: the files are as private as the examples
 * Guarantee  a file that is cut off, changed, or of other inputs or another recipe is computed anew; files appear whole or not
 *            at all
 * Errors     UnreadableFile for a folder or a file that cannot be read or written
 */
export const cachedFeatures =
  ({ description, size: width, features }: FeatureRecipe, { dir, onProgress }: FeatureCacheOptions) =>
  (dataset: Dataset): TE.TaskEither<DataError, Dataset> =>
  async () => {
    const [{ mkdir, stat }, { join }] = [nodeModule('node:fs/promises'), nodeModule('node:path')]
    const made = await TE.tryCatch(
      () => mkdir(dir, { recursive: true }),
      (cause) => unreadableFile(dir, `features cannot be kept there (${(cause as Error).message})`),
    )()
    if (E.isLeft(made)) return made
    const inputs = new Float32Array(dataset.length * width)
    const targets = new Int32Array(dataset.length)
    let computed = 0
    for (let start = 0; start < dataset.length; start += SHARD) {
      const count = Math.min(SHARD, dataset.length - start)
      const { input, target } = dataset.take(Array.from({ length: count }, (_, i) => start + i))
      const source = await digest(description, showShape(input.shape), bytesOf(input))
      const path = join(dir, `${source.slice(0, 24)}.safetensors`)
      const isThere = await stat(path).then(
        () => true,
        () => false,
      )
      const saved = isThere ? await readBytes(path)() : undefined
      if (saved !== undefined && E.isLeft(saved)) return saved
      const found =
        saved === undefined ? undefined : await decodeFeatures(path, saved.right, { source, shape: [count, width] })
      const isGood = found !== undefined && E.isRight(found)
      const values = isGood ? found.right : features(input)
      if (!isGood) {
        computed += count
        const written = await writeFileAtomically(path, await encodeFeatures(source, values))()
        if (E.isLeft(written)) return written
      }
      inputs.set(storageOf(cast('float32')(values)), start * width)
      targets.set(storageOf(target), start)
      onProgress?.({
        ...{ done: start + count, total: dataset.length, computed },
        ...(found !== undefined && E.isLeft(found) ? { refused: found.left } : {}),
      })
    }
    return E.right(datasetOfRows({ inputs, targets, inputShape: [width], classes: dataset.classes }))
  }

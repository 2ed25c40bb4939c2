/**
 * What makes two runs the same: their configuration, but for how it is computed, and their data.
 */
import { crc32, type Dataset, type TrainAndTest } from '../../data/index.js'
import { contiguous, size, type Tensor } from '../../tensor/tensor.js'
import { showPath } from './config-problems.js'
import type { RunConfig } from './run-config.js'

/** Fields that the result does not depend on. */
const incidental: ReadonlySet<string> = new Set([
  '$schema',
  'title',
  'out',
  'threads',
  'physicalBatchSize',
  'checkpointSeconds',
])

/** The fields of a configuration that its result depends on. */
export const essence = (config: RunConfig): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(config).filter(([field]) => !incidental.has(field)))

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

/**
 * The paths at which two JSON values differ.
 *
 * @example
 * differences({ a: 1, b: [1, 2] }, { a: 1, b: [1, 3], c: 0 }) // => ['b[1]', 'c']
 */
export const differences = (a: unknown, b: unknown, path: readonly (string | number)[] = []): readonly string[] => {
  if (isObject(a) && isObject(b) && Array.isArray(a) === Array.isArray(b))
    return Array.from(new Set([...Object.keys(a), ...Object.keys(b)])).flatMap((key) =>
      differences(a[key], b[key], [...path, Array.isArray(a) ? Number(key) : key]),
    )
  return Object.is(a, b) ? [] : [showPath(path)]
}

const checksumOf = (tensor: Tensor): number => {
  const { data, offset } = contiguous(tensor)
  const own = (data as Float32Array).subarray(offset, offset + size(tensor))
  return crc32(new Uint8Array(own.buffer, own.byteOffset, own.byteLength))
}

/** So many examples are taken at once. */
const CHUNK = 256

const fingerprints = new WeakMap<Dataset, string>()

/**
 * A checksum of every example: two continuations of a run on data that differ in one record draw the same noise, and the difference
 * of what they release is that record.
 */
const fingerprint = (dataset: Dataset): string => {
  const known = fingerprints.get(dataset)
  if (known !== undefined) return known
  const checksums = Array.from({ length: Math.ceil(dataset.length / CHUNK) }, (_, chunk) => {
    const start = chunk * CHUNK
    const { input, target } = dataset.take(
      Array.from({ length: Math.min(CHUNK, dataset.length - start) }, (__, i) => start + i),
    )
    return [checksumOf(input), checksumOf(target)]
  })
  const whole = crc32(new Uint8Array(Uint32Array.from(checksums.flat()).buffer))
    .toString(16)
    .padStart(8, '0')
  fingerprints.set(dataset, whole)
  return whole
}

/** A few words that tell datasets apart: sizes, shape, classes, and a checksum. Reads all examples, once for a dataset. */
export const dataIdentity = ({ train, test }: TrainAndTest): string =>
  JSON.stringify({
    ...{ train: train.length, test: test.length, inputShape: train.inputShape, classes: train.classes },
    checksum: `${fingerprint(train)}${fingerprint(test)}`,
  })

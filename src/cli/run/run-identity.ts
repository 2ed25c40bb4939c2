/**
 * What makes two runs the same: their configuration, but for how it is computed, and their data.
 */
import { crc32, type Dataset, type TrainAndTest } from '../../data/index.js'
import { contiguous, size, storageOf, type Tensor } from '../../tensor/tensor.js'
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

const bytesOf = (tensor: Tensor): Uint8Array => {
  const { buffer, byteOffset } = storageOf(contiguous(tensor))
  return new Uint8Array(buffer, byteOffset, 4 * size(tensor))
}

/** As many examples are looked at. */
const PROBES = 256

const fingerprint = (dataset: Dataset): string => {
  const count = Math.min(PROBES, dataset.length)
  const { input, target } = dataset.take(
    Array.from({ length: count }, (_, i) => Math.floor((i * dataset.length) / count)),
  )
  return [bytesOf(input), bytesOf(target)].map((bytes) => crc32(bytes).toString(16).padStart(8, '0')).join('')
}

/** A few words that tell datasets apart: sizes, shape, classes, and a checksum of some of the examples. */
export const dataIdentity = ({ train, test }: TrainAndTest): string =>
  JSON.stringify({
    ...{ train: train.length, test: test.length, inputShape: train.inputShape, classes: train.classes },
    probes: `${fingerprint(train)}${fingerprint(test)}`,
  })

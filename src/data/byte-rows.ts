/**
 * Datasets of bytes: each example a row of them, normalised when it is taken, so that they cost a quarter of floats.
 */
import * as E from 'fp-ts/lib/Either.js'
import { type Shape, sizeOf } from '../tensor/shape.js'
import { unsafeTensor } from '../tensor/tensor.js'
import { type DataError, inconsistentData } from './data-error.js'
import { chosenTargets, type Dataset } from './dataset.js'

/**
 * The public map x ↦ (x / 255 − mean) / std of bytes, with one number for all channels or one for each. Constants that are known
 * beforehand: those that are computed from private examples would be one more release, unaccounted.
 */
export interface ByteNormalisation {
  /** On the scale of x / 255. Default 0. */
  readonly mean?: number | readonly number[]
  /** On the scale of x / 255; > 0. Default 1. */
  readonly std?: number | readonly number[]
}

/** Reads the pixels of some examples, one after the other. */
export type ByteRows = (
  indices: Readonly<ArrayLike<number>>,
) => (visit: (row: Uint8Array, place: number) => void) => void

/** What a dataset of bytes is made of. @internal */
export interface ByteStorage {
  readonly rows: ByteRows
  readonly targets: Int32Array
  /** [channels, …] */
  readonly inputShape: Shape
  readonly classes: number
  /** The number that stands for each byte, by channel. */
  readonly tables: readonly Float32Array[]
}

const isFinitePositive = (x: number): boolean => x > 0 && Number.isFinite(x)

/**
 * The 256 numbers of each channel.
 *
 * Errors  InconsistentData for numbers that are not one a channel, a mean that is not finite, a deviation that is not above 0
 * @internal
 */
export const byteTables = (
  channels: number,
  { mean = 0, std = 1 }: ByteNormalisation = {},
): E.Either<DataError, readonly Float32Array[]> => {
  const each = (value: number | readonly number[]): readonly number[] =>
    typeof value === 'number' ? Array.from({ length: channels }, () => value) : value
  const [means, stds] = [each(mean), each(std)]
  return means.length === channels &&
    stds.length === channels &&
    means.every(Number.isFinite) &&
    stds.every(isFinitePositive)
    ? E.right(
        means.map((m, channel) =>
          Float32Array.from({ length: 256 }, (_, byte) => (byte / 255 - m) / (stds[channel] as number)),
        ),
      )
    : E.left(
        inconsistentData({
          source: 'the normalisation',
          found: `mean [${means}], std [${stds}]`,
          allowed: `finite numbers, one or ${channels}, and std > 0`,
        }),
      )
}

/** Wraps rows that were checked. @internal */
export const datasetOfBytes = ({ rows, targets, inputShape, classes, tables }: ByteStorage): Dataset => {
  const [length, size] = [targets.length, sizeOf(inputShape)]
  const plane = size / tables.length
  return {
    length,
    inputShape,
    classes,
    take: (indices) => {
      const target = chosenTargets({ targets, inputShape }, indices)
      const input = new Float32Array(indices.length * size)
      rows(indices)((row, place) => {
        for (let j = 0; j < size; j++)
          input[place * size + j] = (tables[Math.floor(j / plane)] as Float32Array)[row[j] as number] as number
      })
      return {
        input: unsafeTensor(input, [indices.length, ...inputShape]),
        target: unsafeTensor(target, [indices.length]),
      }
    },
  }
}

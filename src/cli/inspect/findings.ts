/**
 * What is found in data, and what is wrong with them.
 */
import type { Tensor } from '../../tensor/tensor.js'
import { contiguous, size, storageOf } from '../../tensor/tensor.js'

/** The numbers of an array. */
export interface NumberFindings {
  readonly least: number
  readonly most: number
  /** Numbers that are not finite. */
  readonly nonFinite: number
}

/** A column of a table. */
export interface ColumnFindings {
  readonly name: string
  /** Range, where all values that are there are numbers. */
  readonly numbers: { readonly least: number; readonly most: number } | undefined
  /** The values, where they are few. */
  readonly values: readonly string[] | undefined
  readonly missing: number
}

/** An array, a table, or a file in which there is neither. */
export interface Finding {
  readonly name: string
  /** The format, such as `IDX, gzip`. */
  readonly format: string
  readonly dtype?: string
  readonly shape?: readonly number[]
  readonly numbers?: NumberFindings
  /** How many labels there are of each class, where the array looks like labels. */
  readonly classes?: Readonly<Record<string, number>>
  readonly columns?: readonly ColumnFindings[]
  readonly problems: readonly string[]
}

/** More different values than this are no classes. */
const MOST_CLASSES = 1000

const rangeOf = (values: Readonly<ArrayLike<number>>): NumberFindings => {
  let [least, most, nonFinite] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0]
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number
    if (Number.isFinite(value)) {
      if (value < least) least = value
      if (value > most) most = value
    } else nonFinite++
  }
  return { least, most, nonFinite }
}

/** How often each value occurs, in their order; nothing where they are many, or no whole numbers. */
export const classCounts = (values: Readonly<ArrayLike<number>>): Readonly<Record<string, number>> | undefined => {
  const counts = new Map<number, number>()
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number
    if (!Number.isInteger(value) || value < 0 || (!counts.has(value) && counts.size >= MOST_CLASSES)) return undefined
    counts.set(value, (counts.get(value) ?? 0) + 1)
  }
  return Object.fromEntries([...counts].toSorted(([a], [b]) => a - b).map(([value, count]) => [String(value), count]))
}

const labelProblems = (classes: Readonly<Record<string, number>>): readonly string[] => {
  const found = Object.keys(classes).map(Number)
  const most = Math.max(...found)
  const absent = Array.from({ length: most + 1 }, (_, label) => label).filter((label) => !found.includes(label))
  return absent.length === 0 || most >= MOST_CLASSES
    ? []
    : [`no label ${absent.join(', ')}, though there is one of ${most}`]
}

/** What an array holds. One axis of whole numbers is taken for labels. */
export const arrayFinding = (
  head: { readonly name: string; readonly format: string; readonly dtype: string; readonly shape: readonly number[] },
  values: Readonly<ArrayLike<number>>,
): Finding => {
  if (values.length === 0) return { ...head, problems: ['there are no numbers in it'] }
  const numbers = rangeOf(values)
  const classes =
    head.shape.length === 1 || (head.shape.length === 2 && head.shape[1] === 1) ? classCounts(values) : undefined
  return {
    ...head,
    numbers,
    ...(classes === undefined ? {} : { classes }),
    problems: [
      ...(numbers.nonFinite > 0 ? [`${numbers.nonFinite} numbers are not finite`] : []),
      ...(numbers.least === numbers.most && values.length > 1 ? [`all numbers are ${numbers.least}`] : []),
      ...(classes === undefined ? [] : labelProblems(classes)),
    ],
  }
}

/** The same of a tensor. */
export const tensorFinding = (name: string, format: string, tensor: Tensor): Finding => {
  const dense = contiguous(tensor)
  const values = storageOf(dense).subarray(dense.offset, dense.offset + size(dense))
  return arrayFinding({ name, format, dtype: tensor.dtype, shape: tensor.shape }, values)
}

/** A file that cannot be read. */
export const broken = (name: string, format: string, sentence: string): Finding => ({
  name,
  format,
  problems: [sentence.replace(/\.$/, '')],
})

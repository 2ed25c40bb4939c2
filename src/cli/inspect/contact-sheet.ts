/**
 * Some examples of each class beside each other, in one picture.
 */
import type { Dataset } from '../../data/index.js'
import { size, storageOf, type Tensor, toArray } from '../../tensor/tensor.js'
import type { Picture } from './png.js'

/** Examples of a class in a row, and rows. */
const COLUMNS = 12
const MOST_ROWS = 20
const GAP = 2
const PAPER = 255

/** The first examples of each class, or of all where there is one class. */
const rowsOf = (dataset: Dataset): readonly (readonly number[])[] => {
  const rows = Array.from({ length: Math.min(dataset.classes, MOST_ROWS) }, (): number[] => [])
  const chunk = 1000
  for (let from = 0; from < dataset.length && rows.some((row) => row.length < COLUMNS); from += chunk) {
    const count = Math.min(chunk, dataset.length - from)
    toArray(dataset.take(Array.from({ length: count }, (_, i) => from + i)).target).forEach((label, i) => {
      const row = rows[label]
      if (row !== undefined && row.length < COLUMNS) row.push(from + i)
    })
  }
  return rows
}

const numbersOf = (input: Tensor): Float32Array =>
  storageOf(input).subarray(input.offset, input.offset + size(input)) as Float32Array

const rangeOf = (values: Float32Array): readonly [least: number, most: number] => [
  values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
  values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY),
]

/** Can the examples be drawn: grey or coloured images? */
export const isDrawable = ({ inputShape, length }: Dataset): boolean =>
  length > 0 && inputShape.length === 3 && (inputShape[0] === 1 || inputShape[0] === 3)

/** A sheet with a row for each class. The darkest and the brightest number that it shows are black and white. */
export const contactSheet = (dataset: Dataset): Picture => {
  const [channels, height, width] = dataset.inputShape as unknown as readonly [1 | 3, number, number]
  const rows = rowsOf(dataset)
  const chosen = rows.flat()
  const { input } = dataset.take(chosen)
  const values = numbersOf(input)
  const [least, most] = rangeOf(values)
  const scale = most > least ? 255 / (most - least) : 0
  const sheet = { width: COLUMNS * (width + GAP) + GAP, height: rows.length * (height + GAP) + GAP }
  const pixels = new Uint8Array(sheet.width * sheet.height * channels).fill(PAPER)
  let at = 0
  rows.forEach((row, r) => {
    row.forEach((_, column) => {
      const [left, top] = [GAP + column * (width + GAP), GAP + r * (height + GAP)]
      for (let c = 0; c < channels; c++)
        for (let y = 0; y < height; y++)
          for (let x = 0; x < width; x++) {
            const value = values[((at * channels + c) * height + y) * width + x] as number
            pixels[((top + y) * sheet.width + left + x) * channels + c] = Math.round((value - least) * scale)
          }
      at++
    })
  })
  return { ...sheet, channels, pixels }
}

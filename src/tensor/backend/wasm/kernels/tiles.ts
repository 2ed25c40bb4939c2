/**
 * Many register tiles of 4 × 8 numbers in one call: for products of so few terms that a call for each would take as long as they.
 */
import { tileColumns, tileRows } from './tile'

/** Panels of 4 adjacent rows × k columns, one after the other, times k rows of 8 columns: 4 × 8 numbers for each, one after the other. */
export function panelsTimes(a: usize, panels: i32, b: usize, k: i32, out: usize): void {
  const panel = (<usize>k) << 4
  for (; panels > 0; panels--, a += panel, out += 128) inline.always(tileColumns(a, 16, b, 32, k, out, 32, false))
}

/**
 * `count` products of 4 × 8 numbers: rows of k adjacent numbers, `aM` apart, times k rows of 8 adjacent columns. Factors are `aNext`
 * and `bNext` apart from one product to the next, results follow each other. Rows past the last one repeat the first.
 */
export function tilesOfRows(
  a: usize,
  aM: usize,
  rows: i32,
  aNext: usize,
  b: usize,
  bNext: usize,
  k: i32,
  count: i32,
  out: usize,
): void {
  for (; count > 0; count--, out += 128, a += aNext, b += bNext)
    inline.always(tileRows(a, aM, rows, b, 32, k, out, 32, false))
}

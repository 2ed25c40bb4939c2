/**
 * A step of which several numbers are multiples, as the losses of a mechanism on a grid are.
 */

/** How far a remainder may be from 0, relative to the numbers. */
const CLOSE = 1e-10
/** Steps this much smaller than the largest number are no help. */
const FINEST = 2 ** -14

const divisor = (a: number, b: number, tolerance: number): number => {
  let [large, small] = [Math.max(a, b), Math.min(a, b)]
  while (small > tolerance) {
    const rest = large % small
    ;[large, small] = [small, small - rest < tolerance ? 0 : rest]
  }
  return large
}

/**
 * The largest step of which all numbers are multiples to rounding; undefined if there is none worth while.
 *
 * @example
 * commonStep([0.3, 0.75]) // ≈ 0.15
 */
export const commonStep = (numbers: readonly number[]): number | undefined => {
  const largest = numbers.reduce((most, x) => Math.max(most, x), 0)
  if (largest === 0) return undefined
  let step = 0
  for (const x of numbers) {
    step = divisor(step, x, CLOSE * largest)
    if (step < FINEST * largest) return undefined
  }
  return largest / Math.round(largest / step)
}

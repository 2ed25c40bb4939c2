/**
 * Wynn's epsilon algorithm: the limit of a sequence whose differences alternate or fall off slowly.
 *
 *   ε_{k+1}^{(n)} = ε_{k−1}^{(n+1)} + 1 / (ε_k^{(n+1)} − ε_k^{(n)});   the even columns approach the limit
 *
 * Reference  Wynn 1956, On a device for computing the e_m(S_n) transformation, MTAC 10
 */

/** A limit, and the change of the last column but one that agreed best: an estimate of its error, not a bound. */
export interface Limit {
  readonly value: number
  readonly error: number
}

/**
 * The limit of partial sums.
 *
 * @example
 * wynn([1, 0, 1, 0, 1]).value // => 0.5
 */
export const wynn = (partialSums: readonly number[]): Limit => {
  let previous: number[] = partialSums.map(() => 0)
  let current: number[] = [...partialSums]
  let value = current.at(-1) ?? 0
  let error = current.length > 1 ? Math.abs(value - (current.at(-2) as number)) : Infinity
  let last = value
  for (let column = 1; current.length > 1; column++) {
    const next: number[] = []
    for (let i = 0; i + 1 < current.length; i++) {
      const difference = (current[i + 1] as number) - (current[i] as number)
      // Two equal entries: the column has converged to the last digit.
      if (difference === 0) return column % 2 === 1 ? { value: current[i] as number, error: 0 } : { value, error }
      next.push((previous[i + 1] as number) + 1 / difference)
    }
    previous = current
    current = next
    if (column % 2 === 1) continue
    const candidate = current.at(-1) as number
    const change = Math.abs(candidate - last)
    if (change < error) {
      value = candidate
      error = change
    }
    last = candidate
  }
  return { value, error }
}

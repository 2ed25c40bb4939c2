/**
 * How far one record moves Cx, in units of its clip bound, over all the steps in which it may take part.
 *
 *   sens² = max over patterns π and vectors with ‖uⱼ‖ ≤ 1 of  ‖Σ_{j∈π} C_{·j} uⱼ‖²
 *
 * Legend: n steps, b = minSeparation, k′ = min(k, ⌈n/b⌉) participations, X = CᵀC.
 */
import { largestOverPatterns, type Participation, participationsIn } from './participation.js'
import { coefficientsOf, type Strategy } from './strategy.js'

/** A squared sensitivity; where it is not exact, an upper bound. */
export interface SquaredSensitivity {
  readonly squared: number
  readonly exact: boolean
}

/** ‖Σⱼ C_{·,jb}‖² over the first k′ columns that are b apart. O(n k′). */
const earliestPattern = (column: Float64Array, minSeparation: number, participations: number): number => {
  let squared = 0
  for (let row = 0; row < column.length; row++) {
    let sum = 0
    for (let j = 0; j < participations && j * minSeparation <= row; j++)
      sum += column[row - j * minSeparation] as number
    squared += sum * sum
  }
  return squared
}

/** Σⱼ ‖C_{·,jb}‖² over the same columns: what they amount to where no two have an entry in one row. */
const disjointPattern = (column: Float64Array, minSeparation: number, participations: number): number => {
  const squares = new Float64Array(column.length + 1)
  for (let k = 0; k < column.length; k++) squares[k + 1] = (squares[k] as number) + (column[k] as number) ** 2
  let squared = 0
  for (let j = 0; j < participations; j++) squared += squares[column.length - j * minSeparation] as number
  return squared
}

const bandsOf = (column: Float64Array): number => {
  let bands = column.length
  while (bands > 1 && column[bands - 1] === 0) bands--
  return bands
}

const isDescending = (column: Float64Array): boolean => {
  for (let k = 0; k < column.length; k++)
    if (!((column[k] as number) >= 0 && (k === 0 || (column[k] as number) <= (column[k - 1] as number)))) return false
  return true
}

/**
 * An upper bound for any matrix, from its Gram matrix X: Σ_{j,l∈π} |Xⱼₗ|, first maximised over l ≠ j for each j, then over j.
 *
 * Cost       O(n² k)
 * Guarantee  never below; exact where each row's best pattern is the same, as for diagonal X
 * Reference  Choquette-Choo et al. 2023, arXiv:2306.08153, Thm 2
 *
 * @example
 * gramSensitivity({ minSeparation: 1, maxParticipations: 2 })(3, (j, l) => (j === l ? 1 : 0)) // => 2
 */
export const gramSensitivity =
  (participation: Participation) =>
  (steps: number, gram: (j: number, l: number) => number): number => {
    const { minSeparation } = participation
    const others = participationsIn(steps)(participation) - 1
    const row = new Float64Array(steps)
    const rows = new Float64Array(steps)
    for (let j = 0; j < steps; j++) {
      // A pattern that holds j has at most k − 1 other steps, none of them near j.
      for (let l = 0; l < steps; l++) row[l] = Math.abs(j - l) < minSeparation ? 0 : Math.abs(gram(j, l))
      rows[j] = gram(j, j) + (others === 0 ? 0 : largestOverPatterns({ minSeparation, maxParticipations: others })(row))
    }
    return largestOverPatterns(participation)(rows)
  }

/** Xⱼₗ = Σ_{i ≥ max(j,l)} c_{i−j} c_{i−l}, all of it: O(n²) numbers, by Xⱼₗ = Xⱼ₊₁,ₗ₊₁ + c_{n−1−j} c_{n−1−l}. */
const toeplitzGram = (column: Float64Array): ((j: number, l: number) => number) => {
  const n = column.length
  const entries = new Float64Array(n * n)
  for (let j = n - 1; j >= 0; j--)
    for (let l = n - 1; l >= 0; l--)
      entries[j * n + l] =
        (column[n - 1 - j] as number) * (column[n - 1 - l] as number) +
        (j + 1 < n && l + 1 < n ? (entries[(j + 1) * n + l + 1] as number) : 0)
  return (j, l) => entries[j * n + l] as number
}

/**
 * The squared sensitivity of a strategy under a participation pattern.
 *
 * Exact       one participation: the first column is the longest. Bands ≤ b: columns of a pattern share no row, and their
 *             squared norms add. c non-negative and non-increasing: the earliest pattern 0, b, 2b, … is the worst
 * Otherwise   the bound of `gramSensitivity`
 * Cost        O(n k′); O(n² k) time and n² numbers for the bound
 * Reference   Kalinin & Lampert 2024, arXiv:2405.13763, Thm 2; Choquette-Choo et al. 2023, arXiv:2306.08153
 *
 * @example
 * sensitivitySquared({ steps: 16, participation: { minSeparation: 4 } })(toeplitz([1, 0.5])) // => { squared: 5, exact: true }
 */
export const sensitivitySquared =
  ({ steps, participation }: { readonly steps: number; readonly participation: Participation }) =>
  (strategy: Strategy): SquaredSensitivity => {
    const participations = participationsIn(steps)(participation)
    const column = coefficientsOf(steps)(strategy)
    const { minSeparation } = participation
    if (participations === 1 || bandsOf(column) <= minSeparation)
      return { squared: disjointPattern(column, minSeparation, participations), exact: true }
    if (isDescending(column)) return { squared: earliestPattern(column, minSeparation, participations), exact: true }
    return { squared: gramSensitivity(participation)(steps, toeplitzGram(column)), exact: false }
  }

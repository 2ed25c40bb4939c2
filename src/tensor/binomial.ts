/**
 * The binomial distribution, in log space.
 *
 * Legend: n trials, k successes, p their probability. p is given by its log-odds x = log(p/(1 − p)), so that neither p nor 1 − p
 * loses digits near 1.
 *
 * Logarithms of binomial masses are small differences of large numbers, and a relative error of P is an absolute one of log P: both
 * are why they are formed in 106 bits.
 */
import {
  add,
  type DoubleDouble,
  divide,
  exactly,
  exp,
  log,
  logOnePlusExp,
  multiply,
  negate,
  scale,
} from './double-double.js'
import { log1mexp, stirlingError } from './special.js'

/** A binomial law, and a number of successes. */
export interface Binomial {
  readonly trials: number
  readonly successes: number
  readonly logOdds: number
}

/** n! for n ≤ 22: all that are doubles. */
const factorials: readonly number[] = Array.from({ length: 23 }, (_, n) => {
  let product = 1
  for (let j = 2; j <= n; j++) product *= j
  return product
})

const HALF_LOG_2PI: DoubleDouble = { high: 0.9189385332046728, low: -3.8782941580672414e-17 }

/** log n!: its logarithm, or (n + ½) log n − n + ½ log 2π and what Stirling's formula leaves, whose error is below 4e-18. */
const logFactorial = (n: number): DoubleDouble =>
  n < factorials.length
    ? log(exactly(factorials[n] as number))
    : add(
        add(multiply(add(exactly(n), exactly(0.5)), log(exactly(n))), exactly(-n)),
        add(HALF_LOG_2PI, exactly(stirlingError(n))),
      )

/** p of log-odds x. */
const probability = (logOdds: number): number => 1 / (1 + Math.exp(-logOdds))

/** log P(K = k) for 0 ≤ k ≤ n, in 106 bits. */
const logMass = ({ trials: n, successes: k, logOdds }: Binomial): DoubleDouble => {
  const powers = add(scale(logOnePlusExp(-logOdds), -k), scale(logOnePlusExp(logOdds), -(n - k)))
  return k === 0 || k === n
    ? powers
    : add(add(logFactorial(n), negate(add(logFactorial(k), logFactorial(n - k)))), powers)
}

/**
 * log P(K = k).
 *
 * Guarantee   relative error ≤ 1e-15 for n ≤ 1e12
 *
 * @example
 * logBinomialMass({ trials: 3, successes: 1, logOdds: 0 }) // => Math.log(3 / 8)
 */
export const logBinomialMass = ({ trials, successes, logOdds }: Binomial): number => {
  if (successes < 0 || successes > trials) return -Infinity
  if (Math.abs(logOdds) === Infinity) return successes === (logOdds > 0 ? trials : 0) ? 0 : -Infinity
  return logMass({ trials, successes, logOdds }).high
}

/** log P(K ≥ k) for k above the mean: the ratios of terms fall from the first on, and all terms are positive. */
const logUpperTail = (law: Binomial): DoubleDouble => {
  const { trials: n, successes: k, logOdds } = law
  const odds = exp(exactly(logOdds))
  let term = exactly(1)
  let sum = exactly(1)
  for (let j = k; j < n; j++) {
    term = multiply(divide(scale(term, n - j), j + 1), odds)
    sum = add(sum, term)
    // What is left is at most the geometric series of this ratio.
    const ratio = ((n - j) / (j + 1)) * odds.high
    if (term.high * ratio <= 1e-18 * (1 - ratio) * sum.high) break
  }
  return add(logMass(law), log(sum))
}

/**
 * log P(K ≥ k).
 *
 * Cost        O(√n) terms at worst, near the mean; few in the tail
 * Guarantee   relative error ≤ 1e-15 for n ≤ 1e12, also where P is near 1; 0 at k ≤ 0, −∞ beyond n
 *
 * @example
 * logBinomialTail({ trials: 2, successes: 1, logOdds: 0 }) // => Math.log(3 / 4)
 */
export const logBinomialTail = ({ trials, successes, logOdds }: Binomial): number => {
  if (successes <= 0) return 0
  if (successes > trials || logOdds === -Infinity) return -Infinity
  if (logOdds === Infinity) return 0
  if (successes > trials * probability(logOdds)) return Math.min(0, logUpperTail({ trials, successes, logOdds }).high)
  // log(1 − e^(h + l)) = log(1 − e^h) − l e^h / (1 − e^h) to first order in the low part l.
  const { high, low } = logUpperTail({ trials, successes: trials - successes + 1, logOdds: -logOdds })
  if (high >= 0) return -Infinity
  return log1mexp(-high) - low / Math.expm1(-high)
}

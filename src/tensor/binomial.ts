/**
 * The binomial distribution, in log space.
 *
 * Legend: n trials, k successes, p their probability. p is given by its log-odds x = log(p/(1 − p)), so that neither p nor 1 − p
 * loses digits near 1.
 */
import { log1mexp, stirlingError } from './special.js'

/** A binomial law, and a number of successes. */
export interface Binomial {
  readonly trials: number
  readonly successes: number
  readonly logOdds: number
}

/** x log(x/m) + m − x ≥ 0, without cancellation where x is near m. */
const deviance = (x: number, m: number): number => {
  if (Math.abs(x - m) >= 0.1 * (x + m)) return x * Math.log(x / m) + m - x
  const v = (x - m) / (x + m)
  let sum = (x - m) * v
  let term = 2 * x * v
  for (let j = 1; ; j++) {
    term *= v * v
    const next = sum + term / (2 * j + 1)
    if (next === sum) return sum
    sum = next
  }
}

/** p of log-odds x, and 1 − p of −x, both with all their digits. */
const probability = (logOdds: number): number => 1 / (1 + Math.exp(-logOdds))

/**
 * log P(K = k).
 *
 * Guarantee   relative error of P about 1e-14 (1 + |log P| / 10) + 7e-16 |k − np|: the last is what a rounding of the log-odds does
 * Reference   Loader 2000, "Fast and accurate computation of binomial probabilities"
 *
 * @example
 * logBinomialMass({ trials: 3, successes: 1, logOdds: 0 }).toFixed(12) // => Math.log(3 / 8).toFixed(12)
 */
export const logBinomialMass = ({ trials: n, successes: k, logOdds }: Binomial): number => {
  if (k < 0 || k > n) return -Infinity
  const logFailure = logOdds > 0 ? -logOdds - Math.log1p(Math.exp(-logOdds)) : -Math.log1p(Math.exp(logOdds))
  const logSuccess = logOdds > 0 ? -Math.log1p(Math.exp(-logOdds)) : logOdds - Math.log1p(Math.exp(logOdds))
  if (k === 0) return n === 0 ? 0 : n * logFailure
  if (k === n) return n * logSuccess
  const [p, q] = [probability(logOdds), probability(-logOdds)]
  if (p === 0 || q === 0) return -Infinity
  return (
    stirlingError(n) -
    stirlingError(k) -
    stirlingError(n - k) -
    deviance(k, n * p) -
    deviance(n - k, n * q) +
    0.5 * Math.log(n / (2 * Math.PI * k * (n - k)))
  )
}

/** log P(K ≥ k) for k above the mean: the terms fall from the first on, and all are positive. */
const upperTail = ({ trials: n, successes: k, logOdds }: Binomial): number => {
  const odds = Math.exp(logOdds)
  let term = 1
  let sum = 1
  for (let j = k; j < n && term > 1e-18 * sum; j++) {
    term *= ((n - j) / (j + 1)) * odds
    sum += term
  }
  return logBinomialMass({ trials: n, successes: k, logOdds }) + Math.log(sum)
}

/**
 * log P(K ≥ k).
 *
 * Cost        O(√n) terms at worst, near the mean; few in the tail
 * Guarantee   relative error of P about 1e-13 (1 + |log P| / 10) + 7e-16 |k − np|; 0 at k ≤ 0, −∞ beyond n
 *
 * @example
 * logBinomialTail({ trials: 2, successes: 1, logOdds: 0 }).toFixed(12) // => Math.log(3 / 4).toFixed(12)
 */
export const logBinomialTail = ({ trials, successes, logOdds }: Binomial): number => {
  if (successes <= 0) return 0
  if (successes > trials || logOdds === -Infinity) return -Infinity
  if (logOdds === Infinity) return 0
  return successes > trials * probability(logOdds)
    ? Math.min(0, upperTail({ trials, successes, logOdds }))
    : log1mexp(-Math.min(0, upperTail({ trials, successes: trials - successes + 1, logOdds: -logOdds })))
}

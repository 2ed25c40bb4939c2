/**
 * Confidence bounds of a probability from counted successes (Clopper & Pearson 1934): exact, whatever the numbers.
 */
import { logBinomialTail } from '../../tensor/binomial.js'
import { narrow } from '../root.js'

/** Successes among independent trials of one probability. */
export interface Counted {
  readonly successes: number
  readonly trials: number
}

const isCount = (count: number): boolean => Number.isSafeInteger(count) && count >= 0

/** Throws unless 0 < significance < 1. @internal */
export const checkSignificance = (significance: number): number => {
  if (!(significance > 0 && significance < 1))
    throw new RangeError(`significance is ${significance}: it must be in (0, 1)`)
  return significance
}

/** Throws unless 0 ≤ successes ≤ trials are integers. @internal */
export const checkCounted = ({ successes, trials }: Counted): void => {
  if (!(isCount(successes) && isCount(trials) && successes <= trials))
    throw new RangeError(`${successes} of ${trials} trials: successes must be a part of the trials, both integers >= 0`)
}

/** The log-odds of the largest probability that k < n successes of n trials leave standing, from above. */
const largestLogOdds = (significance: number, { successes, trials }: Counted): number => {
  const target = Math.log(significance)
  // P[Bin(n, p) ≤ k] = P[Bin(n, 1 − p) ≥ n − k] falls as the odds grow.
  const excess = (logOdds: number): number =>
    logBinomialTail({ trials, successes: trials - successes, logOdds: -logOdds }) - target
  let [above, below] = [-1, 1]
  while (excess(above) <= 0) above *= 2
  while (excess(below) > 0) below *= 2
  return narrow({ bracket: { above, below }, tolerance: 1e-14 })(excess).below
}

/**
 * The largest probability p that k successes of n trials leave standing: P[Bin(n, p) ≤ k] = significance.
 *
 * Guarantee  exceeds the true probability except with probability `significance`, exactly; relative error ≤ 1e-12, upwards
 * @throws RangeError for counts that are none, or a significance outside of (0, 1)
 *
 * @example
 * binomialUpperBound(0.05)({ successes: 0, trials: 100 }).toFixed(6) // => '0.029513'
 */
export const binomialUpperBound =
  (significance: number) =>
  (counted: Counted): number => {
    checkSignificance(significance)
    checkCounted(counted)
    return counted.successes === counted.trials ? 1 : 1 / (1 + Math.exp(-largestLogOdds(significance, counted)))
  }

/**
 * The smallest probability that k successes of n trials leave standing.
 *
 * Guarantee  is below the true probability except with probability `significance`; relative error ≤ 1e-12, downwards
 * @throws RangeError for counts that are none, or a significance outside of (0, 1)
 *
 * @example
 * binomialLowerBound(0.05)({ successes: 100, trials: 100 }).toFixed(6) // => '0.970487'
 */
export const binomialLowerBound =
  (significance: number) =>
  ({ successes, trials }: Counted): number => {
    checkSignificance(significance)
    checkCounted({ successes, trials })
    // Of failures the largest, and what it leaves: by its log-odds, as 1 − p has few digits left where it is small.
    return successes === 0
      ? 0
      : 1 / (1 + Math.exp(largestLogOdds(significance, { successes: trials - successes, trials })))
  }

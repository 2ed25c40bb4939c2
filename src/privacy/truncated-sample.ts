/**
 * Poisson samples that are cut to a largest size: how probable a cut is, and a record's place in a batch that was cut.
 *
 *   τ = P[Bin(N−1, q) ≥ B],   q_c = P[Bin(N, q) > B] B/(Nτ)
 *
 * The other N − 1 records fill the batch with probability τ, whether or not the record is there. Then it displaces another one, and stands in
 * the batch with probability q_c; else the sample is as if it were not cut.
 *
 * Reference  Ganesh et al. 2025, arXiv:2508.15089
 */
import { logBinomialTail } from '../tensor/binomial.js'
import { log1mexp } from '../tensor/special.js'

/** A Poisson sample of N = `datasetSize` records, 0 < q, that is cut to B = `truncatedBatchSize` of them. */
export interface TruncatedSample {
  readonly datasetSize: number
  readonly samplingProbability: number
  readonly truncatedBatchSize: number
}

/** log τ, log(1 − τ) and log q_c. */
export interface Truncation {
  readonly logCut: number
  readonly logUncut: number
  readonly logDisplacing: number
}

/**
 * The probabilities of a truncated sample, rounded up.
 *
 * Cost       O(√(Nq)), whatever N
 * Guarantee  upper bounds: raised by what the binomial tails and the log-odds are rounded by, some 1e-12 relative
 *
 * @example
 * Math.exp(truncation({ datasetSize: 2, samplingProbability: 0.25, truncatedBatchSize: 1 }).logCut).toFixed(9) // => '0.250000000'
 */
export const truncation = ({
  datasetSize,
  samplingProbability: q,
  truncatedBatchSize,
}: TruncatedSample): Truncation => {
  const logOdds = Math.log(q) - Math.log1p(-q)
  // Of a tail e^l at k, |k − Nq| is at most √(2l) times the root of the larger of the two.
  const perRoot =
    1e-15 * (1 + Math.min(800, Math.abs(logOdds))) * Math.sqrt(Math.max(truncatedBatchSize, datasetSize * q))
  const raised = (log: number): number =>
    log === -Infinity ? log : log + 2e-13 * (1 + 0.1 * Math.abs(log)) + perRoot * Math.sqrt(Math.abs(log))
  const cut = logBinomialTail({ trials: datasetSize - 1, successes: truncatedBatchSize, logOdds })
  const over = logBinomialTail({ trials: datasetSize, successes: truncatedBatchSize + 1, logOdds })
  return {
    logCut: Math.min(0, raised(cut)),
    logUncut: Math.min(0, raised(log1mexp(-cut))),
    logDisplacing:
      cut === -Infinity
        ? -Infinity
        : Math.min(0, raised(over) + raised(cut) - 2 * cut + Math.log(truncatedBatchSize / datasetSize)),
  }
}

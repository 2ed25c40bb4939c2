/**
 * Poisson samples that are cut to a largest size.
 *
 * With probability τ at most, the other N − 1 records fill the batch already; then a record that comes displaces another one, and the
 * two datasets' sums differ as by a replacement. Else the sample is as if it were not cut.
 *
 *   τ = P[Bin(N−1, q) ≥ B],   q_c = P[Bin(N, q) > B] · B / (N τ): the chance of the record to be in a batch that was cut
 *
 * Reference  Ganesh et al. 2025, arXiv:2508.15089
 */
import { logComb } from '../../tensor/special.js'

/** P[Bin(n, q) ≥ from]. */
const upperTail = (n: number, q: number, from: number): number => {
  let sum = 0
  for (let k = n; k >= from; k--)
    sum += Math.exp(logComb({ n, k }) + k * Math.log(q) + (n - k === 0 ? 0 : (n - k) * Math.log1p(-q)))
  return Math.min(1, sum)
}

/** τ and q_c. */
export const truncation = ({
  datasetSize,
  samplingProbability: q,
  truncatedBatchSize,
}: {
  readonly datasetSize: number
  readonly samplingProbability: number
  readonly truncatedBatchSize: number
}): { readonly probability: number; readonly samplingProbability: number } => {
  const probability = upperTail(datasetSize - 1, q, truncatedBatchSize)
  return {
    probability,
    samplingProbability:
      probability === 0
        ? 0
        : Math.min(
            1,
            (upperTail(datasetSize, q, truncatedBatchSize + 1) * truncatedBatchSize) / (datasetSize * probability),
          ),
  }
}

/**
 * Rényi bounds of samples of any mechanism, from its curve alone.
 *
 * Legend: q the sampling probability (batch size / dataset size), ε_j the divergence of the mechanism at order j, α an integer.
 */
import { logComb, logExpm1, logSumExp } from '../../tensor/special.js'
import { betweenOrders, LARGEST_ORDER } from './integer-orders.js'

/** A curve and the probability with which a record is seen. */
export interface SampledCurve {
  readonly samplingProbability: number
  /** c ↦ rdp(1 + c) of the mechanism on its sample. */
  readonly rdpAtExcess: (excess: number) => number
}

/** (j − 1) ε_j at the integers j = 0, 1, …; j < 2 is not used. */
const logPowersOf = (rdpAtExcess: (excess: number) => number): readonly number[] =>
  Array.from({ length: LARGEST_ORDER + 1 }, (_, j) => (j < 2 ? 0 : (j - 1) * rdpAtExcess(j - 1)))

/** log(1 + Σ e^logs). */
const log1pSum = (logs: readonly number[]): number => {
  const sum = logSumExp(logs)
  return sum > 0 ? sum + Math.log1p(Math.exp(-sum)) : Math.log1p(Math.exp(sum))
}

/**
 * A Poisson sample of any mechanism, when one record is added or removed.
 *
 *   A(α) ≤ (1−q)^(α−1) (αq − q + 1) + C(α,2) q² (1−q)^(α−2) e^(ε₂) + 3 Σ_{j=3}^{α} C(α,j) q^j (1−q)^(α−j) e^((j−1)ε_j)
 *
 * written as 1 + Σ C(α,j) q^j (1−q)^(α−j) (e^((j−1)ε_j) − 1) + 2 Σ_{j≥3} …, since the binomial weights sum to 1: nothing cancels.
 *
 * Cost       256 orders of the curve and 2¹⁵ terms when formed, nothing for an order
 * Guarantee  an upper bound at orders up to 256, Infinity beyond
 * References Zhu & Wang 2019, "Poisson subsampled Rényi differential privacy", ICML, the bound for general mechanisms
 */
export const poissonSampledRdpAtExcess = ({
  samplingProbability: q,
  rdpAtExcess,
}: SampledCurve): ((excess: number) => number) => {
  const powers = logPowersOf(rdpAtExcess)
  const [logQ, log1mQ] = [Math.log(q), Math.log1p(-q)]
  return betweenOrders(
    Array.from({ length: LARGEST_ORDER }, (_, i) => {
      const order = i + 1
      const logs: number[] = []
      for (let j = 2; j <= order; j++) {
        const weight = logComb({ n: order, k: j }) + j * logQ + (order - j) * log1mQ
        const power = powers[j] as number
        logs.push(weight + logExpm1(power))
        if (j > 2) logs.push(Math.LN2 + weight + power)
      }
      return order === 1 ? 0 : log1pSum(logs)
    }),
  )
}

/**
 * A batch of fixed size drawn without replacement, of any mechanism whose curve holds when one record is replaced.
 *
 *   A(α) ≤ 1 + C(α,2) q² min(4(e^(ε₂) − 1), e^(ε₂) m₂) + Σ_{j=3}^{α} C(α,j) q^j e^((j−1)ε_j) m_j,   m_j = min(2, (e^(ε_∞) − 1)^j)
 *
 * Cost, guarantee   as `poissonSampledRdpAtExcess`
 * References Wang, Balle & Kasiviswanathan 2019, arXiv:1808.00087, Thm 9
 */
export const withoutReplacementCurveRdpAtExcess = ({
  samplingProbability: q,
  rdpAtExcess,
}: SampledCurve): ((excess: number) => number) => {
  const powers = logPowersOf(rdpAtExcess)
  const logLargest = logExpm1(rdpAtExcess(Infinity))
  const logQ = Math.log(q)
  return betweenOrders(
    Array.from({ length: LARGEST_ORDER }, (_, i) => {
      const order = i + 1
      const logs: number[] = []
      for (let j = 2; j <= order; j++) {
        const power = powers[j] as number
        const simple = power + Math.min(Math.LN2, j * logLargest)
        const factor = j === 2 ? Math.min(simple, Math.log(4) + logExpm1(power)) : simple
        logs.push(logComb({ n: order, k: j }) + j * logQ + factor)
      }
      return order === 1 ? 0 : log1pSum(logs)
    }),
  )
}

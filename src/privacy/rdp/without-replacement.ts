/**
 * Rényi divergence of a Gaussian mechanism on a batch of fixed size, drawn without replacement: a bound, for datasets of one
 * size that differ in one record.
 *
 * Legend: q = batch size / dataset size, σ the noise multiplier in units of the sensitivity to a replaced record (2C for a sum
 * clipped to C), c = α − 1.
 */
import { logComb, logExpm1, logSumExp } from '../../tensor/special.js'
import { betweenOrders, LARGEST_ORDER } from './integer-orders.js'

/** The mechanism: σ and q as above. */
export interface WithoutReplacementParameters {
  readonly noiseMultiplier: number
  readonly samplingProbability: number
}

/**
 * log E_{x ~ N(0, σ²)} [ (e^((2x − 1)/(2σ²)) − 1)^l ] for even l: the alternating sum Σᵢ (−1)ⁱ C(l, i) e^(i(i−1)/(2σ²)) of the
 * theorem, as an integral of something positive. By the trapezoid rule, whose step suits the size of the integrand off the
 * real line: at most (e^z + 1)^l there. For little noise the term e^(l(l−1)/(2σ²)) is the whole sum: the others are below e^(−4000) of it,
 * and the rule would need l/σ nodes.
 */
const logCentralMoment = (sigma: number, l: number): number => {
  if (sigma < 1 / 64) return (0.5 * l * (l - 1)) / sigma / sigma
  const root = Math.sqrt(l)
  const step = (2 * Math.PI) / Math.sqrt(2 * (44 + l * Math.log(2 + 2 * sigma)))
  const half = 0.5 / sigma / sigma
  const logs: number[] = []
  for (let k = Math.floor((-root - 12) / step); k * step <= l / sigma + root + 12; k++) {
    const t = k * step
    const z = t / sigma - half
    logs.push(-0.5 * t * t + l * (z > 30 ? z + Math.log1p(-Math.exp(-z)) : Math.log(Math.abs(Math.expm1(z)))))
  }
  return logSumExp(logs) + Math.log(step) - 0.5 * Math.log(2 * Math.PI)
}

/** log A at the orders 1, 2, …, 256. */
const logMoments = ({
  noiseMultiplier: sigma,
  samplingProbability: q,
}: WithoutReplacementParameters): readonly number[] => {
  const precision = 1 / sigma / sigma
  const central = Array.from({ length: LARGEST_ORDER / 2 + 1 }, (_, i) =>
    i === 0 ? 0 : logCentralMoment(sigma, 2 * i),
  )
  const factors = Array.from({ length: LARGEST_ORDER + 1 }, (_, j) => {
    if (j < 2) return -Infinity
    const simple = Math.LN2 + 0.5 * j * (j - 1) * precision
    const refined =
      j === 2
        ? Math.log(4) + logExpm1(precision)
        : Math.log(4) + 0.5 * ((central[Math.floor(j / 2)] as number) + (central[Math.ceil(j / 2)] as number))
    return j * Math.log(q) + Math.min(simple, refined)
  })
  return Array.from({ length: LARGEST_ORDER }, (_, i) => {
    const order = i + 1
    if (order === 1) return 0
    const logs = logSumExp(
      Array.from({ length: order - 1 }, (_unused, k) => logComb({ n: order, k: k + 2 }) + (factors[k + 2] as number)),
    )
    return logs > 0 ? logs + Math.log1p(Math.exp(-logs)) : Math.log1p(Math.exp(logs))
  })
}

/**
 * A bound of the Rényi divergence at order 1 + c, for orders up to 256; Infinity beyond.
 *
 *   A(α) = 1 + C(α,2) q² min(4(e^(ε₂) − 1), 2e^(ε₂)) + Σ_{j=3}^{α} C(α,j) qʲ min(4 √(B(2⌊j/2⌋) B(2⌈j/2⌉)), 2e^((j−1)ε_j))
 *
 * with ε_j = j/(2σ²) and B(l) = E[(e^z − 1)^l]. Between integers log A is interpolated, which is a bound because the true
 * log A is convex.
 *
 * Cost       2¹⁵ terms when the curve is formed (a few milliseconds), nothing for an order
 * References Wang, Balle & Kasiviswanathan 2019, arXiv:1808.00087, Thm 27, Cor. 10
 */
export const withoutReplacementRdpAtExcess = (parameters: WithoutReplacementParameters): ((excess: number) => number) =>
  betweenOrders(logMoments(parameters))

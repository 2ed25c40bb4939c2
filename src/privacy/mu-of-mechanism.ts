/**
 * The least μ for which mechanisms that are no Gaussians are μ-Gaussian private.
 *
 * A trade-off function of finitely many pieces lies above a Gaussian one where its corners do, and G_μ passes through the corner
 * (false positives a, true positives b) at μ = Φ⁻¹(b) − Φ⁻¹(a).
 *
 * Reference  Dong, Roth & Su 2022, arXiv:1905.02383, Def. 2.4, eq. 6
 */
import { ndtri } from '../tensor/normal-quantile.js'

/**
 * Any ε-DP mechanism: μ = −2Φ⁻¹(1/(1 + e^ε)), the corner of randomised response between two.
 *
 * @example
 * gdpOfPureDp(0) // => 0
 */
export const gdpOfPureDp = (epsilon: number): number => -2 * ndtri(1 / (1 + Math.exp(epsilon)))

/**
 * Randomised response where a record is replaced: μ = Φ⁻¹(own) − Φ⁻¹(other), from the probabilities of the own answer and of another.
 *
 * @example
 * gdpOfRandomizedResponse({ noiseParameter: 0.5, buckets: 2 }).toFixed(5) // => '1.34898'
 */
export const gdpOfRandomizedResponse = ({
  noiseParameter,
  buckets,
}: {
  readonly noiseParameter: number
  readonly buckets: number
}): number => {
  const other = noiseParameter / buckets
  // Φ⁻¹(own) from 1 − own, which keeps its digits where own is near 1.
  return -ndtri((buckets - 1) * other) - ndtri(other)
}

/**
 * Rényi divergence of the discrete Gaussian mechanism.
 *
 *   rdp = αΔ²/(2σ²) + log( θ(αΔ)/θ(0) ) / (α − 1),   θ(s) = Σ_{x ∈ ℤ} e^(−(x − s)²/(2σ²))
 *
 * θ has period 1 and its maximum at the integers, so the divergence is at most that of the Gaussian, with equality where αΔ is an
 * integer. Legend: c = α − 1; s = cΔ up to an integer, |s| ≤ ½ (Δ is an integer, so that αΔ and cΔ differ by one).
 */

/** log(θ(s)/θ(0)) for |s| ≤ ½. */
const logThetaRatio = (sigma: number, s: number): number => {
  if (s === 0) return 0
  if (sigma >= 0.4) {
    // The Fourier series of θ: 1 + 2 Σ e^(−2π²σ²k²) cos(2πks), and cos − 1 = −2 sin².
    let change = 0
    let at0 = 1
    for (let k = 1; k < 20; k++) {
      const weight = 2 * Math.exp(-2 * (Math.PI * sigma * k) ** 2)
      if (weight < 1e-300) break
      at0 += weight
      change -= 2 * weight * Math.sin(Math.PI * k * s) ** 2
    }
    return Math.log1p(change / at0)
  }
  // e^(−s²/(2σ²)) (1 + 2 Σ e^(−k²/(2σ²)) cosh(ks/σ²)), and 2 cosh(ks/σ²) e^(−k²/(2σ²)) = e^(−k(k − 2s)/(2σ²)) + e^(−k(k + 2s)/(2σ²)).
  const half = 0.5 / sigma / sigma
  let change = 0
  let at0 = 1
  for (let k = 1; k < 20; k++) {
    const weight = Math.exp(-half * k * k)
    at0 += 2 * weight
    change += Math.exp(-half * k * (k - 2 * s)) + Math.exp(-half * k * (k + 2 * s)) - 2 * weight
  }
  return -half * s * s + Math.log1p(change / at0)
}

/** The mechanism: σ and Δ in steps of the grid. */
export interface DiscreteGaussianParameters {
  readonly sigma: number
  readonly sensitivity: number
}

/**
 * Rényi divergence at order 1 + excess; Δ²/(2σ²) at order 1.
 *
 * Guarantee   relative error ≤ 1e-12 for excess·Δ < 2^50; beyond, that of the Gaussian, an upper bound
 * Reference   Canonne, Kamath & Steinke 2020, arXiv:2004.00010, Prop. 5 and its proof
 *
 * @example
 * discreteGaussianRdpAtExcess({ sigma: 1, sensitivity: 1 })(1) // => 1
 */
export const discreteGaussianRdpAtExcess =
  ({ sigma, sensitivity }: DiscreteGaussianParameters) =>
  (excess: number): number => {
    const gaussian = (1 + excess) * 0.5 * (sensitivity / sigma) ** 2
    if (excess === 0 || !(excess * sensitivity < 2 ** 50)) return sensitivity === 0 ? 0 : gaussian
    const shift = excess * sensitivity
    return gaussian + logThetaRatio(sigma, shift - Math.round(shift)) / excess
  }

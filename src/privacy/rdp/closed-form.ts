/**
 * Rényi divergences with a closed form, each at order 1 + c for c ≥ 0 (c = 0: the Kullback–Leibler divergence).
 */
import { logExpm1 } from '../../tensor/special.js'

/** log(1 + x)/c, and for c → 0 the limit that the caller knows. */
const overExcess = (value: number, excess: number, limit: number): number => (excess === 0 ? limit : value / excess)

/**
 * The Gaussian mechanism: α / (2σ²).
 *
 * Reference  Mironov 2017, arXiv:1702.07476, Prop. 7
 *
 * @example
 * gaussianRdpAtExcess(1)(1) // => 1
 */
export const gaussianRdpAtExcess =
  (noiseMultiplier: number) =>
  (excess: number): number => {
    const half = 0.5 / noiseMultiplier / noiseMultiplier
    return half === 0 ? 0 : (1 + excess) * half
  }

/**
 * The Laplace mechanism of scale b (in units of the sensitivity).
 *
 *   rdp = log( α/(2α−1) e^((α−1)/b) + (α−1)/(2α−1) e^(−α/b) ) / (α−1);   1/b + e^(−1/b) − 1 at order 1;   1/b at ∞
 *
 * Guarantee   relative error ≤ 1e-12: the argument of the logarithm is 1 + a sum whose parts are formed by expm1
 * Reference   Mironov 2017, arXiv:1702.07476, Prop. 6
 */
export const laplaceRdpAtExcess =
  (scale: number) =>
  (c: number): number => {
    const loss = 1 / scale
    if (loss === 0) return 0
    if (c === Infinity || loss === Infinity) return loss
    if (loss < 0.5 && c * loss < 0.5) return laplaceSeries(loss, c)
    const exponent = c * loss
    const first = Math.log1p(-c / (1 + 2 * c)) + exponent
    const second = c === 0 ? -Infinity : Math.log(c / (1 + 2 * c)) - (1 + c) * loss
    return overExcess(first + Math.log1p(Math.exp(second - first)), c, loss + Math.expm1(-loss))
  }

/**
 * Small losses by Taylor's series of the moment E[e^(cL)] in x = 1/b: with w = 1 + 2c, the k-th coefficient is
 * ((1+c)cᵏ + (−1)ᵏ c(1+c)ᵏ) / (w k!), which is c(1+c) [cᵏ⁻¹ + (−1)ᵏ(1+c)ᵏ⁻¹] / (w k!). The bracket at k = 2 is w; at 1 it is 0.
 */
const laplaceSeries = (x: number, c: number): number => {
  let sum = 0
  let power = x
  for (let k = 2; k < 40; k++) {
    power *= x / k
    const bracket = c ** (k - 1) + (k % 2 === 0 ? 1 : -1) * (1 + c) ** (k - 1)
    const term = ((1 + c) * bracket * power) / (1 + 2 * c)
    sum += term
    if (Math.abs(term) <= 1e-18 * sum) break
  }
  return c === 0 ? sum : Math.log1p(c * sum) / c
}

/**
 * The worst ε-DP mechanism: randomised response.
 *
 *   rdp = log( (sinh(αε) − sinh((α−1)ε)) / sinh ε ) / (α−1) = log( cosh((α − ½)ε) / cosh(ε/2) ) / (α−1);   ε tanh(ε/2) at order 1
 *
 * Guarantee   relative error ≤ 1e-12
 * Reference   Bun & Steinke 2016, arXiv:1605.02065, Prop. 3.3
 */
export const pureDpRdpAtExcess =
  (epsilon: number) =>
  (c: number): number => {
    if (epsilon === 0) return 0
    // From here on cosh is an exponential to 64 bits.
    if (c === Infinity || epsilon > 50) return epsilon
    if (c === 0) return epsilon * Math.tanh(epsilon / 2)
    // cosh((α−½)ε)/cosh(ε/2) = 1 + 2 sinh(αε/2) sinh((α−1)ε/2)/cosh(ε/2), from cosh a − cosh b = 2 sinh((a+b)/2) sinh((a−b)/2).
    const logSinh = (x: number): number => logExpm1(2 * x) - x - Math.LN2
    const logCosh = epsilon / 2 + Math.log1p(Math.exp(-epsilon)) - Math.LN2
    const logs = Math.LN2 + logSinh(((1 + c) * epsilon) / 2) + logSinh((c * epsilon) / 2) - logCosh
    return (logs > 0 ? logs + Math.log1p(Math.exp(-logs)) : Math.log1p(Math.exp(logs))) / c
  }

/** x/(e^x − 1). */
const bernoulliOf = (x: number): number => (x === 0 ? 1 : x / Math.expm1(x))

/**
 * The exponential mechanism, from its ε-bounded range: its losses lie in an interval of length ε, so K'' ≤ ε²/4 and
 *
 *   rdp ≤ min(ε, κ + (α − 1) ε²/8),   κ = b − 1 − log b,   b = ε/(e^ε − 1)
 *
 * where κ is the largest Kullback–Leibler divergence of that range.
 *
 * Guarantee   an upper bound; relative error ≤ 1e-12
 * Reference   Cesar & Rogers 2021, arXiv:2004.07223, section 3
 *
 * @example
 * exponentialMechanismRdpAtExcess(1)(Infinity) // => 1
 */
export const exponentialMechanismRdpAtExcess =
  (epsilon: number) =>
  (c: number): number => {
    if (epsilon === 0) return 0
    const b = bernoulliOf(epsilon)
    // b − 1 = −ε/2 + …: the difference loses digits where ε is small.
    const kl = epsilon < 0.25 ? smallRangeDivergence(epsilon) : epsilon > 700 ? epsilon : b - 1 - Math.log(b)
    return Math.min(epsilon, kl + (c * epsilon * epsilon) / 8)
  }

/** κ for ε < ¼, by its series: ε²/8 − ε⁴/576 + …, from log b = −ε/2 − log(sinh(ε/2)/(ε/2)) and b = ε/2 (coth(ε/2) − 1). */
const smallRangeDivergence = (epsilon: number): number => {
  const s = epsilon * epsilon
  return s * (1 / 8 - s * (1 / 576 - s * (1 / 25_920 - s * (1 / 1_075_200 - s / 43_545_600))))
}

/**
 * (ξ, ρ)-zero-concentrated privacy: ξ + ρα.
 *
 * Reference   Bun & Steinke 2016, arXiv:1605.02065, Def. 8.1
 *
 * @example
 * zeroConcentratedRdpAtExcess({ rho: 0.5, xi: 0 })(1) // => 1
 */
export const zeroConcentratedRdpAtExcess =
  ({ rho, xi }: { readonly rho: number; readonly xi: number }) =>
  (excess: number): number =>
    rho === 0 ? xi : xi + rho * (1 + excess)

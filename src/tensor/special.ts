/**
 * Special functions in float64: the normal tail in log space, log Γ, and sums and differences of logarithms.
 *
 * u denotes the unit roundoff 2⁻⁵³. "Relative" bounds hold against the exact value of the function at the stored argument.
 */

const INVERSE_SQRT_PI = 0.5641895835477563
const HALF_LOG_2PI = 0.9189385332046728
const LOG_2 = Math.LN2

/** Nodes t = (k + ½)/2 of the midpoint rule of `erfcx`: t² and e^(−t²). t² is exact. */
const midpointSquares: readonly number[] = Array.from({ length: 14 }, (_, k) => ((k + 0.5) / 2) ** 2)
const midpointWeights: readonly number[] = midpointSquares.map((square) => Math.exp(-square))

/** e^(±x²·scale) with the rounding error of x² taken back, for scale a power of two. */
const expOfSquare = (x: number, scale: number): number => {
  const high = Math.fround(x)
  return Math.exp(high * high * scale) * Math.exp((x - high) * (x + high) * scale)
}

/**
 * The scaled complementary error function e^(x²) erfc(x).
 *
 *   erfcx(x) = (2hx/π) Σₖ e^(−tₖ²) / (x² + tₖ²) + 2e^(x²) / (1 + e^(2πx/h)),   tₖ = (k + ½)h, h = ½, x > 0
 *
 * the midpoint rule for w(ix) with the residue of its pole: every term is positive, so nothing cancels.
 *
 * Guarantee   relative error ≤ 1e-15 for x ≥ −26.6; Infinity below (the value overflows). The rule itself errs by e^(−(π/h)²) < 1e-17
 * References  Chiarella & Reichel 1968, On the evaluation of integrals related to the error function, Math. Comp. 22
 *
 * @example
 * erfcx(0) // => 1
 */
export const erfcx = (x: number): number => {
  if (x < 0) return 2 * expOfSquare(x, 1) - erfcx(-x)
  if (x > 1e8) return INVERSE_SQRT_PI / x
  const square = x * x
  let sum = 0
  for (let k = midpointSquares.length - 1; k >= 0; k--)
    sum += (midpointWeights[k] as number) / (square + (midpointSquares[k] as number))
  const residue = x < 2 * Math.PI ? (2 * Math.exp(square)) / (1 + Math.exp(4 * Math.PI * x)) : 0
  return (x / Math.PI) * sum + residue
}

/**
 * The complementary error function, 1 − erf(x), without cancellation in the upper tail.
 *
 * Guarantee   relative error ≤ 1e-15 for x ≤ 26.5, where the value is a normal number; to the last subnormal beyond
 *
 * @example
 * erfc(0) // => 1
 */
export const erfc = (x: number): number => (x < 0 ? 2 - erfc(-x) : x > 28 ? 0 : expOfSquare(x, -1) * erfcx(x))

/** P(Z > x) for x ≥ 0; the argument is squared before it is divided by √2, which keeps the relative error of the far tail. */
const upperTail = (x: number): number => (x > 39 ? 0 : 0.5 * expOfSquare(x, -0.5) * erfcx(x * Math.SQRT1_2))

/**
 * Φ(x), the standard normal distribution function.
 *
 * Guarantee   relative error ≤ 1e-15 for x ≥ −37.5
 *
 * @example
 * ndtr(0) // => 0.5
 */
export const ndtr = (x: number): number => (x < 0 ? upperTail(-x) : 1 - upperTail(x))

/**
 * log Φ(x).
 *
 *   log Φ(x) = −x²/2 + log(erfcx(−x/√2)/2)  for x < 0,   log1p(−Φ(−x))  otherwise
 *
 * Both terms of the first line are negative, so there is no cancellation at either end.
 *
 * Guarantee   relative error ≤ 1e-15 wherever the value is a normal number: down to −∞, and up to x = 37
 *
 * @example
 * logNdtr(0) // => -0.6931471805599453
 */
export const logNdtr = (x: number): number =>
  x < 0 ? -0.5 * x * x + Math.log(0.5 * erfcx(-x * Math.SQRT1_2)) : Math.log1p(-upperTail(x))

/** log φ(x), the standard normal log density. */
export const logNormalDensity = (x: number): number => -0.5 * x * x - HALF_LOG_2PI

/**
 * Mills' ratio (1 − Φ(x)) / φ(x).
 *
 * Guarantee   relative error ≤ 1e-15 for x ≥ −37; Infinity below
 */
export const millsRatio = (x: number): number =>
  x < 0
    ? Math.sqrt(2 * Math.PI) * expOfSquare(x, 0.5) - millsRatio(-x)
    : Math.sqrt(Math.PI / 2) * erfcx(x * Math.SQRT1_2)

/** ζ(j) − 1 for j ≥ 2, by summation from the small end; the tail from 200 on by Euler and Maclaurin. */
const zetaMinusOne = (j: number): number => {
  const cut = 200
  let sum = cut ** (1 - j) / (j - 1) + cut ** -j / 2 + (j * cut ** (-j - 1)) / 12
  sum -= (j * (j + 1) * (j + 2) * cut ** (-j - 3)) / 720
  for (let n = cut - 1; n >= 2; n--) sum += n ** -j
  return sum
}
const zetaCoefficients: readonly number[] = Array.from(
  { length: 29 },
  (_, i) => ((i % 2 === 0 ? 1 : -1) * zetaMinusOne(i + 2)) / (i + 2),
)
const ONE_MINUS_EULER_GAMMA = 0.42278433509846713

/** log Γ(2 + z) = (1 − γ)z + Σⱼ₌₂ (−1)ʲ (ζ(j) − 1) zʲ/j for |z| ≤ ½: vanishes with z, so the zero of log Γ at 2 keeps its digits. */
const logGammaNearTwo = (z: number): number => {
  let sum = 0
  for (let i = zetaCoefficients.length - 1; i >= 0; i--) sum = sum * z + (zetaCoefficients[i] as number)
  return z * (ONE_MINUS_EULER_GAMMA + z * sum)
}

/** B₂ⱼ / (2j(2j − 1)): the coefficients of Stirling's series. */
const stirling: readonly number[] = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156]

/**
 * log Γ(x) for x > 0.
 *
 * Taylor's series at 2 (and, through Γ(x+1) = xΓ(x), at 1 and towards 0), Stirling's series from 10 on, the recurrence between.
 *
 * Guarantee   relative error ≤ 1e-15 for every x > 0, the zeros at 1 and 2 included; NaN for x < 0
 *
 * @example
 * lgamma(1) // => 0
 */
export const lgamma = (x: number): number => {
  if (x === 0) return Infinity
  if (!(x > 0)) return Number.NaN
  if (x < 0.5) return logGammaNearTwo(x) - Math.log1p(x) - Math.log(x)
  if (x < 1.5) return logGammaNearTwo(x - 1) - Math.log1p(x - 1)
  if (x < 10) {
    let shifted = x
    let product = 1
    while (shifted > 2.5) {
      shifted -= 1
      product *= shifted
    }
    return logGammaNearTwo(shifted - 2) + Math.log(product)
  }
  if (x > 1e17) return x * (Math.log(x) - 1)
  const inverse = 1 / x
  const square = inverse * inverse
  let series = 0
  for (let j = stirling.length - 1; j >= 0; j--) series = series * square + (stirling[j] as number)
  return (x - 0.5) * (Math.log(x) - 1) + (HALF_LOG_2PI - 0.5 + series * inverse)
}

/**
 * log n! − (n + ½) log n + n − ½ log 2π for n > 0: what Stirling's formula leaves.
 *
 * @internal
 */
export const stirlingError = (n: number): number => {
  if (n <= 15) return lgamma(n + 1) - (n + 0.5) * Math.log(n) + n - HALF_LOG_2PI
  const square = n * n
  return (1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - 1 / 1188 / square) / square) / square) / square) / n
}

/**
 * log C(n, k), the logarithm of a binomial coefficient, for integers 0 ≤ k ≤ n; −Infinity outside.
 *
 * A product for few factors; else n times the entropy of k/n and what Stirling's formula leaves, in which nothing cancels.
 *
 * Guarantee   relative error ≤ 1e-14
 *
 * @example
 * Math.round(Math.exp(logComb({ n: 5, k: 2 }))) // => 10
 */
export const logComb = ({ n, k }: { readonly n: number; readonly k: number }): number => {
  const small = Math.min(k, n - k)
  if (small < 0) return -Infinity
  if (small <= 30) {
    let product = 1
    for (let j = 1; j <= small; j++) product *= (n - small + j) / j
    if (product < Infinity) return Math.log(product)
  }
  const large = n - small
  return (
    small * Math.log(n / small) -
    large * Math.log1p(-small / n) -
    0.5 * Math.log(2 * Math.PI * small * (large / n)) +
    (stirlingError(n) - stirlingError(small) - stirlingError(large))
  )
}

/**
 * log(eᵃ + eᵇ). Commutative; −Infinity is its unit.
 *
 * Guarantee   relative error of the sum eᵃ + eᵇ ≤ u (2 + |a| + |b|), at the arguments' own rounding
 *
 * @example
 * logAddExp(0, -Infinity) // => 0
 */
export const logAddExp = (a: number, b: number): number => {
  const high = Math.max(a, b)
  if (high === -Infinity || high === Infinity) return high
  return high + Math.log1p(Math.exp(Math.min(a, b) - high))
}

/**
 * log(1 − e^(−x)) for x ≥ 0, exact in both limits.
 *
 * Reference  Mächler 2012, Accurately computing log(1 − exp(−|a|))
 */
export const log1mexp = (x: number): number => (x <= LOG_2 ? Math.log(-Math.expm1(-x)) : Math.log1p(-Math.exp(-x)))

/**
 * log(eᵃ − eᵇ) for a ≥ b; −Infinity where they are equal, NaN where a < b.
 *
 * Guarantee   the difference a − b is the only cancellation: relative error of the exponential ≤ 4u (1 + (|a| + |b|) / (a − b))
 *
 * @example
 * logSubExp(Math.log(3), Math.log(2)) // ≈ 0
 */
export const logSubExp = (a: number, b: number): number => (a === b ? -Infinity : a + log1mexp(a - b))

/** What log 2 is above its double. */
const LOG_2_REST = 2.3190468138462996e-17

/**
 * log(eˣ − 1) for x ≥ 0, without overflow. Next to its zero at log 2 by eˣ − 1 = 1 + 2(e^(x − log 2) − 1), which has its digits there.
 *
 * Guarantee   relative error ≤ 1e-15
 *
 * @example
 * logExpm1(0) // => -Infinity
 */
export const logExpm1 = (x: number): number =>
  x > 36
    ? x + Math.log1p(-Math.exp(-x))
    : x > 0.5 && x < 1
      ? Math.log1p(2 * Math.expm1(x - LOG_2 - LOG_2_REST))
      : Math.log(Math.expm1(x))

/**
 * log Σ exp(xᵢ); −Infinity for no terms.
 *
 * @example
 * logSumExp([]) // => -Infinity
 */
export const logSumExp = (terms: readonly number[]): number => {
  const high = terms.reduce((a, b) => Math.max(a, b), -Infinity)
  if (high === -Infinity || high === Infinity) return high
  return high + Math.log(terms.reduce((sum, term) => sum + Math.exp(term - high), 0))
}

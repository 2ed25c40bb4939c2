/**
 * Strategies of correlated noise: a lower triangular Toeplitz matrix C, as data.
 *
 * The noise of step t is (C⁻¹z)ₜ with z independent, so that C times what is released is a sum with independent noise. All
 * prefix sums are released when every step is: A = BC with A the lower triangle of ones, B = AC⁻¹.
 *
 * Legend: cₖ = entries of C's first column, dₖ of C⁻¹'s; n steps. C is n × n for whatever n: strategies are streams.
 *
 * References  Denisov et al. 2022, arXiv:2202.08312 · Dvijotham et al. 2024, arXiv:2404.16706 · Kalinin & Lampert 2024,
 *             arXiv:2405.13763 (banded) · Kalinin, McKenna, Upadhyay & Lampert 2025, arXiv:2505.12128 (banded inverse)
 */

/** The first column of C; zeros beyond the list: a banded matrix with as many bands as the list has entries. */
export interface ToeplitzStrategy {
  readonly _tag: 'Toeplitz'
  readonly coefficients: readonly number[]
}

/** The first column of C⁻¹; zeros beyond the list: the noise of a step is a combination of the last few draws. */
export interface InverseToeplitzStrategy {
  readonly _tag: 'InverseToeplitz'
  readonly noisingCoefficients: readonly number[]
}

/** A buffered linear Toeplitz matrix: c₀ = 1, cₖ = Σᵢ ωᵢ θᵢᵏ⁻¹ with decays θᵢ and output scales ωᵢ. */
export interface BufferedToeplitzStrategy {
  readonly _tag: 'BufferedToeplitz'
  readonly bufferDecays: readonly number[]
  readonly outputScales: readonly number[]
}

/** A strategy matrix C as plain data: noise is C⁻¹z, and the sensitivity is that of C times what one example contributes. */
export type Strategy = ToeplitzStrategy | InverseToeplitzStrategy | BufferedToeplitzStrategy

const checkColumn = (name: string, column: readonly number[]): readonly number[] => {
  if (!column.every(Number.isFinite))
    throw new RangeError(`${name} hold ${column.find((c) => !Number.isFinite(c))}: they must be finite`)
  if (!((column[0] ?? 0) > 0)) throw new RangeError(`${name} begin with ${column[0]}: the first must be above 0`)
  return column
}

/**
 * A banded Toeplitz strategy.
 *
 * @throws RangeError unless the coefficients are finite and the first is above 0
 */
export const toeplitz = (coefficients: readonly number[]): ToeplitzStrategy => ({
  _tag: 'Toeplitz',
  coefficients: checkColumn('coefficients', coefficients),
})

/**
 * A Toeplitz strategy whose inverse is banded.
 *
 * @throws RangeError unless the coefficients are finite and the first is above 0
 */
export const inverseToeplitz = (noisingCoefficients: readonly number[]): InverseToeplitzStrategy => ({
  _tag: 'InverseToeplitz',
  noisingCoefficients: checkColumn('noisingCoefficients', noisingCoefficients),
})

/**
 * A buffered linear Toeplitz strategy.
 *
 * @throws RangeError unless there are as many decays in [0, 1] as finite scales
 */
export const bufferedToeplitz = (buffers: {
  readonly bufferDecays: readonly number[]
  readonly outputScales: readonly number[]
}): BufferedToeplitzStrategy => {
  const { bufferDecays, outputScales } = buffers
  if (bufferDecays.length !== outputScales.length)
    throw new RangeError(
      `there are ${bufferDecays.length} bufferDecays and ${outputScales.length} outputScales: one each`,
    )
  const decay = bufferDecays.find((theta) => !(theta >= 0 && theta <= 1))
  if (decay !== undefined) throw new RangeError(`bufferDecays hold ${decay}: they must be in [0, 1]`)
  if (!outputScales.every(Number.isFinite)) throw new RangeError('outputScales must be finite numbers')
  return { _tag: 'BufferedToeplitz', bufferDecays, outputScales }
}

/** C = I: independent noise, as in DP-SGD. */
export const independentNoise: ToeplitzStrategy = { _tag: 'Toeplitz', coefficients: [1] }

/** (1 − x)^(∓1/2): 1, then aₖ = aₖ₋₁ (2k − 1 ∓ …)/(2k). */
const binomialSeries = (length: number, ratio: (k: number) => number): readonly number[] => {
  const out = [1]
  for (let k = 1; k < length; k++) out.push((out[k - 1] as number) * ratio(k))
  return out
}

/**
 * The square root of the lower triangle of ones, C² = A, in its first `bands` bands: all of it for n bands, the best single
 * factorisation of n steps up to lower order; banded otherwise.
 *
 *   c₀ = 1,  cₖ = cₖ₋₁ (2k − 1)/(2k)
 *
 * Reference  Fichtenberger, Henzinger & Upadhyay 2022, arXiv:2202.11205; Kalinin & Lampert 2024, arXiv:2405.13763
 *
 * @example
 * squareRootToeplitz(4).coefficients // => [1, 0.5, 0.375, 0.3125]
 */
export const squareRootToeplitz = (bands: number): ToeplitzStrategy =>
  toeplitz(binomialSeries(bands, (k) => (2 * k - 1) / (2 * k)))

/**
 * The inverse of that square root, in its first `bands` bands: d₀ = 1, dₖ = dₖ₋₁ (2k − 3)/(2k).
 *
 * Reference  Kalinin, McKenna, Upadhyay & Lampert 2025, arXiv:2505.12128
 *
 * @example
 * inverseSquareRootToeplitz(3).noisingCoefficients // => [1, -0.5, -0.125]
 */
export const inverseSquareRootToeplitz = (bands: number): InverseToeplitzStrategy =>
  inverseToeplitz(binomialSeries(bands, (k) => (2 * k - 3) / (2 * k)))

/** The first column of the inverse of a lower triangular Toeplitz matrix: Σⱼ cⱼ dₖ₋ⱼ = [k = 0]. O(n · bands). */
const invertColumn = (column: Readonly<ArrayLike<number>>, steps: number): Float64Array => {
  const out = new Float64Array(steps)
  const first = column[0] as number
  for (let k = 0; k < steps; k++) {
    let sum = k === 0 ? 1 : 0
    for (let j = Math.min(k, column.length - 1); j > 0; j--) sum -= (column[j] as number) * (out[k - j] as number)
    out[k] = sum / first
  }
  return out
}

const padded = (column: readonly number[], steps: number): Float64Array => {
  const out = new Float64Array(steps)
  out.set(column.slice(0, steps))
  return out
}

/** c₀ … cₙ₋₁. O(n · buffers), O(n · bands) for a banded inverse. */
export const coefficientsOf =
  (steps: number) =>
  (strategy: Strategy): Float64Array => {
    switch (strategy._tag) {
      case 'Toeplitz':
        return padded(strategy.coefficients, steps)
      case 'InverseToeplitz':
        return invertColumn(strategy.noisingCoefficients, steps)
      case 'BufferedToeplitz': {
        const out = new Float64Array(steps)
        out[0] = 1
        const powers = [...strategy.outputScales]
        for (let k = 1; k < steps; k++) {
          let sum = 0
          for (let i = 0; i < powers.length; i++) {
            sum += powers[i] as number
            powers[i] = (powers[i] as number) * (strategy.bufferDecays[i] as number)
          }
          out[k] = sum
        }
        return out
      }
    }
  }

/** d₀ … dₙ₋₁, the first column of C⁻¹. O(n · bands), O(n · buffers). */
export const noisingCoefficientsOf =
  (steps: number) =>
  (strategy: Strategy): Float64Array => {
    switch (strategy._tag) {
      case 'Toeplitz':
        return invertColumn(strategy.coefficients, steps)
      case 'InverseToeplitz':
        return padded(strategy.noisingCoefficients, steps)
      case 'BufferedToeplitz': {
        // x = C⁻¹e₀ by the recursion that makes the noise: bufferᵢ ← θᵢ bufferᵢ + x.
        const { bufferDecays, outputScales } = strategy
        const out = new Float64Array(steps)
        const buffers = bufferDecays.map(() => 0)
        for (let k = 0; k < steps; k++) {
          let x = k === 0 ? 1 : 0
          for (let i = 0; i < buffers.length; i++) x -= (outputScales[i] as number) * (buffers[i] as number)
          for (let i = 0; i < buffers.length; i++) buffers[i] = (bufferDecays[i] as number) * (buffers[i] as number) + x
          out[k] = x
        }
        return out
      }
    }
  }

/**
 * The largest squared error of a prefix sum for z of variance 1: the squared norm of B's last row, Σₖ (d₀ + … + dₖ)².
 *
 * Times the squared sensitivity: the variance at equal privacy, by which strategies are compared.
 *
 * @example
 * largestPrefixVariance(8)(independentNoise) // => 8
 */
export const largestPrefixVariance =
  (steps: number) =>
  (strategy: Strategy): number => {
    let prefix = 0
    let sum = 0
    for (const d of noisingCoefficientsOf(steps)(strategy)) {
      prefix += d
      sum += prefix * prefix
    }
    return sum
  }

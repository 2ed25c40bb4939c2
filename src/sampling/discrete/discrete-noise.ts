/**
 * Integers with the mass of a bell or of a tent: the noise that no floating-point attack can read.
 */
import { type IntegerDraws, type Lattice, latticeSampler } from './lattice-sampler.js'

/** A positive float as m·2^e with whole m and e: exactly what it is. */
const exactly = (value: number): { readonly mantissa: bigint; readonly exponent: number } => {
  let [mantissa, exponent] = [value, 0]
  while (!Number.isInteger(mantissa)) {
    mantissa *= 2
    exponent--
  }
  return { mantissa: BigInt(mantissa), exponent }
}

const checkScale = (name: string, value: number): number => {
  if (!(value >= 2 ** -20 && value <= 2 ** 30))
    throw new RangeError(`${name} is ${value}: it must be in [2^-20, 2^30], in steps of the grid`)
  return value
}

/** Blocks of 1/`parts` of the scale at most, and more than half of that; single integers where the scale is small. */
const widthBitsOf = (scale: number, parts: number): number => Math.max(0, Math.floor(Math.log2(scale / parts)))

/** h(y) = y²/(2σ²), σ being the float, exactly. @internal */
export const gaussianLattice = (sigma: number): Lattice => {
  const { mantissa, exponent } = exactly(checkScale('sigma', sigma))
  return {
    quadratic: 1n << BigInt(-2 * exponent),
    linear: 0n,
    denominator: 2n * mantissa * mantissa,
    widthBits: widthBitsOf(sigma, 16),
  }
}

/** h(y) = y/scale. @internal */
export const laplaceLattice = (scale: number): Lattice => {
  const { mantissa, exponent } = exactly(checkScale('scale', scale))
  return {
    quadratic: 0n,
    linear: 1n << BigInt(-exponent),
    denominator: mantissa,
    widthBits: widthBitsOf(scale, 4),
  }
}

/**
 * Integers with mass ∝ e^(−y²/(2σ²)): the discrete Gaussian. Its variance is at most σ², and equal to it up to
 * 4π²σ⁴ e^(−2π²σ²) (less than 10⁻⁶ of it from σ = 1 on).
 *
 * Cost       about 40 ns each on one core, once tables of a few milliseconds are made for σ
 * Guarantee  exact: no draw is rounded, truncated or cut off, given ideal random words (`lattice-sampler.ts` has the argument);
 *            number i depends on (key, from + i) alone. The time a draw takes depends a little on what is drawn
 * Errors     RangeError unless σ is in [2⁻²⁰, 2³⁰]
 * Reference  Canonne, Kamath, Steinke 2020, arXiv:2004.00010 (the distribution, and that it can be sampled exactly); rejection
 *            from blocks as in Karney 2016, arXiv:1303.6257
 *
 * @example
 * const y = discreteGaussian(3)(1000)(key(0))
 * y.every(Number.isInteger) && discreteGaussian(3)(1, 7)(key(0))[0] === y[7] // => true
 */
export const discreteGaussian = (sigma: number): IntegerDraws => latticeSampler(gaussianLattice(sigma))

/**
 * Integers with mass ∝ e^(−|y|/scale): the discrete Laplace distribution, two-sided geometric.
 *
 * Cost       about 50 ns each on one core, once its tables are made
 * Guarantee  exact, as `discreteGaussian` is
 * Errors     RangeError unless scale is in [2⁻²⁰, 2³⁰]
 * Reference  Ghosh, Roughgarden, Sundararajan 2012, arXiv:0811.2841
 *
 * @example
 * discreteLaplace(1)(100)(key(0)).every(Number.isInteger) // => true
 */
export const discreteLaplace = (scale: number): IntegerDraws => latticeSampler(laplaceLattice(scale))

/**
 * e^(−x) of a rational number to any number of bits, and comparisons with a uniform number whose bits come one word at a
 * time: what makes a draw exact. Whole numbers only; nothing here is rounded without a bound.
 */

/** A rational number ≥ 0. */
export interface Rational {
  readonly numerator: bigint
  readonly denominator: bigint
}

/** Bits beyond those asked for: all rounding below is less than 2²⁰ units of them. */
const guard = 64n

/** e^(−f) for f = fraction/2^bits ≤ 1: the alternating series, every term rounded down; off by less than its terms. */
const ofFraction = (fraction: bigint, bits: bigint): bigint => {
  let term = 1n << bits
  let sum = term
  for (let k = 1n; term > 0n; k++) {
    term = (term * fraction) / (k << bits)
    sum += k % 2n === 0n ? term : -term
  }
  return sum
}

/** e^(−n), by squares. Each product is rounded down. */
const ofWhole = (n: bigint, bits: bigint): bigint => {
  let power = 1n << bits
  for (let square = ofFraction(1n << bits, bits), left = n; left > 0n; left >>= 1n) {
    if (left & 1n) power = (power * square) >> bits
    square = (square * square) >> bits
  }
  return power
}

/**
 * ⌊2^bits e^(−x)⌋ up to rounding: the truth is less than 1 below it and less than 2 above.
 *
 * @example
 * exactExponential({ numerator: 1n, denominator: 1n }, 53) // => 3313563428353947n
 */
export const exactExponential = ({ numerator, denominator }: Rational, bits: number): bigint => {
  const wide = BigInt(bits) + guard
  const x = (numerator << wide) / denominator
  const whole = x >> wide
  // e^(−n) < 2^(−bits) where n ≥ bits.
  if (whole >= BigInt(bits)) return 0n
  const product = (ofWhole(whole, wide) * ofFraction(x - (whole << wide), wide)) >> wide
  return product >> guard
}

/** Whole numbers around 2^bits c. */
export type Enclosure = (bits: number) => readonly [lower: bigint, upper: bigint]

/** The enclosure of e^(−x). */
export const encloseExponential =
  (x: Rational): Enclosure =>
  (bits) => {
    const near = exactExponential(x, bits)
    return [near - 1n, near + 2n]
  }

/** The leading bits of a uniform number U in [0, 1), and the words that follow them. */
export interface UniformBits {
  readonly prefix: bigint
  readonly bits: number
  readonly more: (word: number) => number
}

/**
 * Is U < c? Reads on until the bits decide: 32 more bits each time, each time needed with probability below 2⁻³⁰.
 */
export const isBelow = ({ prefix, bits, more }: UniformBits, enclose: Enclosure): boolean => {
  for (let word = 0, value = prefix, length = bits; ; word++) {
    const [lower, upper] = enclose(length)
    if (value + 1n <= lower) return true
    if (value >= upper) return false
    value = (value << 32n) | BigInt(more(word))
    length += 32
  }
}

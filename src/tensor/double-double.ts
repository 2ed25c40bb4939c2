/**
 * Numbers of 106 bits: the unevaluated sum of two doubles, for the few places where float64 cancels.
 *
 * u denotes the unit roundoff 2⁻⁵³ of a double. Bounds hold for finite values whose products neither overflow nor lose bits to underflow.
 *
 * References  Dekker 1971, A floating-point technique for extending the available precision
 *             Joldes, Muller & Popescu 2017, Tight and rigorous error bounds for basic building blocks of double-word arithmetic
 *
 * @internal
 */

/** high + low, with |low| at most half a unit in the last place of high. */
export interface DoubleDouble {
  readonly high: number
  readonly low: number
}

/** A double as it is. */
export const exactly = (x: number): DoubleDouble => ({ high: x, low: 0 })

/** a + b with its rounding error, where |a| ≥ |b| or a = 0. */
const fastTwoSum = (a: number, b: number): DoubleDouble => {
  const high = a + b
  return { high, low: b - (high - a) }
}

/** a + b without error. */
const twoSum = (a: number, b: number): DoubleDouble => {
  const high = a + b
  const back = high - a
  return { high, low: a - (high - back) + (b - back) }
}

const SPLITTER = 2 ** 27 + 1

/** a·b without error, by halves of 26 bits (Veltkamp). Past 2⁹⁹⁶ the halves overflow: the error is left out. */
const twoProduct = (a: number, b: number): DoubleDouble => {
  const high = a * b
  if (!(Math.abs(a) < 2 ** 996 && Math.abs(b) < 2 ** 996)) return { high, low: 0 }
  const raisedA = SPLITTER * a
  const raisedB = SPLITTER * b
  const highA = raisedA - (raisedA - a)
  const highB = raisedB - (raisedB - b)
  const lowA = a - highA
  const lowB = b - highB
  return { high, low: lowA * lowB - (high - highA * highB - lowA * highB - highA * lowB) }
}

/** x + y. Relative error ≤ 3u² + 13u³, cancellation included (Joldes et al., Theorem 3.1). */
export const add = (x: DoubleDouble, y: DoubleDouble): DoubleDouble => {
  const high = twoSum(x.high, y.high)
  const low = twoSum(x.low, y.low)
  const first = fastTwoSum(high.high, high.low + low.high)
  return fastTwoSum(first.high, low.low + first.low)
}

/** −x. */
export const negate = (x: DoubleDouble): DoubleDouble => ({ high: -x.high, low: -x.low })

/** x·y. Relative error ≤ 8u². */
export const multiply = (x: DoubleDouble, y: DoubleDouble): DoubleDouble => {
  const product = twoProduct(x.high, y.high)
  return fastTwoSum(product.high, product.low + (x.high * y.low + x.low * y.high))
}

/** x·b for a double b. Relative error ≤ 3u². */
export const scale = (x: DoubleDouble, b: number): DoubleDouble => {
  const product = twoProduct(x.high, b)
  return fastTwoSum(product.high, product.low + x.low * b)
}

/** x/b for a double b. Relative error ≤ 4u². */
export const divide = (x: DoubleDouble, b: number): DoubleDouble => {
  const high = x.high / b
  const back = twoProduct(high, b)
  return fastTwoSum(high, (x.high - back.high - back.low + x.low) / b)
}

const LOG_2: DoubleDouble = { high: Math.LN2, low: 2.3190468138462996e-17 }

/** How often the argument of the series of `exp` is halved: at most log 2 / 1024 is left. */
const HALVINGS = 9

/** eˣ − 1 for |x| ≤ 1/1024 by its series: eleven terms, the next below 1e-41. */
const seriesOfExpm1 = (x: DoubleDouble): DoubleDouble => {
  let sum: DoubleDouble = exactly(0)
  for (let j = 11; j >= 1; j--) sum = divide(multiply(x, add(exactly(1), sum)), j)
  return sum
}

/**
 * eˣ: what is left of x beside a multiple of log 2, halved nine times, by its series and as many squarings.
 *
 * Guarantee   relative error ≤ 2e-30 where the value and its low part are normal numbers: −650 ≤ x ≤ 700; 0 and ∞ where it leaves float64
 */
export const exp = (x: DoubleDouble): DoubleDouble => {
  if (x.high < -746 || x.high > 710) return exactly(x.high < 0 ? 0 : Infinity)
  const twos = Math.round(x.high / Math.LN2)
  const rest = add(x, scale(LOG_2, -twos))
  let value = seriesOfExpm1(scale(rest, 2 ** -HALVINGS))
  // (1 + v)² − 1 = 2v + v²: what is squared stays small, so that no digit of it is lost.
  for (let i = 0; i < HALVINGS; i++) value = add(scale(value, 2), multiply(value, value))
  const raised = add(exactly(1), value)
  return { high: raised.high * 2 ** twos, low: raised.low * 2 ** twos }
}

/**
 * log x for x > 0: one step of Newton from the double nearest by, whose error is squared.
 *
 * Guarantee   absolute error ≤ 2e-30 + 4u² |log x|
 */
export const log = (x: DoubleDouble): DoubleDouble => {
  const guess = Math.log(x.high)
  const ratio = add(multiply(x, exp(exactly(-guess))), exactly(-1))
  return add(exactly(guess), add(ratio, scale(multiply(ratio, ratio), -0.5)))
}

/**
 * log(1 + eˣ) for a double x.
 *
 * Guarantee   relative error ≤ 4e-30 for |x| ≤ 650; that of a double below, where eˣ has no room for a low part
 */
export const logOnePlusExp = (x: number): DoubleDouble => {
  if (x > 0) return add(exactly(x), logOnePlusExp(-x))
  const power = exp(exactly(x))
  if (x > -12) return log(add(exactly(1), power))
  // y − y²/2 + y³/3 − …: seven terms, where y is at most e⁻¹².
  let sum: DoubleDouble = exactly(0)
  for (let j = 7; j >= 1; j--) sum = multiply(power, add(divide(exactly(1), j), negate(sum)))
  return sum
}

/**
 * From Rényi differential privacy to (ε, δ), and back.
 *
 * Legend: α the order, c = α − 1 its excess over 1, rdp the divergence at that order, ε in nats.
 *
 * The improved conversion is optimal order by order among those that know one order only. Over all orders,
 *
 *   ε = min over c > 0 of N(c)/c,   N(c) = K(c) + log(1/δ) + c log c − (1 + c) log(1 + c),   K(c) = c · rdp(1 + c)
 *
 * K is a cumulant generating function, and the second derivative of the entropy terms is 1/(c(1 + c)) > 0, so N is convex and
 * N(c)/c has exactly one minimum: a search by sections cannot be caught elsewhere. The same holds for log δ, which is
 * convex in c itself.
 */
import { type Minimum, minimise } from '../minimise.js'

/**
 * `improved`: Balle et al. 2020 (arXiv:1905.09982, Thm 21), equal to Canonne, Kamath & Steinke 2020 (arXiv:2004.00010,
 * Prop. 12). `mironov`: Mironov 2017 (arXiv:1702.07476, Prop. 3), which is never smaller; for comparison with older reports.
 */
export type RdpConversion = 'improved' | 'mironov'

/** A Rényi guarantee at one order. */
export interface RdpAtOrder {
  readonly order: number
  readonly rdp: number
}

/** Not clamped, in the excess: what is minimised. */
const rawEpsilon =
  (conversion: RdpConversion, logDelta: number) =>
  (excess: number, rdp: number): number =>
    conversion === 'mironov'
      ? rdp - logDelta / excess
      : rdp + Math.log(excess) - Math.log1p(excess) - (logDelta + Math.log1p(excess)) / excess

const rawLogDelta =
  (conversion: RdpConversion, epsilon: number) =>
  (excess: number, rdp: number): number =>
    conversion === 'mironov'
      ? excess * (rdp - epsilon)
      : excess * (rdp - epsilon + Math.log(excess) - Math.log1p(excess)) - Math.log1p(excess)

/**
 * The ε that one order α > 1 gives at δ.
 *
 *   ε = rdp + log(1 − 1/α) − (log δ + log α)/(α − 1), at least 0          (mironov: ε = rdp + log(1/δ)/(α − 1))
 *
 * Infinity at order 1: the divergence there gives no (ε, δ) of this form.
 *
 * @example
 * epsilonFromRdp(1e-5)({ order: 2, rdp: 0 }) > 10 // => true
 */
export const epsilonFromRdp =
  (delta: number, conversion: RdpConversion = 'improved') =>
  ({ order, rdp }: RdpAtOrder): number =>
    order > 1 && rdp < Infinity ? Math.max(0, rawEpsilon(conversion, Math.log(delta))(order - 1, rdp)) : Infinity

/**
 * log δ at ε from one order α > 1.
 *
 *   log δ = (α − 1)(rdp − ε) − log α + (α − 1) log(1 − 1/α), at most 0
 *
 * Kept in log space: a δ of 1e-400 is a sensible answer.
 */
export const logDeltaFromRdp =
  (epsilon: number, conversion: RdpConversion = 'improved') =>
  ({ order, rdp }: RdpAtOrder): number =>
    order > 1 && rdp < Infinity ? Math.min(0, rawLogDelta(conversion, epsilon)(order - 1, rdp)) : 0

/** The best reading of a curve: the value, and the excess α − 1 that gave it. */
export interface BestReading {
  readonly value: number
  readonly excess: number
}

/** Where the best order is looked for, in log(α − 1): beyond, orders are within rounding of 1, or of infinity. */
const RANGE = { low: -28, high: 32, tolerance: 2e-7 }

/** The smallest value over all real orders, or over the given ones. */
const best = (
  rdpAtExcess: (excess: number) => number,
  reading: (excess: number, rdp: number) => number,
  orders: readonly number[] | undefined,
): BestReading => {
  const at = (excess: number): number => {
    const rdp = rdpAtExcess(excess)
    return rdp < Infinity ? reading(excess, rdp) : Infinity
  }
  if (orders !== undefined)
    return orders
      .filter((order) => order > 1)
      .map((order) => ({ excess: order - 1, value: at(order - 1) }))
      .reduce((a, b) => (b.value < a.value ? b : a), { excess: Infinity, value: Infinity })
  const { x, value }: Minimum = minimise(RANGE)((logExcess) => at(Math.exp(logExcess)))
  return { value, excess: Math.exp(x) }
}

/** Divergences are raised by this before they are converted to a claim: fifty times the error measured against 40 digits. */
const RELATIVE_ERROR = 1e-12

/** An ε or a δ, and a bound of it that no rounding can undercut. */
export interface ConvertedRdp {
  readonly estimate: number
  readonly upper: number
  /** The order that gave it. */
  readonly order: number
}

/**
 * The smallest ε at δ ∈ (0, 1] over all real orders (or over `orders`, where given), from a curve in the excess α − 1.
 *
 * Cost       about 20 evaluations of the curve
 * Guarantee  `upper` allows for a relative error of 1e-12 in the curve and for the rounding of the conversion
 */
export const bestEpsilon =
  (delta: number, conversion: RdpConversion = 'improved', orders?: readonly number[]) =>
  (rdpAtExcess: (excess: number) => number): ConvertedRdp => {
    const logDelta = Math.log(delta)
    const { value, excess } = best(rdpAtExcess, rawEpsilon(conversion, logDelta), orders)
    const allowance = RELATIVE_ERROR * (rdpAtExcess(excess) + Math.abs(value) - logDelta / excess)
    return { estimate: Math.max(0, value), upper: Math.max(0, value + allowance), order: 1 + excess }
  }

/**
 * The smallest δ at ε ≥ 0 over all real orders (or over `orders`), from a curve in the excess α − 1.
 *
 * Guarantee  as `bestEpsilon`
 */
export const bestDelta =
  (epsilon: number, conversion: RdpConversion = 'improved', orders?: readonly number[]) =>
  (rdpAtExcess: (excess: number) => number): ConvertedRdp => {
    const { value, excess } = best(rdpAtExcess, rawLogDelta(conversion, epsilon), orders)
    const allowance = RELATIVE_ERROR * (excess * (rdpAtExcess(excess) + epsilon) + Math.abs(value))
    return {
      estimate: Math.exp(Math.min(0, value)),
      upper: Math.min(1, Math.exp(value + allowance)),
      order: 1 + excess,
    }
  }

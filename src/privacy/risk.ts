/**
 * What a guarantee bounds in terms of an attack: rates, errors and successes, each from δ(ε) or the trade-off function f.
 *
 * References  Kulynych, Gomez, Kaissis, Calmon & Troncoso 2024, arXiv:2407.02191 · Kulynych et al. 2025, arXiv:2507.06969 · Dong, Roth &
 * Su 2022, arXiv:1905.02383
 */
import type { Accountant, Bounds } from './accountant.js'
import { deltaReading, tradeOff } from './trade-off.js'

/** ε, where δ was read. */
export interface EpsilonPoint extends Bounds {
  readonly delta: number
}

/** δ, where ε was read. */
export interface DeltaPoint extends Bounds {
  readonly epsilon: number
}

/** A point of a trade-off curve: no test of membership with this false positive rate misses less. */
export interface TradeOffPoint {
  readonly falsePositiveRate: number
  /** A lower bound of the least false negative rate. */
  readonly falseNegativeRate: number
}

/**
 * ε(δ) at each δ of a list.
 *
 * @example
 * epsilonCurve(gdp())([0.1])({ precision: 0 }).map(({ delta, upper }) => [delta, upper]) // => [[0.1, 0]]
 */
export const epsilonCurve =
  <Curve>(accountant: Accountant<Curve>) =>
  (deltas: readonly number[]) =>
  (curve: Curve): readonly EpsilonPoint[] =>
    deltas.map((delta) => ({ delta, ...accountant.epsilon(delta)(curve) }))

/**
 * δ(ε) at each ε of a list.
 *
 * @example
 * deltaCurve(gdp())([1])({ precision: 0 }).map(({ epsilon, upper }) => [epsilon, upper]) // => [[1, 0]]
 */
export const deltaCurve =
  <Curve>(accountant: Accountant<Curve>) =>
  (epsilons: readonly number[]) =>
  (curve: Curve): readonly DeltaPoint[] => {
    const at = deltaReading(accountant)(curve)
    return epsilons.map((epsilon) => ({ epsilon, ...at(epsilon) }))
  }

/**
 * The trade-off function f(α) at each α of a list: the exact f-DP guarantee where the accountant is exact, a lower bound otherwise.
 *
 * @example
 * tradeOffCurve(gdp())([0.25])({ precision: 0 }) // => [{ falsePositiveRate: 0.25, falseNegativeRate: 0.75 }]
 */
export const tradeOffCurve =
  <Curve>(accountant: Accountant<Curve>) =>
  (falsePositiveRates: readonly number[]) =>
  (curve: Curve): readonly TradeOffPoint[] => {
    // One reading for all rates.
    const delta = deltaReading(accountant)(curve)
    const shared = tradeOff({ ...accountant, profile: () => delta })
    return falsePositiveRates.map((falsePositiveRate) => ({
      falsePositiveRate,
      falseNegativeRate: shared(falsePositiveRate)(curve),
    }))
  }

/**
 * The least probability of error of any test whose author believes with probability π that the record is there: the Bayes risk, from below.
 *
 *   min(π, 1 − π) (1 − δ(|log((1 − π)/π)|))
 *
 * since the gain over guessing is sup π P(S) − (1 − π) Q(S) = π δ(log((1 − π)/π)), for π > ½ with P and Q exchanged.
 *
 * @example
 * bayesRisk(gdp())(0.5)({ precision: 0 }) // => 0.5
 */
export const bayesRisk =
  <Curve>(accountant: Accountant<Curve>) =>
  (prior: number) =>
  (curve: Curve): number => {
    if (!(prior >= 0 && prior <= 1)) throw new RangeError(`a prior probability is in [0, 1], not ${prior}`)
    const rarer = Math.min(prior, 1 - prior)
    if (rarer === 0) return 0
    return rarer * (1 - accountant.delta(Math.abs(Math.log((1 - prior) / prior)))(curve).upper)
  }

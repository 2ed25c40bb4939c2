/**
 * Rényi bounds of the best of a random number of runs.
 *
 * Legend: ε(α) the divergence of one run, η = shape, γ the parameter of the truncated negative binomial, m the mean number of
 * runs, c = α − 1.
 *
 *   negative binomial   ε'(α) ≤ ε(α) + (1 + η) min_β [ (1 − 1/β) ε(β) + log(1/γ)/β ] + log(m)/(α − 1)
 *   Poisson             ε'(α) ≤ ε(α) + m δ(log(1 + 1/(α − 1))) + log(m)/(α − 1)
 *
 * The divergence increases with the order, so the bound at any larger order is a bound.
 *
 * Reference  Papernot & Steinke 2022, arXiv:2110.03620, Thm 2, Thm 6
 */
import { log1mexp, logExpm1 } from '../../tensor/special.js'
import { minimise } from '../minimise.js'
import { narrow } from '../root.js'
import { logDeltaFromRdp } from './conversion.js'

/** How the number of runs is drawn. */
export interface Repetitions {
  readonly mean: number
  readonly shape: number | 'poisson'
}

/** log of the mean η(1 − γ)/(γ(1 − γ^η)) at L = log(1/γ), (1/γ − 1)/L for η = 0: with x = −ηL, x/(e^x − 1) · (e^L − 1)/L. */
const logMeanAt = (shape: number, logInverse: number): number => {
  const x = -shape * logInverse
  const logRatio = x === 0 ? 0 : x > 0 ? Math.log(x) - logExpm1(x) : Math.log(-x) - log1mexp(-x)
  return logRatio + logExpm1(logInverse) - Math.log(logInverse)
}

/**
 * The mean of the truncated negative binomial.
 *
 * @example
 * truncatedNegativeBinomialMean({ shape: 1, gamma: 0.5 }).toFixed(12) // => '2.000000000000'
 */
export const truncatedNegativeBinomialMean = ({
  shape,
  gamma,
}: {
  readonly shape: number
  readonly gamma: number
}): number => Math.exp(logMeanAt(shape, -Math.log(gamma)))

/** log(1/γ) of the truncated negative binomial of a mean > 1, from above: the mean increases with it. */
export const truncatedNegativeBinomialLogInverse = ({
  mean,
  shape,
}: {
  readonly mean: number
  readonly shape: number
}): number => {
  const missing = (x: number): number => Math.log(mean) - logMeanAt(shape, x)
  let large = 1
  while (missing(large) > 0 && large < 1e300) large *= 2
  let small = large / 2
  while (missing(small) <= 0 && small > 1e-300) small /= 2
  return narrow({ bracket: { above: small, below: large }, tolerance: 1e-14 })(missing).below
}

/** Where orders are looked for, in log(α − 1). */
const RANGE = { low: -28, high: 32, tolerance: 2e-7 }

/** min_β [ (1 − 1/β) ε(β) + log(1/γ)/β ]: β − 1 times ε(β) is convex, so the quotient has one minimum. */
const selectionCost = (rdpAtExcess: (excess: number) => number, logInverse: number): number =>
  minimise(RANGE)((logExcess) => {
    const excess = Math.exp(logExcess)
    return (excess * rdpAtExcess(excess) + logInverse) / (1 + excess)
  }).value

/** Orders at which one run is tabulated for its δ: log(α − 1) from −6 to 14, in steps of 1/8. */
const TABLE = Array.from({ length: 161 }, (_, i) => Math.exp(-6 + i / 8))

/** An upper bound of δ(ε) of a curve: the best of the tabulated orders. */
const tabulatedDelta = (rdpAtExcess: (excess: number) => number): ((epsilon: number) => number) => {
  const table = TABLE.map((excess) => ({ order: 1 + excess, rdp: rdpAtExcess(excess) }))
  return (epsilon) => Math.exp(Math.min(...table.map(logDeltaFromRdp(epsilon)))) * (1 + 1e-12)
}

/**
 * The divergence of the best of a random number of runs at order 1 + excess.
 *
 * Cost       about 80 orders of the curve when formed (Poisson: 200), one an order
 * Guarantee  an upper bound
 */
export const repeatAndSelectRdpAtExcess = (
  { mean, shape }: Repetitions,
  rdpAtExcess: (excess: number) => number,
): ((excess: number) => number) => {
  if (mean === 1 && shape !== 'poisson') return rdpAtExcess
  const logMean = Math.log(mean)
  const fixed =
    shape === 'poisson'
      ? 0
      : (1 + shape) * selectionCost(rdpAtExcess, truncatedNegativeBinomialLogInverse({ mean, shape }))
  const deltaOfOne = shape === 'poisson' ? tabulatedDelta(rdpAtExcess) : () => 0
  const at = (excess: number): number => {
    const selection = shape === 'poisson' ? mean * deltaOfOne(Math.log1p(1 / excess)) : fixed
    return rdpAtExcess(excess) + selection + (excess === Infinity ? 0 : logMean / excess)
  }
  const lowest = minimise(RANGE)((logExcess) => at(Math.exp(logExcess)))
  const turn = Math.exp(lowest.x)
  return (excess) => (excess < turn ? lowest.value : at(excess))
}

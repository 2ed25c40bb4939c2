/**
 * Cumulants of one step on the real axis: log E_P[e^{cL}], and mean and variance of L under the law tilted by e^{cL}.
 */
import { INNER_DIGITS, innerRule } from './inner-rule.js'
import { type LossAt, lossAt, type Pair, windowOf } from './pair.js'

/** K(c) = log E_P[e^{cL}] with its first two derivatives. */
export interface Cumulants {
  readonly value: number
  readonly mean: number
  readonly variance: number
}

/** More nodes than this mean a tilt so large that no answer depends on it. */
const MOST_NODES = 60_000

/**
 * K, K′ and K″ of one sampled step at a real tilt c > 0.
 *
 *   E_P[e^{cL}] = 1 + E_P[e^{cL} − 1]      while the tilt is mild, so that steps which reveal next to nothing keep their digits
 *
 * Cost       about 150 nodes for σ ≥ 1 and moderate c
 * Guarantee  the error that `innerRule` states; Infinity where the tilt needs more than 60,000 nodes
 */
export const cumulantsAt = (pair: Pair): ((tilt: number) => Cumulants) => {
  const evaluate = lossAt(pair)
  const at: LossAt = { loss: 0, logP: 0 }
  return (tilt) => {
    // On the real line the whole strip of width 4τ about it is free: a wider step errs less than the shifted line does.
    const step = 1.7 * innerRule(pair, tilt).step
    const { low, high } = windowOf(pair, tilt)
    const first = Math.ceil(low / step)
    const count = Math.floor(high / step) - first + 1
    if (!(count < MOST_NODES)) return { value: Infinity, mean: Infinity, variance: Infinity }
    const norm = step / Math.sqrt(2 * Math.PI)
    let peak = 30
    let scale = 0
    // Sums of e^{cL} − 1 and of L^k e^{cL}; divided by e^peak from the first node on that exceeds e^30.
    let excess = 0
    let mass = 0
    let firstMoment = 0
    let secondMoment = 0
    for (let k = 0; k < count; k++) {
      const t = (first + k) * step
      evaluate(t, at)
      const base = at.logP - 0.5 * t * t
      const tilted = tilt * at.loss
      const exponent = base + tilted
      if (exponent > peak) {
        const shrink = Math.exp(scale - exponent)
        excess *= shrink
        mass *= shrink
        firstMoment *= shrink
        secondMoment *= shrink
        peak = scale = exponent
      }
      if (exponent - scale < -INNER_DIGITS && base - scale < -INNER_DIGITS) continue
      const weight = Math.exp(exponent - scale)
      excess += Math.abs(tilted) < 1 ? Math.exp(base - scale) * Math.expm1(tilted) : weight - Math.exp(base - scale)
      mass += weight
      firstMoment += weight * at.loss
      secondMoment += weight * at.loss * at.loss
    }
    const mean = firstMoment / mass
    return {
      value: scale === 0 ? Math.log1p(norm * excess) : scale + Math.log(norm * excess + Math.exp(-scale)),
      mean,
      variance: Math.max(0, secondMoment / mass - mean * mean),
    }
  }
}

/**
 * δ(ε) of one sampled step, in closed form.
 *
 *   remove   δ = (1−q) Φ̄(x/σ) + q Φ̄((x−1)/σ) − e^ε Φ̄(x/σ)
 *              = q [Φ̄((x−1)/σ) − e^{(ε′)} Φ̄(x/σ)],   e^{ε′} = 1 + (e^ε − 1)/q:  a Gaussian at ε′ and μ = 1/σ
 *   add      δ = Φ(x/σ) − e^ε [(1−q) Φ(x/σ) + q Φ((x−1)/σ)],   0 from ε = −log(1−q) on
 *
 * Legend: x the threshold where the loss is ε.
 *
 * Reference  Balle, Barthe & Gaboardi 2018, arXiv:1807.01647, Thm 8 (advanced joint convexity)
 */

import { logNdtr, logSubExp, logSumExp } from '../../tensor/special.js'
import { logDeltaOfGdp } from '../gdp.js'
import { narrow } from '../root.js'
import { componentsOf, logRatioAt, type Pair, type SampledPair } from './pair.js'

/** What the difference of two logarithms cost: an absolute error of log δ. */
export interface ClosedForm {
  readonly logDelta: number
  readonly error: number
}

const ROUNDOFF = 2 ** -53

/** log(1 + (e^ε − 1)/q), from below and from above by a rounding. */
const amplified = (epsilon: number, q: number): number =>
  epsilon > 40 ? epsilon - Math.log(q) + Math.log1p(-(1 - q) * Math.exp(-epsilon)) : Math.log1p(Math.expm1(epsilon) / q)

const removeStep = ({ noiseMultiplier: sigma, samplingProbability: q }: SampledPair, epsilon: number): ClosedForm => {
  const inner = amplified(epsilon, q)
  const logDelta = logDeltaOfGdp(1 / sigma)(inner)
  // d log δ / dε of a Gaussian is at most its Mills' ratio, σ(u + 1) + 1 in size.
  const u = Math.max(0, inner * sigma - 0.5 / sigma)
  return {
    logDelta: Math.log(q) + logDelta,
    error: 1e-12 * (1 + Math.abs(logDelta)) + 16 * ROUNDOFF * (inner + 1 / sigma) * (sigma * (u + 1) + 1) * (1 + sigma),
  }
}

const addStep = (pair: SampledPair, epsilon: number): ClosedForm => {
  const { noiseMultiplier: sigma, samplingProbability: q } = pair
  const edge = -Math.log1p(-q)
  if (epsilon >= edge) return { logDelta: -Infinity, error: 0 }
  // r = e^(−ε): e^z = 1 + (e^(−ε) − 1)/q.
  const t = sigma * Math.log1p(Math.expm1(-epsilon) / q) + 0.5 / sigma
  // 1 − e^ε(1 − q) = e^ε (e^(−ε) − e^(−edge)).
  const left = epsilon + logSubExp(-epsilon, -edge) + logNdtr(t)
  const right = epsilon + Math.log(q) + logNdtr(t - 1 / sigma)
  const logDelta = left > right ? logSubExp(left, right) : -Infinity
  // t errs by u σ(1 + |t|); the threshold is a stationary point of the difference, so only the logarithms' own errors remain.
  const cancelled = 1 / -Math.expm1(Math.min(right - left, -1e-15))
  const size = 1 + Math.abs(left) + Math.abs(right) + epsilon / (edge - epsilon)
  return { logDelta, error: 1e-14 * size * cancelled + (1e-14 * (1 + sigma) * (1 + t * t)) ** 2 * cancelled }
}

/** The t where an increasing function has a value that it reaches. */
const thresholdOf = (at: (t: number) => number, level: number): number => {
  let [low, high] = [-1, 1]
  while (at(high) < level && high < 1e12) high *= 2
  while (at(low) > level && low > -1e12) low *= 2
  return narrow({ bracket: { above: high, below: low }, tolerance: 1e-15 })((t) => at(t) - level).below
}

/** δ = P(L > ε) − e^ε Q(L > ε) as the difference of two sums of tails. */
const tailStep = (pair: Pair, epsilon: number): ClosedForm => {
  const { shifts, weights, rest } = componentsOf(pair)
  const { kind, noiseMultiplier: sigma } = pair
  const adds = kind === 'add'
  if (adds && epsilon >= -Math.log(rest)) return { logDelta: -Infinity, error: 0 }
  const logRatio = logRatioAt(pair)
  const t =
    kind === 'replace'
      ? thresholdOf((x) => logRatio(x) - logRatio(-x), epsilon)
      : thresholdOf(logRatio, adds ? -epsilon : epsilon)
  // The losses above ε lie right of t, or left of it for `add`.
  const tail = (shift: number): number => logNdtr(adds ? t - shift / sigma : shift / sigma - t)
  const mixture = (sign: 1 | -1): number =>
    logSumExp([
      ...(rest > 0 ? [Math.log(rest) + tail(0)] : []),
      ...shifts.map((c, i) => Math.log(weights[i] as number) + tail(sign * c)),
    ])
  const left = adds ? tail(0) : mixture(1)
  const right = epsilon + (adds ? mixture(1) : kind === 'replace' ? mixture(-1) : tail(0))
  const logDelta = left > right ? logSubExp(left, right) : -Infinity
  const cancelled = 1 / -Math.expm1(Math.min(right - left, -1e-15))
  const size = 1 + Math.abs(left) + Math.abs(right)
  return { logDelta, error: 1e-14 * size * cancelled + (1e-14 * (1 + sigma) * (1 + t * t)) ** 2 * cancelled }
}

/** log δ(ε) of one step, ε ≥ 0. */
export const singleStep = (pair: Pair, epsilon: number): ClosedForm =>
  pair.kind === 'replace' || !('samplingProbability' in pair)
    ? tailStep(pair, epsilon)
    : pair.kind === 'remove'
      ? removeStep(pair, epsilon)
      : addStep(pair, epsilon)

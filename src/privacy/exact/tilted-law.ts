/**
 * The law of t under P tilted by e^{cL}, on real nodes, with bounds of how its logarithm bends between them.
 *
 * With G the density, p = m(t) (for `replace` ½(m(t) + m(−t))) the slope of the loss, so that |L′| = S p/σ, 0 < p ≤ 1, S = 1 or 2:
 *
 *   (log G)″ = −1 + (1+c) v/σ²       remove
 *              −1 − c v/σ²           add
 *              −1 + ((1+c) v(t) − c v(−t))/σ²      replace
 *   |(log p)″| ≤ 2 (v/m)/σ²;   for `replace` ≤ 1/σ² with one component, 3/σ² with several
 *
 * since m′ = v/σ, v′ = μ₃/σ, |μ₃| ≤ v and v ≤ m. v grows by at most e^{|δ|/σ} over a distance δ, v/m by e^{2|δ|/σ}: so bounds at the
 * nearest node hold half a step around. The proof of all this is in docs/accounting.md.
 */
import { innerRule } from './inner-rule.js'
import { type LossAt, lossAt, type Pair, type Posterior, posteriorAt, windowOf } from './pair.js'

/** Nodes from the smallest loss to the largest, `step` apart in t. */
export interface TiltedLaw {
  readonly step: number
  /** log G, 0 at its largest. */
  readonly logDensity: Float64Array
  readonly density: Float64Array
  /** Σ of the densities: ∫ G is `step` times that. */
  readonly total: number
  readonly loss: Float64Array
  readonly logSlope: Float64Array
  /** Bounds within half a step of each node: of |(log G)″|, of (log G)″ from above and at least 0, and of |(log p)″|. */
  readonly bend: Float64Array
  readonly rise: Float64Array
  readonly slopeBend: Float64Array
}

const MOST_NODES = 60_000

/** The law at tilt c > 0; undefined where it needs more than 60,000 nodes. */
export const tiltedLaw = (pair: Pair, tilt: number): TiltedLaw | undefined => {
  const { kind, noiseMultiplier: sigma } = pair
  const { step } = innerRule(pair, tilt)
  const { low, high } = windowOf(pair, tilt)
  // G p^{κ−1}, 0 ≤ κ ≤ 3, has its maxima up to 1/σ further left and 2/σ further right.
  const first = Math.ceil((low - 1 / sigma) / step)
  const count = Math.floor((high + 2 / sigma) / step) - first + 1
  if (!(count < MOST_NODES)) return undefined
  const evaluate = lossAt(pair)
  const posterior = posteriorAt(pair)
  const at: LossAt = { loss: 0, logP: 0 }
  const here: Posterior = { mean: 0, variance: 0, ratio: 0 }
  const there: Posterior = { mean: 0, variance: 0, ratio: 0 }
  const array = (): Float64Array => new Float64Array(count)
  const [logDensity, density, loss, logSlope] = [array(), array(), array(), array()]
  const [bend, rise, slopeBend] = [array(), array(), array()]
  const precision = 1 / sigma / sigma
  const near = Math.exp((0.5 * step) / sigma)
  const [variances, ratios] = [near * precision, 2 * near * near * precision]
  const replaceBend = 'samplingProbability' in pair ? precision : 3 * precision
  let peak = -Infinity
  for (let k = 0; k < count; k++) {
    const t = (kind === 'add' ? first + count - 1 - k : first + k) * step
    evaluate(t, at)
    posterior(t, here)
    logDensity[k] = at.logP + tilt * at.loss - 0.5 * t * t
    loss[k] = at.loss
    peak = Math.max(peak, logDensity[k] as number)
    if (kind === 'remove') {
      logSlope[k] = Math.log(here.mean)
      const most = (1 + tilt) * variances * here.variance
      rise[k] = Math.max(0, most - 1)
      bend[k] = Math.max(1, most - 1)
      slopeBend[k] = ratios * here.ratio
    } else if (kind === 'add') {
      logSlope[k] = Math.log(here.mean)
      bend[k] = 1 + tilt * variances * here.variance
      slopeBend[k] = ratios * here.ratio
    } else {
      posterior(-t, there)
      logSlope[k] = Math.log(0.5 * (here.mean + there.mean))
      const most = (1 + tilt) * variances * here.variance
      rise[k] = Math.max(0, most - 1)
      bend[k] = Math.max(most - 1, 1 + tilt * variances * there.variance)
      slopeBend[k] = replaceBend
    }
  }
  let total = 0
  for (let k = 0; k < count; k++) {
    logDensity[k] = (logDensity[k] as number) - peak
    density[k] = Math.exp(logDensity[k] as number)
    total += density[k] as number
  }
  return { step, logDensity, density, total, loss, logSlope, bend, rise, slopeBend }
}

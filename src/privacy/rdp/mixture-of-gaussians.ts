/**
 * Rényi divergence of a mixture of Gaussians beside one at 0, in both directions.
 *
 *   y(t) = Σ pᵢ e^(cᵢ t/σ − cᵢ²/(2σ²)),   remove: log E_{t ~ N(0,1)}[y^α]/(α − 1),   add: log E[y^(1−α)]/(α − 1)
 *
 * Legend: cᵢ the sensitivities, pᵢ their probabilities, t = x/σ the node, u = y − 1, excess = α − 1.
 */
import { logSumExp } from '../../tensor/special.js'
import { inverseRemainder, log1pOver, remainder } from './remainder.js'

/** The mechanism: sensitivities in units of the clip bound, ≥ 0, and probabilities that sum to 1. */
export interface MixtureParameters {
  readonly noiseMultiplier: number
  readonly sensitivities: readonly number[]
  readonly probabilities: readonly number[]
}

/** One component: its sensitivity divided by σ, and its probability. */
interface Part {
  readonly shift: number
  readonly probability: number
}

/** −log of the relative error of the rule and of its truncation. */
const DIGITS = 46

/** How many nodes a quadrature may have: beyond, convexity takes its place. */
const MOST_NODES = 16_384

/** By joint convexity the moment of the mixture is at most the mixture of the moments, in both directions. */
const byConvexity = (parts: readonly Part[], excess: number): number =>
  logSumExp(
    parts.map(({ shift, probability }) => Math.log(probability) + 0.5 * excess * (1 + excess) * shift * shift),
  ) / excess

/** log E[y^−excess] / excess is no more than by convexity, nor, where a component stays at 0, than log 1/p of it: there y ≥ p. */
const added = (parts: readonly Part[], excess: number): number => {
  const rest = parts.reduce((sum, { shift, probability }) => (shift === 0 ? sum + probability : sum), 0)
  return Math.min(byConvexity(parts, excess), -Math.log(rest))
}

/** log E[y^power] / excess by the trapezoid rule; power is 1 + excess or −excess. */
const quadrature = (parts: readonly Part[], excess: number, direction: 'remove' | 'add'): number => {
  const shifts = parts.map(({ shift }) => shift)
  const [least, most] = [Math.min(...shifts), Math.max(...shifts)]
  const order = 1 + excess
  // On Im t = τ the components turn against each other by at most τ·(spread): |y| stays within cos(τ·spread/2) of y(Re t).
  const spread = most - least
  const digits = DIGITS + Math.log1p(4 / most / most)
  const widest = Math.sqrt(2 * digits)
  const tau =
    direction === 'remove'
      ? Math.min(widest, spread > 0 ? Math.PI / spread : Infinity)
      : Math.min(widest, spread > 0 ? Math.min(1.5, 4 / Math.sqrt(excess)) / spread : Infinity)
  const growth = direction === 'remove' ? 0 : -excess * Math.log(Math.cos(0.5 * tau * spread))
  const step = (2 * Math.PI * tau) / (digits + growth + 0.5 * tau * tau)
  const [low, high] = direction === 'remove' ? [-widest, order * most + widest] : [-excess * most - widest, widest]

  if ((high - low) / step > MOST_NODES) return (direction === 'remove' ? byConvexity : added)(parts, excess)
  const power = direction === 'remove' ? order : -excess
  const logProbabilities = parts.map(({ probability }) => Math.log(probability))
  const logs: number[] = []
  let sum = 0
  let huge = false
  for (let k = Math.floor(low / step); k * step <= high; k++) {
    const t = k * step
    const gauss = -0.5 * t * t
    let largest = -Infinity
    let u = 0
    for (const { shift, probability } of parts) {
      const z = shift * (t - 0.5 * shift)
      if (z > largest) largest = z
      u += probability * Math.expm1(Math.min(z, 700))
    }
    // Next to 1 by u, elsewhere by log y.
    let logY: number
    if (Math.abs(u) < 0.5) logY = Math.log1p(u)
    else {
      let scaled = 0
      for (let i = 0; i < parts.length; i++) {
        const { shift } = parts[i] as Part
        scaled += Math.exp(shift * (t - 0.5 * shift) - largest + (logProbabilities[i] as number))
      }
      logY = largest + Math.log(scaled)
      u = Math.expm1(logY)
    }
    const exponent = gauss + power * logY
    logs.push(exponent)
    if (largest > 600 || Math.abs(power * logY) > 600) {
      // Far out the Gaussian weight may still make it nothing.
      if (exponent > -60) huge = true
      continue
    }
    sum += Math.exp(gauss) * (direction === 'remove' ? remainder(u, logY, excess) : inverseRemainder(u, logY, excess))
  }
  const scale = step / Math.sqrt(2 * Math.PI)
  return huge ? (logSumExp(logs) + Math.log(scale)) / excess : log1pOver(excess, sum * scale)
}

/**
 * Rényi divergence at order 1 + excess: the larger of the two directions.
 *
 * Cost        O((12 + α max cᵢ/σ) · components) nodes per order, at most 16,384
 * Guarantee   relative error ≤ 1e-11 where 16,384 nodes are enough; beyond, a bound by convexity, or by what stays at 0. Infinity at an infinite order only
 * References  Choquette-Choo, Ganesh, Steinke & Thakurta 2023, arXiv:2310.15526 (the pair); van Erven & Harremoës 2014,
 *             arXiv:1206.2459, Thm 13 (joint convexity of the moment)
 */
export const mixtureOfGaussiansRdpAtExcess = ({
  noiseMultiplier,
  sensitivities,
  probabilities,
}: MixtureParameters): ((excess: number) => number) => {
  const parts = sensitivities
    .map((sensitivity, i) => ({ shift: sensitivity / noiseMultiplier, probability: probabilities[i] as number }))
    .filter(({ probability }) => probability > 0)
  const most = Math.max(0, ...parts.map(({ shift }) => shift))
  return (excess) => {
    if (most === 0) return 0
    if (excess === Infinity) return Infinity
    return Math.max(quadrature(parts, excess, 'remove'), quadrature(parts, excess, 'add'))
  }
}

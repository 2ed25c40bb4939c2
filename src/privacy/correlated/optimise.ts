/**
 * Strategies of least error at equal privacy, found by descent.
 *
 *   minimise  ℓ = log ‖B's last row‖² + log sens²,   B = AC⁻¹
 *
 * the logarithm of the largest variance of a prefix sum of n steps, in units of what independent noise of one step has.
 */
import { descend, type Sloped } from './descent.js'
import { type Participation, participationsIn } from './participation.js'
import { sensitivitySquared } from './sensitivity.js'
import {
  type BufferedToeplitzStrategy,
  bufferedToeplitz,
  largestPrefixVariance,
  noisingCoefficientsOf,
  type Strategy,
  squareRootToeplitz,
  type ToeplitzStrategy,
  toeplitz,
} from './strategy.js'

/** A training that a strategy is to be good for. */
export interface StrategyTask {
  readonly steps: number
  readonly participation: Participation
}

/**
 * What strategies are compared by: largest squared error of a prefix sum × squared sensitivity. Lower is better; the root is a factor on
 * the noise.
 *
 * @example
 * strategyLoss({ steps: 16, participation: singleParticipation })(independentNoise) // => 16
 */
export const strategyLoss =
  (task: StrategyTask) =>
  (strategy: Strategy): number =>
    largestPrefixVariance(task.steps)(strategy) * sensitivitySquared(task)(strategy).squared

/** Σᵢ aᵢ bₖ₋ᵢ for k < n. */
const convolved = (a: Float64Array, b: Float64Array): Float64Array => {
  const out = new Float64Array(a.length)
  for (let i = 0; i < a.length; i++)
    for (let j = 0; i + j < a.length; j++) out[i + j] = (out[i + j] as number) + (a[i] as number) * (b[j] as number)
  return out
}

/**
 * The banded Toeplitz strategy of least error, among those with at most `bands` ≤ b bands.
 *
 *   ∂‖B‖²/∂cₖ = −2 Σⱼ bⱼ (b ∗ d)ⱼ₋ₖ,   sens² = Σ over k′ columns of their squared norms
 *
 * Cost       n² an iteration, some tens of them
 * Guarantee  no worse than the square root in as many bands, from which it starts; a local minimum
 * Reference  McKenna 2024, arXiv:2405.15913 (banded Toeplitz); Choquette-Choo et al. 2023, arXiv:2306.08153
 * @throws RangeError unless bands is in [1, b]
 *
 * @example
 * optimalBanded({ steps: 8, participation: { minSeparation: 4 } }, 1).coefficients // => [1]
 */
export const optimalBanded = (task: StrategyTask, bands: number): ToeplitzStrategy => {
  const { steps, participation } = task
  const { minSeparation } = participation
  const single = participationsIn(steps)(participation) === 1
  const widest = single ? steps : minSeparation
  if (!(Number.isInteger(bands) && bands >= 1 && bands <= widest))
    throw new RangeError(
      `bands is ${bands}: it must be an integer in [1, ${widest}], so that columns of one record do not meet`,
    )
  const columns = Array.from({ length: participationsIn(steps)(participation) }, (_, j) => steps - j * minSeparation)
  /** In how many of a record's columns entry k stands. */
  const times = Array.from({ length: bands }, (_, k) => columns.filter((length) => k < length).length)
  const f = (others: readonly number[]): Sloped => {
    const c = [1, ...others]
    const d = noisingCoefficientsOf(steps)(toeplitz(c))
    let prefix = 0
    const b = d.map((x) => (prefix += x))
    const error = b.reduce((sum, x) => sum + x * x, 0)
    const sensitivity = c.reduce((sum, x, k) => sum + (times[k] as number) * x * x, 0)
    const product = convolved(b, d)
    const gradient = others.map((x, at) => {
      const k = at + 1
      let sum = 0
      for (let j = k; j < steps; j++) sum += (b[j] as number) * (product[j - k] as number)
      return (-2 * sum) / error + (2 * (times[k] as number) * x) / sensitivity
    })
    return { value: Math.log(error) + Math.log(sensitivity), gradient }
  }
  return toeplitz([1, ...descend(f, squareRootToeplitz(bands).coefficients.slice(1), {})])
}

/** θ = 1 − e^(−s) < 1 for s > 0, kept positive by s = e^x; ω = e^y. */
const buffersOf = (x: readonly number[]): BufferedToeplitzStrategy => {
  const count = x.length / 2
  return bufferedToeplitz({
    bufferDecays: x.slice(0, count).map((s) => Math.exp(-Math.exp(s))),
    outputScales: x.slice(count).map(Math.exp),
  })
}

/**
 * The buffered Toeplitz strategy of least error with so many buffers, all decays in (0, 1) and scales positive, which makes c descend
 * where Σω ≤ 1: the sensitivity is then exact.
 *
 * Cost       n · buffers² · participations an iteration, by central differences
 * Guarantee  a local minimum: the best of three starts. With 3 buffers within 1 % of the square root's loss at 1000 steps
 * Reference  Dvijotham, McMahan, Pillutla, Steinke & Thakurta 2024, arXiv:2404.16706; McMahan, Xu & Zhang 2024, arXiv:2408.08868
 * @throws RangeError unless there is at least one buffer
 *
 * @example
 * optimalBuffered({ steps: 4, participation: singleParticipation }, 1).bufferDecays.length // => 1
 */
export const optimalBuffered = (task: StrategyTask, buffers: number): BufferedToeplitzStrategy => {
  if (!(Number.isInteger(buffers) && buffers >= 1))
    throw new RangeError(`buffers is ${buffers}: it must be an integer >= 1`)
  const loss = strategyLoss(task)
  const value = (x: readonly number[]): number => {
    const strategy = buffersOf(x)
    return strategy.outputScales.reduce((sum, scale) => sum + scale, 0) <= 1 ? Math.log(loss(strategy)) : Infinity
  }
  const f = (x: readonly number[]): Sloped => ({
    value: value(x),
    gradient: x.map((_, i) => {
      const moved = (by: number): number => value(x.map((y, j) => (i === j ? y + by : y)))
      return (moved(1e-5) - moved(-1e-5)) / 2e-5
    }),
  })
  // Decays spread between one step and the whole training; scales as the square root has them there.
  const starts = [1, 0.5, 0.25].map((spread) => {
    const rates = Array.from({ length: buffers }, (_, i) => task.steps ** (-(i + spread) / buffers))
    return [...rates.map(Math.log), ...rates.map((rate) => Math.log((0.4 * Math.sqrt(rate)) / buffers + 0.01))]
  })
  const found = starts.map((start) => descend(f, start, { most: 200, tolerance: 1e-10 }))
  return buffersOf(found.reduce((best, x) => (value(x) < value(best) ? x : best)))
}

/**
 * The discrete Gaussian mechanism: integer sum → released value with its event. The grade that no floating-point attack reaches.
 *
 * What the grid costs. Let s = 4 steps, and X ~ N(k, τ² − s²) a continuous Gaussian about an integer vector k. Rounding every
 * coordinate of X to an integer y with mass ∝ e^(−(y − x)²/(2s²)) gives, by Poisson summation, each coordinate the mass of the
 * discrete Gaussian of parameter τ about k, up to a factor within 1 ± 4η where η = 2 Σ e^(−2π²s²m²) < 10⁻¹³⁶. So the mechanism is
 * post-processing of a continuous Gaussian with (τ² − 16)^½ in place of τ, up to e^(±4ηd) for d numbers: over T steps that adds
 * less than 10⁻¹¹⁹ to ε while d·T < 2⁵³. The event says the smaller multiplier, and whatever an accountant concludes from it
 * holds: sampled or not, composed with anything, by any analysis.
 *
 * References  Canonne, Kamath, Steinke 2020, arXiv:2004.00010; Kairouz, Liu, Steinke 2021, arXiv:2102.06387 (clipping and
 *             rounding to a grid); the convolution argument as in Peikert 2010, "An efficient and parallel Gaussian sampler for
 *             lattices", Theorem 3.1
 */
import { discreteGaussian as draws } from '../../sampling/discrete/discrete-noise.js'
import type { IntegerDraws } from '../../sampling/discrete/lattice-sampler.js'
import { foldIn, type Key } from '../../sampling/key.js'
import { allocate, contiguous, size, storageOf, unsafeTensor } from '../../tensor/tensor.js'
import { mapTree, type Tree } from '../../tensor/tree.js'
import type { IntegerSum } from '../clip/integer-sum.js'
import { gaussian, nonPrivate, type PrivacyEvent, zeroConcentratedDp } from '../event/event.js'
import { gradeOf, type Released } from '../mechanism.js'

/** s, in steps: the part of the noise that accounts for the grid. */
const smoothing = 4

/** The next float down from the quotient or root that was rounded: less than the truth. */
const below = (x: number): number => x * (1 - 2 ** -50)

/**
 * What discrete Gaussian noise of parameter τ on a sum of sensitivity Δ releases, both in steps: a Gaussian of multiplier
 * (τ² − 16)^½/Δ in the grade `discrete`; where τ is below 8 steps, Δ²/(2τ²)-zCDP, which is exact.
 *
 * @example
 * eventOnGrid({ sigma: 5, l2Bound: 10, grade: 'discrete' }) // => Event.zeroConcentratedDp((100 / 50) * (1 + 2 ** -50))
 */
export const eventOnGrid = ({
  sigma,
  l2Bound,
  grade,
}: {
  readonly sigma: number
  readonly l2Bound: number
  readonly grade: 'float' | 'discrete'
}): PrivacyEvent =>
  sigma < 2 * smoothing
    ? zeroConcentratedDp((l2Bound ** 2 / (2 * sigma ** 2)) * (1 + 2 ** -50))
    : gaussian(below(Math.sqrt(sigma ** 2 - smoothing ** 2) / l2Bound), grade)

/** The draws that are all 0. @internal */
export const noNoise: IntegerDraws = (count) => () => new Float64Array(count)

/** Whole numbers plus noise, in the units of what was rounded. A key for each leaf, by its place. @internal */
export const addIntegerNoise = <P extends Tree>(
  { sum, gridSpacing, dtype }: IntegerSum<P>,
  draw: IntegerDraws,
  key: Key,
): P => {
  let place = 0
  return mapTree((leaf) => {
    const source = contiguous(leaf)
    const [steps, start] = [storageOf(source), source.offset]
    const noise = draw(size(leaf))(foldIn(place++)(key))
    const out = allocate(dtype, noise.length)
    for (let i = 0; i < out.length; i++) out[i] = gridSpacing * ((steps[start + i] as number) + (noise[i] as number))
    return unsafeTensor(out, leaf.shape)
  })(sum)
}

/**
 * Adds discrete Gaussian noise to every number of an integer sum, exactly.
 *
 *   x̃ = γ (k + z),   z ~ N_ℤ(0, (σΔ)²),   Δ = l2Bound in steps
 *
 * Guarantee  the event (`eventOnGrid`), whose multiplier is σ less 8/(σΔ)² of it. Sum, noise and their addition are whole
 *            numbers below 2⁵³, so nothing is rounded before the noise is in; what is rounded afterwards, to the released float,
 *            is a function of a number that is private already. Given a ChaCha20 key the grade is `discrete`; given a Threefry
 *            key, which can be guessed, it is `float`. With σ = 0 nothing is added and the event is NonPrivate
 * Cost       about 80 ns a number, and some ms for the tables of each new σΔ, which are kept
 * Errors     RangeError unless σ is finite and ≥ 0, and σΔ within [2⁻²⁰, 2³⁰] steps
 *
 * @example
 * const sum = histogram(3)(tensor([0, 2, 2], [3], 'int32'))
 * gridGaussian(5)(secureKey())(sum).event._tag // => 'ZeroConcentratedDp'
 */
export const gridGaussian = (
  noiseMultiplier: number,
): ((key: Key) => <P extends Tree>(sum: IntegerSum<P>) => Released<P>) => {
  if (!(noiseMultiplier >= 0 && Number.isFinite(noiseMultiplier)))
    throw new RangeError(`noiseMultiplier is ${noiseMultiplier}: it must be a finite number >= 0`)
  const samplers = new Map<number, IntegerDraws>()
  return (key) => (sum) => {
    if (noiseMultiplier === 0) return { value: addIntegerNoise(sum, noNoise, key), event: nonPrivate }
    const sigma = noiseMultiplier * sum.l2Bound
    const draw = samplers.get(sigma) ?? draws(sigma)
    samplers.set(sigma, draw)
    const grade = gradeOf(key) === 'secure' ? 'discrete' : 'float'
    return { value: addIntegerNoise(sum, draw, key), event: eventOnGrid({ sigma, l2Bound: sum.l2Bound, grade }) }
  }
}

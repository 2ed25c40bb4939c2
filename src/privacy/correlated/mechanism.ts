/**
 * DP-FTRL: bounded sums, step by step, with noise that is correlated over the steps.
 */
import type { Either } from 'fp-ts/lib/Either.js'
import * as E from 'fp-ts/lib/Either.js'
import { foldIn, type Key } from '../../sampling/key.js'
import { storageOf, tensor } from '../../tensor/tensor.js'
import { flatten, type Tree, treeSize, unflatten } from '../../tensor/tree.js'
import type { BoundedSum } from '../clip/clip.js'
import {
  gaussian,
  matrixFactorisation,
  type NoiseGrade,
  noOp,
  type PrivacyEvent,
  poissonSampled,
  selfComposed,
  treeAggregation,
} from '../event/event.js'
import { type InvalidParameter, invalidParameter } from '../invalid-parameter.js'
import { gradeOf, type Released } from '../mechanism.js'
import { type CorrelatedNoise, initialNoise, type NoiseState, nextNoise } from './noise.js'
import { type Participation, singleParticipation } from './participation.js'
import { sensitivitySquared } from './sensitivity.js'
import { treeSensitivitySquared } from './tree.js'

/**
 * Records stand in one of `groups` groups for ever; step t draws each record of group t mod `groups` with probability
 * `samplingProbability`.
 *
 * Reference  Choquette-Choo et al. 2023, arXiv:2306.08153, Algorithm 2
 */
export interface CyclicPoisson {
  readonly groups: number
  readonly samplingProbability: number
}

/** What is needed to add correlated noise. */
export interface CorrelatedSettings {
  readonly noise: CorrelatedNoise
  /** σ: the noise of the whole training is that of one Gaussian release with this noise multiplier (each round of a cycle, where sampled). */
  readonly noiseMultiplier: number
  /** n: after so many steps the noise begins anew, independent of what was, at the cost of the event once more. */
  readonly steps: number
  /** In which of the n steps a record may take part. The sampler must keep to it: nothing here can check that. */
  readonly participation: Participation | CyclicPoisson
}

/** A mechanism for the steps of a training. */
export interface CorrelatedMechanism {
  /** sens: how far one record moves the encoded sums, in clip bounds; of one round, where sampled. An upper bound. */
  readonly sensitivity: number
  /** Of n steps, with noise of grade `float`; what `release` says has the grade of its key. */
  readonly event: PrivacyEvent
  /**
   * The sum of the next step with its noise, σ sens C (C⁻¹z)ₜ. The event of the first of n steps covers them all: the others'
   * is NoOp.
   *
   * @throws RangeError where a bound is not finite, or another than that of the steps before: one noise covers all of them
   */
  readonly release: (
    key: Key,
  ) => (state: NoiseState) => <P extends Tree>(sum: BoundedSum<P>) => readonly [Released<P>, NoiseState]
}

/** A hair above, for what rounding took from the sum of squares. */
const rootAbove = (squared: number): number => Math.sqrt(squared) * (1 + 2 ** -40)

const isCount = (count: number): boolean => Number.isSafeInteger(count) && count > 0

const invalid = ({
  noise,
  noiseMultiplier,
  steps,
  participation,
}: CorrelatedSettings): InvalidParameter | undefined => {
  if (!(noiseMultiplier > 0 && Number.isFinite(noiseMultiplier)))
    return invalidParameter('noiseMultiplier', noiseMultiplier, 'a finite number > 0')
  if (!isCount(steps)) return invalidParameter('steps', steps, 'an integer ≥ 1')
  if (!('groups' in participation)) {
    const { minSeparation, maxParticipations = 1 } = participation
    if (!isCount(minSeparation)) return invalidParameter('participation.minSeparation', minSeparation, 'an integer ≥ 1')
    if (!isCount(maxParticipations))
      return invalidParameter('participation.maxParticipations', maxParticipations, 'an integer ≥ 1')
    return undefined
  }
  const { groups, samplingProbability } = participation
  if (!isCount(groups)) return invalidParameter('participation.groups', groups, 'an integer ≥ 1')
  if (!(samplingProbability >= 0 && samplingProbability <= 1))
    return invalidParameter('participation.samplingProbability', samplingProbability, 'a number in [0, 1]')
  if (noise._tag !== 'Toeplitz' || noise.coefficients.length > groups)
    return invalidParameter(
      'noise',
      noise._tag === 'Toeplitz' ? `${noise.coefficients.length} bands` : noise._tag,
      'a banded Toeplitz strategy of at most as many bands as there are groups: amplification is proved for no other',
    )
  return undefined
}

const sensitivityOf = ({ noise, steps, participation }: CorrelatedSettings): number => {
  const pattern = 'groups' in participation ? singleParticipation : participation
  return rootAbove(
    noise._tag === 'Tree'
      ? treeSensitivitySquared({ steps, participation: pattern }).squared
      : sensitivitySquared({ steps, participation: pattern })(noise).squared,
  )
}

/** The grade stands in Gaussian events only. */
const eventOf = (settings: CorrelatedSettings, sensitivity: number, grade: NoiseGrade): PrivacyEvent => {
  const { noise, noiseMultiplier, steps, participation } = settings
  if ('groups' in participation)
    return selfComposed(Math.ceil(steps / participation.groups))(
      poissonSampled(participation.samplingProbability)(gaussian(noiseMultiplier, grade)),
    )
  return noise._tag === 'Tree' && participation.maxParticipations === 1
    ? treeAggregation({ noiseMultiplier: noiseMultiplier * sensitivity, steps })
    : matrixFactorisation({ noiseMultiplier: noiseMultiplier * sensitivity, sensitivity })
}

/**
 * The Gaussian mechanism with correlated noise.
 *
 *   x̃ₜ = xₜ + σ sens C (C⁻¹z)ₜ,   z ~ N(0, I)
 *
 * Guarantee  the event: one Gaussian release of noise multiplier σ over all the steps in which a record takes part, whatever was
 *            chosen in view of earlier releases (C is lower triangular). Under `CyclicPoisson` with at most `groups` bands:
 *            ⌈n/groups⌉ Poisson-sampled Gaussians
 * Errors     InvalidParameter for a number outside of its domain, or sampling without a theorem
 * References Kairouz et al. 2021, arXiv:2103.00039 (tree) · Denisov et al. 2022, arXiv:2202.08312, Thm 2.1 (adaptivity) ·
 *            Choquette-Choo et al. 2023, arXiv:2306.08153, Thm 4 (amplification) · McMahan, Xu & Zhang 2024, arXiv:2408.08868 (buffers)
 *
 * @example
 * pipe(correlatedGaussian({ noise: binaryTree, noiseMultiplier: 2, steps: 7, participation: singleParticipation }), E.map(({ sensitivity }) => sensitivity.toFixed(6))) // => { _tag: 'Right', right: '1.732051' }
 */
export const correlatedGaussian = (settings: CorrelatedSettings): Either<InvalidParameter, CorrelatedMechanism> => {
  const failure = invalid(settings)
  if (failure !== undefined) return E.left(failure)
  const { noise, noiseMultiplier, steps } = settings
  const sensitivity = sensitivityOf(settings)
  return E.right({
    sensitivity,
    event: eventOf(settings, sensitivity, 'float'),
    release: (key) => (state) => (bounded) => {
      const { sum, l2Bound } = bounded
      if (!Number.isFinite(l2Bound)) throw new RangeError(`l2Bound is ${l2Bound}: noise needs a finite bound`)
      const round = Math.floor(state.step / steps)
      const step = state.step % steps
      if (step > 0 && state.l2Bound !== undefined && state.l2Bound !== l2Bound)
        throw new RangeError(
          `l2Bound is ${l2Bound}: the steps before were clipped to ${state.l2Bound}, and one noise covers all of them`,
        )
      const from: NoiseState = step === 0 ? initialNoise : { step, buffers: state.buffers }
      const [draws, { buffers }] = nextNoise(noise)({ size: treeSize(sum), key: foldIn(round)(key) })(from)
      const deviation = noiseMultiplier * sensitivity * l2Bound
      const values = storageOf(flatten(sum)).map((x, i) => x + deviation * (draws[i] as number))
      return [
        {
          value: unflatten(sum)(tensor(values, [values.length], 'float64')),
          event: step === 0 ? eventOf(settings, sensitivity, gradeOf(key)) : noOp,
        },
        { step: state.step + 1, buffers, l2Bound },
      ]
    },
  })
}

/**
 * Settings that change from step to step: one value, which clip, noise and ledger all read.
 */
import type { Key } from '../sampling/key.js'
import type { Tree } from '../tensor/tree.js'
import type { BoundedSum } from './clip/clip.js'
import type { Clip } from './clip/group-clip.js'
import {
  composed,
  gaussian as gaussianEvent,
  type NoiseGrade,
  nonPrivate,
  normalise,
  type PrivacyEvent,
} from './event/event.js'
import { gaussian, type Released } from './mechanism.js'

/** What one step does with its batch. */
export interface StepSettings {
  readonly clip: Clip
  readonly noiseMultiplier: number
}

/** The settings of each step 0, 1, …: a function of public values alone. */
export type PrivacySchedule = (step: number) => StepSettings

/**
 * Noises the clipped sum of a step. A sum that was clipped to other bounds than the schedule's is refused, so a schedule cannot
 * change the noise without the clipping, or the clipping without the noise.
 *
 * Guarantee  the event is the Gaussian of the step's multiplier: what `scheduleEvent` counts
 * Errors     RangeError where the sum has another bound than the step's clip
 *
 * @example
 * const schedule = (step: number) => ({ clip: flatClip(1 / (1 + step)), noiseMultiplier: 2 })
 * scheduledNoise(schedule)(key(0), 3)({ _tag: 'BoundedSum', sum: {}, l2Bound: 0.25 }).event // => Event.gaussian(2)
 */
export const scheduledNoise =
  (schedule: PrivacySchedule) =>
  (key: Key, step: number) =>
  <P extends Tree>(sum: BoundedSum<P>): Released<P> => {
    const { clip, noiseMultiplier } = schedule(step)
    if (sum.l2Bound !== clip.l2Bound)
      throw new RangeError(`l2Bound is ${sum.l2Bound}: the schedule clips step ${step} to ${clip.l2Bound}`)
    return gaussian(noiseMultiplier)(key)(sum)
  }

/**
 * The event of the first `steps` steps of a schedule, each on a batch that `sampled` describes. Equal neighbours are counted.
 *
 * @example
 * scheduleEvent((step) => ({ clip: flatClip(1), noiseMultiplier: step < 2 ? 2 : 1 }), 3)(Event.poissonSampled(0.5)) // => Event.composed([Event.selfComposed(2)(Event.poissonSampled(0.5)(Event.gaussian(2))), Event.poissonSampled(0.5)(Event.gaussian(1))])
 */
export const scheduleEvent =
  (schedule: PrivacySchedule, steps: number, grade: NoiseGrade = 'float') =>
  (sampled: (event: PrivacyEvent) => PrivacyEvent): PrivacyEvent =>
    normalise(
      composed(
        Array.from({ length: steps }, (_, step) => {
          const { noiseMultiplier } = schedule(step)
          return sampled(noiseMultiplier === 0 ? nonPrivate : gaussianEvent(noiseMultiplier, grade))
        }),
      ),
    )

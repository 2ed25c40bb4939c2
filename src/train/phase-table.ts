/**
 * Phases as a table of steps: which phase a step is in, what it does, and the event of any number of steps.
 */
import { asSchedule } from '../optim/index.js'
import {
  Composition,
  composed,
  type NoiseGrade,
  normalise,
  type PrivacyEvent,
  poissonSampled,
  selfComposed,
} from '../privacy/event/event.js'
import type { Phase, PhaseSettings, StepSettings } from './config.js'

/** How many steps a phase has: ⌈epochs / q⌉ where it is given in epochs. */
export const stepsOf = ({ steps, samplingProbability }: Pick<Phase, 'steps' | 'samplingProbability'>): number =>
  typeof steps === 'number' ? steps : Math.ceil(steps.epochs / samplingProbability)

/** A run as its phases make it. */
export interface PhaseTable {
  readonly steps: number
  readonly at: (step: number) => StepSettings
  readonly epochsIn: (steps: number) => number
  readonly event: (steps: number, grade: NoiseGrade) => PrivacyEvent
  readonly phases: readonly PhaseSettings[]
}

const sameAtEveryStep = (value: number | 'varies', scale = 1): number | 'varies' =>
  value === 'varies' ? value : scale * value

/** The event that a step of these settings releases, before any sampling. */
export type ReleaseEvent = (settings: StepSettings, grade: NoiseGrade) => PrivacyEvent

/** The table of phases whose noise multipliers are scaled. */
export const phaseTable = (phases: readonly Phase[], noiseScale: number, releaseEvent: ReleaseEvent): PhaseTable => {
  let end = 0
  const stretches = phases.map((phase) => {
    const start = end
    end += stepsOf(phase)
    return { phase, start, end, noise: asSchedule(phase.noiseMultiplier) }
  })
  type Stretch = (typeof stretches)[number]
  const stretchAt = (step: number): Stretch => {
    const found = stretches.find((stretch) => step >= stretch.start && step < stretch.end)
    if (found === undefined) throw new RangeError(`step is ${step}: the run has the steps 0 to ${end - 1}`)
    return found
  }
  const sigmaAt = ({ noise, start }: Stretch, step: number): number => noiseScale * noise(step - start)
  const settingsAt = (stretch: Stretch, step: number): StepSettings => {
    const { clip, samplingProbability, expectedBatchSize } = stretch.phase
    return {
      clip: typeof clip === 'function' ? clip(step - stretch.start) : clip,
      noiseMultiplier: sigmaAt(stretch, step),
      samplingProbability,
      expectedBatchSize,
    }
  }
  const eventIn = (stretch: Stretch, steps: number, grade: NoiseGrade): PrivacyEvent => {
    const { phase, start } = stretch
    const eventOf = (step: number): PrivacyEvent =>
      poissonSampled(phase.samplingProbability)(releaseEvent(settingsAt(stretch, step), grade))
    if (typeof phase.noiseMultiplier === 'number' && typeof phase.clip !== 'function')
      return selfComposed(steps)(eventOf(start))
    return normalise(composed(Array.from({ length: steps }, (_, i) => eventOf(start + i))))
  }
  /** How many of the first `steps` steps fall into a stretch. */
  const within = ({ start, end: until }: Stretch, steps: number): number => Math.max(0, Math.min(steps, until) - start)
  return {
    steps: end,
    at: (step) => settingsAt(stretchAt(step), step),
    epochsIn: (steps) =>
      stretches.reduce((sum, stretch) => sum + within(stretch, steps) * stretch.phase.samplingProbability, 0),
    event: (steps, grade) =>
      stretches
        .filter((stretch) => within(stretch, steps) > 0)
        .map((stretch) => eventIn(stretch, within(stretch, steps), grade))
        .reduce(Composition.concat, Composition.empty),
    phases: stretches.map(({ phase, start, end: until }) => ({
      steps: until - start,
      noiseMultiplier: sameAtEveryStep(
        typeof phase.noiseMultiplier === 'number' ? phase.noiseMultiplier : 'varies',
        noiseScale,
      ),
      l2Bound: typeof phase.clip === 'function' ? 'varies' : phase.clip.l2Bound,
      samplingProbability: phase.samplingProbability,
      expectedBatchSize: phase.expectedBatchSize,
    })),
  }
}

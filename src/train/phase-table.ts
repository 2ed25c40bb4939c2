/**
 * Phases as a table of steps: which phase a step is in, what it does, and the event of any number of steps.
 */
import { asSchedule } from '../optim/index.js'
import { Composition, composed, type NoiseGrade, noOp, normalise, type PrivacyEvent } from '../privacy/event/event.js'
import { samplingEvent } from '../privacy/sampling-event.js'
import { type BatchSampler, foldIn, type Key, poissonSampler, type SamplingScheme } from '../sampling/index.js'
import type { Phase, PhaseSettings, Sampling, StepSettings } from './config.js'
import { isAdaptive } from './query.js'

/** The sampler of a phase. */
export const samplerOf = ({ sampler, samplingProbability }: Sampling): BatchSampler =>
  sampler ?? poissonSampler({ samplingProbability })

/** The expected share of the data in one batch. */
const shareOf = (scheme: SamplingScheme): number => {
  switch (scheme._tag) {
    case 'Poisson':
    case 'TruncatedPoisson':
      return scheme.samplingProbability
    case 'WithoutReplacement':
    case 'WithReplacement':
      return scheme.batchSize / scheme.datasetSize
    case 'Shuffled':
    case 'BallsAndBins':
      return 1 / scheme.batches
    case 'CyclicPoisson':
      return scheme.samplingProbability / scheme.cycle
  }
}

/** How many steps one event of the scheme covers: an epoch of batches that are drawn together counts as a whole. */
export const periodOf = (scheme: SamplingScheme): number => {
  switch (scheme._tag) {
    case 'Shuffled':
    case 'BallsAndBins':
      return scheme.batches
    case 'CyclicPoisson':
      return scheme.cycle
    default:
      return 1
  }
}

/** How many steps a phase has: ⌈epochs / share⌉ where it is given in epochs. */
export const stepsOf = ({ steps, ...sampling }: Pick<Phase, 'steps'> & Sampling): number =>
  typeof steps === 'number' ? steps : Math.ceil(steps.epochs / shareOf(samplerOf(sampling).scheme))

/** The values of a schedule, each asked for once. */
const remembered = <A>(schedule: (step: number) => A, steps: number): ((step: number) => A) => {
  const values = Array.from({ length: steps }, (_, step) => schedule(step))
  return (step) => values[step] as A
}

/**
 * The phase with the values that its schedules have now. What is checked, accounted and run is one table, whatever a schedule
 * would answer when asked again.
 */
export const decided = (phase: Phase, steps: number): Phase => {
  const { noiseMultiplier, clip } = phase
  return {
    ...phase,
    noiseMultiplier: typeof noiseMultiplier === 'function' ? remembered(noiseMultiplier, steps) : noiseMultiplier,
    clip: typeof clip === 'function' ? remembered(clip, steps) : clip,
  }
}

/** Are all steps of the phase alike? */
export const isSteady = ({ noiseMultiplier, clip }: Phase): boolean =>
  typeof noiseMultiplier === 'number' && typeof clip !== 'function'

/** One step of a run: its settings, its batch, and the event that it adds to the ledger. */
export interface PlannedStep extends StepSettings {
  /** The examples of the batch, given the key of the run's sampling. */
  readonly batch: (sampling: Key) => (datasetSize: number) => Int32Array
  /** What the ledger grows by when the step has released `event` of its batch. */
  readonly spends: (event: PrivacyEvent) => PrivacyEvent
}

/** A run as its phases make it. */
export interface PhaseTable {
  readonly steps: number
  readonly at: (step: number) => PlannedStep
  readonly epochsIn: (steps: number) => number
  readonly event: (steps: number, grade: NoiseGrade) => PrivacyEvent
  readonly phases: readonly PhaseSettings[]
}

/** The event that a step of these settings releases, before any sampling. */
export type ReleaseEvent = (settings: StepSettings, grade: NoiseGrade) => PrivacyEvent

/** Beyond every number of a step, so that no step's key is a phase's. Each sampler folds numbers of its own into its key. */
const PHASES = 2 ** 48

const boundShown = (clip: Phase['clip']): PhaseSettings['l2Bound'] =>
  typeof clip === 'function' ? 'varies' : isAdaptive(clip) ? 'adapts' : clip.l2Bound

/** The table of phases whose noise multipliers are scaled. */
export const phaseTable = (phases: readonly Phase[], noiseScale: number, releaseEvent: ReleaseEvent): PhaseTable => {
  let end = 0
  const stretches = phases.map((phase, place) => {
    const start = end
    end += stepsOf(phase)
    const sampler = samplerOf(phase)
    return {
      phase,
      place,
      start,
      end,
      sampler,
      period: periodOf(sampler.scheme),
      noise: asSchedule(phase.noiseMultiplier),
    }
  })
  type Stretch = (typeof stretches)[number]
  const stretchAt = (step: number): Stretch => {
    const found = stretches.find((stretch) => step >= stretch.start && step < stretch.end)
    if (found === undefined) throw new RangeError(`step is ${step}: the run has the steps 0 to ${end - 1}`)
    return found
  }
  const settingsAt = ({ phase, start, sampler, noise }: Stretch, step: number): StepSettings => ({
    clip: typeof phase.clip === 'function' ? phase.clip(step - start) : phase.clip,
    noiseMultiplier: noiseScale * noise(step - start),
    sampler,
    expectedBatchSize: phase.expectedBatchSize,
  })
  const plannedAt = (stretch: Stretch, step: number): PlannedStep => {
    const { phase, place, start, sampler, period } = stretch
    return {
      ...settingsAt(stretch, step),
      // A sampler of the caller's begins with the phase, as an event of batches that are drawn together does.
      batch: (sampling) =>
        phase.sampler === undefined
          ? sampler.batch(sampling, step)
          : sampler.batch(foldIn(PHASES + place)(sampling), step - start),
      spends: (event) => ((step - start) % period === 0 ? normalise(samplingEvent(sampler.scheme, 1)(event)) : noOp),
    }
  }
  const eventIn = (stretch: Stretch, steps: number, grade: NoiseGrade): PrivacyEvent => {
    const { phase, start, sampler } = stretch
    const released = (step: number): PrivacyEvent => releaseEvent(settingsAt(stretch, step), grade)
    return normalise(
      isSteady(phase)
        ? samplingEvent(sampler.scheme, steps)(released(start))
        : composed(Array.from({ length: steps }, (_, i) => samplingEvent(sampler.scheme, 1)(released(start + i)))),
    )
  }
  /** How many of the first `steps` steps fall into a stretch. */
  const within = ({ start, end: until }: Stretch, steps: number): number => Math.max(0, Math.min(steps, until) - start)
  return {
    steps: end,
    at: (step) => plannedAt(stretchAt(step), step),
    epochsIn: (steps) =>
      stretches.reduce((sum, stretch) => sum + within(stretch, steps) * shareOf(stretch.sampler.scheme), 0),
    event: (steps, grade) =>
      stretches
        .filter((stretch) => within(stretch, steps) > 0)
        .map((stretch) => eventIn(stretch, within(stretch, steps), grade))
        .reduce(Composition.concat, Composition.empty),
    phases: stretches.map(({ phase, start, end: until, sampler }) => ({
      steps: until - start,
      noiseMultiplier: typeof phase.noiseMultiplier === 'number' ? noiseScale * phase.noiseMultiplier : 'varies',
      l2Bound: boundShown(phase.clip),
      sampling: sampler.scheme,
      expectedBatchSize: phase.expectedBatchSize,
    })),
  }
}

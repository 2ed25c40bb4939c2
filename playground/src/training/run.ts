/**
 * A run that may be changed midway: its phases so far, its state, and its budget, as a value.
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import type { NonEmptyArray } from 'fp-ts/lib/NonEmptyArray.js'
import type { Dataset } from '../../../src/data/dataset.js'
import { drawDigits } from '../../../src/data/digits.js'
import { crossEntropy } from '../../../src/grad/index.js'
import { smallCnn } from '../../../src/models/small-cnn.js'
import { type SgdState, sgd } from '../../../src/optim/index.js'
import { Event, flatClip, type InvalidParameter, type PrivacyEvent } from '../../../src/privacy/index.js'
import { foldIn, key } from '../../../src/sampling/index.js'
import type { Backend } from '../../../src/tensor/backend/backend.js'
import { toArray } from '../../../src/tensor/tensor.js'
import type { Tree } from '../../../src/tensor/tree.js'
import { type DpTrainingSettings, dpTraining, type TrainingPlan, type TrainState } from '../../../src/train/index.js'
import { type Budget, budgetFor, spend } from './budget.js'
import {
  EXAMPLES,
  MOMENTUM,
  TEST_EXAMPLES,
  TRAINING_DELTA,
  type TrainingSettings,
  trainingFieldNames,
} from './training-settings.js'

type Plan = TrainingPlan<Tree, unknown, SgdState, DpTrainingSettings>

/** A stretch of a run under one group of settings. */
export interface RunPhase {
  readonly settings: TrainingSettings
  /** Its first step, from 0. */
  readonly from: number
}

export interface Run {
  readonly phases: NonEmptyArray<RunPhase>
  readonly plan: Plan
  readonly state: TrainState<Tree, SgdState>
  readonly budget: Budget
}

/** What one step showed. The norms and the loss are computed from the examples without noise. */
export interface Step {
  readonly run: Run
  readonly norms: readonly number[]
  /** Mean of the batch; NaN where it is empty. */
  readonly loss: number
}

/** Farther than anyone will watch. */
const MOST_STEPS = 1_000_000

/** What one step under these settings releases. */
export const stepEvent = ({ noiseMultiplier, samplingProbability }: TrainingSettings): PrivacyEvent =>
  Event.poissonSampled(samplingProbability)(Event.gaussian(noiseMultiplier))

/** The digits: drawn from a key, so that nobody's privacy is at stake. */
export const drawExamples = (): { readonly train: Dataset; readonly test: Dataset } => ({
  train: drawDigits({ count: EXAMPLES, key: foldIn(0)(key(2024)) }),
  test: drawDigits({ count: TEST_EXAMPLES, key: foldIn(1)(key(2024)) }),
})

const planFor = (
  phases: readonly RunPhase[],
  train: Pick<Dataset, 'inputShape' | 'length'>,
  backend: Backend,
): E.Either<NonEmptyArray<InvalidParameter>, Plan> =>
  dpTraining({
    model: smallCnn('tanh'),
    loss: crossEntropy,
    inputShape: train.inputShape,
    optimizer: sgd({ learningRate: (phases.at(-1) as RunPhase).settings.learningRate, momentum: MOMENTUM }),
    delta: TRAINING_DELTA,
    physicalBatchSize: 256,
    backend,
    phases: phases.map(({ settings, from }, index) => ({
      steps: (phases[index + 1]?.from ?? MOST_STEPS) - from,
      clip: flatClip(settings.clipNorm),
      noiseMultiplier: settings.noiseMultiplier,
      samplingProbability: settings.samplingProbability,
      expectedBatchSize: settings.samplingProbability * train.length,
    })),
  })

const sameSettings = (a: TrainingSettings, b: TrainingSettings): boolean =>
  trainingFieldNames.every((name) => a[name] === b[name])

/** A run before its first step. */
export const begin = (
  settings: TrainingSettings,
  train: Pick<Dataset, 'inputShape' | 'length'>,
  backend: Backend,
  seed = 0,
): E.Either<NonEmptyArray<InvalidParameter>, Run> => {
  const phases: NonEmptyArray<RunPhase> = [{ settings, from: 0 }]
  return pipe(
    E.Do,
    E.bind('plan', () => planFor(phases, train, backend)),
    E.bind('budget', () =>
      E.mapLeft((problem: InvalidParameter): NonEmptyArray<InvalidParameter> => [problem])(
        budgetFor({ epsilon: settings.epsilonBudget, delta: TRAINING_DELTA }, stepEvent(settings)),
      ),
    ),
    E.map(({ plan, budget }) => ({ phases, plan, state: plan.init(key(seed)), budget })),
  )
}

/**
 * The run with other settings from its next step on: a phase more. State, keys and ledger go on, and so does the budget, which a change does
 * not touch.
 */
export const change = (
  run: Run,
  settings: TrainingSettings,
  train: Pick<Dataset, 'inputShape' | 'length'>,
  backend: Backend,
): E.Either<NonEmptyArray<InvalidParameter>, Run> => {
  const kept = run.phases.filter(({ from }) => from < run.state.step)
  const next = { ...settings, epsilonBudget: run.phases[0].settings.epsilonBudget }
  const isSame = kept.length > 0 && sameSettings((kept.at(-1) as RunPhase).settings, next)
  const phases = isSame ? kept : [...kept, { settings: next, from: run.state.step }]
  return pipe(
    planFor(phases, train, backend),
    E.map((plan) => ({ ...run, plan, phases: phases as unknown as NonEmptyArray<RunPhase> })),
  )
}

/** One step; undefined where the budget does not admit it. */
export const advance = (run: Run, train: Dataset): Step | undefined => {
  const { settings } = run.phases.at(-1) as RunPhase
  const budget = spend(run.budget, stepEvent(settings))
  if (budget === undefined) return undefined
  const { state, diagnostics } = run.plan.step(train)(run.state)
  const losses = diagnostics.flatMap(({ value }) => toArray(value.loss)).filter(Number.isFinite)
  return {
    run: { ...run, state, budget },
    norms: diagnostics.flatMap(({ value }) => toArray(value.norm)),
    loss: losses.reduce((sum, loss) => sum + loss, 0) / losses.length,
  }
}

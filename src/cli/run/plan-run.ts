/**
 * From a configuration and its data to a plan.
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { crc32, type TrainAndTest } from '../../data/index.js'
import { crossEntropy, type LayerRule } from '../../grad/index.js'
import type { OptimizerState } from '../../optim/index.js'
import {
  type Accountant,
  exact,
  gdp,
  type InvalidParameter,
  type Neighbouring,
  pld,
  prv,
  rdp,
  showInvalidParameter,
} from '../../privacy/index.js'
import { foldIn, key, secureKey } from '../../sampling/index.js'
import type { Backend } from '../../tensor/backend/backend.js'
import { showShape } from '../../tensor/shape.js'
import type { Tree } from '../../tensor/tree.js'
import {
  type DpTrainingSettings,
  dpTraining,
  type Phase,
  type TrainingPlan,
  type TrainState,
} from '../../train/index.js'
import { type ClipChoice, clipOf } from './clip-choice.js'
import { modelOf } from './model-choice.js'
import { optimizerOf } from './optimizer-choice.js'
import { type AccountantName, type PhaseConfig, type RunConfig, stretchesOf } from './run-config.js'
import { essence } from './run-identity.js'
import { type SamplerChoice, samplingOf, sizeLimit } from './sampler-choice.js'
import { scheduleOf } from './schedule-choice.js'

/** The plan of a run, whatever its optimizer. */
export type RunPlan = TrainingPlan<Tree, unknown, OptimizerState, DpTrainingSettings>
export type RunState = TrainState<Tree, OptimizerState>

/** Sentences, each about a field. */
export type Sentences = readonly string[]

/** The accountant of a name. */
export const accountantOf = (name: AccountantName, neighbouring: Neighbouring): Accountant<unknown> => {
  const of = <Curve>(accountant: Accountant<Curve>): Accountant<unknown> => accountant as unknown as Accountant<unknown>
  switch (name) {
    case 'rdp':
      return of(rdp({ neighbouring }))
    case 'pld':
      return of(pld({ neighbouring }))
    case 'prv':
      return of(prv({ neighbouring }))
    case 'exact':
      return of(exact({ neighbouring }))
    case 'gdp':
      return of(gdp({ neighbouring }))
  }
}

/** The accountant of a run. */
export const accountantFor = ({
  accountant = 'rdp',
  neighbouring = 'addOrRemoveOne',
}: RunConfig): Accountant<unknown> => accountantOf(accountant, neighbouring)

/** How many steps a stretch has: epochs over the share of a batch, rounded up, but not for a rounding error. */
const stepsOf = ({ steps, epochs = 1 }: PhaseConfig, expectedBatchSize: number, length: number): number =>
  steps ?? Math.max(1, Math.ceil((epochs * length) / expectedBatchSize - 1e-9))

const phaseOf = (stretch: PhaseConfig, length: number): Phase => {
  const sampling = samplingOf(stretch.sampler as SamplerChoice, length)
  const steps = stepsOf(stretch, sampling.expectedBatchSize, length)
  return {
    ...sampling,
    steps,
    clip: clipOf(stretch.clip as ClipChoice, steps),
    noiseMultiplier: scheduleOf(stretch.noiseMultiplier ?? 1, steps),
  }
}

/** Fields of a plan by their names in a configuration. */
const sentenceOf =
  ({ phases }: RunConfig) =>
  (invalid: InvalidParameter): string => {
    const named = invalid.parameter.replace(/\.steps\.epochs$/, '.epochs').replace(/clip\.l2Bound$/, 'clip.l2ClipNorm')
    const parameter = phases === undefined ? named.replace(/^phases\[0\]\./, '') : named
    return `${showInvalidParameter({ ...invalid, parameter: parameter === 'targetEpsilon' ? 'noise.targetEpsilon' : parameter })}.`
  }

/** What is wrong between the model and the data. */
const misfit = (model: LayerRule<Tree, unknown>, { train }: TrainAndTest): Sentences => {
  try {
    const { output } = model.init(key(0), train.inputShape)
    return output.length === 1 && output[0] === train.classes
      ? []
      : [
          `model must be one with an output for each of the ${train.classes} classes of the data, not outputs of shape ${showShape(output)}.`,
        ]
  } catch (cause) {
    return [
      `model must be one that takes inputs of shape ${showShape(train.inputShape)} (${cause instanceof Error ? cause.message : cause}).`,
    ]
  }
}

/** Batches that are larger than the data. */
const oversized = (config: RunConfig, length: number): Sentences =>
  stretchesOf(config).flatMap(({ sampler }, index) => {
    const limit = sizeLimit(sampler as SamplerChoice, length)
    const at = config.phases?.[index]?.sampler === undefined ? 'sampler' : `phases[${index}].sampler`
    return limit === undefined
      ? []
      : [
          `${at}.${limit.field} must be such that a batch is no larger than the ${length} examples to train on, not ${limit.value}.`,
        ]
  })

/** Checks a run against its data, and plans it: or a sentence for each field that is wrong. */
export const planRun = (config: RunConfig, data: TrainAndTest, backend: Backend): E.Either<Sentences, RunPlan> => {
  const { train } = data
  return pipe(
    modelOf(config.model, train.classes),
    E.mapLeft((problems) => problems.map((each) => `model: ${each}.`)),
    E.chain((model) => {
      const wrong = [...misfit(model, data), ...oversized(config, train.length)]
      return wrong.length === 0 ? E.right(model) : E.left<Sentences, LayerRule<Tree, unknown>>(wrong)
    }),
    E.chain((model) => {
      const phases = stretchesOf(config).map((stretch) => phaseOf(stretch, train.length))
      const total = phases.reduce((sum, { steps }) => sum + (steps as number), 0)
      const { delta, budget, grid, physicalBatchSize = 256, noise } = config
      return pipe(
        dpTraining({
          ...{ model, loss: crossEntropy, inputShape: train.inputShape, phases, delta, physicalBatchSize, backend },
          optimizer: optimizerOf(config.optimizer, total),
          accountant: accountantFor(config),
          ...('targetEpsilon' in noise ? { targetEpsilon: noise.targetEpsilon } : {}),
          ...(budget === undefined ? {} : { budget }),
          ...(grid === undefined ? {} : { grid }),
        }),
        E.mapLeft((invalid): Sentences => invalid.map(sentenceOf(config))),
      )
    }),
  )
}

/** Beyond every key that a plan draws from a seed itself. */
const OF_CONFIGURATIONS = 2 ** 32

/**
 * The state before the first step. Batches and noise come of the seed and the configuration together: two runs that differ never share
 * noise, whose difference would have none.
 */
export const startOf = (plan: RunPlan, config: RunConfig): RunState => {
  const { seed = 0, secure = false } = config
  const root = key(seed)
  const own = crc32(new TextEncoder().encode(JSON.stringify(essence(config))))
  return plan.init(root, secure ? secureKey() : foldIn(OF_CONFIGURATIONS + own)(root))
}

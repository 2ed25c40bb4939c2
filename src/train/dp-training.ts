/**
 * Private training as a plan: sampler, clip, noise, optimizer and accountant read the same values, so the event cannot
 * disagree with the loop.
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import type { NonEmptyArray } from 'fp-ts/lib/NonEmptyArray.js'
import type { Dataset, LabelledBatch } from '../data/dataset.js'
import { type LayerRule, lazy } from '../grad/layer.js'
import type { Loss } from '../grad/losses/loss.js'
import { exceedsMemory, samplesWithin, showExceedsMemory } from '../grad/memory.js'
import { gradientMemory } from '../grad/per-sample.js'
import { applyUpdates, type OptimizerState } from '../optim/index.js'
import { Composition, noOp } from '../privacy/event/event.js'
import type { InvalidParameter } from '../privacy/invalid-parameter.js'
import { meanOver } from '../privacy/mechanism.js'
import { foldIn, key, physicalBatches } from '../sampling/index.js'
import { defaultBackend } from '../tensor/backend/default.js'
import { type Shape, shapeError, showShape } from '../tensor/shape.js'
import { tensor, toArray, zeros } from '../tensor/tensor.js'
import { type Tree, treeSize } from '../tensor/tree.js'
import type { DpTrainingConfig, DpTrainingSettings, RunConfig, StepSettings } from './config.js'
import { evaluationOf, isSteadyModel, type StepModel, stepModel } from './dropout.js'
import type { Stepped, TrainingPlan, TrainState } from './plan.js'
import { type Query, queryOf } from './query.js'
import { type CheckedRun, checkedRun } from './settings.js'

/**
 * The chosen examples. More rows than asked for, such as several augmented copies of an example, would each be clipped on
 * their own, and one person would move the sum by several bounds.
 */
const examplesOf = (dataset: Dataset, indices: Int32Array): LabelledBatch => {
  const batch = dataset.take(indices)
  if ((batch.input.shape[0] as number) > indices.length)
    throw shapeError('the dataset gave more examples than it was asked for', batch.input.shape, [indices.length])
  return batch
}

/**
 * A sample whose label the loss does not know adds nothing, in silence. Where that is the lot of a whole class, the model has too few
 * outputs: told by the loss of zeros, so that no example is looked at.
 */
const checkClasses = (loss: Loss, output: Shape, { classes }: Dataset): void => {
  const isKnown = (label: number): boolean => {
    try {
      return !toArray(loss(zeros([1, ...output]), tensor([label], [1], 'int32')).value).some(Number.isNaN)
    } catch {
      return true
    }
  }
  if (classes > 1 && isKnown(0) && !isKnown(classes - 1))
    throw new RangeError(
      `classes is ${classes}: the loss knows no class ${classes - 1} where the outputs of the model have shape ${showShape(output)}`,
    )
}

/** Trees as large as the parameters that a step has at the same time: sums, noisy sums, means, states, updates. */
const copiesAtOnce = 16

/** The plan of a run that was checked. @internal */
export const planOf = <P extends Tree, C, S extends OptimizerState, Curve>(
  config: RunConfig<P, C, S, Curve>,
  { settings, table, event, spent }: CheckedRun,
): TrainingPlan<P, C, S, DpTrainingSettings> => {
  const { loss, optimizer, inputShape, before = noOp } = config
  const model = evaluationOf(config.model)
  const modelAt = stepModel(config.model)
  const { physicalBatchSize, steps } = settings
  // Steps that follow each other mostly ask the same: the query of the last one is kept.
  let latest: { readonly of: StepSettings; readonly query: Query<P> } | undefined
  const queryFor = (of: StepSettings, trained: LayerRule<P, unknown>): Query<P> => {
    const same =
      isSteadyModel(config.model) &&
      latest?.of.clip === of.clip &&
      latest.of.noiseMultiplier === of.noiseMultiplier &&
      latest.of.expectedBatchSize === of.expectedBatchSize
    if (latest === undefined || !same) latest = { of, query: queryOf({ ...config, model: trained }, of) }
    return latest.query
  }

  const backend = lazy(() => config.backend ?? defaultBackend())
  const isBookKeeping = (config.plan ?? 'bookKeeping') === 'bookKeeping'
  /** One scope for gradient, noise and update, which stay where they are computed, if there is room for that. */
  const together =
    (params: P) =>
    <A>(body: () => A): A => {
      const { memoryLimit = Number.POSITIVE_INFINITY, scope } = backend()
      return isBookKeeping && 4 * copiesAtOnce * treeSize(params) <= memoryLimit ? scope(body) : body()
    }

  const limitFor = (dataset: Dataset, params: P, { model: trained, input }: StepModel<P>): number => {
    const first = Int32Array.of(0)
    const memory = () => gradientMemory(loss, trained, config)(params, input(examplesOf(dataset, first), first))
    if (typeof physicalBatchSize !== 'number') return samplesWithin(physicalBatchSize.bytes)(memory())
    const limit = backend().memoryLimit
    // Book-keeping takes a batch in parts, whatever its size.
    if (limit === undefined || isBookKeeping) return physicalBatchSize
    const exceeds = exceedsMemory({ samples: Math.min(physicalBatchSize, dataset.length), limit })(memory())
    if (exceeds !== undefined)
      throw new RangeError(`physicalBatchSize is ${physicalBatchSize}: ${showExceedsMemory(exceeds)}`)
    return physicalBatchSize
  }

  const output = lazy(() => model.init(key(0), inputShape).output)

  const step = (dataset: Dataset): ((state: TrainState<P, S>) => Stepped<P, S>) => {
    checkClasses(loss, output(), dataset)
    let inParts: ReturnType<typeof physicalBatches> | undefined
    return ({ step: t, params, optimizer: optimizerState, keys, ledger, bounds }) => {
      if (t >= steps) throw new RangeError(`step is ${t}: the plan ends after ${steps} steps`)
      const planned = table.at(t)
      const batch = planned.batch(keys.sampling)(dataset.length)
      // Whoever is in the batch, the limit is the same: shapes are all it depends on.
      const trained = modelAt(keys.sampling, t)
      if (batch.length > 0) inParts ??= physicalBatches(limitFor(dataset, params, trained))
      const at = optimizer.probe?.(params, optimizerState) ?? params
      const parts = (inParts ?? physicalBatches(1))(batch).map(
        (indices) => () => trained.input(examplesOf(dataset, indices), indices),
      )
      const {
        event,
        diagnostics,
        bounds: nextBounds,
        ...next
      } = together(params)(() => {
        const answer = queryFor(planned, trained.model)(foldIn(t)(keys.noise))(at, bounds, parts)
        const released = meanOver(planned.expectedBatchSize)(answer.released)
        const [updates, nextOptimizer] = optimizer.update(released.value, optimizerState, params)
        return {
          event: released.event,
          diagnostics: answer.diagnostics,
          bounds: answer.bounds,
          params: applyUpdates(params, updates),
          optimizer: nextOptimizer,
        }
      })
      return {
        state: {
          step: t + 1,
          ...next,
          keys,
          ledger: Composition.concat(ledger, planned.spends(event)),
          bounds: nextBounds,
        },
        diagnostics,
      }
    }
  }

  return {
    model,
    settings,
    at: table.at,
    epochsIn: table.epochsIn,
    event,
    spent,
    init: (key, secret = key) => {
      const { params } = model.init(foldIn(0)(key), inputShape)
      // The first child of a key is for parameters, which are public, even where one key is given for both.
      const drawing = foldIn(1)(secret)
      return {
        step: 0,
        params,
        optimizer: optimizer.init(params),
        keys: { sampling: foldIn(0)(drawing), noise: foldIn(1)(drawing) },
        ledger: before,
        bounds: {},
      }
    },
    step,
  }
}

/**
 * Checks a run in phases, scales the noise to a target, cuts the run at its budget, and returns the plan; or every field that is
 * wrong.
 *
 *   B_t ~ sampler_t         g̃_t = (Σ_{i∈B_t} clip_t(gᵢ) + N(0, σ_t²C_t²)) / (E|B_t|)      θ_{t+1} = θ_t + optimizer(g̃_t)
 *
 * Settings of a step are public and chosen before the run: phases one after another, and within a phase schedules of the clip
 * rule and of the noise multiplier, which clip, noise and ledger all read. One ledger counts all of them.
 *
 * Guarantee  the ledger grows by the event that the noise released, and nothing else reads the data. With a budget, no prefix of
 *            the run spends more than it: ε of the events to come is known before they happen, so the steps that would exceed it
 *            are not in the plan. Settings chosen in view of the results of earlier runs on the same data compose adaptively, which
 *            a filter must watch over (`rdpFilter`), not `before` alone
 * Errors     InvalidParameter for each field that is wrong, named as `phases[1].steps`; for a targetEpsilon that no noise reaches;
 *            for a budget that the first step exceeds
 * Reference  Abadi et al. 2016, arXiv:1607.00133, Algorithm 1
 *
 * @example
 * const phase = { clip: flatClip(1), noiseMultiplier: 1, samplingProbability: 0.1, expectedBatchSize: 10 }
 * const run = {
 *   model: linear(2), loss: crossEntropy, inputShape: [3], optimizer: sgd({ learningRate: 0.1 }), delta: 1e-5, targetEpsilon: 3,
 *   phases: [{ ...phase, steps: { epochs: 2 } }, { ...phase, clip: (t: number) => flatClip(1 / (1 + t)), steps: 10 }],
 * }
 * E.map((plan: { settings: { steps: number } }) => plan.settings.steps)(dpTraining(run)) // => E.right(30)
 */
export const dpTraining = <P extends Tree, C, S extends OptimizerState, Curve>(
  config: DpTrainingConfig<P, C, S, Curve>,
): E.Either<NonEmptyArray<InvalidParameter>, TrainingPlan<P, C, S, DpTrainingSettings>> =>
  pipe(
    checkedRun(config, (phase, field) => `phases[${phase}].${field}`),
    E.map((checked) => planOf(config, checked)),
  )

/**
 * DP-SGD as one record: sampler, clip, noise, optimizer and accountant read the same values, so the event cannot disagree
 * with the loop.
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import type { NonEmptyArray } from 'fp-ts/lib/NonEmptyArray.js'
import type { Dataset, LabelledBatch } from '../data/dataset.js'
import type { LayerRule } from '../grad/layer.js'
import { applyUpdates, type OptimizerState } from '../optim/index.js'
import type { Bounds } from '../privacy/accountant.js'
import { type BoundedSum, disjointSum } from '../privacy/clip/clip.js'
import { type ClippingDiagnostics, clippedGradWithDiagnostics, type NotPrivate } from '../privacy/clipped-grad.js'
import {
  Composition,
  gaussian as gaussianEvent,
  type NoiseGrade,
  type PrivacyEvent,
  poissonSampled,
  selfComposed,
} from '../privacy/event/event.js'
import type { InvalidParameter } from '../privacy/invalid-parameter.js'
import { gaussian, meanOver } from '../privacy/mechanism.js'
import { foldIn, type Key, physicalBatches, poissonSample } from '../sampling/index.js'
import { shapeError } from '../tensor/shape.js'
import type { Tree } from '../tensor/tree.js'
import type { DpSgdConfig, PlanSettings } from './config.js'
import { checkedSettings } from './settings.js'

/** Everything that a run is, between two steps: what a checkpoint holds. The keys make it secret. */
export interface TrainState<P extends Tree, S extends OptimizerState> {
  /** Steps taken. */
  readonly step: number
  readonly params: P
  readonly optimizer: S
  readonly keys: { readonly sampling: Key; readonly noise: Key }
  /** What was released so far. */
  readonly ledger: PrivacyEvent
}

/** A step, and what the private batch looked like on the way. */
export interface Stepped<P extends Tree, S extends OptimizerState> {
  readonly state: TrainState<P, S>
  readonly diagnostics: readonly NotPrivate<ClippingDiagnostics>[]
}

/** A checked run: how it starts, how it steps, what it costs. */
export interface DpSgdPlan<P extends Tree, C, S extends OptimizerState> {
  readonly model: LayerRule<P, C>
  readonly settings: PlanSettings
  /** The event of so many steps with noise of a grade. */
  readonly event: (steps: number, grade: NoiseGrade) => PrivacyEvent
  /** What a ledger has spent, at the delta of the settings. */
  readonly spent: (ledger: PrivacyEvent) => Bounds
  /**
   * Parameters from the first child of the key; sampling and noise from the second, or from `secret` where it is given. A key
   * is for one run: two plans that start from one key draw the same noise, and the difference of what they release has none.
   * `plan.init(key(0), secureKey())` takes sampling and noise from the operating system, as protecting people needs.
   */
  readonly init: (key: Key, secret?: Key) => TrainState<P, S>
  /** One step; a pure function of state and data. Throws a ShapeError for data that do not fit the model. */
  readonly step: (dataset: Dataset) => (state: TrainState<P, S>) => Stepped<P, S>
}

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
 * Checks a configuration, calibrates the noise, and returns the plan of the run; or every field that is wrong.
 *
 *   B_t ~ Poisson(q)      g̃_t = (Σ_{i∈B_t} clip(gᵢ) + N(0, σ²C²)) / (qN)      θ_{t+1} = θ_t + optimizer(g̃_t)
 *
 * Guarantee  T steps are the event selfComposed(T)(poissonSampled(q)(gaussian(σ))): the ledger of a state grows by the event
 *            that its noise released, and nothing else reads the data
 * Errors     InvalidParameter for each field that is wrong, or for a targetEpsilon that no noise reaches
 * Reference  Abadi et al. 2016, arXiv:1607.00133, Algorithm 1
 *
 * @example
 * const fields = {
 *   model: linear(2), loss: crossEntropy, inputShape: [3], optimizer: sgd({ learningRate: 0.1 }), clip: flatClip(1),
 *   noise: { targetEpsilon: 3 }, samplingProbability: 0.1, expectedBatchSize: 10, steps: 0, delta: 1,
 * }
 * E.mapLeft((invalid) => invalid.map(({ parameter }) => parameter))(dpSgd(fields)) // => E.left(['steps', 'delta'])
 */
export const dpSgd = <P extends Tree, C, S extends OptimizerState>(
  config: DpSgdConfig<P, C, S>,
): E.Either<NonEmptyArray<InvalidParameter>, DpSgdPlan<P, C, S>> =>
  pipe(
    checkedSettings(config),
    E.map(({ settings, spent }) => {
      const { model, loss, clip, optimizer, inputShape } = config
      const { samplingProbability, expectedBatchSize, noiseMultiplier, physicalBatchSize } = settings
      const clipped = clippedGradWithDiagnostics(loss, model, clip, config)
      const sample = poissonSample({ samplingProbability })
      const parts = physicalBatches(physicalBatchSize)
      const addNoise = gaussian(noiseMultiplier)
      const mean = meanOver(expectedBatchSize)
      const sum = disjointSum<P>()

      const step =
        (dataset: Dataset) =>
        ({ step: t, params, optimizer: optimizerState, keys, ledger }: TrainState<P, S>): Stepped<P, S> => {
          const batch = sample(keys.sampling, t)(dataset.length)
          const physical = parts(batch).map((indices) => clipped(params, examplesOf(dataset, indices)))
          const bounded = physical.map((part): BoundedSum<P> => part.bounded).reduce(sum.concat)
          const released = mean(addNoise(foldIn(t)(keys.noise))(bounded))
          const [updates, nextOptimizer] = optimizer.update(released.value, optimizerState, params)
          return {
            state: {
              step: t + 1,
              params: applyUpdates(params, updates),
              optimizer: nextOptimizer,
              keys,
              ledger: Composition.concat(ledger, poissonSampled(samplingProbability)(released.event)),
            },
            diagnostics: physical.map(({ diagnostics }) => diagnostics),
          }
        }

      return {
        model,
        settings,
        event: (steps, grade) =>
          selfComposed(steps)(poissonSampled(samplingProbability)(gaussianEvent(noiseMultiplier, grade))),
        spent,
        init: (key, secret = foldIn(1)(key)) => {
          const { params } = model.init(foldIn(0)(key), inputShape)
          return {
            step: 0,
            params,
            optimizer: optimizer.init(params),
            keys: { sampling: foldIn(0)(secret), noise: foldIn(1)(secret) },
            ledger: Composition.empty,
          }
        },
        step,
      }
    }),
  )

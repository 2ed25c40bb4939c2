/**
 * A checked run: how it starts, how it steps, what it costs.
 */
import type { Dataset } from '../data/dataset.js'
import type { LayerRule } from '../grad/layer.js'
import type { OptimizerState } from '../optim/index.js'
import type { Bounds } from '../privacy/accountant.js'
import type { AdaptiveClipState } from '../privacy/clip/adaptive-quantile.js'
import type { ClippingDiagnostics, NotPrivate } from '../privacy/clipped-grad.js'
import type { NoiseGrade, PrivacyEvent } from '../privacy/event/event.js'
import type { Key } from '../sampling/index.js'
import type { Tree } from '../tensor/tree.js'
import type { PlanSettings, RunSettings } from './config.js'
import type { PlannedStep } from './phase-table.js'

/** Everything that a run is, between two steps: what a checkpoint holds. The keys make it secret. */
export interface TrainState<P extends Tree, S extends OptimizerState> {
  /** Steps taken. */
  readonly step: number
  readonly params: P
  readonly optimizer: S
  readonly keys: { readonly sampling: Key; readonly noise: Key }
  /** What was released so far. */
  readonly ledger: PrivacyEvent
  /** The bounds of a clip that adapts, by group; none where it is fixed. */
  readonly bounds: AdaptiveClipState
}

/** A step, and what the private batch looked like on the way. */
export interface Stepped<P extends Tree, S extends OptimizerState> {
  readonly state: TrainState<P, S>
  readonly diagnostics: readonly NotPrivate<ClippingDiagnostics>[]
}

/** A plan of a run. */
export interface TrainingPlan<P extends Tree, C, S extends OptimizerState, Settings extends RunSettings = RunSettings> {
  readonly model: LayerRule<P, C>
  readonly settings: Settings
  /** What step t, counted from 0, clips, adds and draws. */
  readonly at: (step: number) => PlannedStep
  /** Expected passes over the data in so many steps: the sum of their q. */
  readonly epochsIn: (steps: number) => number
  /** The event of so many steps with noise of a grade, what was released before the run included. */
  readonly event: (steps: number, grade: NoiseGrade) => PrivacyEvent
  /** What a ledger has spent, at the delta of the settings. */
  readonly spent: (ledger: PrivacyEvent) => Bounds
  /**
   * Parameters from the first child of the key; sampling and noise from its second, or that of `secret` where it is given. A key
   * is for one run: two plans that start from one key draw the same noise, and the difference of what they release has none.
   * `plan.init(key(0), secureKey())` takes sampling and noise from the operating system, as protecting people needs.
   */
  readonly init: (key: Key, secret?: Key) => TrainState<P, S>
  /**
   * One step; a pure function of state and data. Throws a ShapeError for data that do not fit the model, and a RangeError
   * after the last step, or for data with more classes than the model has outputs.
   */
  readonly step: (dataset: Dataset) => (state: TrainState<P, S>) => Stepped<P, S>
}

/** A plan of DP-SGD. */
export type DpSgdPlan<P extends Tree, C, S extends OptimizerState> = TrainingPlan<P, C, S, PlanSettings>

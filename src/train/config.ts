/**
 * What a private training run is told, and the public numbers that come of it.
 */
import type { LayerRule } from '../grad/layer.js'
import type { WithDropout } from '../grad/layers/dropout.js'
import type { Loss } from '../grad/losses/loss.js'
import type { GradientOptions } from '../grad/per-sample.js'
import type { GradientTransformation, OptimizerState, Schedule } from '../optim/index.js'
import type { Accountant } from '../privacy/accountant.js'
import type { AdaptiveQuantileOptions } from '../privacy/clip/adaptive-quantile.js'
import type { Clip } from '../privacy/clip/group-clip.js'
import type { PrivacyEvent } from '../privacy/event/event.js'
import type { RdpCurve } from '../privacy/rdp/curve.js'
import type { BatchSampler, SamplingScheme } from '../sampling/index.js'
import type { Shape } from '../tensor/shape.js'
import type { Tree } from '../tensor/tree.js'

/** Noise by its multiplier σ, or by the ε that the whole run may spend. */
export type NoiseTarget =
  | { readonly noiseMultiplier: number; readonly targetEpsilon?: never }
  | { readonly targetEpsilon: number; readonly noiseMultiplier?: never }

/** Whether sums and noise are whole numbers on a public grid, and what a step of it stands for. */
export type GridChoice = boolean | { readonly gridSpacing: number }

/** What every run is told, whatever its steps are. Everything in it is public. */
export interface RunConfig<P extends Tree, C, S extends OptimizerState, Curve = RdpCurve> extends GradientOptions {
  /** With dropout, each step masks by a key of its own and the number of the example; the rest of a plan is without. */
  readonly model: LayerRule<P, C> | WithDropout<P, C>
  readonly loss: Loss
  /** Shape of one input, without n: `dataset.inputShape`. */
  readonly inputShape: Shape
  readonly optimizer: GradientTransformation<S>
  readonly delta: number
  /** Reads the ledger. Default `rdp()`. */
  readonly accountant?: Accountant<Curve>
  /** The ε that must never be exceeded: the run ends before the first step that would. */
  readonly budget?: number
  /** What was released from the same data before, such as the ledger of the run that this one continues. */
  readonly before?: PrivacyEvent
  /**
   * The most samples that are in memory at once (default 512), or the most bytes that their gradients may take there; the
   * result does not depend on it.
   */
  readonly physicalBatchSize?: number | { readonly bytes: number }
  /**
   * Sums in whole numbers with discrete Gaussian noise, which no attack on floating point reaches: the grade `discrete`, given
   * keys from the operating system. Forms every per-sample gradient. Default false.
   */
  readonly grid?: GridChoice
}

/** A private training run by DP-SGD, described. */
export interface DpSgdConfig<P extends Tree, C, S extends OptimizerState, Curve = RdpCurve>
  extends RunConfig<P, C, S, Curve> {
  readonly clip: Clip
  readonly noise: NoiseTarget
  /** q: each example joins a step's batch independently with this probability. */
  readonly samplingProbability: number
  /** q · N for the public size N that the run is planned for. The divisor of every step, whatever batch was drawn. */
  readonly expectedBatchSize: number
  /** T. */
  readonly steps: number
}

/**
 * Bounds that follow a quantile of the gradient norms, estimated within the noise of each step: `adaptiveQuantileClip`. A phase
 * begins with the bounds that the state has where they are of its groups, else with its `initialClipNorm`.
 */
export interface AdaptiveChoice {
  readonly adaptive: Omit<AdaptiveQuantileOptions, 'noiseMultiplier' | 'expectedBatchSize'>
}

/** A clip that is known before the run, or one that adapts. */
export type ClipChoice = Clip | AdaptiveChoice

/** How the batches of a phase are drawn. */
export type Sampling =
  /** q: each example joins a step's batch independently with this probability. */
  | { readonly samplingProbability: number; readonly sampler?: never }
  /** Any other selection, whose scheme says what its event is. */
  | { readonly sampler: BatchSampler; readonly samplingProbability?: never }

/** A stretch of a run, with settings of its own, chosen before the run: a schedule is asked once a step, when the plan is made. */
export type Phase = PhaseBase & Sampling

/** A phase, but for its batches. */
export interface PhaseBase {
  /** How many steps, or expected passes over the data: ⌈epochs / (share of the data in a batch)⌉ steps. */
  readonly steps: number | { readonly epochs: number }
  /** The rule of a step, counted from 0 within the phase; its bound is what the noise of the step is scaled to. */
  readonly clip: ClipChoice | ((step: number) => Clip)
  /** σ of a step, counted from 0 within the phase: one value, which noise and ledger both read. */
  readonly noiseMultiplier: number | Schedule
  /** The expected size of a batch for the public size N that the run is planned for, such as q · N: the divisor of the steps. */
  readonly expectedBatchSize: number
}

/** A private training run in phases, described. */
export interface DpTrainingConfig<P extends Tree, C, S extends OptimizerState, Curve = RdpCurve>
  extends RunConfig<P, C, S, Curve> {
  readonly phases: readonly Phase[]
  /** The ε that the whole run spends, `before` included: all noise multipliers are scaled by one factor until it does. */
  readonly targetEpsilon?: number
}

/** The public numbers of one step. */
export interface StepSettings {
  readonly clip: ClipChoice
  readonly noiseMultiplier: number
  readonly sampler: BatchSampler
  readonly expectedBatchSize: number
}

/** The public numbers of a phase, where they are the same at every step of it; `varies` where they follow a schedule. */
export interface PhaseSettings {
  readonly steps: number
  readonly noiseMultiplier: number | 'varies'
  readonly l2Bound: number | 'varies' | 'adapts'
  readonly sampling: SamplingScheme
  readonly expectedBatchSize: number
}

/** The public numbers of a run. */
export interface RunSettings {
  /** Steps that are taken: those of all phases, as far as the budget reaches. */
  readonly steps: number
  readonly delta: number
  readonly physicalBatchSize: number | { readonly bytes: number }
  readonly accountant: string
}

/** The public numbers of a run in phases. */
export interface DpTrainingSettings extends RunSettings {
  readonly phases: readonly PhaseSettings[]
  /** What the noise multipliers were scaled by. */
  readonly noiseScale: number
}

/** The public numbers of a run by DP-SGD. */
export interface PlanSettings extends RunSettings {
  readonly noiseMultiplier: number
  readonly l2Bound: number
  readonly samplingProbability: number
  readonly expectedBatchSize: number
}

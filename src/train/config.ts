/**
 * What a private training run is told, and the public numbers that come of it.
 */
import type { LayerRule } from '../grad/layer.js'
import type { Loss } from '../grad/losses/loss.js'
import type { GradientOptions } from '../grad/per-sample.js'
import type { GradientTransformation, OptimizerState } from '../optim/index.js'
import type { Clip } from '../privacy/clip/group-clip.js'
import type { Shape } from '../tensor/shape.js'
import type { Tree } from '../tensor/tree.js'

/** Noise by its multiplier σ, or by the ε that the whole run may spend. */
export type NoiseTarget =
  | { readonly noiseMultiplier: number; readonly targetEpsilon?: never }
  | { readonly targetEpsilon: number; readonly noiseMultiplier?: never }

/** A private training run, described. Everything in it is public. */
export interface DpSgdConfig<P extends Tree, C, S extends OptimizerState> extends GradientOptions {
  readonly model: LayerRule<P, C>
  readonly loss: Loss
  /** Shape of one input, without n: `dataset.inputShape`. */
  readonly inputShape: Shape
  readonly optimizer: GradientTransformation<S>
  readonly clip: Clip
  readonly noise: NoiseTarget
  /** q: each example joins a step's batch independently with this probability. */
  readonly samplingProbability: number
  /** q · N for the public size N that the run is planned for. The divisor of every step, whatever batch was drawn. */
  readonly expectedBatchSize: number
  /** T. */
  readonly steps: number
  readonly delta: number
  /** The most samples that are in memory at once; the result does not depend on it. Default 512. */
  readonly physicalBatchSize?: number
}

/** The public numbers of a run. */
export interface PlanSettings {
  readonly noiseMultiplier: number
  readonly l2Bound: number
  readonly samplingProbability: number
  readonly expectedBatchSize: number
  readonly steps: number
  readonly delta: number
  readonly physicalBatchSize: number
  readonly accountant: string
}

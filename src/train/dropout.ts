/**
 * Models with dropout in a run: which model and which inputs a step takes gradients of.
 */
import type { LabelledBatch } from '../data/dataset.js'
import type { LayerRule } from '../grad/layer.js'
import { numbered, type WithDropout } from '../grad/layers/dropout.js'
import { foldIn, type Key } from '../sampling/index.js'
import { cast, type Tensor } from '../tensor/tensor.js'
import type { Tree } from '../tensor/tree.js'

const drops = <P extends Tree, C>(model: LayerRule<P, C> | WithDropout<P, C>): model is WithDropout<P, C> =>
  'training' in model

/** The model that is initialised and evaluated. */
export const evaluationOf = <P extends Tree, C>(model: LayerRule<P, C> | WithDropout<P, C>): LayerRule<P, C> =>
  drops(model) ? model.evaluation : model

/** A model as one step trains it, and what it is given of the chosen examples. */
export interface StepModel<P extends Tree> {
  readonly model: LayerRule<P, unknown>
  readonly input: (batch: LabelledBatch, indices: Int32Array) => LabelledBatch
}

/** Beyond every number of a step and of a phase, so that masks have a key that no batch is drawn from. */
const MASKS = 2 ** 48 + 2 ** 32

/** Samples in a dtype that holds their numbers: float32 ends at 2²⁴, and an error would tell that a record beyond was drawn. */
const roomy = (indices: Int32Array): ((input: Tensor) => Tensor) =>
  indices.some((index) => index > 2 ** 24) ? cast('float64') : (input) => input

/** The model of step t under the key of the run's sampling. */
export const stepModel =
  <P extends Tree, C>(model: LayerRule<P, C> | WithDropout<P, C>) =>
  (sampling: Key, t: number): StepModel<P> =>
    drops(model)
      ? {
          model: model.training(foldIn(t)(foldIn(MASKS)(sampling))) as LayerRule<P, unknown>,
          input: ({ input, target }, indices) => ({ input: numbered(indices)(roomy(indices)(input)), target }),
        }
      : { model: model as LayerRule<P, unknown>, input: (batch) => batch }

/** Does every step have the same model? */
export const isSteadyModel = <P extends Tree, C>(model: LayerRule<P, C> | WithDropout<P, C>): boolean => !drops(model)

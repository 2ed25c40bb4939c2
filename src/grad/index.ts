/**
 * Layer rules, losses per sample, and the gradients of each sample.
 *
 * @module
 */
export * from './activation.js'
export * from './attention.js'
export * from './bilinear.js'
export * from './check-layer.js'
export * from './conv-transpose2d.js'
export * from './conv1d.js'
export * from './conv2d.js'
export * from './conv3d.js'
export { type EmbeddingOptions, type EmbeddingParams, embedding, type TokenCache } from './embedding.js'
export * from './embedding-bag.js'
export * from './finite-difference.js'
export * from './flatten.js'
export * from './form.js'
export * from './from-function.js'
export * from './frozen.js'
export * from './group-norm.js'
export * from './initialise.js'
export * from './instance-norm.js'
export {
  type AnyLayer,
  type Derived,
  type Initialised,
  keepingPullback,
  type LayerRule,
  layer,
  type Pullback,
  withoutParams,
} from './layer.js'
export { type LayerNormOptions, type LayerNormParams, layerNorm } from './layer-norm.js'
export { type LinearOptions, type LinearParams, linear } from './linear.js'
export * from './lora.js'
export * from './loss.js'
export * from './losses-classification.js'
export * from './losses-regression.js'
export * from './losses-triplet.js'
export * from './named.js'
export * from './pad.js'
export * from './parallel.js'
export * from './parameter-table.js'
export * from './per-sample.js'
export * from './pool.js'
export * from './pool1d.js'
export * from './positional-embedding.js'
export * from './prelu.js'
export * from './quantities.js'
export * from './rearrange.js'
export * from './recurrent.js'
export * from './repeat.js'
export * from './residual.js'
export * from './reuse.js'
export * from './rms-norm.js'
export * from './rounding.js'
export * from './sequential.js'
export { softmax } from './softmax.js'
export type { Standardised } from './standardise.js'
export * from './tied.js'
export type { Operations, Value } from './traced-operations.js'
export * from './transformer.js'
export * from './weight-standardised.js'

/**
 * Layer rules, losses per sample, and the gradients of each sample.
 *
 * @module
 */
export * from './activation.js'
export * from './attention.js'
export * from './conv1d.js'
export * from './conv2d.js'
export * from './conv3d.js'
export { type EmbeddingOptions, type EmbeddingParams, embedding, type TokenCache } from './embedding.js'
export * from './embedding-bag.js'
export * from './finite-difference.js'
export * from './flatten.js'
export * from './form.js'
export * from './frozen.js'
export * from './group-norm.js'
export * from './initialise.js'
export * from './instance-norm.js'
export {
  type AnyLayer,
  type Derived,
  type Initialised,
  type LayerRule,
  layer,
  type Pullback,
  withoutParams,
} from './layer.js'
export { type LayerNormOptions, type LayerNormParams, layerNorm } from './layer-norm.js'
export * from './linear.js'
export * from './loss.js'
export * from './named.js'
export * from './parallel.js'
export * from './per-sample.js'
export * from './pool.js'
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

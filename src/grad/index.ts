/**
 * Layer rules, losses per sample, and the gradients of each sample.
 *
 * @module
 */

export * from './batch.js'
export type { PerSampleGradients } from './book-keeping.js'
export * from './check-layer.js'
export * from './composition/after.js'
export * from './composition/form.js'
export * from './composition/frozen.js'
export {
  type LoraOptions,
  type LoraParams,
  loraConv1d,
  loraConv2d,
  loraConv3d,
  loraLinear,
} from './composition/lora.js'
export * from './composition/lora-attention.js'
export * from './composition/named.js'
export * from './composition/parallel.js'
export * from './composition/parameter-table.js'
export * from './composition/part.js'
export * from './composition/repeat.js'
export * from './composition/rescaled.js'
export * from './composition/residual.js'
export * from './composition/reuse.js'
export * from './composition/sequential.js'
export * from './composition/tied.js'
export * from './cost.js'
export * from './explain.js'
export * from './finite-difference.js'
export * from './from-function.js'
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
export * from './layers/activation.js'
export { type AttentionOptions, type AttentionParams, selfAttention } from './layers/attention.js'
export * from './layers/bilinear.js'
export type { ConvTransposeParams } from './layers/conv-transpose.js'
export * from './layers/conv-transpose1d.js'
export * from './layers/conv-transpose2d.js'
export * from './layers/conv-transpose3d.js'
export * from './layers/conv1d.js'
export * from './layers/conv2d.js'
export { type Conv3dOptions, type Conv3dParams, conv3d } from './layers/conv3d.js'
export type { ConvolutionPadding } from './layers/convolution-padding.js'
export * from './layers/cross-attention.js'
export * from './layers/dropout.js'
export { type EmbeddingOptions, type EmbeddingParams, embedding, type TokenCache } from './layers/embedding.js'
export * from './layers/embedding-bag.js'
export * from './layers/flatten.js'
export * from './layers/global-pool.js'
export * from './layers/group-norm.js'
export * from './layers/initialise.js'
export * from './layers/instance-norm.js'
export { type LayerNormOptions, type LayerNormParams, layerNorm } from './layers/layer-norm.js'
export { type LinearOptions, type LinearParams, linear } from './layers/linear.js'
export * from './layers/pad.js'
export {
  adaptiveAvgPool2d,
  avgPool2d,
  type MaxPoolCache,
  maxPool2d,
  type PoolOptions,
  zeroPad2d,
} from './layers/pool.js'
export * from './layers/pool1d.js'
export * from './layers/pool3d.js'
export * from './layers/positional-embedding.js'
export * from './layers/prelu.js'
export * from './layers/rearrange.js'
export * from './layers/recurrent.js'
export * from './layers/rms-norm.js'
export { type ScatteringCache, type ScatteringOptions, scattering2d } from './layers/scattering/scattering.js'
export { maskedLast, maskedMean, tokenMask, withMask } from './layers/sequence-mask.js'
export { softmax } from './layers/softmax.js'
export type { Standardised } from './layers/standardise.js'
export * from './layers/transformer.js'
export * from './layers/upsample.js'
export type { Conv3dCache, Triple } from './layers/volume.js'
export * from './layers/weight-standardised.js'
export * from './losses/classification.js'
export * from './losses/loss.js'
export * from './losses/on-backend.js'
export * from './losses/regression.js'
export * from './losses/triplet.js'
export {
  bytesFor,
  type ExceedsMemory,
  exceedsMemory,
  type GradientMemory,
  samplesWithin,
  showExceedsMemory,
} from './memory.js'
export { type GradientOptions, gradientMemory, type Plan, withPerSampleGradients } from './per-sample.js'
export * from './quantities.js'
export * from './readings.js'
export * from './rounding.js'
export type { ForwardThen, GoingOn, PullbackThrough } from './then.js'
export type { Operations, Value } from './traced-operations.js'

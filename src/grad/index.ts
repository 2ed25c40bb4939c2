/**
 * Layer rules, losses per sample, and the gradients of each sample.
 *
 * @module
 */
export * from './activation.js'
export * from './conv2d.js'
export * from './finite-difference.js'
export * from './flatten.js'
export * from './group-norm.js'
export * from './initialise.js'
export {
  type AnyLayer,
  type Derived,
  type Initialised,
  type LayerRule,
  layer,
  type Pullback,
  withoutParams,
} from './layer.js'
export * from './linear.js'
export * from './loss.js'
export * from './per-sample.js'
export * from './pool.js'
export * from './sequential.js'

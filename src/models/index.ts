/**
 * Networks that private learning is compared on, ready to be initialised; and models as plain data, validated and repaired.
 *
 * @module
 */
export * from './cifar-cnn.js'
export * from './logistic-regression.js'
export * from './mean-over-positions.js'
export * from './resnet.js'
export * from './scattering-linear.js'
export * from './sequence-classifiers.js'
export { type Activation, smallCnn } from './small-cnn.js'
export { build, type SpecParams } from './spec/build.js'
export { type FixedModel, type FixOptions, fix, type ModelChange } from './spec/fix.js'
export * from './spec/layer-spec.js'
export { type ModelSpec, namesIn, type Wiring } from './spec/model-spec.js'
export { type ModelProblem, showModelProblem, validate } from './spec/validate.js'
export * from './zero-padded-shortcut.js'

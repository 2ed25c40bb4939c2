/**
 * Networks that private learning is compared on, ready to be initialised.
 *
 * @module
 */
export * from './cifar-cnn.js'
export * from './logistic-regression.js'
export * from './mean-over-positions.js'
export * from './resnet.js'
export * from './sequence-classifiers.js'
export { type Activation, smallCnn } from './small-cnn.js'
export * from './zero-padded-shortcut.js'

/**
 * fp-dp: differentially private learning as values.
 *
 * @module
 */
export * as data from './data/index.js'
export * as grad from './grad/index.js'
export * as models from './models/index.js'
export * as optim from './optim/index.js'
export * as privacy from './privacy/index.js'
export * as report from './report/index.js'
export * as sampling from './sampling/index.js'
export * as tensor from './tensor/index.js'
export * as train from './train/index.js'

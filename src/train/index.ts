/**
 * Private training: a plan, its loop, and checkpoints.
 *
 * @module
 */
export * from './audit.js'
export * from './checkpoint.js'
export * from './config.js'
export * from './dp-sgd.js'
export { dpTraining } from './dp-training.js'
export * from './evaluate.js'
export * from './gpu-step.js'
export * from './loop.js'
export * from './plan.js'

/**
 * Private training: a plan, its loop, and checkpoints.
 *
 * @module
 */
export * from './checkpoint.js'
export {
  type DpSgdConfig,
  type DpSgdPlan,
  dpSgd,
  type NoiseTarget,
  type PlanSettings,
  type Stepped,
  type TrainState,
} from './dp-sgd.js'
export * from './evaluate.js'
export * from './loop.js'

/**
 * Optimizers as gradient transformations, and schedules.
 *
 * @module
 */
export {
  type Accumulation,
  type AccumulatorState,
  type AccumulatorStep,
  accumulate,
} from './accumulate.js'
export { type AdadeltaMeansState, type AdadeltaOptions, type AdadeltaState, adadelta } from './adadelta.js'
export {
  type AdagradOptions,
  type AdagradState,
  adagrad,
  type SumOfSquaresOptions,
  type SumOfSquaresState,
  scaleBySumOfSquares,
} from './adagrad.js'
export {
  type AdamMoments,
  type AdamMomentsState,
  type AdamOptions,
  type AdamState,
  type AdamWState,
  adam,
  adamw,
  scaleByAdam,
} from './adam.js'
export { type AdamaxMomentsState, type AdamaxState, adamax } from './adamax.js'
export { type AveragedState, type AveragingRule, averaged, exponentialAverage, tailAverage } from './average.js'
export { addDecayedWeights } from './decay.js'
export { type DiskOptions, type DiskState, disk } from './disk.js'
export { accumulateGradients, type GradientAccumulationState } from './gradient-accumulation.js'
export { joined, type Stretch, warmUp } from './joined.js'
export { type LambOptions, type LambState, lamb, scaleByTrustRatio } from './lamb.js'
export { type LionMoments, type LionMomentsState, type LionOptions, type LionState, lion, scaleByLion } from './lion.js'
export { type LowPassOptions, type LowPassState, lowPass } from './low-pass.js'
export { type TraceOptions, type TraceState, trace } from './momentum.js'
export { type NadamMomentsState, type NadamOptions, type NadamState, nadam } from './nadam.js'
export {
  type NoiseCorrectedAdamOptions,
  type NoiseCorrectedAdamState,
  type NoiseCorrectedMomentsState,
  noiseCorrectedAdam,
} from './noise-corrected-adam.js'
export { type MaskedState, masked, type PartitionState, partition } from './partition.js'
export { type RadamMomentsState, type RadamState, radam } from './radam.js'
export {
  type RmsOptions,
  type RmspropOptions,
  type RmspropState,
  type RmsState,
  rmsprop,
  scaleByRms,
} from './rmsprop.js'
export {
  asSchedule,
  constant,
  cosine,
  cosineWarmRestarts,
  exponential,
  type Initial,
  linear,
  multiStep,
  type OneCycleOptions,
  oneCycle,
  polynomial,
  type Schedule,
  stepDecay,
} from './schedule.js'
export { type SgdOptions, type SgdState, sgd } from './sgd.js'
export {
  applyUpdates,
  chain,
  type GradientTransformation,
  identity,
  type OptimizerState,
  type StepState,
  scale,
  scaleByLearningRate,
  scaleBySchedule,
  stateless,
} from './transform.js'

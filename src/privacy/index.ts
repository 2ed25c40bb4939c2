/**
 * Clipping, noise, and what they cost: bounded sums, released values, events and accountants.
 *
 * @module
 */
export {
  type Accountant,
  type AccountingFailure,
  type Bounds,
  deltaOf,
  epsilonOf,
  type Interpretation,
  interpretBy,
  type MechanismEvent,
  showAccountingFailure,
  type UnsupportedEvent,
  unsupportedEvent,
} from './accountant.js'
export * from './approximate-dp/accountant.js'
export * from './approximate-dp/composition-bounds.js'
export * from './approximate-dp/optimal-composition.js'
export * from './audit/clopper-pearson.js'
export * from './audit/experiment.js'
export * from './audit/membership.js'
export * from './audit/one-run.js'
export * from './audit/scores.js'
export {
  type CalibrationFailure,
  calibrateNoiseMultiplier,
  calibrateSamplingProbability,
  calibrateSteps,
  type PrivacyTarget,
  showCalibrationFailure,
  type UnreachableTarget,
} from './calibrate.js'
export * from './calibrate-risk.js'
export * from './central-limit.js'
export * from './clip/adaptive-quantile.js'
export { type BoundedSum, type ClipRule, disjointSum, flatClip, overContributions, safeFactor } from './clip/clip.js'
export { type Grid, gridFor } from './clip/grid.js'
export {
  byLayer,
  byLeaf,
  byPrefix,
  type Clip,
  equalShares,
  type GroupClip,
  type Grouping,
  groupBoundsClip,
  groupsOf,
  type ParameterGroup,
  type PerGroupOptions,
  perGroupClip,
  type Shares,
  sharesByDimension,
} from './clip/group-clip.js'
export * from './clip/integer-sum.js'
export * from './clip/preconditioned.js'
export * from './clip/rules.js'
export * from './clipped-grad.js'
export * from './correlated/mechanism.js'
export * from './correlated/noise.js'
export * from './correlated/optimise.js'
export * from './correlated/participation.js'
export * from './correlated/scheme-participation.js'
export * from './correlated/sensitivity.js'
export * from './correlated/strategy.js'
export * from './correlated/tree.js'
/** The constructors of privacy events, and their composition. */
export * as Event from './event/event.js'
export { Composition, type NoiseGrade, type PrivacyEvent, showEvent } from './event/event.js'
export * from './event/json.js'
export * from './exact/accountant.js'
export { exactAlong } from './exact/along-steps.js'
export * from './exact/certificate.js'
export * from './exact/curve.js'
export * from './exact/gradient.js'
export * from './exact/loss-tails.js'
export * from './exact/verify-certificate.js'
export * from './filter/approximate.js'
export * from './filter/filter.js'
export * from './filter/gaussian.js'
export * from './filter/odometer.js'
export * from './filter/renyi.js'
export * from './gdp.js'
export * from './histogram.js'
export * from './invalid-parameter.js'
export { eventOnGrid, gridGaussian } from './mechanism/discrete-gaussian.js'
export * from './mechanism/laplace.js'
export * from './mechanism.js'
export * from './monte-carlo.js'
export * from './mu-of-mechanism.js'
export * from './neighbouring.js'
export * from './pld/accountant.js'
export {
  type CountedPair,
  deltaOfPairs,
  epsilonOfPairs,
} from './pld/composed-pairs.js'
export { type PldCurve, PldCurves, type PldMechanism, type PldSampling, type PldTerm } from './pld/curve.js'
export {
  approximateDpPair,
  discreteGaussianPair,
  discreteLaplacePair,
  laplacePair,
  randomizedResponsePair,
} from './pld/discrete-pair.js'
export { gaussianMixturePair, gaussianPair, replacedGaussianPair } from './pld/gaussian-pair.js'
export {
  chosenAmong,
  type LossAtom,
  type LossDensity,
  type LossDistribution,
  type Masses,
  type PrivacyLossPair,
  pairOfDistribution,
  pairOfMasses,
  swapped,
} from './pld/loss-pair.js'
export { type PairDirection, poissonSampledPair } from './pld/poisson-pair.js'
export * from './prv/accountant.js'
export * from './random-allocation/accountant.js'
export * from './rdp/accountant.js'
export * from './rdp/closed-form.js'
export * from './rdp/conversion.js'
export * from './rdp/curve.js'
export * from './rdp/discrete-gaussian.js'
export * from './rdp/exact-rdp.js'
export { type LossPair, lossPairRdpAtExcess } from './rdp/loss-pair.js'
export * from './rdp/mixture-of-gaussians.js'
export * from './rdp/repeat-and-select.js'
export * from './rdp/sampled-curve.js'
export * from './rdp/sampled-gaussian.js'
export * from './rdp/without-replacement.js'
export * from './risk.js'
export { samplingEvent } from './sampling-event.js'
export * from './schedule.js'
export * from './trade-off.js'
export * from './user-level.js'

/**
 * Randomness as data: keys, variates that depend on a key and a position alone, and the selection of batches.
 *
 * @module
 */
export * from './batches/fixed-size.js'
export * from './batches/independent.js'
export type * from './batches/scheme.js'
export * from './batches/user-level.js'
export { discreteGaussian, discreteLaplace } from './discrete/discrete-noise.js'
export type { IntegerDraws } from './discrete/lattice-sampler.js'
export { secureKey } from './entropy.js'
export { chachaKey, foldIn, type Key, type Keys, key, randomBits, randomPairs, split } from './key.js'
export { standardLaplaces } from './laplace.js'
export { normal, standardNormals } from './normal.js'
export { permutation, randomIntegers } from './permutation.js'
export { type PhysicalBatches, physicalBatches } from './physical-batches.js'
export { type ExampleRange, type PoissonSampling, poissonSample, poissonSampleRange } from './poisson.js'
export { bernoulli, type FloatDType, uniform } from './uniform.js'

/**
 * What is launched for a kernel of the backend.
 */
import { clippedSums, joined, noised, squaredNorms } from './leaves.js'
import { convolution, matmul, overRows } from './products.js'
import { type Block, byGroups, type Job, type Plan, plain, type Recorder } from './recorder.js'
import { bitsOf, type Shader } from './shader.js'
import { binaryShaders, unaryShaders } from './sources/elementwise.js'
import { channelSums, groupMeans, groupNormalised, groupNormGrad, groupStatistics } from './sources/normalisation.js'
import { poolShaders } from './sources/planes.js'
import { privateSumShaders } from './sources/private-sum.js'
import { pairSums, partDots, partSums, scaleRows, shortSums } from './sources/sums.js'

/** Terms of a part of a long sum. */
export const PART = 8192

/** Threads of a group that adds up so many terms. */
const threadsFor = (terms = 1): number => (terms <= 1024 ? 64 : 256)

const plainPlans = (shaders: Readonly<Record<string, Shader>>): Readonly<Record<string, Plan>> =>
  Object.fromEntries(Object.entries(shaders).map(([name, shader]) => [name, plain(shader)]))

const plans: Readonly<Record<string, Plan>> = {
  ...plainPlans(unaryShaders),
  ...plainPlans(binaryShaders),
  ...plainPlans(poolShaders),
  ...plainPlans(privateSumShaders),
  matmul,
  conv2d: convolution('conv2d'),
  conv2dInputGrad: convolution('conv2dInputGrad'),
  conv2dPerSampleGrad: convolution('conv2dPerSampleGrad'),
  conv2dWeightedGrad: convolution('conv2dWeightedGrad'),
  scaleRows: plain(scaleRows, ([length = 1]) => [length]),
  clipWeights: plain(privateSumShaders.clipWeights, (parameters) => parameters.map(bitsOf)),
  addNormals: (recorder, { parameters: [a = 0, b = 0, c = 0, d = 0, deviation = 0], ...job }) =>
    noised(recorder, { ...job, parameters: [deviation, job.length, (a << 16) | b, (c << 16) | d] }),
  join: (recorder, { parameters: [first = 0], ...job }) =>
    joined(recorder, { ...job, parameters: [first, job.length - first] }),
  groupNormalised: plain(groupNormalised),
  groupNormGrad: plain(groupNormGrad),
  groupStatistics: (recorder, { parameters: [numbers = 1, epsilon = 0], ...job }) =>
    byGroups(
      recorder,
      groupStatistics(threadsFor(numbers)),
      { ...job, parameters: [numbers, bitsOf(epsilon)] },
      job.length / 2,
    ),
  groupMeans: (recorder, job) => byGroups(recorder, groupMeans(threadsFor(job.parameters[0])), job, job.length / 2),
  channelSums: (recorder, job) => byGroups(recorder, channelSums(threadsFor(job.parameters[0])), job, job.length / 2),
  squaredNorms,
  clippedSums,
  joined,
  noised,
  partSums: (recorder, job) => {
    const part = job.parameters[1] ?? 1
    if (part <= 16) return plain(shortSums)(recorder, job)
    return byGroups(recorder, partSums(threadsFor(part)), job, job.length)
  },
  partDots: (recorder, job) => byGroups(recorder, partDots(threadsFor(job.parameters[1])), job, job.length / 2),
  pairSums: (recorder, job) => byGroups(recorder, pairSums, job, job.length / 2),
  weightedRowSum: (recorder, { operands, parameters: [rows = 1, columns = 1] }) =>
    overRows('weighted', recorder, operands, [rows, columns]),
  clippedRowSum: clippedSums,
}

/** The result of a kernel, once what was recorded is done. */
export const planned = <B extends Block>(recorder: Recorder<B>, job: Job<B>): B =>
  (plans[job.kernel] as Plan)(recorder, job)

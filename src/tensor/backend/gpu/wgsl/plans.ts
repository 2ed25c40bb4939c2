/**
 * What is launched for a kernel of the backend.
 */
import { convolution, matmul, overRows } from './products.js'
import { type Block, byGroups, type Job, type Plan, plain, type Recorder } from './recorder.js'
import { bitsOf, type Shader } from './shader.js'
import { binaryShaders, unaryShaders } from './sources/elementwise.js'
import { poolShaders } from './sources/planes.js'
import { privateSumShaders } from './sources/private-sum.js'
import { pairSums, partDots, partSums, scaleRows, shortSums } from './sources/sums.js'

/** Terms of a part of a long sum. */
export const PART = 8192

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
  addNormals: plain(privateSumShaders.addNormals, ([a = 0, b = 0, c = 0, d = 0, deviation = 0]) => [
    (a << 16) | b,
    (c << 16) | d,
    bitsOf(deviation),
  ]),
  partSums: (recorder, job) => {
    const part = job.parameters[1] ?? 1
    if (part <= 16) return plain(shortSums)(recorder, job)
    return byGroups(recorder, partSums(part <= 1024 ? 64 : 256), job, job.length)
  },
  partDots: (recorder, job) =>
    byGroups(recorder, partDots((job.parameters[1] ?? 1) <= 1024 ? 64 : 256), job, job.length / 2),
  pairSums: (recorder, job) => byGroups(recorder, pairSums, job, job.length / 2),
  weightedRowSum: (recorder, { operands, parameters: [rows = 1, columns = 1] }) =>
    overRows('weighted', recorder, operands, [rows, columns]),
  clippedRowSum: (recorder, { operands, parameters: [rows = 1, columns = 1] }) =>
    overRows('clipped', recorder, operands, [rows, columns]),
}

/** The result of a kernel, once what was recorded is done. */
export const planned = <B extends Block>(recorder: Recorder<B>, job: Job<B>): B =>
  (plans[job.kernel] as Plan)(recorder, job)

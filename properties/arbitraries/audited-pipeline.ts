/**
 * A small private training in parts, so that a fault can be planted in any of them, and canaries that no other record hides.
 *
 * The model is a row of weights; canary i has a number of its own among the inputs, whose gradient is long and is clipped to C.
 * The released sum at that number is C for each time it took part, and noise.
 */

import { type Batch, takeBatch } from '../../src/grad/batch.js'
import { linear } from '../../src/grad/layers/linear.js'
import { meanSquaredError } from '../../src/grad/losses/loss.js'
import { weightedGrad } from '../../src/grad/readings.js'
import { type BoundedSum, flatClip } from '../../src/privacy/clip/clip.js'
import { clippedGrad } from '../../src/privacy/clipped-grad.js'
import * as Event from '../../src/privacy/event/event.js'
import { gaussian, meanOver, type Released } from '../../src/privacy/mechanism.js'
import { foldIn, type Key, split } from '../../src/sampling/key.js'
import { poissonSample } from '../../src/sampling/poisson.js'
import { full, type Tensor, tensor, toArray, zeros } from '../../src/tensor/tensor.js'

export const CANARIES = 600
const OTHERS = 8
const INPUTS = CANARIES + OTHERS
export const CLIP = 1
const LEARNING_RATE = 1e-4

type Params = { readonly weight: Tensor }

const model = linear(1, { bias: false })

/** One number of the inputs is 10, the target is far away. */
const records = (numbers: readonly number[]): Batch => {
  const input = new Float64Array(numbers.length * INPUTS)
  numbers.forEach((number, row) => {
    input[row * INPUTS + number] = 10
  })
  return {
    input: tensor(input, [numbers.length, INPUTS]),
    target: tensor(
      numbers.map(() => 100),
      [numbers.length, 1],
    ),
  }
}

/** The parts of a step. */
export interface Pipeline {
  readonly noiseMultiplier: number
  readonly samplingProbability: number
  readonly steps: number
  /** Which records of so many are in the batch of a step. */
  readonly sample: (key: Key, step: number) => (datasetSize: number) => Readonly<ArrayLike<number>>
  readonly sum: (params: Params, batch: Batch) => BoundedSum<Params>
  readonly noise: (key: Key, step: number) => (sum: BoundedSum<Params>) => Released<Params>
  readonly divisor: (batchSize: number) => number
}

/** The event that a pipeline claims. */
export const claimedEvent = ({ noiseMultiplier, samplingProbability, steps }: Pipeline): Event.PrivacyEvent =>
  Event.selfComposed(steps)(Event.poissonSampled(samplingProbability)(Event.gaussian(noiseMultiplier)))

/** DP-SGD as it should be. */
export const correctPipeline = (settings: {
  readonly noiseMultiplier: number
  readonly samplingProbability: number
  readonly steps: number
}): Pipeline => ({
  ...settings,
  sample: poissonSample(settings),
  sum: clippedGrad(meanSquaredError, model, flatClip(CLIP)),
  noise: (key, step) => gaussian(settings.noiseMultiplier)(foldIn(step)(key)),
  divisor: () => 100,
})

/** What may go wrong: one part is replaced, and what is claimed stays. */
export const faults = {
  'noise too small by 2': (pipeline: Pipeline): Pipeline => ({
    ...pipeline,
    noise: (key, step) => gaussian(pipeline.noiseMultiplier / 2)(foldIn(step)(key)),
  }),
  'clip bound not applied': (pipeline: Pipeline): Pipeline => ({
    ...pipeline,
    sum: (params, batch) => {
      const ones = full(1, [batch.input.shape[0] as number], 'float64')
      return {
        _tag: 'BoundedSum',
        sum: weightedGrad(meanSquaredError, model)(params, batch, ones).grad,
        l2Bound: CLIP,
      }
    },
  }),
  'mean over the actual batch': (pipeline: Pipeline): Pipeline => ({
    ...pipeline,
    divisor: (batchSize) => Math.max(1, batchSize),
  }),
  'noise reused': (pipeline: Pipeline): Pipeline => ({
    ...pipeline,
    noise: (key) => gaussian(pipeline.noiseMultiplier)(key),
  }),
  'event of another sampler': (pipeline: Pipeline): Pipeline => ({
    ...pipeline,
    // Batches in the order of the records, as large as Poisson batches are on average.
    sample: (_, step) => (datasetSize) => {
      const rounds = Math.round(1 / pipeline.samplingProbability)
      return Array.from({ length: datasetSize }, (_, i) => i).filter((i) => i % rounds === step % rounds)
    },
  }),
} as const
export type Fault = keyof typeof faults

/** The records of a training: others first, then the canaries that take part. */
export const recordsOf = (members: readonly boolean[]): Batch =>
  records([
    ...Array.from({ length: OTHERS }, (_, i) => CANARIES + i),
    ...members.flatMap((member, i) => (member ? [i] : [])),
  ])

export const initialParams: Params = { weight: zeros([1, INPUTS]) }

/** One step: the released mean, and the parameters after it. */
export const stepOf = (
  { sample, sum, noise, divisor }: Pipeline,
  data: Batch,
  keys: { readonly sampling: Key; readonly noise: Key },
): ((params: Params, step: number) => { readonly mean: readonly number[]; readonly params: Params }) => {
  const datasetSize = data.input.shape[0] as number
  return (params, step) => {
    const chosen = Array.from(sample(keys.sampling, step)(datasetSize))
    const released = noise(keys.noise, step)(sum(params, takeBatch(chosen)(data)))
    const mean = toArray(meanOver(divisor(chosen.length))(released).value.weight)
    const moved = toArray(params.weight).map((w, i) => w - LEARNING_RATE * (mean[i] as number))
    return { mean, params: { weight: tensor(moved, [1, INPUTS]) } }
  }
}

/** What is released of every canary in each step, with its sign turned: a member's is higher. */
export const releasesOf =
  (pipeline: Pipeline) =>
  (members: readonly boolean[], key: Key): readonly (readonly number[])[] => {
    const [sampling, noise] = split(2)(key)
    const step = stepOf(pipeline, recordsOf(members), { sampling, noise })
    const rows: (readonly number[])[] = []
    let params = initialParams
    for (let t = 0; t < pipeline.steps; t++) {
      const { mean, params: next } = step(params, t)
      rows.push(mean.slice(0, CANARIES).map((x) => -x))
      params = next
    }
    return rows
  }

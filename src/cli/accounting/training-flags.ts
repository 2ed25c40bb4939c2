/**
 * The flags by which a training is described to an accountant: noise, batches and steps; phases of them; or an event in a file.
 */
import { type Flags, flag, flagOr, repeatedFlag } from '../flag.js'
import { count, file, oneOf, positive, probability, type Value } from '../value.js'

/** How batches are drawn. */
export const samplers = ['poisson', 'truncated-poisson', 'without-replacement', 'shuffled', 'balls-and-bins'] as const
export type Sampler = (typeof samplers)[number]

/** Steps of one noise and one sampling probability. */
export interface Phase {
  readonly noiseMultiplier: number
  readonly samplingProbability: number
  readonly steps: number
}

/** What is said of a training. */
export interface TrainingOptions {
  readonly noiseMultiplier: number | undefined
  readonly samplingProbability: number | undefined
  readonly steps: number | undefined
  readonly datasetSize: number | undefined
  readonly batchSize: number | undefined
  readonly epochs: number | undefined
  readonly sampler: Sampler
  readonly truncatedBatchSize: number | undefined
  readonly phase: readonly Phase[]
  readonly event: string | undefined
  readonly examplesPerUser: number
}

/** `1.1,0.004,5000` */
const phase: Value<Phase> = {
  requirement: 'σ,q,T: a noise multiplier above 0, a sampling probability above 0 and at most 1, and a number of steps',
  read: (text) => {
    const [sigma, q, steps, ...more] = text.split(',')
    const [noiseMultiplier, samplingProbability, times] = [
      positive.read(sigma ?? ''),
      probability.read(q ?? ''),
      count.read(steps ?? ''),
    ]
    return noiseMultiplier === undefined || samplingProbability === undefined || times === undefined || more.length > 0
      ? undefined
      : { noiseMultiplier, samplingProbability, steps: times }
  },
}

export const trainingFlags: Flags<TrainingOptions> = {
  noiseMultiplier: flag('--noise-multiplier <σ>', 'standard deviation of the noise over the clip norm', positive),
  samplingProbability: flag(
    '--sampling-probability <q>',
    'chance of an example to be in a batch; 1 where every step reads all',
    probability,
  ),
  steps: flag('--steps <T>', 'number of steps', count),
  datasetSize: flag('--dataset-size <N>', 'number of examples; with --batch-size instead of q', count),
  batchSize: flag('--batch-size <B>', 'examples in a batch, the expected number where it varies', positive),
  epochs: flag('--epochs <E>', 'passes over the data, instead of T', positive),
  sampler: flagOr(
    '--sampler <name>',
    `how batches are drawn: ${oneOf(samplers).requirement}`,
    oneOf(samplers),
    'poisson',
  ),
  truncatedBatchSize: flag(
    '--truncated-batch-size <n>',
    'most examples of a batch, for --sampler truncated-poisson',
    count,
  ),
  phase: repeatedFlag('--phase <σ,q,T>', 'steps of a training that changes as it goes, instead of the above', phase),
  event: flag('--event <file>', 'a privacy event as JSON, instead of the above; - reads it from the input', file),
  examplesPerUser: flagOr('--examples-per-user <k>', 'protect people who have up to k examples', count, 1),
}

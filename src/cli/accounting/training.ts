/**
 * From flags to a training that an accountant can read: its event, and the numbers that it is made of.
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { Event, type PrivacyEvent, samplingEvent } from '../../privacy/index.js'
import type { SamplingScheme } from '../../sampling/index.js'
import { type BadArguments, badArgument, badArguments } from '../failure.js'
import type { Phase, TrainingOptions } from './training-flags.js'

/** How batches are drawn, in numbers. */
export interface Batches {
  readonly scheme: SamplingScheme
  /** Chance of an example to be in a batch. */
  readonly samplingProbability: number
  /** Steps in which every example is seen once, on average. */
  readonly stepsPerEpoch: number
  readonly datasetSize: number | undefined
  readonly batchSize: number | undefined
}

/** A training in numbers. */
export interface Training extends Batches {
  readonly noiseMultiplier: number
  readonly steps: number
}

type Read<A> = E.Either<BadArguments, A>

const without = (flag: string, instead: string): BadArguments => badArguments(`${flag} is missing: ${instead}.`)

/** A quotient that rounding has moved off a whole number is that number. */
const ceiling = (x: number): number => Math.ceil(x * (1 - 1e-12))

/** N and B, where a sampler cannot do without. */
const sizes = ({ datasetSize, batchSize, sampler }: TrainingOptions): Read<readonly [N: number, B: number]> =>
  datasetSize === undefined
    ? E.left(without('--dataset-size', `--sampler ${sampler} needs it, and --batch-size`))
    : batchSize === undefined
      ? E.left(without('--batch-size', `--sampler ${sampler} needs it, and --dataset-size`))
      : batchSize > datasetSize
        ? E.left(badArgument('--batch-size', batchSize, `at most --dataset-size, ${datasetSize}`))
        : E.right([datasetSize, batchSize])

const wholeSizes = (options: TrainingOptions): Read<readonly [N: number, B: number]> =>
  pipe(
    sizes(options),
    E.filterOrElse(
      ([, batchSize]) => Number.isSafeInteger(batchSize),
      ([, batchSize]) => badArgument('--batch-size', batchSize, `a whole number for --sampler ${options.sampler}`),
    ),
  )

/** q, given or as B/N. */
const probabilityOf = (options: TrainingOptions): Read<number> => {
  const { samplingProbability: q, datasetSize, batchSize } = options
  if (q !== undefined)
    return batchSize === undefined
      ? E.right(q)
      : E.left(badArguments('--sampling-probability and --batch-size say the same: it must be one of them.'))
  if (datasetSize === undefined && batchSize === undefined)
    return E.left(
      without(
        '--sampling-probability',
        'it must be a number above 0 and at most 1, or be given by --dataset-size and --batch-size',
      ),
    )
  return pipe(
    sizes(options),
    E.map(([N, B]) => B / N),
  )
}

/** Batches as the flags describe them. */
export const batchesOf = (options: TrainingOptions): Read<Batches> => {
  const { sampler, datasetSize, batchSize, truncatedBatchSize } = options
  if (truncatedBatchSize !== undefined && sampler !== 'truncated-poisson')
    return E.left(badArguments(`--truncated-batch-size is for --sampler truncated-poisson, not for ${sampler}.`))
  const made = (scheme: SamplingScheme, samplingProbability: number, stepsPerEpoch: number): Batches => ({
    scheme,
    samplingProbability,
    stepsPerEpoch,
    datasetSize,
    batchSize: batchSize ?? (datasetSize === undefined ? undefined : samplingProbability * datasetSize),
  })
  switch (sampler) {
    case 'poisson':
      return pipe(
        probabilityOf(options),
        E.map((samplingProbability) =>
          made({ _tag: 'Poisson', samplingProbability }, samplingProbability, 1 / samplingProbability),
        ),
      )
    case 'truncated-poisson': {
      if (datasetSize === undefined) return E.left(without('--dataset-size', `--sampler ${sampler} needs it`))
      if (truncatedBatchSize === undefined)
        return E.left(without('--truncated-batch-size', `--sampler ${sampler} needs it`))
      return pipe(
        probabilityOf(options),
        E.map((samplingProbability) =>
          made(
            { _tag: 'TruncatedPoisson', datasetSize, samplingProbability, truncatedBatchSize },
            samplingProbability,
            1 / samplingProbability,
          ),
        ),
      )
    }
    case 'without-replacement':
      return pipe(
        wholeSizes(options),
        E.map(([N, B]) => made({ _tag: 'WithoutReplacement', datasetSize: N, batchSize: B }, B / N, N / B)),
      )
    case 'shuffled':
      return pipe(
        wholeSizes(options),
        E.map(([N, B]) => {
          const batches = ceiling(N / B)
          return made({ _tag: 'Shuffled', datasetSize: N, batches }, B / N, batches)
        }),
      )
    case 'balls-and-bins':
      return pipe(
        probabilityOf(options),
        E.map((q) => {
          // Fewer bins hold more examples each: never more bins than the batch size allows.
          const batches = Math.max(1, Math.floor((1 / q) * (1 + 1e-12)))
          return made({ _tag: 'BallsAndBins', batches }, 1 / batches, batches)
        }),
      )
  }
}

/** T, given or as epochs, of which a part of a step is a whole one. */
export const stepsOf = (
  { steps, epochs }: Pick<TrainingOptions, 'steps' | 'epochs'>,
  { stepsPerEpoch }: Pick<Batches, 'stepsPerEpoch'>,
): Read<number> =>
  steps !== undefined && epochs !== undefined
    ? E.left(badArguments('--steps and --epochs say the same: it must be one of them.'))
    : steps !== undefined
      ? E.right(steps)
      : epochs !== undefined
        ? E.right(Math.max(1, ceiling(epochs * stepsPerEpoch)))
        : E.left(without('--steps', 'it must be a whole number of at least 1, or be given by --epochs'))

/** The event of a training. */
export const eventOfTraining = ({ scheme, steps, noiseMultiplier }: Training): PrivacyEvent =>
  samplingEvent(scheme, steps)(Event.gaussian(noiseMultiplier))

/** The event of phases, one after the other. */
export const eventOfPhases = (phases: readonly Phase[]): PrivacyEvent =>
  Event.normalise(
    Event.composed(
      phases.map(({ noiseMultiplier, samplingProbability, steps }) =>
        samplingEvent({ _tag: 'Poisson', samplingProbability }, steps)(Event.gaussian(noiseMultiplier)),
      ),
    ),
  )

/** A training of one phase, every number of which is given. */
export const trainingOf = (options: TrainingOptions): Read<Training> =>
  pipe(
    batchesOf(options),
    E.chain((batches) =>
      pipe(
        stepsOf(options, batches),
        E.chain((steps) =>
          options.noiseMultiplier === undefined
            ? E.left(without('--noise-multiplier', 'it must be a number above 0'))
            : E.right({ ...batches, steps, noiseMultiplier: options.noiseMultiplier }),
        ),
      ),
    ),
  )

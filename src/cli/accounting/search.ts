/**
 * The parameter that is looked for: its range, the event at each of its values, and how its value is told.
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import {
  type CalibratedParameter,
  type Neighbouring,
  noiseMultiplierScale,
  type PrivacyEvent,
  samplingProbabilityScale,
  stepCount,
} from '../../privacy/index.js'
import { rounded } from '../../report/rounded.js'
import type { CalibrateOptions } from '../commands/calibrate.js'
import { type BadArguments, badArguments } from '../failure.js'
import type { AccountantName } from './accountant-names.js'
import { figure, lowerFigure } from './figures.js'
import type { Sought } from './target.js'
import { batchesOf, eventOfTraining, stepsOf, type Training } from './training.js'
import type { Sampler, TrainingOptions } from './training-flags.js'

/** A search. */
export interface Search {
  readonly parameter: CalibratedParameter
  readonly trainingOf: (value: number) => E.Either<BadArguments, Training>
  /** A value with six digits that is as private. */
  readonly shorten: (value: number) => number
  /** What the value is called. */
  readonly name: string
  /** The value, and what follows from it. */
  readonly show: (value: number) => string
}

/** Who reads batches drawn so, and under which relation, where nothing else is asked for. */
export const defaultsOf = (
  sampler: Sampler,
): { readonly accountants: readonly AccountantName[]; readonly neighbouring: Neighbouring } => {
  switch (sampler) {
    case 'poisson':
      return { accountants: ['exact', 'rdp'], neighbouring: 'addOrRemoveOne' }
    case 'truncated-poisson':
      return { accountants: ['pld'], neighbouring: 'replaceSpecial' }
    case 'without-replacement':
      return { accountants: ['rdp'], neighbouring: 'replaceOne' }
    case 'shuffled':
      return { accountants: ['rdp'], neighbouring: 'replaceSpecial' }
    case 'balls-and-bins':
      return { accountants: ['allocation'], neighbouring: 'addOrRemoveOne' }
  }
}

const whole = (options: CalibrateOptions): TrainingOptions => ({
  ...options,
  phase: [],
  event: undefined,
  examplesPerUser: 1,
})

/** A training from options of which every number is given. */
const complete = (options: TrainingOptions): E.Either<BadArguments, Training> =>
  pipe(
    batchesOf(options),
    E.bindTo('batches'),
    E.bind('steps', ({ batches }) => stepsOf(options, batches)),
    E.map(({ batches, steps }) => ({ ...batches, steps, noiseMultiplier: options.noiseMultiplier as number })),
  )

const noise = (options: TrainingOptions): E.Either<BadArguments, Search> =>
  pipe(
    complete(options),
    E.map((training) => ({
      parameter: noiseMultiplierScale,
      trainingOf: (noiseMultiplier) => E.right({ ...training, noiseMultiplier }),
      shorten: (value) => Number(rounded(value, 'up')),
      name: 'noise multiplier',
      show: figure,
    })),
  )

const steps = (options: TrainingOptions): E.Either<BadArguments, Search> =>
  pipe(
    batchesOf(options),
    E.map((batches) => ({
      parameter: stepCount,
      trainingOf: (value) => E.right({ ...batches, steps: value, noiseMultiplier: options.noiseMultiplier as number }),
      shorten: (value) => value,
      name: 'steps',
      show: (value) => `${value} (${lowerFigure(value / batches.stepsPerEpoch)} epochs)`,
    })),
  )

/** The largest number of steps that is counted. */
const MOST_STEPS = 2 ** 52

const batch = (options: TrainingOptions): E.Either<BadArguments, Search> => {
  const { sampler, datasetSize: N } = options
  if (sampler === 'without-replacement') {
    if (N === undefined) return E.left(badArguments(`--dataset-size is missing: --sampler ${sampler} needs it.`))
    return E.right({
      parameter: { name: 'batch size', least: 1, most: N, spends: 'more', start: Math.max(1, N / 100), integer: true },
      trainingOf: (batchSize) => complete({ ...options, batchSize }),
      shorten: (value) => value,
      name: 'batch size',
      show: figure,
    })
  }
  if (sampler !== 'poisson')
    return E.left(
      badArguments(
        `A batch can be looked for where --sampler is poisson or without-replacement, not '${sampler}': give --batch-size.`,
      ),
    )
  const least = Math.max(samplingProbabilityScale.least, (options.epochs ?? 0) / MOST_STEPS)
  return E.right({
    parameter: { ...samplingProbabilityScale, least, start: Math.max(samplingProbabilityScale.start, least) },
    trainingOf: (samplingProbability) => complete({ ...options, batchSize: undefined, samplingProbability }),
    shorten: (value) =>
      N === undefined || value * N < 1 ? Number(rounded(value, 'down')) : Math.floor(value * N * (1 + 1e-12)) / N,
    name: N === undefined ? 'sampling probability' : 'batch size',
    show: (value) =>
      N === undefined ? figure(value) : `${figure(Number((value * N).toPrecision(6)))} (q = ${lowerFigure(value)})`,
  })
}

export const searchOf = (
  options: CalibrateOptions,
  sought: Exclude<Sought, 'delta'>,
): E.Either<BadArguments, Search> =>
  sought === 'noise multiplier'
    ? noise(whole(options))
    : sought === 'steps'
      ? steps(whole(options))
      : batch(whole(options))

/** The event at a value; one that cannot be is one that no accountant reads. */
export const eventAt =
  ({ trainingOf }: Search) =>
  (value: number): PrivacyEvent =>
    pipe(
      trainingOf(value),
      E.match(({ sentences }): PrivacyEvent => ({ _tag: 'Unsupported', reason: sentences.join(' ') }), eventOfTraining),
    )

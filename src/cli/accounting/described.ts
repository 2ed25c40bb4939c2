/**
 * What a command line describes: a training in numbers, its phases, or an event that was written down.
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { eventFromJson, type PrivacyEvent, showAccountingFailure, userLevelEvent } from '../../privacy/index.js'
import { type BadArguments, badArguments, type Failure, sentenceOf } from '../failure.js'
import { readJson } from '../read-text.js'
import { eventOfPhases, eventOfTraining, type Training, trainingOf } from './training.js'
import type { TrainingOptions } from './training-flags.js'

/** Something to account for. */
export interface Described {
  readonly event: PrivacyEvent
  /** Whom it protects. */
  readonly unit: string
  /** The numbers, where it is a training of one phase. */
  readonly training: Training | undefined
}

const single = ['noiseMultiplier', 'samplingProbability', 'steps', 'datasetSize', 'batchSize', 'epochs'] as const
const flagOf = (name: string): string => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`

/** Flags that were given beside one that stands for all of them. */
const besides = (options: TrainingOptions, flag: string): E.Either<BadArguments, void> => {
  const given = single.filter((name) => options[name] !== undefined).map(flagOf)
  const others = flag === '--event' && options.phase.length > 0 ? [...given, '--phase'] : given
  return others.length === 0
    ? E.right(undefined)
    : E.left(badArguments(`${flag} says everything: ${others.join(', ')} must not be given beside it.`))
}

const eventOfFile = async (path: string): Promise<E.Either<Failure, PrivacyEvent>> =>
  pipe(
    await readJson('--event', path),
    E.chain((json) =>
      pipe(
        eventFromJson(json),
        E.mapLeft((invalid): Failure => badArguments(`--event ${path}: ${sentenceOf(invalid)}`)),
      ),
    ),
  )

const recordEvent = async (
  options: TrainingOptions,
): Promise<E.Either<Failure, Pick<Described, 'event' | 'training'>>> => {
  const { event, phase } = options
  if (event !== undefined) {
    const alone = besides(options, '--event')
    return E.isLeft(alone)
      ? alone
      : E.map((read: PrivacyEvent) => ({ event: read, training: undefined }))(await eventOfFile(event))
  }
  if (phase.length > 0) {
    if (options.sampler !== 'poisson')
      return E.left(badArguments(`--phase is of Poisson batches: --sampler must be poisson, not '${options.sampler}'.`))
    return E.map(() => ({ event: eventOfPhases(phase), training: undefined }))(besides(options, '--phase'))
  }
  return E.map((training: Training) => ({ event: eventOfTraining(training), training }))(trainingOf(options))
}

/** What the flags describe. */
export const describedBy = async (options: TrainingOptions): Promise<E.Either<Failure, Described>> => {
  const { examplesPerUser: k } = options
  return pipe(
    await recordEvent(options),
    E.chain((one) =>
      k === 1
        ? E.right({ ...one, unit: 'one example' })
        : pipe(
            userLevelEvent(k)(one.event),
            E.bimap(
              (failure): Failure => badArguments(`--examples-per-user ${k}: ${showAccountingFailure(failure)}.`),
              (event) => ({ ...one, event, unit: `one person with up to ${k} examples` }),
            ),
          ),
    ),
  )
}

/**
 * The answer of `fp-dp calibrate`: the number that was left out, by each accountant, on the private side of the target.
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import * as RA from 'fp-ts/lib/ReadonlyArray.js'
import {
  Event,
  type Neighbouring,
  type RiskTarget,
  showAccountingFailure,
  showEvent,
  showNeighbouring,
  showRiskFailure,
} from '../../privacy/index.js'
import type { AccountantName } from '../accounting/accountant-names.js'
import { type Asked, accountantOf, type Reading } from '../accounting/accountants.js'
import { figure, milliseconds, nearFigure, upperFigure } from '../accounting/figures.js'
import { relationOf } from '../accounting/relations.js'
import { defaultsOf, eventAt, type Search, searchOf } from '../accounting/search.js'
import { questionOf, riskName, showTarget } from '../accounting/target.js'
import { eventOfTraining, trainingOf } from '../accounting/training.js'
import type { Answer } from '../command.js'
import type { CalibrateOptions } from '../commands/calibrate.js'
import { badArgument, type Failure, failed, sentencesOf } from '../failure.js'
import { table } from '../table.js'
import { type Paint, paintFor, type Terminal } from '../terminal.js'

/** What one accountant found. */
interface Found {
  readonly accountant: AccountantName
  readonly value: number
  /** A value beside it that exceeds the target; undefined where every value meets it. */
  readonly exceeding: number | undefined
  /** The risk at `value`, from above. */
  readonly reached: number
  readonly event: string
  readonly milliseconds: number
}

/** The accountants that are asked; each has the relation, or the argument says so. */
const askedOf = (names: readonly AccountantName[], neighbouring: Neighbouring): E.Either<Failure, readonly Asked[]> =>
  pipe(
    names,
    E.traverseArray((name) =>
      pipe(
        accountantOf(name, neighbouring),
        E.fromNullable(badArgument('--accountant', name, `one that knows ${showNeighbouring(neighbouring)}`)),
      ),
    ),
  )

const riskAt = (reading: Reading, target: RiskTarget): number =>
  'epsilon' in target
    ? reading.epsilon(target.delta).upper
    : 'advantage' in target
      ? reading.delta(0).upper
      : reading.truePositiveRate(target.falsePositiveRate)

const find = (
  accountant: Asked,
  search: Search,
  target: RiskTarget,
  terminal: Pick<Terminal, 'progress'>,
): E.Either<Failure, Found> => {
  const began = performance.now()
  const eventOf = eventAt(search)
  return pipe(
    accountant.calibrate(target)(search.parameter)((value) => {
      terminal.progress(`${accountant.name}: ${search.name} ${nearFigure(value)} …`)
      return eventOf(value)
    }),
    E.bimap(
      (failure): Failure =>
        failure._tag === 'UnreachableRisk'
          ? failed(
              `${showTarget(target)} cannot be reached by the ${search.name} alone: at ${figure(failure.at)} it is still ${upperFigure(failure.reached)}.`,
            )
          : badArgument('--accountant', accountant.name, `one that reads such an event; ${showRiskFailure(failure)}`),
      ({ value, exceeding, reached }): Found => {
        const short = search.shorten(value)
        const read = accountant.read(eventOf(short))
        const there = E.isRight(read) ? riskAt(read.right, target) : Number.POSITIVE_INFINITY
        // Six digits, where they are as private; all of them, where rounding went astray.
        const [kept, risk] = there <= Math.max(reached, riskLimit(target)) ? [short, there] : [value, reached]
        return {
          accountant: accountant.name,
          value: kept,
          exceeding,
          reached: risk,
          event: showEvent(Event.normalise(eventOf(kept))),
          milliseconds: performance.now() - began,
        }
      },
    ),
  )
}

const riskLimit = (target: RiskTarget): number =>
  'epsilon' in target ? target.epsilon : 'advantage' in target ? target.advantage : target.truePositiveRate

const showFound = (
  found: readonly Found[],
  search: Search,
  target: RiskTarget,
  neighbouring: Neighbouring,
  paint: Paint,
): readonly string[] => {
  const [best, ...others] = found
  if (best === undefined) return []
  const edge =
    best.exceeding === undefined
      ? 'every larger or smaller one meets it too'
      : `${figure(Number(best.exceeding.toPrecision(10)))} would exceed it`
  return [
    `${search.name}  ${paint.bold(search.show(best.value))}`,
    `for ${showTarget(target)}, ${showNeighbouring(neighbouring)}`,
    best.event,
    '',
    ...table({
      head: ['accountant', search.name, `${riskName(target)} there, at most`, 'time'],
      rows: [best, ...others].map(({ accountant, value, reached, milliseconds: ms }) => [
        accountant,
        search.show(value),
        upperFigure(reached),
        milliseconds(ms),
      ]),
      right: [1, 2, 3],
    }),
    paint.dim(`On the edge: ${edge}.`),
  ]
}

const answerSearch = (
  options: CalibrateOptions,
  sought: Parameters<typeof searchOf>[1],
  target: RiskTarget,
  terminal: Terminal,
): E.Either<Failure, Answer> => {
  const defaults = defaultsOf(options.sampler)
  const neighbouring = options.neighbouring === undefined ? defaults.neighbouring : relationOf(options.neighbouring)
  return pipe(
    E.Do,
    E.bind('search', () => searchOf(options, sought)),
    E.bind('accountants', () => askedOf(options.accountant ?? defaults.accountants, neighbouring)),
    E.chain(({ search, accountants }) => {
      const { left: failures, right: found } = RA.separate(
        accountants.map((accountant) => find(accountant, search, target, terminal)),
      )
      terminal.progress('')
      const [failure] = failures
      if (found.length === 0 && failure !== undefined) return E.left(failure)
      const silent = failures.flatMap(sentencesOf)
      return E.right({
        text: [...showFound(found, search, target, neighbouring, paintFor(terminal)), ...silent].join('\n'),
        json: { sought: search.parameter.name, target, neighbouring, found, failures: silent },
      })
    }),
  )
}

const answerDelta = (options: CalibrateOptions, epsilon: number, terminal: Terminal): E.Either<Failure, Answer> => {
  const defaults = defaultsOf(options.sampler)
  const neighbouring = options.neighbouring === undefined ? defaults.neighbouring : relationOf(options.neighbouring)
  return pipe(
    E.Do,
    E.bind('training', () => trainingOf({ ...options, phase: [], event: undefined, examplesPerUser: 1 })),
    E.bind('accountants', () => askedOf(options.accountant ?? defaults.accountants, neighbouring)),
    E.chain(({ training, accountants }) => {
      const event = eventOfTraining(training)
      return pipe(
        accountants,
        E.traverseArray((accountant) =>
          pipe(
            accountant.read(event),
            E.bimap(
              (failure): Failure =>
                badArgument(
                  '--accountant',
                  accountant.name,
                  `one that reads such an event; ${showAccountingFailure(failure)}`,
                ),
              (reading) => {
                const began = performance.now()
                const bounds = reading.delta(epsilon)
                return { accountant: accountant.name, ...bounds, milliseconds: performance.now() - began }
              },
            ),
          ),
        ),
        E.map((found) => ({
          text: [
            `δ  ${paintFor(terminal).bold(upperFigure(found[0]?.upper ?? Number.NaN))}`,
            `for ε ≤ ${figure(epsilon)}, ${showNeighbouring(neighbouring)}`,
            showEvent(Event.normalise(event)),
            '',
            ...table({
              head: ['accountant', 'δ, at most', 'time'],
              rows: found.map(({ accountant, upper, milliseconds: ms }) => [
                accountant,
                upperFigure(upper),
                milliseconds(ms),
              ]),
              right: [1, 2],
            }),
          ].join('\n'),
          json: { sought: 'delta', target: { epsilon }, neighbouring, found },
        })),
      )
    }),
  )
}

export const answerCalibrate = async (
  options: CalibrateOptions,
  terminal: Terminal,
): Promise<E.Either<Failure, Answer>> =>
  pipe(
    questionOf(options),
    E.chain(
      (question): E.Either<Failure, Answer> =>
        question.sought === 'delta'
          ? answerDelta(options, question.epsilon, terminal)
          : answerSearch(options, question.sought, question.target, terminal),
    ),
  )

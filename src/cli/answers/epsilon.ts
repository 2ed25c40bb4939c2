/**
 * The answer of `fp-dp epsilon`: ε by every accountant, with its bounds, and the sentences that claim it.
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { Event, eventToJson, showEvent, showNeighbouring } from '../../privacy/index.js'
import { claimOf, type Hearing, hear } from '../accounting/ask.js'
import { type Described, describedBy } from '../accounting/described.js'
import { boundFigures, figure, milliseconds, nearFigure } from '../accounting/figures.js'
import { relationOf } from '../accounting/relations.js'
import { statementOf } from '../accounting/statement.js'
import type { Answer } from '../command.js'
import type { EpsilonOptions } from '../commands/epsilon.js'
import type { Failure } from '../failure.js'
import { table } from '../table.js'
import { type Paint, paintFor, type Terminal } from '../terminal.js'
import { wrapped } from '../wrapped.js'

const showHearing = ({ neighbouring, said, centralLimit }: Hearing, delta: number, paint: Paint): readonly string[] => {
  const answered = said.flatMap(({ accountant, answer, milliseconds: ms }) =>
    E.isRight(answer) ? [[accountant, ...boundFigures(answer.right), milliseconds(ms), answer.right.method ?? '']] : [],
  )
  const limit =
    centralLimit === undefined
      ? []
      : [['central limit', '', nearFigure(centralLimit), '', '', 'no bound: it may understate']]
  const silent = said.flatMap(({ accountant, answer }) => (E.isLeft(answer) ? [[accountant, answer.left]] : []))
  const [head = '', ...rows] = table({
    head: ['accountant', 'lower', 'estimate', 'upper', 'time', ''],
    rows: [...answered, ...limit],
    right: [1, 2, 3, 4],
  })
  return [
    paint.bold(`ε at δ = ${figure(delta)} for ${showNeighbouring(neighbouring)}`),
    ...(answered.length + limit.length === 0 ? [] : [paint.dim(head), ...rows]),
    ...silent.map(([name, reason]) => paint.dim(`${name}: ${reason}`)),
    '',
  ]
}

const showNumbers = ({ training }: Described): readonly string[] => {
  if (training === undefined) return []
  const { samplingProbability, steps, stepsPerEpoch, batchSize, datasetSize } = training
  const size =
    datasetSize === undefined || batchSize === undefined
      ? ''
      : `, batches of ${nearFigure(batchSize)} of ${datasetSize} examples`
  return [`q = ${nearFigure(samplingProbability)}, ${steps} steps, ${nearFigure(steps / stepsPerEpoch)} epochs${size}`]
}

const jsonOf = ({ neighbouring, said, centralLimit }: Hearing): unknown => ({
  neighbouring,
  accountants: said.map(({ accountant, answer, milliseconds: ms }) =>
    E.isRight(answer)
      ? { accountant, ...answer.right, milliseconds: ms }
      : { accountant, unsupported: answer.left, milliseconds: ms },
  ),
  approximations:
    centralLimit === undefined ? [] : [{ name: 'central limit', approximate: centralLimit, mayUnderstate: true }],
})

export const answerEpsilon = async (options: EpsilonOptions, terminal: Terminal): Promise<E.Either<Failure, Answer>> =>
  pipe(
    await describedBy(options),
    E.map((described) => {
      const { delta, accountant: accountants, neighbouring } = options
      const { event, unit } = described
      const hearings = hear(event, { delta, accountants, relations: neighbouring.map(relationOf) }, terminal)
      const claims = hearings.flatMap((hearing) => {
        const claim = claimOf(hearing)
        return claim === undefined
          ? []
          : [{ neighbouring: hearing.neighbouring, epsilon: claim.bounds.upper, accountant: claim.by }]
      })
      const statement = statementOf(described, delta, claims)
      const paint = paintFor(terminal)
      return {
        text: [
          showEvent(Event.normalise(event)),
          ...showNumbers(described),
          '',
          ...hearings.flatMap((hearing) => showHearing(hearing, delta, paint)),
          paint.dim('The truth lies between lower and upper; upper is what may be claimed.'),
          '',
          ...wrapped(statement),
        ].join('\n'),
        json: {
          event: showEvent(Event.normalise(event)),
          ledger: eventToJson(Event.normalise(event)),
          delta,
          unit,
          relations: hearings.map(jsonOf),
          claims,
          statement,
        },
        status: claims.length === 0 ? 1 : 0,
      }
    }),
  )

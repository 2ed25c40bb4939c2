/**
 * The answer of `fp-dp compare`: a row for each training, a column for each accountant, and the picture in a file.
 */
import * as E from 'fp-ts/lib/Either.js'
import { Event, type PrivacyEvent, samplingEvent, showNeighbouring } from '../../privacy/index.js'
import { type Asked, accountantOf } from '../accounting/accountants.js'
import { upperFigure } from '../accounting/figures.js'
import { type GridPoint, type GridRow, gridChart, gridPoints, rowCells } from '../accounting/grid.js'
import { relationOf } from '../accounting/relations.js'
import type { Answer } from '../command.js'
import type { CompareOptions } from '../commands/compare.js'
import { badArgument, badArguments, type Failure } from '../failure.js'
import { checkOutput, writeOutput } from '../output-file.js'
import { csv, table } from '../table.js'
import { paintFor, type Terminal } from '../terminal.js'

/** A grid of more trainings takes more than a look. */
const MOST_TRAININGS = 10_000

const eventOf = ({ noiseMultiplier, samplingProbability, steps }: GridPoint): PrivacyEvent =>
  samplingEvent({ _tag: 'Poisson', samplingProbability }, steps)(Event.gaussian(noiseMultiplier))

const rowsOf = (accountants: readonly Asked[], points: readonly GridPoint[], terminal: Terminal): readonly GridRow[] =>
  points.flatMap((point, i) => {
    terminal.progress(`training ${i + 1} of ${points.length} …`)
    const event = eventOf(point)
    return accountants.map((accountant) => {
      const read = accountant.read(event)
      const found = E.isRight(read) ? read.right.epsilon(point.delta) : undefined
      return {
        ...point,
        accountant: accountant.name,
        lower: found?.lower ?? Number.NaN,
        epsilon: found?.upper ?? Number.NaN,
      }
    })
  })

export const answerCompare = async (
  options: CompareOptions,
  terminal: Terminal,
): Promise<E.Either<Failure, Answer>> => {
  const { accountant: names, output } = options
  const writable = await checkOutput(output)
  if (E.isLeft(writable)) return writable
  const neighbouring = relationOf(options.neighbouring)
  const accountants = names.map((name) => accountantOf(name, neighbouring))
  const none = accountants.indexOf(undefined)
  if (none >= 0)
    return E.left(badArgument('--accountant', names[none], `one that knows ${showNeighbouring(neighbouring)}`))
  const points = gridPoints(options)
  if (points.length * names.length > MOST_TRAININGS)
    return E.left(
      badArguments(
        `The grid must have at most ${MOST_TRAININGS} answers, not ${points.length * names.length}: shorten the lists.`,
      ),
    )
  const rows = rowsOf(accountants as readonly Asked[], points, terminal)
  terminal.progress('')
  const silent = names.filter((name) => rows.every((row) => row.accountant !== name || Number.isNaN(row.epsilon)))
  if (silent.length > 0)
    return E.left(badArgument('--accountant', silent[0], 'one that reads Poisson samples of Gaussians'))
  const heads = ['noise multiplier', 'sampling probability', 'steps', 'delta', 'accountant', 'lower', 'upper']
  if (output !== undefined) {
    const chart = gridChart(options, rows, names, showNeighbouring(neighbouring))
    if (chart === undefined && output.format !== 'csv')
      return E.left(
        badArguments(
          `--output ${output.path}: a picture holds 6 curves in a panel, and 6 panels: shorten the lists or --accountant, or write .csv.`,
        ),
      )
    const written = await writeOutput(output, {
      chart: chart ?? { title: '', x: { label: '' }, panels: [] },
      csv: csv(
        heads,
        rows.map((row) => [
          row.noiseMultiplier,
          row.samplingProbability,
          row.steps,
          row.delta,
          row.accountant,
          row.lower,
          row.epsilon,
        ]),
      ),
    })
    if (E.isLeft(written)) return written
  }
  return E.right({
    text: [
      `ε, upper bound, for ${showNeighbouring(neighbouring)}`,
      ...table({
        head: ['σ', 'q', 'steps', 'δ', ...names],
        rows: points.map((point, i) => [
          ...rowCells(point),
          ...names.map((_, j) => {
            const { epsilon } = rows[i * names.length + j] as GridRow
            return Number.isNaN(epsilon) ? '–' : upperFigure(epsilon)
          }),
        ]),
        right: [0, 1, 2, 3, ...names.map((_, j) => 4 + j)],
      }),
      '',
      output === undefined
        ? paintFor(terminal).dim('--output FILE.svg or .png draws it, .csv writes all digits.')
        : `Written to ${output.path}.`,
    ].join('\n'),
    json: { neighbouring, rows, output: output?.path },
  })
}

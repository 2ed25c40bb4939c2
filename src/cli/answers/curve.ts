/**
 * The answer of `fp-dp curve`: points in a table, and the picture in a file.
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { Event, type Neighbouring, type PrivacyEvent, showEvent, showNeighbouring } from '../../privacy/index.js'
import type { LineChart } from '../../report/index.js'
import type { AccountantName } from '../accounting/accountant-names.js'
import { type Curves, curvesOf } from '../accounting/curves.js'
import { type Described, describedBy } from '../accounting/described.js'
import { figure, nearFigure } from '../accounting/figures.js'
import { relationOf } from '../accounting/relations.js'
import { defaultsOf } from '../accounting/search.js'
import type { Answer } from '../command.js'
import type { CurveKind, CurveOptions } from '../commands/curve.js'
import type { Failure } from '../failure.js'
import { checkOutput, writeOutput } from '../output-file.js'
import { csv, table } from '../table.js'
import { paintFor, type Terminal } from '../terminal.js'

const titles: Readonly<Record<CurveKind, string>> = {
  'epsilon-by-steps': 'ε against steps',
  'delta-by-epsilon': 'δ against ε',
  'trade-off': 'Trade-off of tests for one record',
  roc: 'Tests for one record',
}

/** Whom to ask of an event that was written down: whoever reads it, the nearest to the truth first. */
const readersOf = (event: PrivacyEvent): readonly AccountantName[] =>
  /RandomAllocation/.test(JSON.stringify(event)) ? ['allocation'] : ['exact', 'rdp']

const chartOf = (
  kind: CurveKind,
  { event, training }: Described,
  neighbouring: Neighbouring,
  { x, y, curves }: Curves,
): LineChart => ({
  title:
    training === undefined
      ? `${titles[kind]}: ${showEvent(Event.normalise(event))}, ${showNeighbouring(neighbouring)}`
      : `${titles[kind]}: σ = ${figure(training.noiseMultiplier)}, q = ${nearFigure(training.samplingProbability)}, ` +
        `${kind === 'epsilon-by-steps' ? '' : `${training.steps} steps, `}${showNeighbouring(neighbouring)}`,
  x,
  panels: [{ ...y, series: curves.map(({ name, points, claim }) => ({ name, points, dashed: !claim })) }],
})

/** About so many points of a curve are shown; all of them go to files and JSON. */
const MOST_ROWS = 13

const showCurves = ({ x, y, curves }: Curves): readonly string[] => {
  const xs = [...new Set(curves.flatMap(({ points }) => points.map(([at]) => at)))].toSorted((a, b) => a - b)
  const stride = Math.max(1, Math.ceil((xs.length - 1) / (MOST_ROWS - 1)))
  const kept = xs.filter((_, i) => i % stride === 0 || i === xs.length - 1)
  const valueAt = (points: (typeof curves)[number]['points'], at: number): string => {
    const found = points.find(([place]) => place === at)
    return found === undefined ? '' : nearFigure(found[1])
  }
  return [
    `${y.label}, against ${x.label}`,
    ...table({
      head: [x.label.split(' ').length > 2 ? 'x' : x.label, ...curves.map(({ name }) => name.split(':')[0] as string)],
      rows: kept.map((at) => [nearFigure(at), ...curves.map(({ points }) => valueAt(points, at))]),
      right: [0, ...curves.map((_, i) => i + 1)],
    }),
  ]
}

const csvOf = ({ x, y, curves }: Curves): string =>
  csv(
    ['curve', x.label, y.label.split(':')[0] as string, 'claim'],
    curves.flatMap(({ name, points, claim }) =>
      points.map(([a, b]) => [name.split(':')[0] as string, a, b, String(claim)]),
    ),
  )

export const answerCurve = async (
  kind: CurveKind,
  options: CurveOptions,
  terminal: Terminal,
): Promise<E.Either<Failure, Answer>> => {
  const writable = await checkOutput(options.output)
  if (E.isLeft(writable)) return writable
  const described = await describedBy(options)
  if (E.isLeft(described)) return described
  const defaults = defaultsOf(options.sampler)
  const neighbouring = options.neighbouring === undefined ? defaults.neighbouring : relationOf(options.neighbouring)
  const accountants =
    options.accountant ?? (options.event === undefined ? defaults.accountants : readersOf(described.right.event))
  const { delta, points, from, to, output, phase: phases } = options
  const found = curvesOf(kind)({
    described: described.right,
    phases,
    accountants,
    neighbouring,
    delta,
    points,
    from,
    to,
    progress: terminal.progress,
  })
  terminal.progress('')
  if (E.isLeft(found)) return found
  const curves = found.right
  const written =
    output === undefined
      ? undefined
      : await writeOutput(output, { chart: chartOf(kind, described.right, neighbouring, curves), csv: csvOf(curves) })
  if (written !== undefined && E.isLeft(written)) return written
  return pipe(
    E.right({
      text: [
        ...showCurves(curves),
        '',
        output === undefined
          ? paintFor(terminal).dim('--output FILE.svg, .png or .csv writes all points.')
          : `Written to ${output.path}.`,
      ].join('\n'),
      json: {
        kind,
        neighbouring,
        event: showEvent(Event.normalise(described.right.event)),
        ...curves,
        output: output?.path,
      },
    }),
  )
}

/**
 * The answer of `fp-dp report`: the privacy report of a run, and its curves.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { type Neighbouring, type PrivacyEvent, showAccountingFailure, showNeighbouring } from '../../privacy/index.js'
import {
  type LineChart,
  lineChart,
  type PrivacyReport,
  privacyReportJson,
  showPrivacyReport,
  showReportError,
} from '../../report/index.js'
import type { AccountantName } from '../accounting/accountant-names.js'
import { type Asked, accountantOf } from '../accounting/accountants.js'
import { type Curves, curvesOf } from '../accounting/curves.js'
import { findLedger } from '../accounting/ledger-file.js'
import { relationOf } from '../accounting/relations.js'
import type { Answer } from '../command.js'
import type { ReportOptions } from '../commands/report.js'
import { badArgument, badArguments, type Failure } from '../failure.js'
import { writeNamed } from '../output-file.js'
import { reasonOf } from '../read-text.js'
import type { Terminal } from '../terminal.js'

/** The nearest to the truth first. */
const preferred: readonly AccountantName[] = ['exact', 'pld', 'allocation', 'rdp', 'approximate-dp']

const accountantFor = (
  ledger: PrivacyEvent,
  neighbouring: Neighbouring,
  wanted: AccountantName | undefined,
): E.Either<Failure, Asked> => {
  const reasons: string[] = []
  for (const name of wanted === undefined ? preferred : [wanted]) {
    const accountant = accountantOf(name, neighbouring)
    const read = accountant?.read(ledger)
    if (accountant !== undefined && read !== undefined && E.isRight(read)) return E.right(accountant)
    if (read !== undefined && E.isLeft(read)) reasons.push(showAccountingFailure(read.left))
  }
  return E.left(
    wanted === undefined
      ? badArguments(`No accountant reads the ledger for ${showNeighbouring(neighbouring)}: ${reasons.join('; ')}.`)
      : badArgument(
          '--accountant',
          wanted,
          `one that reads the ledger; ${reasons[0] ?? 'it does not know the relation'}`,
        ),
  )
}

const titles = {
  'delta-by-epsilon': 'δ against ε',
  'trade-off': 'Trade-off of tests for one record',
} as const
type Kind = keyof typeof titles
const kinds: readonly Kind[] = ['delta-by-epsilon', 'trade-off']

const chartOf = (kind: Kind, { x, y, curves }: Curves, neighbouring: Neighbouring): LineChart => ({
  title: `${titles[kind]}, ${showNeighbouring(neighbouring)}`,
  x,
  panels: [{ ...y, series: curves.map(({ name, points, claim }) => ({ name, points, dashed: !claim })) }],
})

const curvesFor = (
  ledger: PrivacyEvent,
  accountant: Asked,
  terminal: Terminal,
): E.Either<Failure, Readonly<Record<Kind, Curves>>> => {
  const request = {
    described: { event: ledger, unit: '', training: undefined },
    ...{ phases: [], accountants: [accountant.name], neighbouring: accountant.neighbouring },
    ...{ delta: 1e-5, points: 61, from: undefined, to: undefined, progress: terminal.progress },
  }
  const [delta, tradeOff] = [curvesOf('delta-by-epsilon')(request), curvesOf('trade-off')(request)]
  terminal.progress('')
  if (E.isLeft(delta)) return delta
  return E.isLeft(tradeOff) ? tradeOff : E.right({ 'delta-by-epsilon': delta.right, 'trade-off': tradeOff.right })
}

/** Writes everything; a picture that cannot be drawn is left out, and said to be. */
const writeAll = async (
  folder: string,
  report: PrivacyReport,
  curves: Readonly<Record<Kind, Curves>>,
): Promise<E.Either<Failure, readonly string[]>> => {
  try {
    await mkdir(folder, { recursive: true })
  } catch (cause) {
    return E.left(badArguments(`--to must be a folder that can be made, not '${folder}': ${reasonOf(cause)}.`))
  }
  const [drawn, missing]: [Kind[], Set<string>] = [[], new Set()]
  for (const kind of kinds) {
    const svg = await lineChart(chartOf(kind, curves[kind], report.neighbouring))()
    if (E.isLeft(svg)) missing.add(showReportError(svg.left))
    else {
      const written = await writeNamed('--to', join(folder, `${kind}.svg`), `${svg.right}\n`)
      if (E.isLeft(written)) return written
      drawn.push(kind)
    }
  }
  const pictures = drawn.flatMap((kind) => [`![${titles[kind]}](${kind}.svg)`, ''])
  const markdown = [
    showPrivacyReport(report),
    ...(pictures.length === 0 ? [] : ['## Curves', '', 'Upper bounds of what was spent.', '', ...pictures]),
  ].join('\n')
  const written = [
    await writeNamed('--to', join(folder, 'privacy.md'), markdown),
    await writeNamed('--to', join(folder, 'privacy.json'), privacyReportJson(report)),
  ].find(E.isLeft)
  return (
    written ??
    E.right([
      `Written privacy.md, privacy.json${drawn.map((kind) => `, ${kind}.svg`).join('')} in ${folder}.`,
      ...missing,
    ])
  )
}

export const answerReport = async (
  run: string,
  options: ReportOptions,
  terminal: Terminal,
): Promise<E.Either<Failure, Answer>> => {
  const found = await findLedger(run)
  if (E.isLeft(found)) return found
  const { ledger, delta, from, progress, model } = found.right
  const accountant = accountantFor(ledger, relationOf(options.neighbouring), options.accountant)
  if (E.isLeft(accountant)) return accountant
  const made = accountant.right.report({
    ledger,
    deltas:
      options.delta ??
      (delta === undefined
        ? [1e-5, 1e-6, 1e-8]
        : [delta, Number((delta / 10).toPrecision(12)), Number((delta / 100).toPrecision(12))]),
    ...(options.unit === undefined ? {} : { unit: options.unit }),
    assumptions: [
      `The ledger is what ${from} says was released${progress === undefined ? '' : ` up to ${progress}`}${model === undefined ? '' : ` of ${model}`}.`,
      ...options.assumption,
    ],
    notCovered: options.notCovered,
  })
  if (E.isLeft(made)) return E.left(badArguments(`${showAccountingFailure(made.left)}.`))
  const report = made.right
  if (options.to === undefined && terminal.json !== true)
    return E.right({ text: showPrivacyReport(report), json: undefined })
  const curves = curvesFor(ledger, accountant.right, terminal)
  if (E.isLeft(curves)) return curves
  const written = options.to === undefined ? E.right([]) : await writeAll(options.to, report, curves.right)
  if (E.isLeft(written)) return written
  return E.right({
    text: written.right.join('\n'),
    json: { ...report, curves: curves.right, ...(options.to === undefined ? {} : { to: options.to }) },
  })
}

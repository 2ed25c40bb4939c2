/**
 * The answer of `fp-dp experiment`.
 */
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { showDataError, writeFileAtomically } from '../../data/index.js'
import { lineChart, showReportError } from '../../report/index.js'
import { wasm } from '../../tensor/backend/wasm/index.js'
import type { Answer } from '../command.js'
import type { ExperimentOptions } from '../commands/experiment.js'
import { badArguments, type Failure, failed } from '../failure.js'
import { showJson } from '../program.js'
import { outFolder, readJsonFile, refusedConfig, shownFolder } from '../run/config-file.js'
import { describeChoice } from '../run/run-data.js'
import { makeFolder } from '../run/run-files.js'
import { showEpsilon } from '../run/train-run.js'
import { markdownTable, table } from '../table.js'
import type { Terminal } from '../terminal.js'
import { choiceCost, showChoiceCost } from './choosing.js'
import { type Grid, gridJsonSchema, parseGrid } from './grid-config.js'
import { type FinishedCell, pictureOf, type Row, rowsCsv, rowsOf, runsCsv, tableOf } from './results.js'
import { type PlannedCell, planCells, runGrid } from './run-grid.js'

/** What publishing or choosing costs, for the cells that ran. */
const costOf = (cells: readonly PlannedCell[]) => {
  const [first] = cells
  if (first === undefined) return undefined
  const { delta, neighbouring = 'addOrRemoveOne' } = first.cell.config
  // One δ and one relation for all: the largest δ claims the least.
  const events = cells.map(({ plan }) => plan.event(plan.settings.steps, 'float'))
  const alike = cells.every(
    ({ cell }) => (cell.config.neighbouring ?? 'addOrRemoveOne') === neighbouring && cell.config.delta === delta,
  )
  return alike ? choiceCost(events, { delta, neighbouring }) : undefined
}

const about = ({ seeds }: Grid, cells: readonly PlannedCell[]): string => {
  const sources = Array.from(new Set(cells.map(({ cell }) => describeChoice(cell.config.data ?? { kind: 'digits' }))))
  const sizes = Array.from(
    new Set(cells.map(({ data }) => `${data.train.length} examples to train on, ${data.test.length} to test on`)),
  )
  const deltas = Array.from(new Set(cells.map(({ cell }) => cell.config.delta)))
  return `On ${sources.join(', ')}: ${sizes.join('; ')}. δ = ${deltas.join(', ')}. ${seeds.length > 1 ? `Mean ± standard deviation over ${seeds.length} seeds.` : 'One seed.'}`
}

const document = (grid: Grid, rows: readonly Row[], cells: readonly PlannedCell[]): string => {
  const { head, rows: lines } = tableOf(grid, rows)
  const cost = costOf(cells)
  return [
    ...[`# ${grid.title}`, '', about(grid, cells), '', ...markdownTable(head, lines), ''],
    ...(cost === undefined ? [] : [showChoiceCost(cost), '']),
    'Accuracy is measured on test examples that are taken to be public.',
    '',
  ].join('\n')
}

/** Writes tables and picture; the names of the files. */
const leave = async (
  grid: Grid,
  finished: readonly FinishedCell[],
  cells: readonly PlannedCell[],
  out: string,
): Promise<E.Either<Failure, { readonly written: readonly string[]; readonly notDrawn: string | undefined }>> => {
  const rows = rowsOf(finished)
  const chart = pictureOf(grid, rows)
  const drawn = chart === undefined ? undefined : await lineChart(chart)()
  const files: readonly (readonly [string, string])[] = [
    ['table.md', document(grid, rows, cells)],
    ['table.csv', rowsCsv(grid, rows)],
    ['runs.csv', runsCsv(grid, finished)],
    ...(drawn !== undefined && E.isRight(drawn) ? [['accuracy.svg', drawn.right] as const] : []),
  ]
  for (const [name, content] of files) {
    const written = await writeFileAtomically(join(out, name), content)()
    if (E.isLeft(written)) return E.left(failed(showDataError(written.left)))
  }
  return E.right({
    written: files.map(([name]) => name),
    notDrawn: drawn !== undefined && E.isLeft(drawn) ? showReportError(drawn.left) : undefined,
  })
}

const shownTable = (grid: Grid, rows: readonly Row[]): string => {
  const { head, rows: lines } = tableOf(grid, rows)
  return table({
    head,
    rows: lines,
    right: head.map((_, column) => column).filter((column) => column >= grid.axes.length),
  }).join('\n')
}

const planAnswer = (grid: Grid, cells: readonly PlannedCell[]): Answer => {
  const lines = cells.map(({ cell, plan }) => {
    const { steps, phases, delta } = plan.settings
    const { upper } = plan.spent(plan.event(steps, 'float'))
    const sigma = phases.map(({ noiseMultiplier }) =>
      typeof noiseMultiplier === 'number' ? noiseMultiplier.toFixed(4) : noiseMultiplier,
    )
    return { title: cell.title, steps, epsilon: upper, delta, sigma: sigma.join(', ') }
  })
  const cost = costOf(cells)
  return {
    text: [
      about(grid, cells),
      ...lines.map(
        ({ title, steps, epsilon, sigma }) => `${title}: ${steps} steps, σ = ${sigma}, ε = ${showEpsilon(epsilon, 3)}`,
      ),
      ...(cost === undefined ? [] : [showChoiceCost(cost)]),
    ].join('\n'),
    json: { title: grid.title, cells: lines, choosing: cost },
  }
}

/** Reads, plans and runs a grid. */
export const answerExperiment = async (
  path: string | undefined,
  options: ExperimentOptions,
  terminal: Terminal,
): Promise<E.Either<Failure, Answer>> => {
  if (options.schema) return E.right({ text: showJson(gridJsonSchema()), json: gridJsonSchema() })
  if (path === undefined) return E.left(badArguments('<grid> is missing: it must be the JSON file of a grid of runs.'))
  const file = await readJsonFile(path)
  if (E.isLeft(file)) return file
  const parsed = parseGrid(file.right.value)
  if (E.isLeft(parsed)) return E.left(refusedConfig(path, parsed.left))
  const grid = parsed.right
  const threads = options.threads ?? grid.cells[0]?.config.threads
  const backend = wasm(threads === undefined ? {} : { threads })
  const planned = await planCells(grid, file.right.folder, backend)
  if (E.isLeft(planned))
    return planned.left._tag === 'BadArguments'
      ? E.left(badArguments(...planned.left.sentences.map((sentence) => `${path}: ${sentence}`)))
      : planned
  const cells = planned.right
  if (options.plan) return E.right(planAnswer(grid, cells))
  const out = outFolder(file.right, { given: options.out, configured: grid.out })
  const made = await makeFolder(out)
  if (E.isLeft(made)) return made
  terminal.print(`${grid.title}: ${cells.length} runs. ${about(grid, cells)}`)
  const outcome = await runGrid(cells, { out, backend, screen: terminal })
  if (E.isLeft(outcome)) return outcome
  const { finished, stopped } = outcome.right
  const rows = rowsOf(finished)
  if (stopped)
    return E.right({
      text: `${finished.length} of ${cells.length} runs are finished. Go on with: fp-dp experiment ${path}`,
      json: { finished: finished.length, runs: cells.length, out },
      status: 130,
    })
  const left = await leave(grid, finished, cells, out)
  if (E.isLeft(left)) return left
  const cost = costOf(cells)
  const { written, notDrawn } = left.right
  return E.right({
    text: [
      ...[shownTable(grid, rows), ''],
      ...(cost === undefined ? [] : [showChoiceCost(cost), '']),
      `Written: ${written.join(', ')}, and a folder for each run under runs, in ${shownFolder(out)}`,
      ...(notDrawn === undefined ? [] : [`Not drawn: ${notDrawn}`]),
    ].join('\n'),
    json: {
      ...{ title: grid.title, out, files: written, choosing: cost },
      rows: rows.map((row) => ({
        values: grid.axes.map(({ values }, axis) => values[row.at[axis] as number]),
        ...row,
      })),
      runs: finished.map(({ cell, report }) => ({
        title: cell.title,
        seed: cell.seed,
        testAccuracy: report.testAccuracy,
        epsilon: report.epsilon,
      })),
    },
  })
}

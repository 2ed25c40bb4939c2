/**
 * Runs the cells of a grid that are not finished, one after another.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { showDataError, type TrainAndTest } from '../../data/index.js'
import type { Backend } from '../../tensor/backend/backend.js'
import { badArguments, type Failure, failed } from '../failure.js'
import { planRun, type RunPlan, startOf } from '../run/plan-run.js'
import type { RunConfig } from '../run/run-config.js'
import { readData } from '../run/run-data.js'
import { exists, makeFolder, readRunState, runFiles } from '../run/run-files.js'
import { differences, essence } from '../run/run-identity.js'
import { type RunReport, trainRun } from '../run/train-run.js'
import { minutes, percent, type Screen } from '../screen.js'
import type { Cell, Grid } from './grid-config.js'
import type { FinishedCell } from './results.js'

/** A cell with its plan and its data. */
export interface PlannedCell {
  readonly cell: Cell
  readonly data: TrainAndTest
  readonly plan: RunPlan
}

const choiceOf = ({ data }: RunConfig): NonNullable<RunConfig['data']> => data ?? { kind: 'digits' }

/** Every cell with its plan, before the first of them is run; or what is wrong with any. Cells on the same data share them. */
export const planCells = async (
  { cells }: Grid,
  folder: string,
  backend: Backend,
): Promise<E.Either<Failure, readonly PlannedCell[]>> => {
  const read = new Map<string, TrainAndTest>()
  const planned: PlannedCell[] = []
  const wrong: string[] = []
  for (const cell of cells) {
    const choice = choiceOf(cell.config)
    const known = read.get(JSON.stringify(choice))
    const data = known === undefined ? await readData(choice, folder)() : E.right(known)
    if (E.isLeft(data)) return E.left(failed(showDataError(data.left)))
    read.set(JSON.stringify(choice), data.right)
    const plan = planRun(cell.config, data.right, backend)
    if (E.isRight(plan)) planned.push({ cell, data: data.right, plan: plan.right })
    else wrong.push(...plan.left.map((sentence) => `with ${cell.title}, ${sentence}`))
  }
  return wrong.length === 0 ? E.right(planned) : E.left(badArguments(...wrong))
}

/** The report of a cell that is finished; nothing where it is not. */
const finishedReport = async (
  out: string,
  { config, title }: Cell,
): Promise<E.Either<Failure, RunReport | undefined>> => {
  const path = join(out, runFiles.report)
  if (!(await exists(path))) return E.right(undefined)
  try {
    const report = JSON.parse(await readFile(path, 'utf8')) as RunReport
    const changed = differences(report.config, JSON.parse(JSON.stringify(essence(config))))
    return changed.length === 0
      ? E.right(report.finished ? report : undefined)
      : E.left(
          badArguments(
            `${path} is of a run with another ${changed.join(', ')} than ${title}: --out <folder> is for another experiment.`,
          ),
        )
  } catch (cause) {
    return E.left(failed(`${path} cannot be read (${(cause as Error).message}).`))
  }
}

/** What a grid came to. */
export interface GridOutcome {
  readonly finished: readonly FinishedCell[]
  readonly stopped: boolean
}

/** Runs what is left. A cell that was stopped or killed goes on from its checkpoint, a finished one is not run again. */
export const runGrid = async (
  cells: readonly PlannedCell[],
  { out, backend, screen }: { readonly out: string; readonly backend: Backend; readonly screen: Screen },
): Promise<E.Either<Failure, GridOutcome>> => {
  const finished: FinishedCell[] = []
  let [seconds, ran] = [0, 0]
  for (const [index, { cell, data, plan }] of cells.entries()) {
    const folder = join(out, 'runs', cell.folder)
    const known = await finishedReport(folder, cell)
    if (E.isLeft(known)) return known
    const place = `[${index + 1}/${cells.length}]`
    if (known.right !== undefined) {
      screen.print(`${place} ${cell.title}: finished before`)
      finished.push({ cell, report: known.right })
      continue
    }
    const made = await makeFolder(folder)
    if (E.isLeft(made)) return made
    const fresh = startOf(plan, cell.config)
    const from = (await exists(join(folder, runFiles.checkpoint)))
      ? await readRunState(folder, { plan, fresh, config: cell.config, data })
      : E.right({ state: fresh, curve: [] })
    if (E.isLeft(from)) return from
    const { step } = from.right.state
    const left = ran === 0 ? '' : `; about ${minutes((seconds / ran) * (cells.length - index))} left for all`
    screen.print(`${place} ${cell.title}${step > 0 ? `, after step ${step}` : ''}${left}`)
    const began = performance.now()
    const outcome = await trainRun(
      { config: cell.config, data, plan, backend, out: folder, from: from.right },
      {
        progress: (line) => screen.progress(`${place} ${line}`),
        print: (line) => screen.progress(`${place} ${line}`),
        interrupted: screen.interrupted,
      },
    )
    if (E.isLeft(outcome)) return outcome
    if (outcome.right._tag === 'Stopped') return E.right({ finished, stopped: true })
    const { report } = outcome.right
    finished.push({ cell, report })
    screen.print(`${place} ${cell.title}: test accuracy ${percent(report.testAccuracy)}`)
    seconds += (performance.now() - began) / 1000
    ran += 1
    if (screen.interrupted() && index + 1 < cells.length) return E.right({ finished, stopped: true })
  }
  return E.right({ finished, stopped: false })
}

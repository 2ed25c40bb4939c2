/**
 * The answer of `fp-dp train`.
 */
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { showDataError, type TrainAndTest } from '../../data/index.js'
import { showNeighbouring } from '../../privacy/index.js'
import type { Backend } from '../../tensor/backend/backend.js'
import { wasm } from '../../tensor/backend/wasm/index.js'
import { treeSize } from '../../tensor/tree.js'
import type { Answer } from '../command.js'
import type { TrainOptions } from '../commands/train.js'
import { badArguments, type Failure, failed } from '../failure.js'
import { showJson } from '../program.js'
import { minutes, percent } from '../screen.js'
import type { Terminal } from '../terminal.js'
import { type JsonFile, outFolder, readJsonFile, refusedConfig, shownFolder } from './config-file.js'
import { planRun, type RunPlan, startOf } from './plan-run.js'
import { parseRun, type RunConfig, runJsonSchema } from './run-config.js'
import { describeChoice, readData } from './run-data.js'
import { exists, makeFolder, readRunState, runFiles } from './run-files.js'
import { type Outcome, type PlannedRun, showEpsilon, titleOf, trainRun } from './train-run.js'

/** A configuration that was read and planned on its data. */
interface Prepared {
  readonly file: JsonFile
  readonly config: RunConfig
  readonly data: TrainAndTest
  readonly plan: RunPlan
  readonly backend: Backend
  readonly out: string
}

/** Reads, checks and plans a run. @internal */
const prepare = async (path: string, options: TrainOptions): Promise<E.Either<Failure, Prepared>> => {
  const file = await readJsonFile(path)
  if (E.isLeft(file)) return file
  const parsed = parseRun(file.right.value)
  if (E.isLeft(parsed)) return E.left(refusedConfig(path, parsed.left))
  const config = options.threads === undefined ? parsed.right : { ...parsed.right, threads: options.threads }
  const data = await readData(config.data ?? { kind: 'digits' }, file.right.folder)()
  if (E.isLeft(data)) return E.left(failed(showDataError(data.left)))
  const backend = wasm(config.threads === undefined ? {} : { threads: config.threads })
  const out = outFolder(file.right, { given: options.out, configured: config.out })
  return pipe(
    planRun(config, data.right, backend),
    E.bimap(
      (sentences) => badArguments(...sentences.map((sentence) => `${path}: ${sentence}`)),
      (plan) => ({ file: file.right, config, data: data.right, plan, backend, out }),
    ),
  )
}

/** The numbers of a plan, for people. */
export const describePlan = (plan: RunPlan, config: RunConfig): string => {
  const { phases, steps, delta } = plan.settings
  const { upper } = plan.spent(plan.event(steps, 'float'))
  const target = 'targetEpsilon' in config.noise ? ` for ε = ${config.noise.targetEpsilon}` : ''
  const stretch = phases.map(
    ({ steps: count, noiseMultiplier, l2Bound, expectedBatchSize }) =>
      `${count} steps of ${Number(expectedBatchSize.toFixed(2))} expected examples, C ${typeof l2Bound === 'number' ? `= ${l2Bound}` : l2Bound}, ` +
      `σ ${typeof noiseMultiplier === 'number' ? `= ${noiseMultiplier.toFixed(4)}` : noiseMultiplier}`,
  )
  return `Plan: ${stretch.join('; then ')}${target}: ε = ${showEpsilon(upper, 4)} at δ = ${delta} by ${plan.settings.accountant}.`
}

const describeData = ({ config, data: { train, test } }: Prepared): string =>
  `Data: ${describeChoice(config.data ?? { kind: 'digits' })}: ${train.length} examples to train on, ${test.length} to test on.`

const shown = (outcome: Extract<Outcome, { _tag: 'Finished' }>, out: string): string => {
  const { report, written, notDrawn, stepsPerSecond, seconds } = outcome
  const speed =
    Number.isFinite(stepsPerSecond) && stepsPerSecond > 0
      ? `${stepsPerSecond.toFixed(1)} steps a second, ${minutes(seconds)}`
      : 'no step was left'
  return [
    `Test accuracy  ${percent(report.testAccuracy)}, on ${report.examples.test} examples that are taken to be public`,
    report.epsilon === 'Infinity'
      ? 'Privacy        none: there was no noise'
      : `Privacy        (ε = ${showEpsilon(report.epsilon, 4)}, δ = ${report.delta}), ${showNeighbouring(report.neighbouring as 'addOrRemoveOne')}`,
    `Event          ${report.event}`,
    `Speed          ${speed}`,
    ...(report.noise === 'float'
      ? [
          'Note           Noise and batches come from a seed: whoever knows it can take the noise away. "secure": true protects people.',
        ]
      : []),
    `Written        ${written.join(', ')} in ${shownFolder(out)}`,
    ...(notDrawn === undefined ? [] : [`Not drawn      ${notDrawn}`]),
  ].join('\n')
}

const answerOf = (outcome: Outcome, path: string, { out }: PlannedRun): Answer =>
  outcome._tag === 'Stopped'
    ? {
        text: `Stopped after step ${outcome.step} of ${outcome.steps}. Go on with: fp-dp train ${path} --resume`,
        json: { finished: false, step: outcome.step, steps: outcome.steps, out },
        status: 130,
      }
    : { text: shown(outcome, out), json: { ...outcome.report, out, files: outcome.written } }

const planAnswer = (prepared: Prepared): Answer => {
  const { plan, config, data } = prepared
  const spent = plan.spent(plan.event(plan.settings.steps, 'float'))
  const parameters = treeSize(startOf(plan, { ...config, secure: false }).params)
  return {
    text: [
      describeData(prepared),
      `Model: ${plan.model.name}, ${parameters} parameters.`,
      describePlan(plan, config),
    ].join('\n'),
    json: {
      ...{ title: titleOf(config), settings: plan.settings, spent, parameters, model: plan.model.name },
      examples: { train: data.train.length, test: data.test.length },
    },
  }
}

/** Where the run starts: afresh, or where its folder left it; never over what is there without being told to. */
const startIn = async (
  { plan, config, data, out }: Prepared,
  options: TrainOptions,
): Promise<E.Either<Failure, PlannedRun['from']>> => {
  const fresh = { state: startOf(plan, config), curve: [] }
  if (!(await exists(join(out, runFiles.checkpoint)))) return E.right(fresh)
  if (options.overwrite) return E.right(fresh)
  if (options.resume) return readRunState(out, { plan, fresh: fresh.state, config, data })
  return E.left(
    badArguments(
      `${shownFolder(join(out, runFiles.checkpoint))} is there already: --resume goes on from it, --overwrite starts again, --out <folder> is for another run.`,
    ),
  )
}

export const answerTrain = async (
  path: string | undefined,
  options: TrainOptions,
  terminal: Terminal,
): Promise<E.Either<Failure, Answer>> => {
  if (options.schema) return E.right({ text: showJson(runJsonSchema()), json: runJsonSchema() })
  if (path === undefined) return E.left(badArguments('<config> is missing: it must be the JSON file of a run.'))
  if (options.resume && options.overwrite)
    return E.left(
      badArguments(
        '--resume and --overwrite exclude each other: one goes on from what is there, the other starts again.',
      ),
    )
  const prepared = await prepare(path, options)
  if (E.isLeft(prepared)) return prepared
  if (options.plan) return E.right(planAnswer(prepared.right))
  const from = await startIn(prepared.right, options)
  if (E.isLeft(from)) return from
  const made = await makeFolder(prepared.right.out)
  if (E.isLeft(made)) return made
  const { plan, config } = prepared.right
  terminal.print(describeData(prepared.right))
  terminal.print(describePlan(plan, config))
  const { step } = from.right.state
  if (options.resume)
    terminal.print(
      step > 0 ? `Going on after step ${step}.` : 'There is no checkpoint yet: starting with the first step.',
    )
  const run: PlannedRun = { ...prepared.right, from: from.right }
  return pipe(
    await trainRun(run, terminal),
    E.map((outcome) => answerOf(outcome, path, run)),
  )
}

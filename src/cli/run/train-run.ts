/**
 * A run from its plan to what it leaves: the loop, its checkpoints, and its report.
 */
import * as E from 'fp-ts/lib/Either.js'
import { encodeModel, type TrainAndTest } from '../../data/index.js'
import type { OptimizerState } from '../../optim/index.js'
import { showAccountingFailure, showEvent } from '../../privacy/index.js'
import { lineChart, privacyReport, privacyReportJson, showPrivacyReport, showReportError } from '../../report/index.js'
import type { Backend } from '../../tensor/backend/backend.js'
import { type Tree, treeSize } from '../../tensor/tree.js'
import { accuracy, train } from '../../train/index.js'
import { type Failure, failed } from '../failure.js'
import { showJson } from '../program.js'
import { atMost, minutes, percent, type Screen } from '../screen.js'
import { type Measured, publicSize } from '../training-run.js'
import { readOut } from './optimizer-choice.js'
import { accountantFor, type RunPlan, type RunState } from './plan-run.js'
import type { RunConfig } from './run-config.js'
import { checkpointOf, type Resumed, runFiles, writeRunFile } from './run-files.js'
import { dataIdentity, essence } from './run-identity.js'

/** Everything that a run needs. */
export interface PlannedRun {
  readonly config: RunConfig
  readonly data: TrainAndTest
  readonly plan: RunPlan
  readonly backend: Backend
  /** The folder for what it leaves. */
  readonly out: string
  readonly from: Resumed
}

/** What a run came to. The same bytes for the same run, however often it was stopped. */
export interface RunReport {
  readonly format: 'fp-dp run 1'
  readonly title: string
  /** Is the last step taken? */
  readonly finished: boolean
  readonly steps: number
  readonly testAccuracy: number
  readonly epsilon: number | 'Infinity'
  readonly delta: number
  readonly accountant: string
  readonly neighbouring: string
  readonly event: string
  readonly noise: 'secure' | 'float'
  readonly noiseMultiplier: number | 'varies'
  readonly parameters: number
  readonly model: string
  readonly examples: { readonly train: number; readonly test: number }
  readonly config: Readonly<Record<string, unknown>>
  readonly curve: readonly Measured[]
}

/** How a run ended. */
export type Outcome =
  | { readonly _tag: 'Stopped'; readonly step: number; readonly steps: number }
  | {
      readonly _tag: 'Finished'
      readonly report: RunReport
      readonly written: readonly string[]
      readonly notDrawn: string | undefined
      readonly stepsPerSecond: number
      readonly seconds: number
    }

export const titleOf = ({ title = 'Private training' }: Pick<RunConfig, 'title'>): string => title

/** ε for people: rounded up, and named where there is none. */
export const showEpsilon = (epsilon: number, places: number): string =>
  Number.isFinite(epsilon) ? atMost(epsilon, places) : '∞'

/** Steps between two measurements: about an epoch. */
const measuringEvery = ({ evaluateEvery }: RunConfig, plan: RunPlan): number => {
  const { steps } = plan.settings
  return evaluateEvery ?? Math.max(1, Math.round(steps / Math.max(1, plan.epochsIn(steps))))
}

/** σ where all phases have the same. */
const sigmaOf = ({ settings: { phases } }: RunPlan): number | 'varies' => {
  const [first, ...rest] = phases.map(({ noiseMultiplier }) => noiseMultiplier)
  return first !== undefined && rest.every((other) => other === first) ? first : 'varies'
}

/** One line of progress. The loss is a statistic of private examples without noise: it is shown here, and kept nowhere. */
const progressLine = (
  { step, steps, epoch, loss }: { step: number; steps: number; epoch: number; loss: number },
  epsilon: number,
  measured: Measured | undefined,
): string =>
  `step ${step}/${steps} · epoch ${epoch.toFixed(1)} · loss ${Number.isNaN(loss) ? '–' : loss.toFixed(3)} (not private) · ε ${showEpsilon(epsilon, 3)}` +
  (measured === undefined ? '' : ` · test accuracy ${percent(measured.accuracy)}`)

const picture = (title: string, delta: number, accountant: string, curve: readonly Measured[]) =>
  lineChart({
    title,
    x: { label: 'step' },
    panels: [
      { label: 'test accuracy', series: [{ name: 'accuracy', points: curve.map((m) => [m.step, m.accuracy]) }] },
      ...(curve.some(({ epsilon }) => Number.isFinite(epsilon))
        ? [
            {
              label: `ε at δ = ${delta}`,
              series: [{ name: `ε (${accountant})`, points: curve.map((m) => [m.step, m.epsilon] as const) }],
            },
          ]
        : []),
    ],
  })()

const reportOf = (
  { config, data, plan }: PlannedRun,
  state: RunState,
  curve: readonly Measured[],
  testAccuracy: number,
): RunReport => {
  const { upper, neighbouring } = plan.spent(state.ledger)
  return {
    format: 'fp-dp run 1',
    title: titleOf(config),
    finished: state.step === plan.settings.steps,
    steps: state.step,
    testAccuracy,
    epsilon: Number.isFinite(upper) ? upper : 'Infinity',
    delta: plan.settings.delta,
    accountant: plan.settings.accountant,
    neighbouring,
    event: showEvent(state.ledger),
    noise: state.keys.noise._tag === 'ChaCha20' ? 'secure' : 'float',
    noiseMultiplier: sigmaOf(plan),
    parameters: treeSize(state.params),
    model: plan.model.name,
    examples: { train: data.train.length, test: data.test.length },
    config: essence(config),
    curve,
  }
}

/** Writes everything that a finished run leaves. */
const leave = async (
  run: PlannedRun,
  state: RunState,
  report: RunReport,
  timing: Readonly<Record<string, unknown>>,
): Promise<E.Either<Failure, { readonly written: readonly string[]; readonly notDrawn: string | undefined }>> => {
  const { config, data, out } = run
  const { delta } = report
  const document = privacyReport({
    ledger: state.ledger,
    accountant: accountantFor(config),
    deltas: [delta, delta / 10, delta / 100],
    ...(config.unit === undefined ? {} : { unit: config.unit }),
    assumptions: [publicSize(data.train.length)],
  })
  if (E.isLeft(document)) return E.left(failed(`${showAccountingFailure(document.left)}.`))
  const params = readOut(config.optimizer)(state.params, state.optimizer)
  const drawn = await picture(report.title, delta, report.accountant, report.curve)
  const files: readonly (readonly [keyof typeof runFiles, Uint8Array | string])[] = [
    ['privacy', showPrivacyReport(document.right)],
    ['privacyJson', privacyReportJson(document.right)],
    ['model', encodeModel(params)],
    ...(E.isRight(drawn) ? [['curves', drawn.right] as const] : []),
    ['timing', showJson(timing)],
    // Last: whoever finds it finds the others.
    ['report', showJson(report)],
  ]
  for (const [file, content] of files) {
    const written = await writeRunFile(out, file, content)
    if (E.isLeft(written)) return written
  }
  return E.right({
    written: [...files.map(([file]) => runFiles[file]), runFiles.checkpoint],
    notDrawn: E.isLeft(drawn) ? showReportError(drawn.left) : undefined,
  })
}

/**
 * Trains from where the run is to its last step. Where it is asked to stop, its state is kept, and nothing else is written.
 */
export const trainRun = async (run: PlannedRun, screen: Screen): Promise<E.Either<Failure, Outcome>> => {
  const { config, data, plan, backend, out, from } = run
  const { steps } = plan.settings
  const curve = [...from.curve]
  const read = readOut(config.optimizer)
  const measure = accuracy(plan.model, { backend })
  const evaluate = (params: Tree, optimizer: OptimizerState): number => measure(read(params, optimizer), data.test)
  const encode = checkpointOf(plan, config, dataIdentity(data))
  const keep = (state: RunState): Promise<E.Either<Failure, void>> =>
    writeRunFile(out, 'checkpoint', encode(state, curve))
  const patience = 1000 * (config.checkpointSeconds ?? 30)
  const began = performance.now()
  let savedAt = began
  let state = from.state

  const options = { from: state, evaluate, evaluateEvery: measuringEvery(config, plan) }
  for await (const report of train(plan, data.train, options)) {
    state = report.state
    const { step, epoch, epsilon, batch } = report
    if (report.accuracy !== undefined) curve.push({ step, epoch, epsilon: epsilon.upper, accuracy: report.accuracy })
    const now = performance.now()
    const left = ((now - began) / 1000 / (step - from.state.step)) * (steps - step)
    const line = progressLine({ step, steps, epoch, loss: batch.value.loss }, epsilon.upper, curve.at(-1))
    if (report.accuracy === undefined) screen.progress(`${line} · ${minutes(left)} left`)
    else screen.print(step < steps ? `${line} · ${minutes(left)} left` : line)
    if (step === steps) break
    if (screen.interrupted()) {
      const kept = await keep(state)
      return E.isLeft(kept) ? kept : E.right({ _tag: 'Stopped', step, steps })
    }
    if (now - savedAt > patience) {
      const kept = await keep(state)
      if (E.isLeft(kept)) return kept
      savedAt = performance.now()
    }
  }

  const seconds = (performance.now() - began) / 1000
  const kept = await keep(state)
  if (E.isLeft(kept)) return kept
  const final =
    curve.at(-1)?.step === state.step ? (curve.at(-1) as Measured).accuracy : evaluate(state.params, state.optimizer)
  const report = reportOf(run, state, curve, final)
  const stepsPerSecond = (state.step - from.state.step) / seconds
  const timing = { seconds, steps: state.step - from.state.step, stepsPerSecond, backend: backend.name }
  const left = await leave(run, state, report, timing)
  return E.isLeft(left) ? left : E.right({ _tag: 'Finished', report, ...left.right, stepsPerSecond, seconds })
}

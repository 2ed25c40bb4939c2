/**
 * A private training run on a terminal: the loop, its curves, and the report that it leaves.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { showDataError, type TrainAndTest, writeFileAtomically } from '../data/index.js'
import type { SgdState } from '../optim/index.js'
import { type AccountingFailure, type PrivacyEvent, showAccountingFailure, showEvent } from '../privacy/index.js'
import { lineChart, type PrivacyReport, type ReportError, showPrivacyReport, showReportError } from '../report/index.js'
import type { Backend } from '../tensor/backend/backend.js'
import { type Tree, treeSize } from '../tensor/tree.js'
import { accuracy, type DpSgdPlan, type TrainReport, type TrainState, train } from '../train/index.js'
import type { MachineFlags, PrivacyFlags } from './flags.js'
import { atMost, minutes, percent, type Screen } from './screen.js'

export type SgdPlan = DpSgdPlan<Tree, unknown, SgdState>
export type SgdTrainState = TrainState<Tree, SgdState>

/** One point of the curves. */
export interface Measured {
  readonly step: number
  readonly epoch: number
  readonly epsilon: number
  readonly accuracy: number
}

/** What every report of a run on files assumes: sampling probability, divisor and steps come of this number. */
export const publicSize = (examples: number): string =>
  `The number of examples to train on, ${examples}, is public: batches are sized and sums divided by it.`

/** Everything that a run needs. */
export interface TrainingRun<Options extends MachineFlags & PrivacyFlags> {
  readonly title: string
  /** The flags, for the report. */
  readonly options: Options
  readonly data: TrainAndTest
  /** What the second part of the data is to the user. */
  readonly measuredOn: 'test' | 'hold-out'
  readonly backend: Backend
  readonly plan: SgdPlan
  readonly from: SgdTrainState
  /** What was measured before the run stopped and was continued. */
  readonly curve: readonly Measured[]
  readonly evaluateEvery: number
  /** The report of what was spent, by the accountant of the plan. */
  readonly privacy: (request: {
    readonly ledger: PrivacyEvent
    readonly deltas: readonly number[]
  }) => E.Either<AccountingFailure, PrivacyReport>
}

/** What a run does with its state while it goes on; nothing by default. */
export interface Keeping {
  /** Where the state is kept: a name in the folder of the run. */
  readonly file: string
  readonly save: (state: SgdTrainState, curve: readonly Measured[]) => Promise<void>
  /** How to go on after an interruption. */
  readonly advice: string
}

/** Writes whole or not at all: a reader never sees half a file. */
export const writeAtomically = async (
  path: string,
  content: Uint8Array | string,
  options: { readonly secret?: boolean } = {},
): Promise<void> => {
  const written = await writeFileAtomically(path, content, options)()
  if (E.isLeft(written)) throw new Error(showDataError(written.left))
}

/** The numbers of a plan, for people; with its target where the noise was calibrated to one. */
export const describePlan = (
  { plan, from, backend }: Pick<TrainingRun<never>, 'plan' | 'from' | 'backend'>,
  target: { readonly epsilon: number } | undefined,
): string => {
  const { noiseMultiplier, samplingProbability, expectedBatchSize, steps, l2Bound, delta } = plan.settings
  const batches =
    samplingProbability === 1
      ? `steps on all ${expectedBatchSize} examples`
      : `steps of expected batch size ${expectedBatchSize} (q = ${samplingProbability.toPrecision(4)})`
  const aim = target === undefined ? '' : ` for ε = ${target.epsilon} at δ = ${delta}`
  return (
    `Private training: ${treeSize(from.params)} parameters, ${steps} ${batches}, C = ${l2Bound}, ` +
    `σ = ${noiseMultiplier.toFixed(4)}${aim}, on ${backend.name}.`
  )
}

/** Accuracy and ε against steps, or why there is no picture of them. */
const draw = (
  { title, plan, measuredOn }: Pick<TrainingRun<never>, 'title' | 'plan' | 'measuredOn'>,
  curve: readonly Measured[],
): Promise<E.Either<ReportError, string>> =>
  lineChart({
    title,
    x: { label: 'step' },
    panels: [
      {
        label: `${measuredOn} accuracy`,
        series: [{ name: 'accuracy', points: curve.map((m) => [m.step, m.accuracy]) }],
      },
      {
        label: `ε at δ = ${plan.settings.delta}`,
        series: [
          { name: `ε (${plan.settings.accountant.toUpperCase()})`, points: curve.map((m) => [m.step, m.epsilon]) },
        ],
      },
    ],
  })()

/** Trains to the last step of the plan, and leaves report.json and curves.svg; the exit status. */
export const runTraining = async <Options extends MachineFlags & PrivacyFlags>(
  run: TrainingRun<Options>,
  screen: Screen,
  keeping?: Keeping,
): Promise<number> => {
  const { options, data, measuredOn, backend, plan, from } = run
  const { steps, delta } = plan.settings
  const { out } = options
  await mkdir(out, { recursive: true })
  const curve = [...run.curve]
  const evaluate = accuracy(plan.model, { backend })
  let last: TrainReport<Tree, SgdState> | undefined
  let savedAt = performance.now()
  const began = performance.now()

  for await (const report of train(plan, data.train, {
    from,
    evaluate: (params) => evaluate(params, data.test),
    evaluateEvery: run.evaluateEvery,
  })) {
    last = report
    const { step, epoch, epsilon, batch } = report
    const seconds = (performance.now() - began) / 1000
    const left = (seconds / (step - from.step)) * (steps - step)
    if (report.accuracy !== undefined) curve.push({ step, epoch, epsilon: epsilon.upper, accuracy: report.accuracy })
    const measured = curve.at(-1)
    const line =
      `step ${step}/${steps} · epoch ${epoch.toFixed(1)} · loss ${batch.value.loss.toFixed(3)} (not private) · ` +
      `ε ${atMost(epsilon.upper, 3)}${measured === undefined ? '' : ` · ${measuredOn} accuracy ${percent(measured.accuracy)}`}`
    if (report.accuracy === undefined) screen.progress(`${line} · ${minutes(left)} left`)
    else screen.print(line)
    if (screen.interrupted() && step < steps) {
      await keeping?.save(report.state, curve)
      screen.print(`Stopped after step ${step}.${keeping === undefined ? '' : ` ${keeping.advice}`}`)
      return 130
    }
    if (performance.now() - savedAt > 30_000) {
      await keeping?.save(report.state, curve)
      savedAt = performance.now()
    }
  }

  const state = last?.state ?? from
  const seconds = (performance.now() - began) / 1000
  await keeping?.save(state, curve)
  const epsilon = plan.spent(state.ledger)
  const final = curve.at(-1)?.accuracy ?? evaluate(state.params, data.test)
  const grade = state.keys.noise._tag === 'ChaCha20' ? 'secure' : 'float'
  const stepsPerSecond = (state.step - from.step) / seconds
  const report = {
    [`${measuredOn === 'test' ? 'test' : 'holdOut'}Accuracy`]: final,
    epsilon: epsilon.upper,
    delta,
    neighbouring: epsilon.neighbouring,
    accountant: plan.settings.accountant,
    order: epsilon.order,
    event: showEvent(state.ledger),
    ledger: state.ledger,
    noise: grade,
    warning:
      grade === 'secure'
        ? undefined
        : 'Noise and batches come from a seed: whoever knows it can take the noise away. Use --secure to protect people.',
    settings: { ...plan.settings, ...options, parameters: treeSize(state.params), model: plan.model.name },
    examples: { train: data.train.length, [measuredOn === 'test' ? 'test' : 'holdOut']: data.test.length },
    backend: backend.name,
    stepsPerSecond,
    seconds,
    curve,
  }
  await writeAtomically(join(out, 'report.json'), `${JSON.stringify(report, null, 2)}\n`)
  const document = run.privacy({ ledger: state.ledger, deltas: [delta, delta / 10, delta / 100] })
  if (E.isLeft(document)) throw new Error(showAccountingFailure(document.left))
  await writeAtomically(join(out, 'privacy.md'), showPrivacyReport(document.right))
  const picture = await draw(run, curve)
  if (E.isRight(picture)) await writeAtomically(join(out, 'curves.svg'), picture.right)

  screen.print('')
  screen.print(`${measuredOn === 'test' ? 'Test accuracy ' : 'Hold-out      '} ${percent(final)}`)
  screen.print(`Privacy        (ε = ${atMost(epsilon.upper, 4)}, δ = ${delta}), add or remove one example`)
  screen.print(`Event          ${report.event}`)
  screen.print(`Speed          ${stepsPerSecond.toFixed(1)} steps a second, ${minutes(seconds)} in all`)
  if (report.warning !== undefined) screen.print(`Note           ${report.warning}`)
  const written = [
    'report.json',
    'privacy.md',
    ...(E.isLeft(picture) ? [] : ['curves.svg']),
    ...(keeping === undefined ? [] : [keeping.file]),
  ]
  screen.print(
    `Written        ${written.slice(0, -1).join(', ')}${written.length > 1 ? ' and ' : ''}${written.at(-1)} in ${out}`,
  )
  if (E.isLeft(picture)) screen.print(`Not drawn      ${showReportError(picture.left)}`)
  return 0
}

/**
 * The run behind `npm run demo`: loop, checkpoint, report, picture.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { showDataError, writeFileAtomically } from '../data/index.js'
import type { SgdState } from '../optim/index.js'
import { rdp, showAccountingFailure, showEvent } from '../privacy/index.js'
import { lineChart, privacyReport, type ReportError, showPrivacyReport, showReportError } from '../report/index.js'
import { type Tree, treeSize } from '../tensor/tree.js'
import { accuracy, encodeCheckpoint, type TrainReport, train } from '../train/index.js'
import type { DemoOptions } from './demo-options.js'
import { type DemoState, lastingOptions, type Measured, type Refusal, setUp } from './demo-setup.js'

const writeAtomically = async (path: string, content: Uint8Array | string): Promise<void> => {
  const written = await writeFileAtomically(path, content)()
  if (E.isLeft(written)) throw new Error(showDataError(written.left))
}

/** What the demo tells while it runs. */
export interface Screen {
  /** A line that the next one of its kind replaces. */
  readonly progress: (line: string) => void
  /** A line that stays. */
  readonly print: (line: string) => void
  /** True once the user asked to stop. */
  readonly interrupted: () => boolean
}

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`

const minutes = (seconds: number): string =>
  seconds < 60 ? `${Math.ceil(seconds)} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`

/** Accuracy and ε against steps, or why there is no picture of them. */
const draw = (curve: readonly Measured[], delta: number): Promise<E.Either<ReportError, string>> =>
  lineChart({
    title: 'Private training on digits',
    x: { label: 'step' },
    panels: [
      { label: 'test accuracy', series: [{ name: 'accuracy', points: curve.map((m) => [m.step, m.accuracy]) }] },
      { label: `ε at δ = ${delta}`, series: [{ name: 'ε (RDP)', points: curve.map((m) => [m.step, m.epsilon]) }] },
    ],
  })()

/**
 * Runs the demo. Right: the exit status; Left: why it could not start.
 */
export const runDemo = async (given: DemoOptions, screen: Screen): Promise<E.Either<Refusal, number>> => {
  const setup = await setUp(given)
  if (E.isLeft(setup)) return setup
  const { options, data, backend, plan, from } = setup.right
  const curve = [...setup.right.curve]

  const { train: trainingData, test } = data
  const { noiseMultiplier, samplingProbability, expectedBatchSize, steps, delta, l2Bound } = plan.settings
  const source = options.data ?? `${trainingData.length} drawn digits`
  screen.print(`Data: ${source}: ${trainingData.length} examples to train on, ${test.length} to test on.`)
  screen.print(
    `Private training: ${treeSize(from.params)} parameters, ${steps} steps of expected batch size ${expectedBatchSize} ` +
      `(q = ${samplingProbability.toPrecision(4)}), C = ${l2Bound}, σ = ${noiseMultiplier.toFixed(4)}` +
      `${options.noiseMultiplier === undefined ? ` for ε = ${options.epsilon} at δ = ${delta}` : ''}, on ${backend.name}.`,
  )
  if (from.step > 0) screen.print(`Continuing after step ${from.step}.`)

  const { out } = options
  await mkdir(out, { recursive: true })
  const checkpoint = join(out, 'checkpoint.safetensors')
  const save = (state: DemoState): Promise<void> => {
    const notes = { options: JSON.stringify(lastingOptions(options)), curve: JSON.stringify(curve) }
    return writeAtomically(checkpoint, encodeCheckpoint(plan)(state, notes))
  }
  const evaluate = accuracy(plan.model, { backend })
  let last: TrainReport<Tree, SgdState> | undefined
  let savedAt = performance.now()
  const began = performance.now()

  for await (const report of train(plan, trainingData, {
    from,
    evaluate: (params) => evaluate(params, test),
    evaluateEvery: Math.max(1, Math.ceil(1 / samplingProbability)),
  })) {
    last = report
    const { step, epoch, epsilon, batch } = report
    const seconds = (performance.now() - began) / 1000
    const left = (seconds / (step - from.step)) * (steps - step)
    if (report.accuracy !== undefined) curve.push({ step, epoch, epsilon: epsilon.upper, accuracy: report.accuracy })
    const measured = curve.at(-1)
    const line =
      `step ${step}/${steps} · epoch ${epoch.toFixed(1)} · loss ${batch.value.loss.toFixed(3)} (not private) · ` +
      `ε ${epsilon.upper.toFixed(3)}${measured === undefined ? '' : ` · test accuracy ${percent(measured.accuracy)}`}`
    if (report.accuracy === undefined) screen.progress(`${line} · ${minutes(left)} left`)
    else screen.print(line)
    if (screen.interrupted() && step < steps) {
      await save(report.state)
      screen.print(`Stopped after step ${step}. Continue with: npm run demo -- --resume ${checkpoint} --out ${out}`)
      return E.right(130)
    }
    if (performance.now() - savedAt > 30_000) {
      await save(report.state)
      savedAt = performance.now()
    }
  }

  const state = last?.state ?? from
  const seconds = (performance.now() - began) / 1000
  await save(state)
  const epsilon = plan.spent(state.ledger)
  const final = curve.at(-1)?.accuracy ?? evaluate(state.params, test)
  const grade = state.keys.noise._tag === 'ChaCha20' ? 'secure' : 'float'
  const stepsPerSecond = (state.step - from.step) / seconds
  const report = {
    testAccuracy: final,
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
    examples: { train: trainingData.length, test: test.length },
    backend: backend.name,
    stepsPerSecond,
    seconds,
    curve,
  }
  await writeAtomically(join(out, 'report.json'), `${JSON.stringify(report, null, 2)}\n`)
  const document = privacyReport({ ledger: state.ledger, accountant: rdp(), deltas: [delta, delta / 10, delta / 100] })
  if (E.isLeft(document)) throw new Error(showAccountingFailure(document.left))
  await writeAtomically(join(out, 'privacy.md'), showPrivacyReport(document.right))
  const picture = await draw(curve, delta)
  if (E.isRight(picture)) await writeAtomically(join(out, 'curves.svg'), picture.right)

  screen.print('')
  screen.print(`Test accuracy  ${percent(final)}`)
  screen.print(`Privacy        (ε = ${epsilon.upper.toFixed(4)}, δ = ${delta}), add or remove one example`)
  screen.print(`Event          ${report.event}`)
  screen.print(`Speed          ${stepsPerSecond.toFixed(1)} steps a second, ${minutes(seconds)} in all`)
  if (report.warning !== undefined) screen.print(`Note           ${report.warning}`)
  screen.print(
    `Written        report.json, privacy.md${E.isLeft(picture) ? '' : ', curves.svg'} and checkpoint.safetensors in ${out}`,
  )
  if (E.isLeft(picture)) screen.print(`Not drawn      ${showReportError(picture.left)}`)
  return E.right(0)
}

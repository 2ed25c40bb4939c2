/**
 * The worker that trains: it draws the digits, takes steps, and tells of them some ten times a second.
 */
import * as E from 'fp-ts/lib/Either.js'
import { examplesFrom } from '../../../src/data/dataset.js'
import { predict } from '../../../src/grad/index.js'
import { smallCnn } from '../../../src/models/small-cnn.js'
import { type InvalidParameter, showInvalidParameter } from '../../../src/privacy/index.js'
import { key } from '../../../src/sampling/index.js'
import { wasm } from '../../../src/tensor/backend/wasm/index.js'
import { toArray } from '../../../src/tensor/tensor.js'
import { treeSize } from '../../../src/tensor/tree.js'
import { accuracy } from '../../../src/train/index.js'
import { breathe, port } from '../page/worker-port.js'
import { advance, begin, change, drawExamples, type Run } from './run.js'
import type { Command, News, Progress } from './training-messages.js'
import type { TrainingSettings } from './training-settings.js'

const SPECIMENS = 12
/** Milliseconds between two reports, and between two looks at the test digits. */
const REPORT_EVERY = 100
const EVALUATE_EVERY = 400

const { listen, post } = port<Command, News>()

const wait = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds))

const began = performance.now()
const backend = wasm()
const { train, test } = drawExamples()
const shownDigits = examplesFrom({ start: 0, end: SPECIMENS })(test).take(
  Array.from({ length: SPECIMENS }, (_, i) => i),
)

let run: Run | undefined
let number = 0
let isGoing = false
let stepsPerSecond = Infinity
/** Counts commands, so that a loop knows that it is the current one. */
let era = 0

const guessesOf = ({ plan, state }: Run): readonly number[] => {
  const logits = toArray(predict(plan.model, { backend })(state.params, shownDigits.input))
  return Array.from({ length: SPECIMENS }, (_, i) => {
    const row = logits.slice(10 * i, 10 * i + 10)
    return row.indexOf(Math.max(...row))
  })
}

const measured = (current: Run): Pick<Progress, 'accuracy' | 'guesses'> => ({
  accuracy: accuracy(current.plan.model, { backend })(current.state.params, test),
  guesses: guessesOf(current),
})

const progressOf = (
  { plan, state, phases }: Run,
  seen: Pick<Progress, 'loss' | 'norms' | 'stepsPerSecond'>,
): Progress => ({
  ...seen,
  run: number,
  step: state.step,
  epsilon: plan.spent(state.ledger).upper,
  ledger: state.ledger,
  phases: phases.map(({ from }) => from),
})

const refuse = (problems: readonly InvalidParameter[]): void =>
  post({ _tag: 'Refused', run: number, reasons: problems.map((problem) => `${showInvalidParameter(problem)}.`) })

/** Steps until it is told otherwise. */
const loop = async (mine: number): Promise<void> => {
  let norms: number[] = []
  let loss = Number.NaN
  let reported = performance.now()
  let evaluated = Number.NEGATIVE_INFINITY
  let steps = 0
  let due = performance.now()
  while (isGoing && era === mine && run !== undefined) {
    const step = advance(run, train)
    const now = performance.now()
    if (step !== undefined) {
      run = step.run
      norms.push(...step.norms)
      loss = step.loss
      steps++
    }
    if (step === undefined || now - reported >= REPORT_EVERY) {
      const looks = step === undefined || now - evaluated >= EVALUATE_EVERY
      const progress: Progress = {
        ...progressOf(run, { loss, norms, stepsPerSecond: (1000 * steps) / Math.max(1, now - reported) }),
        ...(looks ? measured(run) : {}),
      }
      post({ _tag: step === undefined ? 'Spent' : 'Progress', progress })
      if (looks) evaluated = now
      norms = []
      steps = 0
      reported = now
      if (step === undefined) {
        isGoing = false
        return
      }
    }
    // A step is due so long after the one before; time that was lost is not made up for.
    due = Math.max(performance.now(), due + 1000 / stepsPerSecond)
    const left = due - performance.now()
    await (left > 1 ? wait(left) : breathe())
  }
  // What was done since the last report, and what it led to.
  if (era !== mine || run === undefined) return
  post({
    _tag: 'Progress',
    progress: { ...progressOf(run, { loss, norms, stepsPerSecond: 0 }), ...measured(run) },
  })
  post({ _tag: 'Paused', run: number })
}

const go = (settings: TrainingSettings): void => {
  const next = run === undefined ? begin(settings, train, backend) : change(run, settings, train, backend)
  if (E.isLeft(next)) {
    refuse(next.left)
    return
  }
  run = next.right
  if (isGoing) return
  isGoing = true
  era++
  loop(era)
}

const rate = (perSecond: number): void => {
  stepsPerSecond = perSecond
}

listen((command) => {
  switch (command._tag) {
    case 'Go':
      number = command.run
      rate(command.stepsPerSecond)
      go(command.settings)
      return
    case 'Change':
      rate(command.stepsPerSecond)
      if (run !== undefined) {
        const next = change(run, command.settings, train, backend)
        if (E.isLeft(next)) refuse(next.left)
        else run = next.right
      }
      return
    case 'Pause':
      isGoing = false
      return
    case 'Reset':
      isGoing = false
      era++
      run = undefined
      return
  }
})

post({
  _tag: 'Ready',
  backend: backend.name,
  parameters: treeSize(smallCnn('tanh').init(key(0), train.inputShape).params),
  specimens: Array.from({ length: SPECIMENS }, (_, i) => ({
    pixels: toArray(shownDigits.input).slice(784 * i, 784 * (i + 1)),
    label: toArray(shownDigits.target)[i] as number,
  })),
  milliseconds: performance.now() - began,
})

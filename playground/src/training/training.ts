/**
 * The training on the page: fields, the worker that trains, the worker that accounts, and what they show.
 */
import type { Asked, Told } from '../calculator/calculator-worker.js'
import { figure } from '../chart/figure.js'
import { element, say } from '../page/element.js'
import type { Field, Values } from '../page/field.js'
import { fieldInput } from '../page/field-input.js'
import { percent, shown } from '../page/number-text.js'
import { accounted, accuracyChart, epsilonChart, type History, noHistory, seen } from './history.js'
import { normHistogram } from './norm-histogram.js'
import { specimenRow } from './specimens.js'
import { statementOf } from './statement.js'
import type { Command, News, Progress } from './training-messages.js'
import { TRAINING_DELTA, type TrainingSettings, trainingFieldNames, trainingFields } from './training-settings.js'

export interface TrainingPlaces {
  readonly controls: HTMLElement
  readonly figures: HTMLElement
}

export interface Training {
  readonly set: (settings: TrainingSettings) => void
}

const FASTEST = 100

const rateField: Field = {
  name: 'train-rate',
  label: 'Steps per second',
  symbol: '',
  why: `At most; ${FASTEST} means as fast as it can.`,
  initial: 20,
  scale: 'log',
  slider: [1, FASTEST],
  digits: 2,
  allows: (x) => x >= 0.1 && x <= FASTEST,
  requirement: `a number from 0.1 to ${FASTEST}`,
}

type Standing = 'ready' | 'going' | 'paused' | 'spent'

const startTexts: Readonly<Record<Standing, string>> = {
  ready: 'Start training',
  going: 'Pause',
  paused: 'Go on',
  spent: 'Budget spent',
}

/** A number with a name. */
interface Fact {
  readonly root: HTMLElement
  readonly show: (text: string) => void
  readonly text: () => string
}

const fact = (name: string, id: string): Fact => {
  const value = element('dd', { id }, '–')
  return {
    root: element('div', {}, element('dt', {}, name), value),
    show: (text) => say(value, text),
    text: () => value.textContent,
  }
}

export const training = (
  { controls, figures }: TrainingPlaces,
  initial: Values<keyof TrainingSettings>,
  changed: (settings: TrainingSettings) => void,
): Training => {
  let settings: TrainingSettings = initial
  let history: History = noHistory
  let standing: Standing = 'ready'
  let rate = rateField.initial
  let worker: Worker | undefined
  let accountant: Worker | undefined
  let isAccounting = false
  let budget = initial.epsilonBudget
  let run = 1

  const stepsPerSecond = (): number => (rate >= FASTEST ? Number.POSITIVE_INFINITY : rate)
  const tell = (command: Command): void => worker?.postMessage(command)
  // A slider that is dragged would make a phase of every place that it passes.
  let telling: ReturnType<typeof setTimeout> | undefined
  const tellChange = (): void => {
    clearTimeout(telling)
    telling = setTimeout(() => tell({ _tag: 'Change', settings, stepsPerSecond: stepsPerSecond() }), 120)
  }

  const facts = {
    step: fact('Steps', 'train-step'),
    accuracy: fact('Accuracy', 'train-accuracy'),
    epsilon: fact('ε spent, at most', 'train-epsilon'),
    pace: fact('Steps a second', 'train-pace'),
  }
  const start = element('button', { type: 'button', class: 'primary', id: 'train-start' }, startTexts.ready)
  const reset = element('button', { type: 'button', id: 'train-reset' }, 'Reset')
  const status = element(
    'p',
    { class: 'pace', id: 'train-status', role: 'status' },
    'The digits are drawn when you start.',
  )
  const claim = element('p', { class: 'claim', id: 'train-claim' })
  const ledger = element('code', { class: 'ledger', id: 'train-ledger' })
  const adaptivity = element('p', { class: 'why' })
  const report = element('pre', { tabindex: 0, 'aria-label': 'Privacy report' })
  const statement = element(
    'section',
    { class: 'statement', id: 'train-statement', hidden: true, 'aria-labelledby': 'train-statement-title' },
    element('h4', { id: 'train-statement-title' }, 'What may be said of this run'),
    claim,
    element('p', { class: 'why' }, 'Its ledger, from which alone ε is computed: ', ledger),
    adaptivity,
    element(
      'p',
      { class: 'why' },
      'Noise and batches of this page come from a fixed seed: whoever knows it can take the noise away. To protect people, keys come from the operating system.',
    ),
    element('details', { class: 'as-table' }, element('summary', {}, 'The privacy report'), report),
  )

  const accuracyFigure = figure({
    name: 'accuracy',
    title: 'Accuracy',
    reading: 'Share of 500 digits, none of them trained on, that the network reads rightly. A statistic of test data.',
    height: 240,
  })
  const epsilonFigure = figure({
    name: 'epsilon',
    title: 'Privacy spent',
    reading: 'Upper bounds of ε of everything that was released so far, read from the ledger of the run.',
    height: 240,
  })
  const specimens = specimenRow()
  const small = element('p', { class: 'small-answer', 'aria-hidden': 'true' })

  const showFields = (): void => {
    for (const { name, input } of inputs) input.show(settings[name])
    histogram.showClip(settings.clipNorm)
  }
  const choose = (part: Partial<TrainingSettings>): void => {
    settings = { ...settings, ...part }
    changed(settings)
    if (standing === 'going') tellChange()
    // With other settings a step may fit into what is left.
    if (standing === 'spent') stand('paused')
    if (standing === 'ready') {
      budget = settings.epsilonBudget
      drawCharts()
    }
  }
  const inputs = trainingFieldNames.map((name) => ({
    name,
    input: fieldInput(trainingFields[name], initial[name], (value) => {
      if (name === 'clipNorm') histogram.showClip(value)
      choose({ [name]: value })
    }),
  }))
  const pace = fieldInput(rateField, rateField.initial, (value) => {
    rate = value
    if (standing === 'going') tellChange()
  })
  const histogram = normHistogram(trainingFields.clipNorm, initial.clipNorm, (clipNorm) => {
    inputs.find(({ name }) => name === 'clipNorm')?.input.show(clipNorm)
    choose({ clipNorm })
  })

  const drawCharts = (): void => {
    const accuracyDrawing = accuracyChart(history)
    accuracyFigure.draw(accuracyDrawing.chart, accuracyDrawing.legend)
    const epsilonDrawing = epsilonChart(history, budget)
    epsilonFigure.draw(epsilonDrawing.chart, epsilonDrawing.legend)
  }

  const stand = (next: Standing): void => {
    standing = next
    say(start, startTexts[next])
    start.disabled = next === 'spent'
    inputs.find(({ name }) => name === 'epsilonBudget')?.input.enable(next === 'ready')
    if (next === 'paused' || next === 'spent') showStatement()
    statement.hidden = next === 'ready' || next === 'going'
  }

  const showStatement = (): void => {
    const { latest, byExact } = history
    if (latest === undefined) return
    const exact = byExact.at(-1)
    const words = statementOf({
      step: latest.step,
      ledger: latest.ledger,
      epsilon: latest.epsilon,
      exact: exact?.at === latest.step ? exact : undefined,
      phases: latest.phases.length,
      budget,
    })
    say(claim, words.claim)
    say(ledger, words.ledger)
    say(adaptivity, words.adaptivity)
    say(report, words.report)
  }

  /** Asks the exact accountant about the latest ledger, unless it is at work. */
  const account = (): void => {
    const { latest } = history
    if (latest === undefined || isAccounting || history.byExact.at(-1)?.at === latest.step) return
    accountant ??= accountingWorker()
    isAccounting = true
    accountant.postMessage({
      _tag: 'Ledger',
      number: latest.step,
      event: latest.ledger,
      delta: TRAINING_DELTA,
    } satisfies Asked)
  }
  const accountingWorker = (): Worker => {
    const made = new Worker(new URL('../calculator/calculator-worker.ts', import.meta.url), { type: 'module' })
    made.addEventListener('message', ({ data }: MessageEvent<Told>) => {
      if (data._tag !== 'Spent' || made !== accountant) return
      isAccounting = false
      if (data.bounds !== undefined)
        history = accounted({ at: data.number, lower: data.bounds.lower, upper: data.bounds.upper })(history)
      drawCharts()
      showEpsilon()
      if (standing === 'paused' || standing === 'spent') showStatement()
      account()
    })
    return made
  }

  const showEpsilon = (): void => {
    const { latest, byExact } = history
    const exact = byExact.at(-1)
    facts.epsilon.show(
      latest === undefined
        ? '–'
        : shown(exact?.at === latest.step ? Math.min(exact.upper, latest.epsilon) : latest.epsilon, 3, 'up'),
    )
    say(
      small,
      latest === undefined
        ? ''
        : `${facts.step.text()} steps · ${facts.accuracy.text()} right · ε ≤ ${facts.epsilon.text()}`,
    )
  }

  const show = (progress: Progress): void => {
    history = seen(progress)(history)
    facts.step.show(shown(progress.step, 7))
    if (progress.accuracy !== undefined) facts.accuracy.show(percent(progress.accuracy))
    if (progress.stepsPerSecond > 0) facts.pace.show(shown(progress.stepsPerSecond, 2))
    if (progress.guesses !== undefined) specimens.guess(progress.guesses)
    histogram.showNorms(history.norms)
    showEpsilon()
    drawCharts()
    account()
  }

  const hear = (news: News): void => {
    switch (news._tag) {
      case 'Ready':
        specimens.show(news.specimens)
        say(
          status,
          `A network of ${news.parameters.toLocaleString('en')} parameters, in a worker of this browser, on ${news.backend}.`,
        )
        status.setAttribute('data-backend', news.backend)
        return
      case 'Progress':
        if (news.progress.run === run && standing !== 'ready') show(news.progress)
        return
      case 'Spent':
        if (news.progress.run !== run) return
        show(news.progress)
        stand('spent')
        return
      case 'Paused':
        if (news.run === run && standing === 'going') stand('paused')
        return
      case 'Refused':
        if (news.run !== run) return
        say(status, news.reasons.join(' '))
        stand(history.latest === undefined ? 'ready' : 'paused')
    }
  }

  const trainingWorker = (): Worker => {
    say(status, 'Drawing 3,500 digits …')
    const made = new Worker(new URL('./training-worker.ts', import.meta.url), { type: 'module' })
    made.addEventListener('message', ({ data }: MessageEvent<News>) => hear(data))
    made.addEventListener('error', (event) => {
      say(status, `The worker has stopped: ${event.message || 'it could not be loaded'}.`)
      made.terminate()
      worker = undefined
      stand('ready')
    })
    return made
  }

  start.addEventListener('click', () => {
    worker ??= trainingWorker()
    if (standing === 'going') {
      tell({ _tag: 'Pause' })
      return
    }
    if (standing === 'ready') budget = settings.epsilonBudget
    stand('going')
    tell({ _tag: 'Go', run, settings, stepsPerSecond: stepsPerSecond() })
  })
  reset.addEventListener('click', () => {
    clearTimeout(telling)
    tell({ _tag: 'Reset' })
    run++
    accountant?.terminate()
    accountant = undefined
    isAccounting = false
    history = noHistory
    budget = settings.epsilonBudget
    stand('ready')
    for (const one of Object.values(facts)) one.show('–')
    showEpsilon()
    specimens.guess(undefined)
    histogram.showNorms([])
    drawCharts()
  })

  controls.parentElement?.append(small)
  controls.append(
    element('div', { class: 'buttons' }, start, reset),
    status,
    ...inputs.map(({ input }) => input.root),
    pace.root,
  )
  figures.append(
    element('dl', { class: 'facts' }, ...Object.values(facts).map(({ root }) => root)),
    element('div', { class: 'pair' }, accuracyFigure.root, epsilonFigure.root),
    statement,
    histogram.root,
    specimens.root,
  )
  drawCharts()
  return {
    set: (next) => {
      settings = next
      showFields()
      if (standing === 'going') tellChange()
      if (standing === 'ready') {
        budget = next.epsilonBudget
        drawCharts()
      }
    },
  }
}

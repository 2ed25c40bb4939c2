/**
 * The calculator on the page: fields, three workers, and what they answer.
 */
import { figure } from '../chart/figure.js'
import { element } from '../page/element.js'
import { fieldInput } from '../page/field-input.js'
import { accountantTable } from './accountant-table.js'
import type { Asked, Role, Told } from './calculator-worker.js'
import { deltaChart, stepsChart, tradeOffChart } from './curves.js'
import { epochsInput } from './epochs.js'
import { headline } from './headline.js'
import { type Query, type QueryField, queryFields, type Relation, relations } from './query.js'
import { answered, asked, noResults, type Results } from './results.js'

export interface CalculatorPlaces {
  readonly controls: HTMLElement
  readonly answer: HTMLElement
  readonly figures: HTMLElement
}

export interface Calculator {
  /** Shows and answers a query that came from elsewhere. */
  readonly set: (query: Query) => void
}

const roles: readonly Role[] = ['instant', 'exact', 'lattice']

const relationChoice: Readonly<Record<Relation, string>> = {
  addOrRemoveOne: 'added or removed',
  replaceOne: 'replaced',
}

const relationGroup = (
  initial: Relation,
  choose: (relation: Relation) => void,
): { readonly root: HTMLElement; readonly show: (relation: Relation) => void } => {
  const radios = relations.map((relation) => {
    const radio = element('input', { type: 'radio', name: 'relation', value: relation })
    radio.checked = relation === initial
    radio.addEventListener('change', () => choose(relation))
    return { relation, radio }
  })
  const root = element(
    'fieldset',
    { class: 'choice' },
    element('legend', {}, 'Neighbours: one record is'),
    element(
      'div',
      { class: 'segments' },
      ...radios.map(({ relation, radio }) =>
        element('label', {}, radio, element('span', {}, relationChoice[relation])),
      ),
    ),
    element(
      'p',
      { class: 'why' },
      'Replacing moves a clipped sum twice as far, so its ε is larger. An ε means nothing without this choice.',
    ),
  )
  return {
    root,
    show: (chosen) => {
      for (const { relation, radio } of radios) radio.checked = relation === chosen
    },
  }
}

export const calculator = (
  { controls, answer, figures }: CalculatorPlaces,
  initial: Query,
  changed: (query: Query) => void,
): Calculator => {
  let results: Results = noResults(initial)
  let askedAt = 0
  let isWaiting = false

  const head = headline()
  const table = accountantTable()
  const bySteps = figure({
    name: 'steps',
    title: 'ε grows with every step',
    reading:
      'Each curve is an upper bound of ε after so many steps, but for the dashed one, which may lie below the truth.',
    height: 300,
  })
  const byDelta = figure({
    name: 'delta',
    title: 'One release, many pairs (ε, δ)',
    reading: 'The release keeps every pair on the curve: a smaller δ is paid for by a larger ε.',
    height: 300,
  })
  const byRates = figure({
    name: 'trade-off',
    title: 'What an attacker can do',
    reading:
      'Whoever tests for one record makes errors: no test lies below the curve. The whole curve says more than one pair does.',
    height: 300,
  })

  const draw = (): void => {
    for (const [place, chartOf] of [
      [bySteps, stepsChart],
      [byDelta, deltaChart],
      [byRates, tradeOffChart],
    ] as const) {
      const { chart, legend } = chartOf(results)
      place.draw(chart, legend)
    }
  }
  let isDue = false
  const drawSoon = (): void => {
    if (isDue) return
    isDue = true
    requestAnimationFrame(() => {
      isDue = false
      draw()
    })
  }

  const workers = roles.map((role) => {
    const worker = new Worker(new URL('./calculator-worker.ts', import.meta.url), { type: 'module' })
    worker.addEventListener('message', ({ data }: MessageEvent<Told>) => {
      if (data._tag !== 'Answer' || data.number !== results.latest) return
      results = answered(data.number, data.answer)(results)
      if (data.answer._tag === 'Epsilon') {
        const isFirst = isWaiting && data.answer.relation === results.query.neighbouring
        // The first query waits for workers that are still loading.
        head.show(results, isFirst && results.latest > 1 ? performance.now() - askedAt : undefined)
        if (isFirst) isWaiting = false
        table.show(results)
      }
      drawSoon()
    })
    return { role, worker }
  })

  const ask = (query: Query): void => {
    results = asked(query)(results)
    askedAt = performance.now()
    isWaiting = true
    for (const { role, worker } of workers)
      worker.postMessage({ _tag: 'Query', number: results.latest, role, query } satisfies Asked)
    table.show(results)
    head.show(results, undefined)
  }
  const choose = (part: Partial<Query>): void => {
    ask({ ...results.query, ...part })
    changed(results.query)
  }

  const names = Object.keys(queryFields) as readonly QueryField[]
  const inputs = names.map((name) => ({
    name,
    input: fieldInput(queryFields[name], initial[name], (value) => choose({ [name]: value })),
  }))
  const relation = relationGroup(initial.neighbouring, (neighbouring) => choose({ neighbouring }))
  const fromEpochs = epochsInput((found) => {
    choose(found)
    for (const { name, input } of inputs) input.show(results.query[name])
  })
  controls.append(...inputs.map(({ input }) => input.root), fromEpochs, relation.root)
  controls.parentElement?.append(head.small)
  answer.append(head.root, table.root)
  figures.append(bySteps.root, byDelta.root, byRates.root)
  ask(initial)
  return {
    set: (query) => {
      for (const { name, input } of inputs) input.show(query[name])
      relation.show(query.neighbouring)
      ask(query)
    },
  }
}

/**
 * All accountants side by side, under both relations.
 */
import * as E from 'fp-ts/lib/Either.js'
import { swatch } from '../chart/figure.js'
import { element, say } from '../page/element.js'
import { durationText, shown } from '../page/number-text.js'
import type { Method } from './answers.js'
import { methodTexts, tableOrder } from './method-text.js'
import { relations } from './query.js'
import { epsilonOfMethod, isFresh, type Results } from './results.js'

export interface AccountantTable {
  readonly root: HTMLElement
  readonly show: (results: Results) => void
}

const cellsOf = (): readonly HTMLTableCellElement[] =>
  relations.map((relation) => element('td', { 'data-relation': relation }, element('b', {}, '…'), element('small', {})))

const showCell = (cell: HTMLTableCellElement, results: Results, method: Method, index: number): void => {
  const relation = relations[index] as (typeof relations)[number]
  const known = epsilonOfMethod(results, method, relation)
  const [claim, detail] = [cell.firstElementChild as Element, cell.lastElementChild as Element]
  cell.classList.toggle('old', !isFresh(results, known))
  if (known === undefined) return
  const { bounds, milliseconds } = known.value
  if (E.isLeft(bounds)) {
    say(claim, '–')
    say(detail, '')
    cell.title = bounds.left
    cell.removeAttribute('data-upper')
    return
  }
  const { lower, upper } = bounds.right
  cell.removeAttribute('title')
  cell.setAttribute('data-upper', String(upper))
  if (method === 'limit') {
    say(claim, `≈ ${shown(upper, 5)}`)
    say(detail, 'no bound: may understate')
    return
  }
  say(claim, `≤ ${shown(upper, 5, 'up')}`)
  say(detail, `${lower > 0 ? `≥ ${shown(lower, 5, 'down')} · ` : ''}${durationText(milliseconds)}`)
}

export const accountantTable = (): AccountantTable => {
  const rows = tableOrder.map((method) => {
    const { name, kind, worth } = methodTexts[method]
    const cells = cellsOf()
    const head = element(
      'tr',
      { 'data-method': method, class: method },
      element('th', { scope: 'row' }, swatch({ look: method, kind }), ' ', name),
      ...cells,
    )
    const why = element(
      'tr',
      { class: 'worth' },
      element('td', { colspan: 3 }, method === 'limit' ? element('strong', {}, 'May understate. ') : undefined, worth),
    )
    return { method, cells, parts: [head, why] }
  })
  const root = element(
    'table',
    { class: 'accountants' },
    element('caption', {}, 'ε by every accountant: the most it can be, and the least where that is proved'),
    element(
      'thead',
      {},
      element(
        'tr',
        {},
        element('th', { scope: 'col' }, 'Accountant'),
        element('th', { scope: 'col' }, 'a record added or removed'),
        element('th', { scope: 'col' }, 'a record replaced'),
      ),
    ),
    ...rows.map(({ parts }) => element('tbody', {}, ...parts)),
  )
  return {
    root,
    show: (results) => {
      for (const { method, cells } of rows)
        cells.forEach((cell, index) => {
          showCell(cell, results, method, index)
        })
    },
  }
}

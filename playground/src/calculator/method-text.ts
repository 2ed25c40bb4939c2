/**
 * The accountants in words.
 */
import type { LegendEntry } from '../chart/figure.js'
import type { Method } from './answers.js'

export interface MethodText {
  readonly name: string
  readonly kind: LegendEntry['kind']
  /** One sentence about what its number is worth. */
  readonly worth: string
}

export const methodTexts: Readonly<Record<Method, MethodText>> = {
  exact: {
    name: 'Exact',
    kind: 'line',
    worth: 'A contour integral of the loss, enclosed from both sides: for many steps the truth to nine digits.',
  },
  pld: {
    name: 'PLD',
    kind: 'mark',
    worth: 'Privacy loss distributions on a lattice, enclosed from both sides.',
  },
  prv: {
    name: 'PRV',
    kind: 'mark',
    worth: 'Privacy random variables: proved, with room of about 1 % to each side.',
  },
  rdp: {
    name: 'RDP',
    kind: 'line',
    worth:
      'Rényi accounting, as most reports have it: a proved upper bound that overstates; it proves nothing from below.',
  },
  gdp: {
    name: 'GDP',
    kind: 'line',
    worth: 'The exact Gaussian curve, which exists only where every record is in every batch (q = 1).',
  },
  limit: {
    name: 'Central limit',
    kind: 'line',
    worth: 'It is an approximation and no bound, whatever reports print it as their ε: never claim it.',
  },
}

/** In the order of the table. */
export const tableOrder: readonly Method[] = ['exact', 'pld', 'prv', 'rdp', 'gdp', 'limit']

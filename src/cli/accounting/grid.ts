/**
 * A grid of trainings: which list is the horizontal axis, and what the others become.
 */
import type { LineChart, Point, Series } from '../../report/index.js'
import { figure, nearFigure } from './figures.js'

/** The numbers of one training of the grid. */
export interface GridPoint {
  readonly noiseMultiplier: number
  readonly samplingProbability: number
  readonly steps: number
  readonly delta: number
}

/** ε of one training by one accountant; NaN where it has none. */
export interface GridRow extends GridPoint {
  readonly accountant: string
  readonly lower: number
  readonly epsilon: number
}

type Dimension = keyof GridPoint
const dimensions: readonly Dimension[] = ['noiseMultiplier', 'samplingProbability', 'steps', 'delta']

export type GridLists = { readonly [K in Dimension]: readonly number[] }

const symbols: Readonly<Record<Dimension, string>> = {
  noiseMultiplier: 'σ',
  samplingProbability: 'q',
  steps: 'T',
  delta: 'δ',
}
const words: Readonly<Record<Dimension, string>> = {
  noiseMultiplier: 'noise multiplier σ',
  samplingProbability: 'sampling probability q',
  steps: 'steps T',
  delta: 'δ',
}

/** Every combination, the first list slowest. */
export const gridPoints = (lists: GridLists): readonly GridPoint[] =>
  lists.noiseMultiplier.flatMap((noiseMultiplier) =>
    lists.samplingProbability.flatMap((samplingProbability) =>
      lists.steps.flatMap((steps) =>
        lists.delta.map((delta) => ({ noiseMultiplier, samplingProbability, steps, delta })),
      ),
    ),
  )

/** Colours of a picture, and panels of a page. */
const MOST_SERIES = 6
const MOST_PANELS = 6

const label = (dimension: Dimension, value: number): string => `${symbols[dimension]} = ${figure(value)}`

/** Every choice of values for some dimensions, with its name. */
const choices = (
  lists: GridLists,
  chosen: readonly Dimension[],
): readonly { readonly name: string; readonly values: Partial<GridPoint> }[] =>
  chosen.reduce<readonly { readonly name: string; readonly values: Partial<GridPoint> }[]>(
    (found, dimension) =>
      found.flatMap(({ name, values }) =>
        lists[dimension].map((value) => ({
          name: [name, label(dimension, value)].filter((part) => part !== '').join(', '),
          values: { ...values, [dimension]: value },
        })),
      ),
    [{ name: '', values: {} }],
  )

const matches = (row: GridRow, values: Partial<GridPoint>): boolean =>
  dimensions.every((dimension) => values[dimension] === undefined || values[dimension] === row[dimension])

/**
 * The picture: the longest list is the horizontal axis, the next the curves of a panel, the others panels; several accountants are curves
 * of their own. Undefined where that is more than a page of panels of six curves.
 */
export const gridChart = (
  lists: GridLists,
  rows: readonly GridRow[],
  accountants: readonly string[],
  relation: string,
): LineChart | undefined => {
  const byLength = dimensions.toSorted((a, b) => lists[b].length - lists[a].length)
  const [x, ...others] = byLength.filter((dimension, i) => i === 0 || lists[dimension].length > 1) as [
    Dimension,
    ...Dimension[],
  ]
  const fixed = dimensions.filter((dimension) => dimension !== x && lists[dimension].length === 1)
  const [curve, ...panels] = others
  const series = choices(lists, curve === undefined ? [] : [curve])
  const pages = choices(lists, panels)
  if (series.length * accountants.length > MOST_SERIES || pages.length > MOST_PANELS) return undefined
  const seriesOf = (page: Partial<GridPoint>): readonly Series[] =>
    series.flatMap(({ name, values }) =>
      accountants.map((accountant) => ({
        name: [name, ...(accountants.length > 1 || name === '' ? [accountant] : [])]
          .filter((part) => part !== '')
          .join(', '),
        points: rows
          .filter((row) => row.accountant === accountant && matches(row, page) && matches(row, values))
          .map((row): Point => [row[x], row.epsilon])
          .toSorted(([a], [b]) => a - b),
      })),
    )
  const [least, most] = [Math.min(...lists[x]), Math.max(...lists[x])]
  return {
    title: `ε: ${fixed.map((dimension) => label(dimension, lists[dimension][0] as number)).join(', ')}${fixed.length === 0 ? '' : '; '}${relation}${
      accountants.length === 1 ? ` (${accountants[0]})` : ''
    }`,
    x: { label: words[x], scale: most > 5 * least ? 'log' : 'linear' },
    panels: pages.map(({ name, values }) => ({
      label: `ε, upper bound, which may be claimed${name === '' ? '' : `; ${name}`}`,
      scale: 'log' as const,
      series: seriesOf(values),
    })),
  }
}

export const rowCells = ({ noiseMultiplier, samplingProbability, steps, delta }: GridPoint): readonly string[] => [
  figure(noiseMultiplier),
  nearFigure(samplingProbability),
  figure(steps),
  figure(delta),
]

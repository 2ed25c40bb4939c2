/**
 * What a grid of runs showed: means over the seeds, as tables and as a picture.
 */
import type { LineChart } from '../../report/index.js'
import type { RunReport } from '../run/train-run.js'
import { showEpsilon } from '../run/train-run.js'
import type { Axis, Cell, Grid } from './grid-config.js'

/** A run that came to its end. */
export interface FinishedCell {
  readonly cell: Cell
  readonly report: RunReport
}

/** The runs of one combination of values. */
export interface Row {
  readonly at: readonly number[]
  readonly runs: number
  readonly mean: number
  /** Of a sample; NaN for a single run. */
  readonly std: number
  /** The largest of the runs'. */
  readonly epsilon: number
  readonly noiseMultiplier: RunReport['noiseMultiplier']
  readonly steps: number
  readonly parameters: number
}

/** Mean and standard deviation of a sample (Bessel's correction). @internal */
export const meanAndStd = (values: readonly number[]): { readonly mean: number; readonly std: number } => {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length
  const squares = values.reduce((sum, x) => sum + (x - mean) ** 2, 0)
  return { mean, std: values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : Number.NaN }
}

const epsilonOf = ({ epsilon }: RunReport): number => (epsilon === 'Infinity' ? Number.POSITIVE_INFINITY : epsilon)

/** One row for each combination that has runs, in the order of the grid. */
export const rowsOf = (finished: readonly FinishedCell[]): readonly Row[] => {
  const groups = new Map<string, FinishedCell[]>()
  for (const each of finished) {
    const key = each.cell.at.join()
    groups.set(key, [...(groups.get(key) ?? []), each])
  }
  return Array.from(groups.values(), (group) => {
    const [first] = group as [FinishedCell, ...FinishedCell[]]
    return {
      at: first.cell.at,
      runs: group.length,
      ...meanAndStd(group.map(({ report }) => report.testAccuracy)),
      epsilon: Math.max(...group.map(({ report }) => epsilonOf(report))),
      noiseMultiplier: first.report.noiseMultiplier,
      steps: first.report.steps,
      parameters: first.report.parameters,
    }
  })
}

/** The values of a row on the axes, as they are shown. */
const labels = (axes: readonly Axis[], at: readonly number[]): readonly string[] =>
  axes.map((axis, i) => axis.labels[at[i] as number] as string)

/** Accuracy in percent, as reports print it. */
export const showAccuracy = ({ mean, std }: Pick<Row, 'mean' | 'std'>): string =>
  `${(100 * mean).toFixed(2)}${Number.isNaN(std) ? '' : ` ± ${(100 * std).toFixed(2)}`}`

const sigma = (noiseMultiplier: RunReport['noiseMultiplier']): string =>
  typeof noiseMultiplier === 'number' ? `${Number(noiseMultiplier.toFixed(4))}` : noiseMultiplier

/** Head and lines of a table. */
export interface TableText {
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** The table of the means. */
export const tableOf = ({ axes }: Pick<Grid, 'axes'>, rows: readonly Row[]): TableText => ({
  head: [...axes.map(({ name }) => name), 'test accuracy (%)', 'runs', 'ε', 'σ', 'steps', 'parameters'],
  rows: rows.map((row) => [
    ...labels(axes, row.at),
    showAccuracy(row),
    `${row.runs}`,
    showEpsilon(row.epsilon, 3),
    sigma(row.noiseMultiplier),
    `${row.steps}`,
    `${row.parameters}`,
  ]),
})

const quoted = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

const csv = (lines: readonly (readonly (string | number)[])[]): string =>
  `${lines.map((line) => line.map((cell) => quoted(String(cell))).join(',')).join('\n')}\n`

/** The rows as CSV, with all digits. */
export const rowsCsv = ({ axes }: Pick<Grid, 'axes'>, rows: readonly Row[]): string =>
  csv([
    [
      ...axes.map(({ name }) => name),
      'meanAccuracy',
      'stdAccuracy',
      'runs',
      'epsilon',
      'noiseMultiplier',
      'steps',
      'parameters',
    ],
    ...rows.map((row) => [
      ...labels(axes, row.at),
      row.mean,
      Number.isNaN(row.std) ? '' : row.std,
      row.runs,
      row.epsilon,
      ...[row.noiseMultiplier, row.steps, row.parameters],
    ]),
  ])

/** Every run as CSV. */
export const runsCsv = ({ axes }: Pick<Grid, 'axes'>, finished: readonly FinishedCell[]): string =>
  csv([
    [...axes.map(({ name }) => name), 'seed', 'testAccuracy', 'epsilon', 'delta', 'noiseMultiplier', 'steps'],
    ...finished.map(({ cell, report }) => [
      ...labels(axes, cell.at),
      cell.seed,
      ...[report.testAccuracy, epsilonOf(report), report.delta, report.noiseMultiplier, report.steps],
    ]),
  ])

/** More curves than this cannot be told apart. */
const MOST_CURVES = 6

const isNumeric = ({ values }: Axis): boolean => values.length > 1 && values.every((value) => typeof value === 'number')

/** Mean accuracy against the first axis of numbers, a curve for each combination of the others; nothing where there is no such axis. */
export const pictureOf = (
  { axes, title }: Pick<Grid, 'axes' | 'title'>,
  rows: readonly Row[],
): LineChart | undefined => {
  const across = axes.findIndex(isNumeric)
  const axis = axes[across]
  if (axis === undefined) return undefined
  const others = axes.filter((_, i) => i !== across)
  const nameOf = (at: readonly number[]): string =>
    others.map(({ name, labels: shown }, i) => `${name} ${shown[at[i] as number]}`).join(', ') || 'mean'
  const curves = new Map<string, [number, number][]>()
  for (const { at, mean } of rows) {
    const name = nameOf(at.filter((_, i) => i !== across))
    curves.set(name, [...(curves.get(name) ?? []), [axis.values[at[across] as number] as number, mean]])
  }
  const numbers = axis.values as readonly number[]
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)]
  return {
    title,
    x: { label: axis.name, scale: least > 0 && most / least > 20 ? 'log' : 'linear' },
    panels: [
      {
        label: 'mean test accuracy',
        series: Array.from(curves, ([name, points]) => ({ name, points: points.toSorted(([a], [b]) => a - b) })).slice(
          0,
          MOST_CURVES,
        ),
      },
    ],
  }
}

/**
 * What a run has shown so far, and its charts.
 */
import type { LegendEntry } from '../chart/figure.js'
import type { Chart, ChartPoint, Layer } from '../chart/line-chart.js'
import { percent, shown } from '../page/number-text.js'
import type { Progress } from './training-messages.js'
import { TRAINING_DELTA } from './training-settings.js'

export interface History {
  readonly latest: Progress | undefined
  readonly accuracy: readonly ChartPoint[]
  readonly byRdp: readonly ChartPoint[]
  readonly byExact: readonly ChartPoint[]
  /** Norms of the last gradients. Not private. */
  readonly norms: readonly number[]
}

export const noHistory: History = { latest: undefined, accuracy: [], byRdp: [], byExact: [], norms: [] }

const MOST_POINTS = 400
const MOST_NORMS = 1500

/** At most so many points: every second one goes where there are more, the last one stays. */
const thinned = (points: readonly ChartPoint[]): readonly ChartPoint[] =>
  points.length <= MOST_POINTS ? points : points.filter((_, index) => index % 2 === 0 || index === points.length - 1)

const added = (points: readonly ChartPoint[], point: ChartPoint): readonly ChartPoint[] =>
  thinned([...points.filter(({ at }) => at < point.at), point])

/** The history after one more report. */
export const seen =
  (progress: Progress) =>
  (history: History): History => {
    const { step, epsilon, accuracy, norms } = progress
    return {
      ...history,
      latest: progress,
      byRdp: added(history.byRdp, { at: step, lower: 0, upper: epsilon }),
      accuracy:
        accuracy === undefined
          ? history.accuracy
          : added(history.accuracy, { at: step, lower: accuracy, upper: accuracy }),
      norms: [...history.norms, ...norms].slice(-MOST_NORMS),
    }
  }

/** The history once the exact accountant has read a ledger of so many steps. */
export const accounted =
  (point: ChartPoint) =>
  (history: History): History => ({ ...history, byExact: added(history.byExact, point) })

const phaseRules = ({ latest }: History): readonly Layer[] =>
  (latest?.phases ?? [])
    .slice(1)
    .map((at, index) => ({ _tag: 'Rule', look: 'phase', at, text: index === 0 ? 'changed' : '' }))

const lastStep = ({ latest }: History): number => Math.max(50, 1.05 * (latest?.step ?? 0))

export const accuracyChart = (history: History): { readonly chart: Chart; readonly legend: readonly LegendEntry[] } => {
  const last = history.accuracy.at(-1)
  return {
    chart: {
      summary:
        last === undefined
          ? 'Accuracy against steps: nothing yet'
          : `Accuracy against steps: ${percent(last.upper)} after ${last.at} steps`,
      x: { label: 'steps', kind: 'linear', domain: [0, lastStep(history)] },
      y: { label: 'accuracy on 500 other digits', kind: 'linear', domain: [0, 1] },
      layers: [...phaseRules(history), { _tag: 'Curve', look: 'exact', points: history.accuracy }],
    },
    legend: [],
  }
}

export const epsilonChart = (
  history: History,
  budget: number,
): { readonly chart: Chart; readonly legend: readonly LegendEntry[] } => {
  const last = history.byRdp.at(-1)
  const most = Math.max(1, 1.15 * Math.max(budget, last?.upper ?? 0))
  return {
    chart: {
      summary:
        last === undefined
          ? 'Epsilon against steps: nothing yet'
          : `Epsilon against steps: at most ${shown(last.upper, 3, 'up')} after ${last.at} steps, budget ${shown(budget)}`,
      x: { label: 'steps', kind: 'linear', domain: [0, lastStep(history)] },
      y: { label: `ε spent at δ = ${shown(TRAINING_DELTA)}`, kind: 'linear', domain: [0, most] },
      layers: [
        {
          _tag: 'Curve',
          look: 'budget',
          points: [0, lastStep(history)].map((at) => ({ at, lower: budget, upper: budget })),
        },
        ...phaseRules(history),
        { _tag: 'Curve', look: 'rdp', points: history.byRdp },
        { _tag: 'Curve', look: 'exact', points: history.byExact },
      ],
    },
    legend: [
      { look: 'exact', text: 'Exact', kind: 'line' },
      { look: 'rdp', text: 'RDP', kind: 'line' },
      { look: 'budget', text: 'budget', kind: 'line' },
    ],
  }
}

/**
 * What is known of a query, as charts.
 */
import * as E from 'fp-ts/lib/Either.js'
import { tradeOffOfApproximateDp } from '../../../src/privacy/index.js'
import type { LegendEntry } from '../chart/figure.js'
import type { Chart, ChartPoint, Layer } from '../chart/line-chart.js'
import { shown } from '../page/number-text.js'
import type { Method } from './answers.js'
import { methodTexts } from './method-text.js'
import { claimOf, curveOfMethod, epsilonOfMethod, type Results, tradeOffFrom } from './results.js'

export interface Drawing {
  readonly chart: Chart
  readonly legend: readonly LegendEntry[]
}

/** Back to front. */
const order: readonly Method[] = ['limit', 'rdp', 'exact', 'prv', 'pld']

interface Curve {
  readonly method: Method
  readonly points: readonly ChartPoint[]
}

const layersOf = (curves: readonly Curve[]): readonly Layer[] =>
  curves.map(({ method, points }) => ({
    _tag: methodTexts[method].kind === 'mark' ? 'Marks' : 'Curve',
    look: method,
    points,
  }))

const legendOf = (curves: readonly Curve[]): readonly LegendEntry[] =>
  curves
    .toReversed()
    .map(({ method }) => ({ look: method, text: methodTexts[method].name, kind: methodTexts[method].kind }))

const curvesOf = (results: Results, curve: 'steps' | 'delta', methods = order): readonly Curve[] =>
  methods
    .map((method) => ({ method, points: curveOfMethod(results, method, curve) }))
    .filter(({ points }) => points.length > 0)

/** Finite positive numbers of curves, from the least to the most. */
const extentOf = (values: readonly number[], otherwise: readonly [number, number]): readonly [number, number] => {
  const finite = values.filter((value) => value > 0 && Number.isFinite(value))
  return finite.length === 0 ? otherwise : [Math.min(...finite), Math.max(...finite)]
}

/** A range of a logarithmic axis of at least a decade, with a little room. */
const roomy = ([least, most]: readonly [number, number]): readonly [number, number] => {
  const middle = Math.sqrt(least * most)
  const half = Math.max(Math.sqrt(10), 1.15 * Math.sqrt(most / least))
  return [middle / half, middle * half]
}

const bestUpper = (results: Results): number | undefined => {
  const { neighbouring } = results.query
  const claim = claimOf(results, neighbouring)
  if (claim !== undefined) return claim.upper
  const known = epsilonOfMethod(results, 'rdp', neighbouring)
  return known !== undefined && E.isRight(known.value.bounds) ? known.value.bounds.right.upper : undefined
}

/** ε against steps. */
export const stepsChart = (results: Results): Drawing => {
  const { steps, delta } = results.query
  const curves = curvesOf(results, 'steps')
  const [least, most] = [Math.max(1, steps / 100), steps * 10]
  const inView = curves.flatMap(({ points }) => points).filter(({ at }) => at >= least && at <= most)
  const domain = roomy(
    extentOf(
      inView.map(({ upper }) => upper),
      [0.1, 10],
    ),
  )
  const claim = bestUpper(results)
  return {
    chart: {
      summary: `Epsilon against the number of steps, at delta ${shown(delta)}, by ${curves.map(({ method }) => methodTexts[method].name).join(', ')}; ${claim === undefined ? '' : `at ${shown(steps)} steps at most ${shown(claim, 4, 'up')}`}`,
      x: { label: 'steps T', kind: 'log', domain: [least, most] },
      y: { label: `ε at δ = ${shown(delta)}`, kind: 'log', domain },
      layers: [
        { _tag: 'Rule', look: 'now', at: steps, text: `T = ${shown(steps)}` },
        ...layersOf(curves),
        ...(claim === undefined || !Number.isFinite(claim)
          ? []
          : [{ _tag: 'Dot', look: 'claim', at: steps, value: claim } as const]),
      ],
    },
    legend: legendOf(curves),
  }
}

/** δ against ε. */
export const deltaChart = (results: Results): Drawing => {
  const { delta } = results.query
  const curves = curvesOf(results, 'delta')
  const claim = bestUpper(results)
  const most = claim === undefined || !Number.isFinite(claim) || claim === 0 ? 10 : 1.4 * claim
  return {
    chart: {
      summary: `Delta against epsilon: the same release keeps every pair on the curve${claim === undefined ? '' : `, among them delta ${shown(delta)} at epsilon ${shown(claim, 4, 'up')}`}`,
      x: { label: 'ε', kind: 'linear', domain: [0, most] },
      y: { label: 'δ', kind: 'log', domain: [Math.max(1e-300, delta / 300), 1] },
      layers: [
        ...layersOf(curves),
        ...(claim === undefined || !Number.isFinite(claim)
          ? []
          : [
              { _tag: 'Rule', look: 'now', at: claim, text: `ε = ${shown(claim, 4, 'up')}` } as const,
              { _tag: 'Dot', look: 'claim', at: claim, value: delta } as const,
            ]),
      ],
    },
    legend: legendOf(curves),
  }
}

/** The least false negative rate against the false positive rate. */
export const tradeOffChart = (results: Results): Drawing => {
  const { delta } = results.query
  const curves = curvesOf(results, 'delta', ['rdp', 'exact']).map(({ method, points }) => ({
    method,
    points: tradeOffFrom(points),
  }))
  const claim = bestUpper(results)
  const chance: Layer = {
    _tag: 'Curve',
    look: 'chance',
    points: [0, 1].map((at) => ({ at, lower: 1 - at, upper: 1 - at })),
  }
  const pair = claim === undefined || !Number.isFinite(claim) ? undefined : { epsilon: claim, delta }
  const alone: readonly Layer[] =
    pair === undefined
      ? []
      : [
          {
            _tag: 'Curve',
            look: 'pair',
            points: Array.from({ length: 201 }, (_, k) => {
              const rate = tradeOffOfApproximateDp(pair)(k / 200)
              return { at: k / 200, lower: rate, upper: rate }
            }),
          },
        ]
  const half = curves.at(-1)?.points.find(({ at }) => at >= 0.1)
  return {
    chart: {
      summary: `Trade-off: the least false negative rate of any attack against its false positive rate${half === undefined ? '' : `; at ${shown(half.at, 2)} it is at least ${shown(half.lower, 2, 'down')}`}`,
      x: { label: 'false positive rate', kind: 'linear', domain: [0, 1] },
      y: { label: 'false negative rate, at least', kind: 'linear', domain: [0, 1] },
      layers: [chance, ...alone, ...layersOf(curves)],
    },
    legend: [
      ...legendOf(curves),
      ...(pair === undefined ? [] : [{ look: 'pair', text: 'this (ε, δ) alone', kind: 'line' } as const]),
      { look: 'chance', text: 'guessing', kind: 'line' },
    ],
  }
}

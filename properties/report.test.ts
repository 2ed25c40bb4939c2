import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { parseHTML } from 'linkedom'
import { describe, expect, it } from 'vitest'
import { type LineChart, lineChart, type Point } from '../src/report/line-chart.js'
import { showReportError } from '../src/report/report-error.js'

const chartOf = (points: readonly Point[], change: Partial<LineChart> = {}): LineChart => ({
  title: 'A run',
  x: { label: 'step' },
  panels: [
    { label: 'accuracy', series: [{ name: 'test', points }] },
    { label: 'epsilon (nats)', series: [{ name: 'spent', points }] },
  ],
  ...change,
})

const svgOf = async (chart: LineChart): Promise<string> => {
  const result = await lineChart(chart)()
  return E.isRight(result) ? result.right : expect.fail(showReportError(result.left))
}

/** What the picture says in words. */
const textsOf = (svg: string): readonly string[] =>
  Array.from(parseHTML(svg).document.querySelectorAll('text'), (text) => text.textContent ?? '')

/** The numbers of each drawn curve. */
const curvesOf = (svg: string): readonly string[] =>
  Array.from(
    parseHTML(svg).document.querySelectorAll('g[aria-label="line"] path'),
    (path) => path.getAttribute('d') ?? '',
  )

describe('curves', () => {
  it('says what it shows, whatever the words', async () => {
    const svg = await svgOf(
      chartOf(
        [
          [1, 0.5],
          [2, 0.75],
        ],
        { title: 'σ < 1 & "C" > 2' },
      ),
    )
    expect(svg).toMatch(/^<svg [^>]*xmlns="http:\/\/www.w3.org\/2000\/svg"/)
    const texts = textsOf(svg)
    for (const words of ['σ < 1 & "C" > 2', 'test', 'spent', '↑ accuracy', '↑ epsilon (nats)', 'step →'])
      expect(texts).toContain(words)
    expect(svg).toContain('σ &lt; 1 &amp;')
  })

  it('draws finite numbers only, whatever it is given', async () => {
    const number = fc.oneof(fc.double({ min: -1e6, max: 1e6 }), fc.constantFrom(Number.NaN, Infinity, -Infinity, 0))
    const points = fc.array(fc.tuple(number, number), { maxLength: 50 })
    const scale = fc.constantFrom('linear' as const, 'log' as const)
    await fc.assert(
      fc.asyncProperty(points, scale, scale, async (run, across, up) => {
        const x = { label: 'step', scale: across }
        const chart = chartOf([], { x, panels: [{ label: 'y', scale: up, series: [{ name: 'a', points: run }] }] })
        const clear = (value: number, axis: string): boolean =>
          Number.isFinite(value) && (axis === 'linear' || value >= 1e-300)
        const usable = run.filter(([a, b]) => clear(a, across) && clear(b, up))
        const result = await lineChart(chart)()
        expect(E.isRight(result)).toBe(usable.length > 0)
        if (E.isRight(result)) expect(result.right).not.toMatch(/NaN|Infinity|undefined/)
      }),
      { numRuns: 50 },
    )
  })

  it('gives every panel the same horizontal axis', async () => {
    const [long, short] = [
      [
        [0, 1],
        [100, 2],
      ],
      [
        [0, 1],
        [50, 2],
      ],
    ] as const
    const panels = [long, short].map((points, i) => ({ label: `${i}`, series: [{ name: 'a', points }] }))
    const [first, second] = curvesOf(await svgOf(chartOf([], { panels })))
    const endOf = (path: string | undefined): number => Number(/L([\d.]+),/.exec(path ?? '')?.[1])
    const start = Number(/M([\d.]+),/.exec(first ?? '')?.[1])
    expect(endOf(second) - start).toBeCloseTo((endOf(first) - start) / 2, 3)
  })

  it('refuses to draw nothing', async () => {
    for (const chart of [chartOf([]), chartOf([[1, Number.NaN]]), chartOf([[1, 1]], { panels: [] })]) {
      const result = await lineChart(chart)()
      expect(E.isLeft(result) && showReportError(result.left)).toMatch(/nothing to draw for (accuracy|A run)/)
    }
  })
})

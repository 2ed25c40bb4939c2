/**
 * Curves as an SVG picture: panels above each other that share the horizontal axis, such as accuracy and epsilon against
 * steps, or privacy curves.
 *
 * Plot draws, on the document of the page, or on linkedom's where there is none. Both packages are optional and loaded
 * when a picture is wanted.
 */
import * as E from 'fp-ts/lib/Either.js'
import type * as TE from 'fp-ts/lib/TaskEither.js'
import { loadPackage } from './optional-package.js'
import { type ReportError, withoutPoints } from './report-error.js'

/** A place on a curve. Where either number is not finite, the curve is interrupted. */
export type Point = readonly [x: number, y: number]

/** A curve and its name in the legend. */
export interface Series {
  readonly name: string
  readonly points: readonly Point[]
  /** Drawn with gaps: for what is no bound, or not the claim. */
  readonly dashed?: boolean
}

/** A number line. */
export interface Axis {
  /** With the unit: `epsilon (nats)`. */
  readonly label: string
  /** Linear by default. A logarithmic axis leaves out what is below 1e-300. */
  readonly scale?: 'linear' | 'log'
  /** From the data by default. */
  readonly range?: readonly [least: number, most: number]
}

/** Curves over one vertical axis. */
export interface Panel extends Axis {
  readonly series: readonly Series[]
}

/** A picture of one or more panels. */
export interface LineChart {
  readonly title: string
  readonly x: Axis
  readonly panels: readonly Panel[]
}

/** Okabe & Ito 2008: told apart by the colour-blind, and dark enough for thin lines on white. */
const COLOURS = ['#0072B2', '#D55E00', '#009E73', '#CC79A7', '#8C6D00', '#56B4E9'] as const

const INK = '#1f2328'
const WIDTH = 640
const PANEL_HEIGHT = 220
const LEGEND_HEIGHT = 26
/** Each further line of a legend or a title. */
const LINE_HEIGHT = 18
const TITLE_HEIGHT = 38
const MARGIN = { left: 58, right: 20, top: 22, bottom: 40 } as const

/** More points than this are a curve without being marked. */
const MOST_DOTS = 40

type Plot = typeof import('@observablehq/plot')

/** Nearer to 0 than this, the ticks of an axis overflow; no curve means anything there. */
const LEAST = 1e-300

/** Where a number lies on an axis: NaN, if nowhere. */
const place = ({ scale }: Axis, value: number): number =>
  !Number.isFinite(value) || (scale === 'log' && value < LEAST) ? Number.NaN : Math.abs(value) < LEAST ? 0 : value

const usable = (axis: Axis, value: number): boolean => !Number.isNaN(place(axis, value))

/** 1e-5, where Plot would write 10µ. */
const powerOfTen = (value: number): string =>
  value >= 0.001 && value < 10_000 ? `${Number(value.toPrecision(3))}` : value.toExponential(0).replace('+', '')

type Extent = readonly [least: number, most: number]

/** A range that the caller asked for is kept; one that the data give is rounded outwards. */
const scaleOptions = ({ scale = 'linear', range }: Axis, data?: Extent): Readonly<Record<string, unknown>> => ({
  type: scale,
  grid: true,
  nice: range === undefined,
  ...(range === undefined && data === undefined ? {} : { domain: range ?? data }),
  ...(scale === 'log' ? { tickFormat: powerOfTen, ticks: 5 } : {}),
})

/** What all panels together need of the horizontal axis. */
const sharedExtent = ({ x, panels }: LineChart): Extent =>
  panels
    .flatMap((panel) => panel.series.flatMap(({ points }) => points.filter(([, y]) => usable(panel, y))))
    .map(([value]) => value)
    .filter((value) => usable(x, value))
    .map((value) => place(x, value))
    .reduce<Extent>(
      ([least, most], value) => [Math.min(least, value), Math.max(most, value)],
      [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
    )

interface PanelPlace {
  readonly x: Axis
  readonly extent: Extent
  readonly panel: Panel
}

const drawPanel = (plot: Plot, document: Document, { x, extent, panel }: PanelPlace): Element => {
  const marks = panel.series.flatMap(({ points, dashed = false }, index) => {
    const colour = COLOURS[index % COLOURS.length] as string
    // Plot breaks a line at an undefined number, and would stretch its scale to an infinite one.
    const drawn = points.map(([a, b]) => [place(x, a), place(panel, b)])
    const line = plot.line(drawn, {
      x: '0',
      y: '1',
      stroke: colour,
      strokeWidth: 2,
      ...(dashed ? { strokeDasharray: '6 4' } : {}),
    })
    return points.length <= MOST_DOTS ? [line, plot.dot(drawn, { x: '0', y: '1', fill: colour, r: 2.5 })] : [line]
  })
  return plot.plot({
    document,
    width: WIDTH,
    height: PANEL_HEIGHT,
    marginLeft: MARGIN.left,
    marginRight: MARGIN.right,
    marginTop: MARGIN.top,
    marginBottom: MARGIN.bottom,
    style: { color: INK, background: 'white', fontSize: '12px', fontFamily: 'system-ui, sans-serif' },
    x: { ...scaleOptions(x, extent), label: `${x.label} →` },
    y: { ...scaleOptions(panel), label: `↑ ${panel.label}` },
    marks: [plot.frame({ stroke: '#d0d7de' }), ...marks],
  })
}

const SVG = 'http://www.w3.org/2000/svg'

/** Lines of a text of which a character is about so wide. */
const linesOf = (text: string, characterWidth: number): readonly string[] => {
  const most = Math.floor((WIDTH - MARGIN.left - MARGIN.right) / characterWidth)
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= most) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

interface LegendEntry {
  readonly left: number
  readonly line: number
}

/** Where each name of a legend stands: beside the one before it, or on a line of its own. */
const legendPlaces = (series: readonly Series[]): readonly LegendEntry[] => {
  const places: LegendEntry[] = []
  let [left, line] = [MARGIN.left as number, 0]
  for (const { name } of series) {
    const width = 44 + 7 * name.length
    if (left > MARGIN.left && left + width - 22 > WIDTH - MARGIN.right) [left, line] = [MARGIN.left, line + 1]
    places.push({ left, line })
    left += width
  }
  return places
}

const draw = (plot: Plot, document: Document, chart: LineChart): string => {
  const { title, x, panels } = chart
  const extent = sharedExtent(chart)
  const element = (name: string, attributes: Readonly<Record<string, string | number>>, text = ''): Element => {
    const made = document.createElementNS(SVG, name)
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, `${value}`)
    made.textContent = text
    return made
  }
  const words = (text: string, at: Readonly<Record<string, string | number>>): Element =>
    element('text', { fill: INK, 'font-family': 'system-ui, sans-serif', 'font-size': 12, ...at }, text)
  const titleLines = linesOf(title, 8)
  const legends = panels.map(({ series }) => legendPlaces(series))
  const legendHeights = legends.map((places) => LEGEND_HEIGHT + LINE_HEIGHT * (places.at(-1)?.line ?? 0))
  const titleHeight = TITLE_HEIGHT + LINE_HEIGHT * (titleLines.length - 1)
  const height = titleHeight + legendHeights.reduce((sum, legend) => sum + legend + PANEL_HEIGHT, 0)
  const root = element('svg', { xmlns: SVG, viewBox: `0 0 ${WIDTH} ${height}`, width: WIDTH, height, role: 'img' })
  root.append(element('title', {}, title))
  // A viewer with a dark page would show dark lines on it.
  root.append(element('rect', { width: WIDTH, height, fill: 'white' }))
  titleLines.forEach((line, index) => {
    root.append(words(line, { x: MARGIN.left, y: 25 + LINE_HEIGHT * index, 'font-size': 15, 'font-weight': 600 }))
  })
  let top = titleHeight
  panels.forEach((panel, index) => {
    panel.series.forEach(({ name, dashed = false }, series) => {
      const colour = COLOURS[series % COLOURS.length] as string
      const { left, line } = (legends[index] as readonly LegendEntry[])[series] as LegendEntry
      const y = top + LINE_HEIGHT * line
      root.append(element('rect', { x: left, y: y + 7, width: dashed ? 6 : 16, height: 4, fill: colour }))
      if (dashed) root.append(element('rect', { x: left + 10, y: y + 7, width: 6, height: 4, fill: colour }))
      root.append(words(name, { x: left + 22, y: y + 13 }))
    })
    const drawn = drawPanel(plot, document, { x, extent, panel })
    top += legendHeights[index] as number
    drawn.setAttribute('y', `${top}`)
    root.append(drawn)
    top += PANEL_HEIGHT
  })
  return root.outerHTML
}

const loadDocument = async (): Promise<E.Either<ReportError, Document>> => {
  if (typeof document !== 'undefined') return E.right(document)
  const linkedom = await loadPackage('linkedom', () => import('linkedom'))
  return E.isLeft(linkedom) ? linkedom : E.right(linkedom.right.parseHTML('<html></html>').document)
}

/**
 * The picture as the text of an SVG file, on white, whatever the page behind it.
 *
 * Errors      MissingPackage when @observablehq/plot or linkedom is not installed; NothingToDraw when a panel has no point
 *             that its axes can show
 *
 * @example
 * const points: readonly Point[] = [[1, 0.5], [2, 0.9]]
 * const svg = await lineChart({ title: 'A run', x: { label: 'step' }, panels: [{ label: 'accuracy', series: [{ name: 'test', points }] }] })()
 * E.isRight(svg) && svg.right.startsWith('<svg ') // => true
 */
export const lineChart =
  (chart: LineChart): TE.TaskEither<ReportError, string> =>
  async () => {
    const shows = (panel: Panel): boolean =>
      panel.series.some(({ points }) => points.some(([x, y]) => usable(chart.x, x) && usable(panel, y)))
    const empty = chart.panels.find((panel) => !shows(panel))
    if (chart.panels.length === 0 || empty !== undefined) return E.left(withoutPoints(empty?.label ?? chart.title))
    const plot = await loadPackage('@observablehq/plot', () => import('@observablehq/plot'))
    if (E.isLeft(plot)) return plot
    const page = await loadDocument()
    return E.isLeft(page) ? page : E.right(draw(plot.right, page.right, chart))
  }

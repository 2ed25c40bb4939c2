/**
 * Curves as an SVG picture: panels above each other that share the horizontal axis, such as accuracy and epsilon against
 * steps, or privacy curves.
 *
 * Plot draws, on the document of the page, or on linkedom's where there is none. Both packages are optional and loaded
 * when a picture is wanted.
 */
import * as E from 'fp-ts/lib/Either.js'
import type * as TE from 'fp-ts/lib/TaskEither.js'
import { type Axis, type Extent, extentOf, place, powerOfTen, scaleOptions, shareOf, usable } from './axis.js'
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
/** A panel among several, and one by itself. */
const PANEL_HEIGHT = 220
const LONE_PANEL_HEIGHT = 300
const LEGEND_HEIGHT = 26
/** Above a panel without a legend. */
const LEGEND_GAP = 8
/** Each further line of a legend or a title. */
const LINE_HEIGHT = 18
const TITLE_HEIGHT = 38
const MARGIN = { left: 58, right: 28, top: 22, bottom: 40 } as const

/** More points than this are a curve without being marked. */
const MOST_DOTS = 40

type Plot = typeof import('@observablehq/plot')

/** What all panels together need of the horizontal axis. */
const sharedExtent = ({ x, panels }: LineChart): Extent | undefined =>
  extentOf(
    panels
      .flatMap((panel) => panel.series.flatMap(({ points }) => points.filter(([, y]) => usable(panel, y))))
      .map(([value]) => value)
      .filter((value) => usable(x, value))
      .map((value) => place(x, value)),
  )

/** What a panel needs of its own axis. */
const panelExtent = (x: Axis, panel: Panel): Extent | undefined =>
  panel.range ??
  extentOf(
    panel.series.flatMap(({ points }) =>
      points.filter(([a, b]) => usable(x, a) && usable(panel, b)).map(([, b]) => place(panel, b)),
    ),
  )

/** Curves that are so near in height, everywhere, are one line to the eye. */
const NEAR = 0.006

/** Is a curve hidden by a later one? */
const isCovered = (panel: Panel, extent: Extent, index: number): boolean => {
  const { points, dashed } = panel.series[index] as Series
  return panel.series.slice(index + 1).some(
    (later) =>
      later.dashed === dashed &&
      later.points.length === points.length &&
      points.every(([x, y], i) => {
        const [otherX, otherY] = later.points[i] as Point
        return x === otherX && Math.abs(shareOf(panel, extent, y) - shareOf(panel, extent, otherY)) < NEAR
      }),
  )
}

interface PanelPlace {
  readonly x: Axis
  readonly extent: Extent | undefined
  readonly panel: Panel
  readonly height: number
}

/** Axes of logarithmic scales, every tick of which has its number: by itself Plot leaves some out. */
const decadesOf = (
  plot: Plot,
  { across, up }: Readonly<Record<'across' | 'up', Readonly<Record<string, unknown>>>>,
): readonly import('@observablehq/plot').Markish[] => [
  ...(across.type === 'log' ? [plot.axisX(across.ticks as readonly number[], { text: powerOfTen })] : []),
  ...(up.type === 'log' ? [plot.axisY(up.ticks as readonly number[], { text: powerOfTen })] : []),
]

const drawPanel = (plot: Plot, document: Document, { x, extent, panel, height }: PanelPlace): Element => {
  const own = panelExtent(x, panel)
  const marks = panel.series.flatMap(({ points, dashed = false }, index) => {
    const colour = COLOURS[index % COLOURS.length] as string
    // Plot breaks a line at an undefined number, and would stretch its scale to an infinite one.
    const drawn = points.map(([a, b]) => [place(x, a), place(panel, b)])
    const line = plot.line(drawn, {
      x: '0',
      y: '1',
      stroke: colour,
      // Wider under a curve that would hide it: both are seen.
      strokeWidth: own !== undefined && isCovered(panel, own, index) ? 5 : 2,
      ...(dashed ? { strokeDasharray: '6 4' } : {}),
    })
    return points.length <= MOST_DOTS ? [line, plot.dot(drawn, { x: '0', y: '1', fill: colour, r: 2.5 })] : [line]
  })
  const across = { ...scaleOptions(x, extent, 'exact'), label: `${x.label} →` }
  const up = { ...scaleOptions(panel, own, 'rounded'), label: `↑ ${panel.label}` }
  return plot.plot({
    document,
    width: WIDTH,
    height,
    marginLeft: MARGIN.left,
    marginRight: MARGIN.right,
    marginTop: MARGIN.top,
    marginBottom: MARGIN.bottom,
    style: { color: INK, background: 'white', fontSize: '12px', fontFamily: 'system-ui, sans-serif' },
    x: across,
    y: up,
    marks: [plot.frame({ stroke: '#d0d7de' }), ...decadesOf(plot, { across, up }), ...marks],
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
  // Letters of a wide and bold font: what is short enough in it is in others.
  const titleLines = linesOf(title, 10)
  const panelHeight = panels.length === 1 ? LONE_PANEL_HEIGHT : PANEL_HEIGHT
  const namesOf = (panel: Panel | undefined): string =>
    JSON.stringify(panel?.series.map(({ name, dashed }) => [name, dashed]))
  // A legend that would be the one above again is left out.
  const legends = panels.map((panel, index) =>
    index > 0 && namesOf(panel) === namesOf(panels[index - 1]) ? [] : legendPlaces(panel.series),
  )
  const legendHeights = legends.map((places) =>
    places.length === 0 ? LEGEND_GAP : LEGEND_HEIGHT + LINE_HEIGHT * (places.at(-1)?.line ?? 0),
  )
  const titleHeight = TITLE_HEIGHT + LINE_HEIGHT * (titleLines.length - 1)
  const height = titleHeight + legendHeights.reduce((sum, legend) => sum + legend + panelHeight, 0)
  const root = element('svg', { xmlns: SVG, viewBox: `0 0 ${WIDTH} ${height}`, width: WIDTH, height, role: 'img' })
  root.append(element('title', {}, title))
  // A viewer with a dark page would show dark lines on it.
  root.append(element('rect', { width: WIDTH, height, fill: 'white' }))
  titleLines.forEach((line, index) => {
    root.append(words(line, { x: MARGIN.left, y: 25 + LINE_HEIGHT * index, 'font-size': 14, 'font-weight': 600 }))
  })
  let top = titleHeight
  panels.forEach((panel, index) => {
    legends[index]?.forEach(({ left, line }, series) => {
      const { name, dashed = false } = panel.series[series] as Series
      const colour = COLOURS[series % COLOURS.length] as string
      const y = top + LINE_HEIGHT * line
      root.append(element('rect', { x: left, y: y + 7, width: dashed ? 6 : 16, height: 4, fill: colour }))
      if (dashed) root.append(element('rect', { x: left + 10, y: y + 7, width: 6, height: 4, fill: colour }))
      root.append(words(name, { x: left + 22, y: y + 13 }))
    })
    const drawn = drawPanel(plot, document, { x, extent, panel, height: panelHeight })
    top += legendHeights[index] as number
    drawn.setAttribute('y', `${top}`)
    root.append(drawn)
    top += panelHeight
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

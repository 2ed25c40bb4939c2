/**
 * A place for a chart: as wide as the page lets it be, drawn anew at most once a frame, with its legend and its numbers as a table.
 */
import { drawn, element } from '../page/element.js'
import { shown } from '../page/number-text.js'
import { type Chart, drawChart, type Layer } from './line-chart.js'

export interface LegendEntry {
  readonly look: string
  readonly text: string
  readonly kind: 'line' | 'mark'
}

export interface FigureOptions {
  readonly name: string
  readonly title: string
  /** One sentence about how to read it. */
  readonly reading: string
  readonly height: number
}

export interface Figure {
  readonly root: HTMLElement
  readonly draw: (chart: Chart, legend: readonly LegendEntry[]) => void
}

/** A piece of the curve, for a legend or a table. */
export const swatch = ({ look, kind }: Pick<LegendEntry, 'look' | 'kind'>): SVGSVGElement =>
  drawn(
    'svg',
    { class: 'swatch', viewBox: '0 0 26 12', width: 26, height: 12, 'aria-hidden': 'true' },
    kind === 'line'
      ? drawn('path', { class: `curve ${look}`, d: 'M1 6H25' })
      : look === 'prv'
        ? drawn('path', { class: `mark ${look}`, d: 'M9 2l8 8m0 -8l-8 8' })
        : drawn('circle', { class: `mark ${look}`, cx: 13, cy: 6, r: 4 }),
  )

const tableOf = ({ x, y, layers }: Chart, legend: readonly LegendEntry[]): HTMLTableElement => {
  const named = layers.flatMap((layer: Layer) =>
    layer._tag === 'Curve' || layer._tag === 'Marks'
      ? layer.points.map((point) => ({
          name: legend.find(({ look }) => look === layer.look)?.text ?? layer.look,
          ...point,
        }))
      : [],
  )
  const row = (cells: readonly string[], tag: 'th' | 'td'): HTMLTableRowElement =>
    element('tr', {}, ...cells.map((text) => element(tag, tag === 'th' ? { scope: 'col' } : {}, text)))
  return element(
    'table',
    { class: 'numbers' },
    element('thead', {}, row(['curve', x.label, `${y.label}, at most`, 'at least'], 'th')),
    element(
      'tbody',
      {},
      ...named.map(({ name, at, upper, lower }) =>
        row([name, shown(at), shown(upper, 5, 'up'), shown(lower, 5, 'down')], 'td'),
      ),
    ),
  )
}

export const figure = ({ name, title, reading, height }: FigureOptions): Figure => {
  const picture = element('div', { class: 'picture' })
  const key = element('ul', { class: 'legend' })
  const table = element('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': `${title}: the numbers` })
  const numbers = element('details', { class: 'as-table' }, element('summary', {}, 'The numbers'), table)
  const root = element(
    'figure',
    { class: 'figure', 'data-figure': name },
    element('figcaption', {}, element('h4', {}, title), element('p', { class: 'why' }, reading)),
    picture,
    key,
    numbers,
  )
  let latest: readonly [Chart, readonly LegendEntry[]] | undefined
  let isDue = false
  let legendShown = ''

  const draw = (): void => {
    isDue = false
    const width = Math.floor(picture.clientWidth)
    if (latest === undefined || width === 0) return
    const [chart, legend] = latest
    picture.replaceChildren(drawChart(name, chart, { width, height }))
    const legendNow = JSON.stringify(legend)
    if (legendNow !== legendShown) {
      legendShown = legendNow
      key.replaceChildren(...legend.map((entry) => element('li', {}, swatch(entry), entry.text)))
    }
    if (numbers.open) table.replaceChildren(tableOf(chart, legend))
  }
  const due = (): void => {
    if (isDue) return
    isDue = true
    requestAnimationFrame(draw)
  }
  new ResizeObserver(due).observe(picture)
  numbers.addEventListener('toggle', due)
  return {
    root,
    draw: (chart, legend) => {
      latest = [chart, legend]
      due()
    },
  }
}

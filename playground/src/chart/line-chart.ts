/**
 * Curves, bands and marks over a pair of axes, as SVG that takes its colours from the page.
 */
import { drawn } from '../page/element.js'
import { place, type Scale, ticksOf } from './scale.js'

export interface ChartPoint {
  readonly at: number
  readonly lower: number
  readonly upper: number
}

/** Something drawn; `look` is its class. */
export type Layer =
  /** The upper ends as a line, the enclosure as a band. */
  | { readonly _tag: 'Curve'; readonly look: string; readonly points: readonly ChartPoint[] }
  | { readonly _tag: 'Marks'; readonly look: string; readonly points: readonly ChartPoint[] }
  /** A vertical line at a place, with words. */
  | { readonly _tag: 'Rule'; readonly look: string; readonly at: number; readonly text: string }
  | { readonly _tag: 'Dot'; readonly look: string; readonly at: number; readonly value: number }

export interface Axis {
  readonly label: string
  readonly kind: Scale['kind']
  readonly domain: Scale['domain']
}

export interface Chart {
  /** What the picture shows, in a sentence. */
  readonly summary: string
  readonly x: Axis
  readonly y: Axis
  readonly layers: readonly Layer[]
}

export interface Size {
  readonly width: number
  readonly height: number
}

const MARGIN = { left: 46, right: 14, top: 26, bottom: 40 } as const

export interface Frame {
  readonly x: Scale
  readonly y: Scale
}

/** The scales of a picture of this size. */
export const frameOf = ({ x, y }: Pick<Chart, 'x' | 'y'>, { width, height }: Size): Frame => ({
  x: { kind: x.kind, domain: x.domain, range: [MARGIN.left, width - MARGIN.right] },
  y: { kind: y.kind, domain: y.domain, range: [height - MARGIN.bottom, MARGIN.top] },
})

const number = (value: number): string => value.toFixed(1)

const isDrawable = ({ at, upper }: ChartPoint): boolean => Number.isFinite(at) && Number.isFinite(upper)

const lineThrough = (points: readonly (readonly [x: number, y: number])[]): string =>
  points.map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${number(x)} ${number(y)}`).join('')

const drawCurve = ({ x, y }: Frame, points: readonly ChartPoint[], look: string): readonly SVGElement[] => {
  const finite = points.filter(isDrawable)
  const upper = finite.map(({ at, upper: value }) => [place(x, at), place(y, value)] as const)
  const lower = finite.map(({ at, lower: value }) => [place(x, at), place(y, value)] as const)
  const isBand = finite.some(({ lower: least, upper: most }) => least > 0 && least < most)
  return [
    ...(isBand
      ? [drawn('path', { class: `band ${look}`, d: `${lineThrough([...upper, ...lower.toReversed()])}Z` })]
      : []),
    drawn('path', { class: `curve ${look}`, d: lineThrough(upper) }),
  ]
}

const drawMarks = ({ x, y }: Frame, points: readonly ChartPoint[], look: string): readonly SVGElement[] =>
  points.filter(isDrawable).flatMap(({ at, lower, upper }) => {
    const [cx, cy] = [place(x, at), place(y, upper)]
    const from = lower > 0 ? place(y, lower) : cy
    // Where the ends of an enclosure can be told apart, a bar joins them.
    const bar =
      from - cy < 1
        ? []
        : [drawn('line', { class: `bar-of ${look}`, x1: number(cx), x2: number(cx), y1: number(cy), y2: number(from) })]
    const mark =
      look === 'prv'
        ? drawn('path', {
            class: `mark ${look}`,
            d: `M${number(cx - 4)} ${number(cy - 4)}l8 8m0 -8l-8 8`,
          })
        : drawn('circle', { class: `mark ${look}`, cx: number(cx), cy: number(cy), r: 4 })
    return [...bar, mark]
  })

const drawRule = ({ x, y }: Frame, at: number, text: string, look: string): readonly SVGElement[] => {
  const position = place(x, at)
  const [least, most] = [Math.min(...x.range), Math.max(...x.range)]
  if (position < least || position > most) return []
  const isRight = position > 0.6 * most
  return [
    drawn('line', {
      class: `rule ${look}`,
      x1: number(position),
      x2: number(position),
      y1: y.range[0],
      y2: y.range[1],
    }),
    drawn(
      'text',
      {
        class: 'rule-text',
        x: number(position + (isRight ? -6 : 6)),
        y: y.range[1] + 12,
        'text-anchor': isRight ? 'end' : 'start',
      },
      text,
    ),
  ]
}

const drawLayer = (frame: Frame, layer: Layer): readonly SVGElement[] => {
  switch (layer._tag) {
    case 'Curve':
      return drawCurve(frame, layer.points, layer.look)
    case 'Marks':
      return drawMarks(frame, layer.points, layer.look)
    case 'Rule':
      return drawRule(frame, layer.at, layer.text, layer.look)
    case 'Dot':
      return [
        drawn('circle', {
          class: `dot ${layer.look}`,
          cx: number(place(frame.x, layer.at)),
          cy: number(place(frame.y, layer.value)),
          r: 5,
        }),
      ]
  }
}

/** The words of a tick, with what follows ^ raised. */
const tickWords = (text: string): readonly (string | SVGElement)[] => {
  const [base = '', power] = text.split('^')
  return power === undefined ? [base] : [base, drawn('tspan', { class: 'power', dy: -4 }, power.replace('-', '−'))]
}

const drawAxes = ({ x, y }: Frame, chart: Chart, { width, height }: Size): readonly SVGElement[] => [
  ...ticksOf(x, Math.max(4, Math.floor(width / 90))).flatMap(({ value, text }) => [
    drawn('line', { class: 'grid', x1: place(x, value), x2: place(x, value), y1: y.range[0], y2: y.range[1] }),
    drawn(
      'text',
      { class: 'tick', x: place(x, value), y: y.range[0] + 16, 'text-anchor': 'middle' },
      ...tickWords(text),
    ),
  ]),
  ...ticksOf(y, Math.max(3, Math.floor(height / 50))).flatMap(({ value, text }) => [
    drawn('line', { class: 'grid', x1: x.range[0], x2: x.range[1], y1: place(y, value), y2: place(y, value) }),
    drawn(
      'text',
      { class: 'tick', x: x.range[0] - 7, y: place(y, value) + 4, 'text-anchor': 'end' },
      ...tickWords(text),
    ),
  ]),
  drawn('line', { class: 'axis', x1: x.range[0], x2: x.range[1], y1: y.range[0], y2: y.range[0] }),
  drawn('text', { class: 'axis-label', x: x.range[1], y: height - 6, 'text-anchor': 'end' }, `${chart.x.label} →`),
  drawn('text', { class: 'axis-label', x: 0, y: 12 }, `↑ ${chart.y.label}`),
]

/** The picture at this size; `name` is unique on the page. */
export const drawChart = (name: string, chart: Chart, size: Size): SVGSVGElement => {
  const frame = frameOf(chart, size)
  const clip = `clip-${name}`
  return drawn(
    'svg',
    {
      class: 'chart',
      viewBox: `0 0 ${size.width} ${size.height}`,
      width: size.width,
      height: size.height,
      role: 'img',
      'aria-label': chart.summary,
    },
    drawn(
      'clipPath',
      { id: clip },
      drawn('rect', {
        x: frame.x.range[0],
        y: frame.y.range[1] - 5,
        width: Math.max(0, frame.x.range[1] - frame.x.range[0] + 5),
        height: frame.y.range[0] - frame.y.range[1] + 10,
      }),
    ),
    ...drawAxes(frame, chart, size),
    drawn('g', { 'clip-path': `url(#${clip})` }, ...chart.layers.flatMap((layer) => drawLayer(frame, layer))),
  )
}

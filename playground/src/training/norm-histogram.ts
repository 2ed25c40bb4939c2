/**
 * The gradient norms of the last batches as a histogram, with the clip norm as a handle that is dragged or moved by keys.
 */
import { place, type Scale, ticksOf, valueUnder } from '../chart/scale.js'
import { drawn, element } from '../page/element.js'
import { type Field, moved } from '../page/field.js'
import { percent, shown } from '../page/number-text.js'

export interface NormHistogram {
  readonly root: HTMLElement
  readonly showNorms: (norms: readonly number[]) => void
  readonly showClip: (clipNorm: number) => void
}

const HEIGHT = 240
const MARGIN = { left: 14, right: 14, top: 34, bottom: 42 } as const
/** Bars a decade. */
const DENSITY = 10
/** Where norms are looked for. */
const DOMAIN = [0.01, 100] as const

/** Counts in bins of equal width in the logarithm; what lies beyond is counted in the outermost. */
export const binned = (norms: readonly number[]): readonly number[] => {
  const bins = Math.round(DENSITY * Math.log10(DOMAIN[1] / DOMAIN[0]))
  const counts = new Array<number>(bins).fill(0)
  for (const norm of norms) {
    if (!(norm >= 0 && norm < Infinity)) continue
    const bin = Math.floor(DENSITY * Math.log10(Math.max(norm, DOMAIN[0]) / DOMAIN[0]))
    const at = Math.min(bins - 1, Math.max(0, bin))
    counts[at] = (counts[at] as number) + 1
  }
  return counts
}

export const normHistogram = (field: Field, initial: number, choose: (clipNorm: number) => void): NormHistogram => {
  let norms: readonly number[] = []
  let clipNorm = initial
  let width = 320

  const axes = drawn('g')
  const bars = drawn('g')
  const shade = drawn('rect', { class: 'clipped', y: MARGIN.top, height: HEIGHT - MARGIN.top - MARGIN.bottom })
  const line = drawn('line', { class: 'threshold', y1: MARGIN.top - 8, y2: HEIGHT - MARGIN.bottom })
  const grip = drawn('rect', { class: 'grip', y: MARGIN.top - 26, width: 22, height: 22, rx: 11 })
  const ridges = drawn('path', { class: 'ridges' })
  const text = drawn('text', { class: 'rule-text', y: MARGIN.top - 11 })
  const handle = drawn(
    'g',
    {
      class: 'handle',
      role: 'slider',
      tabindex: 0,
      'aria-label': 'Clip norm C',
      'aria-valuemin': DOMAIN[0],
      'aria-valuemax': DOMAIN[1],
      'aria-orientation': 'horizontal',
    },
    // Wide enough for a finger.
    drawn('rect', { class: 'reach', y: 0, width: 44, height: HEIGHT - MARGIN.bottom }),
    line,
    grip,
    ridges,
    text,
  )
  const svg = drawn('svg', { class: 'chart histogram', role: 'group' }, axes, bars, shade, handle)
  const picture = element('div', { class: 'picture' }, svg)

  const scale = (): Scale => ({ kind: 'log', domain: DOMAIN, range: [MARGIN.left, width - MARGIN.right] })
  const isNarrow = (): boolean => width < 420

  const drawAxes = (): void => {
    const x = scale()
    const bottom = HEIGHT - MARGIN.bottom
    axes.replaceChildren(
      ...ticksOf(x, 5).flatMap(({ value, text: words }) => [
        drawn('line', { class: 'grid', x1: place(x, value), x2: place(x, value), y1: MARGIN.top, y2: bottom }),
        drawn('text', { class: 'tick', x: place(x, value), y: bottom + 16, 'text-anchor': 'middle' }, words),
      ]),
      drawn('line', { class: 'axis', x1: x.range[0], x2: x.range[1], y1: bottom, y2: bottom }),
      drawn(
        'text',
        { class: 'axis-label', x: x.range[1], y: HEIGHT - 6, 'text-anchor': 'end' },
        'norm of one digit’s gradient →',
      ),
    )
  }

  const drawBars = (): void => {
    const x = scale()
    const counts = binned(norms)
    const most = Math.max(1, ...counts)
    const bottom = HEIGHT - MARGIN.bottom
    const edge = (bin: number): number => place(x, DOMAIN[0] * 10 ** (bin / DENSITY))
    bars.replaceChildren(
      ...counts.flatMap((count, bin) => {
        if (count === 0) return []
        const height = ((bottom - MARGIN.top) * count) / most
        return [
          drawn('rect', {
            class: 'bar',
            x: edge(bin) + 0.5,
            width: Math.max(1, edge(bin + 1) - edge(bin) - 1),
            y: bottom - height,
            height,
          }),
        ]
      }),
    )
  }

  const drawClip = (): void => {
    const x = scale()
    const at = place(x, Math.min(DOMAIN[1], Math.max(DOMAIN[0], clipNorm)))
    const above = norms.filter((norm) => norm > clipNorm).length / norms.length
    const isRight = at > width / 2
    shade.setAttribute('x', String(at))
    shade.setAttribute('width', String(Math.max(0, x.range[1] - at)))
    handle.firstElementChild?.setAttribute('x', String(at - 22))
    line.setAttribute('x1', String(at))
    line.setAttribute('x2', String(at))
    grip.setAttribute('x', String(at - 11))
    ridges.setAttribute('d', `M${at - 3} ${MARGIN.top - 19}v8M${at + 3} ${MARGIN.top - 19}v8`)
    text.setAttribute('x', String(at + (isRight ? -18 : 18)))
    text.setAttribute('text-anchor', isRight ? 'end' : 'start')
    const share = norms.length === 0 ? '' : `${percent(above)} longer`
    text.textContent =
      share === '' || isNarrow()
        ? `C = ${shown(clipNorm)}${share && ` · ${share}`}`
        : `C = ${shown(clipNorm)} · ${share} and scaled down`
    handle.setAttribute('aria-valuenow', String(clipNorm))
    handle.setAttribute('aria-valuetext', share === '' ? shown(clipNorm) : `${shown(clipNorm)}, ${share}`)
  }

  const draw = (): void => {
    svg.setAttribute('viewBox', `0 0 ${width} ${HEIGHT}`)
    svg.setAttribute('width', String(width))
    svg.setAttribute('height', String(HEIGHT))
    svg.setAttribute(
      'aria-label',
      norms.length === 0 ? 'Gradient norms: none yet' : `Norms of the last ${norms.length} gradients`,
    )
    drawAxes()
    drawBars()
    drawClip()
  }

  const take = (next: number): void => {
    const rounded = Number(Math.min(field.slider[1], Math.max(field.slider[0], next)).toPrecision(field.digits))
    if (rounded === clipNorm) return
    clipNorm = rounded
    drawClip()
    choose(rounded)
  }
  const drag = (event: Event): void => {
    const { clientX } = event as PointerEvent
    take(valueUnder(scale(), clientX - svg.getBoundingClientRect().left))
  }
  handle.addEventListener('pointerdown', (event) => {
    handle.setPointerCapture(event.pointerId)
    handle.focus()
    handle.addEventListener('pointermove', drag)
    event.preventDefault()
  })
  for (const end of ['pointerup', 'pointercancel'])
    handle.addEventListener(end, () => handle.removeEventListener('pointermove', drag))
  const positions: Readonly<Record<string, number>> = {
    ...{ ArrowRight: 4, ArrowUp: 4, ArrowLeft: -4, ArrowDown: -4 },
    ...{ PageUp: 40, PageDown: -40, End: 400, Home: -400 },
  }
  handle.addEventListener('keydown', (event) => {
    const by = positions[event.key]
    if (by === undefined || event.ctrlKey || event.altKey || event.metaKey) return
    event.preventDefault()
    take(moved(field, clipNorm, by))
  })

  new ResizeObserver(() => {
    width = Math.max(200, Math.floor(picture.clientWidth))
    draw()
  }).observe(picture)

  const root = element(
    'figure',
    { class: 'figure', 'data-figure': 'norms' },
    element(
      'figcaption',
      {},
      element(
        'h4',
        {},
        'Lengths of single gradients ',
        element('span', { class: 'tag', title: 'Computed from the examples without noise' }, 'NotPrivate'),
      ),
      element(
        'p',
        { class: 'why' },
        'One length for each digit of the last batches, before clipping. They are computed without noise and must never be published for real data; ' +
          'here they may be shown, because these digits are drawn by a program. Drag the line, or move it with the arrow keys.',
      ),
    ),
    picture,
  )
  return {
    root,
    showNorms: (next) => {
      norms = next
      drawBars()
      drawClip()
    },
    showClip: (next) => {
      clipNorm = next
      drawClip()
    },
  }
}

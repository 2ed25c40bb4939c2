/**
 * A table as a picture: for each row, how many times as long as book-keeping every contender takes.
 */
import { writeFileSync } from 'node:fs'
import type { RowResult } from './measure.js'
import { networkOf } from './networks.js'
import type { Table } from './results.js'
import { figure } from './table.js'

const INK = '#1f2328'
/** Okabe & Ito 2008. Ours, ours without privacy, the other libraries, PyTorch without privacy. */
const COLOURS = { own: '#0072B2', plain: '#8C6D00', peer: '#D55E00' } as const

/** A bar: where it stands, how long it is, and what stands at its end. */
interface Bar {
  readonly row: string
  readonly contender: string
  readonly ratio: number
  readonly words: string
  readonly colour: string
}

const titleOf = ({ network, samples }: RowResult): string =>
  `${(networkOf(network)?.title ?? network).split(',')[0]}, batch ${samples}`

const barsOf = (row: RowResult): readonly Bar[] =>
  row.results.flatMap(({ contender, isPrivate, median, timesBookKeeping: ratio }) => {
    if (median === undefined || ratio === undefined) return []
    const own = contender === 'book-keeping' || contender === 'materialised'
    const words = contender === 'book-keeping' ? `${figure(median)} ms` : `${figure(ratio)} ×`
    const colour = isPrivate ? (own ? COLOURS.own : COLOURS.peer) : COLOURS.plain
    return [{ row: titleOf(row), contender, ratio, words, colour }]
  })

/** Draws the rows of a table; a logarithmic axis, on which book-keeping is 1. */
export const drawTable = async (path: string, { machine, rows }: Table): Promise<void> => {
  const [plot, { parseHTML }] = await Promise.all([import('@observablehq/plot'), import('linkedom')])
  const { document } = parseHTML('<html></html>')
  const all = rows.flatMap(barsOf)
  // Whoever takes part in few rows would leave gaps in the others.
  const partsOf = (name: string): number => all.filter(({ contender }) => contender === name).length
  const names = [...new Set(all.map(({ contender }) => contender))].filter((name) => 2 * partsOf(name) > rows.length)
  const bars = all.filter(({ contender }) => names.includes(contender))
  const drawn = plot.plot({
    document,
    width: 760,
    height: 60 + rows.length * (names.length * 15 + 22),
    marginLeft: 140,
    marginRight: 60,
    marginTop: 46,
    style: { color: INK, background: 'white', fontSize: '11px', fontFamily: 'system-ui, sans-serif' },
    x: {
      type: 'log',
      grid: true,
      label: `time of a step ÷ book-keeping's (${machine.cpu}, ${machine.cores} cores, Node ${machine.node}) →`,
      tickFormat: (value: number) => `${value}`,
    },
    y: { domain: names, label: null, tickSize: 0 },
    fy: { domain: rows.map(titleOf), label: null, padding: 0.25, axis: null },
    marks: [
      plot.ruleX([1], { stroke: INK, strokeDasharray: '3,3' }),
      plot.barX(bars, { fy: 'row', y: 'contender', x1: 0.1, x2: 'ratio', fill: 'colour', insetTop: 2, insetBottom: 2 }),
      plot.text(bars, { fy: 'row', y: 'contender', x: 'ratio', text: 'words', textAnchor: 'start', dx: 4 }),
      plot.text(rows, {
        fy: titleOf,
        text: titleOf,
        frameAnchor: 'top-left',
        dx: -134,
        dy: -14,
        fontWeight: 600,
        textAnchor: 'start',
      }),
    ],
  } as Parameters<typeof plot.plot>[0])
  const svg = drawn as unknown as Element
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg')
  writeFileSync(path, `${svg.outerHTML}\n`)
}

/**
 * `npm run bench:growth`: time and memory of the private step against the batch, the number of parameters and of threads. Each
 * point is a process of its own, since the memory of a process only grows; the ways of a point take turns.
 *
 *   npm run bench:growth -- --sweeps batch,parameters,threads --seconds 4 --json FILE --picture FILE
 */
import { writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import * as E from 'fp-ts/lib/Either.js'
import { lineChart, type Panel } from '../src/report/index.js'
import { contendersNamed } from './contender.js'
import { measureRow, type RowResult } from './measure.js'
import type { Row } from './networks.js'
import { figure } from './table.js'

/** One row at so many threads, and where it stands on the axis of its sweep. */
interface Place extends Row {
  readonly at: number
  readonly threads: number
}

const cores = availableParallelism()

/** Widths of the hidden layers of the perceptron, for about 10⁴ to 10⁷ parameters. */
const widths = [13, 38, 116, 324, 800, 2800] as const

const sweeps: Readonly<Record<string, { readonly label: string; readonly places: readonly Place[] }>> = {
  batch: {
    label: 'samples of a batch (MNIST CNN)',
    places: [16, 64, 256, 1024, 4096].map((samples) => ({
      network: 'mnist-cnn',
      samples,
      at: samples,
      threads: cores,
    })),
  },
  parameters: {
    label: 'parameters (784, two hidden layers, 10; batch 64)',
    places: widths.map((width) => ({
      network: `mlp-${width}`,
      samples: 64,
      at: 784 * width + width + width * width + width + 10 * width + 10,
      threads: cores,
    })),
  },
  threads: {
    label: 'threads (ResNet-20, batch 64)',
    places: Array.from({ length: cores }, (_, less) => ({
      network: 'resnet-20',
      samples: 64,
      at: less + 1,
      threads: less + 1,
    })),
  },
}

const { values } = parseArgs({
  options: {
    sweeps: { type: 'string', default: Object.keys(sweeps).join(',') },
    seconds: { type: 'string', default: '4' },
    patience: { type: 'string', default: '120' },
    json: { type: 'string' },
    picture: { type: 'string' },
  },
})

const chosen = contendersNamed(['ours'])
if ('unknown' in chosen) throw new Error('there are no contenders of ours')
const named = values.sweeps.split(',')
const unknown = named.find((name) => sweeps[name] === undefined)
if (unknown !== undefined) {
  console.error(`--sweeps: ${unknown} is none of ${Object.keys(sweeps).join(', ')}`)
  process.exit(1)
}

interface Measured {
  readonly at: number
  readonly result: RowResult
}

console.log(`${cpus()[0]?.model}, ${cores} cores, Node ${process.version}`)
const found: Record<string, readonly Measured[]> = {}
for (const name of named) {
  const { label, places } = sweeps[name] as (typeof sweeps)[string]
  console.log(`\n${label}: milliseconds a step / MiB of the arena, load average ${loadavg()[0]?.toFixed(2)}`)
  console.log(`${''.padStart(10)}${chosen.map((contender) => contender.name.padStart(24)).join('')}`)
  const measured: Measured[] = []
  for (const { at, threads, ...row } of places) {
    const budget = {
      threads,
      seconds: Number(values.seconds),
      patience: 1000 * Number(values.patience),
      say: () => undefined,
    }
    const result = await measureRow(row, chosen, budget)
    measured.push({ at, result })
    const cells = result.results.map(({ median, arena, failed }) =>
      median === undefined ? `${failed}` : `${figure(median)} / ${((arena ?? 0) / 2 ** 20).toFixed(0)}`,
    )
    console.log(`${`${at}`.padStart(10)}${cells.map((cell) => cell.padStart(24)).join('')}`)
  }
  found[name] = measured
}

/** A panel of one quantity, a curve for each way. */
const panelOf = (
  label: string,
  measured: readonly Measured[],
  read: (result: RowResult['results'][number]) => number | undefined,
): Panel => ({
  label,
  scale: 'log',
  series: chosen.map(({ name }) => ({
    name,
    points: measured.map(({ at, result }) => {
      const value = result.results.find(({ contender }) => contender === name)
      return [at, (value === undefined ? undefined : read(value)) ?? Number.NaN] as const
    }),
  })),
})

if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(found, undefined, 2)}\n`)
for (const [name, measured] of Object.entries(found)) {
  if (values.picture === undefined) break
  const drawn = await lineChart({
    title: `A private step against ${(sweeps[name] as (typeof sweeps)[string]).label}`,
    x: { label: name, scale: name === 'threads' ? 'linear' : 'log' },
    panels: [
      panelOf('milliseconds a step', measured, ({ median }) => median),
      panelOf('MiB of the arena', measured, ({ arena }) => (arena === undefined ? undefined : arena / 2 ** 20)),
    ],
  })()
  const path = values.picture.replace(/(\.svg)?$/, `-${name}.svg`)
  if (E.isRight(drawn)) writeFileSync(path, drawn.right)
  console.log(E.isRight(drawn) ? path : `${path} was not drawn: ${drawn.left._tag}`)
}

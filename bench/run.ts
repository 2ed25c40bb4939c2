/**
 * `npm run bench`: a training step on the networks of the table, by fp-dp and by other libraries, side by side in one run.
 * `npm run bench -- --help` lists the options.
 */
import { availableParallelism, cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { crossEntropy, explain, showExplanation } from '../src/grad/index.js'
import { wasm } from '../src/tensor/backend/wasm/index.js'
import { contenders, contendersNamed, groups } from './contender.js'
import { measureRow } from './measure.js'
import { allRows, type Network, networkOf, networks, rowName, rowsNamed } from './networks.js'
import { batchOf, paramsOf } from './problem.js'
import { keepRow, readTable } from './results.js'
import { showRow, showSummary } from './table.js'

const help = `npm run bench [-- OPTIONS]

  --rows ROW,…         networks, or a network at a batch: ${allRows.map(rowName).join(' ')}
                       (default: all; mlp@1024 is another batch)
  --contenders NAME,…  ${contenders.map(({ name }) => name).join(' ')}
                       or ${Object.keys(groups).join(', ')} (default: javascript)
  --seconds N          of taking turns in each row (default 20)
  --patience N         seconds that a contender may take to answer (default 60)
  --threads N          (default: one for each core)
  --json FILE          keeps the rows; those that FILE has from earlier runs stay, unless measured again
  --picture FILE       draws all rows of the run, or of the JSON file, as SVG
  --markdown           prints all rows as a table of ratios
  --explain            prints FLOPs, bytes and the chosen norm of each layer, and times nothing

Peers in JavaScript are a package of their own: npm ci --prefix bench/peers. Those in Python run where $PYTHON (or python3) has
torch, opacus, backpack or jax.`

const { values } = parseArgs({
  options: {
    rows: { type: 'string' },
    contenders: { type: 'string', default: 'javascript' },
    seconds: { type: 'string', default: '20' },
    patience: { type: 'string', default: '60' },
    threads: { type: 'string', default: `${availableParallelism()}` },
    json: { type: 'string' },
    picture: { type: 'string' },
    markdown: { type: 'boolean', default: false },
    explain: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

const refuse = (sentence: string): never => {
  console.error(sentence)
  process.exit(1)
}

const positive = (name: 'seconds' | 'patience' | 'threads'): number => {
  const found = Number(values[name])
  return found > 0 ? found : refuse(`--${name} is ${values[name]}: it must be a number above 0`)
}

if (values.help) {
  console.log(help)
  process.exit(0)
}

const words = (text: string): readonly string[] => text.split(',').filter((word) => word !== '')
const rows = values.rows === undefined ? allRows : rowsNamed(words(values.rows))
if ('unknown' in rows)
  throw refuse(
    `--rows: ${rows.unknown} is none of ${Object.keys(networks).join(', ')}, or one of them and a batch, as mlp@64`,
  )
const chosen = contendersNamed(words(values.contenders))
if ('unknown' in chosen)
  throw refuse(`--contenders: ${chosen.unknown} is none of ${[...Object.keys(groups), ...groups.all!].join(', ')}`)

/** Progress on a terminal stays on one line; elsewhere only what is finished is printed. */
const say = (sentence: string): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${sentence}`)
}

const budget = {
  threads: positive('threads'),
  seconds: positive('seconds'),
  patience: 1000 * positive('patience'),
  say,
}
const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: availableParallelism(), node: process.version }
console.log(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, ${budget.threads} threads`)

if (values.explain) {
  for (const row of rows) {
    const { title, model } = networkOf(row.network) as Network
    const found = explain(crossEntropy, model, { backend: wasm({ threads: budget.threads }) })(
      paramsOf(row),
      batchOf(row),
    )
    console.log(`\n${title}: ${showExplanation(found)}`)
  }
  process.exit(0)
}

let table = readTable(values.json, machine)
for (const row of rows) {
  const result = await measureRow(row, chosen, budget)
  say('')
  console.log(`\n${showRow(result)}`)
  table = keepRow(values.json, table, result)
}
if (values.markdown) console.log(`\n${showSummary(table)}`)
if (values.picture !== undefined) {
  const { drawTable } = await import('./picture.js')
  await drawTable(values.picture, table)
  console.log(`\n${values.picture} shows ${table.rows.length} rows`)
}

/**
 * `npm run bench:accounting`: one ε by every accountant, side by side in one run. Rounds are interleaved, so that a machine whose speed
 * drifts slows all alike; medians of CPU time are printed, with growth in the number of steps and of distinct steps. Where `python3` (or
 * $PYTHON, with $PYTHONPATH) has dp_accounting or prv_accountant, they take part in the first rounds.
 */
import { spawnSync } from 'node:child_process'
import { availableParallelism, cpus, loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Accountant } from '../src/privacy/accountant.js'
import {
  calibrate,
  Event,
  exact,
  exactAlong,
  noiseMultiplierScale,
  type PrivacyEvent,
  pld,
  prv,
  rdp,
} from '../src/privacy/index.js'

const rounds = Number(process.argv[2] ?? 15)

interface Cell {
  readonly sigma: number
  readonly q: number
  readonly steps: number
  readonly delta: number
}

const cells: readonly Cell[] = [
  { sigma: 0.8, q: 0.01, steps: 1e4, delta: 1e-5 },
  { sigma: 1.1, q: 256 / 60_000, steps: 14_060, delta: 1e-5 },
  { sigma: 2, q: 0.1, steps: 1e5, delta: 1e-5 },
  { sigma: 1, q: 1e-4, steps: 1e8, delta: 1e-5 },
]

const training = ({ sigma, q, steps }: Omit<Cell, 'delta'>): PrivacyEvent =>
  Event.selfComposed(steps)(Event.poissonSampled(q)(Event.gaussian(sigma)))

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] as number

/** Milliseconds of CPU, all threads of this process together. */
const cpuOf = (run: () => void): number => {
  const before = process.cpuUsage()
  run()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

/** A contender gives its answer in words; how often it is repeated in a round keeps the clock's grain small. */
interface Contender {
  readonly name: string
  readonly repeat: number
  readonly run: () => string
}

const contender =
  (event: PrivacyEvent, delta: number) =>
  <Curve>(name: string, accountant: Accountant<Curve>, repeat: number): Contender => ({
    name,
    repeat,
    run: () => {
      const curve = accountant.interpret(event)
      if (curve._tag === 'Left') return curve.left.reason
      const { lower, upper } = accountant.epsilon(delta)(curve.right)
      return `ε ≤ ${upper.toFixed(8)}${lower > 0 ? `, ≥ ${lower.toFixed(8)}` : ''}`
    },
  })

/** What a contender in Python says of itself. */
interface Guest {
  readonly name: string
  readonly milliseconds: number | null
  readonly answer: string
}

/** Rounds that guests take part in; one that took longer than this is not asked again. */
const GUEST_ROUNDS = 3
const LONG = 4000

/** The contenders in Python, once each. */
const guestsAt = (cell: Cell, leftOut: readonly string[]): readonly Guest[] => {
  const script = fileURLToPath(new URL('./python/accounting.py', import.meta.url))
  const { status, stdout } = spawnSync(process.env.PYTHON ?? 'python3', [script, JSON.stringify(cell), ...leftOut], {
    encoding: 'utf8',
    timeout: 120_000,
    env: { ...process.env, OMP_NUM_THREADS: '1' },
  })
  if (status !== 0) return []
  return stdout.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Guest] : []))
}

const table = (title: string, contenders: readonly Contender[], cell?: Cell): void => {
  const times = contenders.map(() => [] as number[])
  const words = contenders.map(({ run }) => run())
  const guests = new Map<string, { readonly times: number[]; readonly answer: string }>()
  const invite = (asked: Cell): void => {
    const leftOut = [...guests].filter(([, { times: spent }]) => !(Math.max(...spent) < LONG)).map(([name]) => name)
    for (const { name, milliseconds, answer } of guestsAt(asked, leftOut)) {
      const spent = guests.get(name)?.times ?? []
      spent.push(milliseconds ?? Number.NaN)
      guests.set(name, { times: spent, answer })
    }
  }
  for (let round = -2; round < rounds; round++) {
    contenders.forEach(({ repeat, run }, i) => {
      const spent = cpuOf(() => {
        for (let k = 0; k < repeat; k++) run()
      })
      if (round >= 0) times[i]?.push(spent / repeat)
    })
    if (cell !== undefined && round >= 0 && round < GUEST_ROUNDS) invite(cell)
  }
  console.log(`\n${title}; load average ${loadavg()[0]?.toFixed(2)}`)
  console.log(`${''.padEnd(30)} ${'median ms'.padStart(10)} ${'least ms'.padStart(10)}  answer`)
  const print = (name: string, found: readonly number[], answer: string | undefined): void => {
    const figure = (value: number): string => value.toFixed(3).padStart(10)
    console.log(`${name.padEnd(30)} ${figure(median(found))} ${figure(Math.min(...found))}  ${answer}`)
  }
  contenders.forEach(({ name }, i) => {
    print(name, times[i] as number[], words[i])
  })
  for (const [name, { times: spent, answer }] of guests) print(name, spent, answer)
}

console.log(`${cpus()[0]?.model}, ${availableParallelism()} cores, Node ${process.version}; ${rounds} rounds, CPU time`)
for (const cell of cells) {
  const add = contender(training(cell), cell.delta)
  const target = { epsilon: 3, delta: cell.delta }
  const contenders: readonly Contender[] = [
    add('exact', exact(), 5),
    add('rdp', rdp(), 20),
    add('pld', pld(), 1),
    // Its grid grows with the steps: left out where it would be gigabytes.
    ...(cell.steps <= 1e5 ? [add('prv', prv(), 1)] : []),
    {
      name: 'σ for ε = 3 by exact',
      repeat: 1,
      run: () => {
        const found = calibrate(exact(), target)(noiseMultiplierScale)((sigma) => training({ ...cell, sigma }))
        return found._tag === 'Right' ? `σ = ${found.right.value.toFixed(8)}` : found.left._tag
      },
    },
  ]
  table(`σ ${cell.sigma}, q ${cell.q.toPrecision(4)}, ${cell.steps} steps, δ ${cell.delta}`, contenders, cell)
}

const base: Cell = { sigma: 1, q: 0.01, steps: 1000, delta: 1e-5 }
table(
  'growth in steps (σ 1, q 0.01, δ 1e-5)',
  [10, 100, 1e3, 1e4, 1e5, 1e6, 1e7].map((steps) =>
    contender(training({ ...base, steps }), base.delta)(`exact, ${steps} steps`, exact(), 2),
  ),
)
table(
  'growth in distinct steps (1000 of each, σ from 1 to 2, δ 1e-5)',
  [1, 2, 4, 8, 16].map((distinct) =>
    contender(
      Event.composed(
        Array.from({ length: distinct }, (_, i) => training({ ...base, sigma: 1 + i / distinct, steps: 1000 })),
      ),
      base.delta,
    )(`exact, ${distinct} distinct`, exact(), 1),
  ),
)
const counts = Array.from({ length: 100 }, (_, i) => 100 * (i + 1))
table('ε at 100 counts of steps, 100 to 10,000 (σ 1, q 0.01, δ 1e-5)', [
  {
    name: 'exactAlong',
    repeat: 1,
    run: () => {
      const curve = { precision: 0, steps: [{ noiseMultiplier: 1, samplingProbability: 0.01, count: 1 }] }
      return `ε ≤ ${exactAlong(base.delta)(counts)(curve).at(-1)?.upper.toFixed(8)} at the last`
    },
  },
])

/**
 * `npx tsx scripts/epsilon-by-accountant.ts`: draws docs/pictures/epsilon-by-accountant.svg, ε against steps by every accountant of
 * sampled Gaussians, with the truth, and how far each is from it.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import * as E from 'fp-ts/lib/Either.js'
import {
  approximateEpsilonOf,
  Event,
  epsilonOf,
  exact,
  type PrivacyEvent,
  pld,
  prv,
  rdp,
} from '../src/privacy/index.js'
import { lineChart, type Point, showReportError } from '../src/report/index.js'

const sigma = 1.1
const q = 256 / 60_000
const delta = 1e-5

/** Six counts a decade, 10 to 10⁵. */
const counts = Array.from({ length: 25 }, (_, k) => Math.round(10 ** (1 + k / 6)))

const training = (steps: number): PrivacyEvent =>
  Event.selfComposed(steps)(Event.poissonSampled(q)(Event.gaussian(sigma)))

/** What must be there: every event here is one that every accountant reads. */
const right = <A>(answer: E.Either<unknown, A>): A => {
  if (E.isLeft(answer)) throw new Error(`an accountant does not read its event: ${JSON.stringify(answer.left)}`)
  return answer.right
}

const rows = counts.map((steps) => {
  const event = training(steps)
  const truth = right(epsilonOf(exact(), delta)(event))
  return {
    steps,
    truth: truth.estimate,
    exact: truth.upper,
    pld: right(epsilonOf(pld(), delta)(event)).upper,
    prv: right(epsilonOf(prv(), delta)(event)).upper,
    rdp: right(epsilonOf(rdp(), delta)(event)).upper,
    limit: right(approximateEpsilonOf(delta)(event)).approximate,
  }
})

type Row = (typeof rows)[number]
/** The truth is drawn over the two that coincide with it. */
const curves = [
  ['PRV', ({ prv }: Row) => prv],
  ['PLD', ({ pld }: Row) => pld],
  ['exact (the truth)', ({ exact }: Row) => exact],
  ['RDP', ({ rdp }: Row) => rdp],
  ['central limit (no bound)', ({ limit }: Row) => limit],
] as const

const seriesOf = (read: (value: number, row: Row) => number) =>
  curves.map(([name, of]) => ({ name, points: rows.map((row): Point => [row.steps, read(of(row), row)]) }))

for (const row of rows)
  console.log(
    Object.values(row)
      .map((value) => value.toPrecision(10))
      .join('  '),
  )

const svg = right(
  E.mapLeft(showReportError)(
    await lineChart({
      title: `ε by accountant: σ = ${sigma}, q = 256/60000, δ = 1e-5`,
      x: { label: 'steps', scale: 'log' },
      panels: [
        {
          label: 'ε: upper bounds and the central limit; PRV, PLD and exact coincide',
          scale: 'log',
          range: [0.03, 10],
          series: seriesOf((value) => value),
        },
        {
          label: 'distance from the truth, relative: bounds above it, the central limit below',
          scale: 'log',
          range: [1e-11, 10],
          series: seriesOf((value, { truth }) => Math.abs(value / truth - 1)),
        },
      ],
    })(),
  ),
)
mkdirSync('docs/pictures', { recursive: true })
writeFileSync('docs/pictures/epsilon-by-accountant.svg', `${svg}\n`)

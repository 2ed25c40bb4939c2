/**
 * `npm run truths -- FILE… [--accountants exact,pld] [--only TEXT] [--every K]`: every ε that a file knows exactly, beside the
 * bounds of every accountant that reads its event. Fails where a truth lies outside of its bounds.
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import * as E from 'fp-ts/lib/Either.js'
import { type Accountant, type Bounds, epsilonOf } from '../../src/privacy/accountant.js'
import { exact } from '../../src/privacy/exact/accountant.js'
import { gdp } from '../../src/privacy/gdp.js'
import type { Neighbouring } from '../../src/privacy/neighbouring.js'
import { pld } from '../../src/privacy/pld/accountant.js'
import { prv } from '../../src/privacy/prv/accountant.js'
import { rdp } from '../../src/privacy/rdp/accountant.js'
import { type AccountingRecord, accountingRecords, dpSgdEvent, neighbouringOf, numberOf } from './accounting/record.js'

const accountants = { exact, pld, prv, rdp, gdp } as const
type Name = keyof typeof accountants
const names = Object.keys(accountants) as Name[]

/** A truth, and what an accountant says of it. */
interface Told {
  readonly id: string
  readonly truth: number
  /** How far the truth itself may be off. */
  readonly slack: number
  readonly bounds: Bounds
  readonly milliseconds: number
}

/** Records whose ε is the truth to their tolerance. */
const isTruth = ({ role, kind, expected }: AccountingRecord & { readonly role?: string }): boolean =>
  role === 'ground-truth' && (kind === 'prv' || kind === 'gaussian') && expected.epsilon !== undefined

/** What the accountant says; undefined where it has no theorem for the event. */
const tell = (name: Name, { id, inputs, expected, tol }: AccountingRecord): Told | undefined => {
  const make = accountants[name] as (options: { readonly neighbouring: Neighbouring }) => Accountant<unknown>
  const began = performance.now()
  const answer = epsilonOf(make({ neighbouring: neighbouringOf(inputs) }), numberOf(inputs.delta))(dpSgdEvent(inputs))
  const milliseconds = performance.now() - began
  if (E.isLeft(answer)) return undefined
  const truth = numberOf(expected.epsilon)
  const slack = numberOf(tol.abs ?? 0) + numberOf(tol.rel ?? 0) * Math.abs(truth)
  return { id, truth, slack, bounds: answer.right, milliseconds }
}

const isOutside = ({ truth, slack, bounds: { lower, upper } }: Told): boolean =>
  !(lower <= truth + slack && upper >= truth - slack)

/** |x − truth| relative to the truth; where that is 0, as it is. */
const apart = (x: number, { truth }: Told): number => (x === truth ? 0 : Math.abs(x - truth) / (Math.abs(truth) || 1))

const isTight = (told: Told): boolean =>
  apart(told.bounds.upper, told) <= 1e-4 || Math.abs(told.bounds.upper - told.truth) <= 1e-6

const quantile = (values: readonly number[], p: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(p * values.length))] ?? Number.NaN

const show = (x: number): string => (x === 0 ? '0' : x.toExponential(1))

const report = (name: Name, told: readonly Told[], refused: number): number => {
  const outside = told.filter(isOutside)
  const share = (isSo: (t: Told) => boolean): string => `${told.filter(isSo).length} of ${told.length}`
  const uppers = told.map((t) => apart(t.bounds.upper, t))
  const estimates = told.map((t) => apart(t.bounds.estimate, t))
  const times = told.map(({ milliseconds }) => milliseconds)
  console.log(`\n${name}: ${told.length} truths, ${refused} events that it does not read`)
  if (told.length === 0) return 0
  console.log(`  outside of the bounds, a truth's own error allowed   ${outside.length}`)
  for (const { id, truth, bounds } of outside.slice(0, 20))
    console.log(`    ${id}: ${truth} is not in [${bounds.lower}, ${bounds.upper}]`)
  console.log(`  upper within 1e-4 relative or 1e-6   ${share(isTight)}`)
  console.log(
    `  upper − truth, relative   median ${show(quantile(uppers, 0.5))}, 99th percentile ${show(quantile(uppers, 0.99))}, worst ${show(Math.max(...uppers))}`,
  )
  console.log(
    `  estimate within 1e-8 and the truth's own error   ${share((t) => Math.abs(t.bounds.estimate - t.truth) <= 1e-8 * Math.abs(t.truth) + t.slack)}, worst ${show(Math.max(...estimates))}`,
  )
  console.log(
    `  one ε   median ${quantile(times, 0.5).toFixed(1)} ms, 99th percentile ${quantile(times, 0.99).toFixed(0)} ms, worst ${Math.max(...times).toFixed(0)} ms`,
  )
  console.log('  widest above the truth')
  for (const t of told.toSorted((a, b) => apart(b.bounds.upper, b) - apart(a.bounds.upper, a)).slice(0, 10))
    console.log(`    ${show(apart(t.bounds.upper, t)).padEnd(8)} ${t.id}`)
  return outside.length
}

const refuse = (sentence: string): never => {
  console.error(`truths: ${sentence}`)
  process.exit(2)
}

const { values, positionals: files } = parseArgs({
  allowPositionals: true,
  options: {
    accountants: { type: 'string', default: names.join(',') },
    only: { type: 'string', default: '' },
    every: { type: 'string', default: '1' },
  },
})
const chosen = values.accountants.split(',') as Name[]
const unknown = chosen.find((name) => !names.includes(name))
if (unknown !== undefined) refuse(`--accountants has ${JSON.stringify(unknown)}: one of ${names.join(', ')}`)
const every = Number(values.every)
if (!(Number.isInteger(every) && every >= 1))
  refuse(`--every is ${values.every}: it must be a whole number, at least 1`)
if (files.length === 0) refuse('name at least one file: npm run truths -- FILE…')

const truths = files
  .flatMap((path) => accountingRecords(JSON.parse(readFileSync(path, 'utf8'))))
  .filter((record) => isTruth(record) && record.id.includes(values.only))
  .filter((_, index) => index % every === 0)
if (truths.length === 0) refuse(`no ground truth whose id holds ${JSON.stringify(values.only)} in ${files.join(', ')}`)

let outside = 0
for (const name of chosen) {
  const began = Date.now()
  let last = began
  const told = truths.map((record, index) => {
    if (Date.now() - last > 5000) {
      last = Date.now()
      const left = Math.round((((last - began) / index) * (truths.length - index)) / 1000)
      console.error(`${name}: ${index} of ${truths.length} truths, about ${left} s left`)
    }
    return tell(name, record)
  })
  const read = told.filter((t) => t !== undefined)
  outside += report(name, read, told.length - read.length)
}
console.log(`\n${truths.length} truths, ${outside} outside of their bounds`)
process.exitCode = outside === 0 ? 0 : 1

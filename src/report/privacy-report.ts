/**
 * The privacy report: one document that states what is claimed, of whom, by which means, on which assumptions, and what is not
 * covered. As data, and as Markdown for people.
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { type Accountant, type AccountingFailure, type Bounds, epsilonOf } from '../privacy/accountant.js'
import { normalise, type PrivacyEvent, showEvent } from '../privacy/event/event.js'
import { eventToJson } from '../privacy/event/json.js'
import { type Neighbouring, showNeighbouring } from '../privacy/neighbouring.js'
import { type EventFacts, eventFacts } from './event-facts.js'
import { figure, rounded } from './rounded.js'

/** What a report is made of. */
export interface PrivacyReportRequest<Curve> {
  /** Everything that was released from the data. */
  readonly ledger: PrivacyEvent
  readonly accountant: Accountant<Curve>
  /** At which δ the ε is stated. Default 1e-5, 1e-6, 1e-8. */
  readonly deltas?: readonly number[]
  /** Whose presence is hidden: what one record of the data is. Default 'one training example'. */
  readonly unit?: string
  /** What else the author of the program vouches for, or has left out. */
  readonly assumptions?: readonly string[]
  readonly notCovered?: readonly string[]
}

/** ε at one δ. `upper` is the claim. */
export interface StatedEpsilon extends Pick<Bounds, 'lower' | 'estimate' | 'upper'> {
  readonly delta: number
}

/** The document as data: plain JSON, infinities as the text `Infinity`. */
export interface PrivacyReport extends EventFacts {
  readonly format: 'fp-dp privacy report 1'
  readonly unit: string
  readonly neighbouring: Neighbouring
  readonly accountant: string
  readonly epsilons: readonly StatedEpsilon[]
  /** The ledger in one line, and as JSON that `eventFromJson` reads. */
  readonly event: string
  readonly ledger: unknown
  readonly notCovered: readonly string[]
}

const always: readonly string[] = [
  'Choices made by looking at the data outside of the ledger: settings tuned on them, statistics for normalisation, records cleaned away.',
  'Training losses, gradient norms, batch sizes and anything else that the program computed from the data and this ledger does not list.',
  'Evaluation on data that must stay private as well.',
]

/**
 * The report of a ledger.
 *
 * Errors  those of the accountant, for an event that it cannot read and for a δ outside of [0, 1]
 *
 * @example
 * E.map(({ mechanisms }: PrivacyReport) => mechanisms)(privacyReport({ ledger: Event.gaussian(2), accountant: rdp() })) // => E.right(['the Gaussian mechanism with noise multiplier 2'])
 */
export const privacyReport = <Curve>({
  ledger,
  accountant,
  deltas = [1e-5, 1e-6, 1e-8],
  unit = 'one training example',
  assumptions = [],
  notCovered = [],
}: PrivacyReportRequest<Curve>): E.Either<AccountingFailure, PrivacyReport> => {
  const facts = eventFacts(ledger)
  const stated = (delta: number): E.Either<AccountingFailure, StatedEpsilon> =>
    pipe(
      epsilonOf(accountant, delta)(ledger),
      E.map(({ lower, estimate, upper }) => ({ delta, lower, estimate, upper })),
    )
  return pipe(
    deltas,
    E.traverseArray(stated),
    E.map((epsilons) => ({
      format: 'fp-dp privacy report 1',
      unit,
      neighbouring: accountant.neighbouring,
      accountant: accountant.name,
      epsilons,
      event: showEvent(normalise(ledger)),
      ledger: eventToJson(normalise(ledger)),
      ...facts,
      assumptions: [...facts.assumptions, ...assumptions],
      notCovered: [...notCovered, ...always],
    })),
  )
}

const list = (title: string, items: readonly string[]): readonly string[] =>
  items.length === 0 ? [] : [`## ${title}`, '', ...items.map((item) => `- ${item}`), '']

/**
 * The report as Markdown. Numbers have six digits: an upper end is rounded up, a lower end down.
 *
 * @example
 * E.map((report: PrivacyReport) => showPrivacyReport(report).split('\n')[0])(privacyReport({ ledger: Event.gaussian(2), accountant: rdp() })) // => E.right('# Privacy report')
 */
export const showPrivacyReport = (report: PrivacyReport): string => {
  const { unit, neighbouring, accountant, epsilons, samplers, mechanisms, grades, assumptions, caveats } = report
  const [first] = epsilons
  return [
    '# Privacy report',
    '',
    ...(first === undefined
      ? []
      : [
          `What was released is (ε, δ)-differentially private with ε = ${rounded(first.upper, 'up')} at δ = ${figure(first.delta)}, for ${showNeighbouring(neighbouring)}. A record is ${unit}.`,
          '',
        ]),
    '| δ | ε (claimed) | estimate | no less than |',
    '| --- | --- | --- | --- |',
    ...epsilons.map(
      ({ delta, upper, estimate, lower }) =>
        `| ${figure(delta)} | ${rounded(upper, 'up')} | ${rounded(estimate, 'nearest')} | ${rounded(lower, 'down')} |`,
    ),
    '',
    '| | |',
    '| --- | --- |',
    `| Unit of privacy | ${unit} |`,
    `| Neighbouring datasets | differ by ${showNeighbouring(neighbouring)} |`,
    `| Sampling | ${samplers.join('; ') || 'none: every record takes part in every release'} |`,
    `| Mechanisms | ${mechanisms.join('; ') || 'none'} |`,
    `| Grade of the noise | ${grades.join(', ') || 'does not apply'} |`,
    `| Accountant | ${accountant} |`,
    `| Event | ${report.event} |`,
    '',
    ...list('Assumptions', assumptions),
    ...list('Caveats', caveats),
    ...list('Not covered', report.notCovered),
  ].join('\n')
}

/** JSON has no infinity: as text. */
const throughJson = (_: string, value: unknown): unknown => (value === Infinity ? 'Infinity' : value)

/** The report as JSON text. */
export const privacyReportJson = (report: PrivacyReport): string => `${JSON.stringify(report, throughJson, 2)}\n`

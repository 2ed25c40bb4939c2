/**
 * What may be said of a run, in words.
 */
import * as E from 'fp-ts/lib/Either.js'
import { type Bounds, Event, type PrivacyEvent, rdp, showEvent } from '../../../src/privacy/index.js'
import { privacyReport, showPrivacyReport } from '../../../src/report/privacy-report.js'
import { shown } from '../page/number-text.js'
import { TRAINING_DELTA } from './training-settings.js'

export interface Statement {
  readonly claim: string
  readonly ledger: string
  readonly adaptivity: string
  /** The whole document, as Markdown. */
  readonly report: string
}

export interface StatementRequest {
  readonly step: number
  readonly ledger: PrivacyEvent
  /** By Rényi accounting. */
  readonly epsilon: number
  /** By the exact accountant, where it has answered. */
  readonly exact: Pick<Bounds, 'upper'> | undefined
  readonly phases: number
  readonly budget: number
}

export const statementOf = ({ step, ledger, epsilon, exact, phases, budget }: StatementRequest): Statement => {
  const delta = shown(TRAINING_DELTA)
  const report = privacyReport({
    ledger,
    accountant: rdp(),
    deltas: [TRAINING_DELTA],
    unit: 'one drawn digit',
    notCovered: [
      'The histogram of gradient norms and the accuracy curve on this page, which are computed without noise.',
    ],
  })
  const claim =
    exact === undefined || exact.upper > epsilon
      ? `ε ≤ ${shown(epsilon, 4, 'up')} by Rényi accounting`
      : `ε ≤ ${shown(exact.upper, 4, 'up')} by exact accounting, and ≤ ${shown(epsilon, 4, 'up')} by Rényi accounting`
  return {
    claim: `After ${step} ${step === 1 ? 'step' : 'steps'}: ${claim}, at δ = ${delta}, for adding or removing one digit.`,
    ledger: showEvent(Event.normalise(ledger)),
    adaptivity:
      phases > 1
        ? `The settings changed ${phases - 1 === 1 ? 'once' : `${phases - 1} times`} on the way. If you chose them in view of the results, the numbers above, which take them as fixed beforehand, are not what you may claim: that is the budget, ε ≤ ${shown(budget)}, which a privacy filter has kept at every step.`
        : `The budget ε ≤ ${shown(budget)} holds whatever you change on the way: a privacy filter admits each step.`,
    report: E.isRight(report) ? showPrivacyReport(report.right) : '',
  }
}

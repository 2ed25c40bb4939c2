/**
 * The accountants, each ready to be asked, whatever its curves are.
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import {
  type Accountant,
  type AccountingFailure,
  allocation,
  approximateDp,
  type Bounds,
  type Calibrated,
  type CalibratedParameter,
  calibrate,
  deltaReading,
  exact,
  gdp,
  type Neighbouring,
  type PrivacyEvent,
  pld,
  prv,
  type RiskFailure,
  type RiskTarget,
  rdp,
  tradeOff,
  truePositiveRate,
} from '../../privacy/index.js'
import { type PrivacyReport, type PrivacyReportRequest, privacyReport } from '../../report/index.js'
import type { AccountantName } from './accountant-names.js'

/** An event as one accountant reads it. */
export interface Reading {
  readonly epsilon: (delta: number) => Bounds
  readonly delta: (epsilon: number) => Bounds
  /** The least false negative rate at a false positive rate, from below. */
  readonly falseNegativeRate: (falsePositiveRate: number) => number
  /** The largest true positive rate at a false positive rate, from above. */
  readonly truePositiveRate: (falsePositiveRate: number) => number
}

/** An accountant without its curves. */
export interface Asked {
  readonly name: AccountantName
  readonly neighbouring: Neighbouring
  readonly read: (event: PrivacyEvent) => E.Either<AccountingFailure, Reading>
  readonly report: (
    request: Omit<PrivacyReportRequest<unknown>, 'accountant'>,
  ) => E.Either<AccountingFailure, PrivacyReport>
  readonly calibrate: (
    target: RiskTarget,
  ) => (
    parameter: CalibratedParameter,
  ) => (eventOf: (value: number) => PrivacyEvent) => E.Either<RiskFailure, Calibrated>
}

const asked = <Curve>(name: AccountantName, accountant: Accountant<Curve>): Asked => ({
  name,
  neighbouring: accountant.neighbouring,
  read: (event) =>
    pipe(
      accountant.interpret(event),
      E.map((curve) => {
        const delta = deltaReading(accountant)(curve)
        const shared: Accountant<Curve> = { ...accountant, profile: () => delta }
        return {
          epsilon: (at: number) => accountant.epsilon(at)(curve),
          delta,
          falseNegativeRate: (rate: number) => tradeOff(shared)(rate)(curve),
          truePositiveRate: (rate: number) => truePositiveRate(shared)(rate)(curve),
        }
      }),
    ),
  report: (request) => privacyReport({ ...request, accountant }),
  calibrate: (target) => calibrate(accountant, target),
})

/** An accountant under a relation; undefined where it has none such. */
export const accountantOf = (name: AccountantName, neighbouring: Neighbouring): Asked | undefined => {
  switch (name) {
    case 'exact':
      return asked(name, exact({ neighbouring }))
    case 'pld':
      return asked(name, pld({ neighbouring }))
    case 'prv':
      return asked(name, prv({ neighbouring }))
    case 'rdp':
      return asked(name, rdp({ neighbouring }))
    case 'gdp':
      return asked(name, gdp({ neighbouring }))
    case 'approximate-dp':
      return asked(name, approximateDp({ neighbouring }))
    case 'allocation':
      return neighbouring === 'replaceOne' ? undefined : asked(name, allocation({ neighbouring }))
  }
}

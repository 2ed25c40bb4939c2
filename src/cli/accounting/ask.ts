/**
 * One question to many accountants.
 */
import * as E from 'fp-ts/lib/Either.js'
import {
  type AccountingFailure,
  approximateEpsilonOf,
  type Bounds,
  type Neighbouring,
  type PrivacyEvent,
} from '../../privacy/index.js'
import type { Terminal } from '../terminal.js'
import type { AccountantName } from './accountant-names.js'
import { accountantOf, type Reading } from './accountants.js'

/** What one accountant says. */
export interface Said {
  readonly accountant: AccountantName
  readonly milliseconds: number
  /** Or why it reads no such event. */
  readonly answer: E.Either<string, Bounds>
}

/** What all say of one relation. */
export interface Hearing {
  readonly neighbouring: Neighbouring
  readonly said: readonly Said[]
  /** The central limit, an approximation; undefined where it has none. */
  readonly centralLimit: number | undefined
}

/** The least upper bound: each is proved, so the least is. Undefined where nobody has one. */
export const claimOf = ({ said }: Hearing): { readonly by: AccountantName; readonly bounds: Bounds } | undefined =>
  said.reduce<{ readonly by: AccountantName; readonly bounds: Bounds } | undefined>(
    (best, { accountant, answer }) =>
      E.isRight(answer) && (best === undefined || answer.right.upper < best.bounds.upper)
        ? { by: accountant, bounds: answer.right }
        : best,
    undefined,
  )

const askOne = (name: AccountantName, neighbouring: Neighbouring, event: PrivacyEvent, delta: number): Said => {
  const began = performance.now()
  const accountant = accountantOf(name, neighbouring)
  const answer: E.Either<string, Bounds> =
    accountant === undefined
      ? E.left('no dominating pair is known where one record replaces another')
      : E.bimap(
          (failure: AccountingFailure) => (failure._tag === 'UnsupportedEvent' ? failure.reason : failure.requirement),
          (reading: Reading) => reading.epsilon(delta),
        )(accountant.read(event))
  return { accountant: name, milliseconds: performance.now() - began, answer }
}

/** ε at δ by each accountant under each relation. */
export const hear = (
  event: PrivacyEvent,
  {
    delta,
    accountants,
    relations,
  }: {
    readonly delta: number
    readonly accountants: readonly AccountantName[]
    readonly relations: readonly Neighbouring[]
  },
  terminal: Pick<Terminal, 'progress'>,
): readonly Hearing[] =>
  relations.map((neighbouring) => {
    const said = accountants.map((name) => {
      terminal.progress(`${name} …`)
      return askOne(name, neighbouring, event, delta)
    })
    const limit = neighbouring === 'addOrRemoveOne' ? approximateEpsilonOf(delta)(event) : E.left(undefined)
    terminal.progress('')
    return { neighbouring, said, centralLimit: E.isRight(limit) ? limit.right.approximate : undefined }
  })

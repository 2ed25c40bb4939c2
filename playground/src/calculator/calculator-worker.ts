/**
 * The worker that answers the calculator: the latest query, until the next one comes.
 */
import * as E from 'fp-ts/lib/Either.js'
import { type Bounds, epsilonOf, exact, type PrivacyEvent } from '../../../src/privacy/index.js'
import { breathe, port } from '../page/worker-port.js'
import { type Answer, exactAnswers, instantAnswers, latticeAnswers } from './answers.js'
import type { Query } from './query.js'

/** Who answers: each in a worker of its own, so that the quick ones do not wait for the others. */
export type Role = 'instant' | 'exact' | 'lattice'

export type Asked =
  | { readonly _tag: 'Query'; readonly number: number; readonly role: Role; readonly query: Query }
  | { readonly _tag: 'Ledger'; readonly number: number; readonly event: PrivacyEvent; readonly delta: number }

export type Told =
  | { readonly _tag: 'Answer'; readonly number: number; readonly answer: Answer }
  | { readonly _tag: 'Spent'; readonly number: number; readonly bounds: Bounds | undefined }

const answersOf: Readonly<Record<Role, (query: Query) => Generator<Answer>>> = {
  instant: instantAnswers,
  exact: exactAnswers,
  lattice: latticeAnswers,
}

/** Milliseconds that nothing new is asked before the slow accountants begin: while a slider moves, processors are for the quick ones. */
const PATIENCE: Readonly<Record<Role, number>> = { instant: 0, exact: 0, lattice: 200 }

let latest = 0

const { listen, post } = port<Asked, Told>()

listen(async (asked) => {
  latest = asked.number
  if (asked._tag === 'Ledger') {
    const found = epsilonOf(exact(), asked.delta)(asked.event)
    post({ _tag: 'Spent', number: asked.number, bounds: E.isRight(found) ? found.right : undefined })
    return
  }
  if (PATIENCE[asked.role] > 0) {
    await new Promise((resolve) => setTimeout(resolve, PATIENCE[asked.role]))
    if (latest !== asked.number) return
  }
  for (const answer of answersOf[asked.role](asked.query)) {
    post({ _tag: 'Answer', number: asked.number, answer })
    await breathe()
    if (latest !== asked.number) return
  }
})

/**
 * Privacy of users: of everything that one person contributed, not of one record.
 *
 * Legend: k = maxExamplesPerUser, the most records that any user has (bound it when the data is collected or cut). Datasets are
 * neighbours that differ in all records of one user.
 *
 * Where users are sampled and each one's contribution is clipped as a whole, events are about users already: nothing here is needed.
 */
import type { Either } from 'fp-ts/lib/Either.js'
import * as E from 'fp-ts/lib/Either.js'
import { logBinomialMass } from '../tensor/binomial.js'
import {
  type Accountant,
  type AccountingFailure,
  type Bounds,
  epsilonOf,
  type UnsupportedEvent,
  unsupportedEvent,
} from './accountant.js'
import { composed, gaussian, mixtureOfGaussians, type PrivacyEvent, selfComposed, shuffled } from './event/event.js'
import { noiseMultiplierOf, precisionOf } from './gaussian-precision.js'
import { invalidParameter } from './invalid-parameter.js'
import { approximateDpOfGroup } from './neighbouring.js'
import { narrow } from './root.js'

/** The law of how many of a user's k records a Poisson batch holds. */
const binomial = (k: number, q: number): readonly number[] =>
  Array.from({ length: k + 1 }, (_, successes) =>
    Math.exp(logBinomialMass({ trials: k, successes, logOdds: Math.log(q) - Math.log1p(-q) })),
  )

const NAME = 'user level'

/**
 * The event of a user with up to k records, from the event of one record.
 *
 *   Gaussian(σ)              → Gaussian(σ/k)                      k records move a sum by kC
 *   Poisson(q, Gaussian(σ))  → Mixture(σ, Binomial(k, q) at 0 … k)
 *   Shuffled(Gaussian(σ))    → Shuffled(Gaussian(σ/k))            all k in one batch is the worst: Σ kᵢ² ≤ k²
 *
 * and through compositions. Correlated noise: each record by its own pattern, so k times the sensitivity.
 *
 * Guarantee  an upper bound, exact for users whose k records have the same gradient
 * Errors     UnsupportedEvent for any other event; `userEpsilonByGroups` reads them all, less tightly
 * Reference  Ganesh 2024, arXiv:2401.10294 (mixtures); Charles et al. 2024, arXiv:2407.07737
 *
 * @example
 * userLevelEvent(3)(Event.gaussian(6)) // => { _tag: 'Right', right: Event.gaussian(2) }
 */
export const userLevelEvent =
  (maxExamplesPerUser: number) =>
  (event: PrivacyEvent): Either<UnsupportedEvent, PrivacyEvent> => {
    const k = maxExamplesPerUser
    const unsupported = (reason: string): Either<UnsupportedEvent, PrivacyEvent> =>
      E.left(unsupportedEvent(NAME, event, reason))
    if (!(Number.isSafeInteger(k) && k > 0)) return unsupported(`a user has at least one record, not ${k}`)
    const inner = userLevelEvent(k)
    switch (event._tag) {
      case 'NoOp':
      case 'NonPrivate':
        return E.right(event)
      case 'Gaussian':
        return E.right({ ...event, noiseMultiplier: event.noiseMultiplier / k })
      case 'TreeAggregation':
      case 'MatrixFactorisation':
        return E.bimap(
          (reason: string) => unsupportedEvent(NAME, event, reason),
          () => ({ ...event, noiseMultiplier: event.noiseMultiplier / k }),
        )(noiseMultiplierOf(event))
      case 'SelfComposed':
        return E.map(selfComposed(event.count))(inner(event.event))
      case 'Composed':
        return E.map((events: readonly PrivacyEvent[]) => composed(events))(E.traverseArray(inner)(event.events))
      case 'Shuffled':
        return precisionOf(event.event) === undefined
          ? unsupported('only Gaussian mechanisms on shuffled batches are read')
          : E.map(shuffled(event.batches))(inner(event.event))
      case 'PoissonSampled': {
        const precision = precisionOf(event.event)
        const q = event.samplingProbability
        if (precision === undefined) return unsupported('only Gaussian mechanisms on Poisson batches are read')
        if (!(q >= 0 && q <= 1)) return unsupported('a sampling probability must be in [0, 1]')
        if (q === 0 || precision === 0) return E.right({ _tag: 'NoOp' })
        if (q === 1 || precision === Infinity) return inner(gaussian(precision ** -0.5))
        return E.right(
          mixtureOfGaussians({
            noiseMultiplier: precision ** -0.5,
            sensitivities: Array.from({ length: k + 1 }, (_, count) => count),
            probabilities: binomial(k, q),
          }),
        )
      }
      default:
        return unsupported('no event of several records of it is known here')
    }
  }

/** The smallest δ of one record that is tried. */
const LEAST_DELTA = 2 ** -1022

/**
 * ε of a user with up to k records at δ, from any accountant of one record: the best (ε₁, δ₁) of which k steps stay within δ.
 *
 *   ε = k ε₁(δ₁),   δ₁ (1 + e^ε₁ + … + e^{(k−1)ε₁}) = δ
 *
 * Guarantee  `upper` is an upper bound; ∞ where no δ₁ that a double can hold is small enough. `lower` is 0
 * Cost       about 15 values of ε₁
 * Errors     those of the accountant; InvalidParameter for a k that is none
 * Reference  Vadhan 2017, "The complexity of differential privacy", Lemma 2.2
 *
 * @example
 * userEpsilonByGroups(rdp(), { maxExamplesPerUser: 2, delta: 0.5 })(Event.pureDp(1))._tag // => 'Right'
 */
export const userEpsilonByGroups =
  <Curve>(
    accountant: Accountant<Curve>,
    { maxExamplesPerUser, delta }: { readonly maxExamplesPerUser: number; readonly delta: number },
  ) =>
  (event: PrivacyEvent): Either<AccountingFailure, Bounds> => {
    if (!(Number.isSafeInteger(maxExamplesPerUser) && maxExamplesPerUser > 0))
      return E.left(invalidParameter('maxExamplesPerUser', maxExamplesPerUser, 'an integer ≥ 1'))
    const one = epsilonOf(accountant, delta)(event)
    if (E.isLeft(one) || maxExamplesPerUser === 1) return one
    const curve = accountant.interpret(event)
    if (E.isLeft(curve)) return curve
    const group = approximateDpOfGroup(maxExamplesPerUser)
    const at = (logDelta: number): number => accountant.epsilon(Math.exp(logDelta))(curve.right).upper
    /** log of the group's δ over the one that is asked for. */
    const excess = (logDelta: number): number => {
      const epsilon = at(logDelta)
      // e^{(k−1)ε} ≤ 1 + … + e^{(k−1)ε} ≤ k e^{(k−1)ε}, where the sum itself is no number.
      const spread =
        maxExamplesPerUser * epsilon < 700
          ? Math.log(group({ epsilon, delta: 2 ** -900 }).delta) + 900 * Math.LN2
          : (maxExamplesPerUser - 1) * epsilon + Math.log(maxExamplesPerUser)
      return logDelta + spread - Math.log(delta)
    }
    const bounds = (upper: number): Bounds => ({
      lower: 0,
      estimate: upper,
      upper,
      neighbouring: accountant.neighbouring,
    })
    if (delta === 0) return E.right(bounds(maxExamplesPerUser * one.right.upper))
    const [most, least] = [Math.log(delta), Math.log(LEAST_DELTA)]
    if (!(excess(least) <= 0)) return E.right(bounds(Infinity))
    const logDelta =
      excess(most) <= 0 ? most : narrow({ bracket: { above: most, below: least }, tolerance: 1e-9 })(excess).below
    return E.right(bounds(maxExamplesPerUser * at(logDelta)))
  }

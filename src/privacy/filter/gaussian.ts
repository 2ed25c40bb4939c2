/**
 * The filter of Gaussian differential privacy.
 */
import type { Either } from 'fp-ts/lib/Either.js'
import * as E from 'fp-ts/lib/Either.js'
import { interpretBy, type MechanismEvent } from '../accountant.js'
import type { PrivacyTarget } from '../calibrate.js'
import { type GdpCurve, GdpCurves, gdp, gdpFor } from '../gdp.js'
import type { InvalidParameter } from '../invalid-parameter.js'
import { gdpOfPureDp, gdpOfRandomizedResponse } from '../mu-of-mechanism.js'
import { type Neighbouring, sensitivityOf } from '../neighbouring.js'
import type { PrivacyFilter } from './filter.js'

/** μ² of one mechanism. */
const muSquaredOf =
  (neighbouring: Neighbouring) =>
  (event: MechanismEvent): Either<string, GdpCurve> => {
    switch (event._tag) {
      case 'PureDp':
      case 'ExponentialMechanism':
        return event.epsilon >= 0
          ? E.right({ precision: gdpOfPureDp(event.epsilon * sensitivityOf(neighbouring)) ** 2 })
          : E.left('an ε must be ≥ 0')
      case 'RandomizedResponse':
        return neighbouring === 'replaceOne' &&
          event.noiseParameter > 0 &&
          event.noiseParameter <= 1 &&
          event.buckets >= 2
          ? E.right({ precision: gdpOfRandomizedResponse(event) ** 2 })
          : E.left('randomised response has a μ where a record is replaced, and with a noise parameter in (0, 1]')
      default:
        return E.mapLeft(({ reason }: { readonly reason: string }) => reason)(gdp({ neighbouring }).interpret(event))
    }
  }

/**
 * The Gaussian filter: Σ μ² ≤ μ². Adaptivity costs nothing: as many Gaussians fit as if all had been fixed beforehand.
 *
 * Reads       Gaussians (trees and factorisations), ε-DP mechanisms and randomised response, by the least μ of theirs
 * Guarantee   the interaction is μ-GDP, and so (ε, δ)-DP
 * References  Smith & Thakurta 2022, arXiv:2210.17520 · Koskela, Tobaben & Honkela 2023, arXiv:2209.15596
 *
 * @example
 * gdpFilter({ epsilon: 1, delta: 0 })._tag // => 'Left'
 */
export const gdpFilter = ({
  neighbouring = 'addOrRemoveOne',
  ...target
}: PrivacyTarget & { readonly neighbouring?: Neighbouring }): Either<InvalidParameter, PrivacyFilter> =>
  E.map((mu: number): PrivacyFilter => {
    const budget = mu * mu * (1 - 1e-12)
    const interpret = interpretBy({
      name: 'gdp',
      curve: GdpCurves,
      repeat: (count) => (curve: GdpCurve) => (count === 0 ? GdpCurves.empty : { precision: count * curve.precision }),
      mechanism: muSquaredOf(neighbouring),
    })
    return {
      name: 'gdp',
      neighbouring,
      guarantee: target,
      units: ['mu²'],
      costOf: (event) => E.map(({ precision }: GdpCurve) => [precision])(interpret(event)),
      within: ([spent]) => (spent as number) <= budget,
    }
  })(gdpFor(target))

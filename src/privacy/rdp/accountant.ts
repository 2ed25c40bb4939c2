/**
 * The Rényi accountant: events become Rényi curves, which are read as (ε, δ) at the best real order.
 */

import type { Either } from 'fp-ts/lib/Either.js'
import * as E from 'fp-ts/lib/Either.js'
import {
  type Accountant,
  type Bounds,
  checkDelta,
  checkEpsilon,
  interpretBy,
  type MechanismEvent,
  type UnsupportedEvent,
} from '../accountant.js'
import type { Neighbouring } from '../neighbouring.js'
import { bestDelta, bestEpsilon, type RdpConversion } from './conversion.js'
import { logSafeOf, type RdpCurve, RdpCurves, rdpAtExcess, repeatRdp, withoutFailures } from './curve.js'
import type { ReadCurve } from './displaced-record.js'
import { mechanismCurve } from './mechanism.js'
import { sampledCurve } from './sampler.js'

/** The curve of one mechanism under a relation; parts of it may be read under another. */
const mechanismFor =
  (neighbouring: Neighbouring) =>
  (event: MechanismEvent): Either<string, RdpCurve> =>
    'event' in event ? sampledCurve(readCurve, neighbouring)(event) : mechanismCurve(neighbouring)(event)

const interpretUnder = (neighbouring: Neighbouring): Accountant<RdpCurve>['interpret'] =>
  interpretBy({ name: 'rdp', curve: RdpCurves, repeat: repeatRdp, mechanism: mechanismFor(neighbouring) })

const readCurve: ReadCurve = (neighbouring) => (event) =>
  E.mapLeft(({ reason }: UnsupportedEvent) => reason)(interpretUnder(neighbouring)(event))

/** Choices of the Rényi accountant. */
export interface RdpOptions {
  /** The relation between datasets; `addOrRemoveOne` if not given. */
  readonly neighbouring?: Neighbouring
  /** Orders > 1 to read the curve at. If not given, the best real order is found. */
  readonly orders?: readonly number[]
  /** The step from a Rényi guarantee to (ε, δ); `improved` if not given. */
  readonly conversion?: RdpConversion
}

/**
 * The Rényi accountant.
 *
 * Reads      every mechanism (randomised response where datasets are of one size); the best of a random number of runs; Poisson
 *            samples: of Gaussians (several on one batch included), mixtures, Laplace noise and ε-DP mechanisms exactly, of an
 *            (ε, δ) mechanism by its own theorem, of anything else by the bound for any curve. Under `replaceOne` a clipped sum
 *            moves twice as far, and a Poisson sample is bounded through the dataset without the record. Batches of fixed size and
 *            truncated Poisson samples, by a bound for Gaussians and one for any curve; draws with replacement for Gaussians, with
 *            little use where the noise is not far above what a record adds. Only where datasets are of one size: shuffled
 *            epochs, each as one release without amplification. Random allocation, without amplification too
 * Guarantee  `upper` is an upper bound of ε (or δ): the divergences are raised by 1e-12 relative before they are converted.
 *            `lower` is 0, except for a non-private event: a Rényi curve proves nothing from below
 * Cost       about 20 evaluations of each distinct term: well under a millisecond a term, whatever the number of steps
 * References Mironov 2017, arXiv:1702.07476 · Mironov, Talwar & Zhang 2019, arXiv:1908.10530 · Balle et al. 2020, arXiv:1905.09982
 *
 * @example
 * rdp().interpret(Event.selfComposed(3)(Event.gaussian(2))) // => { _tag: 'Right', right: { terms: [{ term: { _tag: 'Gaussian', noiseMultiplier: 2 }, count: 3 }] } }
 */
export const rdp = ({
  neighbouring = 'addOrRemoveOne',
  orders,
  conversion = 'improved',
}: RdpOptions = {}): Accountant<RdpCurve> => {
  const exactly = (value: number): Bounds => ({ lower: value, estimate: value, upper: value, neighbouring })
  return {
    name: 'rdp',
    neighbouring,
    curve: RdpCurves,
    interpret: interpretUnder(neighbouring),
    epsilon: (delta) => {
      checkDelta(delta)
      return (curve) => {
        if (curve.terms.length === 0 || delta === 1) return exactly(0)
        const failure = -Math.expm1(logSafeOf(curve))
        if (failure === 1) return exactly(Infinity)
        if (failure > 0 && !(delta > failure)) return { lower: 0, estimate: Infinity, upper: Infinity, neighbouring }
        const at = rdpAtExcess(withoutFailures(curve))
        // The loss never exceeds the divergence of infinite order, at any δ.
        const worst = at(Infinity)
        const whole = { lower: 0, estimate: worst, upper: worst * (1 + 1e-12), neighbouring, order: Infinity }
        // δ(ε) = 1 − (1 − failure)(1 − δ′(ε)).
        const rest = (delta - failure * (1 + 1e-15)) / (1 - failure)
        if (!(rest > 0)) return whole
        const found = bestEpsilon(rest, conversion, orders)(at)
        return found.estimate < worst ? { lower: 0, ...found, neighbouring } : whole
      }
    },
    delta: (epsilon) => {
      checkEpsilon(epsilon)
      return (curve) => {
        if (curve.terms.length === 0) return exactly(0)
        const failure = -Math.expm1(logSafeOf(curve))
        if (failure === 1) return exactly(epsilon === Infinity ? 0 : 1)
        const at = rdpAtExcess(withoutFailures(curve))
        const { estimate, upper, order } =
          epsilon >= at(Infinity)
            ? { estimate: 0, upper: 0, order: Infinity }
            : bestDelta(epsilon, conversion, orders)(at)
        if (failure === 0 || epsilon === Infinity) return { lower: 0, estimate, upper, neighbouring, order }
        const withFailure = (delta: number): number => failure + (1 - failure) * delta
        return {
          lower: 0,
          estimate: withFailure(estimate),
          upper: Math.min(1, withFailure(upper) * (1 + 1e-14)),
          neighbouring,
          order,
        }
      }
    },
  }
}

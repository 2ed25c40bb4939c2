/**
 * The privacy loss accountant: events become multisets of loss laws, whose sum is enclosed between two laws on a lattice.
 */
import type { Either } from 'fp-ts/lib/Either.js'
import * as E from 'fp-ts/lib/Either.js'
import { type Accountant, checkDelta, checkEpsilon, interpretBy, type UnsupportedEvent } from '../accountant.js'
import type { PrivacyEvent } from '../event/event.js'
import type { Neighbouring } from '../neighbouring.js'
import { defaultResolution, type Enclosed, type Resolution } from './composed-bounds.js'
import { type CountedPair, deltaOfPairs, epsilonOfPairs } from './composed-pairs.js'
import { directionsOf, type PldCurve, PldCurves, repeatPld } from './curve.js'
import { withFarGaussians } from './far-gaussians.js'
import { withFarTerms } from './far-terms.js'
import { pldMechanism } from './mechanism-term.js'

/** How an accountant of loss laws reads events under a relation between datasets. */
export const interpretAsPld = (name: string, neighbouring: Neighbouring): Accountant<PldCurve>['interpret'] => {
  const interpret: Accountant<PldCurve>['interpret'] = interpretBy({
    name,
    curve: PldCurves,
    repeat: repeatPld,
    mechanism: (event) => pldMechanism(neighbouring, inner)(event),
  })
  const inner = (event: PrivacyEvent): Either<string, PldCurve> =>
    E.mapLeft(({ reason }: UnsupportedEvent) => reason)(interpret(event))
  return interpret
}

/** Choices of the privacy loss accountant. */
export interface PldOptions {
  /** The relation between datasets; `addOrRemoveOne` if not given. */
  readonly neighbouring?: Neighbouring
  /** Distance of the bounds that is aimed at: relative to ε (ten times that relative to δ), 1e-4 if not given. */
  readonly relativeTolerance?: number
  /** Distance of the bounds of ε that is small enough however small ε is, 1e-6 if not given. */
  readonly absoluteTolerance?: number
  /** The most lattice points that a composition is resolved by, a power of two; 2²⁰ if not given. */
  readonly mostPoints?: number
}

const exactly = (value: number): Enclosed => ({ lower: value, estimate: value, upper: value })

/** The worse of two directions. */
const worse = (a: Enclosed, b: Enclosed): Enclosed => ({
  lower: Math.max(a.lower, b.lower),
  estimate: Math.max(a.estimate, b.estimate),
  upper: Math.max(a.upper, b.upper),
})

/** A look with few points, to see whether a direction can matter. */
const coarse = ({ relative, absolute, mostPoints }: Resolution): Resolution => ({
  relative: 50 * relative,
  absolute: 50 * absolute,
  mostPoints: Math.min(2 ** 14, mostPoints),
})

/** The worst of all directions; a direction that a coarse look shows to be the better one is not looked at again. */
const worstOf = (
  directions: readonly (readonly CountedPair[])[],
  resolution: Resolution,
  read: (pairs: readonly CountedPair[], resolution: Resolution) => Enclosed,
): Enclosed =>
  directions
    .slice(1)
    .reduce(
      (found, pairs) =>
        read(pairs, coarse(resolution)).upper <= found.lower ? found : worse(found, read(pairs, resolution)),
      read(directions[0] ?? [], resolution),
    )

/**
 * The privacy loss accountant, with both bounds.
 *
 * Reads      Gaussian, Laplace, discrete Gaussian and discrete Laplace mechanisms, mixtures of Gaussians, (ε, δ) mechanisms, trees and
 *            factorisations of Gaussians; Poisson samples of any of them, several Gaussians on one batch included; of Gaussians truncated
 *            samples and batches of a fixed size too, and draws with replacement where a record is added or removed; randomized response
 *            where datasets are of one size. Under `replaceOne` no samples but those of Gaussians and their mixtures. Both directions of
 *            adding or removing a record are evaluated, and the worse is reported
 * Guarantee  lower ≤ truth ≤ upper at every δ, rounding included. The law of each loss is enclosed by two laws on a lattice, the sums of
 *            these by tilted transforms whose errors are added; the lattice is halved until the bounds are within the tolerance, or
 *            points run out: the bounds are then wider. An (ε, δ) mechanism is taken for the worst that it may be; where the
 *            pair is an upper bound (truncated samples, shuffled epochs, a batch of a fixed size or an (ε, δ) mechanism whose record is
 *            replaced), `lower` is of one that is reached, and may be far below. `estimate` lies between the bounds where their errors
 *            of second order cancel; nothing is claimed of it
 * Cost       transforms of 2¹² to 2²⁰ points, two for each distinct term and direction: 10 ms to 1 s, 3 s for 10⁷ steps and more. A
 *            single mechanism needs none
 * Errors     a RangeError for an ε or δ that is none; UnsupportedEvent for what has no loss law here
 * References Doroshenko et al. 2022, arXiv:2207.04380 · Koskela, Jälkö & Honkela 2020, arXiv:1906.03049 · Zhu, Dong & Wang 2022,
 *            arXiv:2106.08567 · Lebeda, Regehr, Kamath & Steinke 2024, arXiv:2405.20769 (both directions)
 *
 * @example
 * pld().epsilon(1e-5)({ precision: 1, terms: [] }).upper.toFixed(6) // => '4.377178'
 */
export const pld = ({
  neighbouring = 'addOrRemoveOne',
  relativeTolerance: relative = defaultResolution.relative,
  absoluteTolerance: absolute = defaultResolution.absolute,
  mostPoints = defaultResolution.mostPoints,
}: PldOptions = {}): Accountant<PldCurve> => {
  const resolution = { relative, absolute, mostPoints }
  const pairsOf = directionsOf(neighbouring)
  const near: Accountant<PldCurve> = {
    name: 'pld',
    neighbouring,
    curve: PldCurves,
    interpret: interpretAsPld('pld', neighbouring),
    epsilon: (delta) => {
      checkDelta(delta)
      return (curve) => {
        if (delta === 1 || (curve.precision === 0 && curve.terms.length === 0)) return { ...exactly(0), neighbouring }
        if (curve.precision === Infinity) return { ...exactly(Infinity), neighbouring }
        return {
          ...worstOf(pairsOf(curve), resolution, (pairs, at) => epsilonOfPairs(pairs, at)(delta)),
          neighbouring,
          method: 'connected dots',
        }
      }
    },
    delta: (epsilon) => {
      checkEpsilon(epsilon)
      return (curve) => {
        if (curve.precision === 0 && curve.terms.length === 0) return { ...exactly(0), neighbouring }
        if (curve.precision === Infinity) return { ...exactly(epsilon === Infinity ? 0 : 1), neighbouring }
        return {
          ...worstOf(pairsOf(curve), resolution, (pairs, at) => deltaOfPairs(pairs, at)(epsilon)),
          neighbouring,
          method: 'connected dots',
        }
      }
    },
  }
  return withFarTerms(withFarGaussians(near))
}

/**
 * Terms whose losses lie beyond what 64 bits resolve: an upper bound reveals all that they see, a lower bound makes their noise wider, or
 * leaves out what is hardly ever drawn.
 */
import type { Accountant, Bounds } from '../accountant.js'
import type { Neighbouring } from '../neighbouring.js'
import { nonPrivatePld, type PldCurve, PldCurves, type PldMechanism, type PldTerm, pldOf, repeatPld } from './curve.js'

/** Sensitivities in units of the noise, and pure ε, up to which losses are resolved. */
const FARTHEST = { sensitivity: 1e3, epsilon: 600 }

/** How often a mechanism's noise is too narrow: 1 or less where it is resolved. */
const excessOf = (mechanism: PldMechanism): number => {
  switch (mechanism._tag) {
    case 'Gaussian':
      return mechanism.mu / FARTHEST.sensitivity
    case 'Laplace':
      return mechanism.beta / FARTHEST.sensitivity
    case 'MixtureOfGaussians':
      return mechanism.mus.reduce((most, mu) => Math.max(most, mu), 0) / FARTHEST.sensitivity
    case 'ApproximateDp':
      return mechanism.epsilon / FARTHEST.epsilon
    default:
      return 1
  }
}

/** Probabilities of being drawn below which the quotients of losses overflow. */
const RAREST = 1e-290

const isRare = ({ sampling }: PldTerm): boolean => sampling._tag === 'Poisson' && sampling.samplingProbability < RAREST

const isFar = (term: PldTerm): boolean => isRare(term) || excessOf(term.mechanism) > 1

/** The mechanism that tells nothing. */
const silent: PldTerm = { mechanism: { _tag: 'ApproximateDp', epsilon: 0, delta: 0 }, sampling: { _tag: 'None' } }

/** Of what exceeds everything, infinitely often, the farthest is left. */
const divided = (x: number, excess: number, farthest: number): number =>
  excess < Infinity ? x / excess : x === Infinity ? farthest : 0

/** The same with as little noise as is resolved: more noise added to what was released, or a guarantee that is kept too. */
const widened = (term: PldTerm): PldTerm => {
  if (isRare(term)) return silent
  const { mechanism } = term
  const excess = excessOf(mechanism)
  switch (mechanism._tag) {
    case 'Gaussian':
      return { ...term, mechanism: { ...mechanism, mu: divided(mechanism.mu, excess, FARTHEST.sensitivity) } }
    case 'Laplace':
      return { ...term, mechanism: { ...mechanism, beta: divided(mechanism.beta, excess, FARTHEST.sensitivity) } }
    case 'MixtureOfGaussians':
      return {
        ...term,
        mechanism: { ...mechanism, mus: mechanism.mus.map((mu) => divided(mu, excess, FARTHEST.sensitivity)) },
      }
    case 'ApproximateDp':
      return { ...term, mechanism: { ...mechanism, epsilon: divided(mechanism.epsilon, excess, FARTHEST.epsilon) } }
    default:
      return term
  }
}

/** The curve of everything that a term's sample sees: the record is told whenever it was drawn. */
const revealed = ({ sampling }: PldTerm, neighbouring: Neighbouring): PldCurve => {
  if (sampling._tag !== 'Poisson') return nonPrivatePld
  // Where a record is replaced, one of the two is told, and what is told else is the same.
  return neighbouring === 'replaceOne'
    ? pldOf({
        mechanism: { _tag: 'ApproximateDp', epsilon: 0, delta: sampling.samplingProbability },
        sampling: { _tag: 'None' },
      })
    : pldOf({ mechanism: { _tag: 'ApproximateDp', epsilon: 0, delta: 1 }, sampling })
}

/** A curve with each of its far terms replaced. */
const replaced = ({ precision, terms }: PldCurve, by: (term: PldTerm) => PldCurve): PldCurve =>
  terms.reduce<PldCurve>(
    (curve, { term, count }) =>
      PldCurves.concat(curve, repeatPld(count)(isFar(term) ? by(term) : { precision: 0, terms: [{ term, count: 1 }] })),
    { precision, terms: [] },
  )

/**
 * An accountant that encloses far terms by two curves that it resolves.
 *
 * Guarantee  what is released is a function of what is revealed, and noise that is wider is what was released with more noise: δ lies
 *            between those of the two curves
 */
export const withFarTerms = (accountant: Accountant<PldCurve>): Accountant<PldCurve> => {
  const { neighbouring } = accountant
  const enclosed =
    (read: (curve: PldCurve) => Bounds) =>
    (curve: PldCurve): Bounds => {
      if (!curve.terms.some(({ term }) => isFar(term))) return read(curve)
      const { lower, ...rest } = read(replaced(curve, (term) => pldOf(widened(term))))
      const upper = Math.max(lower, read(replaced(curve, (term) => revealed(term, neighbouring))).upper)
      return { ...rest, lower, estimate: Math.min(upper, Math.max(lower, rest.estimate)), upper }
    }
  return {
    ...accountant,
    epsilon: (delta) => enclosed(accountant.epsilon(delta)),
    delta: (epsilon) => enclosed(accountant.delta(epsilon)),
  }
}

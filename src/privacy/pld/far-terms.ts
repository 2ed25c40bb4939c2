/**
 * Terms whose losses lie beyond what 64 bits resolve: an upper bound reveals all that they see, a lower bound makes their noise wider, or
 * leaves out what is hardly ever drawn. And terms whose pair is an upper bound, for which another one bounds from below.
 */
import type { Accountant, Bounds } from '../accountant.js'
import type { Neighbouring } from '../neighbouring.js'
import { drawProbabilities } from '../repeated-draws.js'
import { truncation } from '../truncated-sample.js'
import {
  nonPrivatePld,
  type PldCurve,
  PldCurves,
  type PldMechanism,
  type PldSampling,
  type PldTerm,
  pldOf,
  repeatPld,
} from './curve.js'

/** Sensitivities in units of the noise, and pure ε, up to which losses are resolved. */
const FARTHEST = { sensitivity: 1e3, epsilon: 600 }

/** How many times its sensitivity a record may move a sum where it displaces another, or is drawn several times. */
const movesOf = (sampling: PldSampling): number => {
  switch (sampling._tag) {
    case 'None':
    case 'Poisson':
      return 1
    case 'TruncatedPoisson':
    case 'FixedSize':
      return 2
    case 'WithReplacement':
      return 2 * (drawProbabilities(sampling).probabilities.length - 1)
    case 'ToldBatch':
      return movesOf(sampling.sampling)
  }
}

/** How often a term's noise is too narrow: 1 or less where it is resolved. */
const excessOf = (term: PldTerm): number => movesOf(term.sampling) * excessOfMechanism(term.mechanism)

const excessOfMechanism = (mechanism: PldMechanism): number => {
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
      return 0
  }
}

/** Probabilities of being drawn below which the quotients of losses overflow. */
const RAREST = 1e-290

const isRare = ({ sampling }: PldTerm): boolean => sampling._tag === 'Poisson' && sampling.samplingProbability < RAREST

const isFar = (term: PldTerm): boolean => isRare(term) || excessOf(term) > 1

/** The mechanism that tells nothing. */
const silent: PldTerm = { mechanism: { _tag: 'ApproximateDp', epsilon: 0, delta: 0 }, sampling: { _tag: 'None' } }

/** Of what exceeds everything, infinitely often, the farthest is left. */
const divided = (x: number, excess: number, farthest: number): number =>
  excess < Infinity ? x / excess : x === Infinity ? farthest : 0

/** The same with as little noise as is resolved: more noise added to what was released, or a guarantee that is kept too. */
const widened = (term: PldTerm): PldTerm => {
  if (isRare(term)) return silent
  const { mechanism } = term
  const excess = excessOf(term)
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

/**
 * A term of which the pair is the worst that is proved, but perhaps not reached: one that is reached, or the term itself.
 *
 * truncated samples  where all other records add nothing, whoever displaces the record cannot be told from nobody: a Poisson sample, at the
 *                    probability of being in a batch, (1 − τ) q + τ q_c
 * fixed sizes        where a record is added or removed the pair itself is reached. Replaced by one at the other end, where all others are too, it
 *                    is as if it were removed; by one that adds nothing, where all others add nothing, it is a Poisson sample
 * with replacement   more draws than are listed are as if there were none: a record that is seen more seldom
 * shuffled epochs    one batch alone, where all other records add nothing: a Poisson sample
 * (ε, δ) mechanisms  to replace a record moves no farther than twice (ε, δ), but what moves as far as (ε, δ) there is
 */
const reached = (term: PldTerm, neighbouring: Neighbouring): PldTerm => {
  const { mechanism, sampling } = term
  if (sampling._tag === 'TruncatedPoisson') {
    const { logCut, logUncut, logDisplacing } = truncation(sampling)
    const displacing = Math.exp(logCut + logDisplacing)
    // No batch is cut.
    if (!(displacing > 0)) return term
    const q = Math.exp(logUncut) * sampling.samplingProbability + displacing
    return { mechanism, sampling: { _tag: 'Poisson', samplingProbability: q * (1 - 1e-9) } }
  }
  if (sampling._tag === 'WithReplacement' && mechanism._tag === 'Gaussian') {
    const { probabilities, logRest } = drawProbabilities(sampling)
    if (!(logRest > -Infinity)) return term
    const drawn = probabilities.slice(1).map((p) => p * (1 - 1e-9))
    return {
      mechanism: {
        _tag: 'MixtureOfGaussians',
        mus: probabilities.map((_, j) => 2 * j * mechanism.mu),
        probabilities: [1 - drawn.reduce((sum, p) => sum + p, 0), ...drawn],
      },
      sampling: { _tag: 'None' },
    }
  }
  if (sampling._tag === 'FixedSize' && mechanism._tag === 'Gaussian') {
    const q = sampling.samplingProbability
    if (neighbouring === 'replaceSpecial') return { mechanism, sampling: { _tag: 'Poisson', samplingProbability: q } }
    return neighbouring === 'replaceOne' ? { mechanism, sampling: { ...sampling, asRemoved: true } } : term
  }
  if (sampling._tag === 'ToldBatch') {
    const { samplingProbability, sampling: inner } = sampling
    return samplingProbability > 0 && inner._tag === 'None'
      ? { mechanism, sampling: { _tag: 'Poisson', samplingProbability } }
      : silent
  }
  if (mechanism._tag !== 'ApproximateDp' || neighbouring !== 'replaceOne') return term
  const epsilon = 0.5 * mechanism.epsilon
  return { mechanism: { _tag: 'ApproximateDp', epsilon, delta: mechanism.delta / (1 + Math.exp(epsilon)) }, sampling }
}

/** The curve of a term whose pair is claimed as an upper bound. */
const claimed = (term: PldTerm, neighbouring: Neighbouring): PldCurve => {
  const { mechanism, sampling } = term
  if (sampling._tag === 'ToldBatch') return claimed({ mechanism, sampling: sampling.sampling }, neighbouring)
  // Gaussians of the whole data have a closed form, however far.
  const isClosed = mechanism._tag === 'Gaussian' && sampling._tag === 'None'
  return !isClosed && isFar(term) ? revealed(term, neighbouring) : pldOf(term)
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

/** A curve with each of its terms replaced. */
const replaced = ({ precision, terms }: PldCurve, by: (term: PldTerm) => PldCurve): PldCurve =>
  terms.reduce<PldCurve>((curve, { term, count }) => PldCurves.concat(curve, repeatPld(count)(by(term))), {
    precision,
    terms: [],
  })

/**
 * An accountant that encloses terms that it does not resolve, or of which it knows no pair that is reached, by two curves that it reads.
 *
 * Guarantee  what is released is a function of what is revealed, and noise that is wider is what was released with more noise: δ lies
 *            between those of the two curves
 */
export const withFarTerms = (accountant: Accountant<PldCurve>): Accountant<PldCurve> => {
  const { neighbouring } = accountant
  const enclosed =
    (read: (curve: PldCurve) => Bounds) =>
    (curve: PldCurve): Bounds => {
      const least = (term: PldTerm): PldTerm => reached(term, neighbouring)
      if (!curve.terms.some(({ term }) => isFar(term) || least(term) !== term)) return read(curve)
      const below = (term: PldTerm): PldTerm => (isFar(least(term)) ? widened(least(term)) : least(term))
      const { lower, ...rest } = read(replaced(curve, (term) => pldOf(below(term))))
      const most = read(replaced(curve, (term) => claimed(term, neighbouring)))
      const upper = Math.max(lower, most.upper)
      // Where nothing is far, the estimate is that of the bound that is claimed.
      const known = curve.terms.some(({ term }) => isFar(term)) ? rest.estimate : most.estimate
      return { ...rest, lower, estimate: Math.min(upper, Math.max(lower, known)), upper }
    }
  return {
    ...accountant,
    epsilon: (delta) => enclosed(accountant.epsilon(delta)),
    delta: (epsilon) => enclosed(accountant.delta(epsilon)),
  }
}

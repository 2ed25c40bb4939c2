/**
 * Compositions as data: which mechanisms, on which samples, how often. Their loss laws are made when a question is asked.
 */
import type { Monoid } from 'fp-ts/lib/Monoid.js'
import { type Neighbouring, sensitivityOf } from '../neighbouring.js'
import { drawProbabilities, type RepeatedDraws } from '../repeated-draws.js'
import { type TruncatedSample, truncation } from '../truncated-sample.js'
import {
  approximateDpPair,
  discreteGaussianPair,
  discreteLaplacePair,
  laplacePair,
  randomizedResponsePair,
} from './discrete-pair.js'
import {
  gaussianMixturePair,
  gaussianPair,
  type MixturePart,
  replacedGaussianPair,
  replacedMixturePair,
} from './gaussian-pair.js'
import { chosenAmong, type PrivacyLossPair, swapped } from './loss-pair.js'
import { type PairDirection, poissonSampledPair } from './poisson-pair.js'

/** A mechanism whose pair is known, scaled to the relation between datasets. μ and β are sensitivities in units of the noise. */
export type PldMechanism =
  | { readonly _tag: 'Gaussian'; readonly mu: number }
  | { readonly _tag: 'Laplace'; readonly beta: number }
  | { readonly _tag: 'DiscreteGaussian'; readonly sigma: number; readonly sensitivity: number }
  | { readonly _tag: 'DiscreteLaplace'; readonly rate: number; readonly sensitivity: number }
  | { readonly _tag: 'RandomizedResponse'; readonly noiseParameter: number; readonly buckets: number }
  | { readonly _tag: 'ApproximateDp'; readonly epsilon: number; readonly delta: number }
  | { readonly _tag: 'MixtureOfGaussians'; readonly mus: readonly number[]; readonly probabilities: readonly number[] }

/** How the records that a mechanism sees were drawn. */
export type PldSampling =
  | { readonly _tag: 'None' }
  | { readonly _tag: 'Poisson'; readonly samplingProbability: number }
  | ({ readonly _tag: 'TruncatedPoisson' } & TruncatedSample)
  /**
   * A batch of a fixed size, in which the record stands with this probability in the place of another one; for a lower bound as if it were
   * removed, whatever the relation.
   */
  | { readonly _tag: 'FixedSize'; readonly samplingProbability: number; readonly asRemoved?: true }
  /** Draws with replacement, among which the record may be several times. */
  | ({ readonly _tag: 'WithReplacement' } & RepeatedDraws)
  /**
   * One batch of several, told which: an upper bound, as `sampling` has it, of what is released when nobody is told. A reader of one of the
   * batches sees the record with this probability; 0 where that says nothing of the term.
   */
  | { readonly _tag: 'ToldBatch'; readonly samplingProbability: number; readonly sampling: PldSampling }

/** A mechanism on a sample. */
export interface PldTerm {
  readonly mechanism: PldMechanism
  readonly sampling: PldSampling
}

/** Terms with counts, in the order of their text, each once; and Σ μ² of unsampled Gaussians (∞: something was not private). */
export interface PldCurve {
  readonly precision: number
  readonly terms: readonly { readonly term: PldTerm; readonly count: number }[]
}

const textOf = (term: PldTerm): string => JSON.stringify(term)

/**
 * Curves under composition: equal terms are counted, precisions add. The order in which a curve was put together leaves no trace but
 * the rounding of the precision.
 */
export const PldCurves: Monoid<PldCurve> = {
  empty: { precision: 0, terms: [] },
  concat: (a, b) => {
    const counts = new Map<string, { readonly term: PldTerm; readonly count: number }>()
    for (const { term, count } of [...a.terms, ...b.terms]) {
      const text = textOf(term)
      counts.set(text, { term, count: (counts.get(text)?.count ?? 0) + count })
    }
    return {
      precision: a.precision + b.precision,
      terms: [...counts.entries()].toSorted(([x], [y]) => (x < y ? -1 : 1)).map(([, part]) => part),
    }
  },
}

/** The curve of one term. */
export const pldOf = (term: PldTerm): PldCurve =>
  term.mechanism._tag === 'Gaussian' && term.sampling._tag === 'None'
    ? { precision: term.mechanism.mu ** 2, terms: [] }
    : { precision: 0, terms: [{ term, count: 1 }] }

/** The curve of something that was released without protection. */
export const nonPrivatePld: PldCurve = { precision: Infinity, terms: [] }

/** `count` times a curve. */
export const repeatPld =
  (count: number) =>
  ({ precision, terms }: PldCurve): PldCurve =>
    count === 0
      ? PldCurves.empty
      : { precision: count * precision, terms: terms.map((part) => ({ ...part, count: count * part.count })) }

/**
 * Equal releases of the batches of a shuffled epoch, from the curve of one. Given the permutation a record stands in one batch, and the others
 * are post-processing; one batch alone is a Poisson sample of a record beside others that add nothing.
 */
export const shuffledPld =
  (batches: number) =>
  ({ precision, terms }: PldCurve): PldCurve => {
    if (batches === 1 || precision === Infinity) return { precision, terms }
    const told = ({ mechanism, sampling }: PldTerm, samplingProbability: number): PldTerm => ({
      mechanism,
      sampling: { _tag: 'ToldBatch', samplingProbability, sampling },
    })
    const gaussian: PldTerm = { mechanism: { _tag: 'Gaussian', mu: Math.sqrt(precision) }, sampling: { _tag: 'None' } }
    // Of several releases of one batch, of which one draw decides, one is told of: the Gaussians, which are one.
    const [first] = terms
    const alone =
      precision === 0 && terms.length === 1 && first?.count === 1 && first.term.mechanism._tag === 'MixtureOfGaussians'
    return terms
      .map(({ term, count }) => repeatPld(count)(pldOf(told(term, alone ? 1 / batches : 0))))
      .reduce(PldCurves.concat, precision === 0 ? PldCurves.empty : pldOf(told(gaussian, 1 / batches)))
  }

/** The parts of a mixture that is seen with a probability. */
const partsOf = (
  { mus, probabilities }: Extract<PldMechanism, { readonly _tag: 'MixtureOfGaussians' }>,
  seen = 1,
): readonly MixturePart[] => [
  ...mus.map((mu, i) => ({ mu, probability: seen * (probabilities[i] as number) })),
  { mu: 0, probability: 1 - seen },
]

/** The pair of a mechanism on all data, P being the law with the record. */
const unsampled = (mechanism: PldMechanism, neighbouring: Neighbouring): PrivacyLossPair => {
  switch (mechanism._tag) {
    case 'Gaussian':
      return gaussianPair(mechanism.mu)
    case 'Laplace':
      return laplacePair(mechanism.beta)
    case 'DiscreteGaussian':
      return discreteGaussianPair(mechanism)
    case 'DiscreteLaplace':
      return discreteLaplacePair(mechanism)
    case 'RandomizedResponse':
      return randomizedResponsePair({ ...mechanism, neighbours: neighbouring === 'replaceOne' ? 'replace' : 'remove' })
    case 'ApproximateDp':
      return approximateDpPair(mechanism)
    case 'MixtureOfGaussians':
      return (neighbouring === 'replaceOne' ? replacedMixturePair : gaussianMixturePair)(partsOf(mechanism))
  }
}

/** Is the loss of one direction distributed as that of the other? */
const isSymmetric = ({ mechanism, sampling }: PldTerm, neighbouring: Neighbouring): boolean =>
  neighbouring === 'replaceOne' ||
  (sampling._tag === 'None' && mechanism._tag !== 'MixtureOfGaussians' && mechanism._tag !== 'RandomizedResponse')

/**
 * The pair of a Gaussian of sensitivity μ on a batch in which the record displaces another one: a displaced record moves the sum by 2μ.
 *
 *   it is there or is not   (1−q) N(0) + q N(2μ)   beside   N(0)
 *   it is replaced          (1−q) N(0) + q N(2μ)   beside   (1−q) N(0) + q N(−2μ)
 *
 * Guarantee  the first is reached, by a record at one end among records at the other; the second is an upper bound
 * Reference  as of `displacedRecordCurve`
 */
const displacedPair = (
  mu: number,
  samplingProbability: number,
  neighbouring: Neighbouring,
  direction: PairDirection,
): PrivacyLossPair =>
  neighbouring === 'addOrRemoveOne'
    ? poissonSampledPair(direction, samplingProbability)(gaussianPair(2 * mu))
    : replacedGaussianPair({ mu: 2 * mu, samplingProbability })

/** The pair of a term in one direction. */
export const pairOfTerm = (term: PldTerm, neighbouring: Neighbouring, direction: PairDirection): PrivacyLossPair => {
  const { mechanism, sampling } = term
  const base = unsampled(mechanism, neighbouring)
  /** What one record adds, in units of the noise. */
  const added = mechanism._tag === 'Gaussian' ? mechanism.mu / sensitivityOf(neighbouring) : 0
  switch (sampling._tag) {
    case 'None':
      return isSymmetric(term, neighbouring) || direction === 'remove' ? base : swapped(base)
    case 'Poisson': {
      const q = sampling.samplingProbability
      if (neighbouring === 'replaceOne' && mechanism._tag === 'MixtureOfGaussians')
        return replacedMixturePair(partsOf(mechanism, q))
      // The sensitivity to a replaced record is twice μ: one record's own step to either side.
      return neighbouring === 'replaceOne' && mechanism._tag === 'Gaussian'
        ? replacedGaussianPair({ mu: added, samplingProbability: q })
        : poissonSampledPair(direction, q)(base)
    }
    case 'ToldBatch':
      return pairOfTerm({ mechanism, sampling: sampling.sampling }, neighbouring, direction)
    case 'WithReplacement': {
      // As of `withReplacementCurve`: more draws than are listed are told.
      const { probabilities, logRest } = drawProbabilities(sampling)
      const mixture = gaussianMixturePair(probabilities.map((probability, j) => ({ mu: 2 * j * added, probability })))
      const pair = direction === 'remove' ? mixture : swapped(mixture)
      const rest = Math.exp(logRest)
      return rest > 0
        ? chosenAmong([
            { weight: 1, pair },
            { weight: rest, pair: { infinity: 1, nothing: 1, atoms: [] } },
          ])
        : pair
    }
    case 'FixedSize':
      return displacedPair(
        added,
        sampling.samplingProbability,
        sampling.asRemoved ? 'addOrRemoveOne' : neighbouring,
        direction,
      )
    case 'TruncatedPoisson': {
      const { logCut, logUncut, logDisplacing } = truncation(sampling)
      const uncut = pairOfTerm({ mechanism, sampling: { ...sampling, _tag: 'Poisson' } }, neighbouring, direction)
      const [probability, displacing] = [Math.exp(logCut), Math.exp(logDisplacing)]
      // No batch is cut: at most as many records as it may have, or a chance that 64 bits do not hold.
      if (!(probability * displacing > 0)) return uncut
      return chosenAmong([
        { weight: Math.exp(logUncut), pair: uncut },
        { weight: probability, pair: displacedPair(added, displacing, neighbouring, direction) },
      ])
    }
  }
}

/** Pairs with counts in each direction that has to be looked at. */
export const directionsOf =
  (neighbouring: Neighbouring) =>
  ({
    precision,
    terms,
  }: PldCurve): readonly (readonly { readonly pair: PrivacyLossPair; readonly count: number }[])[] => {
    const directions: readonly PairDirection[] = terms.every(({ term }) => isSymmetric(term, neighbouring))
      ? ['remove']
      : ['remove', 'add']
    return directions.map((direction) => [
      ...(precision > 0 ? [{ pair: gaussianPair(Math.sqrt(precision)), count: 1 }] : []),
      ...terms.map(({ term, count }) => ({ pair: pairOfTerm(term, neighbouring, direction), count })),
    ])
  }

/**
 * Batches in which a record takes the place of another: of fixed size, or cut to a largest size.
 *
 * Legend: x the record, x′ what it is replaced by, q the probability that x stands in the batch; M the event on a batch.
 */
import type { Either } from 'fp-ts/lib/Either.js'
import * as E from 'fp-ts/lib/Either.js'
import { mixtureOfGaussians, type PrivacyEvent, poissonSampled } from '../event/event.js'
import { precisionOf } from '../gaussian-precision.js'
import type { Neighbouring } from '../neighbouring.js'
import { drawProbabilities, type RepeatedDraws } from '../repeated-draws.js'
import { type TruncatedSample, truncation } from '../truncated-sample.js'
import { logSafeOf, type RdpCurve, RdpCurves, rdpOf } from './curve.js'

/** Reads an event under a relation. */
export type ReadCurve = (neighbouring: Neighbouring) => (event: PrivacyEvent) => Either<string, RdpCurve>

const nonPrivate: RdpCurve = rdpOf({ _tag: 'NonPrivate' })

/** A curve that theorems on samples can start from: nothing in it fails openly. */
export const sound = (curve: RdpCurve): Either<string, RdpCurve> =>
  logSafeOf(curve) === 0 ? E.right(curve) : E.left('no theorem here for a sample of what may fail with a probability δ')

/**
 * A batch of a given size, in which x stands with probability q, in the place that another record y has otherwise.
 *
 *   x is there or is not   (1−q) M(S ∪ y) + q M(S ∪ x)   beside   M(S ∪ y)
 *   x is replaced          (1−q) M(S ∪ y) + q M(S ∪ x)   beside   (1−q) M(S ∪ y) + q M(S ∪ x′)
 *
 * Proof. All batches of that size are equally likely. One without x is S ∪ y, S a uniform set of one record less and y uniform
 * among the others; one with x is S ∪ x. So S and y may be drawn first, whether or not x gets in: given them the laws are those
 * above, and by joint convexity no more is lost. M(S ∪ x), M(S ∪ y) and M(S ∪ x′) are neighbours by replacement, pairwise: the
 * first line is a Poisson sample of that pair, the second the one of Wang, Balle & Kasiviswanathan. ∎
 *
 * For a clipped sum a replaced record moves the sum by 2C: σ is halved.
 *
 * References Wang, Balle & Kasiviswanathan 2019, arXiv:1808.00087, Thms 9 and 27; Lebeda, Regehr, Kamath & Steinke 2024,
 *            arXiv:2405.20769 (batches of fixed size when one record is added or removed)
 */
export const displacedRecordCurve = (
  read: ReadCurve,
  neighbouring: Neighbouring,
  samplingProbability: number,
  event: PrivacyEvent,
): Either<string, RdpCurve> => {
  const isThereOrNot = neighbouring === 'addOrRemoveOne'
  const precision = precisionOf(event)
  if (precision === 0) return E.right(RdpCurves.empty)
  if (precision === Infinity) return E.right(nonPrivate)
  if (precision !== undefined) {
    const noiseMultiplier = 0.5 * precision ** -0.5
    return E.right(
      rdpOf(
        isThereOrNot
          ? { _tag: 'SampledGaussian', noiseMultiplier, samplingProbability, hops: 1 }
          : { _tag: 'GaussianWithoutReplacement', noiseMultiplier, samplingProbability },
      ),
    )
  }
  return E.chain((curve: RdpCurve): Either<string, RdpCurve> => {
    if (curve.terms.length === 0) return E.right(curve)
    if (curve.terms.some(({ term }) => term._tag === 'NonPrivate')) return E.right(nonPrivate)
    return E.map((inner: RdpCurve) =>
      rdpOf({ _tag: isThereOrNot ? 'PoissonSampled' : 'WithoutReplacement', curve: inner, samplingProbability }),
    )(sound(curve))
  })(read('replaceOne')(event))
}

/**
 * A truncated Poisson sample, 0 < B < N; N counts the record that is added or removed.
 *
 * Let K ~ Bin(N−1, q) of the other records be drawn, which does not depend on x. K < B: with or without x nothing is cut, and the
 * batch is a Poisson sample. K ≥ B, with probability τ: both batches hold B records, x stands in its own with probability
 * q_c = P[Bin(N, q) > B] B/(Nτ), and the rest is uniform: `displacedRecordCurve`. Whether K ≥ B may be told (joint convexity):
 *
 *   e^(c·rdp) − 1 ≤ (1 − τ)(e^(c·rdp of the sample) − 1) + τ(e^(c·rdp of a displaced record at q_c) − 1)
 *
 * References Ganesh et al. 2025, arXiv:2508.15089 (τ and q_c)
 */
export const truncatedPoissonCurve = (
  read: ReadCurve,
  neighbouring: Neighbouring,
  sample: TruncatedSample,
  event: PrivacyEvent,
): Either<string, RdpCurve> => {
  const { logCut, logUncut, logDisplacing } = truncation(sample)
  return E.chain((uncut: RdpCurve) =>
    E.chain((cut: RdpCurve): Either<string, RdpCurve> => {
      const both = [uncut, cut]
      if (both.every(({ terms }) => terms.length === 0)) return E.right(RdpCurves.empty)
      if (both.some(({ terms }) => terms.some(({ term }) => term._tag === 'NonPrivate'))) return E.right(nonPrivate)
      return E.map(() =>
        rdpOf({
          _tag: 'Branches',
          branches: [
            { logProbability: logUncut, curve: uncut },
            { logProbability: logCut, curve: cut },
          ].filter(({ logProbability }) => logProbability > -Infinity),
        }),
      )(sound(uncut))
    })(displacedRecordCurve(read, neighbouring, Math.exp(logDisplacing), event)),
  )(read(neighbouring)(poissonSampled(sample.samplingProbability)(event)))
}

/**
 * A batch of n draws with replacement from N records, of which Gaussian noise hides the sum. x is drawn J ~ Bin(n, 1/N) times.
 *
 *   x is there or is not   Σⱼ P[J = j] N(2j, σ²)   beside   N(0, σ²)
 *
 * Proof. Draw n of the other records y₁ … yₙ, and put x in the place of each with probability 1/N, independently: these are n draws
 * from all N. Given the y, x in the places I moves the sum by Σ_{i ∈ I} (x − yᵢ), whose norm is at most 2|I|: a mixture of
 * Gaussians of random sensitivity, which is dominated by the one of its norms (Choquette-Choo et al.). ∎
 *
 * A replaced record is two such steps. More than so many draws of x that their probability is below 1e-20 count as an open
 * failure: no Rényi divergence of some size is finite with them.
 *
 * References Choquette-Choo, Ganesh, Steinke & Thakurta 2023, arXiv:2310.15526
 */
export const withReplacementCurve = (
  read: ReadCurve,
  neighbouring: Neighbouring,
  draws: RepeatedDraws,
  precision: number,
): Either<string, RdpCurve> => {
  const { probabilities, logRest } = drawProbabilities(draws)
  const mixture = read(neighbouring === 'addOrRemoveOne' ? neighbouring : 'replaceOne')(
    mixtureOfGaussians({
      noiseMultiplier: precision ** -0.5,
      sensitivities: probabilities.map((_, j) => 2 * j),
      probabilities,
    }),
  )
  return logRest === -Infinity
    ? mixture
    : E.map((curve: RdpCurve) => RdpCurves.concat(curve, rdpOf({ _tag: 'Failure', probability: Math.exp(logRest) })))(
        mixture,
      )
}

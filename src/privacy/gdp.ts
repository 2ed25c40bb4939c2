/**
 * The exact accountant of Gaussian mechanisms: Gaussian differential privacy, μ = 1/σ.
 *
 *   δ(ε) = Φ(μ/2 − ε/μ) − e^ε Φ(−μ/2 − ε/μ),   μ of a composition = √(Σ μᵢ²)
 *
 * Legend: u = ε/μ − μ/2, v = ε/μ + μ/2, R(x) = (1 − Φ(x))/φ(x). Both directions have one curve, and nothing is approximated.
 *
 * References  Balle & Wang 2018, arXiv:1805.06530, Thm 8 · Dong, Roth & Su 2022, arXiv:1905.02383, Cor. 2.13, Cor. 3.3
 */

import type { Either } from 'fp-ts/lib/Either.js'
import * as E from 'fp-ts/lib/Either.js'
import type { Monoid } from 'fp-ts/lib/Monoid.js'
import { logNormalDensity, millsRatio, ndtr } from '../tensor/special.js'
import {
  type Accountant,
  type Bounds,
  checkDelta,
  checkEpsilon,
  interpretBy,
  type MechanismEvent,
} from './accountant.js'
import { checkTarget, type PrivacyTarget } from './calibrate.js'
import { noiseMultiplierOf } from './gaussian-precision.js'
import type { InvalidParameter } from './invalid-parameter.js'
import { type Neighbouring, sensitivityOf } from './neighbouring.js'
import { narrow } from './root.js'

/** A Gaussian mechanism, or a composition of them: Σ σᵢ⁻², so that composition is addition. μ is its square root. */
export interface GdpCurve {
  readonly precision: number
}

/** Composition of Gaussian mechanisms: precisions Σ σ⁻² add. */
export const GdpCurves: Monoid<GdpCurve> = {
  empty: { precision: 0 },
  concat: (a, b) => ({ precision: a.precision + b.precision }),
}

/**
 * R(u) − R(u + μ) = ∫₀^∞ e^(−t²/2 − tm) 2 sinh(μt/2) dt, m = u + μ/2 ≥ 0, for μ < ½, where the difference would cancel.
 * Double exponential substitution t = e^(s − e^(−s)) / (1 + m): the integrand is positive, and every digit stays.
 */
const millsDifference = (mu: number, middle: number): number => {
  const scale = 1 / (1 + middle)
  const step = 1 / 16
  let sum = 0
  for (let k = -64; k <= 80; k++) {
    const s = k * step
    const inner = Math.exp(-s)
    const t = scale * Math.exp(s - inner)
    sum += Math.exp(-t * (0.5 * t + middle)) * Math.sinh(0.5 * mu * t) * t * (1 + inner)
  }
  return 2 * step * sum
}

/** log δ as a function of u ≥ −μ/2, where ε = μ(u + μ/2): for large μ, ε could not hold the digits of u. */
const logDeltaAt =
  (mu: number) =>
  (u: number): number => {
    const v = u + mu
    if (u < -0.5) return Math.log1p(-(ndtr(u) + Math.exp(logNormalDensity(u)) * millsRatio(v)))
    const difference = mu < 0.5 ? millsDifference(mu, u + 0.5 * mu) : millsRatio(u) - millsRatio(v)
    return logNormalDensity(u) + Math.log(difference)
  }

/**
 * log δ(ε) of a μ-GDP mechanism.
 *
 *   δ = φ(u) (R(u) − R(v));   where δ is close to 1,  1 − δ = Φ(u) + φ(u) R(v)
 *
 * Cost       one or two tails; 145 nodes of a quadrature for μ < ½
 * Guarantee  relative error of log δ ≤ 1e-13 and of δ ≤ 1e-13 (1 + |log δ|) for every ε ≥ 0 and μ up to 1e3; beyond, what the
 *            rounding of u = ε/μ − μ/2 leaves
 *
 * @example
 * logDeltaOfGdp(1)(0).toFixed(4) // => '-0.9599'
 */
export const logDeltaOfGdp =
  (mu: number) =>
  (epsilon: number): number =>
    mu === 0 || epsilon === Infinity
      ? -Infinity
      : mu === Infinity
        ? 0
        : epsilon === 0
          ? logDeltaAt(mu)(-0.5 * mu)
          : logDeltaAt(mu)(epsilon / mu - 0.5 * mu)

/** What log δ may err by, for the bounds: ten times what is stated, and the rounding of u. */
const allowance = (logDelta: number): number => 1e-12 * (1 + Math.abs(logDelta))
const roundingOf = (mu: number, epsilon: number): number => {
  const [left, right] = [epsilon / mu, 0.5 * mu]
  return 4 * Number.EPSILON * (left + right) * (1 + Math.abs(left - right))
}

/**
 * ε(δ) of a μ-GDP mechanism: the root of log δ(ε) = log δ, 0 where already δ(0) ≤ δ.
 *
 * log δ(ε) is concave (e^ε Q(L > ε) is log-concave, and so is its integral), so Newton's steps from the Chernoff bound
 * u = √(2 log(1/δ)) fall towards the root and never pass it: the estimate errs on the private side.
 *
 * Guarantee  relative error ≤ 1e-12 where ε > 1e-3; [lower, upper] contains the truth everywhere
 */
export const epsilonOfGdp =
  (mu: number) =>
  (delta: number): Omit<Bounds, 'neighbouring'> => {
    const exactly = (value: number): Omit<Bounds, 'neighbouring'> => ({ lower: value, estimate: value, upper: value })
    if (mu === 0 || delta === 1) return exactly(0)
    // Near μ²/2, which overflows.
    if (0.5 * mu * mu === Infinity || delta === 0) return exactly(Infinity)
    const at = logDeltaAt(mu)
    const logDelta = Math.log(delta)
    const margin = allowance(logDelta)
    const least = -0.5 * mu
    if (at(least) <= logDelta - margin) return exactly(0)
    let u = Math.sqrt(-2 * logDelta)
    let slope = 1
    for (let iteration = 0; iteration < 60; iteration++) {
      const value = at(u)
      slope = mu * Math.exp(logNormalDensity(u) + Math.log(millsRatio(u + mu)) - value)
      const next = Math.max(least, u + (value - logDelta) / slope)
      const done = Math.abs(next - u) <= 1e-15 * (1 + Math.abs(u)) || next === least
      u = next
      if (done) break
    }
    const epsilon = mu * (u + 0.5 * mu)
    const error = mu * (margin / slope + 1e-15 * (1 + Math.abs(u))) + 1e-15 * epsilon
    return { lower: Math.max(0, epsilon - 2 * error), estimate: epsilon, upper: epsilon + error }
  }

/**
 * The largest μ whose mechanism is (ε, δ)-DP; the noise multiplier of T Gaussian releases is √T/μ.
 *
 * δ grows with μ (∂δ/∂μ = φ(u)), so the root is unique; it is searched in log μ and taken from the private side.
 *
 * Guarantee  relative error ≤ 1e-11; δ(ε) at the result is at most δ
 * Errors     a target that is none; δ = 0, which no Gaussian meets
 *
 * @example
 * gdpFor({ epsilon: 1, delta: 0 })._tag // => 'Left'
 */
export const gdpFor = (target: PrivacyTarget): Either<InvalidParameter, number> =>
  E.map(({ epsilon, delta }: PrivacyTarget) => {
    const logDelta = Math.log(delta)
    const f = (logMu: number): number => {
      const mu = Math.exp(logMu)
      const value = logDeltaOfGdp(mu)(epsilon)
      return value + allowance(value) + roundingOf(mu, epsilon) - logDelta
    }
    // δ(0) at μ is about 0.4 μ: the target is met at μ = δ, whatever ε; far above 1 + √(2ε) it is not.
    let below = Math.log(Math.min(1, epsilon, delta) / 2)
    while (f(below) > 0) below -= 2
    let above = below + 2
    while (f(above) <= 0) [below, above] = [above, above + 2]
    return Math.exp(narrow({ bracket: { above, below }, tolerance: 1e-13 })(f).below)
  })(checkTarget(target, { positiveDelta: true }))

/**
 * The smallest noise multiplier of one Gaussian release that is (ε, δ)-DP: 1/μ.
 *
 * Guarantee  as `gdpFor`; no bracket of ε limits it
 * References Balle & Wang 2018, arXiv:1805.06530, Algorithm 1 (the analytic Gaussian mechanism)
 */
export const analyticGaussianNoiseMultiplier = (target: PrivacyTarget): Either<InvalidParameter, number> =>
  E.map((mu: number) => 1 / mu)(gdpFor(target))

const mechanismFor =
  (neighbouring: Neighbouring, interpret: Accountant<GdpCurve>['interpret']) =>
  (event: MechanismEvent): Either<string, GdpCurve> => {
    switch (event._tag) {
      case 'NonPrivate':
        return E.right({ precision: Infinity })
      case 'Gaussian':
      case 'TreeAggregation':
      case 'MatrixFactorisation':
        return E.map((sigma: number) => ({ precision: (sensitivityOf(neighbouring) / sigma) ** 2 }))(
          noiseMultiplierOf(event),
        )
      case 'PoissonSampled': {
        const inner = E.mapLeft(({ reason }: { readonly reason: string }) => reason)(interpret(event.event))
        if (event.samplingProbability === 1) return inner
        if (event.samplingProbability === 0) return E.map(() => GdpCurves.empty)(inner)
        return E.left('a sampled Gaussian is not Gaussian-private; its central limit is an approximation, not a bound')
      }
      case 'Laplace':
      case 'DiscreteGaussian':
      case 'DiscreteLaplace':
      case 'RandomizedResponse':
      case 'ExponentialMechanism':
      case 'PureDp':
      case 'ApproximateDp':
      case 'ZeroConcentratedDp':
      case 'MixtureOfGaussians':
        return E.left('not a Gaussian mechanism')
      case 'RepeatAndSelect':
      case 'TruncatedPoissonSampled':
      case 'SampledWithoutReplacement':
      case 'SampledWithReplacement':
      case 'RandomAllocation':
      case 'Shuffled':
        return E.left('only full-batch Gaussian mechanisms have an exact Gaussian curve')
    }
  }

/**
 * The exact accountant of unsampled Gaussian mechanisms.
 *
 * Guarantee  [lower, upper] contains the true ε (or δ); their distance is about 1e-12 relative
 *
 * @example
 * gdp().interpret(Event.laplace(1))._tag // => 'Left'
 */
export const gdp = ({
  neighbouring = 'addOrRemoveOne',
}: {
  readonly neighbouring?: Neighbouring
} = {}): Accountant<GdpCurve> => {
  const interpret: Accountant<GdpCurve>['interpret'] = interpretBy({
    name: 'gdp',
    curve: GdpCurves,
    repeat: (count) => (curve) => (count === 0 ? GdpCurves.empty : { precision: count * curve.precision }),
    mechanism: (event) => mechanismFor(neighbouring, interpret)(event),
  })
  return {
    name: 'gdp',
    neighbouring,
    curve: GdpCurves,
    interpret,
    epsilon: (delta) => {
      checkDelta(delta)
      return ({ precision }) => ({ ...epsilonOfGdp(Math.sqrt(precision))(delta), neighbouring })
    },
    delta: (epsilon) => {
      checkEpsilon(epsilon)
      return ({ precision }) => {
        const value = logDeltaOfGdp(Math.sqrt(precision))(epsilon)
        if (value === -Infinity || value === 0) {
          const exact = value === 0 ? 1 : 0
          return { lower: exact, estimate: exact, upper: exact, neighbouring }
        }
        const margin = allowance(value) + roundingOf(Math.sqrt(precision), epsilon)
        return {
          lower: Math.exp(value - margin),
          estimate: Math.exp(value),
          upper: Math.min(1, Math.exp(value + margin)),
          neighbouring,
        }
      }
    },
  }
}

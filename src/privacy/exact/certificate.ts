/**
 * Certificates: a claim δ(ε) ≤ δ with everything that is needed to check it by other means, as plain JSON.
 *
 * The certificate's contour is longer than the engine's, because its end is proved by one short bound (`far` of `decay-bound.ts`) at
 * one exponent κ a step, which a verifier of a hundred lines can compute for itself.
 */
import type { Either } from 'fp-ts/lib/Either.js'
import * as E from 'fp-ts/lib/Either.js'
import type { Neighbouring } from '../neighbouring.js'
import { type Composition, cumulants, essentialSupremum } from './composition.js'
import { planContour } from './contour-integral.js'
import { contourMoments } from './contour-moments.js'
import { contourSum } from './contour-sum.js'
import { compositionsOf, type ExactCurve, type ExactSteps, type MixtureSteps } from './curve.js'
import { farDecay } from './decay-bound.js'
import { enclose } from './enclosure.js'
import { componentsOf, type PairKind } from './pair.js'
import { logChernoff, type SaddlePoint, saddlePoint } from './saddle-point.js'

/** The contour of one direction: s = abscissa + i k spacing for k = 0 … points − 1. */
export interface CertifiedContour {
  readonly kind: PairKind
  readonly abscissa: number
  readonly spacing: number
  readonly points: number
  /** For each step the exponent of the bound that proves the end of the contour. */
  readonly kappas: readonly number[]
}

/**
 * The claim: under the relation, δ(ε) ≤ δ for Gaussians of Σ σ⁻² = `precision`, one record's bound apart, beside these steps. A verifier
 * computes everything else.
 */
export interface Certificate {
  readonly format: 'fp-dp exact accounting certificate 2'
  readonly neighbouring: Neighbouring
  readonly epsilon: number
  readonly delta: number
  readonly precision: number
  /** Each step Σ pᵢ N(cᵢ, σ²), what the probabilities leave at 0. */
  readonly steps: readonly MixtureSteps[]
  /** One for each direction, unless nothing there loses more than ε. */
  readonly contours: readonly CertifiedContour[]
}

/** Why there is no certificate. */
export interface NotCertified {
  readonly _tag: 'NotCertified'
  readonly reason: string
}

const notCertified = (reason: string): Either<NotCertified, never> => E.left({ _tag: 'NotCertified', reason })

/** The components away from 0: a sampled step has one, at 1. */
const asMixture = (steps: ExactSteps): MixtureSteps => {
  const { shifts, weights } = componentsOf({ kind: 'remove', ...steps })
  return { noiseMultiplier: steps.noiseMultiplier, sensitivities: shifts, probabilities: weights, count: steps.count }
}

const kindsOf = (neighbouring: Neighbouring): readonly PairKind[] =>
  neighbouring === 'replaceOne' ? ['replace'] : ['remove', 'add']

/** Longer contours are no longer checked in seconds, and rounding that a verifier must allow for spoils the claim. */
const MOST_POINTS = 2000
/** −log of what the tail may be, relative to δ. */
const TAIL_DIGITS = 24
/** −log of what the copies of δ may add, relative to δ. */
const COPY_DIGITS = 18
/** −log of what rounding may hide, relative to δ. */
const ROUNDING_DIGITS = 18

/** Where the saddle is far out, as in a direction next to its largest loss, an abscissa that is near enough for the claim. */
const nearer = (composition: Composition, saddle: SaddlePoint, epsilon: number, logDelta: number): SaddlePoint => {
  const at = cumulants(composition)
  let found = saddle
  for (;;) {
    const tilt = 0.5 * found.tilt
    const { value, variance } = at(tilt)
    const exponent = value - tilt * epsilon
    if (!(logChernoff({ tilt, exponent }) < logDelta)) return found
    found = { tilt, exponent, logDelta: found.logDelta, variance: variance + tilt ** -2 }
  }
}

const certifiedContour = (
  composition: Composition,
  kind: PairKind,
  epsilon: number,
  logDelta: number,
): Either<NotCertified, CertifiedContour> => {
  const saddle = nearer(composition, saddlePoint(composition)(epsilon), epsilon, logDelta)
  const plan = planContour(composition, { ...saddle, logDelta }, epsilon)
  if (plan === undefined) return notCertified('the saddle point is out of the range of the quadrature')
  const { tilt, exponent } = plan.saddle
  // A verifier does not take off the copies of δ that the sum holds, of which the nearest below is e^{−2πc/h} times 1.
  const spacing = Math.min(plan.step.spacing, (2 * Math.PI * tilt) / (COPY_DIGITS - logDelta))
  const target = logDelta - TAIL_DIGITS - exponent + Math.log(Math.PI)
  const end = farDecay(composition, tilt)(target)
  const points = Math.ceil(end.y / spacing) + 2
  if (!(points <= MOST_POINTS))
    return notCertified('too few steps, or too small a sampling probability: the tail is long')
  const moments = contourMoments(composition, { tilt, spacing, points })
  if (moments === undefined) return notCertified('a moment overflows')
  const sum = contourSum(moments, { epsilon, exponent })
  if (!(exponent + Math.log((spacing / Math.PI) * sum.error) < logDelta - ROUNDING_DIGITS))
    return notCertified('rounding hides too much of δ')
  return E.right({ kind, abscissa: tilt, spacing, points, kappas: end.powers })
}

/**
 * A certificate of δ(ε) at the δ that the engine proves, raised by 1e-6 relative.
 *
 * Cost       as an evaluation of δ, with up to 2,000 points
 * Errors     NotCertified where the contour would be longer, or where there is no contour
 *
 * @example
 * certify(1)({ precision: 0, steps: [] })._tag // => 'Right'
 */
export const certify =
  (epsilon: number, neighbouring: Neighbouring = 'addOrRemoveOne') =>
  (curve: ExactCurve): Either<NotCertified, Certificate> => {
    if (curve.precision === Infinity) return notCertified('something was not private')
    const compositions = compositionsOf(neighbouring)(curve)
    const logDelta = compositions.reduce((most, one) => Math.max(most, enclose(one)(epsilon).upper), -Infinity)
    const contours: CertifiedContour[] = []
    for (const [i, kind] of kindsOf(neighbouring).entries()) {
      // Gaussians alone are their own mirror image.
      const composition = compositions[i] ?? (compositions[0] as Composition)
      if (essentialSupremum(composition) <= epsilon * (1 - 1e-9)) continue
      const contour = certifiedContour(composition, kind, epsilon, logDelta)
      if (E.isLeft(contour)) return contour
      contours.push(contour.right)
    }
    return E.right({
      format: 'fp-dp exact accounting certificate 2',
      neighbouring,
      epsilon,
      delta: Math.exp(logDelta) * (1 + 1e-6),
      precision: curve.precision,
      steps: curve.steps.map(asMixture),
      contours,
    })
  }

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
import { compositionsOf, type ExactCurve } from './curve.js'
import { farDecay } from './decay-bound.js'
import { enclose } from './enclosure.js'
import type { Pair } from './pair.js'
import { saddlePoint } from './saddle-point.js'

/** One direction of a certificate: s = abscissa + i k spacing for k = 0 … points − 1. */
export interface CertifiedDirection {
  readonly precision: number
  readonly steps: readonly {
    readonly pair: Pair
    readonly count: number
    /** The exponent of the bound that proves the end of the contour. */
    readonly kappa: number
  }[]
  readonly abscissa: number
  readonly spacing: number
  readonly points: number
  /** K(abscissa), and the sum that the trapezoid rule gave: for comparison; a verifier recomputes both. */
  readonly logMoment: number
  readonly logDelta: number
}

/** The claim: under the relation, δ(ε) ≤ δ. */
export interface Certificate {
  readonly format: 'fp-dp exact accounting certificate 1'
  readonly neighbouring: Neighbouring
  readonly epsilon: number
  readonly delta: number
  readonly directions: readonly CertifiedDirection[]
}

/** Why there is no certificate. */
export interface NotCertified {
  readonly _tag: 'NotCertified'
  readonly reason: string
}

const notCertified = (reason: string): Either<NotCertified, never> => E.left({ _tag: 'NotCertified', reason })

/** Longer contours are no longer checked in seconds, and rounding that a verifier must allow for spoils the claim. */
const MOST_POINTS = 2000
/** −log of what the tail may be, relative to δ. */
const TAIL_DIGITS = 24

const certifyDirection = (
  composition: Composition,
  epsilon: number,
  logDelta: number,
): Either<NotCertified, CertifiedDirection> => {
  const saddle = saddlePoint(composition)(epsilon)
  const plan = planContour(composition, { ...saddle, logDelta: Math.min(saddle.logDelta, logDelta) }, epsilon)
  if (plan === undefined) return notCertified('the saddle point is out of the range of the quadrature')
  const { tilt, exponent } = plan.saddle
  const { spacing } = plan.step
  const target = logDelta - TAIL_DIGITS - exponent + Math.log(Math.PI)
  const end = farDecay(composition, tilt)(target)
  const points = Math.ceil(end.y / spacing) + 2
  if (!(points <= MOST_POINTS))
    return notCertified('too few steps, or too small a sampling probability: the tail is long')
  const moments = contourMoments(composition, { tilt, spacing, points })
  if (moments === undefined) return notCertified('a moment overflows')
  const sum = contourSum(moments, { epsilon, exponent })
  if (!(sum.error < 1e-8 * sum.value)) return notCertified('rounding hides too much of δ')
  return E.right({
    precision: composition.precision,
    steps: composition.steps.map(({ pair, count }, i) => ({ pair, count, kappa: end.powers[i] as number })),
    abscissa: tilt,
    spacing,
    points,
    logMoment: cumulants(composition)(tilt).value,
    logDelta: exponent + Math.log((spacing / Math.PI) * Math.max(sum.value, 0)),
  })
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
    const compositions = compositionsOf(neighbouring)(curve).filter(
      (composition) => composition.precision > 0 || composition.steps.length > 0,
    )
    if (curve.precision === Infinity) return notCertified('something was not private')
    const logDelta = compositions.reduce((most, one) => Math.max(most, enclose(one)(epsilon).upper), -Infinity)
    const directions: CertifiedDirection[] = []
    for (const composition of compositions) {
      if (epsilon >= essentialSupremum(composition)) continue
      const direction = certifyDirection(composition, epsilon, logDelta)
      if (E.isLeft(direction)) return direction
      directions.push(direction.right)
    }
    return E.right({
      format: 'fp-dp exact accounting certificate 1',
      neighbouring,
      epsilon,
      delta: Math.exp(logDelta) * (1 + 1e-6),
      directions,
    })
  }

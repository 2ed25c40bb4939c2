/**
 * The accountant of mechanisms of which only (ε, δ) is known.
 */
import type { Either } from 'fp-ts/lib/Either.js'
import * as E from 'fp-ts/lib/Either.js'
import type { Monoid } from 'fp-ts/lib/Monoid.js'
import {
  type Accountant,
  type Bounds,
  checkDelta,
  checkEpsilon,
  interpretBy,
  type MechanismEvent,
} from '../accountant.js'
import {
  type ApproximateGuarantee,
  approximateDpOfGroup,
  type Neighbouring,
  sampledApproximateDp,
} from '../neighbouring.js'
import { narrow } from '../root.js'
import { advancedComposition, basicComposition } from './composition-bounds.js'
import {
  type CountedGuarantee,
  LARGEST_COMPOSITION,
  lossesOf,
  type OptimalComposition,
  optimalComposition,
} from './optimal-composition.js'

/** Guarantees that compose; equal ones are counted. */
export interface ApproximateDpCurve {
  readonly guarantees: readonly CountedGuarantee[]
}

/** Composition of guarantees: equal ones are counted, and nothing is lost before a question is asked. */
export const ApproximateDpCurves: Monoid<ApproximateDpCurve> = {
  empty: { guarantees: [] },
  concat: (a, b) => {
    const guarantees = [...a.guarantees]
    for (const next of b.guarantees) {
      const at = guarantees.findIndex(({ epsilon, delta }) => epsilon === next.epsilon && delta === next.delta)
      if (at < 0) guarantees.push(next)
      else guarantees[at] = { ...next, count: next.count + (guarantees[at]?.count ?? 0) }
    }
    return { guarantees }
  },
}

const known = (guarantee: ApproximateGuarantee): Either<string, ApproximateDpCurve> =>
  guarantee.epsilon >= 0 && guarantee.delta >= 0 && guarantee.delta <= 1
    ? E.right(
        guarantee.epsilon === 0 && guarantee.delta === 0
          ? ApproximateDpCurves.empty
          : { guarantees: [{ epsilon: guarantee.epsilon, delta: guarantee.delta, count: 1 }] },
      )
    : E.left('an ε must be ≥ 0 and a δ in [0, 1]')

/** The guarantee of one mechanism when one record is added or removed. */
const guaranteeOf = (event: MechanismEvent): Either<string, ApproximateGuarantee> => {
  switch (event._tag) {
    case 'NonPrivate':
      return E.right({ epsilon: 0, delta: 1 })
    case 'PureDp':
    case 'ExponentialMechanism':
      return E.right({ epsilon: event.epsilon, delta: 0 })
    case 'ApproximateDp':
      return E.right({ epsilon: event.epsilon, delta: event.delta })
    case 'Laplace':
      return event.noiseMultiplier > 0
        ? E.right({ epsilon: 1 / event.noiseMultiplier, delta: 0 })
        : event.noiseMultiplier === 0
          ? E.right({ epsilon: 0, delta: 1 })
          : E.left('a noise multiplier must be ≥ 0')
    case 'DiscreteLaplace':
      return event.scale > 0 && event.sensitivity >= 0
        ? E.right({ epsilon: event.sensitivity / event.scale, delta: 0 })
        : E.left('a scale must be > 0 and a sensitivity ≥ 0')
    case 'PoissonSampled': {
      const q = event.samplingProbability
      const { event: inner } = event
      if (!(q >= 0 && q <= 1)) return E.left('a sampling probability must be in [0, 1]')
      return inner._tag === 'NoOp' ||
        inner._tag === 'Unsupported' ||
        inner._tag === 'SelfComposed' ||
        inner._tag === 'Composed'
        ? E.left('only a sample of one mechanism is read here')
        : E.map(sampledApproximateDp(q))(E.chain(checked)(guaranteeOf(inner)))
    }
    default:
      return E.left('no (ε, δ) guarantee without a choice of δ; another accountant reads it')
  }
}

const checked = (guarantee: ApproximateGuarantee): Either<string, ApproximateGuarantee> =>
  E.map(() => guarantee)(known(guarantee))

/** The readings of a curve: of the exact composition, or of the bounds where it has too many losses. */
const compositionOf = ({ guarantees }: ApproximateDpCurve): OptimalComposition => {
  if (lossesOf(guarantees) <= LARGEST_COMPOSITION) return optimalComposition(guarantees)
  const basic = basicComposition(guarantees)
  const epsilonAt = (delta: number): number => {
    if (delta < basic.delta) return Infinity
    const slack = (delta - basic.delta) / (1 - basic.delta)
    return slack > 0 ? advancedComposition(slack)(guarantees).epsilon : basic.epsilon
  }
  return {
    epsilon: (delta) => (delta >= 1 ? 0 : epsilonAt(delta)),
    delta: (epsilon) => {
      if (epsilon >= basic.epsilon) return basic.delta
      // The slack whose ε this is, from above.
      const f = (logSlack: number): number => advancedComposition(Math.exp(logSlack))(guarantees).epsilon - epsilon
      if (f(0) > 0) return 1
      const logSlack = narrow({ bracket: { above: -745, below: 0 }, tolerance: 1e-13 })(f).below
      return advancedComposition(Math.exp(logSlack))(guarantees).delta
    },
  }
}

/**
 * The accountant of (ε, δ): what is known about each mechanism is its guarantee alone.
 *
 * Reads      ε-DP and (ε, δ)-DP mechanisms, the exponential mechanism, continuous and discrete Laplace noise by their ε, and Poisson
 *            samples of one of them. One record replaced by another is two steps
 * Guarantee  `upper` is the optimal composition as long as it has at most 2¹⁸ losses (one ε any number of times has T + 1), and
 *            advanced composition beyond: both hold for adaptive choices of mechanisms with these guarantees. `lower` is 0
 * References Kairouz, Oh & Viswanath 2015, arXiv:1311.0776, Thm 3.3, Thm 3.5
 *
 * @example
 * approximateDp().interpret(Event.gaussian(1))._tag // => 'Left'
 */
export const approximateDp = ({
  neighbouring = 'addOrRemoveOne',
}: {
  readonly neighbouring?: Neighbouring
} = {}): Accountant<ApproximateDpCurve> => {
  const bounds = (estimate: number, upper: number): Bounds => ({ lower: 0, estimate, upper, neighbouring })
  const isOpen = ({ guarantees }: ApproximateDpCurve): boolean => guarantees.some(({ delta }) => delta === 1)
  const exactly = (value: number): Bounds => ({ lower: value, estimate: value, upper: value, neighbouring })
  return {
    name: 'approximate-dp',
    neighbouring,
    curve: ApproximateDpCurves,
    interpret: interpretBy({
      name: 'approximate-dp',
      curve: ApproximateDpCurves,
      repeat: (count) => (curve) =>
        count === 0
          ? ApproximateDpCurves.empty
          : { guarantees: curve.guarantees.map((one) => ({ ...one, count: one.count * count })) },
      mechanism: (event) =>
        E.chain((guarantee: ApproximateGuarantee) =>
          known(neighbouring === 'replaceOne' ? approximateDpOfGroup(2)(guarantee) : guarantee),
        )(E.chain(checked)(guaranteeOf(event))),
    }),
    epsilon: (delta) => {
      checkDelta(delta)
      return (curve) => {
        if (curve.guarantees.length === 0 || delta === 1) return exactly(0)
        if (isOpen(curve)) return exactly(Infinity)
        // δ is met with room for the rounding of a sum of T terms.
        const at = compositionOf(curve).epsilon
        return bounds(at(delta), Math.max(at(delta), at(delta * (1 - 1e-10))))
      }
    },
    delta: (epsilon) => {
      checkEpsilon(epsilon)
      return (curve) => {
        if (curve.guarantees.length === 0) return exactly(0)
        if (isOpen(curve)) return exactly(epsilon === Infinity ? 0 : 1)
        const value = Math.min(1, compositionOf(curve).delta(epsilon))
        return bounds(value, Math.min(1, value * (1 + 1e-10)))
      }
    },
  }
}

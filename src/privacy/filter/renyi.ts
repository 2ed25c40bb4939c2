/**
 * Filters of Rényi and zero-concentrated privacy.
 */
import type { Either } from 'fp-ts/lib/Either.js'
import * as E from 'fp-ts/lib/Either.js'
import type { Monoid } from 'fp-ts/lib/Monoid.js'
import { interpretBy, type MechanismEvent, type UnsupportedEvent, unsupportedEvent } from '../accountant.js'
import { checkTarget, type PrivacyTarget } from '../calibrate.js'
import { noiseMultiplierOf } from '../gaussian-precision.js'
import { type InvalidParameter, invalidParameter } from '../invalid-parameter.js'
import { minimise } from '../minimise.js'
import { type Neighbouring, sensitivityOf } from '../neighbouring.js'
import { rdp } from '../rdp/accountant.js'
import { bestEpsilon, epsilonFromRdp } from '../rdp/conversion.js'
import { type RdpCurve, rdpAtOrder } from '../rdp/curve.js'
import { narrow } from '../root.js'
import type { PrivacyFilter } from './filter.js'

/** Room for the rounding of the sums. */
const MARGIN = 1 - 1e-12

/** The largest divergence at an order that is still (ε, δ)-DP; negative where there is none. */
const rdpBudget = ({ epsilon, delta }: PrivacyTarget, order: number): number => epsilon - conversionCost(delta, order)

/** What the conversion adds to the divergence at an order. */
const conversionCost = (delta: number, order: number): number =>
  Math.log1p(-1 / order) - (Math.log(delta) + Math.log(order)) / (order - 1)

/** The order at which most Gaussian releases fit: the divergence of one grows as the order. */
const orderForGaussians = (target: PrivacyTarget): number => {
  const { x } = minimise({ low: -10, high: 20, tolerance: 1e-6 })((logExcess) => {
    const order = 1 + Math.exp(logExcess)
    return -rdpBudget(target, order) / order
  })
  return 1 + Math.exp(x)
}

/** Choices of the Rényi filter. */
export interface RdpFilterOptions extends PrivacyTarget {
  /** The order that is added up at, fixed beforehand; if not given, the best for Gaussians. */
  readonly order?: number
  readonly neighbouring?: Neighbouring
}

/**
 * The Rényi filter: at one order that was chosen beforehand, divergences may add up to what is still (ε, δ)-DP.
 *
 * Reads       what `rdp` reads
 * Guarantee   the interaction is (ε, δ)-DP although each event was chosen in view of the earlier results
 * Errors      a target without a budget at the order
 * References  Feldman & Zrnic 2021, arXiv:2008.11193 · the conversion: Canonne, Kamath & Steinke 2020, arXiv:2004.00010
 *
 * @example
 * rdpFilter({ epsilon: 1, delta: 0 })._tag // => 'Left'
 */
export const rdpFilter = ({
  order,
  neighbouring = 'addOrRemoveOne',
  ...target
}: RdpFilterOptions): Either<InvalidParameter, PrivacyFilter> =>
  E.chain((checked: PrivacyTarget): Either<InvalidParameter, PrivacyFilter> => {
    const at = order ?? orderForGaussians(checked)
    const budget = rdpBudget(checked, at) * MARGIN
    if (
      !(
        at > 1 &&
        at < Infinity &&
        budget > 0 &&
        epsilonFromRdp(checked.delta)({ order: at, rdp: budget }) <= checked.epsilon
      )
    )
      return E.left(
        invalidParameter('order', at, `an order > 1 with a budget at ε = ${checked.epsilon}, δ = ${checked.delta}`),
      )
    const accountant = rdp({ neighbouring })
    return E.right({
      name: 'rdp',
      neighbouring,
      guarantee: checked,
      units: [`Rényi divergence of order ${at}`],
      costOf: (event) =>
        E.chain((curve: RdpCurve): Either<UnsupportedEvent, readonly number[]> => {
          const cost = rdpAtOrder(curve)(at)
          return cost < Infinity
            ? E.right([cost])
            : E.left(unsupportedEvent('rdp', event, `its Rényi divergence of order ${at} is infinite`))
        })(accountant.interpret(event)),
      within: ([spent]) => (spent as number) <= budget,
    })
  })(checkTarget(target, { positiveDelta: true }))

/** The zCDP of events: ρ, and the δ beside which it holds. */
interface ApproximateZcdp {
  readonly rho: number
  readonly delta: number
}

const costs: Monoid<ApproximateZcdp> = {
  empty: { rho: 0, delta: 0 },
  concat: (a, b) => ({ rho: a.rho + b.rho, delta: a.delta + b.delta }),
}

/** A record replaced is twice as far: ρ of a group of two is 4ρ, whatever gave it. */
const rhoOf =
  (neighbouring: Neighbouring) =>
  (event: MechanismEvent): Either<string, ApproximateZcdp> => {
    const hops = sensitivityOf(neighbouring) ** 2
    const known = (rho: number, delta = 0): Either<string, ApproximateZcdp> =>
      rho >= 0 && delta >= 0 && delta <= 1
        ? E.right({ rho: rho * hops, delta })
        : E.left('ε and ρ must be ≥ 0 and δ in [0, 1]')
    switch (event._tag) {
      case 'Gaussian':
      case 'TreeAggregation':
      case 'MatrixFactorisation':
        return E.chain((sigma: number) =>
          sigma > 0 ? known(0.5 / sigma / sigma) : E.left('without noise ρ is infinite'),
        )(noiseMultiplierOf(event))
      case 'DiscreteGaussian':
        return event.sigma > 0 && Number.isSafeInteger(event.sensitivity)
          ? known(0.5 * (event.sensitivity / event.sigma) ** 2)
          : E.left('σ must be > 0 and the sensitivity an integer')
      case 'PureDp':
        return event.epsilon >= 0 ? known(0.5 * event.epsilon ** 2) : E.left('an ε must be ≥ 0')
      case 'ExponentialMechanism':
        return event.epsilon >= 0 ? known(event.epsilon ** 2 / 8) : E.left('an ε must be ≥ 0')
      case 'ApproximateDp':
        if (!(event.epsilon >= 0)) return E.left('an ε must be ≥ 0')
        return hops === 1
          ? known(0.5 * event.epsilon ** 2, event.delta)
          : E.left('the δ of a replaced record is not that of one step')
      case 'ZeroConcentratedDp':
        return event.xi === 0 ? known(event.rho) : E.left('ξ must be 0')
      default:
        return E.left('no ρ of it: samples are concentrated up to some order only')
    }
  }

/** The largest ρ that is (ε, δ)-DP by the conversion at the best order. */
const rhoFor = ({ epsilon, delta }: PrivacyTarget): number => {
  const f = (logRho: number): number => bestEpsilon(delta)((excess) => Math.exp(logRho) * (1 + excess)).upper - epsilon
  let below = Math.log(Math.min(1, epsilon) ** 2 / (1 - 4 * Math.log(delta)))
  while (f(below) > 0) below -= 1
  let above = below + 1
  while (f(above) <= 0) [below, above] = [above, above + 1]
  return Math.exp(narrow({ bracket: { above, below }, tolerance: 1e-13 })(f).below)
}

/** Choices of the zCDP filter. */
export interface ZcdpFilterOptions extends PrivacyTarget {
  /** How much of δ may go to mechanisms that are (ε, δ)-DP themselves; 0 if not given. */
  readonly approximateDelta?: number
  readonly neighbouring?: Neighbouring
}

/**
 * The filter of approximate zero-concentrated privacy: Σ ρ ≤ ρ and Σ δ ≤ δ″.
 *
 * Reads       Gaussians (trees and factorisations), discrete Gaussians, ε-DP (ρ = ε²/2), the exponential mechanism (ε²/8), zCDP,
 *             and (ε, δ)-DP within `approximateDelta`
 * Guarantee   the interaction is (ε, δ)-DP
 * References  Whitehouse, Ramdas, Rogers & Wu 2023, arXiv:2203.05481 · Bun & Steinke 2016, arXiv:1605.02065, Prop. 1.4, Prop. 1.9 ·
 *             Cesar & Rogers 2021, arXiv:2004.07223 (ε²/8)
 */
export const zcdpFilter = ({
  approximateDelta = 0,
  neighbouring = 'addOrRemoveOne',
  ...target
}: ZcdpFilterOptions): Either<InvalidParameter, PrivacyFilter> =>
  E.chain((checked: PrivacyTarget): Either<InvalidParameter, PrivacyFilter> => {
    if (!(approximateDelta >= 0 && approximateDelta < checked.delta))
      return E.left(invalidParameter('approximateDelta', approximateDelta, 'in [0, delta)'))
    const budget = rhoFor({ epsilon: checked.epsilon, delta: checked.delta - approximateDelta }) * MARGIN
    const interpret = interpretBy({
      name: 'zcdp',
      curve: costs,
      repeat:
        (count) =>
        ({ rho, delta }) =>
          count === 0 ? costs.empty : { rho: count * rho, delta: count * delta },
      mechanism: rhoOf(neighbouring),
    })
    return E.right({
      name: 'zcdp',
      neighbouring,
      guarantee: checked,
      units: ['rho', 'delta'],
      costOf: (event) => E.map(({ rho, delta }: ApproximateZcdp) => [rho, delta])(interpret(event)),
      within: ([rho, delta]) => (rho as number) <= budget && (delta as number) <= approximateDelta,
    })
  })(checkTarget(target, { positiveDelta: true }))

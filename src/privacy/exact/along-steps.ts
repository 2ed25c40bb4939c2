/**
 * ε after so many repetitions, for many counts at once: K is linear in the count, so one contour serves a range of them.
 *
 * With T-fold composition K_T = T K₁: moments, their doubts, the bound beyond the contour's end and the logarithms that prove the step all
 * scale with T. A contour planned at one count is read at the next ones until its enclosure widens, and then planned anew.
 */
import type { Bounds } from '../accountant.js'
import type { Neighbouring } from '../neighbouring.js'
import { exact } from './accountant.js'
import type { AliasingProof } from './aliasing.js'
import type { Composition } from './composition.js'
import { type ContourOptions, defaultContour, type PlannedContour } from './contour-integral.js'
import { compositionsOf, type ExactCurve, repeatCurve } from './curve.js'
import { type ContourReader, closedForm, contourReader, readerOf } from './enclosure.js'
import { approximateEpsilon, type EpsilonEnclosure, rootWithin, solveEpsilon } from './solve-epsilon.js'

const scaled = (values: Float64Array, factor: number): Float64Array => values.map((x) => factor * x)

/** log B = K + entropy of the tilt: only K scales. */
const scaledProof = (proof: AliasingProof, factor: number): AliasingProof => {
  const { tilt: a } = proof
  const entropy = a === 0 ? 0 : a * Math.log(a) - (1 + a) * Math.log1p(a)
  return { ...proof, logB: factor * (proof.logB - entropy) + entropy }
}

/** The contour of a composition, for its `factor`-fold repetition. */
const scaledContour = ({ plan, moments, beyond, smoothing }: PlannedContour, factor: number): PlannedContour => ({
  plan: { ...plan, step: { ...plan.step, proofs: plan.step.proofs.map((proof) => scaledProof(proof, factor)) } },
  moments: {
    contour: moments.contour,
    re: scaled(moments.re, factor),
    im: scaled(moments.im, factor),
    doubt: scaled(moments.doubt, factor),
  },
  beyond: factor * beyond,
  smoothing: factor * smoothing,
})

/** By how much an enclosure of log δ may widen before a contour is planned anew. */
const WIDEST = 3e-9

const repeated = ({ precision, steps }: Composition, count: number): Composition => ({
  precision: count * precision,
  steps: steps.map((step) => ({ ...step, count: count * step.count })),
})

const alongOne =
  (one: Composition, options: ContourOptions) =>
  (logDelta: number): ((count: number) => EpsilonEnclosure) => {
    let planned: { readonly count: number; readonly reader: ContourReader } | undefined
    let near = 0
    return (count) => {
      const whole = repeated(one, count)
      if (count === 0 || closedForm(whole, near) !== undefined) return solveEpsilon(whole, options)(logDelta)
      if (planned !== undefined) {
        const reader = readerOf(scaledContour(planned.reader.contour, count / planned.count))
        const found = rootWithin(reader.read, logDelta, near)
        if (found !== undefined && found.width <= WIDEST) {
          near = found.estimate
          return found
        }
      }
      const found = solveEpsilon(whole, options)(logDelta)
      const saddle = { ...approximateEpsilon(whole, logDelta), logDelta }
      const reader = found.method === 'contour' ? contourReader(whole, saddle, found.estimate, options) : undefined
      planned = reader && { count, reader }
      near = found.estimate
      return found
    }
  }

/**
 * ε(δ) after `counts` repetitions of a curve, in the order given: ε at every step of a training.
 *
 * Guarantee  as `exact`; the self check is made wherever a contour is planned
 * Cost       some 50 µs a count where counts are dense, an `exact` evaluation where they are not
 *
 * @example
 * exactAlong(1e-5)([0])({ precision: 1, steps: [] })[0]?.upper // => 0
 */
export const exactAlong =
  (delta: number, neighbouring: Neighbouring = 'addOrRemoveOne', options: ContourOptions = defaultContour) =>
  (counts: readonly number[]) =>
  (curve: ExactCurve): readonly Bounds[] => {
    const accountant = exact({ neighbouring, ...options })
    const compositions = compositionsOf(neighbouring)(curve)
    if (curve.steps.length === 0 || curve.precision === Infinity || !(delta > 0 && delta < 1))
      return counts.map((count) => accountant.epsilon(delta)(repeatCurve(count)(curve)))
    const solvers = compositions.map((one) => alongOne(one, options)(Math.log(delta)))
    return counts.map((count) => {
      if (count === 0) return accountant.epsilon(delta)(repeatCurve(0)(curve))
      const found = solvers.map((solve) => solve(count))
      const worst = (end: 'lower' | 'estimate' | 'upper'): number =>
        found.reduce((most, x) => Math.max(most, x[end]), 0)
      const upper = worst('upper')
      const method = found.find((x) => x.upper === upper)?.method ?? 'contour'
      return { lower: worst('lower'), estimate: worst('estimate'), upper, neighbouring, method }
    })
  }

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
import { saddlePoint } from './saddle-point.js'
import { rootWithin } from './solve-epsilon.js'

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

/** How wide an enclosure of log δ may be, or how many times as wide as where its contour was planned, before one is planned anew. */
const WIDEST = { width: 3e-9, times: 2 }

/** A contour is kept for a next count that is at most so many times as large, or as small. */
const NEAR = 1.5

const repeated = ({ precision, steps }: Composition, count: number): Composition => ({
  precision: count * precision,
  steps: steps.map((step) => ({ ...step, count: count * step.count })),
})

/** A contour of one direction that was planned at some count, and how wide its enclosures may be. */
interface Kept {
  readonly count: number
  readonly reader: ContourReader
  readonly widest: number
}

/** The contour of a direction at (ε, δ) after so many repetitions, if there is one that says there what is known of the worst one. */
const keep = (
  composition: Composition,
  count: number,
  { estimate }: Bounds,
  logDelta: number,
  options: ContourOptions,
): Kept | undefined => {
  const saddle = { ...saddlePoint(composition)(estimate), logDelta }
  const reader = contourReader(composition, saddle, estimate, options)
  const here = reader?.read(estimate)
  return reader && here && { count, reader, widest: Math.max(WIDEST.width, WIDEST.times * (here.upper - here.lower)) }
}

const readAt = ({ count: planned, reader }: Kept, count: number): ContourReader['read'] =>
  readerOf(scaledContour(reader.contour, count / planned)).read

/**
 * ε(δ) after `counts` repetitions of a curve, in the order given: ε at every step of a training.
 *
 * Guarantee  as `exact`, which is asked wherever a contour is planned
 * Cost       some 100 µs a count where counts are dense and contours short, an `exact` evaluation where they are not: most of it goes into
 *            the first few steps
 *
 * @example
 * exactAlong(1e-5)([0])({ precision: 1, steps: [] })[0]?.upper // => 0
 */
export const exactAlong =
  (delta: number, neighbouring: Neighbouring = 'addOrRemoveOne', options: ContourOptions = defaultContour) =>
  (counts: readonly number[]) =>
  (curve: ExactCurve): readonly Bounds[] => {
    const accountant = exact({ neighbouring, ...options })
    const logDelta = Math.log(delta)
    const directions = compositionsOf(neighbouring)(curve)
    const mayKeep = curve.steps.length > 0 && curve.precision < Infinity && delta > 0 && delta < 1
    let kept: readonly (Kept | undefined)[] = []
    let near = 0
    /** ε of the first direction by its contour, if those of the others prove them to be within δ there. */
    const alongContours = (count: number): Bounds | undefined => {
      const [first, ...others] = kept
      const found = first && rootWithin(readAt(first, count), logDelta, near)
      if (first === undefined || found === undefined || !(found.width <= first.widest)) return undefined
      const isWorst = directions.slice(1).every((direction, i) => {
        const closed = closedForm(repeated(direction, count), found.upper)
        const other = others[i]
        const read = other && readAt(other, count)
        return (closed ?? read?.(found.upper) ?? { upper: 0 }).upper <= logDelta
      })
      const { lower, estimate, upper, method } = found
      return isWorst ? { lower, estimate, upper, neighbouring, method } : undefined
    }
    return counts.map((count, i) => {
      const along = count > 0 ? alongContours(count) : undefined
      const bounds = along ?? accountant.epsilon(delta)(repeatCurve(count)(curve))
      near = bounds.estimate
      const next = counts[i + 1] ?? 0
      const isNear = next <= NEAR * count && count <= NEAR * next
      if (along !== undefined || !mayKeep || !isNear || bounds.method !== 'contour') return bounds
      kept = directions.map((direction) => keep(repeated(direction, count), count, bounds, logDelta, options))
      // What the contour says where it was planned must be possible.
      const again = alongContours(count)
      if (again !== undefined && !(again.lower <= bounds.upper && bounds.lower <= again.upper)) kept = []
      return bounds
    })
  }

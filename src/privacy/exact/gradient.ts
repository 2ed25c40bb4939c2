/**
 * Derivatives of ε(δ) in the settings of a training, from the contour.
 *
 *   ∂ε/∂θ = −(∂δ/∂θ) / (∂δ/∂ε),   ∂δ/∂θ = (1/2π) ∫ e^{K(s) − sε} ∂K/∂θ / (s(s + 1)) dy
 *
 * with ∂K/∂n = log M(s), ∂K/∂v = s(s + 1)/2 for the precision v of unsampled Gaussians, and n ∂ log M/∂θ for a step.
 */
import type { Neighbouring } from '../neighbouring.js'
import type { Composition } from './composition.js'
import { type ContourOptions, contourAlong, defaultContour, planContour, readContour } from './contour-integral.js'
import { contourMoments } from './contour-moments.js'
import { compositionsOf, type ExactCurve } from './curve.js'
import { type ComplexColumn, momentDerivatives } from './moment-derivatives.js'
import { saddlePoint } from './saddle-point.js'
import { solveEpsilon } from './solve-epsilon.js'

/** ∂ε in the settings of one group of equal steps; a mixture has no sampling probability. */
export interface StepGradient {
  readonly noiseMultiplier: number
  readonly samplingProbability: number | undefined
  readonly count: number
}

/** ε and its derivatives, the steps in the order of the curve's. They are estimates: nothing here bounds their error. */
export interface EpsilonGradient {
  readonly epsilon: number
  /** In the precision Σ σ⁻² of the unsampled Gaussians. */
  readonly precision: number
  readonly steps: readonly StepGradient[]
}

const gradientAt = (
  composition: Composition,
  epsilon: number,
  { digits, mostPoints }: ContourOptions,
): EpsilonGradient | undefined => {
  const plan = planContour(composition, saddlePoint(composition)(epsilon), epsilon, digits)
  const contour = plan !== undefined && plan.wished <= mostPoints ? contourAlong(composition, plan) : undefined
  if (contour === undefined) return undefined
  const { contour: line, re, im } = contour.moments
  const { tilt: c, spacing, points } = line
  const exponent = (re[0] as number) - c * epsilon
  const { estimate, slope } = readContour(contour, epsilon)
  /** ∂ε for a column of ∂K: −Σ′ Re(f ∂K) h/π over ∂δ/∂ε. */
  const along = ([gRe, gIm]: ComplexColumn): number => {
    let total = 0
    for (let k = 0; k < points; k++) {
      const y = k * spacing
      const modulus = (k === 0 ? 0.5 : 1) * Math.exp((re[k] as number) - (re[0] as number))
      const phase = (im[k] as number) - y * epsilon
      const [aRe, aIm] = [c * (c + 1) - y * y, (2 * c + 1) * y]
      const [cosine, sine] = [Math.cos(phase), Math.sin(phase)]
      const real = (cosine * aRe + sine * aIm) * (gRe[k] as number) - (sine * aRe - cosine * aIm) * (gIm[k] as number)
      total += (modulus * real) / (aRe * aRe + aIm * aIm)
    }
    return -(total * spacing * Math.exp(exponent - estimate)) / (Math.PI * slope)
  }
  const heights = Float64Array.from({ length: points }, (_, k) => k * spacing)
  return {
    epsilon,
    precision: along([heights.map((y) => 0.5 * (c * (c + 1) - y * y)), heights.map((y) => 0.5 * (2 * c + 1) * y)]),
    steps: composition.steps.map(({ pair, count }) => {
      const one = contourMoments({ precision: 0, steps: [{ pair, count: 1 }] }, line)
      const derivatives = momentDerivatives(pair, line)
      const q = derivatives?.samplingProbability
      return {
        noiseMultiplier: derivatives === undefined ? Number.NaN : count * along(derivatives.noiseMultiplier),
        samplingProbability: q && count * along(q),
        count: one === undefined ? Number.NaN : along([one.re, one.im]),
      }
    }),
  }
}

/**
 * ∂ε/∂σ, ∂ε/∂q and ∂ε/∂T of every group of equal steps at a fixed δ, in the direction that reports the larger ε.
 *
 * Undefined where there is nothing to differentiate (ε = 0, δ ∉ (0, 1), no sampled steps: then ε is that of one Gaussian), or no
 * contour of a few thousand points.
 *
 * Cost       a contour more than ε itself
 *
 * @example
 * epsilonGradient(1e-5)({ precision: 1, steps: [] }) // => undefined
 */
export const epsilonGradient =
  (delta: number, neighbouring: Neighbouring = 'addOrRemoveOne', options: ContourOptions = defaultContour) =>
  (curve: ExactCurve): EpsilonGradient | undefined => {
    if (!(delta > 0 && delta < 1) || curve.steps.length === 0 || curve.precision === Infinity) return undefined
    const found = compositionsOf(neighbouring)(curve).map((composition) => ({
      composition,
      epsilon: solveEpsilon(composition, options)(Math.log(delta)).estimate,
    }))
    const { composition, epsilon } = found.reduce((most, one) => (one.epsilon > most.epsilon ? one : most))
    if (!(epsilon > 0 && epsilon < Infinity)) return undefined
    const gradient = gradientAt(composition, epsilon, options)
    // Under replacement an unsampled sum moves twice as far.
    return gradient && { ...gradient, precision: gradient.precision * (neighbouring === 'replaceOne' ? 4 : 1) }
  }

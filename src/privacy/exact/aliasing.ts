/**
 * The step of the outer trapezoid rule, and its error, which has a sign.
 *
 * By Poisson's summation, with step h along Re s = c and in exact arithmetic,
 *
 *   T_h = Σ_k e^{2πkc/h} δ(ε + 2πk/h) ≥ δ(ε)
 *
 * since every term is ≥ 0 and the term k = 0 is δ(ε). The others: for k < 0, δ ≤ 1 gives 1/(e^{2πc/h} − 1); for k > 0, Chernoff at any
 * c′ > c gives B(c′) e^{−c′ε} x with x = ϱ/(1 − ϱ), ϱ = e^{−2π(c′−c)/h}, B(c′) = e^{K(c′)} c′^{c′} / (1 + c′)^{1+c′}.
 */
import { logAddExp } from '../special.js'
import { type Composition, cumulants } from './composition.js'
import { logChernoff, type SaddlePoint } from './saddle-point.js'

/** A step, and the point c′ that proves it. */
export interface OuterStep {
  readonly spacing: number
  readonly tilt: number
  /** log of Chernoff's bound B(c′) e^{−c′ε}. */
  readonly logChernoff: number
}

/**
 * The largest step whose aliasing error is below e^(logDelta − digits), among those that a dozen values of c′ can prove.
 *
 * Cost       about six evaluations of K
 */
export const outerStep = (
  composition: Composition,
  { tilt: c, logDelta }: SaddlePoint,
  { epsilon, digits }: { readonly epsilon: number; readonly digits: number },
): OuterStep => {
  const at = cumulants(composition)
  const level = logDelta - digits
  const left = (2 * Math.PI * c) / Math.log1p(Math.exp(-level))
  let right: OuterStep = { spacing: 0, tilt: c, logChernoff: Infinity }
  for (let gap = c / 64; gap < 1e6 * c; gap *= 1.5) {
    const tilt = c + gap
    const { value } = at(tilt)
    if (!(value < Infinity)) break
    const bound = logChernoff({ tilt, exponent: value - tilt * epsilon })
    const spacing = (2 * Math.PI * gap) / Math.max(1, bound - level)
    if (spacing > right.spacing) right = { spacing, tilt, logChernoff: bound }
    else if (spacing < 0.5 * right.spacing) break
    if (spacing > 4 * left) break
  }
  return { ...right, spacing: Math.min(left, right.spacing) }
}

/**
 * log of the bound of T_h − δ at abscissa c, for the composition joined by a Gaussian of precision v, which multiplies B(c′) by
 * e^{v c′(c′+1)/2}.
 */
export const logAliasing = (
  { spacing, tilt, logChernoff: bound }: OuterStep,
  { abscissa, smoothing }: { readonly abscissa: number; readonly smoothing: number },
): number => {
  const falls = (2 * Math.PI * (tilt - abscissa)) / spacing
  const right = bound + 0.5 * smoothing * tilt * (tilt + 1) - falls - Math.log(-Math.expm1(-falls))
  const rises = (2 * Math.PI * abscissa) / spacing
  const left = -rises - Math.log(-Math.expm1(-rises))
  return logAddExp(left, right)
}

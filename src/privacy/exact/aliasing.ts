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
import { logAddExp } from '../../tensor/special.js'
import { type Composition, cumulants } from './composition.js'
import { logChernoff, type SaddlePoint } from './saddle-point.js'

/** A contour's abscissa and step, and the point c′ that proves the step. */
export interface OuterStep {
  /** The abscissa: the saddle point, or a point short of it. */
  readonly saddle: SaddlePoint
  readonly spacing: number
  readonly tilt: number
  /** log of Chernoff's bound B(c′) e^{−c′ε}. */
  readonly logChernoff: number
}

/** Abscissas short of the saddle point, as parts of it. */
const SHORT: readonly number[] = [0.97, 0.93, 0.88, 0.82, 0.75, 0.67, 0.58]

/** By how many nats the mass on the contour may exceed that on the line through the saddle point, and δ lose digits to it. */
const MOST_LOSS = 3

/**
 * The largest step whose aliasing error is below e^(logDelta − digits), among those that a dozen values of c′ can prove.
 *
 * At a saddle where two modes of the loss balance (one large loss against many small ones), the tilted law is wide and the step small; a
 * little short of it the far mode is gone. So where the step is small for its height, shorter abscissas are tried.
 *
 * Cost       about ten evaluations of K, seven more where the saddle is unfavourable
 */
export const outerStep = (
  composition: Composition,
  saddle: SaddlePoint,
  { epsilon, digits }: { readonly epsilon: number; readonly digits: number },
): OuterStep => {
  const at = cumulants(composition)
  const level = saddle.logDelta - digits
  const leftOf = (c: number): number => (2 * Math.PI * c) / (level < -30 ? -level : Math.log1p(Math.exp(-level)))
  const spacingBy = (c: number, proof: OuterStep): number =>
    (2 * Math.PI * (proof.tilt - c)) / Math.max(1, proof.logChernoff - level)
  const proofAt = (tilt: number, exponent: number): OuterStep => ({
    saddle,
    spacing: 0,
    tilt,
    logChernoff: logChernoff({ tilt, exponent }),
  })
  const proofs: OuterStep[] = []
  const best = (from: SaddlePoint): OuterStep =>
    proofs.reduce<OuterStep>(
      (most, proof) => {
        const spacing = Math.min(leftOf(from.tilt), spacingBy(from.tilt, proof))
        return proof.tilt > from.tilt && spacing > most.spacing ? { ...proof, saddle: from, spacing } : most
      },
      { saddle: from, spacing: 0, tilt: from.tilt, logChernoff: Infinity },
    )
  const c = saddle.tilt
  let widest = 0
  for (let gap = c / 64; gap < 1e6 * c; gap *= 1.5) {
    const tilt = c + gap
    const { value } = at(tilt)
    if (!(value < Infinity)) break
    const proof = proofAt(tilt, value - tilt * epsilon)
    proofs.push(proof)
    const spacing = spacingBy(c, proof)
    widest = Math.max(widest, spacing)
    if (spacing < 0.5 * widest || spacing > 4 * leftOf(c)) break
  }
  let chosen = best(saddle)
  if (chosen.spacing > 0.25 * leftOf(c)) return chosen
  proofs.push(proofAt(c, saddle.exponent))
  const shorter: SaddlePoint[] = []
  for (const part of SHORT) {
    const tilt = part * c
    const exponent = at(tilt).value - tilt * epsilon
    if (exponent - Math.log(tilt) > saddle.exponent - Math.log(c) + MOST_LOSS) break
    shorter.push({ ...saddle, tilt, exponent })
    proofs.push(proofAt(tilt, exponent))
  }
  for (const from of shorter) {
    const step = best(from)
    if (step.spacing > 1.3 * chosen.spacing) chosen = step
  }
  return chosen
}

/**
 * log of the bound of T_h − δ at abscissa c, for the composition joined by a Gaussian of precision v, which multiplies B(c′) by
 * e^{v c′(c′+1)/2}.
 */
export const logAliasing = ({ saddle, spacing, tilt, logChernoff: bound }: OuterStep, smoothing: number): number => {
  const abscissa = saddle.tilt
  const falls = (2 * Math.PI * (tilt - abscissa)) / spacing
  const right = bound + 0.5 * smoothing * tilt * (tilt + 1) - falls - Math.log(-Math.expm1(-falls))
  const rises = (2 * Math.PI * abscissa) / spacing
  const left = -rises - Math.log(-Math.expm1(-rises))
  return logAddExp(left, right)
}

/**
 * The step of the outer trapezoid rule, and its error, term by term.
 *
 * By Poisson's summation, with step h along Re s = c and in exact arithmetic,
 *
 *   T_h = Σ_k e^{2πkc/h} δ(ε_k),   ε_k = ε + 2πk/h,
 *
 * whose term k = 0 is the answer and whose terms are all ≥ 0. B(a) e^{−aε} = e^{K(a) − aε} a^a / (1 + a)^{1+a} is Chernoff's bound of δ(ε).
 *
 *   right, k > 0   Chernoff at any c′ > c:  B(c′) e^{−c′ε} ϱ/(1 − ϱ),  ϱ = e^{−2π(c′−c)/h}
 *   left, k < 0    either Chernoff at any c″ ∈ [0, c):  B(c″) e^{−c″ε} ϱ/(1 − ϱ),  ϱ = e^{−2π(c−c″)/h};  B(0) = 1
 *                  or δ(ε′) = 1 − e^{ε′} + e^{ε′} δ̃(−ε′), δ̃ the divergence of Q from P: the sum of e^{2πkc/h}(1 − e^{ε_k}) is known,
 *                     1/(e^{2πc/h} − 1) − e^ε/(e^{2π(c+1)/h} − 1),
 *                  and what remains is at most B̃(a) e^{(1+a)ε} ϱ/(1 − ϱ),  ϱ = e^{−2π(c+1+a)/h},  for any a > 0
 *
 * Subtracting what is known leaves T_h an upper bound, and makes the pole at s = 0 no obstacle to a wide step.
 */
import { logAddExp } from '../../tensor/special.js'
import { type Composition, cumulants, mirroredComposition } from './composition.js'
import type { SaddlePoint } from './saddle-point.js'

/** K at a tilt, which proves a step: the tilt is c′, c″ or a above. */
export interface AliasingProof {
  readonly side: 'right' | 'left' | 'mirror'
  readonly tilt: number
  /** log B. */
  readonly logB: number
}

/** A contour's abscissa and step, and what proves the step. */
export interface OuterStep {
  /** The abscissa: the saddle point, or a point short of it. */
  readonly saddle: SaddlePoint
  readonly spacing: number
  readonly proofs: readonly AliasingProof[]
}

/** Abscissas short of the saddle point, as parts of it. */
const SHORT: readonly number[] = [0.93, 0.85, 0.75, 0.65, 0.55]

/** By how many nats the mass on the contour may exceed that on the line through the saddle point, and δ lose digits to it. */
const MOST_LOSS = 3

/** log of a^a / (1 + a)^{1+a}. */
const logEntropy = (a: number): number => (a === 0 ? 0 : a * Math.log(a) - (1 + a) * Math.log1p(a))

/** The step that a proof allows from abscissa c for an error below e^level. */
const spacingBy = ({ side, tilt, logB }: AliasingProof, c: number, epsilon: number, level: number): number => {
  const distance = side === 'right' ? tilt - c : side === 'left' ? c - tilt : c + 1 + tilt
  const height = side === 'mirror' ? logB + (1 + tilt) * epsilon : logB - tilt * epsilon
  return distance > 0 ? (2 * Math.PI * distance) / Math.max(1, height - level) : 0
}

/** log of the bound that a proof gives at step h. */
const boundBy = ({ side, tilt, logB }: AliasingProof, c: number, epsilon: number, h: number): number => {
  const distance = side === 'right' ? tilt - c : side === 'left' ? c - tilt : c + 1 + tilt
  const height = side === 'mirror' ? logB + (1 + tilt) * epsilon : logB - tilt * epsilon
  const falls = (2 * Math.PI * distance) / h
  return distance > 0 ? height - falls - Math.log(-Math.expm1(-falls)) : Infinity
}

/**
 * The largest step whose aliasing error is below e^(logDelta − digits), among those that a few dozen proofs allow.
 *
 * At a saddle where two modes of the loss balance (one large loss against many small ones), the tilted law is wide and the step small; a
 * little short of it the far mode is gone. So where the step is small for its height, shorter abscissas are tried.
 *
 * Cost       ten to twenty evaluations of K
 */
export const outerStep = (
  composition: Composition,
  saddle: SaddlePoint,
  { epsilon, digits }: { readonly epsilon: number; readonly digits: number },
): OuterStep => {
  const at = cumulants(composition)
  const level = saddle.logDelta - digits
  const c = saddle.tilt
  const proofAt = (side: AliasingProof['side'], tilt: number, value: number): AliasingProof => ({
    side,
    tilt,
    logB: value + logEntropy(tilt),
  })
  const right: AliasingProof[] = []
  /** Walks outwards while the step that is proved grows. */
  const walk = (
    proofs: AliasingProof[],
    side: AliasingProof['side'],
    value: (tilt: number) => number,
    start: number,
    tiltOf: (gap: number) => number,
  ): void => {
    let widest = 0
    for (let gap = start; gap < 1e7 * start; gap *= 1.5) {
      const tilt = tiltOf(gap)
      const found = value(tilt)
      if (!(found < Infinity)) break
      const proof = proofAt(side, tilt, found)
      proofs.push(proof)
      const spacing = spacingBy(proof, c, epsilon, level)
      if (spacing < 0.8 * widest) break
      widest = Math.max(widest, spacing)
    }
  }
  const reach = Math.sqrt((2 * digits) / saddle.variance)
  walk(
    right,
    'right',
    (tilt) => at(tilt).value,
    Math.min(0.25 * reach, 0.5 * c),
    (gap) => c + gap,
  )
  const best = (proofs: readonly AliasingProof[], from: number): number =>
    proofs.reduce((most, proof) => Math.max(most, spacingBy(proof, from, epsilon, level)), 0)
  const left: AliasingProof[] = [{ side: 'left', tilt: 0, logB: 0 }]
  const shorter: SaddlePoint[] = []
  if (best(left, c) < best(right, c)) {
    const mirror = cumulants(mirroredComposition(composition))
    walk(
      left,
      'mirror',
      (tilt) => mirror(tilt).value,
      Math.min(0.25 * reach, 1),
      (gap) => gap,
    )
  }
  if (best(right, c) < 0.25 * best(left, c) || best(right, c) < 0.4 / Math.sqrt(saddle.variance))
    for (const part of SHORT) {
      const tilt = part * c
      const { value, variance } = at(tilt)
      const exponent = value - tilt * epsilon
      right.push(proofAt('right', tilt, value))
      left.push(proofAt('left', tilt, value))
      if (exponent - Math.log(tilt) <= saddle.exponent - Math.log(c) + MOST_LOSS)
        shorter.push({ ...saddle, tilt, exponent, variance })
    }
  right.push({ ...proofAt('right', c, saddle.exponent + c * epsilon) })
  const proofs = [...right, ...left]
  // The digits that subtracting a known part costs are few.
  const spacingFrom = (from: SaddlePoint): number =>
    Math.min(
      best(right, from.tilt),
      best(left, from.tilt),
      (2 * Math.PI * from.tilt) / Math.max(2, -5 - saddle.logDelta),
    )
  let chosen: OuterStep = { saddle, spacing: spacingFrom(saddle), proofs }
  for (const from of shorter) {
    const spacing = spacingFrom(from)
    if (spacing > 1.3 * chosen.spacing) chosen = { saddle: from, spacing, proofs }
  }
  return chosen
}

/** What T_h exceeds δ by: a part that is known, and a bound of the rest in logarithms. */
export interface Aliasing {
  readonly known: number
  readonly logRest: number
}

/**
 * The aliasing of a contour at ε, for the composition joined by a Gaussian of precision v (which multiplies B(a) by e^{v a(a+1)/2}).
 */
export const aliasing = ({ saddle, spacing, proofs }: OuterStep, epsilon: number, smoothing: number): Aliasing => {
  const c = saddle.tilt
  const least = (side: AliasingProof['side']): number => {
    let bound = Infinity
    for (const proof of proofs)
      if (proof.side === side)
        bound = Math.min(bound, boundBy(proof, c, epsilon, spacing) + 0.5 * smoothing * proof.tilt * (proof.tilt + 1))
    return bound
  }
  const right = least('right')
  const left = least('left')
  const mirror = least('mirror')
  if (left <= mirror) return { known: 0, logRest: logAddExp(right, left) }
  const rises = (2 * Math.PI * c) / spacing
  const known =
    1 / Math.expm1(rises) -
    Math.exp(epsilon - rises - (2 * Math.PI) / spacing) / -Math.expm1(-rises - (2 * Math.PI) / spacing)
  return { known, logRest: logAddExp(right, mirror) }
}

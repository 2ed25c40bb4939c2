/**
 * The inner quadrature: the trapezoid rule in t for E_P[g(L)], on a line of constant Im t, and what it errs by.
 *
 * The rule with step h on Im t = τ errs by at most e^(−2πτ/h) times the integrals of |integrand| on Im t = 0 and Im t = 2τ
 * (2D-strip of half-width τ about the line). There |φ(t + 2iτ)| = φ(t) e^(2τ²); |r| falls by cos(τ/σ) at most; and |e^{iyL}| ≤ 1
 * for y ≥ 0, since the line is taken on the side where Im L ≥ 0. So the error does not grow with y, and nodes far out
 * vanish by themselves as y grows.
 */
import type { Pair } from './pair.js'

/** −log of the relative error of the inner rule, and of what its window leaves out. */
export const INNER_DIGITS = 50

export interface InnerRule {
  /** Im t of the line; negative for `add`, whose loss runs the other way. */
  readonly shift: number
  readonly step: number
  /** A bound of the error of E_P[e^{sL}], s = c + iy with y ≥ 0, relative to E_P[e^{cL}] + 1. */
  readonly error: number
}

/**
 * The line and the step at tilt c.
 *
 * τ = min(1.2, 3σ/2, 4σ/√c): the third because |r|^(−c) grows by cos(τ/σ)^(−c) ≤ e^10 on the far side, where r stands in the
 * denominator.
 */
export const innerRule = ({ kind, noiseMultiplier: sigma }: Pair, tilt: number): InnerRule => {
  const tau = Math.min(1.2, 1.5 * sigma, kind === 'remove' ? Infinity : (4 * sigma) / Math.sqrt(tilt))
  const growth = 2 * tau * tau + (kind === 'remove' ? 0 : -(tilt + 1) * Math.log(Math.cos(tau / sigma)))
  const exponent = INNER_DIGITS + growth
  const step = (2 * Math.PI * tau) / exponent
  return {
    shift: kind === 'add' ? -tau : tau,
    step,
    error: (Math.exp(growth - exponent) + Math.exp(-exponent)) / -Math.expm1(-exponent),
  }
}

/**
 * The bound of |φ(y)| = |M(c + iy)| / M(c) that falls for ever, by partial integration.
 *
 * Theorem. With G, p, S, σ of `tilted-law.ts`, for every κ ≥ 0 and y > 0
 *
 *   |φ(y)| ≤ 1 − E[p^κ] + (σ/(S y)) TV(G p^{κ−1})
 *
 * Proof. e^{iyL} = (1 − p^κ) e^{iyL} + p^κ e^{iyL}. The first part is at most E[1 − p^κ]. As L is monotone, p^κ G e^{iyL} dt =
 * ±(σ/(iyS)) G p^{κ−1} d(e^{iyL}), whose integral is, by parts, at most σ/(yS) times the total variation; at both ends G p^{κ−1} → 0. ∎
 *
 * Total variation from nodes. With ℓ = log(G p^{κ−1}) and |ℓ″| ≤ Λ on a cell of length h: if ℓ′ has a zero in the cell then |ℓ′| ≤ Λh there, so
 * |Δℓ| ≤ Λh²/2, and the variation of e^ℓ is at most Λh²/2 times its largest value, which is at most e^{Λh²/8} times that of the ends. Where
 * |Δℓ| > Λh²/2 the cell is monotone. Outside of the window e^ℓ is monotone.
 */
import type { Pair } from './pair.js'
import type { TiltedLaw } from './tilted-law.js'

/** The exponents κ. */
export const POWERS: readonly number[] = [0, 0.05, 0.1, 0.15, 0.25, 0.35, 0.5, 0.75, 1, 1.5, 2, 3]

/** |φ(y)| ≤ lost + variation / y. */
export interface FarBound {
  readonly lost: number
  readonly variation: number
}

/** What quadrature (e^{−33}), window (e^{−70}) and rounding of E[p^κ] may come to. */
const DOUBT = 1e-12

/** The bounds, one for each κ. */
export const farBounds = (
  { step, logDensity, density, total, logSlope, bend, slopeBend }: TiltedLaw,
  { kind, noiseMultiplier: sigma }: Pair,
): readonly FarBound[] => {
  const count = logDensity.length
  const half = 0.5 * step * step
  return POWERS.map((kappa) => {
    let mass = 0
    let variation = 0
    let before = 0
    let logBefore = -Infinity
    let doubtBefore = 0
    for (let k = 0; k < count; k++) {
      const log = (logDensity[k] as number) + (kappa - 1) * (logSlope[k] as number)
      const value = log < -80 ? 0 : Math.exp(log)
      const doubt = half * ((bend[k] as number) + Math.abs(kappa - 1) * (slopeBend[k] as number))
      const turn = Math.max(doubt, doubtBefore)
      variation +=
        Math.abs(log - logBefore) > turn
          ? Math.abs(value - before)
          : Math.max(value, before) * turn * Math.exp(0.25 * turn)
      mass += value === 0 ? 0 : kappa === 0 ? (density[k] as number) : value * Math.exp(logSlope[k] as number)
      ;[before, logBefore, doubtBefore] = [value, log, doubt]
    }
    const scale = sigma / (kind === 'replace' ? 2 : 1) / (total * step)
    return {
      lost: Math.max(0, 1 - mass / total + DOUBT),
      variation: scale * (variation + before) * (1 + 1e-9) + 1e-30,
    }
  })
}

/**
 * Quantiles of the normal distribution, by rational functions.
 *
 * Reference  Wichura 1988, "Algorithm AS 241: the percentage points of the normal distribution", PPND16
 */
import { naturalLog } from './natural-log.js'
import { logNdtr, millsRatio } from './special.js'

/** Φ⁻¹(½ + d) for |d| ≤ 0.425. @internal */
export const centralQuantile = (d: number): number => {
  const r = 0.180625 - d * d
  return (
    (d *
      (((((((2509.0809287301227 * r + 33430.57558358813) * r + 67265.7709270087) * r + 45921.95393154987) * r +
        13731.69376550946) *
        r +
        1971.5909503065513) *
        r +
        133.14166789178438) *
        r +
        3.3871328727963665)) /
    (((((((5226.495278852854 * r + 28729.085735721943) * r + 39307.89580009271) * r + 21213.794301586597) * r +
      5394.196021424751) *
      r +
      687.1870074920579) *
      r +
      42.31333070160091) *
      r +
      1)
  )
}

/** −Φ⁻¹(q) for 0 < q < 0.075. @internal */
export const upperQuantile = (q: number): number => upperQuantileAt(Math.sqrt(-naturalLog(q)))

/** −Φ⁻¹(e^(−s²)) for 1.6 < s < 27. */
const upperQuantileAt = (s: number): number => {
  if (s <= 5) {
    const r = s - 1.6
    return (
      (((((((0.0007745450142783414 * r + 0.022723844989269184) * r + 0.2417807251774506) * r + 1.2704582524523684) * r +
        3.6478483247632045) *
        r +
        5.769497221460691) *
        r +
        4.630337846156546) *
        r +
        1.4234371107496835) /
      (((((((1.0507500716444169e-9 * r + 0.0005475938084995345) * r + 0.015198666563616457) * r + 0.14810397642748008) *
        r +
        0.6897673349851) *
        r +
        1.6763848301838038) *
        r +
        2.053191626637759) *
        r +
        1)
    )
  }
  const r = s - 5
  return (
    (((((((2.0103343992922881e-7 * r + 2.7115555687434876e-5) * r + 0.0012426609473880784) * r + 0.026532189526576124) *
      r +
      0.29656057182850487) *
      r +
      1.7848265399172913) *
      r +
      5.463784911164114) *
      r +
      6.657904643501103) /
    (((((((2.0442631033899397e-15 * r + 1.421511758316446e-7) * r + 1.8463183175100548e-5) * r +
      0.0007868691311456133) *
      r +
      0.014875361290850615) *
      r +
      0.1369298809227358) *
      r +
      0.599832206555888) *
      r +
      1)
  )
}

/**
 * Φ⁻¹(p), the quantile of the standard normal distribution.
 *
 * Guarantee   relative error ≤ 1e-15 for p in (0, 1), as far as p tells itself from ½ and from 1; −∞ at 0, ∞ at 1, NaN elsewhere
 *
 * @example
 * ndtri(0.5) // => 0
 */
export const ndtri = (p: number): number => {
  if (!(p > 0 && p < 1)) return p === 0 ? -Infinity : p === 1 ? Infinity : Number.NaN
  return p < 0.075 ? -upperQuantile(p) : p > 0.925 ? upperQuantile(1 - p) : centralQuantile(p - 0.5)
}

/** Above this s, p = e^(−s²) is below what the rational functions were made for. */
const FARTHEST = 26
/** log 2, in two parts. */
const LOG_2 = Math.LN2
const LOG_2_REST = 2.3190468138462996e-17

/**
 * Φ⁻¹(eˡ), the quantile of the standard normal distribution at a probability that is given by its logarithm l ≤ 0.
 *
 * Far out by Newton's steps for log Φ from the first terms of its expansion.
 *
 * Guarantee   relative error ≤ 1e-14 for every l < 0, next to log ½ too, where it is 0; −∞ at −∞, ∞ at 0, NaN above
 *
 * @example
 * logNdtri(-1e6).toFixed(6) // => '-1414.207783'
 */
export const logNdtri = (logP: number): number => {
  if (!(logP < 0 && logP > -Infinity)) return logP === 0 ? Infinity : logP === -Infinity ? -Infinity : Number.NaN
  if (logP > -0.078) return upperQuantile(-Math.expm1(logP))
  if (logP > -2.59) return centralQuantile(0.5 * Math.expm1(logP + LOG_2 + LOG_2_REST))
  const s = Math.sqrt(-logP)
  if (s < FARTHEST) return -upperQuantileAt(s)
  let x = -Math.SQRT2 * s
  // x² = −2l − log 2πx², and then d log Φ/dx = 1/R(−x), R Mills' ratio.
  for (let i = 0; i < 3; i++) x = -Math.sqrt(-2 * logP - Math.log(2 * Math.PI) - 2 * Math.log(-x))
  for (let i = 0; i < 3; i++) x -= (logNdtr(x) - logP) * millsRatio(-x)
  return x
}

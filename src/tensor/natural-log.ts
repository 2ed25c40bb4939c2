/**
 * The natural logarithm, the same bits on every engine: `Math.log` may differ between them in the last one, and variates that a key
 * makes may not.
 *
 *   x = 2ᵏ (1 + f),  √½ ≤ 1 + f < √2,  s = f / (2 + f)        ln x = k ln 2 + f − (f²/2 − s (f²/2 + R(s²))),   R by minimax
 *
 * Reference  Ng 1993, `e_log.c` of fdlibm, operation for operation
 */

const LN2_HIGH = 0.6931471803691238
const LN2_LOW = 1.9082149292705877e-10

const float = new Float64Array(1)
const halves = new Uint32Array(float.buffer)

/**
 * ln x of a number above 0 and below ½.
 *
 * Guarantee  an error below one unit in the last place
 *
 * @internal
 */
export const naturalLog = (x: number): number => {
  const subnormal = x < 2 ** -1022
  float[0] = subnormal ? x * 2 ** 54 : x
  const high = halves[1] as number
  const fraction = high & 0xfffff
  const halved = (fraction + 0x95f64) & 0x100000
  const k = (high >>> 20) - 1023 + (halved >>> 20) - (subnormal ? 54 : 0)
  halves[1] = fraction | (halved ^ 0x3ff00000)
  const f = float[0] - 1
  const low = k * LN2_LOW
  if (((fraction + 2) & 0xfffff) < 3) return k * LN2_HIGH - (f * f * (0.5 - 0.3333333333333333 * f) - low - f)
  const s = f / (2 + f)
  const z = s * s
  const w = z * z
  const even = w * (0.3999999999940942 + w * (0.22222198432149784 + w * 0.15313837699209373))
  const odd = z * (0.6666666666666735 + w * (0.2857142874366239 + w * (0.1818357216161805 + w * 0.14798198605116586)))
  const r = odd + even
  const half = 0.5 * f * f
  // Where 1 + f is in the middle of its octave the square is kept apart.
  const rest = fraction >= 0x6147a && fraction <= 0x6b851 ? half - (s * (half + r) + low) : s * (f - r) - low
  return k * LN2_HIGH - (rest - f)
}

/**
 * ∂ log M(s) / ∂σ and ∂ log M(s) / ∂q along a contour.
 *
 *   ∂M/∂θ = E_Q[(1 + s) r^{1+s} ℓ]  remove,   E_P[−s r^{−s} ℓ]  add,   ℓ = ∂ log r/∂θ at a fixed node t
 *   ∂r/∂q = e^z − 1,   ∂r/∂σ = Σ pᵢ e^{zᵢ} (cᵢ²/σ³ − cᵢ t/σ²);   replace: (1 + s) ℓ(t) − s ℓ(−t)
 */
import type { Contour } from './contour-moments.js'
import { componentsOf, type Pair } from './pair.js'
import { shiftedNodes } from './shifted-nodes.js'

/** Real and imaginary parts, a point of the contour each. */
export type ComplexColumn = readonly [re: Float64Array, im: Float64Array]

export interface MomentDerivatives {
  readonly noiseMultiplier: ComplexColumn
  /** Undefined for a mixture, which has no such parameter. */
  readonly samplingProbability: ComplexColumn | undefined
}

const MOST_POINTS = 4096

/** ∂ log r/∂σ and ∂ log r/∂q at t + iτ, written into four numbers. */
const logRatioDerivatives = (pair: Pair): ((t: number, tau: number, out: Float64Array) => void) => {
  const { noiseMultiplier: sigma } = pair
  const { shifts, weights, rest } = componentsOf(pair)
  const logs = weights.map(Math.log)
  const logRest = Math.log(rest)
  return (t, tau, out) => {
    let top = logRest
    const heights = shifts.map((c, i) => (c * t) / sigma - (0.5 * c * c) / sigma / sigma + (logs[i] as number))
    for (const height of heights) top = Math.max(top, height)
    let [rRe, rIm, sRe, sIm, eRe, eIm] = [rest === 0 ? 0 : Math.exp(logRest - top), 0, 0, 0, 0, 0]
    heights.forEach((height, i) => {
      const c = shifts[i] as number
      const size = Math.exp(height - top)
      const [re, im] = [size * Math.cos((c * tau) / sigma), size * Math.sin((c * tau) / sigma)]
      const [fRe, fIm] = [(c * c) / sigma ** 3 - (c * t) / sigma ** 2, (-c * tau) / sigma ** 2]
      rRe += re
      rIm += im
      sRe += re * fRe - im * fIm
      sIm += re * fIm + im * fRe
      eRe += re / (weights[i] as number)
      eIm += im / (weights[i] as number)
    })
    eRe -= Math.exp(-top)
    const norm = rRe * rRe + rIm * rIm
    out[0] = (sRe * rRe + sIm * rIm) / norm
    out[1] = (sIm * rRe - sRe * rIm) / norm
    out[2] = (eRe * rRe + eIm * rIm) / norm
    out[3] = (eIm * rRe - eRe * rIm) / norm
  }
}

/**
 * The derivatives at every point of a contour; undefined where it is long, or out of range.
 *
 * Cost       an exponential, a sine and a cosine a point and node
 */
export const momentDerivatives = (pair: Pair, contour: Contour): MomentDerivatives | undefined => {
  const { tilt: c, spacing, points } = contour
  const nodes = points <= MOST_POINTS ? shiftedNodes(pair, c) : undefined
  if (nodes === undefined) return undefined
  const { count, node, shift, tiltedRe, tiltedIm, lossRe, lossIm } = nodes
  const derivative = logRatioDerivatives(pair)
  const here = new Float64Array(4 * count)
  const mirrored = new Float64Array(4 * count)
  for (let j = 0; j < count; j++) {
    derivative(node[j] as number, shift, here.subarray(4 * j, 4 * j + 4))
    if (pair.kind === 'replace') derivative(-(node[j] as number), -shift, mirrored.subarray(4 * j, 4 * j + 4))
  }
  const column = (): ComplexColumn => [new Float64Array(points), new Float64Array(points)]
  const results: readonly [ComplexColumn, ComplexColumn] = [column(), column()]
  for (let k = 0; k < points; k++) {
    const y = k * spacing
    // M, and for σ and q: Σ of the integrand times ℓ(t), and times ℓ(−t).
    let [mRe, mIm] = [0, 0]
    const sums = new Float64Array(8)
    for (let j = 0; j < count; j++) {
      const shrink = Math.exp(-y * (lossIm[j] as number))
      if (shrink < 1e-30) continue
      const [cosine, sine] = [
        shrink * Math.cos(y * (lossRe[j] as number)),
        shrink * Math.sin(y * (lossRe[j] as number)),
      ]
      const re = (tiltedRe[j] as number) * cosine - (tiltedIm[j] as number) * sine
      const im = (tiltedRe[j] as number) * sine + (tiltedIm[j] as number) * cosine
      mRe += re
      mIm += im
      for (let i = 0; i < 4; i += 2) {
        const [a, b] = [here[4 * j + i] as number, here[4 * j + i + 1] as number]
        const [d, e] = [mirrored[4 * j + i] as number, mirrored[4 * j + i + 1] as number]
        sums[i] = (sums[i] as number) + re * a - im * b
        sums[i + 1] = (sums[i + 1] as number) + re * b + im * a
        sums[4 + i] = (sums[4 + i] as number) + re * d - im * e
        sums[5 + i] = (sums[5 + i] as number) + re * e + im * d
      }
    }
    const norm = mRe * mRe + mIm * mIm
    results.forEach(([outRe, outIm], which) => {
      const [a, b] = [sums[2 * which] as number, sums[2 * which + 1] as number]
      const [d, e] = [sums[4 + 2 * which] as number, sums[5 + 2 * which] as number]
      // (1 + s) and −s beside ℓ(t); −s beside ℓ(−t).
      const [fRe, fIm] = pair.kind === 'add' ? [-c, -y] : [1 + c, y]
      const re = fRe * a - fIm * b - (c * d - y * e)
      const im = fRe * b + fIm * a - (c * e + y * d)
      outRe[k] = (re * mRe + im * mIm) / norm
      outIm[k] = (im * mRe - re * mIm) / norm
    })
  }
  return { noiseMultiplier: results[0], samplingProbability: 'samplingProbability' in pair ? results[1] : undefined }
}

/**
 * M(s) − 1 = E_P[e^{sL} − 1] at 32 equally spaced points of the contour at a time.
 *
 * With g = e^{ihL}, a node's term v = w(e^{sL} − 1) goes from one point to the next by v ← v g + w(g − 1): one complex product
 * and no transcendental function. Every block starts afresh from e^{sL}, so rounding is that of at most 32 products; and
 * it leaves out the nodes that have died away (|e^{iyL}| = e^{−y Im L}), which then count −w.
 */
import type { ShiftedNodes } from './shifted-nodes.js'

/** Points a block. */
export const BLOCK = 32

/** M − 1 (in units of e^scale) at y₀, y₀ + h, …, with a bound of the absolute error of each. */
export interface Block {
  readonly re: Float64Array
  readonly im: Float64Array
  error: number
}

export const block = (): Block => ({ re: new Float64Array(BLOCK), im: new Float64Array(BLOCK), error: 0 })

/** What a weight may be, relative to the scale, and still be forgotten: its effect is part of `error`. */
const FORGOTTEN = 1e-21
const ROUNDOFF = 2 ** -53

/** Work space of one evaluator: no allocation in the loop over blocks. */
interface Space {
  readonly vRe: Float64Array
  readonly vIm: Float64Array
  readonly gRe: Float64Array
  readonly gIm: Float64Array
  readonly addRe: Float64Array
  readonly addIm: Float64Array
}

/**
 * The evaluator of one step's nodes along Re s = c with spacing h: fills a block from y₀ on.
 *
 * Rounding   per node: (8 + 4·32) u (|v| + |w e^{sL}| min(2, 32|g − 1|)), the products; 4u |w e^{sL}| (1 + (c + y)|L|), the
 *            exponential and its argument; and the sum, N u Σ|v|. Their sum is part of `error`.
 */
export const blockEvaluator = (
  nodes: ShiftedNodes,
  { tilt, spacing }: { readonly tilt: number; readonly spacing: number },
): ((start: number, out: Block) => void) => {
  const { count, weightRe, weightIm, tiltedRe, tiltedIm, lossRe, lossIm } = nodes
  const array = (): Float64Array => new Float64Array(count)
  const space: Space = { vRe: array(), vIm: array(), gRe: array(), gIm: array(), addRe: array(), addIm: array() }
  const turnRe = array()
  const turnIm = array()
  const turnSize = array()
  for (let j = 0; j < count; j++) {
    const [re, im] = [lossRe[j] as number, lossIm[j] as number]
    const shrink = Math.exp(-spacing * im)
    // g − 1, without cancellation.
    turnRe[j] = Math.expm1(-spacing * im) - shrink * 2 * Math.sin(0.5 * spacing * re) ** 2
    turnIm[j] = shrink * Math.sin(spacing * re)
    turnSize[j] = Math.min(2, BLOCK * Math.hypot(turnRe[j] as number, turnIm[j] as number))
  }
  return (start, out) => {
    const { vRe, vIm, gRe, gIm, addRe, addIm } = space
    let live = 0
    let deadRe = 0
    let deadIm = 0
    let forgotten = 0
    let products = 0
    let exponentials = 0
    for (let j = 0; j < count; j++) {
      const [wRe, wIm] = [weightRe[j] as number, weightIm[j] as number]
      const size = Math.abs(tiltedRe[j] as number) + Math.abs(tiltedIm[j] as number)
      const fade = Math.exp(-start * (lossIm[j] as number))
      if (size * fade < FORGOTTEN) {
        deadRe -= wRe
        deadIm -= wIm
        forgotten += size * fade + ROUNDOFF * (Math.abs(wRe) + Math.abs(wIm))
        continue
      }
      const angle = start * (lossRe[j] as number)
      let re = 0
      let im = 0
      let relative = 1
      const power = tilt * (lossRe[j] as number) - start * (lossIm[j] as number)
      const phase = tilt * (lossIm[j] as number) + angle
      if (Math.abs(power) < 1 && Math.abs(phase) < 1) {
        // e^{sL} − 1 keeps its digits where sL is small.
        const eRe = Math.expm1(power) - Math.exp(power) * 2 * Math.sin(0.5 * phase) ** 2
        const eIm = Math.exp(power) * Math.sin(phase)
        re = wRe * eRe - wIm * eIm
        im = wRe * eIm + wIm * eRe
        relative = 0
      } else {
        const [cosine, sine] = [fade * Math.cos(angle), fade * Math.sin(angle)]
        re = (tiltedRe[j] as number) * cosine - (tiltedIm[j] as number) * sine - wRe
        im = (tiltedRe[j] as number) * sine + (tiltedIm[j] as number) * cosine - wIm
      }
      vRe[live] = re
      vIm[live] = im
      const [tRe, tIm] = [turnRe[j] as number, turnIm[j] as number]
      gRe[live] = 1 + tRe
      gIm[live] = tIm
      addRe[live] = wRe * tRe - wIm * tIm
      addIm[live] = wRe * tIm + wIm * tRe
      products += Math.abs(re) + Math.abs(im) + size * fade * (turnSize[j] as number)
      exponentials +=
        size * fade * (relative + (tilt + start) * (Math.abs(lossRe[j] as number) + (lossIm[j] as number)))
      live++
    }
    for (let k = 0; k < BLOCK; k++) {
      let sumRe = 0
      let sumIm = 0
      for (let j = 0; j < live; j++) {
        const re = vRe[j] as number
        const im = vIm[j] as number
        sumRe += re
        sumIm += im
        const [a, b] = [gRe[j] as number, gIm[j] as number]
        vRe[j] = re * a - im * b + (addRe[j] as number)
        vIm[j] = re * b + im * a + (addIm[j] as number)
      }
      out.re[k] = sumRe + deadRe
      out.im[k] = sumIm + deadIm
    }
    const rounding = (8 + 4 * BLOCK + count) * products + 4 * exponentials
    out.error = nodes.error + forgotten + ROUNDOFF * rounding
  }
}

/**
 * The integrand of δ(ε) at any height, and its integral over a panel.
 */
import type { Composition } from './composition.js'
import type { SaddlePoint } from './saddle-point.js'
import { type ShiftedNodes, shiftedNodes } from './shifted-nodes.js'

/** Positive nodes and weights of the 16-point rule of Gauss and Legendre on [−1, 1]. */
const NODES: readonly number[] = [
  0.09501250983763744, 0.2816035507792589, 0.4580167776572274, 0.6178762444026438, 0.755404408355003,
  0.8656312023878318, 0.9445750230732326, 0.9894009349916499,
]
const WEIGHTS: readonly number[] = [
  0.1894506104550685, 0.1826034150449236, 0.1691565193950025, 0.1495959888165767, 0.1246289712555339,
  0.0951585116824928, 0.0622535239386479, 0.0271524594117541,
]

export interface Panel {
  /** ∫ Re f, ∫ Re f s and ∫ |f| over the panel. */
  readonly value: number
  readonly slope: number
  readonly size: number
}

interface Moment {
  re: number
  im: number
}

/** M(c + iy) − 1 in units of e^scale, node by node. */
const momentAt =
  (nodes: ShiftedNodes, tilt: number): ((y: number, out: Moment) => void) =>
  (y, out) => {
    const { count, weightRe, weightIm, lossRe, lossIm, tiltedRe, tiltedIm } = nodes
    let sumRe = 0
    let sumIm = 0
    for (let j = 0; j < count; j++) {
      const [wRe, wIm] = [weightRe[j] as number, weightIm[j] as number]
      const fade = y * (lossIm[j] as number)
      if (fade > 100) {
        sumRe -= wRe
        sumIm -= wIm
        continue
      }
      const power = tilt * (lossRe[j] as number) - fade
      const phase = tilt * (lossIm[j] as number) + y * (lossRe[j] as number)
      if (Math.abs(power) < 1 && Math.abs(phase) < 1) {
        const e = Math.exp(power)
        const eRe = Math.expm1(power) - e * 2 * Math.sin(0.5 * phase) ** 2
        const eIm = e * Math.sin(phase)
        sumRe += wRe * eRe - wIm * eIm
        sumIm += wRe * eIm + wIm * eRe
        continue
      }
      const angle = y * (lossRe[j] as number)
      const shrink = Math.exp(-fade)
      const [cosine, sine] = [shrink * Math.cos(angle), shrink * Math.sin(angle)]
      sumRe += (tiltedRe[j] as number) * cosine - (tiltedIm[j] as number) * sine - wRe
      sumIm += (tiltedRe[j] as number) * sine + (tiltedIm[j] as number) * cosine - wIm
    }
    out.re = sumRe
    out.im = sumIm
  }

/** The integrator over [y, y + length] at abscissa c, in units of e^{K(c) − cε}; undefined where the tilt is out of range. */
export const panelIntegrand = (
  { precision, steps }: Composition,
  { tilt: c, exponent }: SaddlePoint,
  epsilon: number,
): ((start: number, length: number) => Panel) | undefined => {
  const parts: { readonly count: number; readonly scale: number; readonly at: (y: number, out: Moment) => void }[] = []
  for (const { pair, count } of steps) {
    const nodes = shiftedNodes(pair, c)
    if (nodes === undefined) return undefined
    parts.push({ count, scale: nodes.scale, at: momentAt(nodes, c) })
  }
  const moment: Moment = { re: 0, im: 0 }
  return (start, length) => {
    let value = 0
    let slope = 0
    let size = 0
    for (let i = -8; i < 8; i++) {
      const index = i < 0 ? -i - 1 : i
      const node = (i < 0 ? -1 : 1) * (NODES[index] as number)
      const y = start + 0.5 * length * (1 + node)
      let height = 0.5 * precision * (c * c - y * y + c) - c * epsilon - exponent
      let phase = 0.5 * precision * (2 * c + 1) * y - y * epsilon
      for (const { count, scale, at } of parts) {
        at(y, moment)
        const unit = Math.exp(-scale)
        const { re, im } = moment
        height +=
          count *
          (scale +
            (scale === 0 ? 0.5 * Math.log1p(re * (2 + re) + im * im) : 0.5 * Math.log((re + unit) ** 2 + im * im)))
        phase += count * Math.atan2(im, unit + re)
      }
      const weight = 0.5 * length * (WEIGHTS[index] as number) * Math.exp(height)
      const [aRe, aIm] = [c * (c + 1) - y * y, (2 * c + 1) * y]
      const norm = aRe * aRe + aIm * aIm
      const [cosine, sine] = [Math.cos(phase), Math.sin(phase)]
      value += (weight * (cosine * aRe + sine * aIm)) / norm
      slope += (weight * (cosine * (c + 1) + sine * y)) / ((c + 1) * (c + 1) + y * y)
      size += weight / Math.sqrt(norm)
    }
    return { value, slope, size }
  }
}

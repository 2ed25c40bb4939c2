/**
 * The integrand of δ(ε) at any height, and its integral over a panel.
 */
import type { Composition } from './composition.js'
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

/** P₁₄ and P₁₅ at a node, each times (2k + 1)/2. */
const lastLegendre = (x: number): readonly [number, number] => {
  let [before, here] = [1, x]
  for (let k = 1; k < 14; k++) [before, here] = [here, ((2 * k + 1) * x * here - k * before) / (k + 1)]
  return [14.5 * here, (15.5 * (29 * x * here - 14 * before)) / 15]
}
const LAST: readonly (readonly [number, number])[] = NODES.map(lastLegendre)

export interface Panel {
  /** ∫ Re f, ∫ Re f s and ∫ |f| over the panel. */
  readonly value: number
  readonly slope: number
  readonly size: number
  /** The size of the last two of 16 Legendre coefficients of the first integrand, times the length: how far it is resolved. */
  readonly unresolved: number
}

interface Moment {
  re: number
  im: number
}

/** What a tilted weight may be, in logarithms, and still be forgotten. */
const FORGOTTEN = -50

/** M(c + iy) − 1 in units of e^scale, node by node; a node that has died away counts −w. */
const momentAt = (nodes: ShiftedNodes, tilt: number): ((y: number, out: Moment) => void) => {
  const { count, weightRe, weightIm, lossRe, lossIm, tiltedRe, tiltedIm } = nodes
  /** The height from which on a node is forgotten. */
  const lasts = Float64Array.from(
    lossIm,
    (im, j) => (Math.log(Math.hypot(tiltedRe[j] as number, tiltedIm[j] as number)) - FORGOTTEN) / im,
  )
  return (y, out) => {
    let sumRe = 0
    let sumIm = 0
    for (let j = 0; j < count; j++) {
      const [wRe, wIm] = [weightRe[j] as number, weightIm[j] as number]
      if (y > (lasts[j] as number)) {
        sumRe -= wRe
        sumIm -= wIm
        continue
      }
      const fade = y * (lossIm[j] as number)
      const angle = y * (lossRe[j] as number)
      const power = tilt * (lossRe[j] as number) - fade
      const phase = tilt * (lossIm[j] as number) + angle
      if (Math.abs(power) < 1 && Math.abs(phase) < 1) {
        const rise = Math.expm1(power)
        const halfSine = Math.sin(0.5 * phase)
        const eRe = rise - (1 + rise) * 2 * halfSine * halfSine
        const eIm = (1 + rise) * Math.sin(phase)
        sumRe += wRe * eRe - wIm * eIm
        sumIm += wRe * eIm + wIm * eRe
        continue
      }
      const shrink = Math.exp(-fade)
      const [cosine, sine] = [shrink * Math.cos(angle), shrink * Math.sin(angle)]
      sumRe += (tiltedRe[j] as number) * cosine - (tiltedIm[j] as number) * sine - wRe
      sumIm += (tiltedRe[j] as number) * sine + (tiltedIm[j] as number) * cosine - wIm
    }
    out.re = sumRe
    out.im = sumIm
  }
}

/** K at c + iy without the Gaussians, in parts. */
interface HeightAndPhase {
  readonly height: number
  readonly phase: number
}

/** The integrator over [y, y + length], in units of e^{K(c) − cε}. */
export type PanelIntegrator = (start: number, length: number) => Panel

/**
 * The integrators at abscissa c, one an ε; undefined where the tilt is out of range. K is remembered by height: at a second ε the panels of the
 * first cost next to nothing.
 */
export const panelIntegrand = (
  { precision, steps }: Composition,
  c: number,
): ((epsilon: number, exponent: number) => PanelIntegrator) | undefined => {
  const parts: { readonly count: number; readonly scale: number; readonly at: (y: number, out: Moment) => void }[] = []
  for (const { pair, count } of steps) {
    const nodes = shiftedNodes(pair, c)
    if (nodes === undefined) return undefined
    parts.push({ count, scale: nodes.scale, at: momentAt(nodes, c) })
  }
  const moment: Moment = { re: 0, im: 0 }
  const known = new Map<number, HeightAndPhase>()
  const at = (y: number): HeightAndPhase => {
    const found = known.get(y)
    if (found !== undefined) return found
    let height = 0.5 * precision * (c * c - y * y + c)
    let phase = 0.5 * precision * (2 * c + 1) * y
    for (const part of parts) {
      part.at(y, moment)
      const { count, scale } = part
      const unit = Math.exp(-scale)
      const { re, im } = moment
      height +=
        count *
        (scale + (scale === 0 ? 0.5 * Math.log1p(re * (2 + re) + im * im) : 0.5 * Math.log((re + unit) ** 2 + im * im)))
      phase += count * Math.atan2(im, unit + re)
    }
    const result = { height, phase }
    known.set(y, result)
    return result
  }
  return (epsilon, exponent) => (start, length) => {
    let value = 0
    let slope = 0
    let size = 0
    let [even, odd] = [0, 0]
    for (let i = -8; i < 8; i++) {
      const index = i < 0 ? -i - 1 : i
      const node = (i < 0 ? -1 : 1) * (NODES[index] as number)
      const y = start + 0.5 * length * (1 + node)
      const { height, phase } = at(y)
      const turn = phase - y * epsilon
      const weight = 0.5 * length * (WEIGHTS[index] as number) * Math.exp(height - c * epsilon - exponent)
      const [aRe, aIm] = [c * (c + 1) - y * y, (2 * c + 1) * y]
      const norm = aRe * aRe + aIm * aIm
      const [cosine, sine] = [Math.cos(turn), Math.sin(turn)]
      const term = (weight * (cosine * aRe + sine * aIm)) / norm
      const [fourteenth, fifteenth] = LAST[index] as readonly [number, number]
      even += fourteenth * term
      odd += (i < 0 ? -fifteenth : fifteenth) * term
      value += term
      slope += (weight * (cosine * (c + 1) + sine * y)) / ((c + 1) * (c + 1) + y * y)
      size += weight / Math.sqrt(norm)
    }
    return { value, slope, size, unresolved: Math.abs(even) + Math.abs(odd) }
  }
}

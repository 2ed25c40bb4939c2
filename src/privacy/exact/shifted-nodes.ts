/**
 * Nodes, weights and losses of one step on the shifted line of `inner-rule.ts`, tilted by e^{cL}.
 */
import { INNER_DIGITS, innerRule } from './inner-rule.js'
import { componentsOf, type Pair, windowOf } from './pair.js'

/**
 * Node j: the weight w = h φ(t) e^{lp} / e^scale, the tilted weight w e^{cL}, and the loss L with Im L ≥ 0, all complex. Where
 * `scale` is 0, nothing was divided out.
 */
export interface ShiftedNodes {
  readonly count: number
  readonly scale: number
  /** Re t of each node, and Im t of all. */
  readonly node: Float64Array
  readonly shift: number
  readonly weightRe: Float64Array
  readonly weightIm: Float64Array
  readonly tiltedRe: Float64Array
  readonly tiltedIm: Float64Array
  readonly lossRe: Float64Array
  readonly lossIm: Float64Array
  /** A bound of the absolute error of Σ w (e^{sL} − 1), from the rule and its window, in units of e^scale. */
  readonly error: number
}

/** A complex number. */
interface Complex {
  re: number
  im: number
}

/** log r and its angle at t + iτ, by ρ = r − 1 = Σ pᵢ(e^{zᵢ} − 1), written into `out`. */
const complexLogRatio = (pair: Pair, tau: number): ((t: number, out: Complex) => void) => {
  const { noiseMultiplier: sigma } = pair
  const { shifts, weights, rest } = componentsOf(pair)
  const count = shifts.length
  const angles = shifts.map((c) => (c * tau) / sigma)
  const [cosines, sines] = [angles.map(Math.cos), angles.map(Math.sin)]
  const versines = angles.map((angle) => 2 * Math.sin(0.5 * angle) ** 2)
  const halves = shifts.map((c) => (0.5 * c * c) / sigma / sigma)
  const logs = weights.map(Math.log)
  return (t, out) => {
    let re = 0
    let im = 0
    let largest = 0
    for (let i = 0; i < count; i++) {
      const z = ((shifts[i] as number) * t) / sigma - (halves[i] as number)
      largest = Math.max(largest, z)
      if (z > 350) continue
      const q = weights[i] as number
      const rise = Math.expm1(z)
      re += q * (rise * (cosines[i] as number) - (versines[i] as number))
      im += q * (rise + 1) * (sines[i] as number)
    }
    if (largest <= 350 && re > -0.5) {
      out.re = 0.5 * Math.log1p(re * (2 + re) + im * im)
      out.im = Math.atan2(im, 1 + re)
      return
    }
    // Where r is small, or huge, its terms are added as they are: all lie in one sector, so that nothing cancels.
    let top = rest > 0 ? Math.log(rest) : -Infinity
    for (let i = 0; i < count; i++)
      top = Math.max(top, ((shifts[i] as number) * t) / sigma - (halves[i] as number) + (logs[i] as number))
    re = rest * Math.exp(-top)
    im = 0
    for (let i = 0; i < count; i++) {
      const size = Math.exp(((shifts[i] as number) * t) / sigma - (halves[i] as number) + (logs[i] as number) - top)
      re += size * (cosines[i] as number)
      im += size * (sines[i] as number)
    }
    out.re = top + 0.5 * Math.log(re * re + im * im)
    out.im = Math.atan2(im, re)
  }
}

const MOST_NODES = 40_000
const HALF_LOG_2PI = 0.9189385332046728

/**
 * The nodes that count at tilt c > 0, or undefined where the tilt asks for more than 40,000 of them.
 *
 * Dropped are nodes whose tilted and untilted weights are both below e^(−50) of the scale.
 */
export const shiftedNodes = (pair: Pair, tilt: number): ShiftedNodes | undefined => {
  const { shift, step, error } = innerRule(pair, tilt)
  const { low, high } = windowOf(pair, tilt)
  const first = Math.ceil(low / step)
  const total = Math.floor(high / step) - first + 1
  if (!(total < MOST_NODES)) return undefined
  const at = complexLogRatio(pair, shift)
  // Exponents first: the scale has to be known before anything is exponentiated.
  const columns = Array.from({ length: 6 }, () => new Float64Array(total))
  const [baseRe, baseIm, powerRe, powerIm, lossRe, lossIm] = columns as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ]
  let peak = -Infinity
  const here: Complex = { re: 0, im: 0 }
  const there: Complex = { re: 0, im: 0 }
  const logStep = Math.log(step) - HALF_LOG_2PI
  const { kind } = pair
  for (let k = 0; k < total; k++) {
    const t = (first + k) * step
    at(t, here)
    // −t − iτ is the conjugate of −t + iτ.
    if (kind === 'replace') at(-t, there)
    const sign = kind === 'add' ? -1 : 1
    const re = sign * here.re - there.re
    const im = sign * here.im + there.im
    baseRe[k] = 0.5 * (shift - t) * (shift + t) + logStep + (kind === 'add' ? 0 : here.re)
    baseIm[k] = -shift * t + (kind === 'add' ? 0 : here.im)
    powerRe[k] = tilt * re
    powerIm[k] = tilt * im
    lossRe[k] = re
    lossIm[k] = im
    peak = Math.max(peak, (baseRe[k] as number) + tilt * re)
  }
  const scale = peak > 30 ? peak : 0
  const keep: number[] = []
  for (let k = 0; k < total; k++) {
    const base = (baseRe[k] as number) - scale
    if (base > -INNER_DIGITS || base + (powerRe[k] as number) > -INNER_DIGITS) keep.push(k)
  }
  const nodes = {
    count: keep.length,
    scale,
    node: Float64Array.from(keep, (k) => (first + k) * step),
    shift,
    weightRe: new Float64Array(keep.length),
    weightIm: new Float64Array(keep.length),
    tiltedRe: new Float64Array(keep.length),
    tiltedIm: new Float64Array(keep.length),
    lossRe: new Float64Array(keep.length),
    lossIm: new Float64Array(keep.length),
  }
  let mass = 0
  keep.forEach((k, j) => {
    const base = baseRe[k] as number
    const [turn, power] = [baseIm[k] as number, powerIm[k] as number]
    const weight = Math.exp(base - scale)
    const tilted = Math.exp(base + (powerRe[k] as number) - scale)
    nodes.weightRe[j] = weight * Math.cos(turn)
    nodes.weightIm[j] = weight * Math.sin(turn)
    nodes.tiltedRe[j] = tilted * Math.cos(turn + power)
    nodes.tiltedIm[j] = tilted * Math.sin(turn + power)
    nodes.lossRe[j] = lossRe[k] as number
    nodes.lossIm[j] = lossIm[k] as number
    mass += tilted + weight
  })
  // The tails of what the window leaves out fall faster than geometrically; the gaps inside hold at most e^(−50) a unit of t.
  const window = (high - low + 10) * Math.exp(-INNER_DIGITS)
  return { ...nodes, error: error * mass + window }
}

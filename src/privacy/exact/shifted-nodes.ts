/**
 * Nodes, weights and losses of one step on the shifted line of `inner-rule.ts`, tilted by e^{cL}.
 */
import { INNER_DIGITS, innerRule } from './inner-rule.js'
import type { PairKind, SampledPair } from './pair.js'
import { windowOf } from './pair.js'

/**
 * Node j: the weight w = h φ(t) e^{lp} / e^scale, the tilted weight w e^{cL}, and the loss L with Im L ≥ 0, all complex. Where
 * `scale` is 0, nothing was divided out.
 */
export interface ShiftedNodes {
  readonly count: number
  readonly scale: number
  readonly weightRe: Float64Array
  readonly weightIm: Float64Array
  readonly tiltedRe: Float64Array
  readonly tiltedIm: Float64Array
  readonly lossRe: Float64Array
  readonly lossIm: Float64Array
  /** A bound of the absolute error of Σ w (e^{sL} − 1), from the rule and its window, in units of e^scale. */
  readonly error: number
}

/** log r and its angle at t + iτ, by ρ = r − 1 = q(e^z − 1). */
const complexLogRatio = (
  { noiseMultiplier: sigma, samplingProbability: q }: SampledPair,
  tau: number,
): ((t: number) => readonly [re: number, im: number]) => {
  const angle = tau / sigma
  const [cosine, sine, versine] = [Math.cos(angle), Math.sin(angle), 2 * Math.sin(0.5 * angle) ** 2]
  const half = 0.5 / sigma / sigma
  const logQ = Math.log(q)
  return (t) => {
    const z = t / sigma - half
    if (z > 350) return [logQ + z, angle]
    const re = q * (Math.expm1(z) * cosine - versine)
    const im = q * Math.exp(z) * sine
    return [0.5 * Math.log1p(re * (2 + re) + im * im), Math.atan2(im, 1 + re)]
  }
}

/** lp and L at t + iτ from log r there and at −t − iτ (the conjugate of −t + iτ). */
const combine = (
  kind: PairKind,
  [re, im]: readonly [number, number],
  mirrored: readonly [number, number],
): readonly [logPRe: number, logPIm: number, lossRe: number, lossIm: number] =>
  kind === 'remove'
    ? [re, im, re, im]
    : kind === 'add'
      ? [0, 0, -re, -im]
      : [re, im, re - mirrored[0], im + mirrored[1]]

const MOST_NODES = 40_000
const HALF_LOG_2PI = 0.9189385332046728

/**
 * The nodes that count at tilt c > 0, or undefined where the tilt asks for more than 40,000 of them.
 *
 * Dropped are nodes whose tilted and untilted weights are both below e^(−50) of the scale.
 */
export const shiftedNodes = (pair: SampledPair, tilt: number): ShiftedNodes | undefined => {
  const { shift, step, error } = innerRule(pair, tilt)
  const { low, high } = windowOf(pair, tilt)
  const first = Math.ceil(low / step)
  const total = Math.floor(high / step) - first + 1
  if (!(total < MOST_NODES)) return undefined
  const at = complexLogRatio(pair, shift)
  const size = pair.kind === 'replace' ? 2 : 1
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
  const nothing: readonly [number, number] = [0, 0]
  for (let k = 0; k < total; k++) {
    const t = (first + k) * step
    const [logPRe, logPIm, re, im] = combine(pair.kind, at(t), size === 2 ? at(-t) : nothing)
    baseRe[k] = 0.5 * (shift - t) * (shift + t) - HALF_LOG_2PI + Math.log(step) + logPRe
    baseIm[k] = -shift * t + logPIm
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

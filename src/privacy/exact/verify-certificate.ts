/**
 * A check of a certificate that shares nothing with the engine that made it; docs/accounting.md has the proof.
 *
 *   δ(ε) ≤ (h/π) Σ' Re f(kh) + tail + what the moments err by,   f(y) = e^{K(s) − sε} / (s(s + 1)),   s = c + iy
 */
import type { Certificate, CertifiedDirection } from './certificate.js'

/** What a verifier found: the δ that it could prove, and whether that is within the claim. */
export type Verdict = { readonly valid: boolean; readonly delta: number }
type Step = CertifiedDirection['steps'][number]
type Visit = (loss: number, weight: number, p: number) => void

/** Calls back with L, the density under P times the gap, and p at nodes `gap` apart. */
const overNodes = ({ pair }: Step, c: number, gap: number, visit: Visit): void => {
  const { kind, noiseMultiplier: sigma } = pair
  const [shifts, weights] =
    'samplingProbability' in pair ? [[1], [pair.samplingProbability]] : [pair.sensitivities, pair.probabilities]
  /** log r, and the mean of the shift given t. */
  const at = (t: number): readonly [logR: number, mean: number] => {
    const z = shifts.map((shift) => (shift * (t - (0.5 * shift) / sigma)) / sigma)
    const over = (f: (z: number, i: number) => number) => z.reduce((sum, x, i) => sum + (weights[i] ?? 0) * f(x, i), 0)
    const top = Math.max(...z)
    const logR = top < 600 ? Math.log1p(over(Math.expm1)) : top + Math.log(over((x) => Math.exp(x - top)))
    return [logR, over((x, i) => (shifts[i] ?? 0) * Math.exp(x - logR))]
  }
  const high = 14 + (2 * c + 3) / sigma
  for (let t = -14 - 1 / sigma - (kind === 'remove' ? 0 : c / sigma); t < high; t += gap) {
    const [[here, mean], [mirrored, other]] = [at(t), kind === 'replace' ? at(-t) : [0, 0]]
    const weight = gap * Math.exp(-0.5 * t * t + (kind === 'add' ? 0 : here)) * Math.sqrt(0.5 / Math.PI)
    visit(kind === 'add' ? -here : here - mirrored, weight, kind === 'replace' ? 0.5 * (mean + other) : mean)
  }
}

/** Re and Im of n log M(c + iy), and n log(1 + e/|M|) with e what M errs by. Sums are in parts of 64, which bounds their rounding. */
const cumulant = (step: Step, c: number, y: number): readonly [re: number, im: number, doubt: number] => {
  const [count, sigma] = [step.count, step.pair.noiseMultiplier]
  const d = Math.min(1, sigma, (3 * sigma) / Math.sqrt(c + 1))
  const growth = 0.5 * d * d + (2 * y * d) / sigma - (c + 1) * Math.log(Math.cos(d / (2 * sigma)))
  let [re, im, partRe, partIm, size, mass, nodes] = [0, 0, 0, 0, 0, 0, 0]
  overNodes(step, c, (2 * Math.PI * d) / (46 + growth), (loss, weight) => {
    const rise = weight * Math.expm1(c * loss)
    const tilted = rise + weight
    partRe += rise - tilted * 2 * Math.sin(0.5 * y * loss) ** 2
    partIm += tilted * Math.sin(y * loss)
    size += Math.abs(rise) + tilted * Math.min(2, y * Math.abs(loss)) + tilted * (c + y) * Math.abs(loss)
    mass += tilted + weight
    if (++nodes % 64 === 0) [re, im, partRe, partIm] = [re + partRe, im + partIm, 0, 0]
  })
  const [u, v] = [re + partRe, im + partIm]
  const doubt = (4 * Math.exp(-46) * mass + Number.EPSILON * size * (80 + nodes / 64)) / Math.hypot(1 + u, v)
  return [0.5 * count * Math.log1p(u * (2 + u) + v * v), count * Math.atan2(v, 1 + u), count * Math.log1p(doubt)]
}

/** log b(Y) of one step, nodes 1/400 apart: from one to the next log G p^{κ−1} is monotone, or moves by at most `bend`. */
const logFar = (step: Step, c: number, y: number): number => {
  const [sigma, slope] = [step.pair.noiseMultiplier, step.pair.kind === 'replace' ? 2 : 1]
  const bend = (1 + ((c + 1) / 4 + 3 * Math.abs(step.kappa - 1)) / (sigma * sigma)) / (2 * 400 * 400)
  let [total, kept, variation, before] = [0, 0, 0, 0]
  overNodes(step, c, 1 / 400, (loss, weight, p) => {
    const density = weight * Math.exp(c * loss)
    const value = density * 400 * p ** (step.kappa - 1)
    const [low, high] = value < before ? [value, before] : [before, value]
    variation += low * (1 + 1.01 * bend) < high ? high - low : high * 1.01 * bend
    ;[total, kept, before] = [total + density, kept + density * p ** step.kappa, value]
  })
  return Math.min(0, Math.log(1 - kept / total + 1e-10 + ((sigma / slope) * (variation + before)) / (y * total)))
}

/** An upper bound of δ in one direction. */
const proved = ({ precision, steps, abscissa: c, spacing, points }: CertifiedDirection, epsilon: number): number => {
  let [sum, doubt, scale] = [0, 0, 0]
  for (let k = 0, y = 0; k < points; k++, y = k * spacing) {
    const parts = steps.map((step) => cumulant(step, c, y))
    const at = (i: 0 | 1 | 2, from: number): number => parts.reduce((total, part) => total + part[i], from)
    const re = at(0, 0.5 * precision * (c * c + c - y * y)) - c * epsilon
    const im = at(1, 0.5 * precision * (2 * c + 1) * y) - y * epsilon
    const unsure = at(2, Number.EPSILON * (points + 16 * (1 + Math.abs(re) + Math.abs(im) + 2 * (c + y) * epsilon)))
    if (k === 0) scale = re
    const modulus = ((k === 0 ? 0.5 : 1) * Math.exp(re - scale)) / (Math.hypot(c, y) * Math.hypot(c + 1, y))
    sum += modulus * Math.cos(im - Math.atan2(y, c) - Math.atan2(y, c + 1))
    doubt += modulus * Math.expm1(Math.min(unsure, 700))
  }
  const end = (points - 1) * spacing
  const tail = steps.reduce((total, step) => total + step.count * logFar(step, c, end), -0.5 * precision * end * end)
  return Math.exp(scale) * ((spacing / Math.PI) * (sum + doubt) + Math.exp(tail) / (Math.PI * end))
}

/**
 * Checks a certificate's claim from its contour and steps alone; NaN, from a moment that overflows, is not valid.
 *
 * Covers     the directions that are listed. That they are the right ones for the events and the relation is for the reader to see
 * Cost       an exponential and two sines a point and node: up to seconds for long contours
 *
 * @example
 * verifyCertificate({ format: 'fp-dp exact accounting certificate 1', neighbouring: 'addOrRemoveOne', epsilon: 1, delta: 0, directions: [] }) // => { valid: true, delta: 0 }
 */
export const verifyCertificate = ({ epsilon, delta, directions }: Certificate): Verdict => {
  const found = Math.max(0, ...directions.map((direction) => proved(direction, epsilon)))
  return { valid: found <= delta, delta: found }
}

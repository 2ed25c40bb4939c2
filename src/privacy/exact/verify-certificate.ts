/**
 * A check of a certificate that shares nothing with the engine that made it.
 *
 *   δ(ε) ≤ (h/π) Σ' Re f(kh) + tail + what the moments err by,   f(y) = e^{K(s) − sε} / (s(s + 1)),   s = c + iy
 *
 * because T_h = Σ_k e^{2πkc/h} δ(ε + 2πk/h) with every term ≥ 0. Moments are sums of the trapezoid rule on the real line: with step η it errs
 * by at most 4 e^{d²/2 + 2yd/σ − 2πd/η} (M(c) + 1) / cos(d/2σ)^{c+1} for d ≤ σ (off the line |φ| grows by e^{d²/2}, |r| falls to cos(d/2σ) of
 * itself and turns by d/σ). The tail beyond Y is at most (1/πY) e^{K(c) − cε} Π b(Y)^n, by partial integration
 * |M(c + iy)| / M(c) ≤ b(Y) = 1 − E[p^κ] + (σ/Y) TV(G p^{κ−1}), with G the tilted density of t and p = σ|dL/dt|, halved for `replace`.
 */
import type { Certificate, CertifiedDirection } from './certificate.js'

/** What a verifier found: the δ that it could prove, and whether that is within the claim. */
export interface Verdict {
  readonly valid: boolean
  readonly delta: number
}

type Step = CertifiedDirection['steps'][number]
const U = 2 ** -52

/** Calls back with L, the density under P times the gap, and p at nodes `gap` apart. */
type Visit = (loss: number, weight: number, p: number) => void
const overNodes = ({ pair }: Step, c: number, gap: number, visit: Visit): void => {
  const { kind, noiseMultiplier: sigma } = pair
  const [shifts, weights] =
    'samplingProbability' in pair ? [[1], [pair.samplingProbability]] : [pair.sensitivities, pair.probabilities]
  /** log r, and the mean of the shift given t. */
  const at = (t: number): readonly [logR: number, mean: number] => {
    const terms = shifts.map((shift, i) => {
      const z = (shift * t) / sigma - (0.5 * shift * shift) / (sigma * sigma)
      return [(weights[i] as number) * Math.expm1(Math.min(z, 600)), Math.log(weights[i] as number) + z, shift] as const
    })
    const logR =
      t < 600 * sigma
        ? Math.log1p(terms.reduce((sum, [rise]) => sum + rise, 0))
        : Math.log(terms.reduce((sum, [, log]) => sum + Math.exp(log - (terms[0]?.[1] ?? 0)), 0)) + (terms[0]?.[1] ?? 0)
    return [logR, terms.reduce((sum, [, log, shift]) => sum + shift * Math.exp(log - logR), 0)]
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
  const sigma = step.pair.noiseMultiplier
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
    nodes += 1
    if (nodes % 64 === 0) [re, im, partRe, partIm] = [re + partRe, im + partIm, 0, 0]
  })
  ;[re, im] = [re + partRe, im + partIm]
  const error = 4 * Math.exp(-46) * mass + U * size * (80 + nodes / 64)
  const { count } = step
  return [
    0.5 * count * Math.log1p(re * (2 + re) + im * im),
    count * Math.atan2(im, 1 + re),
    count * Math.log1p(error / Math.hypot(1 + re, im)),
  ]
}

/**
 * log b(Y) of one step, nodes 1/400 apart. |(log G p^{κ−1})″| ≤ Λ; between two nodes whose logarithms differ by more than Λ/(2·400²) the
 * function is monotone, and elsewhere it varies by no more than that times its larger value (docs/accounting.md).
 */
const logFar = (step: Step, c: number, y: number): number => {
  const { noiseMultiplier: sigma, kind } = step.pair
  const bend = (1 + ((c + 1) / 4 + 3 * Math.abs(step.kappa - 1)) / (sigma * sigma)) / (2 * 400 * 400)
  let [total, kept, variation, before] = [0, 0, 0, 0]
  overNodes(step, c, 1 / 400, (loss, weight, p) => {
    const density = weight * Math.exp(c * loss)
    const value = density * 400 * p ** (step.kappa - 1)
    const [low, high] = value < before ? [value, before] : [before, value]
    variation += low * (1 + 1.01 * bend) < high ? high - low : high * 1.01 * bend
    ;[total, kept, before] = [total + density, kept + density * p ** step.kappa, value]
  })
  const scale = sigma / (kind === 'replace' ? 2 : 1)
  return Math.min(0, Math.log(1 - kept / total + 1e-10 + (scale * (variation + before)) / (y * total)))
}

/** An upper bound of δ in one direction. */
const proved = ({ precision, steps, abscissa: c, spacing, points }: CertifiedDirection, epsilon: number): number => {
  let [sum, doubt, scale] = [0, 0, 0]
  for (let k = 0; k < points; k++) {
    const y = k * spacing
    const parts = steps.map((step) => cumulant(step, c, y))
    const at = (i: 0 | 1 | 2, from: number): number => parts.reduce((total, part) => total + part[i], from)
    const re = at(0, 0.5 * precision * (c * c + c - y * y)) - c * epsilon
    const im = at(1, 0.5 * precision * (2 * c + 1) * y) - y * epsilon
    const unsure = at(2, U * (points + 16 * (1 + Math.abs(re) + Math.abs(im) + 2 * (c + y) * epsilon)))
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
  const found = directions.reduce((most, direction) => Math.max(most, proved(direction, epsilon)), 0)
  return { valid: found <= delta, delta: found }
}

/**
 * A check of a certificate that shares nothing with the engine that made it; docs/accounting.md has the proof.
 *
 *   δ(ε) ≤ (h/π) Σ' Re f(kh) + tail + what the moments err by,   f(y) = e^{K(s) − sε} / (s(s + 1)),   s = c + iy
 */
import type { Certificate, CertifiedContour } from './certificate.js'

/** What a verifier found: the δ that it could prove, NaN where that is none, and whether it is within the claim. */
export type Verdict = { readonly valid: boolean; readonly delta: number }
type Step = Certificate['steps'][number] & Pick<CertifiedContour, 'kind'> & { readonly kappa: number }
type Visit = (loss: number, logWeight: number, p: number) => void

const total = (xs: readonly number[]): number => xs.reduce((sum, x) => sum + x, 0)
/** Half the width of a strip in which nothing grows by more than e³. */
const strip = (sigma: number, power: number): number => Math.min(1, sigma, (3 * sigma) / Math.sqrt(power + 1))

/** Calls back with L, the logarithm of the density under P times the gap, and p at nodes `gap` apart. */
const overNodes = (step: Step, c: number, gap: number, visit: Visit): void => {
  const { kind, noiseMultiplier: sigma, sensitivities: shifts, probabilities: weights } = step
  /** log r, and the mean of the shift given t. */
  const at = (t: number): readonly [logR: number, mean: number] => {
    const z = shifts.map((shift) => (shift * (t - (0.5 * shift) / sigma)) / sigma)
    const over = (f: (z: number, i: number) => number) => total(z.map((x, i) => (weights[i] ?? 0) * f(x, i)))
    const top = Math.max(...z)
    const logR = top < 600 ? Math.log1p(over(Math.expm1)) : top + Math.log(over((x) => Math.exp(x - top)))
    return [logR, over((x, i) => (shifts[i] ?? 0) * Math.exp(x - logR))]
  }
  const [low, high] = [-14 - 1 / sigma - (kind === 'remove' ? 0 : c / sigma), 14 + (2 * c + 3) / sigma]
  if (!(high - low < 1e6 * gap)) throw new RangeError('too many nodes')
  for (let t = low; t < high; t += gap) {
    const [[here, mean], [mirrored, other]] = [at(t), kind === 'replace' ? at(-t) : [0, 0]]
    const logWeight = Math.log(gap * Math.sqrt(0.5 / Math.PI)) - 0.5 * t * t + (kind === 'add' ? 0 : here)
    visit(kind === 'add' ? -here : here - mirrored, logWeight, kind === 'replace' ? 0.5 * (mean + other) : mean)
  }
}

/** Re and Im of n log M(c + iy), and n log(1 + e/|M|) with e what M errs by. Sums are in parts of 64, which bounds their rounding. */
const cumulant = (step: Step, c: number, y: number): readonly [re: number, im: number, doubt: number] => {
  const [count, sigma, d] = [step.count, step.noiseMultiplier, strip(step.noiseMultiplier, c)]
  const growth = 0.5 * d * d + (2 * y * d) / sigma - (c + 1) * Math.log(Math.cos(d / (2 * sigma)))
  let [re, im, partRe, partIm, size, mass, nodes] = [0, 0, 0, 0, 0, 0, 0]
  overNodes(step, c, (2 * Math.PI * d) / (46 + growth), (loss, logWeight) => {
    const [weight, tilted] = [Math.exp(logWeight), Math.exp(logWeight + c * loss)]
    const rise = c * Math.abs(loss) < 1 ? weight * Math.expm1(c * loss) : tilted - weight
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

/** log b(Y) of one step: from one node to the next log G p^{κ−1} is monotone, or moves by at most `bend`. */
const logFar = (step: Step, c: number, y: number): number => {
  const { kappa, noiseMultiplier: sigma, kind } = step
  const gap = strip(sigma, c + kappa) / 400
  const bend = 0.5 * gap * gap * (1 + ((c + 1) / 4 + 3 * Math.abs(kappa - 1)) / (sigma * sigma))
  let [sum, kept, variation, before] = [0, 0, 0, 0]
  overNodes(step, c, gap, (loss, logWeight, p) => {
    const density = Math.exp(logWeight + c * loss)
    const value = (density / gap) * p ** (kappa - 1)
    const [low, high] = value < before ? [value, before] : [before, value]
    variation += low * Math.exp(bend) < high ? high - low : high * bend * Math.exp(bend / 4)
    ;[sum, kept, before] = [sum + density, kept + density * p ** kappa, value]
  })
  const reach = (kind === 'replace' ? 0.5 : 1) * sigma * (variation + before)
  return Math.min(0, Math.log(1 - kept / sum + 1e-10 + reach / (y * sum)))
}

/** An upper bound of δ in one direction. */
const proved = ({ epsilon, neighbouring, ...claim }: Certificate, contour: CertifiedContour): number => {
  const { abscissa: c, spacing, points, kappas, kind } = contour
  const precision = claim.precision * (neighbouring === 'replaceOne' ? 4 : 1)
  const steps = claim.steps.map((step, i): Step => ({ ...step, kind, kappa: kappas[i] ?? Number.NaN }))
  let [sum, doubt, scale] = [0, 0, 0]
  for (let k = 0, y = 0; k < points; k++, y = k * spacing) {
    const parts = steps.map((step) => cumulant(step, c, y))
    const at = (i: 0 | 1 | 2, from: number): number => from + total(parts.map((part) => part[i]))
    const re = at(0, 0.5 * precision * (c * c + c - y * y)) - c * epsilon
    const im = at(1, 0.5 * precision * (2 * c + 1) * y) - y * epsilon
    const unsure = at(2, Number.EPSILON * (points + 16 * (1 + Math.abs(re) + Math.abs(im) + 2 * (c + y) * epsilon)))
    if (k === 0) scale = re
    const modulus = ((k === 0 ? 0.5 : 1) * Math.exp(re - scale)) / (Math.hypot(c, y) * Math.hypot(c + 1, y))
    sum += modulus * Math.cos(im - Math.atan2(y, c) - Math.atan2(y, c + 1))
    doubt += modulus * Math.expm1(Math.min(unsure, 700))
  }
  const end = (points - 1) * spacing
  const tail = total(steps.map((step) => step.count * logFar(step, c, end))) - 0.5 * precision * end * end
  return Math.exp(scale) * ((spacing / Math.PI) * (sum + doubt) + Math.exp(tail) / (Math.PI * end))
}

/** Is the claim one about laws, with a contour to the right of the poles for every direction in which δ may be above 0? */
const isComplete = ({ format, neighbouring, epsilon, precision, steps, contours }: Certificate): boolean => {
  const within = (most: number, ...xs: readonly number[]) => xs.every((x) => Number.isFinite(x) && x >= 0 && x <= most)
  const positive = (...xs: readonly number[]) => within(Number.MAX_VALUE, ...xs) && !xs.includes(0)
  const kinds = { addOrRemoveOne: ['remove', 'add'], replaceSpecial: ['remove', 'add'], replaceOne: ['replace'] }
  const wholes = [...steps.map(({ count }) => count), ...contours.map(({ points }) => points)]
  const isLaw = ({ noiseMultiplier, sensitivities: c, probabilities: w }: Certificate['steps'][number]) =>
    positive(noiseMultiplier) && c.length === w.length && within(1 + 1e-12, ...c, ...w, total(w))
  const isContour = ({ kind, abscissa, spacing, kappas }: CertifiedContour) =>
    kinds[neighbouring].includes(kind) && positive(abscissa, spacing) && within(Number.MAX_VALUE, ...kappas)
  /** What `add` loses at most, if nothing is Gaussian. */
  const most = total(steps.map(({ count, probabilities }) => -count * Math.log1p(-total(probabilities))))
  const isIdle = (kind: string) => precision === 0 && (kind === 'add' || !steps.length) && most <= epsilon * (1 - 1e-12)
  const isCovered = (kind: string) => isIdle(kind) || contours.some((contour) => contour.kind === kind)
  const isClaim = format === 'fp-dp exact accounting certificate 2' && within(Number.MAX_VALUE, epsilon, precision)
  const isData = isClaim && wholes.every(Number.isSafeInteger) && positive(...wholes)
  return isData && steps.every(isLaw) && contours.every(isContour) && kinds[neighbouring].every(isCovered)
}

/**
 * Checks a certificate from its claim and its contours alone: refuses what is no certificate, a direction that is missing, and a
 * moment that overflows.
 *
 * Covers     the steps and precisions that are listed. That they are those of the events is for the reader to see
 * Cost       an exponential and two sines a point and node: up to seconds for long contours
 *
 * @example
 * verifyCertificate({ format: 'fp-dp exact accounting certificate 2', neighbouring: 'addOrRemoveOne', epsilon: 1, delta: 0, precision: 0, steps: [], contours: [] }) // => { valid: true, delta: 0 }
 */
export const verifyCertificate = (certificate: Certificate): Verdict => {
  try {
    const bounds = isComplete(certificate) ? certificate.contours.map((one) => proved(certificate, one)) : [Number.NaN]
    const found = Math.max(0, ...bounds)
    return { valid: Number.isFinite(certificate.delta) && found <= certificate.delta, delta: found }
  } catch {
    return { valid: false, delta: Number.NaN }
  }
}

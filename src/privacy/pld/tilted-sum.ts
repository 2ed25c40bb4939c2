/**
 * The law of a sum of independent losses on one lattice, tilted by e^(θS): the n-fold convolution by a Fourier transform whose rounding
 * errors are relative to the tilted law. So where θ is the saddle point of δ(ε), a δ of 1e-30 has as many digits as one of 1e-5.
 *
 *   w(t) = p(t) e^(θt) / Z,   w of the sum = w₁^{*n₁} * w₂^{*n₂} * …,   log Z of the sum = Σ nⱼ log Zⱼ
 *
 * Two bounds of the law travel together, the pessimistic one as the real part and the optimistic one as the imaginary part.
 *
 * The transform is circular: mass outside of a window comes back inside of it. How much that is, is bounded by Chernoff's inequality
 * for the tilted law on either side.
 */
import { type ComplexSequence, fourier, mirrorOf } from './fourier.js'
import type { LatticeLaw } from './lattice-law.js'
import { massError } from './loss-pair.js'

/** Both bounds of one mechanism's loss, on one lattice, and how often the mechanism runs. */
export interface Term {
  readonly upper: LatticeLaw
  readonly lower: LatticeLaw
  readonly count: number
  /** What the n-fold laws err by already, as `error` and `relative` of a `TiltedSum`. */
  readonly errors?: { readonly upper: number; readonly lower: number; readonly relative: number }
}

/** What a law is tilted by, and by what it is moved to either side to bound its tails. */
export interface Tilts {
  readonly theta: number
  readonly toTheRight: number
  readonly toTheLeft: number
}

/** Where the sum is resolved: `length` lattice points from `first` on, in steps from Σ nⱼ oⱼ. A power of two. */
export interface Window {
  readonly first: number
  readonly length: number
}

/** A tilted law of a sum: masses at first + i·step that sum to about 1. */
export interface TiltedSum {
  readonly first: number
  readonly step: number
  readonly theta: number
  readonly logScale: number
  readonly mass: Float64Array
  /** Σ |mass − truth| ≤ error but for what the window leaves out: rounding of the transforms. */
  readonly error: number
  /** Every mass may err by this relative to itself, which goes into δ relative to δ: rounding of the masses that went in. */
  readonly relative: number
  /** How much mass has come back from outside of the window, at most. */
  readonly folded: number
  /** P of an infinite sum. */
  readonly infinity: number
  /** P of a finite sum above the window, at most. */
  readonly beyond: number
}

const ROUNDOFF = 2 ** -53

/** m eˣ, where eˣ alone may be no number. */
const scaledBy = (mass: number, x: number): number => (x < 600 ? mass * Math.exp(x) : Math.exp(Math.log(mass) + x))

/** log Σ mass e^(θ (loss − offset)). */
export const logMoment = ({ index, mass, step }: LatticeLaw, theta: number): number => {
  let peak = -Infinity
  for (let i = 0; i < index.length; i++)
    peak = Math.max(peak, theta * step * (index[i] as number) + Math.log(mass[i] as number))
  let sum = 0
  for (let i = 0; i < index.length; i++) sum += scaledBy(mass[i] as number, theta * step * (index[i] as number) - peak)
  return peak + Math.log(sum)
}

/** A law's tilted masses, folded into the length of the transform. Returns what they err by, relative to themselves. */
const placeTilted = (
  law: LatticeLaw,
  { theta, centre, logScale }: { readonly theta: number; readonly centre: number; readonly logScale: number },
  out: Float64Array,
): number => {
  const { index, mass, step } = law
  const wrap = out.length - 1
  let largest = 0
  for (let i = 0; i < index.length; i++) {
    const k = index[i] as number
    const shift = k - centre
    // Two's complement folds negative places too, as long as they fit into 2³¹; farther ones go by the remainder.
    const place = Math.abs(shift) < 2 ** 30 ? shift & wrap : ((shift % out.length) + out.length) % out.length
    const exponent = theta * step * k
    const weight = scaledBy(mass[i] as number, exponent - logScale)
    out[place] = (out[place] as number) + weight
    largest = Math.max(largest, Math.abs(exponent))
  }
  return 2 * massError + 2 * ROUNDOFF * (largest + Math.abs(logScale) + 4)
}

/** The lattice point nearest to the mean of the tilted law, so that phases are small. */
const centreOf = ({ index, mass, step }: LatticeLaw, theta: number, logScale: number): number => {
  let [sum, first] = [0, 0]
  for (let i = 0; i < index.length; i++) {
    const weight = scaledBy(mass[i] as number, theta * step * (index[i] as number) - logScale)
    sum += weight
    first += weight * (index[i] as number)
  }
  return Math.round(first / sum)
}

/** A complex number, and a bound of what it errs by. */
interface Value {
  re: number
  im: number
  error: number
}

/** Below e^(−NEGLIGIBLE) a power counts as 0. */
const NEGLIGIBLE = 60

/** zⁿ of a z that errs by `error`, |z| ≤ 1 but for rounding. */
const power = (re: number, im: number, count: number, error: number, out: Value): void => {
  const square = re * re + im * im
  const logSize = 0.5 * Math.log(square)
  const logPower = count * logSize
  if (!(logPower > -NEGLIGIBLE)) {
    out.re = 0
    out.im = 0
    out.error = Math.exp(Math.min(0, count * Math.log(Math.sqrt(square) + error)))
    return
  }
  const angle = Math.atan2(im, re)
  const size = Math.exp(logPower)
  out.re = size * Math.cos(count * angle)
  out.im = size * Math.sin(count * angle)
  const relative = count * (Math.log1p(error / Math.exp(logSize)) + 4 * ROUNDOFF * (1 + Math.abs(angle))) + 8 * ROUNDOFF
  out.error = size * Math.expm1(relative)
}

/** a·b with its error, into a. */
const multiply = (a: Value, b: Value): void => {
  const [sizeA, sizeB] = [Math.hypot(a.re, a.im), Math.hypot(b.re, b.im)]
  const re = a.re * b.re - a.im * b.im
  a.im = a.re * b.im + a.im * b.re
  a.re = re
  a.error = a.error * (sizeB + b.error) + sizeA * (b.error + 4 * ROUNDOFF * sizeB)
}

/** The spectra of powers, both laws at once: unpacks z, raises, multiplies into the running product, packs again. */
const raise = (
  z: ComplexSequence,
  count: number,
  roundoff: number,
  total: { readonly product: ComplexSequence; readonly errors: ComplexSequence; readonly first: boolean },
): void => {
  const { product, errors, first } = total
  const upper = { re: 0, im: 0, error: 0 }
  const lower = { re: 0, im: 0, error: 0 }
  const before = { re: 0, im: 0, error: 0 }
  for (let k = 0; k < z.re.length; k++) {
    const m = mirrorOf(k)
    if (m < k) continue
    const kr = z.re[k] as number
    const ki = z.im[k] as number
    const mr = z.re[m] as number
    const mi = z.im[m] as number
    power(0.5 * (kr + mr), 0.5 * (ki - mi), count, roundoff, upper)
    power(0.5 * (ki + mi), 0.5 * (mr - kr), count, roundoff, lower)
    if (!first) {
      const pr = product.re[k] as number
      const pi = product.im[k] as number
      const nr = product.re[m] as number
      const ni = product.im[m] as number
      before.re = 0.5 * (pr + nr)
      before.im = 0.5 * (pi - ni)
      before.error = errors.re[k] as number
      multiply(upper, before)
      before.re = 0.5 * (pi + ni)
      before.im = 0.5 * (nr - pr)
      before.error = errors.im[k] as number
      multiply(lower, before)
    }
    product.re[k] = upper.re - lower.im
    product.im[k] = upper.im + lower.re
    product.re[m] = upper.re + lower.im
    product.im[m] = lower.re - upper.im
    errors.re[k] = upper.error
    errors.im[k] = lower.error
    errors.re[m] = upper.error
    errors.im[m] = lower.error
  }
}

/** √Σ x². */
const norm = (values: Float64Array): number => {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += (values[i] as number) ** 2
  return Math.sqrt(sum)
}

/** A tail that need not be looked at again. */
const ENOUGH = 1e-6

/** The tilted mass on either side of the window, at most: Chernoff's bound for the tilted law. */
const outside = (
  laws: readonly { readonly law: LatticeLaw; readonly count: number; readonly logScale: number }[],
  { theta, toTheRight, toTheLeft }: Tilts,
  { first, length }: Window,
  step: number,
): { readonly left: number; readonly right: number } => {
  const boundBy = (shift: number, end: number): number => {
    let exponent = -shift * step * end
    for (const { law, count, logScale } of laws) exponent += count * (logMoment(law, theta + shift) - logScale)
    return Math.exp(Math.min(0, exponent))
  }
  // Next to the end of a law that was cut, a steeper tilt than was planned tells more.
  const tail = (shift: number, end: number): number => {
    let least = boundBy(shift, end)
    for (let steeper = 4; steeper <= 256 && least > ENOUGH; steeper *= 4) {
      const bound = boundBy(steeper * shift, end)
      if (bound > least) break
      least = bound
    }
    return least
  }
  // A sum that ends inside of the window has no tail outside.
  const farthest = (end: (index: Float64Array) => number): number =>
    laws.reduce((sum, { law, count }) => sum + count * end(law.index), 0)
  const most = farthest((index) => index.reduce((a, b) => Math.max(a, b), -Infinity))
  const least = farthest((index) => index.reduce((a, b) => Math.min(a, b), Infinity))
  return {
    right: most < first + length ? 0 : tail(toTheRight, first + length),
    left: least >= first ? 0 : tail(-toTheLeft, first - 1),
  }
}

/**
 * The tilted laws of a sum, from above and from below.
 *
 * Cost       a transform of the window's length per term and one back; a logarithm and an exponential per frequency that counts
 * Guarantee  `error` and `folded` bound the l1 distance to the exact tilted law of the sum of the given laws; what is folded is
 *            only added. With E the rounding of one transform,
 *            the error of ŵⁿ is at most (|ŵ| + E)ⁿ − |ŵ|ⁿ at each frequency, and the l1 norm in the window at most the l2 norm over the
 *            frequencies
 */
export const tiltedSum = (
  terms: readonly Term[],
  tilts: Tilts,
  window: Window,
): { readonly upper: TiltedSum; readonly lower: TiltedSum } => {
  const { theta } = tilts
  const { length } = window
  const step = terms[0]?.upper.step ?? 1
  const transform = fourier(length)
  // One stage more for the unpacking; the two laws share what one complex transform errs by.
  const roundoff = 2 * (transform.roundoff + 8 * ROUNDOFF)
  const product = { re: new Float64Array(length), im: new Float64Array(length) }
  const errors = { re: new Float64Array(length), im: new Float64Array(length) }
  const z = { re: new Float64Array(length), im: new Float64Array(length) }
  let [centre, offset, placed] = [0, 0, 0]
  /** Errors of laws, which multiply as 1 + error does. */
  let [errorsAbove, errorsBelow] = [0, 0]
  const uppers: { law: LatticeLaw; count: number; logScale: number }[] = []
  const lowers: { law: LatticeLaw; count: number; logScale: number }[] = []
  terms.forEach(({ upper, lower, count, errors: known }, i) => {
    const above = logMoment(upper, theta)
    const below = logMoment(lower, theta)
    const middle = centreOf(upper, theta, above)
    z.re.fill(0)
    z.im.fill(0)
    const errorAbove = placeTilted(upper, { theta, centre: middle, logScale: above }, z.re)
    const errorBelow = placeTilted(lower, { theta, centre: middle, logScale: below }, z.im)
    placed += count * Math.max(errorAbove, errorBelow) + Math.log1p(known?.relative ?? 0)
    errorsAbove += Math.log1p(known?.upper ?? 0)
    errorsBelow += Math.log1p(known?.lower ?? 0)
    transform.forward(z)
    raise(z, count, roundoff, { product, errors, first: i === 0 })
    uppers.push({ law: upper, count, logScale: above })
    lowers.push({ law: lower, count, logScale: below })
    centre += count * middle
    offset += count * upper.offset
  })
  const spectral = {
    upper: norm(errors.re) + Math.expm1(errorsAbove),
    lower: norm(errors.im) + Math.expm1(errorsBelow),
  }
  const size = Math.hypot(norm(product.re), norm(product.im))
  transform.inverse(product)
  // Array place j holds the points centre + j + mN.
  const start = (((window.first - centre) % length) + length) % length
  const unrolled = (values: Float64Array): Float64Array => {
    const out = new Float64Array(length)
    for (let i = 0; i < length; i++) out[i] = Math.max(0, values[(start + i) & (length - 1)] as number)
    return out
  }
  const rounded = transform.roundoff * size + 2 * size * ROUNDOFF
  const read = (values: Float64Array, laws: typeof uppers, spectralError: number): TiltedSum => {
    const { left, right } = outside(laws, tilts, window, step)
    const logScale = theta * offset + laws.reduce((sum, { count, logScale }) => sum + count * logScale, 0)
    return {
      first: offset + step * window.first,
      step,
      theta,
      logScale,
      mass: unrolled(values),
      error: spectralError + rounded,
      relative: Math.expm1(placed),
      folded: left + right,
      infinity: -Math.expm1(
        laws.reduce((sum, { law, count }) => sum + count * Math.log1p(-Math.min(1, law.infinity)), 0),
      ),
      beyond: right * Math.exp(Math.min(0, logScale - theta * (offset + step * (window.first + length)))),
    }
  }
  return { upper: read(product.re, uppers, spectral.upper), lower: read(product.im, lowers, spectral.lower) }
}

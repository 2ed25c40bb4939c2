/**
 * Laws of a likelihood ratio W = dP/dQ under Q, as finitely many atoms, between which the true law lies in the convex order.
 *
 * δ of the pair (P, Q) at ε is E_Q[(W − e^ε)₊], of (Q, P) it is E_Q[(1 − e^ε W)₊]: both are means of convex functions of W, and so
 * is δ of every composition. To spread mass without moving its mean (`upper`) raises all of them; to merge mass into its mean
 * (`lower`) lowers all of them; and both stay so under sums and products of independent ratios. Either errs in second order of
 * the step of the grid.
 *
 * Legend: grid points g_k = e^{kh}; of an atom, q is its mass under Q and p its mass under P, so that W = p/q there.
 *
 * References  Blackwell 1953, "Equivalent comparisons of experiments" · Doroshenko et al. 2022, arXiv:2207.04380 (connected dots)
 */
import { ndtr } from '../../tensor/special.js'

/** Which side of the truth a law stands on. */
export type Side = 'upper' | 'lower'

/** The law of a ratio: one atom a cell of the grid, at its lower end if `upper`; 0 with mass `zero` under Q, ∞ with `infinity` under P. */
export interface RatioLaw {
  readonly side: Side
  readonly step: number
  /** Cell i reaches from e^{(first + i)h} to e^{(first + i + 1)h}. */
  readonly first: number
  readonly q: Float64Array
  readonly p: Float64Array
  readonly zero: number
  readonly infinity: number
}

/** Φ(b) − Φ(a) for a ≤ b, from the side where both are small. */
const interval = (a: number, b: number): number => (a > 0 ? ndtr(-a) - ndtr(-b) : ndtr(b) - ndtr(a))

/** What may be cut off at either end, under P or Q: it is not lost, but goes to 0 and to ∞. */
const NEGLIGIBLE = 1e-22

/** How many standard deviations have that mass. */
const REACH = 9.9

/**
 * The law without cells of negligible mass at either end. Upper: what was there is spread between the last cell that stays, and
 * 0 or ∞. Lower: it is merged into the last cell.
 */
export const trimmed = ({ q, p, ...law }: RatioLaw): RatioLaw => {
  let [from, to] = [0, q.length - 1]
  for (let sum = 0; from < to; from++) {
    sum += (q[from] as number) + (p[from] as number)
    if (sum > NEGLIGIBLE) break
  }
  for (let sum = 0; to > from; to--) {
    sum += (q[to] as number) + (p[to] as number)
    if (sum > NEGLIGIBLE) break
  }
  const outQ = q.slice(from, to + 1)
  const outP = p.slice(from, to + 1)
  let { zero, infinity } = law
  const sums = (start: number, end: number): readonly [q: number, p: number] => {
    let [sumQ, sumP] = [0, 0]
    for (let i = start; i < end; i++) {
      sumQ += q[i] as number
      sumP += p[i] as number
    }
    return [sumQ, sumP]
  }
  const [belowQ, belowP] = sums(0, from)
  const [aboveQ, aboveP] = sums(to + 1, q.length)
  const last = outQ.length - 1
  const point = (i: number): number => Math.exp((law.first + i) * law.step)
  if (law.side === 'lower') {
    outQ[0] = (outQ[0] as number) + belowQ
    outP[0] = (outP[0] as number) + belowP
    outQ[last] = (outQ[last] as number) + aboveQ
    outP[last] = (outP[last] as number) + aboveP
  } else {
    const kept = Math.min(belowQ, belowP / point(from))
    outQ[0] = (outQ[0] as number) + kept
    outP[0] = (outP[0] as number) + kept * point(from)
    zero += belowQ - kept
    outQ[last] = (outQ[last] as number) + aboveQ
    outP[last] = (outP[last] as number) + aboveQ * point(to)
    infinity += Math.max(0, aboveP - aboveQ * point(to))
  }
  return { ...law, first: law.first + from, q: outQ, p: outP, zero, infinity }
}

/**
 * The ratio of N(1, σ²) to N(0, σ²): log W is N(∓1/(2σ²), 1/σ²) under Q and P.
 *
 * Cost  four values of Φ a cell
 */
export const gaussianRatio = (noiseMultiplier: number, step: number, side: Side): RatioLaw => {
  const deviation = 1 / noiseMultiplier
  const mean = 0.5 * deviation * deviation
  const first = Math.floor((-mean - REACH * deviation) / step)
  const cells = Math.ceil((mean + REACH * deviation) / step) - first
  const q = new Float64Array(cells + 1)
  const p = new Float64Array(cells + 1)
  const point = (i: number): number => Math.exp((first + i) * step)
  const massQ = (low: number, high: number): number => interval((low + mean) / deviation, (high + mean) / deviation)
  const massP = (low: number, high: number): number => interval((low - mean) / deviation, (high - mean) / deviation)
  const raise = (i: number, atQ: number, atP: number): void => {
    q[i] = (q[i] as number) + atQ
    p[i] = (p[i] as number) + atP
  }
  for (let i = 0; i < cells; i++) {
    const [low, high] = [(first + i) * step, (first + i + 1) * step]
    const [inQ, inP] = [massQ(low, high), massP(low, high)]
    if (side === 'lower') raise(i, inQ, inP)
    else {
      const [left, right] = [point(i), point(i + 1)]
      const share = Math.min(inQ, Math.max(0, (inP - left * inQ) / (right - left)))
      raise(i, inQ - share, (inQ - share) * left)
      raise(i + 1, share, share * right)
    }
  }
  const [bottom, top] = [first * step, (first + cells) * step]
  const [belowQ, belowP] = [massQ(-Infinity, bottom), massP(-Infinity, bottom)]
  const [aboveQ, aboveP] = [massQ(top, Infinity), massP(top, Infinity)]
  if (side === 'lower') {
    raise(0, belowQ, belowP)
    raise(cells - 1, aboveQ, aboveP)
    return trimmed({ side, step, first, q, p, zero: 0, infinity: 0 })
  }
  // Between 0 and the lowest point; between the highest point and ∞.
  const kept = Math.min(belowQ, belowP / point(0))
  raise(0, kept, kept * point(0))
  raise(cells, aboveQ, aboveQ * point(cells))
  return trimmed({
    side,
    step,
    first,
    q,
    p,
    zero: belowQ - kept,
    infinity: Math.max(0, aboveP - aboveQ * point(cells)),
  })
}

/** The weighted mean of two independent ratios, (a V + b W)/(a + b). */
export interface Weights {
  readonly a: number
  readonly b: number
}

/** Values of an array by position, 0 outside: for cells of either law and of their mean. */
const spread = (left: RatioLaw, right: RatioLaw, { a, b }: Weights): RatioLaw => {
  const { step } = left
  const [shareA, shareB] = [a / (a + b), b / (a + b)]
  const [n, m] = [left.q.length, right.q.length]
  const lowest = Math.log(shareA * Math.exp(left.first * step) + shareB * Math.exp(right.first * step)) / step
  const first = Math.floor(lowest) - 1
  const highest = Math.max(left.first + n, right.first + m) + 1
  const q = new Float64Array(highest - first + 2)
  // The mean of g_i and g_j is g_j times a number that depends on i − j alone.
  for (let d = left.first - (right.first + m - 1); d <= left.first + n - 1 - right.first; d++) {
    const offset = Math.log(shareB + shareA * Math.exp(d * step)) / step
    const whole = Math.floor(offset)
    const upper = Math.expm1((offset - whole) * step) / Math.expm1(step)
    const lower = 1 - upper
    // Index j of `right` from which i = j + d lies within `left`.
    const shift = d + right.first - left.first
    const from = Math.max(0, -shift)
    const to = Math.min(m, n - shift)
    const base = right.first + whole - first
    for (let j = from; j < to; j++) {
      const mass = (left.q[j + shift] as number) * (right.q[j] as number)
      const k = base + j
      q[k] = (q[k] as number) + mass * lower
      q[k + 1] = (q[k + 1] as number) + mass * upper
    }
  }
  let zero = left.zero * right.zero
  // One of the two is 0.
  const halved = (law: RatioLaw, share: number, other: number): void => {
    if (other === 0) return
    const offset = Math.log(share) / step
    const whole = Math.floor(offset)
    const upper = Math.expm1((offset - whole) * step) / Math.expm1(step)
    for (let j = 0; j < law.q.length; j++) {
      const mass = other * (law.q[j] as number)
      const k = law.first + j + whole - first
      if (k < 0) {
        // Below the lowest point: between it and 0.
        const kept = Math.exp((law.first + j - first) * step) * share
        q[0] = (q[0] as number) + mass * kept
        zero += mass * (1 - kept)
      } else {
        q[k] = (q[k] as number) + mass * (1 - upper)
        q[k + 1] = (q[k + 1] as number) + mass * upper
      }
    }
  }
  halved(right, shareB, left.zero)
  halved(left, shareA, right.zero)
  const p = q.map((mass, i) => mass * Math.exp((first + i) * step))
  return trimmed({
    side: 'upper',
    step,
    first,
    q,
    p,
    zero,
    infinity: shareA * left.infinity + shareB * right.infinity,
  })
}

/** The same by merging: every pair of atoms falls into one cell, and a cell is one atom at its mean. */
const merged = (left: RatioLaw, right: RatioLaw, { a, b }: Weights): RatioLaw => {
  const { step } = left
  const [shareA, shareB] = [a / (a + b), b / (a + b)]
  const valuesOf = ({ q, p }: RatioLaw, share: number): Float64Array =>
    q.map((mass, i) => (mass > 0 ? (share * (p[i] as number)) / mass : 0))
  const [leftValues, rightValues] = [valuesOf(left, shareA), valuesOf(right, shareB)]
  const [n, m] = [left.q.length, right.q.length]
  const lowest = Math.log(shareA * Math.exp(left.first * step) + shareB * Math.exp(right.first * step)) / step
  const first = Math.floor(lowest) - 1
  const cells = Math.max(left.first + n, right.first + m) + 2 - first
  const edges = Float64Array.from({ length: cells + 1 }, (_, i) => Math.exp((first + i) * step))
  edges[cells] = Infinity
  const q = new Float64Array(cells)
  const p = new Float64Array(cells)
  for (let i = 0; i < n; i++) {
    const massLeft = left.q[i] as number
    if (!(massLeft > 0)) continue
    const valueLeft = leftValues[i] as number
    let cell = 0
    for (let j = 0; j < m; j++) {
      const mass = massLeft * (right.q[j] as number)
      const value = valueLeft + (rightValues[j] as number)
      while (value >= (edges[cell + 1] as number)) cell++
      q[cell] = (q[cell] as number) + mass
      p[cell] = (p[cell] as number) + mass * value
    }
  }
  return trimmed({ side: 'lower', step, first, q, p, zero: 0, infinity: 0 })
}

/**
 * The law of (a V + b W)/(a + b) for independent V and W on one grid, on the side that both are on.
 *
 * Cost       the product of the numbers of cells
 * Guarantee  in the convex order: above the true law if both are `upper`, below it if both are `lower`
 */
export const meanOfRatios = (left: RatioLaw, right: RatioLaw, weights: Weights): RatioLaw =>
  left.side === 'upper' ? spread(left, right, weights) : merged(left, right, weights)

/** The law of the mean of `count` independent copies, by doubling: log₂ count to 2 log₂ count sums. */
export const meanOfCopies = (one: RatioLaw, count: number): RatioLaw => {
  let power = one
  let size = 1
  let total: RatioLaw | undefined
  let taken = 0
  for (let rest = count; ; ) {
    if (rest % 2 === 1) {
      total = total === undefined ? power : meanOfRatios(total, power, { a: taken, b: size })
      taken += size
    }
    rest = Math.floor(rest / 2)
    if (rest === 0) return total as RatioLaw
    power = meanOfRatios(power, power, { a: size, b: size })
    size *= 2
  }
}

/**
 * Products of independent likelihood ratios: composition of mechanisms. And the two readings of a law.
 */
import { type RatioLaw, trimmed } from './ratio-law.js'

/** More cells than this are halved in number: the cost of a product is their square. */
const MOST_CELLS = 4096

/** Twice the step: every second point is spread to its neighbours, or every two cells are merged. */
const coarsened = ({ q, p, ...law }: RatioLaw): RatioLaw => {
  const step = 2 * law.step
  const first = Math.floor(law.first / 2)
  const cells = Math.floor((law.first + q.length) / 2) + 2 - first
  const outQ = new Float64Array(cells)
  const outP = new Float64Array(cells)
  const upper = Math.expm1(law.step) / Math.expm1(step)
  for (let i = 0; i < q.length; i++) {
    const k = law.first + i
    const cell = Math.floor(k / 2) - first
    const [atQ, atP] = [q[i] as number, p[i] as number]
    if (law.side === 'lower' || k === 2 * (cell + first)) {
      outQ[cell] = (outQ[cell] as number) + atQ
      outP[cell] = (outP[cell] as number) + atP
    } else {
      // Masses under P have the ratio of the points beside those under Q.
      outQ[cell] = (outQ[cell] as number) + (1 - upper) * atQ
      outQ[cell + 1] = (outQ[cell + 1] as number) + upper * atQ
      outP[cell] = (outP[cell] as number) + (1 - upper) * atP * Math.exp(-law.step)
      outP[cell + 1] = (outP[cell + 1] as number) + upper * atP * Math.exp(law.step)
    }
  }
  return trimmed({ ...law, step, first, q: outQ, p: outP })
}

/** Σᵢ aᵢ bₖ₋ᵢ. */
const convolved = (a: Float64Array, b: Float64Array): Float64Array => {
  const out = new Float64Array(a.length + b.length - 1)
  for (let i = 0; i < a.length; i++) {
    const x = a[i] as number
    if (x === 0) continue
    for (let j = 0; j < b.length; j++) out[i + j] = (out[i + j] as number) + x * (b[j] as number)
  }
  return out
}

/** Products of points are points. */
const onPoints = (left: RatioLaw, right: RatioLaw): RatioLaw => ({
  side: 'upper',
  step: left.step,
  first: left.first + right.first,
  q: convolved(left.q, right.q),
  p: convolved(left.p, right.p),
  zero: left.zero + right.zero * (1 - left.zero),
  infinity: left.infinity + right.infinity * (1 - left.infinity),
})

/** Where in its cell an atom stands, in steps; between 0 and 1 but for rounding. */
const placesOf = ({ q, p, first, step }: RatioLaw): Float64Array =>
  q.map((mass, i) => (mass > 0 ? Math.log((p[i] as number) / mass) / step - first - i : 0))

/** A product falls into the cell of the sum of cells, or the next. */
const inCells = (left: RatioLaw, right: RatioLaw): RatioLaw => {
  const [leftPlaces, rightPlaces] = [placesOf(left), placesOf(right)]
  const q = new Float64Array(left.q.length + right.q.length)
  const p = new Float64Array(left.q.length + right.q.length)
  for (let i = 0; i < left.q.length; i++) {
    const [atQ, atP, place] = [left.q[i] as number, left.p[i] as number, leftPlaces[i] as number]
    if (!(atQ > 0)) continue
    for (let j = 0; j < right.q.length; j++) {
      const cell = i + j + (place + (rightPlaces[j] as number) < 1 ? 0 : 1)
      q[cell] = (q[cell] as number) + atQ * (right.q[j] as number)
      p[cell] = (p[cell] as number) + atP * (right.p[j] as number)
    }
  }
  return { side: 'lower', step: left.step, first: left.first + right.first, q, p, zero: 0, infinity: 0 }
}

/** The largest |log W| that is computed with: e^(±this) is a number. */
const MOST_LOSS = 690

const isRepresentable = ({ first, q, step }: RatioLaw): boolean => Math.max(-first, first + q.length) * step < MOST_LOSS

/**
 * The law of the product of two independent ratios, on the side that both are on; undefined where its logarithms leave ±690.
 *
 * Cost  the product of the numbers of cells, 4096² at most
 */
export const productOfRatios = (a: RatioLaw, b: RatioLaw): RatioLaw | undefined => {
  let [left, right] = [a, b]
  while (left.step !== right.step || left.q.length > MOST_CELLS || right.q.length > MOST_CELLS) {
    const step = Math.max(left.step, right.step)
    const enough = left.step === right.step
    if (enough || left.step < step) left = coarsened(left)
    if (enough || right.step < step) right = coarsened(right)
  }
  const product = left.side === 'upper' ? onPoints(left, right) : inCells(left, right)
  return isRepresentable(product) ? trimmed(product) : undefined
}

/** The law of a product of `count` independent copies, by squaring. */
export const powerOfRatio = (one: RatioLaw, count: number): RatioLaw | undefined => {
  let power: RatioLaw | undefined = one
  let total: RatioLaw | undefined
  for (let rest = count; power !== undefined; ) {
    if (rest % 2 === 1) {
      total = total === undefined ? power : productOfRatios(total, power)
      if (total === undefined) return undefined
    }
    rest = Math.floor(rest / 2)
    if (rest === 0) return total
    power = productOfRatios(power, power)
  }
  return undefined
}

/** E_Q[(W − e^ε)₊]: δ of (P, Q). */
const deltaOfRemoving = ({ q, p, infinity }: RatioLaw, epsilon: number): number => {
  let sum = infinity
  const bound = Math.exp(epsilon)
  for (let i = 0; i < q.length; i++) sum += Math.max(0, (p[i] as number) - bound * (q[i] as number))
  return sum
}

/** E_Q[(1 − e^ε W)₊]: δ of (Q, P). */
const deltaOfAdding = ({ q, p, zero }: RatioLaw, epsilon: number): number => {
  let sum = zero
  const bound = Math.exp(epsilon)
  for (let i = 0; i < q.length; i++) sum += Math.max(0, (q[i] as number) - bound * (p[i] as number))
  return sum
}

/** δ of the worse direction. */
export const deltaOfRatio =
  (law: RatioLaw) =>
  (epsilon: number): number =>
    Math.max(deltaOfRemoving(law, epsilon), deltaOfAdding(law, epsilon))

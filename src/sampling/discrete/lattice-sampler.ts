/**
 * Exact draws from the integers with mass ∝ e^(−h(|y|)), h convex: the discrete Gaussian and the discrete Laplace.
 *
 *   |y| = i·t + u,   block i with probability ∝ e^(−h(i t)),   u uniform on {0, …, t − 1},   kept with probability
 *   e^(h(i t) − h(i t + u)) ≤ 1,   a fair sign, and −0 is drawn again
 *
 * What is kept has mass ∝ e^(−h(|y|)), and the only numbers that are not whole are the two probabilities. A draw compares each
 * with a uniform number of 53 and of 32 bits. Where the bits decide, whatever bits would follow, floating point suffices: its
 * error is below 2⁻⁴⁰, and it is believed only outside of a margin of 2⁻³². Where they do not, once in about 10⁹ draws, more
 * bits are drawn and whole numbers decide, to any precision (`isBelow`). So no draw is approximate, and every one is exact
 * given ideal random words.
 *
 * i block · t block width, a power of 2 · h(y) = (a y² + b y)/d.
 */
import { foldIn, type Key, randomPairs } from '../key.js'
import { checkCount } from '../range.js'
import { type Enclosure, encloseExponential, exactExponential, isBelow, type Rational } from './exact-exponential.js'

/** h(y) = (quadratic y² + linear y) / denominator, and the width of a block. */
export interface Lattice {
  readonly quadratic: bigint
  readonly linear: bigint
  readonly denominator: bigint
  /** log₂ t, at most 28: u and the sign are bits of one word. h(t) ≥ 2⁻¹², so that blocks fall off. */
  readonly widthBits: number
}

/** Four words of 32 bits: one attempt. */
export interface Attempt {
  readonly block: readonly [high: number, low: number]
  /** Its highest bits are u, its lowest is the sign. */
  readonly place: number
  readonly keep: number
  /** Word k of the bits that follow those of `block` (0) or of `keep` (1). */
  readonly more: (which: 0 | 1) => (word: number) => number
}

/** A sampler: numbers from, …, from + count − 1 of a key. */
export type IntegerDraws = (count: number, from?: number) => (source: Key) => Float64Array

const exponentOf =
  ({ quadratic, linear, denominator }: Lattice) =>
  (y: bigint): Rational => ({ numerator: quadratic * y * y + linear * y, denominator })

/** All masses from the first that is below two units on, in these units: see `massesOf`. */
const TAIL = 2n ** 14n

/**
 * The masses of the blocks in units of 2^(−bits), each less than 2 off, up to the first that is 0. That and what follows add up
 * to less than 2¹⁴ units: h is convex, so the masses fall at least as fast as a geometric sequence of ratio
 * e^(−h(t)) ≤ e^(−1/4096).
 */
const massesOf = (lattice: Lattice, bits: number): readonly bigint[] => {
  const exponent = exponentOf(lattice)
  const masses: bigint[] = []
  for (let i = 0n; ; i++) {
    const mass = exactExponential(exponent(i << BigInt(lattice.widthBits)), bits)
    if (mass <= 0n) return masses
    masses.push(mass)
  }
}

/** The probability c_i that the block is among 0, …, i, to any number of bits. The masses for some bits are made once. */
const cumulativeOf = (lattice: Lattice): ((i: number) => Enclosure) => {
  const sums = new Map<number, readonly bigint[]>()
  const sumsFor = (bits: number): readonly bigint[] => {
    const known = sums.get(bits)
    if (known !== undefined) return known
    let sum = 0n
    const made = massesOf(lattice, bits).map((mass) => {
      sum += mass
      return sum
    })
    sums.set(bits, made)
    return made
  }
  return (i) => (bits) => {
    const upTo = sumsFor(bits + 64)
    const [error, wide] = [BigInt(2 * upTo.length) + TAIL, BigInt(bits)]
    const total = upTo.at(-1) as bigint
    const part = upTo[i] ?? total
    return [((part - error) << wide) / (total + error), ((part + error) << wide) / (total - error) + 1n]
  }
}

/** u of a word: its highest bits. (A shift by 32 would be none.) */
const placeIn = (widthBits: number, word: number): number => (widthBits === 0 ? 0 : word >>> (32 - widthBits))

/** The first block from `least` on that U is below. */
const blockFrom = (lattice: Lattice, least: number, { block: [high, low], more }: Attempt): number => {
  const prefix = (BigInt(high) << 21n) | BigInt(low >>> 11)
  const cumulative = cumulativeOf(lattice)
  for (let i = least; ; i++) if (isBelow({ prefix, bits: 53, more: more(0) }, cumulative(i))) return i
}

const isKept = (lattice: Lattice, i: number, { place, keep, more }: Attempt): boolean => {
  const exponent = exponentOf(lattice)
  const start = BigInt(i) << BigInt(lattice.widthBits)
  const [from, to] = [exponent(start), exponent(start + BigInt(placeIn(lattice.widthBits, place)))]
  const x = { numerator: to.numerator - from.numerator, denominator: lattice.denominator }
  return isBelow({ prefix: BigInt(keep), bits: 32, more: more(1) }, encloseExponential(x))
}

/**
 * The integer of an attempt, or NaN where it is to be made again: in whole numbers throughout. The slow twin.
 *
 * @internal
 */
export const slowAttempt = (lattice: Lattice, attempt: Attempt): number => {
  const i = blockFrom(lattice, 0, attempt)
  const y = i * 2 ** lattice.widthBits + placeIn(lattice.widthBits, attempt.place)
  if (!isKept(lattice, i, attempt)) return Number.NaN
  return (attempt.place & 1) === 0 ? y : y === 0 ? Number.NaN : -y
}

/** e^(−x) for 0 ≤ x < 8, off by less than 2⁻⁴⁰, by sums and products alone: whatever an engine makes of Math.exp. */
const exponential = (x: number): number => {
  let power = 1
  for (let k = 12; k > 0; k--) power = 1 - (power * (x / 32)) / k
  for (let squares = 5; squares > 0; squares--) power *= power
  return power
}

/** What the fast path compares with. @internal */
export interface Tables {
  /** ⌊2⁵³ c_i⌋, up to the first that is 2⁵³ − 1. */
  readonly cumulative: Float64Array
  /** The first block that a uniform number with these highest ten bits can be in. */
  readonly first: Uint16Array
}

/** The tables of a lattice. @internal */
export const tablesOf = (lattice: Lattice): Tables => {
  const [enclose, cumulative]: [(i: number) => Enclosure, number[]] = [cumulativeOf(lattice), []]
  while (cumulative.at(-1) !== 2 ** 53 - 1) cumulative.push(Number(floorOf(enclose(cumulative.length))))
  const first = Uint16Array.from({ length: 1024 }, (_, top) => cumulative.findIndex((c) => c >= top * 2 ** 43))
  return { cumulative: Float64Array.from(cumulative), first }
}

/** ⌊2⁵³ c⌋ of an irrational c < 1. */
const floorOf = (enclose: Enclosure): bigint => {
  for (let bits = 96; ; bits *= 2) {
    const [lower, upper] = enclose(bits)
    const floor = lower >> BigInt(bits - 53)
    if (floor === upper >> BigInt(bits - 53)) return floor
  }
}

/** The integer of an attempt, or NaN where it is to be made again. */
type FastAttempt = (words: Uint32Array, at: number, more: Attempt['more']) => number

/**
 * The fast path of `slowAttempt`, which it equals.
 *
 * @internal
 */
export const fastAttempt = (lattice: Lattice): FastAttempt => {
  const { cumulative, first } = tablesOf(lattice)
  const { quadratic, linear, denominator, widthBits } = lattice
  const width = 2 ** widthBits
  const [a, b] = [quotient(quadratic, denominator), quotient(linear, denominator)]
  return (words, at, more) => {
    const high = words[at] as number
    const low = words[at + 1] as number
    const place = words[at + 2] as number
    const keep = words[at + 3] as number
    const uniform = high * 0x200000 + (low >>> 11)
    let i = first[high >>> 22] as number
    while (uniform > (cumulative[i] as number)) i++
    if (uniform === cumulative[i]) i = blockFrom(lattice, i, { block: [high, low], place, keep, more })
    const start = i * width
    const u = widthBits === 0 ? 0 : place >>> (32 - widthBits)
    const x = u * ((2 * start + u) * a + b)
    // 1 − x ≤ e^(−x), which settles nearly all. Units of 2⁻³²; the margin of 1 dwarfs all rounding.
    if (!(keep + 2 <= (1 - x) * 0x100000000)) {
      const least = x < 8 ? exponential(x) * 0x100000000 : -1
      const kept =
        keep + 2 <= least
          ? true
          : x < 8 && keep - 1 >= least
            ? false
            : isKept(lattice, i, { block: [high, low], place, keep, more })
      if (!kept) return Number.NaN
    }
    const y = start + u
    return (place & 1) === 0 ? y : y === 0 ? Number.NaN : -y
  }
}

/** a/b, rounded a few times. */
const quotient = (a: bigint, b: bigint): number => {
  const bits = (n: bigint): number => (n === 0n ? 0 : n.toString(2).length)
  const shift = bits(b) - bits(a) + 60
  return shift >= 0 ? Number((a << BigInt(shift)) / b) * 2 ** -shift : Number(a / (b << BigInt(-shift))) * 2 ** -shift
}

/** Attempt r of number i reads the pairs 2(r·2⁴⁰ + i) and the next. */
const ATTEMPT = 2 ** 40

/** Numbers whose words are drawn at a time. */
const PIECE = 512

/**
 * The sampler of a lattice.
 *
 * Cost       tables of a few milliseconds, once; then about 2 pairs of words a number
 * Guarantee  exact; number i depends on (key, from + i) alone
 */
export const latticeSampler = (lattice: Lattice): IntegerDraws => {
  const attempt = fastAttempt(lattice)
  return (count, from = 0) =>
    (source) => {
      checkCount('count', count)
      checkCount('from', from)
      const [draws, further] = [foldIn(0)(source), foldIn(1)(source)]
      const moreOf =
        (index: number, round: number): Attempt['more'] =>
        (which) =>
        (word) =>
          randomPairs(1, word)(foldIn(2 * round + which)(foldIn(index)(further)))[0] as number
      const out = new Float64Array(count)
      for (let start = 0; start < count; start += PIECE) {
        const length = Math.min(PIECE, count - start)
        const words = randomPairs(2 * length, 2 * (from + start))(draws)
        for (let k = 0; k < length; k++) {
          const index = from + start + k
          let y = attempt(words, 4 * k, moreOf(index, 0))
          for (let round = 1; Number.isNaN(y); round++)
            y = attempt(randomPairs(2, 2 * (round * ATTEMPT + index))(draws), 0, moreOf(index, round))
          out[start + k] = y
        }
      }
      return out
    }
}

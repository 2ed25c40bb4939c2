/**
 * Exact noise on the integers: against whole numbers, against its own slow twin, and against its distribution.
 */
import fc from 'fast-check'
import { all, create, type FactoryFunctionMap } from 'mathjs'
import { describe, expect, it } from 'vitest'
import {
  discreteGaussian,
  discreteLaplace,
  gaussianLattice,
  laplaceLattice,
} from '../src/sampling/discrete/discrete-noise.js'
import { exactExponential, isBelow } from '../src/sampling/discrete/exact-exponential.js'
import {
  type Attempt,
  fastAttempt,
  type Lattice,
  slowAttempt,
  tablesOf,
} from '../src/sampling/discrete/lattice-sampler.js'
import { chachaKey, type Key, key } from '../src/sampling/index.js'
import { anyKey } from './arbitraries/key.js'
import { chiSquareBound, normalCdf } from './laws/key.js'

const big = create(all as FactoryFunctionMap, { number: 'BigNumber', precision: 160 })

describe('e^(−x) in whole numbers', () => {
  it('is less than 2 units from the truth, for any number of bits', () => {
    const rational = fc.record({ numerator: fc.bigInt(0n, 10n ** 12n), denominator: fc.bigInt(1n, 10n ** 11n) })
    fc.assert(
      fc.property(rational, fc.integer({ min: 1, max: 400 }), ({ numerator, denominator }, bits) => {
        const found = exactExponential({ numerator, denominator }, bits)
        const x = big.divide(big.bignumber(`${numerator}`), big.bignumber(`${denominator}`))
        const truth = big.multiply(big.pow(big.bignumber(2), bits), big.exp(big.unaryMinus(x) as never))
        const above = Number(big.subtract(truth as never, big.bignumber(`${found}`)))
        expect(above).toBeGreaterThan(-1)
        expect(above).toBeLessThan(2)
      }),
      { numRuns: 60 },
    )
  })

  it('a comparison reads on until the bits decide, and agrees with the number whose bits they are', () => {
    // c = 1/3 has the bits 0101…; U agrees with it for a while.
    const third = (bits: number) => [(1n << BigInt(bits)) / 3n, (1n << BigInt(bits)) / 3n + 1n] as const
    fc.assert(
      fc.property(fc.nat(6), fc.boolean(), (words, below) => {
        let read = 0
        const more = (word: number): number => {
          read = Math.max(read, word + 1)
          return word < words ? 0x55555555 : below ? 0 : 0xffffffff
        }
        expect(isBelow({ prefix: 0x55555555n, bits: 32, more }, third)).toBe(below)
        expect(read).toBe(words + 1)
      }),
    )
  })
})

const lattices: readonly Lattice[] = [
  ...[0.02, 0.3, 1, 2.5, 31.9, 32, 2 ** 18 * 1.1, 2 ** 30].map(gaussianLattice),
  ...[0.05, 1, 3.3, 64, 2 ** 30].map(laplaceLattice),
]
const cases = lattices.map((lattice) => ({ lattice, tables: tablesOf(lattice), fast: fastAttempt(lattice) }))
const word = fc.nat(0xffffffff)

describe('attempts', () => {
  const attempts = fc.constantFrom(...cases).chain(({ lattice, fast, tables: { cumulative } }) => {
    // Words that stand on a threshold, and next to one.
    const onThreshold = fc.tuple(fc.nat(cumulative.length - 1), fc.constantFrom(-1, 0, 1)).map(([i, by]) => {
      const uniform = Math.min(2 ** 53 - 1, Math.max(0, (cumulative[i] as number) + by))
      return [Math.floor(uniform / 0x200000), ((uniform % 0x200000) * 2048) >>> 0] as const
    })
    return fc.record({
      lattice: fc.constant(lattice),
      fast: fc.constant(fast),
      block: fc.oneof(fc.tuple(word, word), onThreshold),
      place: fc.oneof(word, fc.constantFrom(0, 1, 0xffffffff)),
      further: word,
    })
  })

  it('fast and slow agree: the floats decide nothing that the bits do not', () => {
    const nearness = fc.oneof(fc.constant(undefined), fc.integer({ min: -3, max: 3 }))
    fc.assert(
      fc.property(attempts, word, nearness, ({ lattice, fast, block, place, further }, anywhere, near) => {
        const more: Attempt['more'] = (which) => (k) => Math.imul(further + 2 * k + which, 0x9e3779b1) >>> 0
        const keepAll = slowAttempt(lattice, { block, place, keep: 0, more })
        // Where it is decided whether an attempt is kept: e^(−x) of the place that was found.
        const width = 2 ** lattice.widthBits
        const i = BigInt(Math.floor(Math.abs(Number.isNaN(keepAll) ? 0 : keepAll) / width))
        const h = (y: bigint) => lattice.quadratic * y * y + lattice.linear * y
        const start = i << BigInt(lattice.widthBits)
        const u = BigInt(Number.isNaN(keepAll) ? 0 : Math.abs(keepAll)) - start
        const threshold = exactExponential({ numerator: h(start + u) - h(start), denominator: lattice.denominator }, 32)
        const keep = near === undefined ? anywhere : Math.min(0xffffffff, Math.max(0, Number(threshold) + near))
        const words = Uint32Array.of(...block, place, keep)
        expect(fast(words, 0, more)).toBe(slowAttempt(lattice, { block, place, keep, more }))
      }),
      { numRuns: 100 },
    )
  })
})

describe('draws', () => {
  it('are integers that depend on key and place alone', () => {
    const samplers = [discreteGaussian(1.5), discreteGaussian(2e5), discreteLaplace(0.7), discreteLaplace(3000)]
    fc.assert(
      fc.property(anyKey, fc.constantFrom(...samplers), fc.nat(1200), fc.nat(700), (k, draw, count, from) => {
        const all = draw(from + count)(k)
        expect(all.every(Number.isSafeInteger)).toBe(true)
        expect(draw(count, from)(k)).toEqual(all.slice(from))
      }),
      { numRuns: 30 },
    )
  })

  it.each([0, -1, Number.NaN, 2 ** 31, 1e-9])('refuses a scale of %d', (scale) => {
    expect(() => discreteGaussian(scale)).toThrow(`sigma is ${scale}: it must be in [2^-20, 2^30]`)
    expect(() => discreteLaplace(scale)).toThrow(`scale is ${scale}`)
  })

  const fixed: readonly Key[] = [key(77), chachaKey([1, 2, 3, 4, 5, 6, 7, 8])]
  const count = 60_000
  /** Cells of probability p each, and what was seen in them. */
  const chiSquare = (cells: readonly (readonly [p: number, seen: number])[]): number =>
    cells.reduce((sum, [p, seen]) => sum + (seen - count * p) ** 2 / (count * p), 0)

  for (const k of fixed) {
    it.each([0.3, 0.9, 4, 40])(`${k._tag}: the discrete Gaussian has its masses, σ = %d`, (sigma) => {
      const seen = new Map<number, number>()
      for (const y of discreteGaussian(sigma)(count)(k)) seen.set(y, (seen.get(y) ?? 0) + 1)
      const mass = (y: number) => Math.exp(-(y * y) / (2 * sigma * sigma))
      const reach = Math.ceil(12 * sigma)
      const total = Array.from({ length: 2 * reach + 1 }, (_, i) => mass(i - reach)).reduce((a, b) => a + b)
      const cells = Array.from({ length: 2 * reach + 1 }, (_, i) => i - reach)
        .map((y) => [mass(y) / total, seen.get(y) ?? 0] as const)
        .filter(([p]) => p * count > 20)
      const rest = cells.reduce(([p, s], [q, t]) => [p - q, s - t] as const, [1, count] as const)
      const judged = rest[0] * count > 5 ? [...cells, rest] : cells
      expect(chiSquare(judged)).toBeLessThan(chiSquareBound(judged.length))
      expect(rest[1]).toBeLessThan(count * rest[0] + 40)
    })
    it(`${k._tag}: the discrete Gaussian of a wide grid is a bell, and its signs are fair`, () => {
      const sigma = 2 ** 18 * 1.3
      const cells = new Array<number>(64).fill(0)
      for (const y of discreteGaussian(sigma)(count)(k)) {
        const cell = Math.floor(64 * normalCdf((y + 0.5) / sigma))
        cells[cell] = (cells[cell] as number) + 1
      }
      expect(chiSquare(cells.map((seen) => [1 / 64, seen] as const))).toBeLessThan(chiSquareBound(64))
    })
    it.each([0.4, 3, 50])(`${k._tag}: the discrete Laplace has its masses, scale %d`, (scale) => {
      const seen = new Map<number, number>()
      for (const y of discreteLaplace(scale)(count)(k)) seen.set(y, (seen.get(y) ?? 0) + 1)
      const zero = Math.tanh(1 / (2 * scale))
      const cells = Array.from({ length: 401 }, (_, i) => i - 200)
        .map((y) => [zero * Math.exp(-Math.abs(y) / scale), seen.get(y) ?? 0] as const)
        .filter(([p]) => p * count > 20)
      expect(chiSquare(cells)).toBeLessThan(chiSquareBound(cells.length))
    })
  }
})

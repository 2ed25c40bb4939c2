/**
 * The laws of keys and of the draws made from them, and the statistics that a generator must pass.
 */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  bernoulli,
  foldIn,
  type Key,
  normal,
  permutation,
  randomBits,
  randomIntegers,
  randomPairs,
  split,
  standardNormals,
  uniform,
} from '../../src/sampling/index.js'
import { toArray } from '../../src/tensor/index.js'
import { position } from '../arbitraries/key.js'

const same = (a: Key, b: Key): boolean => JSON.stringify(a) === JSON.stringify(b)

/** The algebra of keys: what makes draws reproducible, and independent of how they are grouped. */
export const keyLaws = (keys: fc.Arbitrary<Key>): void => {
  it('survives JSON, and draws the same afterwards', () => {
    fc.assert(
      fc.property(keys, (k) => {
        const restored = JSON.parse(JSON.stringify(k)) as Key
        expect(restored).toEqual(k)
        expect(randomBits(5)(restored)).toEqual(randomBits(5)(k))
        expect(split(2)(restored)).toEqual(split(2)(k))
      }),
    )
  })

  it('is used without being changed', () => {
    fc.assert(
      fc.property(keys, (k) => {
        const frozen = Object.freeze({ ...k, words: Object.freeze([...k.words]) }) as Key
        const uses = (): unknown => [randomBits(3)(frozen), split(2)(frozen), foldIn(1)(frozen), permutation(5)(frozen)]
        expect(uses()).toEqual(uses())
        expect(frozen).toEqual(k)
      }),
    )
  })

  it('splits into distinct children, none of them the parent', () => {
    fc.assert(
      fc.property(keys, fc.integer({ min: 1, max: 30 }), (k, n) => {
        const family = [k, ...split(n)(k)].map((member) => JSON.stringify(member))
        expect(new Set(family).size).toBe(n + 1)
      }),
    )
  })

  it('has children that do not depend on how many there are', () => {
    fc.assert(
      fc.property(keys, fc.nat(10), fc.nat(10), (k, n, more) => {
        expect(split(n + more)(k).slice(0, n)).toEqual(split(n)(k))
      }),
    )
  })

  it('folds different numbers into different keys, never the parent', () => {
    fc.assert(
      fc.property(keys, position, position, (k, a, b) => {
        expect(same(foldIn(a)(k), k)).toBe(false)
        expect(same(foldIn(a)(k), foldIn(b)(k))).toBe(a === b)
      }),
    )
  })

  it('folds in an order that matters', () => {
    fc.assert(
      fc.property(keys, fc.nat(1000), fc.nat(1000), (k, a, b) => {
        expect(same(foldIn(a)(foldIn(b)(k)), foldIn(b)(foldIn(a)(k)))).toBe(a === b)
      }),
    )
  })

  const streams = { randomBits, randomPairs, standardNormals } as const
  for (const [name, draw] of Object.entries(streams))
    it(`${name}: word i depends on (key, i) alone`, () => {
      const width = name === 'randomPairs' ? 2 : 1
      fc.assert(
        fc.property(keys, position, fc.nat(40), fc.nat(40), (k, from, skipped, count) => {
          const whole = Array.from(draw(skipped + count, from)(k))
          expect(Array.from(draw(count, from + skipped)(k))).toEqual(whole.slice(width * skipped))
        }),
      )
    })

  const tensors = {
    'uniform float64': (shape: readonly number[]) => uniform(shape),
    'uniform float32': (shape: readonly number[]) => uniform(shape, 'float32'),
    'normal float64': (shape: readonly number[]) => normal(shape),
    'normal float32': (shape: readonly number[]) => normal(shape, 'float32'),
    bernoulli: bernoulli(0.4),
    randomIntegers: randomIntegers(1000),
  } as const
  for (const [name, draw] of Object.entries(tensors))
    it(`${name}: element i does not depend on the shape`, () => {
      fc.assert(
        fc.property(keys, fc.nat(6), fc.nat(6), fc.nat(20), (k, rows, columns, more) => {
          const matrix = draw([rows, columns])(k)
          expect(matrix.shape).toEqual([rows, columns])
          expect(toArray(matrix)).toEqual(toArray(draw([rows * columns + more])(k)).slice(0, rows * columns))
        }),
      )
    })
}

/** Failure probability of one statistical check under the null hypothesis: 10⁻⁹, two-sided. */
const LOG_ALPHA = Math.log(2e9)

/** |X − np| for a binomial X exceeds this with probability ≤ 10⁻⁹ (Bernstein's inequality, no approximation). */
export const countBound = (trials: number, probability: number): number => {
  const variance = trials * probability * (1 - probability)
  return LOG_ALPHA / 3 + Math.sqrt((LOG_ALPHA / 3) ** 2 + 2 * LOG_ALPHA * variance)
}

/** The 1 − 10⁻¹⁰ quantile of χ² (Wilson and Hilferty 1931): a decade below 10⁻⁹ for the error of the approximation. */
export const chiSquareBound = (freedom: number): number => {
  const spread = 2 / (9 * freedom)
  return freedom * (1 - spread + 6.361 * Math.sqrt(spread)) ** 3
}

export const chiSquare = (counts: readonly number[], expected: number): number =>
  counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)

/** Φ by its Taylor series, ½ + φ(x)·(x + x³/3 + x⁵/15 + …): slow and plain; for |x| < 7. */
export const normalCdf = (x: number): number => {
  let term = x
  let sum = x
  for (let k = 3; Math.abs(term) > 1e-18 * Math.abs(sum); k += 2) {
    term *= (x * x) / k
    sum += term
  }
  return 0.5 + (sum * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI)
}

/** sup |F_n − F| of sorted values of F(x); exceeds √(ln(2·10⁹)/2n) with probability ≤ 10⁻⁹ (Massart 1990). */
const kolmogorov = (values: Float64Array): number =>
  values.reduce((worst, u, i) => Math.max(worst, u - i / values.length, (i + 1) / values.length - u), 0)
const kolmogorovBound = (n: number): number => Math.sqrt(LOG_ALPHA / (2 * n))

const mean = (values: ArrayLike<number>, f: (x: number, i: number) => number): number => {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += f(values[i] as number, i)
  return sum / values.length
}

/** Statistics of a generator under one fixed key. */
export const drawStatistics = (k: Key): void => {
  const [bitsKey, uniformKey, normalKey, coinKey, orderKey, integerKey] = split(6)(k) as [Key, Key, Key, Key, Key, Key]

  it('every bit of a word is a fair coin, and independent of the next bit and the next word', () => {
    const n = 100_000
    const words = randomBits(n)(bitsKey)
    const bound = countBound(n - 1, 0.5)
    for (let bit = 0; bit < 32; bit++) {
      const count = { one: 0, next: 0, after: 0 }
      for (let i = 0; i + 1 < n; i++) {
        const word = words[i] as number
        const value = (word >>> bit) & 1
        count.one += value
        count.next += value ^ ((word >>> ((bit + 1) % 32)) & 1)
        count.after += value ^ (((words[i + 1] as number) >>> bit) & 1)
      }
      for (const c of Object.values(count)) expect(Math.abs(c - (n - 1) / 2)).toBeLessThan(bound)
    }
  })

  it('words of siblings, of a fold and of its neighbour are independent', () => {
    const n = 100_000
    const [a, b] = split(2)(bitsKey) as [Key, Key]
    const streams = [a, b, foldIn(7)(a), foldIn(8)(a)].map((stream) => randomBits(n)(stream))
    streams.forEach((left, i) => {
      for (const right of streams.slice(i + 1)) {
        let agree = 0
        for (let j = 0; j < n; j++) agree += ((left[j] as number) ^ (right[j] as number)) >>> 31
        expect(Math.abs(agree - n / 2)).toBeLessThan(countBound(n, 0.5))
      }
    })
  })

  for (const dtype of ['float32', 'float64'] as const)
    it(`uniform ${dtype}: in [0, 1), flat, and flat in pairs`, () => {
      const n = 200_000
      const cells = 16
      const values = toArray(uniform([n], dtype)(uniformKey))
      const single = new Array<number>(256).fill(0)
      const pairs = new Array<number>(cells * cells).fill(0)
      expect(values.every((u) => u >= 0 && u < 1)).toBe(true)
      values.forEach((u, i) => {
        single[Math.floor(u * 256)]! += 1
        if (i % 2 === 1) pairs[Math.floor(u * cells) * cells + Math.floor((values[i - 1] as number) * cells)]! += 1
      })
      expect(chiSquare(single, n / 256)).toBeLessThan(chiSquareBound(255))
      expect(chiSquare(pairs, n / 2 / cells ** 2)).toBeLessThan(chiSquareBound(cells ** 2 - 1))
    })

  it('normal: Kolmogorov distance, moments, tails, and no correlation between neighbours', () => {
    const n = 400_000
    const z = standardNormals(n)(normalKey)
    expect(z.every(Number.isFinite)).toBe(true)
    expect(kolmogorov(z.map(normalCdf).sort())).toBeLessThan(kolmogorovBound(n))
    const sigmas = 7
    expect(Math.abs(mean(z, (x) => x))).toBeLessThan(sigmas * Math.sqrt(1 / n))
    expect(Math.abs(mean(z, (x) => x ** 2) - 1)).toBeLessThan(sigmas * Math.sqrt(2 / n))
    expect(Math.abs(mean(z, (x) => x ** 3))).toBeLessThan(sigmas * Math.sqrt(15 / n))
    expect(Math.abs(mean(z, (x) => x ** 4) - 3)).toBeLessThan(sigmas * Math.sqrt(96 / n))
    expect(Math.abs(mean(z, (x, i) => x * (z[i - 1] ?? 0)))).toBeLessThan(sigmas * Math.sqrt(1 / n))
    for (const edge of [1, 2, 3, 4]) {
      const beyond = normalCdf(-edge)
      for (const sign of [1, -1]) {
        const count = z.reduce((sum, x) => sum + (sign * x > edge ? 1 : 0), 0)
        expect(Math.abs(count - n * beyond)).toBeLessThan(countBound(n, beyond))
      }
    }
  })

  it('bernoulli: the frequency of ones is p', () => {
    const n = 100_000
    for (const [i, p] of [1e-3, 0.25, 0.5, 0.9].entries()) {
      const ones = toArray(bernoulli(p)([n])(foldIn(i)(coinKey))).reduce((sum, x) => sum + x, 0)
      expect(Math.abs(ones - n * p)).toBeLessThan(countBound(n, p))
    }
  })

  it('permutation: all 24 orders of four are equally likely', () => {
    const n = 12_000
    const counts = new Map<string, number>()
    for (let i = 0; i < n; i++) {
      const order = permutation(4)(foldIn(i)(orderKey)).join('')
      counts.set(order, (counts.get(order) ?? 0) + 1)
    }
    expect(counts.size).toBe(24)
    expect(chiSquare([...counts.values()], n / 24)).toBeLessThan(chiSquareBound(23))
  })

  it('permutation: every example is as likely to stand anywhere', () => {
    const [n, size] = [4_000, 20]
    const counts = new Array<number>(size * size).fill(0)
    for (let i = 0; i < n; i++)
      permutation(size)(foldIn(i)(foldIn(1)(orderKey))).forEach((example, place) => {
        counts[example * size + place]! += 1
      })
    expect(chiSquare(counts, n / size)).toBeLessThan(chiSquareBound(size * size))
  })

  it('randomIntegers: flat on a range that is no power of two', () => {
    const n = 100_000
    const counts = new Array<number>(7).fill(0)
    for (const x of toArray(randomIntegers(7)([n])(integerKey))) counts[x]! += 1
    expect(chiSquare(counts, n / 7)).toBeLessThan(chiSquareBound(6))
  })
}

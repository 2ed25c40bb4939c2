import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chachaWords } from '../src/sampling/chacha.js'
import type { ChaChaNonce } from '../src/sampling/counter.js'
import {
  bernoulli,
  chachaKey,
  foldIn,
  type Key,
  key,
  normal,
  permutation,
  physicalBatches,
  poissonSample,
  poissonSampleRange,
  randomBits,
  randomIntegers,
  randomPairs,
  secureKey,
  split,
  standardNormals,
  uniform,
} from '../src/sampling/index.js'
import { normalOfWord } from '../src/sampling/normal.js'
import { fillThreefry } from '../src/sampling/threefry.js'
import { threshold } from '../src/sampling/uniform.js'
import { at, toArray } from '../src/tensor/index.js'
import { anyKey, chacha20Key, threefryKey } from './arbitraries/key.js'
import { chiSquareBound, countBound, drawStatistics, keyLaws, normalCdf } from './laws/key.js'

const golden = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`./golden/${name}.json`, import.meta.url), 'utf8'))
const hex = (words: readonly string[]): number[] => words.map((word) => Number.parseInt(word, 16))

const fixed: Readonly<Record<string, Key>> = {
  Threefry2x32: key(20_240_917),
  ChaCha20: chachaKey([0x9e3779b9, 0x7f4a7c15, 0xf39cc060, 0x5cedc834, 0x1082276b, 0xf3a27251, 0xf86c6a11, 0xd0c18e95]),
}

describe('Threefry2x32 keys', () => keyLaws(threefryKey))
describe('ChaCha20 keys', () => keyLaws(chacha20Key))
for (const [name, k] of Object.entries(fixed)) describe(`${name} statistics`, () => drawStatistics(k))

describe('Threefry known answers', () => {
  const answers = golden('threefry') as {
    readonly key: readonly { seed: number; jax: string; words: number[] }[]
    readonly split: readonly { seed: number; n: number; jax: string; keys: number[][] }[]
    readonly foldIn: readonly { seed: number; data: number; jax: string; words: number[] }[]
    readonly bits: readonly { seed: number; n: number; jax: string; words: number[] }[]
    readonly bits64: readonly { seed: number; n: number; jax: string; pairs: number[][] }[]
    readonly uniform: readonly {
      seed: number
      n: number
      dtype: 'float32' | 'float64'
      jax: string
      values: number[]
    }[]
    readonly pipeline: { jax: string; words: number[] }
    readonly random123: { cases: readonly { counter: string[]; key: string[]; expected: string[] }[] }
    readonly normal: { cases: readonly { high: number; low: number; z: number }[] }
  }

  it.each(answers.key)('$jax', ({ seed, words }) => {
    expect(key(seed).words).toEqual(words)
  })
  it.each(answers.split)('$jax', ({ seed, n, keys }) => {
    expect(split(n)(key(seed)).map(({ words }) => words)).toEqual(keys)
  })
  it.each(answers.foldIn)('$jax', ({ seed, data, words }) => {
    expect(foldIn(data)(key(seed)).words).toEqual(words)
  })
  it.each(answers.bits)('$jax', ({ seed, n, words }) => {
    expect(Array.from(randomBits(n)(key(seed)))).toEqual(words)
  })
  it.each(answers.bits64)('$jax', ({ seed, n, pairs }) => {
    expect(Array.from(randomPairs(n)(key(seed)))).toEqual(pairs.flat())
  })
  it.each(answers.uniform)('$jax, which keeps one bit less', ({ seed, n, dtype, values }) => {
    const grid = dtype === 'float64' ? 2 ** 52 : 2 ** 23
    const kept = toArray(uniform([n], dtype)(key(seed))).map((u) => Math.floor(u * grid) / grid)
    expect(kept).toEqual(values)
  })
  it(answers.pipeline.jax, () => {
    const third = split(3)(key(7))[2] as Key
    expect(Array.from(randomBits(6)(foldIn(11)(third)))).toEqual(answers.pipeline.words)
  })
  it.each(answers.random123.cases)('Random123: counter $counter, key $key', ({ counter, key: words, expected }) => {
    const [high = 0, low = 0] = hex(counter)
    const out = new Uint32Array(2)
    fillThreefry(hex(words), { high, low }, out)
    expect(Array.from(out)).toEqual(hex(expected))
  })
  it('the normal quantile is right to the last bits, into the last tail', () => {
    for (const { high, low, z } of answers.normal.cases)
      expect(Math.abs(normalOfWord(high, low) - z)).toBeLessThanOrEqual(4e-16 * Math.abs(z) + 2.5e-16)
  })
})

describe('ChaCha20 known answers', () => {
  const answers = golden('chacha') as {
    readonly cases: readonly { section: string; key: string[]; counter: number; nonce: string[]; words: string[] }[]
    readonly subkeys: { cases: readonly { key: string[]; domain: 1 | 2; index: number; words: string[] }[] }
    readonly draws: { cases: readonly { key: string[]; block: number; words: string[] }[] }
  }
  it.each(answers.cases)('RFC 8439, $section', ({ key: k, counter, nonce: n, words }) => {
    const [high = 0, middle = 0, low = 0] = hex(n)
    const nonce: ChaChaNonce = { high, middle, low }
    expect(Array.from(chachaWords(hex(k), nonce, 16 * counter, words.length))).toEqual(hex(words))
  })
  it.each(answers.subkeys.cases)('subkey $index of domain $domain', ({ key: k, domain, index, words }) => {
    const parent = chachaKey(hex(k))
    const child = domain === 1 ? split(index + 1)(parent)[index] : foldIn(index)(parent)
    expect(child?.words).toEqual(hex(words))
  })
  it.each(answers.draws.cases)('randomBits of block $block', ({ key: k, block, words }) => {
    expect(Array.from(randomBits(16, 16 * block)(chachaKey(hex(k))))).toEqual(hex(words))
  })
  it('keeps children and folds apart', () => {
    fc.assert(
      fc.property(chacha20Key, fc.nat(20), (k, i) => {
        expect(split(i + 1)(k)[i]).not.toEqual(foldIn(i)(k))
      }),
    )
  })
})

describe('secureKey', () => {
  it('is a fresh ChaCha20 key each time', () => {
    const [a, b] = [secureKey(), secureKey()]
    expect(a._tag).toBe('ChaCha20')
    expect(a.words.length).toBe(8)
    expect(a).not.toEqual(b)
  })
})

describe('variates', () => {
  it('the extreme words give the extreme normals: finite, beyond 9 σ, symmetric', () => {
    expect(normalOfWord(0, 0)).toBeCloseTo(-9.155293772686072, 13)
    fc.assert(
      fc.property(fc.nat(2 ** 31 - 1), fc.integer({ min: 0, max: 2 ** 32 - 1 }), (high, low) => {
        expect(normalOfWord((high | 0x80000000) >>> 0, low)).toBe(-normalOfWord(high, low))
        expect(Math.abs(normalOfWord(high, low))).toBeLessThanOrEqual(9.156)
      }),
    )
  })

  it('Φ undoes the quantile, and it is monotone across its three branches', () => {
    const highs = fc.oneof(fc.nat(2 ** 31 - 1), fc.nat(2 ** 12), fc.integer({ min: 322_122_540, max: 322_122_554 }))
    fc.assert(
      fc.property(highs, fc.nat(2 ** 32 - 1), highs, (high, low, other) => {
        const q = ((high & 0x7fffffff) * 2 ** 32 + low + 0.5) * 2 ** -64
        const z = normalOfWord(high, low)
        if (z > -6) expect(Math.abs(normalCdf(z) - q)).toBeLessThan(1e-15)
        if (other > high) expect(normalOfWord(other, low)).toBeGreaterThan(z)
      }),
    )
  })

  it('bernoulli and Poisson thresholds are exactly ⌊p·2⁶⁴⌋', () => {
    const p = fc.oneof(
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.constantFrom(0, 1, 0.5, 2 ** -64, 1 - 2 ** -53, 1e-300),
    )
    fc.assert(
      fc.property(p, (probability) => {
        const { high, low } = threshold('p', probability)
        expect(low >= 0 && low < 2 ** 32).toBe(true)
        expect((BigInt(high) << 32n) + BigInt(low)).toBe(BigInt(Math.floor(probability * 2 ** 64)))
      }),
    )
  })

  it('bernoulli: never for 0, always for 1, and more ones for a larger p', () => {
    const p = fc.double({ min: 0, max: 1, noNaN: true })
    fc.assert(
      fc.property(anyKey, p, p, (k, a, b) => {
        expect(toArray(bernoulli(0)([50])(k)).includes(1)).toBe(false)
        expect(toArray(bernoulli(1)([50])(k)).includes(0)).toBe(false)
        const [fewer, more] = [Math.min(a, b), Math.max(a, b)].map((q) => toArray(bernoulli(q)([50])(k)))
        expect(fewer?.every((one, i) => one <= (more?.[i] as number))).toBe(true)
      }),
    )
  })

  it('a permutation is one', () => {
    fc.assert(
      fc.property(anyKey, fc.nat(200), (k, n) => {
        const sorted = permutation(n)(k).sort()
        expect(Array.from(sorted)).toEqual(Array.from({ length: n }, (_, i) => i))
      }),
    )
  })

  it('random integers stay in their range', () => {
    fc.assert(
      fc.property(anyKey, fc.integer({ min: 1, max: 2 ** 31 }), (k, below) => {
        const values = toArray(randomIntegers(below)([20])(k))
        expect(values.every((x) => Number.isInteger(x) && x >= 0 && x < below)).toBe(true)
      }),
    )
  })

  it('bad arguments are named', () => {
    expect(() => key(0.5)).toThrow('seed is 0.5')
    expect(() => chachaKey([1, 2, 3])).toThrow('8 unsigned 32-bit words')
    expect(() => chachaKey([1, 2, 3, 4, 5, 6, 7, -8])).toThrow(RangeError)
    expect(() => split(-1)(key(0))).toThrow('n is -1')
    expect(() => foldIn(1.5)(key(0))).toThrow('data is 1.5')
    expect(() => randomBits(Number.NaN)(key(0))).toThrow('count is NaN')
    expect(() => bernoulli(1.5)).toThrow('p is 1.5: it must be in [0, 1]')
    expect(() => randomIntegers(0)).toThrow('below is 0')
    expect(() => permutation(-1)(key(0))).toThrow('n is -1')
    expect(() => uniform([2, -1])(key(0))).toThrow('non-negative')
    expect(at(0)(uniform([1])(key(0)))).toBeLessThan(1)
  })
})

const probability = fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(0, 1, 0.01))

describe('Poisson sampling', () => {
  it('ascends, within the data set', () => {
    fc.assert(
      fc.property(anyKey, probability, fc.nat(1000), fc.nat(300), (k, q, step, n) => {
        const chosen = Array.from(poissonSample({ samplingProbability: q })(k, step)(n))
        expect(chosen.every((i, place) => i >= 0 && i < n && (place === 0 || i > (chosen[place - 1] as number)))).toBe(
          true,
        )
      }),
    )
  })

  it('the union of the shards is the sample, however the data are cut', () => {
    fc.assert(
      fc.property(anyKey, probability, fc.nat(1000), fc.array(fc.nat(200), { maxLength: 6 }), (k, q, step, sizes) => {
        const sampling = { samplingProbability: q }
        const starts = [0, ...sizes].map((_, shard) => sizes.slice(0, shard).reduce((sum, size) => sum + size, 0))
        const n = starts.at(-1) as number
        const shards = sizes.map((size, shard) => ({
          start: starts[shard] as number,
          end: (starts[shard] as number) + size,
        }))
        const union = shards.flatMap((range) => Array.from(poissonSampleRange(sampling)(k, step)(range)))
        expect(union).toEqual(Array.from(poissonSample(sampling)(k, step)(n)))
      }),
    )
  })

  it('adding examples leaves the choice of the others alone', () => {
    fc.assert(
      fc.property(anyKey, probability, fc.nat(300), fc.nat(300), (k, q, n, more) => {
        const sample = poissonSample({ samplingProbability: q })(k, 3)
        expect(Array.from(sample(n + more)).filter((i) => i < n)).toEqual(Array.from(sample(n)))
      }),
    )
  })

  it('a smaller probability chooses among the chosen', () => {
    fc.assert(
      fc.property(anyKey, probability, probability, (k, a, b) => {
        const [small, large] = [Math.min(a, b), Math.max(a, b)].map(
          (samplingProbability) => new Set(poissonSample({ samplingProbability })(k, 0)(200)),
        ) as [Set<number>, Set<number>]
        expect([...small].every((i) => large.has(i))).toBe(true)
      }),
    )
  })

  it('0 chooses nobody, 1 everybody', () => {
    fc.assert(
      fc.property(anyKey, fc.nat(300), (k, n) => {
        expect(poissonSample({ samplingProbability: 0 })(k, 5)(n).length).toBe(0)
        expect(poissonSample({ samplingProbability: 1 })(k, 5)(n).length).toBe(n)
      }),
    )
  })

  it.each([-0.1, 1.0000001, Number.NaN, Number.POSITIVE_INFINITY])('rejects %d, before any key is given', (q) => {
    expect(() => poissonSample({ samplingProbability: q })).toThrow(RangeError)
    expect(() => poissonSample({ samplingProbability: q })).toThrow(`samplingProbability is ${q}: it must be in [0, 1]`)
  })

  it('rejects steps, sizes and ranges that are none', () => {
    const sample = poissonSample({ samplingProbability: 0.5 })
    expect(() => sample(key(0), -1)).toThrow('step is -1')
    expect(() => sample(key(0), 0)(1.5)).toThrow('datasetSize is 1.5')
    const range = poissonSampleRange({ samplingProbability: 0.5 })(key(0), 0)
    expect(() => range({ start: 3, end: 2 })).toThrow('start is 3 and end is 2')
  })

  for (const [name, k] of Object.entries(fixed))
    it(`${name}: examples, pairs of examples and pairs of steps are included with probabilities q, q², q²`, () => {
      const [q, n, steps] = [0.3, 400, 2_000]
      const sample = poissonSample({ samplingProbability: q })
      const batches = Array.from({ length: steps }, (_, step) => {
        const member = new Uint8Array(n)
        for (const i of sample(k, step)(n)) member[i] = 1
        return member
      })
      const count = (joint: (batch: Uint8Array, i: number, step: number) => number): number[] =>
        Array.from({ length: n / 2 }, (_, pair) =>
          batches.reduce((sum, batch, step) => sum + joint(batch, 2 * pair, step), 0),
        )
      const statistic = (counts: readonly number[], trials: number, p: number): number =>
        counts.reduce((sum, c) => sum + (c - trials * p) ** 2 / (trials * p * (1 - p)), 0)

      const alone = [0, 1].flatMap((odd) => count((batch, i) => batch[i + odd] as number))
      const together = count((batch, i) => (batch[i] as number) * (batch[i + 1] as number))
      const again = count((batch, i, step) =>
        step % 2 === 0 ? (batch[i] as number) * (batches[step + 1]?.[i] as number) : 0,
      )
      expect(statistic(alone, steps, q)).toBeLessThan(chiSquareBound(n))
      expect(statistic(together, steps, q * q)).toBeLessThan(chiSquareBound(n / 2))
      expect(statistic(again, steps / 2, q * q)).toBeLessThan(chiSquareBound(n / 2))

      const sizes = batches.map((batch) => batch.reduce((sum, one) => sum + one, 0))
      const all = sizes.reduce((sum, size) => sum + size, 0)
      expect(Math.abs(all - steps * n * q)).toBeLessThan(countBound(steps * n, q))
      expect(statistic(sizes, n, q)).toBeLessThan(chiSquareBound(steps))
      expect(statistic(sizes, n, q)).toBeGreaterThan(steps - 7 * Math.sqrt(2 * steps))
    })

  it('steps differ', () => {
    const sample = poissonSample({ samplingProbability: 0.5 })
    fc.assert(
      fc.property(anyKey, fc.nat(10_000), fc.nat(10_000), (k, a, b) => {
        fc.pre(a !== b)
        expect(sample(k, a)(256)).not.toEqual(sample(k, b)(256))
      }),
    )
  })
})

describe('physical batches', () => {
  const batch = fc.uniqueArray(fc.nat(10_000), { maxLength: 60 }).map((indices) => Int32Array.from(indices))
  const maximum = fc.integer({ min: 1, max: 70 })

  it('joined they are the logical batch; all but the last are full; none is empty but that of the empty batch', () => {
    fc.assert(
      fc.property(batch, maximum, (indices, most) => {
        const parts = physicalBatches(most)(indices)
        expect(parts.flatMap((part) => Array.from(part))).toEqual(Array.from(indices))
        expect(parts.slice(0, -1).every((part) => part.length === most)).toBe(true)
        expect(parts.at(-1)?.length).toBeLessThanOrEqual(most)
        expect(parts.length).toBe(Math.max(1, Math.ceil(indices.length / most)))
      }),
    )
  })

  it('are copies', () => {
    const indices = Int32Array.of(1, 2, 3)
    physicalBatches(2)(indices)[0].fill(9)
    expect(indices).toEqual(Int32Array.of(1, 2, 3))
  })

  it.each([0, -1, 1.5, Number.NaN])('rejects a maximum of %d', (most) => {
    expect(() => physicalBatches(most)).toThrow(`maximum is ${most}`)
  })
})

it('the float32 normal is the float64 one, rounded', () => {
  fc.assert(
    fc.property(anyKey, (k) => {
      expect(toArray(normal([9], 'float32')(k))).toEqual(Array.from(standardNormals(9)(k), Math.fround))
    }),
  )
})

/**
 * Samplers: who is in a batch, with whom, how often; and the event that follows.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Event, samplingEvent } from '../src/privacy/index.js'
import {
  type BatchSampler,
  ballsAndBinsSampler,
  chachaKey,
  cyclicPoissonSampler,
  type Key,
  key,
  poissonSample,
  poissonSampler,
  type ShardedSampler,
  shuffledSampler,
  truncatedPoissonSampler,
  userSampler,
  withoutReplacementSampler,
  withReplacementSampler,
} from '../src/sampling/index.js'
import { anyKey } from './arbitraries/key.js'
import { chiSquareBound } from './laws/key.js'

const fixed: readonly Key[] = [key(31_415), chachaKey([3, 1, 4, 1, 5, 9, 2, 6])]
const n = 60
const steps = 1500

/** In how many of the steps the statistic holds, over the steps that are used: chi-square against its probability. */
const statistic = (counts: readonly number[], trials: number, p: number): number =>
  counts.reduce((sum, c) => sum + (c - trials * p) ** 2 / (trials * p * (1 - p)), 0)

/** Σ_s P(size = s) f(s) for a binomial size. */
const overBinomial = (p: number, f: (size: number) => number): number => {
  let [mass, total] = [(1 - p) ** n, 0]
  for (let s = 0; s <= n; s++) {
    total += mass * f(s)
    mass *= ((n - s) / (s + 1)) * (p / (1 - p))
  }
  return total
}

interface Expectation {
  readonly sampler: BatchSampler
  /** P(i ∈ batch), and P(i, j ∈ batch) for i ≠ j. */
  readonly alone: number
  readonly together: number
  /** P(i ∈ batch(t) and i ∈ batch(t + stride)); undefined where it is not asked. */
  readonly again?: { readonly stride: number; readonly probability: number }
}

const batchSize = 21
const [q, most] = [0.3, 20]
const expectations: Readonly<Record<string, Expectation>> = {
  Poisson: {
    sampler: poissonSampler({ samplingProbability: q }),
    alone: q,
    together: q * q,
    again: { stride: 1, probability: q * q },
  },
  'truncated Poisson': {
    sampler: truncatedPoissonSampler({ datasetSize: n, samplingProbability: q, truncatedBatchSize: most }),
    alone: overBinomial(q, (s) => Math.min(s, most) / n),
    together: overBinomial(q, (s) => (Math.min(s, most) * (Math.min(s, most) - 1)) / (n * (n - 1))),
  },
  'without replacement': {
    sampler: withoutReplacementSampler({ datasetSize: n, batchSize }),
    alone: batchSize / n,
    together: (batchSize * (batchSize - 1)) / (n * (n - 1)),
    again: { stride: 1, probability: (batchSize / n) ** 2 },
  },
  'with replacement': {
    sampler: withReplacementSampler({ datasetSize: n, batchSize }),
    alone: 1 - (1 - 1 / n) ** batchSize,
    together: 1 - 2 * (1 - 1 / n) ** batchSize + (1 - 2 / n) ** batchSize,
    again: { stride: 1, probability: (1 - (1 - 1 / n) ** batchSize) ** 2 },
  },
  shuffled: {
    sampler: shuffledSampler({ datasetSize: n, batches: 3 }),
    alone: 1 / 3,
    together: (20 * 19) / (n * (n - 1)),
    again: { stride: 3, probability: 1 / 9 },
  },
  'balls and bins': {
    sampler: ballsAndBinsSampler({ batches: 3 }),
    alone: 1 / 3,
    together: 1 / 9,
    again: { stride: 3, probability: 1 / 9 },
  },
}

describe.each(Object.entries(expectations))('%s', (_name, { sampler, alone, together, again }) => {
  for (const k of fixed)
    it(`${k._tag}: records and pairs of records are included with their probabilities`, () => {
      const members = Array.from({ length: steps }, (_, step) => {
        const member = new Uint8Array(n)
        for (const i of sampler.batch(k, step)(n)) member[i] = 1
        return member
      })
      const count = (of: (member: Uint8Array, i: number, step: number) => number): readonly number[] =>
        Array.from({ length: n / 2 }, (_, pair) =>
          members.reduce((sum, member, step) => sum + of(member, 2 * pair, step), 0),
        )
      const singles = [0, 1].flatMap((odd) => count((member, i) => member[i + odd] as number))
      expect(statistic(singles, steps, alone)).toBeLessThan(chiSquareBound(n))
      const pairs = count((member, i) => (member[i] as number) * (member[i + 1] as number))
      expect(statistic(pairs, steps, together)).toBeLessThan(chiSquareBound(n / 2))
      if (again !== undefined) {
        const { stride, probability } = again
        const twice = count((member, i, step) =>
          Math.floor(step / stride) % 2 === 0 ? (member[i] as number) * (members[step + stride]?.[i] ?? 0) : 0,
        )
        expect(statistic(twice, steps / 2, probability)).toBeLessThan(chiSquareBound(n / 2))
      }
    })

  it('a batch is in ascending order, within the data, and a function of key and step', () => {
    fc.assert(
      fc.property(anyKey, fc.nat(500), (k, step) => {
        const batch = sampler.batch(k, step)(n)
        expect(batch).toEqual(sampler.batch(k, step)(n))
        expect(batch).toEqual(batch.slice().sort())
        expect(batch.every((i) => i >= 0 && i < n)).toBe(true)
      }),
      { numRuns: 30 },
    )
  })
})

describe('cyclic Poisson', () => {
  for (const k of fixed)
    it(`${k._tag}: a record is drawn in the steps of its group alone, there with probability q; groups are uniform`, () => {
      const cycle = 3
      const sampler = cyclicPoissonSampler({ samplingProbability: q, cycle })
      const [group, seen] = [new Int32Array(n).fill(-1), new Int32Array(n)]
      for (let step = 0; step < steps; step++)
        for (const i of sampler.batch(k, step)(n)) {
          if (group[i] !== -1) expect(step % cycle).toBe(group[i])
          group[i] = step % cycle
          seen[i] = (seen[i] as number) + 1
        }
      expect(statistic(Array.from(seen), steps / cycle, q)).toBeLessThan(chiSquareBound(n))
      const sizes = [0, 1, 2].map((g) => group.filter((of) => of === g).length)
      expect(sizes.reduce((sum, size) => sum + (size - n / 3) ** 2 / (n / 3), 0)).toBeLessThan(chiSquareBound(2))
    })
})

describe('sharding', () => {
  const samplers = fc.oneof(
    fc.double({ min: 0, max: 1, noNaN: true }).map((samplingProbability) => poissonSampler({ samplingProbability })),
    fc
      .record({
        samplingProbability: fc.double({ min: 0, max: 1, noNaN: true }),
        cycle: fc.integer({ min: 1, max: 5 }),
      })
      .map(cyclicPoissonSampler),
    fc.integer({ min: 1, max: 7 }).map((batches) => ballsAndBinsSampler({ batches })),
  ) as fc.Arbitrary<ShardedSampler>
  it('the union of the shards is the batch, however the data are cut; more data leave the others alone', () => {
    fc.assert(
      fc.property(anyKey, samplers, fc.nat(100), fc.array(fc.nat(60), { maxLength: 5 }), (k, sampler, step, sizes) => {
        const ends = sizes.map((_, shard) => sizes.slice(0, shard + 1).reduce((sum, size) => sum + size, 0))
        const union = ends.flatMap((end, shard) =>
          Array.from(sampler.shard(k, step)({ start: ends[shard - 1] ?? 0, end })),
        )
        const total = ends.at(-1) ?? 0
        expect(union).toEqual(Array.from(sampler.batch(k, step)(total)))
        expect(Array.from(sampler.batch(k, step)(total + 20)).filter((i) => i < total)).toEqual(union)
      }),
    )
  })
  it('poissonSampler is poissonSample', () => {
    fc.assert(
      fc.property(anyKey, fc.nat(50), fc.nat(100), (k, step, size) => {
        const sampling = { samplingProbability: 0.4 }
        expect(poissonSampler(sampling).batch(k, step)(size)).toEqual(poissonSample(sampling)(k, step)(size))
      }),
      { numRuns: 20 },
    )
  })
})

describe('epochs and sizes', () => {
  it.each([
    ['shuffled', shuffledSampler({ datasetSize: 37, batches: 5 })],
    ['balls and bins', ballsAndBinsSampler({ batches: 5 })],
  ])('%s: every record is in exactly one batch of each epoch', (_, sampler) => {
    for (const epoch of [0, 3]) {
      const seen = [0, 1, 2, 3, 4].flatMap((t) => Array.from(sampler.batch(key(1), 5 * epoch + t)(37)))
      expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 37 }, (_, i) => i))
    }
  })
  it('sizes are what the scheme says', () => {
    const size = (sampler: BatchSampler, step: number) => sampler.batch(key(2), step)(50).length
    for (let step = 0; step < 20; step++) {
      expect(size(withoutReplacementSampler({ datasetSize: 50, batchSize: 7 }), step)).toBe(7)
      expect(size(withReplacementSampler({ datasetSize: 50, batchSize: 70 }), step)).toBe(70)
      const truncated = { datasetSize: 50, samplingProbability: 0.5, truncatedBatchSize: 20 }
      expect(size(truncatedPoissonSampler(truncated), step)).toBeLessThanOrEqual(20)
    }
  })
  it('refuses what is no scheme, and data of another size than the event says', () => {
    expect(() => withoutReplacementSampler({ datasetSize: 3, batchSize: 4 })).toThrow('batchSize is 4')
    expect(() => ballsAndBinsSampler({ batches: 0 })).toThrow('batches is 0')
    expect(() => cyclicPoissonSampler({ samplingProbability: 2, cycle: 1 })).toThrow('samplingProbability is 2')
    expect(() => shuffledSampler({ datasetSize: 3, batches: 1 }).batch(key(0), 0)(4)).toThrow('made for 3 records')
    expect(() => poissonSampler({ samplingProbability: 1 }).batch(key(0), 1.5)(4)).toThrow('step is 1.5')
  })
})

describe('users', () => {
  it('contribute at most k records, all of their own where they have no more; removing one moves no other', () => {
    const owners = fc.array(fc.nat(5), { maxLength: 40 })
    fc.assert(
      fc.property(anyKey, owners, fc.integer({ min: 1, max: 4 }), fc.nat(50), (k, userOf, contributions, step) => {
        const sampler = poissonSampler({ samplingProbability: 0.6 })
        const batch = userSampler({ sampler, contributions }).batch(k, step)
        const { users, examples } = batch(userOf, 6)
        const of = (list: Int32Array, user: number) => Array.from(list).filter((record) => userOf[record] === user)
        for (let user = 0; user < 6; user++) {
          const owned = userOf.filter((owner) => owner === user).length
          expect(of(examples, user).length).toBe(users.includes(user) ? Math.min(contributions, owned) : 0)
        }
        // The last user leaves with all records: the others contribute what they did.
        const stay = userOf.flatMap((owner, record) => (owner === 5 ? [] : [record]))
        const fewer = batch(
          stay.map((record) => userOf[record] as number),
          5,
        )
        expect(Array.from(fewer.examples, (place) => stay[place])).toEqual(
          Array.from(examples).filter((record) => userOf[record] !== 5),
        )
      }),
    )
  })
  it('refuses records of nobody', () => {
    const { batch } = userSampler({ sampler: poissonSampler({ samplingProbability: 1 }), contributions: 1 })
    expect(() => batch(key(0), 0)([0, 2], 2)).toThrow('userOf[1] is 2: it must be an integer in [0, 1]')
  })
})

describe('events of samplers', () => {
  const g = Event.gaussian(1.1)
  it.each([
    [poissonSampler({ samplingProbability: 0.1 }).scheme, Event.selfComposed(10)(Event.poissonSampled(0.1)(g))],
    [
      withoutReplacementSampler({ datasetSize: 9, batchSize: 3 }).scheme,
      Event.selfComposed(10)(Event.sampledWithoutReplacement({ datasetSize: 9, batchSize: 3 })(g)),
    ],
    [
      withReplacementSampler({ datasetSize: 9, batchSize: 3 }).scheme,
      Event.selfComposed(10)(Event.sampledWithReplacement({ datasetSize: 9, batchSize: 3 })(g)),
    ],
    [
      truncatedPoissonSampler({ datasetSize: 9, samplingProbability: 0.5, truncatedBatchSize: 6 }).scheme,
      Event.selfComposed(10)(
        Event.truncatedPoissonSampled({ datasetSize: 9, samplingProbability: 0.5, truncatedBatchSize: 6 })(g),
      ),
    ],
    [shuffledSampler({ datasetSize: 9, batches: 4 }).scheme, Event.selfComposed(3)(Event.shuffled(4)(g))],
    [
      ballsAndBinsSampler({ batches: 4 }).scheme,
      Event.selfComposed(3)(Event.randomAllocation({ steps: 4, participations: 1 })(g)),
    ],
    [
      cyclicPoissonSampler({ samplingProbability: 0.3, cycle: 4 }).scheme,
      Event.selfComposed(3)(Event.poissonSampled(0.3)(g)),
    ],
  ])('%o', (scheme, event) => {
    expect(samplingEvent(scheme, 10)(g)).toEqual(event)
  })
})

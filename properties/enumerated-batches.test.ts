/**
 * Rényi curves of batches against every batch there is: small datasets of numbers in [−1, 1], all their batches with their
 * probabilities, the two laws of sum and noise, and their divergence by quadrature.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Accountant, type Bounds, deltaOf, epsilonOf } from '../src/privacy/accountant.js'
import * as Event from '../src/privacy/event/event.js'
import { exact } from '../src/privacy/exact/accountant.js'
import { type Neighbouring, neighbouringRelations } from '../src/privacy/neighbouring.js'
import { pld } from '../src/privacy/pld/accountant.js'
import { rdp } from '../src/privacy/rdp/accountant.js'
import { branchesRdpAtExcess } from '../src/privacy/rdp/branches.js'
import { rdpAtExcess } from '../src/privacy/rdp/curve.js'
import { logUniform } from './arbitraries/event.js'
import { rightOf } from './laws/accountant.js'

/** Sums of batches, each with its probability. */
type Sums = readonly { readonly sum: number; readonly probability: number }[]
type Records = readonly number[]

const total = (records: Records): number => records.reduce((sum, x) => sum + x, 0)

const subsets = (records: Records): readonly Records[] =>
  records.reduce<readonly Records[]>((all, x) => all.concat(all.map((some) => some.concat(x))), [[]])

/** All batches of one size, equally likely. */
const ofSize =
  (size: number) =>
  (records: Records): Sums => {
    const all = subsets(records).filter(({ length }) => length === size)
    return all.map((batch) => ({ sum: total(batch), probability: 1 / all.length }))
  }

const truncated =
  (q: number, most: number) =>
  (records: Records): Sums =>
    subsets(records).flatMap((drawn) =>
      ofSize(Math.min(most, drawn.length))(drawn).map(({ sum, probability }) => ({
        sum,
        probability: probability * q ** drawn.length * (1 - q) ** (records.length - drawn.length),
      })),
    )

const drawn =
  (times: number) =>
  (records: Records): Sums =>
    Array.from({ length: times }).reduce<Sums>(
      (all) =>
        all.flatMap(({ sum, probability }) =>
          records.map((x) => ({ sum: sum + x, probability: probability / records.length })),
        ),
      [{ sum: 0, probability: 1 }],
    )

/** D_{1+c}(P ‖ Q) of the sums with noise. */
const divergence = (sigma: number, p: Sums, q: Sums, excess: number): number => {
  const logDensity = (sums: Sums, x: number): number => {
    const logs = sums.map(({ sum, probability }) => Math.log(probability) - (0.5 * (x - sum) ** 2) / sigma / sigma)
    const most = Math.max(...logs)
    return most + Math.log(logs.reduce((all, log) => all + Math.exp(log - most), 0))
  }
  // With r = P/Q: E_Q[r^α] − 1 = E_Q[r^α − 1 − α(r − 1)], so that a small divergence keeps its digits.
  const reach = 8 + 12 * sigma + 14 * (1 + excess)
  const step = sigma / 12
  let mean = 0
  for (let x = -reach; x <= reach; x += step) {
    const logQ = logDensity(q, x)
    const log = logDensity(p, x) - logQ
    const value = Math.exp(logQ + (1 + excess) * log) - (1 + excess) * Math.exp(logQ + log) + excess * Math.exp(logQ)
    mean += (value * step) / sigma / Math.sqrt(2 * Math.PI)
  }
  return Math.log1p(mean) / excess
}

const record: fc.Arbitrary<number> = fc.oneof(fc.constantFrom(-1, 1), fc.double({ min: -1, max: 1, noNaN: true }))

/** The dataset beside its neighbour. */
const neighbours = (others: Records, x: number, other: number, relation: Neighbouring): readonly [Records, Records] => [
  [...others, x],
  relation === 'addOrRemoveOne' ? others : [...others, relation === 'replaceOne' ? other : 0],
]

/** The event of a sampler on n records, and its batches. */
type Sampler = readonly [
  eventOf: (n: number, size: number, q: number) => (event: Event.PrivacyEvent) => Event.PrivacyEvent,
  batches: (size: number, q: number) => (records: Records) => Sums,
]

/** Batches of small datasets one record apart: the event, σ, and the sums either way round. */
const neighbouringSums = ([eventOf, batches]: Sampler, relation: Neighbouring, sigmas: fc.Arbitrary<number>) =>
  fc
    .record({
      others: fc.array(record, { minLength: 1, maxLength: 4 }),
      x: record,
      other: record,
      some: fc.integer({ min: 1, max: 3 }),
      q: fc.double({ min: 0.05, max: 0.95, noNaN: true }),
      sigma: sigmas,
    })
    .map(({ others, x, other, some, q, sigma }) => {
      const size = Math.min(some, others.length)
      const [left, right] = neighbours(others, x, other, relation).map(batches(size, q)) as [Sums, Sums]
      const orders: readonly (readonly [Sums, Sums])[] = [
        [left, right],
        [right, left],
      ]
      return { event: eventOf(others.length + 1, size, q)(Event.gaussian(sigma)), sigma, orders }
    })

const samplers: readonly (readonly [string, ...Sampler])[] = [
  [
    'without replacement',
    (datasetSize, batchSize) => Event.sampledWithoutReplacement({ datasetSize, batchSize }),
    (size) => ofSize(size),
  ],
  [
    'with replacement',
    (datasetSize, batchSize) => Event.sampledWithReplacement({ datasetSize, batchSize }),
    (size) => drawn(size),
  ],
  [
    'truncated Poisson',
    (datasetSize, truncatedBatchSize, samplingProbability) =>
      Event.truncatedPoissonSampled({ datasetSize, samplingProbability, truncatedBatchSize }),
    (size, q) => truncated(q, size),
  ],
]

describe.each(samplers)('%s', (name, eventOf, batches) => {
  it.each(neighbouringRelations)('no small dataset exceeds the curve: %s', (relation) =>
    fc.assert(
      fc.property(
        neighbouringSums([eventOf, batches], relation, logUniform({ low: 1, high: 8 })),
        fc.constantFrom(0.5, 1, 2, 3.5),
        ({ event, sigma, orders }, excess) => {
          const bound = rdpAtExcess(rightOf(rdp({ neighbouring: relation }).interpret(event)))(excess)
          for (const [p, r] of orders)
            expect(divergence(sigma, p, r, excess)).toBeLessThanOrEqual(bound * (1 + 1e-9) + 1e-11)
        },
      ),
      { numRuns: 25 },
    ),
  )
  if (name !== 'truncated Poisson')
    it('a record at one end among records at the other spends what the curve says, when it is removed', () => {
      const others = [-1, -1, -1, -1]
      for (const [size, sigma, excess] of [
        [1, 3, 1],
        [2, 4, 2.5],
        [3, 6, 4],
      ] as const) {
        const bound = rdpAtExcess(rightOf(rdp().interpret(eventOf(others.length + 1, size, 0)(Event.gaussian(sigma)))))(
          excess,
        )
        const spent = divergence(sigma, batches(size, 0)([...others, 1]), batches(size, 0)(others), excess)
        expect(Math.abs(spent / bound - 1)).toBeLessThan(1e-8)
      }
    })
})

/** δ(ε) = ∫ (P − e^ε Q)₊ of the sums with noise. */
const hockeyStick = (sigma: number, p: Sums, q: Sums, epsilon: number): number => {
  const density = (sums: Sums, x: number): number =>
    sums.reduce((all, { sum, probability }) => all + probability * Math.exp(-0.5 * ((x - sum) / sigma) ** 2), 0)
  const step = sigma / 400
  let delta = 0
  for (let x = -6 - 9 * sigma; x <= 6 + 9 * sigma; x += step)
    delta += Math.max(0, density(p, x) - Math.exp(epsilon) * density(q, x))
  return (delta * step) / sigma / Math.sqrt(2 * Math.PI)
}

describe.each(samplers)('loss laws of batches: %s', (name, eventOf, batches) => {
  const relations = neighbouringRelations.filter((one) => name !== 'with replacement' || one === 'addOrRemoveOne')
  it.each(relations)('no small dataset exceeds δ: %s', (relation) =>
    fc.assert(
      fc.property(
        neighbouringSums([eventOf, batches], relation, logUniform({ low: 0.5, high: 4 })),
        fc.constantFrom(0, 0.1, 0.5, 1.5),
        ({ event, sigma, orders }, epsilon) => {
          const { upper } = rightOf(deltaOf(pld({ neighbouring: relation }), epsilon)(event))
          for (const [p, r] of orders)
            expect(hockeyStick(sigma, p, r, epsilon)).toBeLessThanOrEqual(upper * (1 + 1e-4) + 1e-6)
        },
      ),
      { numRuns: 15 },
    ),
  )
  if (name !== 'truncated Poisson')
    it('a record at one end among records at the other spends what is said, added or removed', () => {
      const others = [-1, -1, -1, -1]
      for (const [size, sigma, epsilon] of [
        [1, 1, 0.2],
        [2, 2, 0.5],
        [3, 4, 0],
      ] as const) {
        const event = eventOf(others.length + 1, size, 0)(Event.gaussian(sigma))
        const [p, r] = [batches(size, 0)([...others, 1]), batches(size, 0)(others)]
        const spent = Math.max(hockeyStick(sigma, p, r, epsilon), hockeyStick(sigma, r, p, epsilon))
        const accountants = (name === 'without replacement' ? [exact(), pld()] : [pld()]) as unknown
        for (const accountant of accountants as readonly Accountant<never>[]) {
          const { lower, upper } = rightOf(deltaOf(accountant, epsilon)(event))
          expect(spent).toBeLessThanOrEqual(upper * (1 + 1e-5))
          expect(spent).toBeGreaterThanOrEqual(lower * (1 - 1e-5))
          expect(upper).toBeLessThanOrEqual(1.002 * lower)
        }
      }
    })
})

describe('batches of a fixed size', () => {
  const event = Event.selfComposed(1000)(
    Event.sampledWithoutReplacement({ datasetSize: 5000, batchSize: 50 })(Event.gaussian(2)),
  )
  it('are by exact the Poisson sample of a replaced record, and pld and rdp agree', () => {
    const ends = ([exact(), pld(), rdp()] as unknown as readonly Accountant<never>[]).map((of) =>
      rightOf(epsilonOf(of, 1e-6)(event)),
    )
    const same = rightOf(
      epsilonOf(exact(), 1e-6)(Event.selfComposed(1000)(Event.poissonSampled(0.01)(Event.gaussian(1)))),
    )
    expect(ends[0]).toEqual(same)
    for (const { lower, upper } of ends) {
      expect(lower).toBeLessThanOrEqual(same.upper)
      expect(upper).toBeGreaterThanOrEqual(same.lower)
    }
  })
  it.each(['replaceOne', 'replaceSpecial'] as const)(
    'have bounds by pld below those of Rényi curves: %s',
    (neighbouring) => {
      const loss = rightOf(epsilonOf(pld({ neighbouring }), 1e-6)(event))
      expect(loss.lower).toBeLessThan(loss.upper)
      // A record at one end, replaced by one at the other, where all others are: as if it were removed.
      const removed = rightOf(epsilonOf(exact(), 1e-6)(event))
      if (neighbouring === 'replaceOne') expect(Math.abs(loss.lower / removed.lower - 1)).toBeLessThan(1e-3)
      expect(loss.upper).toBeLessThan(rightOf(epsilonOf(rdp({ neighbouring }), 1e-6)(event)).upper)
      expect(exact({ neighbouring }).interpret(event)._tag).toBe('Left')
    },
  )
})

describe('truncated Poisson samples', () => {
  it('of 10⁹ records cost no more than of a thousand, and are next to Poisson samples', () => {
    const sampled = Event.truncatedPoissonSampled({
      datasetSize: 1e9,
      samplingProbability: 1e-5,
      truncatedBatchSize: 11_000,
    })(Event.gaussian(1))
    const plain = Event.poissonSampled(1e-5)(Event.gaussian(1))
    const [cut, uncut] = [sampled, plain].map((one) =>
      rightOf(epsilonOf(pld(), 1e-8)(Event.selfComposed(1e5)(one))),
    ) as [Bounds, Bounds]
    expect(cut.upper).toBeGreaterThan(0.999 * uncut.lower)
    expect(cut.upper).toBeLessThan(1.01 * uncut.upper)
  })
  const step = (sampler: {
    readonly datasetSize: number
    readonly samplingProbability: number
    readonly most: number
  }) => Event.truncatedPoissonSampled({ ...sampler, truncatedBatchSize: sampler.most })(Event.gaussian(1))
  const curve = (event: Event.PrivacyEvent, neighbouring: Neighbouring = 'addOrRemoveOne') =>
    rdpAtExcess(rightOf(rdp({ neighbouring }).interpret(event)))
  it('that are never cut are Poisson samples, and next to never cut nearly so', () => {
    const plain = curve(Event.poissonSampled(0.01)(Event.gaussian(1)))
    expect(curve(step({ datasetSize: 1000, samplingProbability: 0.01, most: 1000 }))(2)).toBe(plain(2))
    const nearly = curve(step({ datasetSize: 1000, samplingProbability: 0.01, most: 60 }))(2)
    expect(Math.abs(nearly / plain(2) - 1)).toBeLessThan(1e-9)
  })
  it('of everybody are batches of fixed size', () => {
    const all = curve(step({ datasetSize: 1000, samplingProbability: 1, most: 10 }))(2)
    const fixed = curve(Event.sampledWithoutReplacement({ datasetSize: 1000, batchSize: 10 })(Event.gaussian(1)))(2)
    expect(Math.abs(all / fixed - 1)).toBeLessThan(1e-9)
  })
  it.each(neighbouringRelations)('spend at least what loss laws prove: %s', (neighbouring) => {
    for (const [q, most, count] of [
      [0.01, 16, 128],
      [0.01, 30, 1000],
      [0.02, 20, 10],
    ] as const) {
      const event = Event.selfComposed(count)(step({ datasetSize: 1000, samplingProbability: q, most }))
      const [above, below] = [rdp, pld].map((of) => rightOf(epsilonOf(of({ neighbouring }) as never, 1e-6)(event)))
      expect(above?.upper).toBeGreaterThanOrEqual(below?.lower as number)
    }
  })
})

describe('draws with replacement', () => {
  it('have loss laws far below their Rényi curves, where noise hides no more than a few draws', () => {
    const event = Event.selfComposed(1000)(
      Event.sampledWithReplacement({ datasetSize: 60_000, batchSize: 256 })(Event.gaussian(4)),
    )
    const { lower, upper } = rightOf(epsilonOf(pld(), 1e-6)(event))
    expect(upper).toBeLessThanOrEqual(lower * 1.0002)
    expect(upper).toBeLessThan(0.5 * rightOf(epsilonOf(rdp(), 1e-6)(event)).upper)
    // Hardly ever is a record drawn twice.
    const once = rightOf(
      epsilonOf(exact(), 1e-6)(Event.selfComposed(1000)(Event.poissonSampled(256 / 6e4)(Event.gaussian(2)))),
    )
    expect(Math.abs(upper / once.upper - 1)).toBeLessThan(0.1)
  })
  it('of which too much is told have an ε all the same', () => {
    for (const sigma of [1e-5, 1e-3, 0.02]) {
      const event = Event.sampledWithReplacement({ datasetSize: 10, batchSize: 5 })(Event.gaussian(sigma))
      const { lower, upper } = rightOf(epsilonOf(pld(), 1e-6)(event))
      expect(lower).toBeLessThanOrEqual(upper)
      expect(upper).toBeGreaterThan(100)
    }
  })
  it('that are told openly are a failure of a probability below 1e-20', () => {
    const event = Event.sampledWithReplacement({ datasetSize: 60_000, batchSize: 256 })(Event.gaussian(4))
    const { terms } = rightOf(rdp().interpret(event))
    const failure = terms.flatMap(({ term }) => (term._tag === 'Failure' ? [term.probability] : []))
    expect(failure).toHaveLength(1)
    expect(failure[0]).toBeLessThanOrEqual(1e-20 * (1 + 1e-9))
    expect(rightOf(epsilonOf(rdp(), 1e-6)(event)).upper).toBeLessThan(3)
    expect(rightOf(epsilonOf(rdp(), 1e-30)(event)).upper).toBe(Infinity)
  })
})

describe('shuffled epochs', () => {
  /** δ between two records, one at `left` or nothing, in one of two noisy batches of others that add nothing: a sum over the plane. */
  const apart = (epsilon: number, noiseMultiplier: number, left: number, right: number): number => {
    const h = 0.06
    const density = (mean: number, x: number, y: number): number =>
      0.5 * (Math.exp(-0.5 * ((x - mean) ** 2 + y * y)) + Math.exp(-0.5 * (x * x + (y - mean) ** 2)))
    let sum = 0
    for (let x = -9; x <= 9; x += h)
      for (let y = -9; y <= 9; y += h)
        sum += Math.max(
          0,
          density(left / noiseMultiplier, x, y) - Math.exp(epsilon) * density(right / noiseMultiplier, x, y),
        )
    return (sum * h * h) / (2 * Math.PI)
  }
  it.each(['replaceSpecial', 'replaceOne'] as const)(
    '%s: what two batches tell is between the bounds of pld',
    (neighbouring) => {
      const inputs = fc.tuple(fc.double({ min: 0.05, max: 1.5, noNaN: true }), logUniform({ low: 0.7, high: 4 }))
      fc.assert(
        fc.property(inputs, ([epsilon, sigma]) => {
          const event = Event.shuffled(2)(Event.gaussian(sigma))
          const { lower, upper } = rightOf(deltaOf(pld({ neighbouring }), epsilon)(event))
          const right = neighbouring === 'replaceOne' ? -1 : 0
          const found = Math.max(apart(epsilon, sigma, 1, right), apart(epsilon, sigma, right, 1))
          expect(lower).toBeLessThan(found + 2e-3 * found + 1e-5)
          expect(upper).toBeGreaterThan(found - 2e-3 * found - 1e-5)
        }),
        { numRuns: 12 },
      )
    },
  )
  it('have a whole number of batches', () => {
    for (const batches of [0, 0.5, -2, Number.NaN, Number.POSITIVE_INFINITY])
      for (const neighbouring of neighbouringRelations)
        expect(pld({ neighbouring }).interpret(Event.shuffled(batches)(Event.gaussian(1)))._tag).toBe('Left')
  })
  it('of one batch are no epochs; a batch alone is a Poisson sample, and of what it tells else nothing is known from below', () => {
    for (const neighbouring of ['replaceSpecial', 'replaceOne'] as const) {
      const of = (event: Event.PrivacyEvent) => rightOf(epsilonOf(pld({ neighbouring }), 1e-6)(event))
      const step = Event.gaussian(1.5)
      expect(of(Event.shuffled(1)(step))).toEqual(of(step))
      const epochs = of(Event.selfComposed(20)(Event.shuffled(100)(step)))
      expect(epochs.upper).toBe(of(Event.selfComposed(20)(step)).upper)
      expect(epochs.lower).toBe(of(Event.selfComposed(20)(Event.poissonSampled(0.01)(step))).lower)
      expect(of(Event.shuffled(7)(Event.laplace(2)))).toMatchObject({ lower: 0, upper: of(Event.laplace(2)).upper })
      expect(of(Event.shuffled(3)(Event.shuffled(2)(step)))).toMatchObject({ lower: 0, upper: of(step).upper })
      expect(of(Event.shuffled(3)(Event.nonPrivate)).lower).toBe(Infinity)
    }
  })
})

describe('one of several mechanisms', () => {
  const flat = (value: number) => ({ rdpAtExcess: () => value })
  it('spends between the least and the most, and at order 1 the mean', () => {
    const half = branchesRdpAtExcess([
      { ...flat(0.1), logProbability: -Math.LN2 },
      { ...flat(0.5), logProbability: -Math.LN2 },
    ])
    expect(half(0)).toBeCloseTo(0.3, 15)
    expect(half(3)).toBeGreaterThan(half(1))
    expect(half(1e4)).toBeLessThan(0.5)
    expect(half(Infinity)).toBe(0.5)
    expect(branchesRdpAtExcess([{ ...flat(0.2), logProbability: 0 }])(2)).toBeCloseTo(0.2, 15)
  })
})

/**
 * Rényi curves of every mechanism and sampler: against definitions in 34 digits, and against each other.
 */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, it } from 'vitest'
import { deltaOf, epsilonOf } from '../src/privacy/accountant.js'
import * as Event from '../src/privacy/event/event.js'
import { eventFromJson } from '../src/privacy/event/json.js'
import { approximateDpOfGroup, type Neighbouring } from '../src/privacy/neighbouring.js'
import { rdp } from '../src/privacy/rdp/accountant.js'
import { pureDpRdpAtExcess } from '../src/privacy/rdp/closed-form.js'
import { rdpAtExcess, rdpAtOrder } from '../src/privacy/rdp/curve.js'
import { lossPairRdpAtExcess } from '../src/privacy/rdp/loss-pair.js'
import { mixtureOfGaussiansRdpAtExcess } from '../src/privacy/rdp/mixture-of-gaussians.js'
import { sampledGaussianRdpAtExcess } from '../src/privacy/rdp/sampled-gaussian.js'
import { withoutReplacementRdpAtExcess } from '../src/privacy/rdp/without-replacement.js'
import { logUniform, noiseMultiplier, samplingProbability } from './arbitraries/event.js'
import { rightOf } from './laws/accountant.js'

interface Known {
  readonly event: unknown
  readonly neighbouring: Neighbouring
  readonly orders: readonly number[]
  readonly rdp: readonly string[]
}

const known = JSON.parse(
  readFileSync(new URL('golden/rdp-mechanisms.json', import.meta.url), 'utf8'),
) as readonly Known[]

const curve = (event: Event.PrivacyEvent, neighbouring: Neighbouring = 'addOrRemoveOne') =>
  rdpAtExcess(rightOf(rdp({ neighbouring }).interpret(event)))

/** How far two numbers are apart, relative to the second. */
const apart = (actual: number, expected: number): number => (actual === expected ? 0 : Math.abs(actual / expected - 1))

describe('definitions in 34 digits', () => {
  it.each(known.map((record) => [JSON.stringify(record.event), record.neighbouring, record] as const))(
    '%s, %s',
    (_event, neighbouring, record) => {
      const at = rdpAtOrder(rightOf(rdp({ neighbouring }).interpret(rightOf(eventFromJson(record.event)))))
      record.orders.forEach((order, i) => {
        // An order next to 1 is its excess: float64 keeps ten digits of 1e-6 in 1 + 1e-6, and the answer moves by 1e-16.
        expect(apart(at(order), Number(record.rdp[i]))).toBeLessThanOrEqual(1e-11)
      })
    },
  )
})

describe('curves of one mechanism by two ways', () => {
  const excess = logUniform({ low: 1e-6, high: 1e5 })
  it('ε-DP: two atoms = closed form', () =>
    fc.assert(
      fc.property(logUniform({ low: 1e-5, high: 100 }), excess, (epsilon, c) => {
        const atoms = lossPairRdpAtExcess({ _tag: 'PureDp', epsilon }, 1)(c)
        expect(apart(atoms, pureDpRdpAtExcess(epsilon)(c))).toBeLessThanOrEqual(1e-10)
      }),
    ))
  it('Laplace: panels = closed form', () =>
    fc.assert(
      fc.property(logUniform({ low: 0.006, high: 1e3 }), excess, (scale, c) => {
        const panels = lossPairRdpAtExcess({ _tag: 'Laplace', scale }, 1)(c)
        expect(apart(panels, curve(Event.laplace(scale))(c))).toBeLessThanOrEqual(1e-10)
      }),
      { numRuns: 50 },
    ))
  it('a mixture of 0 and 1 is the sampled Gaussian, of 1 alone the Gaussian', () =>
    fc.assert(
      fc.property(noiseMultiplier, samplingProbability, logUniform({ low: 1e-4, high: 300 }), (sigma, q, c) => {
        const mixture = mixtureOfGaussiansRdpAtExcess({
          noiseMultiplier: sigma,
          sensitivities: [0, 1],
          probabilities: [1 - q, q],
        })
        const sampled = sampledGaussianRdpAtExcess({ noiseMultiplier: sigma, samplingProbability: q })
        // 1 − q is rounded in the list of probabilities, which moves q by 1e-16 of it.
        expect(apart(mixture(c), sampled(c))).toBeLessThanOrEqual(1e-10 + 1e-15 / q)
      }),
      { numRuns: 60 },
    ))
  it('what stays at 0 bounds the added direction, where its nodes are too many', () => {
    const [sigma, q, c] = [0.8092347964302614, 0.9999999770178364, 299.99999999999727]
    const mixture = { noiseMultiplier: sigma, sensitivities: [0, 1], probabilities: [1 - q, q] }
    // Found with 40 digits.
    expect(apart(mixtureOfGaussiansRdpAtExcess(mixture)(c), 229.81977878299833)).toBeLessThanOrEqual(1e-12)
  })
  it('far out convexity is a bound that meets the quadrature', () => {
    const at = mixtureOfGaussiansRdpAtExcess({
      noiseMultiplier: 1,
      sensitivities: [0, 1, 2],
      probabilities: [0.5, 0.3, 0.2],
    })
    // Steps of about ¼: the nodes reach to orders of some 2000.
    const [near, far] = [at(1000), at(10_000)]
    expect(far / 10_001).toBeGreaterThan(near / 1001)
    expect(apart(far / 10_001, near / 1001)).toBeLessThan(2e-3)
  })
  it('the discrete Gaussian is the Gaussian at orders that move it by whole steps, and below it between', () =>
    fc.assert(
      fc.property(
        logUniform({ low: 0.1, high: 20 }),
        fc.integer({ min: 1, max: 20 }),
        excess,
        (sigma, sensitivity, c) => {
          const at = curve(Event.discreteGaussian({ sigma, sensitivity }))
          const gaussian = curve(Event.gaussian(sigma / sensitivity))
          expect(at(c)).toBeLessThanOrEqual(gaussian(c) * (1 + 1e-14))
          expect(apart(at(Math.ceil(c)), gaussian(Math.ceil(c)))).toBeLessThanOrEqual(1e-12)
        },
      ),
    ))
  it('a tree of T steps is a Gaussian of ⌈log₂(T + 1)⌉ releases', () => {
    for (const [steps, levels] of [
      [1, 1],
      [2, 2],
      [3, 2],
      [4, 3],
      [7, 3],
      [8, 4],
      [1000, 10],
      [1024, 11],
    ] as const)
      expect(
        apart(
          curve(Event.treeAggregation({ noiseMultiplier: 3, steps }))(1),
          curve(Event.selfComposed(levels)(Event.gaussian(3)))(1),
        ),
      ).toBeLessThanOrEqual(1e-15)
    expect(curve(Event.matrixFactorisation({ noiseMultiplier: 3, sensitivity: 1.5 }))(1)).toBe(
      curve(Event.gaussian(2))(1),
    )
  })
})

/** Mechanisms of each kind whose curve is finite, with what bounds them. */
const mechanisms: readonly (readonly [string, Event.PrivacyEvent])[] = [
  ['Laplace', Event.laplace(1)],
  ['discrete Laplace', Event.discreteLaplace({ scale: 2, sensitivity: 3 })],
  ['discrete Gaussian', Event.discreteGaussian({ sigma: 2, sensitivity: 1 })],
  ['exponential mechanism', Event.exponentialMechanism(0.5)],
  ['ε-DP', Event.pureDp(0.5)],
  ['zCDP', Event.zeroConcentratedDp(0.1)],
  [
    'mixture',
    Event.mixtureOfGaussians({ noiseMultiplier: 2, sensitivities: [0, 1, 2], probabilities: [0.5, 0.3, 0.2] }),
  ],
  ['two kinds on one batch', Event.composed([Event.laplace(2), Event.gaussian(2)])],
  ['the best of several', Event.repeatAndSelect({ mean: 3, shape: 1 })(Event.gaussian(4))],
]

describe.each(mechanisms)('%s', (_name, event) => {
  const spent = (of: Event.PrivacyEvent, neighbouring: Neighbouring = 'addOrRemoveOne'): number =>
    rightOf(epsilonOf(rdp({ neighbouring }), 1e-6)(of)).estimate
  it('counts: ten are more than one, and at most ten times it', () => {
    // dp_accounting 0.6.0 answers the same for one and for ten.
    const [one, ten] = [spent(event), spent(Event.selfComposed(10)(event))]
    expect(ten).toBeGreaterThan(one * 1.5)
    expect(apart(ten, spent(Event.composed(Array.from({ length: 10 }, () => event))))).toBeLessThanOrEqual(1e-10)
  })
  it('a Poisson sample spends no more, and less the smaller it is', () => {
    const at = [0.001, 0.01, 0.1].map((q) => spent(Event.selfComposed(10)(Event.poissonSampled(q)(event))))
    expect(at).toEqual([...at].sort((a, b) => a - b))
    expect(at[2]).toBeLessThan(spent(Event.selfComposed(10)(event)))
    expect(spent(Event.poissonSampled(1)(event))).toBe(spent(event))
    expect(spent(Event.poissonSampled(0)(event))).toBe(0)
  })
  it('a batch of fixed size spends less than the whole dataset', () => {
    const batch = (batchSize: number) => Event.sampledWithoutReplacement({ datasetSize: 1000, batchSize })(event)
    expect(spent(Event.selfComposed(10)(batch(5)), 'replaceOne')).toBeLessThan(
      spent(Event.selfComposed(10)(event), 'replaceOne'),
    )
    expect(spent(batch(1000), 'replaceOne')).toBe(spent(event, 'replaceOne'))
  })
  it('replacing a record spends at least what adding one does, and at most what two hops do', () => {
    const at = curve(event)
    const replaced = curve(event, 'replaceOne')
    for (const c of [0.5, 1, 7.5, 40]) {
      expect(replaced(c)).toBeGreaterThanOrEqual(at(c))
      expect(replaced(c)).toBeLessThanOrEqual(((1 + 1 / (1 + 2 * c)) * at(2 * c) + at(1 + 2 * c)) * (1 + 1e-9))
    }
  })
  it('random allocation spends what its participations do, whatever the relation', () => {
    const allocated = Event.randomAllocation({ steps: 10, participations: 2 })(event)
    expect(spent(allocated)).toBe(spent(Event.selfComposed(2)(event)))
  })
})

describe('randomised response', () => {
  const event = Event.randomizedResponse({ noiseParameter: 0.5, buckets: 4 })
  it('needs datasets of one size', () => {
    expect(rdp().interpret(event)).toMatchObject({ _tag: 'Left', left: { _tag: 'UnsupportedEvent' } })
    expect(rdp({ neighbouring: 'replaceSpecial' }).interpret(Event.poissonSampled(0.1)(event))._tag).toBe('Left')
  })
  it('counts are respected, at every relation that it has', () => {
    for (const neighbouring of ['replaceOne', 'replaceSpecial'] as const) {
      const at = (count: number): number =>
        rightOf(epsilonOf(rdp({ neighbouring }), 1e-6)(Event.selfComposed(count)(event))).estimate
      expect(at(10)).toBeGreaterThan(2 * at(1))
      expect(at(10)).toBeLessThanOrEqual(10 * curve(event, neighbouring)(Infinity))
    }
  })
})

describe('(ε, δ) mechanisms', () => {
  const event = Event.approximateDp({ epsilon: 0.3, delta: 1e-6 })
  it('fail openly with probability 1 − (1 − δ)ᵀ and compose as ε-DP otherwise', () => {
    const bounds = rightOf(epsilonOf(rdp(), 1e-4)(Event.selfComposed(10)(event)))
    const rest = (1e-4 + Math.expm1(10 * Math.log1p(-1e-6))) / Math.exp(10 * Math.log1p(-1e-6))
    const pure = rightOf(epsilonOf(rdp(), rest)(Event.selfComposed(10)(Event.pureDp(0.3))))
    expect(apart(bounds.estimate, pure.estimate)).toBeLessThanOrEqual(1e-9)
    expect(rightOf(epsilonOf(rdp(), 1e-7)(event))).toMatchObject({ lower: 0, upper: Infinity })
    expect(rightOf(deltaOf(rdp(), 0.3)(event)).upper).toBeGreaterThanOrEqual(1e-6)
    expect(apart(rightOf(deltaOf(rdp(), 0.3)(event)).upper, 1e-6)).toBeLessThanOrEqual(1e-9)
  })
  it('are amplified by a Poisson sample, and doubled where a record is replaced', () => {
    const sampled = rightOf(rdp().interpret(Event.poissonSampled(0.1)(event)))
    expect(sampled.terms).toEqual([
      { term: { _tag: 'PureDp', epsilon: Math.log1p(0.1 * Math.expm1(0.3)) }, count: 1 },
      { term: { _tag: 'Failure', probability: 1e-7 }, count: 1 },
    ])
    const group = approximateDpOfGroup(2)({ epsilon: 0.3, delta: 1e-6 })
    expect(group.delta).toBeCloseTo(1e-6 * (1 + Math.exp(0.3)), 18)
    expect(rightOf(rdp({ neighbouring: 'replaceOne' }).interpret(event)).terms).toContainEqual({
      term: { _tag: 'PureDp', epsilon: 0.6 },
      count: 1,
    })
  })
  it('of a group: the sum of powers, also where they exceed 64 bits and δ does not let them', () => {
    for (const [size, epsilon, delta] of [
      [1, 709.8, 5e-324],
      [1, 3, 1e-6],
      [2, 700, 1e-310],
      [3, 0.1, 1e-5],
      [5, 2, 1e-9],
      [2, 1e-9, 1e-7],
    ] as const) {
      const sum = Array.from({ length: size }).reduce<number>((all, _, j) => all + Math.exp(j * epsilon) * delta, 0)
      const group = approximateDpOfGroup(size)({ epsilon, delta })
      expect(group.epsilon).toBe(size * epsilon)
      expect(group.delta).toBeGreaterThanOrEqual(sum)
      expect(apart(group.delta, sum)).toBeLessThanOrEqual(1e-12)
    }
    const beyond = approximateDpOfGroup(2)({ epsilon: 720, delta: 1e-320 })
    expect(apart(beyond.delta, Math.exp(720 + Math.log(1e-320)))).toBeLessThanOrEqual(2e-12)
    expect(approximateDpOfGroup(2)({ epsilon: Infinity, delta: 1e-9 }).delta).toBe(1)
    expect(approximateDpOfGroup(2)({ epsilon: 800, delta: 1e-9 }).delta).toBe(1)
  })
  it('are refused where no theorem takes them', () => {
    expect(rdp().interpret(Event.repeatAndSelect({ mean: 3, shape: 1 })(event))._tag).toBe('Left')
    expect(rdp().interpret(Event.poissonSampled(0.1)(Event.composed([event, Event.laplace(1)])))._tag).toBe('Left')
  })
})

describe('at the ends of 64 bits', () => {
  it('ε-DP of the largest ε is that ε at every order', () => {
    for (const epsilon of [60, 1e300, 1.7e308])
      for (const excess of [0, 1e-12, 1, 1e14, Infinity]) expect(pureDpRdpAtExcess(epsilon)(excess)).toBe(epsilon)
    const best = Event.repeatAndSelect({ mean: 2, shape: 0 })(Event.pureDp(1.7e308))
    expect(rightOf(epsilonOf(rdp(), 0.5)(best)).upper).toBeGreaterThanOrEqual(1.7e308)
  })
  it('fixed-size batches with next to no noise: a bound that goes on where the rule is left', () => {
    const at = (noiseMultiplier: number): ((excess: number) => number) =>
      withoutReplacementRdpAtExcess({ noiseMultiplier, samplingProbability: 0.01 })
    const [rule, term, tiny] = [at(1 / 64), at((1 - 1e-15) / 64), at(1e-7)]
    for (const excess of [1, 2, 7, 200]) {
      expect(Math.abs(term(excess) / rule(excess) - 1)).toBeLessThan(1e-12)
      expect(tiny(excess)).toBeLessThanOrEqual(0.5 * (1 + excess) * 1e14)
      expect(tiny(excess)).toBeGreaterThan(0.49 * (1 + excess) * 1e14)
    }
  })
})

describe('the best of several runs', () => {
  it('one run is itself, and more runs spend more', () => {
    const at = (mean: number, shape: number | 'poisson' = 0) =>
      rightOf(epsilonOf(rdp(), 1e-6)(Event.repeatAndSelect({ mean, shape })(Event.gaussian(4)))).estimate
    expect(at(1)).toBe(rightOf(epsilonOf(rdp(), 1e-6)(Event.gaussian(4))).estimate)
    expect([2, 10, 100].map((mean) => at(mean))).toEqual([2, 10, 100].map((mean) => at(mean)).sort((a, b) => a - b))
    expect(at(10, 'poisson')).toBeGreaterThan(at(1))
    expect(E.isLeft(rdp().interpret(Event.repeatAndSelect({ mean: 0.5, shape: 0 })(Event.gaussian(4))))).toBe(true)
  })
  it('costs at most about thrice one run, however many', () => {
    // (2 + η) of the pure loss: Papernot & Steinke, Corollary 3 at η = 0 is 3ε for ε-DP runs as the mean grows slowly.
    const at = curve(Event.repeatAndSelect({ mean: 10, shape: 0 })(Event.pureDp(0.5)))
    expect(at(1e6)).toBeLessThanOrEqual(3 * 0.5)
  })
})

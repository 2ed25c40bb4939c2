import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, it } from 'vitest'
import { deltaOf, epsilonOf, showAccountingFailure } from '../src/privacy/accountant.js'
import {
  calibrateNoiseMultiplier,
  calibrateSamplingProbability,
  calibrateSteps,
  showCalibrationFailure,
} from '../src/privacy/calibrate.js'
import * as Event from '../src/privacy/event/event.js'
import { eventFromJson, eventToJson } from '../src/privacy/event/json.js'
import { analyticGaussianNoiseMultiplier, epsilonOfGdp, gdp, gdpFor, logDeltaOfGdp } from '../src/privacy/gdp.js'
import { minimise } from '../src/privacy/minimise.js'
import { neighbouringRelations } from '../src/privacy/neighbouring.js'
import { rdp } from '../src/privacy/rdp/accountant.js'
import { gaussianRdpAtExcess, laplaceRdpAtExcess, pureDpRdpAtExcess } from '../src/privacy/rdp/closed-form.js'
import { bestEpsilon, epsilonFromRdp, logDeltaFromRdp } from '../src/privacy/rdp/conversion.js'
import { RdpCurves, rdpAtOrder } from '../src/privacy/rdp/curve.js'
import { exactRdp } from '../src/privacy/rdp/exact-rdp.js'
import {
  sampledGaussianRdp,
  sampledGaussianRdpAtExcess,
  sampledGaussianRdpAtInteger,
} from '../src/privacy/rdp/sampled-gaussian.js'
import { withoutReplacementRdpAtExcess } from '../src/privacy/rdp/without-replacement.js'
import { logNdtri } from '../src/tensor/normal-quantile.js'
import * as Special from '../src/tensor/special.js'
import { anyEvent, gaussianEvents, logUniform, noiseMultiplier, rdpEvents } from './arbitraries/event.js'
import { accountingCases, accountingRecords, dpSgdEvent, neighbouringOf, numberOf } from './golden/accounting/cases.js'
import { passed } from './golden/outcome.js'
import { accountantLaws, rightOf, runEvent, runs, sampledGaussianLaws } from './laws/accountant.js'
import { monoidLaws } from './laws/monoid.js'

const golden = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`./golden/${name}.json`, import.meta.url), 'utf8'))
const core = golden('accounting-core')
const special = golden('special') as Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>

const relativeError = (actual: number, expected: number): number =>
  Object.is(actual, expected) || actual === expected ? 0 : Math.abs(actual - expected) / Math.abs(expected)

/** Known answers by name, and what is stated about each function. */
const known: readonly {
  readonly name: string
  readonly tolerance: number
  readonly f: (row: Readonly<Record<string, number>>) => number
}[] = [
  { name: 'erfc', tolerance: 1e-15, f: ({ x }) => Special.erfc(x as number) },
  { name: 'erfcx', tolerance: 1e-15, f: ({ x }) => Special.erfcx(x as number) },
  { name: 'ndtr', tolerance: 1e-15, f: ({ x }) => Special.ndtr(x as number) },
  { name: 'logNdtr', tolerance: 1e-15, f: ({ x }) => Special.logNdtr(x as number) },
  { name: 'millsRatio', tolerance: 1e-15, f: ({ x }) => Special.millsRatio(x as number) },
  { name: 'lgamma', tolerance: 1e-15, f: ({ x }) => Special.lgamma(x as number) },
  { name: 'logNdtri', tolerance: 1e-15, f: ({ x }) => logNdtri(x as number) },
  { name: 'logExpm1', tolerance: 1e-15, f: ({ x }) => Special.logExpm1(x as number) },
  { name: 'log1mexp', tolerance: 1e-15, f: ({ x }) => Special.log1mexp(x as number) },
  { name: 'logDeltaOfGdp', tolerance: 1e-13, f: ({ mu, epsilon }) => logDeltaOfGdp(mu as number)(epsilon as number) },
  {
    name: 'laplaceRdp',
    tolerance: 1e-12,
    f: ({ scale, order }) => laplaceRdpAtExcess(scale as number)((order as number) - 1),
  },
  {
    name: 'pureDpRdp',
    tolerance: 1e-12,
    f: ({ epsilon, order }) => pureDpRdpAtExcess(epsilon as number)((order as number) - 1),
  },
  {
    name: 'sampledGaussianRdp',
    tolerance: 1e-13,
    f: ({ sigma, q, order }) =>
      sampledGaussianRdp({ noiseMultiplier: sigma as number, samplingProbability: q as number })(order as number),
  },
  {
    name: 'withoutReplacementRdp',
    tolerance: 1e-12,
    f: ({ sigma, q, order }) =>
      withoutReplacementRdpAtExcess({ noiseMultiplier: sigma as number, samplingProbability: q as number })(
        (order as number) - 1,
      ),
  },
]

describe('special functions', () => {
  it.each(known)('$name agrees with its known answers to $tolerance', ({ name, tolerance, f }) => {
    const rows = special[name] ?? []
    expect(rows.length).toBeGreaterThan(20)
    const wrong = rows
      .map((row) => ({ row, error: relativeError(f(row as Readonly<Record<string, number>>), numberOf(row.value)) }))
      .filter(({ error }) => !(error <= tolerance))
    expect(wrong).toEqual([])
  })
  it('logComb is within 1e-14 of its known answers', () => {
    for (const { n, k, value } of special.logComb as unknown as readonly { n: number; k: number; value: string }[])
      expect(relativeError(Special.logComb({ n, k }), Number(value))).toBeLessThanOrEqual(1e-14)
  })
  it('log Φ⁻¹ takes log Φ back, and rises', () =>
    fc.assert(
      fc.property(logUniform({ low: 1e-3, high: 1e6 }), fc.boolean(), (size, negative) => {
        const t = negative ? -size : Math.min(size, 35)
        const l = Special.logNdtr(t)
        // A log Φ next to 0 or far below it has so many digits of x.
        const lost = 4e-16 * (1 + Math.abs(l) * Special.millsRatio(-t))
        expect(Math.abs(logNdtri(l) - t)).toBeLessThanOrEqual(lost + 4e-15 * Math.abs(t))
        expect(logNdtri(l * (1 - 1e-12))).toBeGreaterThanOrEqual(logNdtri(l))
      }),
    ))
  const x = fc.double({ min: -25, max: 25, noNaN: true })
  const positive = logUniform({ low: 1e-6, high: 1e6 })
  it('erfc(x) + erfc(−x) = 2 and Φ(x) + Φ(−x) = 1', () =>
    fc.assert(
      fc.property(x, (t) => {
        expect(Special.erfc(t) + Special.erfc(-t)).toBeCloseTo(2, 14)
        expect(Special.ndtr(t) + Special.ndtr(-t)).toBeCloseTo(1, 14)
      }),
    ))
  it('Φ increases, and so do its logarithm and the complement of erfc', () =>
    fc.assert(
      fc.property(x, positive, (t, step) => {
        expect(Special.logNdtr(t + step)).toBeGreaterThanOrEqual(Special.logNdtr(t))
        expect(Special.erfc(t + step)).toBeLessThanOrEqual(Special.erfc(t))
      }),
    ))
  it('log Γ(x + 1) = log Γ(x) + log x', () =>
    fc.assert(
      fc.property(positive, (t) => {
        const [left, right] = [Special.lgamma(t + 1), Special.lgamma(t)]
        const scale = Math.abs(left) + Math.abs(right) + Math.abs(Math.log(t)) + t
        expect(Math.abs(left - right - Math.log(t))).toBeLessThanOrEqual(4e-15 * scale)
      }),
    ))
  it('Pascal: C(n + 1, k) = C(n, k) + C(n, k − 1)', () =>
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), fc.nat(500), (n, k) => {
        const sum = Special.logAddExp(Special.logComb({ n, k }), Special.logComb({ n, k: k - 1 }))
        const whole = Special.logComb({ n: n + 1, k })
        if (k > n + 1) expect(whole).toBe(-Infinity)
        else expect(Math.abs(whole - sum)).toBeLessThanOrEqual(1e-12 * (1 + Math.abs(sum)))
      }),
    ))
  it('logAddExp is a commutative monoid, logSubExp takes back, logSumExp folds', () =>
    fc.assert(
      fc.property(x, x, x, (a, b, c) => {
        const { logAddExp, logSubExp, logSumExp } = Special
        expect(logAddExp(a, b)).toBe(logAddExp(b, a))
        expect(logAddExp(a, -Infinity) - a).toBe(0)
        expect(logAddExp(logAddExp(a, b), c)).toBeCloseTo(logAddExp(a, logAddExp(b, c)), 12)
        expect(logSumExp([a, b, c])).toBeCloseTo(logAddExp(a, logAddExp(b, c)), 12)
        if (a > b) expect(Math.abs(logAddExp(logSubExp(a, b), b) - a)).toBeLessThanOrEqual(1e-13 * (1 + Math.abs(a)))
      }),
    ))
  it('the ends: zero, infinity, and what is outside', () => {
    expect([0, 1, 2].map(Special.lgamma)).toEqual([Infinity, 0, 0])
    expect([Special.erfc(Infinity), Special.erfc(-Infinity), Special.erfcx(-30)]).toEqual([0, 2, Infinity])
    expect([Special.logNdtr(Infinity), Special.logNdtr(-Infinity)]).toEqual([-0, -Infinity])
    expect([0, -Infinity, 1].map(logNdtri)).toEqual([Infinity, -Infinity, Number.NaN])
    expect(Special.lgamma(-1)).toBeNaN()
    expect(Special.logSumExp([])).toBe(-Infinity)
    expect(Special.logSubExp(1, 1)).toBe(-Infinity)
    expect(
      [Special.erfc, Special.erfcx, Special.ndtr, Special.logNdtr, Special.lgamma].map((f) => f(Number.NaN)),
    ).toEqual(Array.from({ length: 5 }, () => Number.NaN))
  })
})

describe('minimise', () => {
  it('finds the minimum of a unimodal function, walls of infinity included', () =>
    fc.assert(
      fc.property(
        fc.double({ min: -9, max: 9, noNaN: true }),
        fc.double({ min: 0.1, max: 30, noNaN: true }),
        (centre, slope) => {
          const f = (t: number): number => (t > centre + 0.5 ? Infinity : Math.exp(slope * (t - centre)) - slope * t)
          const { x: found, value } = minimise({ low: -10, high: 10, tolerance: 1e-7 })(f)
          expect(Math.abs(found - centre)).toBeLessThan(1e-3)
          expect(value).toBe(f(found))
        },
      ),
    ))
})

describe('events', () => {
  const normal = fc.tuple(anyEvent, anyEvent, anyEvent).map(([a, b, c]) => ({
    monoid: Event.Composition,
    values: [Event.normalise(a), Event.normalise(b), Event.normalise(c)] as const,
  }))
  const any = fc.tuple(anyEvent, anyEvent, anyEvent).map((values) => ({ monoid: Event.Composition, values }))
  monoidLaws('normal forms', normal, Event.EventEq)
  monoidLaws('events up to their normal form', any, {
    equals: (a, b) => Event.EventEq.equals(Event.normalise(a), Event.normalise(b)),
  })
  it('the normal form is idempotent, flat and without NoOp', () =>
    fc.assert(
      fc.property(anyEvent, (event) => {
        const normalForm = Event.normalise(event)
        expect(Event.normalise(normalForm)).toEqual(normalForm)
        if (normalForm._tag === 'Composed') {
          expect(normalForm.events.length).toBeGreaterThan(1)
          for (const part of normalForm.events) expect(['Composed', 'NoOp']).not.toContain(part._tag)
        }
      }),
    ))
  it('composition of normal forms is the normal form of the composition', () =>
    fc.assert(
      fc.property(anyEvent, anyEvent, (a, b) => {
        expect(Event.normalise(Event.Composition.concat(Event.normalise(a), Event.normalise(b)))).toEqual(
          Event.normalise(Event.composed([a, b])),
        )
      }),
    ))
  it('a million equal steps are one line', () => {
    const step = Event.poissonSampled(0.01)(Event.gaussian(1.1, 'secure'))
    const ledger = Array.from({ length: 1000 }, () => Event.selfComposed(1000)(step)).reduce(
      Event.Composition.concat,
      Event.noOp,
    )
    expect(ledger).toEqual(Event.selfComposed(1_000_000)(step))
    expect(Event.showEvent(ledger)).toBe('1000000 × Poisson(0.01, Gaussian(1.1, secure))')
  })
  it('JSON there and back', () =>
    fc.assert(
      fc.property(anyEvent, (event) => {
        expect(eventFromJson(JSON.parse(JSON.stringify(eventToJson(event))))).toEqual(E.right(event))
      }),
    ))
  it('equality is structural', () =>
    fc.assert(
      fc.property(anyEvent, anyEvent, (a, b) => {
        expect(Event.EventEq.equals(a, structuredClone(a))).toBe(true)
        expect(Event.EventEq.equals(a, b)).toBe(JSON.stringify(a) === JSON.stringify(b))
      }),
    ))
  it.each([
    [null, 'event'],
    [{ _tag: 'Gauss' }, '_tag'],
    [{ _tag: 'Gaussian', noiseMultiplier: -1, grade: 'float' }, 'noiseMultiplier'],
    [{ _tag: 'Gaussian', noiseMultiplier: 1 }, 'grade'],
    [{ _tag: 'Laplace', noiseMultiplier: '1' }, 'noiseMultiplier'],
    [{ _tag: 'PureDp', epsilon: null }, 'epsilon'],
    [{ _tag: 'PoissonSampled', samplingProbability: 1.5, event: { _tag: 'NoOp' } }, 'samplingProbability'],
    [{ _tag: 'SelfComposed', count: 1.5, event: { _tag: 'NoOp' } }, 'count'],
    [{ _tag: 'Shuffled', batches: 0, event: { _tag: 'NoOp' } }, 'batches'],
    [{ _tag: 'Composed', events: {} }, 'events'],
    [{ _tag: 'Composed', events: [{ _tag: 'NoOp' }, { _tag: 'SelfComposed', count: 1 }] }, 'events[1].event'],
    [{ _tag: 'SelfComposed', count: 1, event: { _tag: 'Composed', events: [7] } }, 'event.events[0]'],
    [{ _tag: 'Unsupported' }, 'reason'],
  ])('%j is refused at %s', (json, parameter) => {
    expect(eventFromJson(json)).toMatchObject({ _tag: 'Left', left: { _tag: 'InvalidParameter', parameter } })
  })
})

describe('Rényi divergence of the sampled Gaussian', () => {
  const mechanism = fc.record({
    noiseMultiplier: logUniform({ low: 0.01, high: 1e4 }),
    samplingProbability: logUniform({ low: 1e-7, high: 1 }),
  })
  const excess = logUniform({ low: 1e-9, high: 1e5 })
  it('increases with the order, and with the order to its limits', () =>
    fc.assert(
      fc.property(mechanism, excess, excess, (parameters, a, b) => {
        const at = sampledGaussianRdpAtExcess(parameters)
        expect(at(Math.min(a, b))).toBeLessThanOrEqual(at(Math.max(a, b)) * (1 + 1e-12))
        expect(at(0)).toBeLessThanOrEqual(at(a) * (1 + 1e-12))
        expect(at(1e-12)).toBeLessThanOrEqual(at(0) * (1 + 1e-6))
      }),
    ))
  it('is finite and positive, and below the bounds that convexity gives', () =>
    fc.assert(
      fc.property(mechanism, excess, (parameters, c) => {
        const { noiseMultiplier: sigma, samplingProbability: q } = parameters
        const value = sampledGaussianRdpAtExcess(parameters)(c)
        const unsampled = gaussianRdpAtExcess(sigma)(c)
        expect(value).toBeGreaterThan(0)
        expect(value).toBeLessThanOrEqual(unsampled * (1 + 1e-12))
        if (c * unsampled < 600)
          expect(c * value).toBeLessThanOrEqual(Math.log1p(q * Math.expm1(c * unsampled)) * (1 + 1e-12))
      }),
    ))
  it('quadrature = binomial sum at integer orders', () =>
    fc.assert(
      fc.property(mechanism, fc.integer({ min: 2, max: 300 }), (parameters, order) => {
        const [fast, slow] = [sampledGaussianRdp(parameters)(order), sampledGaussianRdpAtInteger(parameters)(order)]
        expect(relativeError(fast, slow)).toBeLessThanOrEqual(1e-11)
      }),
    ))
  it('quadrature = binomial sum = arbitrary precision', async () => {
    await fc.assert(
      fc.asyncProperty(mechanism, fc.integer({ min: 2, max: 24 }), async (parameters, order) => {
        const { value } = rightOf(await exactRdp(parameters, 25)(order)())
        expect(relativeError(sampledGaussianRdp(parameters)(order), value)).toBeLessThanOrEqual(1e-13)
        expect(relativeError(sampledGaussianRdpAtInteger(parameters)(order), value)).toBeLessThanOrEqual(1e-11)
      }),
      { numRuns: 25 },
    )
  })
  it('arbitrary precision refuses what is outside of its domain', async () => {
    const good = { noiseMultiplier: 1, samplingProbability: 0.1 }
    for (const attempt of [
      exactRdp({ ...good, noiseMultiplier: 0 })(2),
      exactRdp({ ...good, samplingProbability: 2 })(2),
      exactRdp(good)(1.5),
      exactRdp(good, 0)(2),
    ])
      expect(await attempt()).toMatchObject({ left: { _tag: 'InvalidParameter' } })
    expect(await exactRdp({ ...good, samplingProbability: 0 })(2)()).toEqual(E.right({ value: 0, digits: '0' }))
  })
  it('the two ends of q and σ', () => {
    const at = (noiseMultiplier: number, samplingProbability: number) =>
      sampledGaussianRdp({ noiseMultiplier, samplingProbability })(3)
    expect([at(2, 0), at(2, 1), at(0, 0.5), at(Infinity, 0.5)]).toEqual([0, 3 / 8, Infinity, 0])
  })
})

describe('conversion', () => {
  const order = logUniform({ low: 1.001, high: 1e4 })
  const divergence = logUniform({ low: 1e-6, high: 100 })
  const deltas = logUniform({ low: 1e-20, high: 0.5 })
  it('the improved conversion is never worse than the first one', () =>
    fc.assert(
      fc.property(order, divergence, deltas, (alpha, value, delta) => {
        const at = { order: alpha, rdp: value }
        expect(epsilonFromRdp(delta)(at)).toBeLessThanOrEqual(epsilonFromRdp(delta, 'mironov')(at) * (1 + 1e-14))
      }),
    ))
  it('δ of the ε of δ is δ, for both', () =>
    fc.assert(
      fc.property(
        order,
        divergence,
        deltas,
        fc.constantFrom('improved', 'mironov'),
        (alpha, value, delta, conversion) => {
          const at = { order: alpha, rdp: value }
          const epsilon = epsilonFromRdp(delta, conversion)(at)
          const back = logDeltaFromRdp(epsilon, conversion)(at)
          // Where ε is 0 a smaller δ may do.
          if (epsilon > 0)
            expect(Math.abs(back - Math.log(delta))).toBeLessThanOrEqual(1e-9 * (1 + alpha * (value + epsilon)))
          else expect(back).toBeLessThanOrEqual(Math.log(delta) + 1e-9)
        },
      ),
    ))
  it('order 1 and infinite divergences prove nothing', () => {
    expect(epsilonFromRdp(1e-5)({ order: 1, rdp: 0.1 })).toBe(Infinity)
    expect(epsilonFromRdp(1e-5)({ order: 2, rdp: Infinity })).toBe(Infinity)
    expect(logDeltaFromRdp(1)({ order: 1, rdp: 0.1 })).toBe(0)
  })
  it('the best real order is no worse than any list of orders', () =>
    fc.assert(
      fc.property(runs, deltas, fc.array(order, { minLength: 1, maxLength: 30 }), (run, delta, orders) => {
        const at = (orders_?: readonly number[]) =>
          rightOf(epsilonOf(rdp(orders_ === undefined ? {} : { orders: orders_ }), delta)(runEvent(run)))
        expect(at().estimate).toBeLessThanOrEqual(at(orders).estimate * (1 + 1e-9))
      }),
      { numRuns: 50 },
    ))
  it('an answer names the order that proves it', () =>
    fc.assert(
      fc.property(runs, deltas, (run, delta) => {
        const curve = rightOf(rdp().interpret(runEvent(run)))
        const { estimate, order: best } = rdp().epsilon(delta)(curve)
        if (best !== undefined && best - 1 > 1e-3 && best < Infinity)
          expect(estimate).toBeCloseTo(epsilonFromRdp(delta)({ order: best, rdp: rdpAtOrder(curve)(best) }), 8)
      }),
      { numRuns: 50 },
    ))
  it('no list of orders above 1 means no bound', () => {
    expect(bestEpsilon(1e-5, 'improved', [1])(() => 0.1).estimate).toBe(Infinity)
  })
})

for (const neighbouring of neighbouringRelations) {
  describe(`Rényi accountant, ${neighbouring}`, () => {
    accountantLaws({ name: 'rdp', accountant: rdp({ neighbouring }), events: rdpEvents })
    sampledGaussianLaws({ name: 'rdp', accountant: rdp({ neighbouring }) })
  })
  describe(`Gaussian accountant, ${neighbouring}`, () => {
    accountantLaws({ name: 'gdp', accountant: gdp({ neighbouring }), events: gaussianEvents })
  })
}

describe('neighbouring relations', () => {
  it('replacing a record is twice the sensitivity, sampled or not', () =>
    fc.assert(
      fc.property(noiseMultiplier, logUniform({ low: 1e-9, high: 0.1 }), (sigma, delta) => {
        const at = (accountant: typeof replaced, event: Event.PrivacyEvent): number =>
          rightOf(epsilonOf(accountant, delta)(event)).estimate
        const replaced = rdp({ neighbouring: 'replaceOne' })
        const whole = at(replaced, Event.gaussian(sigma))
        expect(whole).toBeCloseTo(at(rdp(), Event.gaussian(sigma / 2)), 9)
        // The way through the dataset without the record loses nothing for Gaussians: q → 1 shows it.
        const nearly = at(replaced, Event.poissonSampled(1 - 2 ** -50)(Event.gaussian(sigma)))
        expect(relativeError(nearly, whole)).toBeLessThanOrEqual(1e-6)
      }),
    ))
  it('batches of fixed size and shuffled batches are never read as Poisson samples', () => {
    const step = Event.gaussian(1)
    const fixed = Event.sampledWithoutReplacement({ datasetSize: 100, batchSize: 1 })(step)
    const epoch = Event.shuffled(100)(step)
    for (const [accountant, event] of [
      [rdp(), epoch],
      [gdp(), epoch],
      [gdp(), fixed],
    ] as const)
      expect(accountant.interpret(event)).toMatchObject({ left: { _tag: 'UnsupportedEvent', event } })
    for (const neighbouring of neighbouringRelations) {
      const accountant = rdp({ neighbouring })
      const poisson = rightOf(epsilonOf(accountant, 1e-5)(Event.poissonSampled(0.01)(step)))
      expect(rightOf(epsilonOf(accountant, 1e-5)(fixed)).upper).not.toBe(poisson.upper)
    }
    // Where the other records stay put, an epoch is one release.
    for (const neighbouring of ['replaceOne', 'replaceSpecial'] as const)
      expect(rdp({ neighbouring }).interpret(epoch)).toEqual(rdp({ neighbouring }).interpret(step))
  })
  it('a failure says who failed, on what, and why', () => {
    const failure = gdp().interpret(Event.selfComposed(3)(Event.poissonSampled(0.5)(Event.gaussian(1))))
    expect(E.isLeft(failure) && showAccountingFailure(failure.left)).toBe(
      'the gdp accountant cannot account for Poisson(0.5, Gaussian(1)): a sampled Gaussian is not Gaussian-private; its central limit is an approximation, not a bound',
    )
  })
})

describe('batches of fixed size', () => {
  const accountant = rdp({ neighbouring: 'replaceOne' })
  const spent = (batchSize: number, sigma: number, steps: number, delta: number): number =>
    rightOf(
      epsilonOf(
        accountant,
        delta,
      )(
        Event.selfComposed(steps)(
          Event.sampledWithoutReplacement({ datasetSize: 1000, batchSize })(Event.gaussian(sigma)),
        ),
      ),
    ).estimate
  it('the whole dataset is not sampled, no record is nothing, more records spend no less', () =>
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 400 }),
        noiseMultiplier,
        logUniform({ low: 1e-9, high: 0.01 }),
        (size, sigma, delta) => {
          const whole = rightOf(epsilonOf(accountant, delta)(Event.selfComposed(9)(Event.gaussian(sigma)))).estimate
          expect(spent(1000, sigma, 9, delta)).toBe(whole)
          expect(spent(0, sigma, 9, delta)).toBe(0)
          expect(spent(size, sigma, 9, delta)).toBeLessThanOrEqual(spent(2 * size, sigma, 9, delta) * (1 + 1e-9))
        },
      ),
      { numRuns: 20 },
    ))
  it('a batch larger than the dataset is a failure', () => {
    const event = Event.sampledWithoutReplacement({ datasetSize: 3, batchSize: 4 })(Event.gaussian(1))
    expect(accountant.interpret(event)).toMatchObject({ left: { _tag: 'UnsupportedEvent' } })
  })
})

describe('Rényi bounds are bounds', () => {
  it('of the exact Gaussian', () =>
    fc.assert(
      fc.property(
        gaussianEvents,
        logUniform({ low: 1e-15, high: 0.5 }),
        logUniform({ low: 1e-3, high: 50 }),
        (event, delta, epsilon) => {
          const [bound, exact] = [rdp(), gdp()]
          expect(rightOf(epsilonOf(bound, delta)(event)).upper).toBeGreaterThanOrEqual(
            rightOf(epsilonOf(exact, delta)(event)).lower,
          )
          expect(rightOf(deltaOf(bound, epsilon)(event)).upper).toBeGreaterThanOrEqual(
            rightOf(deltaOf(exact, epsilon)(event)).lower,
          )
        },
      ),
    ))
  it('of Laplace: no more than the pure ε, and no less than the mechanism', () =>
    fc.assert(
      fc.property(logUniform({ low: 0.05, high: 50 }), logUniform({ low: 1e-9, high: 0.1 }), (scale, delta) => {
        const upper = rightOf(epsilonOf(rdp(), delta)(Event.laplace(scale))).upper
        expect(upper).toBeLessThanOrEqual((1 / scale) * (1 + 1e-9))
        // δ(ε) = 1 − e^((ε − 1/b)/2) for one Laplace release.
        expect(upper).toBeGreaterThanOrEqual(1 / scale + 2 * Math.log1p(-delta) - 1e-12)
      }),
    ))
  it('of every exact figure of the golden file', () => {
    const exact = ['truth', 'extreme', 'spa', 'het', 'replace']
    const checked = accountingRecords(core).filter(
      ({ id, expected }) => exact.includes(id.split('.')[0] as string) && expected.epsilon !== undefined,
    )
    expect(checked.length).toBeGreaterThan(100)
    const wrong = checked.filter(({ inputs, expected }) => {
      const accountant = rdp({ neighbouring: neighbouringOf(inputs) })
      const { upper } = rightOf(epsilonOf(accountant, numberOf(inputs.delta))(dpSgdEvent(inputs)))
      return !(upper >= numberOf(expected.epsilon) * (1 - 1e-9))
    })
    expect(wrong.map(({ id }) => id)).toEqual([])
  })
  it('of every exact δ, and of every exact noise multiplier', () => {
    const records = accountingRecords(core)
    const curves = records.filter(({ kind, inputs }) => kind === 'delta_curve' && Array.isArray(inputs.epsilon))
    const noise = records.filter(({ id, inputs }) => id.startsWith('calib.') && inputs.solveFor === 'sigma')
    expect(Math.min(curves.length, noise.length)).toBeGreaterThan(5)
    for (const { inputs, expected } of curves)
      for (const [index, epsilon] of (inputs.epsilon as readonly number[]).entries())
        expect(rightOf(deltaOf(rdp(), epsilon)(dpSgdEvent(inputs))).upper).toBeGreaterThanOrEqual(
          ((expected.delta as readonly number[])[index] as number) * (1 - 1e-7),
        )
    for (const { inputs, expected } of noise)
      expect(
        rightOf(epsilonOf(rdp(), numberOf(inputs.delta))(dpSgdEvent({ ...inputs, sigma: expected.sigma }))).upper,
      ).toBeGreaterThanOrEqual(numberOf(inputs.epsilon) * (1 - 1e-7))
  })
})

describe('Gaussian curves', () => {
  it('bounds enclose the estimate tightly, and ε decreases to 0', () =>
    fc.assert(
      fc.property(logUniform({ low: 1e-4, high: 1e3 }), logUniform({ low: 1e-300, high: 0.9 }), (mu, delta) => {
        const { lower, estimate, upper } = epsilonOfGdp(mu)(delta)
        expect(upper - lower).toBeLessThanOrEqual(1e-10 * (estimate + mu))
        // The upper end meets δ, the lower end does not; both by the curve itself.
        expect(logDeltaOfGdp(mu)(upper)).toBeLessThanOrEqual(Math.log(delta))
        if (lower > 0) expect(logDeltaOfGdp(mu)(lower)).toBeGreaterThanOrEqual(Math.log(delta))
      }),
    ))
  it('the largest μ of a target meets it, and barely', () =>
    fc.assert(
      fc.property(logUniform({ low: 1e-4, high: 500 }), logUniform({ low: 1e-30, high: 0.9 }), (epsilon, delta) => {
        const mu = rightOf(gdpFor({ epsilon, delta }))
        expect(logDeltaOfGdp(mu)(epsilon)).toBeLessThanOrEqual(Math.log(delta))
        expect(logDeltaOfGdp(mu * (1 + 1e-9))(epsilon)).toBeGreaterThan(Math.log(delta))
        const sigma = rightOf(calibrateNoiseMultiplier(gdp(), { epsilon, delta })(Event.gaussian))
        expect(relativeError(sigma, rightOf(analyticGaussianNoiseMultiplier({ epsilon, delta })))).toBeLessThan(1e-8)
      }),
      { numRuns: 60 },
    ))
})

describe('calibration', () => {
  const target = fc.record({
    epsilon: logUniform({ low: 1e-3, high: 100 }),
    delta: logUniform({ low: 1e-12, high: 0.01 }),
  })
  const schedule = fc.record({
    q: logUniform({ low: 1e-4, high: 1 }),
    steps: logUniform({ low: 1, high: 1e5 }).map(Math.round),
  })
  const accountant = rdp()
  const upper = (event: Event.PrivacyEvent, delta: number): number => rightOf(epsilonOf(accountant, delta)(event)).upper

  it('the noise multiplier meets the target, and a smaller one does not', () =>
    fc.assert(
      fc.property(target, schedule, ({ epsilon, delta }, { q, steps }) => {
        const at = (sigma: number) => runEvent({ sigma, q, steps })
        const sigma = rightOf(calibrateNoiseMultiplier(accountant, { epsilon, delta })(at))
        expect(upper(at(sigma), delta)).toBeLessThanOrEqual(epsilon)
        expect(upper(at(sigma * (1 - 1e-9)), delta)).toBeGreaterThan(epsilon)
      }),
      { numRuns: 40 },
    ))
  it('a schedule and a prior spend are part of the event', () => {
    const at = (sigma: number) =>
      Event.composed([
        Event.laplace(20),
        runEvent({ sigma, q: 0.01, steps: 100 }),
        runEvent({ sigma: 2 * sigma, q: 0.02, steps: 50 }),
      ])
    const sigma = rightOf(calibrateNoiseMultiplier(accountant, { epsilon: 0.5, delta: 1e-6 })(at))
    expect(upper(at(sigma), 1e-6)).toBeLessThanOrEqual(0.5)
    expect(upper(at(sigma * (1 - 1e-9)), 1e-6)).toBeGreaterThan(0.5)
  })
  it('the number of steps is the last within the budget', () =>
    fc.assert(
      fc.property(target, noiseMultiplier, logUniform({ low: 1e-4, high: 1 }), ({ epsilon, delta }, sigma, q) => {
        const at = (steps: number) => runEvent({ sigma, q, steps })
        const steps = rightOf(calibrateSteps(accountant, { epsilon, delta })(at))
        expect(upper(at(steps), delta)).toBeLessThanOrEqual(epsilon)
        expect(upper(at(steps + 1), delta)).toBeGreaterThan(epsilon)
      }),
      { numRuns: 30 },
    ))
  it('the sampling probability is the largest within the budget', () =>
    fc.assert(
      fc.property(target, noiseMultiplier, ({ epsilon, delta }, sigma) => {
        const at = (q: number) => runEvent({ sigma, q, steps: 100 })
        const q = calibrateSamplingProbability(accountant, { epsilon, delta })(at)
        if (E.isLeft(q)) {
          expect(q.left._tag).toBe('UnreachableTarget')
          expect(upper(at(1e-15), delta)).toBeGreaterThan(epsilon)
        } else {
          expect(upper(at(q.right), delta)).toBeLessThanOrEqual(epsilon)
          if (q.right < 1) expect(upper(at(q.right * (1 + 1e-9)), delta)).toBeGreaterThan(epsilon)
        }
      }),
      { numRuns: 30 },
    ))
  it('no noise where none is needed', () => {
    const [target1, free] = [{ epsilon: 1, delta: 1e-5 }, () => Event.noOp]
    expect(calibrateNoiseMultiplier(accountant, target1)(free)).toEqual(E.right(0))
    expect(calibrateSteps(accountant, target1, 77)(free)).toEqual(E.right(77))
    expect(calibrateSamplingProbability(accountant, target1)(free)).toEqual(E.right(1))
  })
  it('impossible targets are failures that say why', () => {
    const messageOf = (epsilon: number, delta: number, at: (sigma: number) => Event.PrivacyEvent = Event.gaussian) => {
      const failure = calibrateNoiseMultiplier(accountant, { epsilon, delta })(at)
      return E.isLeft(failure) ? showCalibrationFailure(failure.left) : 'no failure'
    }
    expect(messageOf(0, 1e-5)).toBe('epsilon must be a finite number > 0, not 0')
    expect(messageOf(Number.NaN, 1e-5)).toBe('epsilon must be a finite number > 0, not NaN')
    expect(messageOf(1, 1)).toBe('delta must be in [0, 1), not 1')
    expect(messageOf(1, 0)).toMatch(
      /^epsilon 1 at delta 0 cannot be reached: noiseMultiplier = 1e\+?15|^epsilon 1 at delta 0 cannot be reached: noiseMultiplier = 1000000000000000 still spends Infinity$/,
    )
    expect(messageOf(1, 1e-5, () => Event.laplace(0.1))).toMatch(/^epsilon 1 at delta 0.00001 cannot be reached: /)
    expect(messageOf(1, 1e-5, () => Event.unsupported('no theorem'))).toBe(
      'the rdp accountant cannot account for Unsupported(no theorem): no theorem',
    )
    expect(calibrateSteps(accountant, { epsilon: 0.01, delta: 1e-5 })(() => Event.laplace(1))).toMatchObject({
      left: { _tag: 'UnreachableTarget', parameter: 'steps' },
    })
  })
})

describe('golden file', () => {
  it('every case that is answered is answered right', () => {
    const outcomes = accountingCases(core, 'quick').map(({ name, run }) => ({ name, outcome: run() }))
    const failed = outcomes.filter(({ outcome }) => passed(outcome) === false)
    expect(failed).toEqual([])
    expect(outcomes.filter(({ outcome }) => passed(outcome)).length).toBeGreaterThanOrEqual(70)
  }, 60_000)
})

describe('Rényi curves', () => {
  it('count equal terms', () => {
    const [a, b] = [Event.gaussian(1), Event.laplace(2)].map((event) => rightOf(rdp().interpret(event)))
    if (a === undefined || b === undefined) return expect.fail('two curves')
    const sum = [a, b, a, a].reduce(RdpCurves.concat, RdpCurves.empty)
    expect(sum.terms.map(({ count }) => count)).toEqual([3, 1])
  })
})

describe('numbers that float64 cannot tell apart', () => {
  const many = Event.selfComposed(2 ** 40)(Event.composed([Event.selfComposed(2 ** 40)(Event.gaussian(1))]))
  it.each([Event.gaussian(1e163), many])(
    'are refused: a precision that underflows, a count that overflows',
    (event) => {
      expect(rdp().interpret(event)._tag).toBe('Left')
      expect(gdp().interpret(event)._tag).toBe('Left')
    },
  )
})

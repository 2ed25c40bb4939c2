import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { epsilonOf } from '../src/privacy/accountant.js'
import { calibrateNoiseMultiplier } from '../src/privacy/calibrate.js'
import * as Event from '../src/privacy/event/event.js'
import { exact } from '../src/privacy/exact/accountant.js'
import { type Certificate, type CertifiedContour, certify } from '../src/privacy/exact/certificate.js'
import { type Composition, cumulants } from '../src/privacy/exact/composition.js'
import { contourAlong, planContour, readContour, smoothedContour } from '../src/privacy/exact/contour-integral.js'
import { compositionsOf, type ExactCurve } from '../src/privacy/exact/curve.js'
import { enclose } from '../src/privacy/exact/enclosure.js'
import type { PairKind } from '../src/privacy/exact/pair.js'
import { saddlePoint } from '../src/privacy/exact/saddle-point.js'
import { shiftedNodes } from '../src/privacy/exact/shifted-nodes.js'
import { singleStep } from '../src/privacy/exact/single-step.js'
import { slowIntegral } from '../src/privacy/exact/slow-integral.js'
import { solveEpsilon } from '../src/privacy/exact/solve-epsilon.js'
import { verifyCertificate } from '../src/privacy/exact/verify-certificate.js'
import { wynn } from '../src/privacy/exact/wynn.js'
import { gdp, logDeltaOfGdp } from '../src/privacy/gdp.js'
import type { Neighbouring } from '../src/privacy/neighbouring.js'
import { rdp } from '../src/privacy/rdp/accountant.js'
import { sampledGaussianRdpAtExcess } from '../src/privacy/rdp/sampled-gaussian.js'
import { advantage, epsilonOfErrorRates, tradeOff, tradeOffOfApproximateDp } from '../src/privacy/trade-off.js'
import { ndtr } from '../src/tensor/special.js'
import { logUniform } from './arbitraries/event.js'
import { accountingRecords, dpSgdEvent, neighbouringOf, numberOf } from './golden/accounting/record.js'
import { accountantLaws, rightOf } from './laws/accountant.js'

const core = JSON.parse(readFileSync(new URL('./golden/accounting-core.json', import.meta.url), 'utf8'))

const composition = (kind: PairKind, noiseMultiplier: number, samplingProbability: number, count: number) => ({
  precision: 0,
  steps: [{ pair: { kind, noiseMultiplier, samplingProbability }, count }],
})

/** The contour through a part of the saddle point's abscissa, whatever the number of points that it takes. */
const contourAt = (what: Composition, epsilon: number, part = 1) => {
  const saddle = saddlePoint(what)(epsilon)
  const tilt = part * saddle.tilt
  const exponent = cumulants(what)(tilt).value - tilt * epsilon
  const plan = planContour(what, { ...saddle, tilt, exponent }, epsilon)
  const contour = plan && contourAlong(what, plan)
  return contour && readContour(contour, epsilon)
}

const kinds = fc.constantFrom<PairKind>('remove', 'add', 'replace')
/** Steps whose integrand falls fast: hundreds of them, and enough of each record. */
const training = fc.record({
  kind: kinds,
  sigma: fc.double({ min: 0.6, max: 8, noNaN: true }),
  q: fc.double({ min: 0.01, max: 0.6, noNaN: true }),
  count: fc.integer({ min: 500, max: 1_000_000 }),
})

describe('moments', () => {
  it('agree with the Rényi divergence of the other quadrature', () =>
    fc.assert(
      fc.property(
        logUniform({ low: 0.2, high: 50 }),
        logUniform({ low: 1e-6, high: 0.99 }),
        logUniform({ low: 1e-3, high: 100 }),
        (sigma, q, tilt) => {
          const { value } = cumulants(composition('remove', sigma, q, 1))(tilt)
          const expected = tilt * sampledGaussianRdpAtExcess({ noiseMultiplier: sigma, samplingProbability: q })(tilt)
          expect(Math.abs(value - expected)).toBeLessThanOrEqual(1e-11 * expected + 4e-17)
        },
      ),
    ))
  it('are 0 at 0, and for `remove` at c what they are for `add` at −1 − c: both are log E_Q[r^{1+c}]', () =>
    fc.assert(
      fc.property(kinds, fc.double({ min: 0.3, max: 5, noNaN: true }), (kind, sigma) => {
        expect(Math.abs(cumulants(composition(kind, sigma, 0.1, 1))(1e-12).value)).toBeLessThan(1e-10)
      }),
    ))
  it('have the derivatives that they state', () =>
    fc.assert(
      fc.property(training, logUniform({ low: 0.01, high: 20 }), ({ kind, sigma, q }, c) => {
        const at = cumulants(composition(kind, sigma, q, 1))
        const h = 1e-4 * c
        const [left, here, right] = [at(c - h), at(c), at(c + h)]
        const slope = (right.value - left.value) / (2 * h)
        expect(Math.abs(slope - here.mean)).toBeLessThanOrEqual(1e-5 * (Math.abs(here.mean) + here.variance * c))
        expect(Math.abs((right.mean - left.mean) / (2 * h) - here.variance)).toBeLessThanOrEqual(1e-4 * here.variance)
      }),
    ))
  it('on the shifted line equal those on the real line', () =>
    fc.assert(
      fc.property(kinds, logUniform({ low: 0.2, high: 20 }), logUniform({ low: 0.01, high: 60 }), (kind, sigma, c) => {
        const pair = { kind, noiseMultiplier: sigma, samplingProbability: 0.05 }
        const nodes = shiftedNodes(pair, c)
        if (nodes === undefined) return
        let sum = 0
        let other = 0
        for (let j = 0; j < nodes.count; j++) {
          sum += nodes.tiltedRe[j] as number
          other += nodes.tiltedIm[j] as number
        }
        const { value } = cumulants({ precision: 0, steps: [{ pair, count: 1 }] })(c)
        expect(Math.abs(nodes.scale + Math.log(sum) - value)).toBeLessThanOrEqual(1e-12 * (1 + Math.abs(value)))
        expect(Math.abs(other / sum)).toBeLessThanOrEqual(1e-12)
      }),
    ))
})

describe('the contour', () => {
  it('two contours agree, and each encloses the other’s estimate', () =>
    fc.assert(
      fc.property(training, logUniform({ low: 1e-14, high: 0.2 }), ({ kind, sigma, q, count }, delta) => {
        const what = composition(kind, sigma, q, count)
        const { upper } = solveEpsilon(what)(Math.log(delta))
        const first = contourAt(what, upper)
        const second = contourAt(what, upper, 0.8)
        if (first === undefined || second === undefined) return expect.fail('no contour')
        expect(first.lower).toBeLessThanOrEqual(second.estimate)
        expect(second.lower).toBeLessThanOrEqual(first.estimate)
        expect(first.upper).toBeGreaterThanOrEqual(second.lower)
        expect(second.upper).toBeGreaterThanOrEqual(first.lower)
        expect(first.upper - first.lower).toBeLessThan(1e-6)
      }),
      { numRuns: 60 },
    ))
  it('encloses the closed form of Gaussians', () =>
    fc.assert(
      fc.property(logUniform({ low: 0.1, high: 10 }), logUniform({ low: 0.01, high: 20 }), (mu, epsilon) => {
        const found = contourAt({ precision: mu * mu, steps: [] }, epsilon)
        const truth = logDeltaOfGdp(mu)(epsilon)
        if (found === undefined) return expect.fail('no contour')
        const margin = 1e-12 * (1 + Math.abs(truth))
        expect(found.lower).toBeLessThanOrEqual(truth + margin)
        expect(found.upper).toBeGreaterThanOrEqual(truth - margin)
        expect(found.upper - found.lower).toBeLessThan(1e-8)
      }),
    ))
  it('smoothed bounds enclose the closed form of one step, and the slow integral finds it', () =>
    fc.assert(
      fc.property(
        fc.constantFrom<PairKind>('remove', 'add'),
        fc.double({ min: 0.7, max: 3, noNaN: true }),
        logUniform({ low: 0.001, high: 0.5 }),
        logUniform({ low: 1e-6, high: 1e-2 }),
        (kind, sigma, q, delta) => {
          const what = composition(kind, sigma, q, 1)
          const { upper: epsilon } = solveEpsilon(what)(Math.log(delta))
          const closed = singleStep(what.steps[0]?.pair ?? expect.fail(), epsilon)
          if (closed === undefined || closed.logDelta === -Infinity || epsilon === 0) return
          const saddle = saddlePoint(what)(epsilon)
          const bounds = smoothedContour(what, { saddle, logDelta: closed.logDelta, epsilon }, 4096)?.read(epsilon)
          if (bounds === undefined) return
          expect(bounds.lower).toBeLessThanOrEqual(closed.logDelta + closed.error)
          expect(bounds.upper).toBeGreaterThanOrEqual(closed.logDelta - closed.error)
          const plan = planContour(what, saddle, epsilon)
          const first = 1 / Math.sqrt(saddle.variance)
          const slow = plan && slowIntegral(what, { tilt: plan.saddle.tilt, planned: epsilon, first })?.(epsilon)
          if (slow !== undefined && slow.error < 1e-8)
            expect(Math.abs(slow.logDelta - closed.logDelta)).toBeLessThanOrEqual(1e-7 + closed.error)
        },
      ),
      { numRuns: 12 },
    ))
  it('reaches 40-digit values that were computed apart', () => {
    // properties/golden/contour.py, to 34 digits
    const rows = [
      { sigma: 10, q: 0.0001, count: 10_000, delta: 1e-5, epsilon: 0.0019468054856526173 },
      { sigma: 1.1, q: 256 / 60_000, count: 14_060, delta: 1e-5, epsilon: 2.3814113037092848 },
    ]
    for (const { sigma, q, count, delta, epsilon } of rows) {
      const found = solveEpsilon(composition('remove', sigma, q, count))(Math.log(delta))
      expect(Math.abs(found.estimate / epsilon - 1)).toBeLessThan(1e-12)
      expect(found.upper).toBeGreaterThanOrEqual(epsilon)
      expect(found.lower).toBeLessThanOrEqual(epsilon)
    }
  })
})

describe('known answers', () => {
  const covered = accountingRecords(core).filter(
    ({ id, expected }) => /^(truth|spa|extreme|het|replace)\./.test(id) && expected.epsilon !== undefined,
  )
  it('there are many', () => expect(covered.length).toBeGreaterThan(100))
  // All of them are golden cases; here are the bounds of every fourth.
  it('the estimate is within the tolerance of each, and the bounds hold to it', () => {
    const wrong = covered
      .filter((_, i) => i % 4 === 0)
      .flatMap(({ id, inputs, expected, tol }) => {
        const accountant = exact({ neighbouring: neighbouringOf(inputs) })
        const curve = rightOf(accountant.interpret(dpSgdEvent(inputs)))
        const { lower, estimate, upper } = accountant.epsilon(numberOf(inputs.delta))(curve)
        const truth = numberOf(expected.epsilon)
        const allowed = numberOf(tol.abs ?? 0) + Math.max(1e-9, numberOf(tol.rel ?? 0)) * truth
        const holds = lower <= truth + allowed && upper >= truth - allowed && lower <= estimate && estimate <= upper
        return Math.abs(estimate - truth) <= allowed && holds ? [] : [{ id, lower, estimate, upper, truth }]
      })
    expect(wrong).toEqual([])
  }, 120_000)
})

describe('the accountant', () => {
  const sampled = training
    .filter(({ q, count }) => q * count > 50)
    .map(({ sigma, q, count }) => Event.selfComposed(count)(Event.poissonSampled(q)(Event.gaussian(sigma))))
  const gaussians = logUniform({ low: 1, high: 50 }).map((sigma) => Event.gaussian(sigma))
  const events = fc.oneof(
    sampled,
    fc.tuple(sampled, gaussians).map(([a, b]) => Event.composed([a, b])),
    gaussians,
    fc.constant(Event.noOp),
  )
  accountantLaws({ name: 'exact', accountant: exact(), events, smallestDelta: 1e-30 })
  it('is below Rényi, whose bound is an upper one', () =>
    fc.assert(
      fc.property(events, logUniform({ low: 1e-12, high: 1e-2 }), (event, delta) => {
        const ours = rightOf(epsilonOf(exact(), delta)(event))
        const theirs = rightOf(epsilonOf(rdp(), delta)(event))
        expect(ours.lower).toBeLessThanOrEqual(theirs.upper * (1 + 1e-12))
        expect(ours.estimate).toBeLessThanOrEqual(theirs.upper * (1 + 1e-9) + 1e-12)
      }),
      { numRuns: 40 },
    ))
  it('q = 1 is no sampling, q = 0 nothing, and two draws are one', () => {
    const { interpret } = exact()
    expect(interpret(Event.poissonSampled(1)(Event.gaussian(2)))).toEqual(interpret(Event.gaussian(2)))
    expect(interpret(Event.poissonSampled(0)(Event.gaussian(2)))).toEqual(interpret(Event.noOp))
    expect(interpret(Event.poissonSampled(0.5)(Event.poissonSampled(0.5)(Event.gaussian(2))))).toEqual(
      interpret(Event.poissonSampled(0.25)(Event.gaussian(2))),
    )
  })
  it('calibrates: the noise multiplier of a known answer', () => {
    for (const { inputs, expected } of accountingRecords(core).filter(({ id }) => /^calib\.q0\.01\.n1000\./.test(id))) {
      const target = { epsilon: numberOf(inputs.epsilon), delta: numberOf(inputs.delta) }
      const sigma = rightOf(calibrateNoiseMultiplier(exact(), target)((s) => dpSgdEvent({ ...inputs, sigma: s })))
      expect(Math.abs(sigma / numberOf(expected.sigma) - 1)).toBeLessThan(1e-7)
    }
  })
  it('both directions are there, and for replacing one record one that is its own mirror image', () => {
    const curve: ExactCurve = {
      precision: 0,
      steps: [{ noiseMultiplier: 1, samplingProbability: 0.01, count: 1000 }],
    }
    expect(compositionsOf('addOrRemoveOne')(curve).map(({ steps }) => steps[0]?.pair.kind)).toEqual(['remove', 'add'])
    expect(compositionsOf('replaceOne')(curve).map(({ steps }) => steps[0]?.pair.kind)).toEqual(['replace'])
    const [remove, add] = compositionsOf('addOrRemoveOne')(curve).map((one) => enclose(one)(0))
    // Total variation is symmetric.
    expect(Math.abs((remove?.estimate as number) - (add?.estimate as number))).toBeLessThan(1e-9)
  })
})

describe('certificates', () => {
  const cells: readonly [sigma: number, q: number, count: number, epsilon: number, neighbouring: Neighbouring][] = [
    [1.1, 256 / 60_000, 14_060, 2.3814, 'addOrRemoveOne'],
    [2, 0.1, 100_000, 209.2, 'addOrRemoveOne'],
    [1, 0.1, 100, 7, 'addOrRemoveOne'],
    [2, 0.01, 10_000, 4.396, 'replaceOne'],
  ]
  const certificateOf = ([
    noiseMultiplier,
    samplingProbability,
    count,
    epsilon,
    neighbouring,
  ]: (typeof cells)[number]) =>
    rightOf(
      certify(epsilon, neighbouring)({ precision: 0.01, steps: [{ noiseMultiplier, samplingProbability, count }] }),
    )
  it.each(cells)('σ %s, q %s, T %s, ε %s, %s: the claim holds, through JSON, and a smaller one does not', (...cell) => {
    const certificate = JSON.parse(JSON.stringify(certificateOf(cell))) as Certificate
    expect(verifyCertificate(certificate)).toMatchObject({ valid: true })
    expect(verifyCertificate({ ...certificate, delta: certificate.delta * (1 - 1e-5) })).toMatchObject({ valid: false })
  })
  it('hold where δ is large, next to the largest loss, for mixtures, for Gaussians alone, and for nothing', () => {
    const mixture = { noiseMultiplier: 1.5, sensitivities: [0, 0.5, 1], probabilities: [0.9, 0.08, 0.02], count: 400 }
    const honest = [
      certify(0)({ precision: 0.03, steps: [] }),
      certify(0)({ precision: 1, steps: [{ noiseMultiplier: 3, samplingProbability: 0.2, count: 900 }] }),
      certify(18.3)({ precision: 0, steps: [{ noiseMultiplier: 0.55, samplingProbability: 0.0147, count: 1250 }] }),
      certify(1)({ precision: 0, steps: [mixture] }),
      certify(60)({ precision: 0, steps: [mixture] }),
      certify(0)({ precision: 0, steps: [] }),
    ].map(rightOf)
    for (const certificate of honest) expect(verifyCertificate(certificate)).toMatchObject({ valid: true })
  })
  describe('of the smaller direction only, of no law, or with a contour that proves nothing, are refused', () => {
    const honest = certificateOf([1, 0.1, 100, 7, 'addOrRemoveOne'])
    const [step] = honest.steps as readonly [Certificate['steps'][number]]
    const claimed = (change: Partial<Certificate>): Certificate => ({ ...honest, ...change })
    const contoured = (change: Partial<CertifiedContour>): Certificate =>
      claimed({ delta: 1e-9, contours: honest.contours.map((contour) => ({ ...contour, ...change })) })
    const ofSteps = (change: Partial<Certificate['steps'][number]>): Certificate =>
      claimed({ steps: [{ ...step, ...change }] })
    it.each<[string, Certificate]>([
      ['a smaller ε', claimed({ epsilon: 6.9 })],
      ['an ε that is none', claimed({ epsilon: -1 })],
      ['a δ that is none', claimed({ delta: Number.NaN })],
      ['another relation', claimed({ neighbouring: 'replaceOne' })],
      ['no relation', claimed({ neighbouring: 'any' as Neighbouring })],
      ['another format', claimed({ format: '' as Certificate['format'] })],
      ['a negative precision', claimed({ precision: -1 })],
      ['no contour', claimed({ contours: [], delta: 0 })],
      ['one direction', claimed({ contours: honest.contours.filter(({ kind }) => kind === 'add') })],
      ['a direction twice', claimed({ contours: honest.contours.map((contour) => ({ ...contour, kind: 'add' })) })],
      ['fewer points', contoured({ points: 12 })],
      ['part of a point', contoured({ points: 0.5 })],
      ['a wide step', contoured({ spacing: 8 })],
      ['a step backwards', contoured({ spacing: -0.5 })],
      ['another abscissa', contoured({ abscissa: 1 })],
      ['an abscissa between the poles', contoured({ abscissa: -0.5 })],
      ['an exponent that is none', contoured({ kappas: [-1] })],
      ['no exponent', contoured({ kappas: [] })],
      ['part of a step', ofSteps({ count: 0.5 })],
      ['a weight above 1', ofSteps({ probabilities: [1.5] })],
      ['a weight below 0', ofSteps({ probabilities: [-0.1] })],
      ['more sensitivities than weights', ofSteps({ sensitivities: [1, 1] })],
      ['a shift beyond the unit', ofSteps({ sensitivities: [2] })],
      ['no noise', ofSteps({ noiseMultiplier: 0 })],
      ['nothing', {} as Certificate],
    ])('%s', (_, forged) => expect(verifyCertificate(forged).valid).toBe(false))
  })
  it('is refused where the contour would be long', () => {
    expect(
      certify(0.05)({ precision: 0, steps: [{ noiseMultiplier: 1, samplingProbability: 1e-4, count: 10 }] }),
    ).toMatchObject({
      _tag: 'Left',
      left: { _tag: 'NotCertified' },
    })
  })
})

describe('trade-off functions', () => {
  it('of Gaussians are Φ(Φ⁻¹(1 − α) − μ): f(½) = Φ(−μ)', () =>
    fc.assert(
      fc.property(logUniform({ low: 0.01, high: 5 }), (mu) => {
        expect(Math.abs(tradeOff(gdp())(0.5)({ precision: mu * mu }) - ndtr(-mu))).toBeLessThan(1e-11)
      }),
    ))
  it('decrease, are below 1 − α, and meet the advantage', () => {
    const curve = { precision: 0, steps: [{ noiseMultiplier: 1, samplingProbability: 0.05, count: 500 }] }
    const at = tradeOff(exact())
    const alphas = [0, 0.01, 0.1, 0.3, 0.6, 1]
    const betas = alphas.map((alpha) => at(alpha)(curve))
    betas.forEach((beta, i) => {
      expect(beta).toBeLessThanOrEqual(1 - (alphas[i] as number) + 1e-9)
      if (i > 0) expect(beta).toBeLessThanOrEqual(betas[i - 1] as number)
      expect(beta).toBeGreaterThanOrEqual(1 - advantage(exact())(curve).upper - (alphas[i] as number) - 1e-9)
    })
  })
  it('ε of error rates inverts the trade-off of (ε, δ)', () =>
    fc.assert(
      fc.property(
        logUniform({ low: 0.1, high: 5 }),
        logUniform({ low: 1e-8, high: 1e-2 }),
        logUniform({ low: 1e-4, high: 0.3 }),
        (epsilon, delta, alpha) => {
          const beta = tradeOffOfApproximateDp({ epsilon, delta })(alpha)
          const back = epsilonOfErrorRates(delta)({ falsePositiveRate: alpha, falseNegativeRate: beta })
          if (beta > 1e-6) expect(back).toBeCloseTo(epsilon, 8)
        },
      ),
    ))
})

describe('wynn', () => {
  it('sums an alternating series that converges slowly', () => {
    const sums: number[] = []
    let sum = 0
    for (let k = 0; k < 25; k++) {
      sum += (k % 2 === 0 ? 1 : -1) / (k + 1)
      sums.push(sum)
    }
    expect(Math.abs(wynn(sums).value - Math.LN2)).toBeLessThan(1e-13)
  })
})

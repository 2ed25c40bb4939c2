/**
 * Bounds that move: adaptive quantiles, schedules, and coordinates that are scaled before clipping.
 */

import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { describe, expect, it } from 'vitest'
import { linear, meanSquaredError, perSampleGrad, rescaled, takeBatch } from '../src/grad/index.js'
import {
  adaptiveQuantileClip,
  type BoundedSum,
  byLayer,
  clippedGrad,
  clippedGradWithDiagnostics,
  Event,
  epsilonOf,
  flatClip,
  gaussian,
  gradientMultiplier,
  rdp,
  scheduledNoise,
  scheduleEvent,
  unscaled,
} from '../src/privacy/index.js'
import { foldIn, key } from '../src/sampling/index.js'
import { reference } from '../src/tensor/backend/reference.js'
import { scalar, type Tensor, tensor, toArray, zeros } from '../src/tensor/tensor.js'
import { flatten, mapTree, type Tree, zipTreesWith } from '../src/tensor/tree.js'
import { problems } from './arbitraries/batch.js'
import { exactly, expectWithin } from './laws/exact-norm.js'

describe('the split of the noise', () => {
  const multipliers = fc
    .tuple(fc.double({ min: 1e-3, max: 1e3, noNaN: true }), fc.double({ min: 1 + 1e-9, max: 1e4, noNaN: true }))
    .map(([whole, ratio]) => ({ whole, count: whole * ratio }))
    .filter(({ whole, count }) => whole < count)

  it('gradient and counts together cost no more than z, in exact arithmetic, and no less to a part in 10¹⁴', () => {
    fc.assert(
      fc.property(multipliers, ({ whole, count }) => {
        const [z, m, left] = [whole, count, gradientMultiplier({ whole, count })].map(exactly) as [
          bigint,
          bigint,
          bigint,
        ]
        // z_Δ⁻² + m⁻² ≤ z⁻², times all three squares
        const [both, all] = [z * z * (left * left + m * m), left * left * m * m]
        expect(both <= all).toBe(true)
        expect(Number(((all - both) * 10n ** 20n) / all) / 1e20).toBeLessThan(1e-14)
      }),
    )
  })

  it('an accountant sees one Gaussian of multiplier z, sampled or not', () => {
    const [z, m] = [1.1, 6]
    const pair = Event.composed([Event.gaussian(gradientMultiplier({ whole: z, count: m })), Event.gaussian(m)])
    for (const q of [0.01, 1]) {
      const epsilon = (event: Event.PrivacyEvent) =>
        pipe(
          Event.selfComposed(100)(Event.poissonSampled(q)(event)),
          epsilonOf(rdp(), 1e-5),
          E.map(({ upper }) => upper),
          E.getOrElse(() => Number.NaN),
        )
      expect(epsilon(pair) / epsilon(Event.gaussian(z))).toBeCloseTo(1, 9)
    }
  })

  it('refuses counts that cost more than the whole', () => {
    expect(() => gradientMultiplier({ whole: 2, count: 2 })).toThrow('noiseMultiplier is 2: it must be in [0, 2)')
    const bad = { initialClipNorm: 1, noiseMultiplier: 1, expectedBatchSize: 100 }
    expect(() => adaptiveQuantileClip({ ...bad, countDeviation: 0.5 })).toThrow('noiseMultiplier is 1')
    expect(() => adaptiveQuantileClip({ ...bad, initialClipNorm: 0 })).toThrow('initialClipNorm is 0')
    expect(() => adaptiveQuantileClip({ ...bad, targetQuantile: 1 })).toThrow('targetQuantile is 1')
  })
})

/** Diagnostics of norms. */
const seen = (norms: readonly number[], groupNorms: Readonly<Record<string, readonly number[]>> = {}) =>
  ({
    _tag: 'NotPrivate',
    value: {
      norm: tensor(norms, [norms.length], 'float64'),
      groupNorms: Object.fromEntries(
        Object.entries(groupNorms).map(([name, own]) => [name, tensor(own, [own.length], 'float64')]),
      ),
    },
  }) as const
const nothing = (l2Bound: number): BoundedSum<Tree> => ({ _tag: 'BoundedSum', sum: {}, l2Bound })

describe('adaptive quantile clipping', () => {
  it('without noise the bound comes to the quantile of the norms', () => {
    const norms = Array.from({ length: 99 }, (_, i) => 0.1 * (i + 1))
    for (const targetQuantile of [0.2, 0.5, 0.9]) {
      const settings = { noiseMultiplier: 0, countDeviation: 1e-9, expectedBatchSize: 99 }
      const adaptive = adaptiveQuantileClip({ ...settings, initialClipNorm: 1, targetQuantile })
      const end = Array.from({ length: 400 }).reduce<ReturnType<typeof adaptive.init>>(
        (state) => adaptive.release(state)(key(0))(nothing(adaptive.clip(state).l2Bound), [seen(norms)]).state,
        adaptive.init({}),
      )
      expect(Math.abs((end[''] as number) - 9.9 * targetQuantile)).toBeLessThan(0.15)
    }
  })

  it('divides by the expected batch size: an empty batch moves the bound as if half were within it, up to noise', () => {
    const adaptive = adaptiveQuantileClip({
      initialClipNorm: 2,
      noiseMultiplier: 0,
      countDeviation: 1e-9,
      expectedBatchSize: 10,
      targetQuantile: 0.25,
      learningRate: 1,
    })
    const { state } = adaptive.release(adaptive.init({}))(key(0))(nothing(2), [seen([])])
    expect(state['']).toBeCloseTo(2 * Math.exp(-0.25), 8)
    // Five samples of ten expected ones, all within: 5 · ½ / 10 + ½.
    const half = adaptive.release(adaptive.init({}))(key(0))(nothing(2), [seen([1, 1]), seen([1, 1, 1])])
    expect(half.state['']).toBeCloseTo(2 * Math.exp(-(0.75 - 0.25)), 8)
  })

  it('a sample that does not count in the gradient counts in no group', () => {
    const adaptive = adaptiveQuantileClip({
      initialClipNorm: 1,
      noiseMultiplier: 0,
      countDeviation: 1e-9,
      expectedBatchSize: 1,
      group: byLayer,
    })
    const state = adaptive.init({ a: { w: zeros([1]) }, b: { w: zeros([1]) } })
    expect(state).toEqual({ a: 1, b: 1 })
    const bound = adaptive.clip(state).l2Bound
    const broken = seen([Number.POSITIVE_INFINITY], { a: [0.5], b: [Number.POSITIVE_INFINITY] })
    const { state: next } = adaptive.release(state)(key(0))(nothing(bound), [broken])
    for (const c of Object.values(next)) expect(c).toBeCloseTo(1, 8)
    const whole = adaptive.release(state)(key(0))(nothing(bound), [seen([1], { a: [0.5], b: [2] })])
    expect(whole.state.a).toBeCloseTo(Math.exp(-0.1), 8)
    expect(whole.state.b).toBeCloseTo(Math.exp(0.1), 8)
  })

  it('one call releases gradient and counts, and its event has both; what was clipped otherwise is refused', () => {
    const adaptive = adaptiveQuantileClip({ initialClipNorm: 1, noiseMultiplier: 1, expectedBatchSize: 40 })
    const state = adaptive.init({})
    const { released } = adaptive.release(state)(key(1))({ ...nothing(1), sum: { w: zeros([2]) } }, [seen([1])])
    expect(released.event).toEqual(
      Event.composed([Event.gaussian(gradientMultiplier({ whole: 1, count: 4 })), Event.gaussian(4)]),
    )
    expect(() => adaptive.release(state)(key(1))(nothing(0.5), [])).toThrow('the bounds of this step promise 1')
  })

  it('trains: real gradients, by groups, with a bound that moves', () => {
    fc.assert(
      fc.property(problems({ samples: fc.constant(3) }), ({ loss, model, params, batch }) => {
        const adaptive = adaptiveQuantileClip({
          initialClipNorm: 0.5,
          noiseMultiplier: 0.5,
          expectedBatchSize: 3,
          countDeviation: 9,
          group: byLayer,
        })
        let state = adaptive.init(params)
        for (let step = 0; step < 3; step++) {
          const clip = adaptive.clip(state)
          const { bounded, diagnostics } = clippedGradWithDiagnostics(loss, model, clip)(params, batch)
          const next = adaptive.release(state)(foldIn(step)(key(2)))(bounded, [diagnostics])
          expect(next.released.event._tag).toBe('Composed')
          state = next.state
        }
        expect(Object.values(state).every((c) => c > 0 && Number.isFinite(c))).toBe(true)
      }),
      { numRuns: 20 },
    )
  })
})

describe('preconditioned clipping', () => {
  const scales = (params: Tree, seed: number): Tree =>
    mapTree((leaf, path) =>
      tensor(
        Array.from({ length: toArray(leaf).length }, (_, i) => 2 ** (((seed + 7 * i + path.length) % 9) - 4)),
        leaf.shape,
        'float64',
      ),
    )(params)

  it('no sample is longer than C in the scaled coordinates, in exact arithmetic', () => {
    fc.assert(
      fc.property(problems({ samples: fc.constant(1) }), fc.nat(20), ({ loss, model, params, batch }, seed) => {
        const { sum, l2Bound } = clippedGrad(loss, rescaled(scales(params, seed))(model), flatClip(0.1))(params, batch)
        expectWithin(l2Bound, sum)
      }),
      { numRuns: 40 },
    )
  })

  it('scaled, unclipped and unscaled, a gradient is itself', () => {
    fc.assert(
      fc.property(problems(), fc.nat(20), ({ loss, model, params, batch }, seed) => {
        const [scale, backend] = [scales(params, seed), reference]
        const bounded = clippedGrad(loss, rescaled(scale)(model), flatClip(1e12), { backend })(params, batch)
        const plain = clippedGrad(loss, model, flatClip(1e12), { backend })(params, batch)
        const back = unscaled(scale)({ value: bounded.sum, event: Event.noOp })
        toArray(flatten(back.value)).forEach((x, i) => {
          expect(x).toBeCloseTo(toArray(flatten(plain.sum))[i] as number, 9)
        })
      }),
      { numRuns: 30 },
    )
  })

  it('clips by the scaled norm, and the noise follows the scale', () => {
    const model = linear(1, { bias: false })
    const params = { weight: tensor([0, 0], [1, 2], 'float64') }
    const batch = { input: tensor([1, 1], [1, 2], 'float64'), target: tensor([-5], [1, 1], 'float64') }
    const scale = { weight: tensor([1, 100], [1, 2], 'float64') }
    const { grad } = perSampleGrad(meanSquaredError, model, { backend: reference })(params, takeBatch([0])(batch))
    expect(toArray(grad.weight)).toEqual([10, 10])
    const bounded = clippedGrad(meanSquaredError, rescaled(scale)(model), flatClip(1), { backend: reference })(
      params,
      batch,
    )
    const [a, b] = toArray(bounded.sum.weight) as [number, number]
    expect(b / a).toBeCloseTo(100, 9)
    expect(Math.hypot(a, b)).toBeCloseTo(1, 5)
    const noised = gaussian(1)(key(3))({ ...bounded, sum: { weight: zeros([1, 2], 'float64') } })
    const of = (t: Tensor) => toArray(t)
    const back = unscaled(scale)(noised).value.weight
    expect(of(back)).toEqual([of(noised.value.weight)[0], (of(noised.value.weight)[1] as number) / 100])
  })

  it('refuses scales that are none', () => {
    for (const s of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => rescaled({ w: scalar(s) })).toThrow(`scale is ${s}`)
  })
})

describe('schedules', () => {
  const schedule = (step: number) => ({ clip: flatClip(1 / (1 + step)), noiseMultiplier: step < 2 ? 2 : 1.5 })
  it('clip, noise and ledger read one value: a sum that was clipped otherwise is refused', () => {
    const sum = { w: zeros([3], 'float64') }
    const at = (step: number, l2Bound: number) =>
      scheduledNoise(schedule)(key(0), step)({ _tag: 'BoundedSum', sum, l2Bound })
    expect(at(3, 0.25).event).toEqual(Event.gaussian(1.5))
    expect(() => at(3, 1)).toThrow('l2Bound is 1: the schedule clips step 3 to 0.25')
    const ratio = zipTreesWith((a, b) => tensor([(toArray(a)[0] as number) / (toArray(b)[0] as number)], []))
    expect(toArray(ratio(at(0, 1).value, at(3, 0.25).value).w)[0]).toBeCloseTo(2 / (1.5 * 0.25), 6)
  })
  it('the event of a schedule is what its steps release, one after the other', () => {
    const sampled = Event.poissonSampled(0.1)
    expect(scheduleEvent(schedule, 4)(sampled)).toEqual(
      Event.composed([
        Event.selfComposed(2)(sampled(Event.gaussian(2))),
        Event.selfComposed(2)(sampled(Event.gaussian(1.5))),
      ]),
    )
    expect(scheduleEvent(() => ({ clip: flatClip(1), noiseMultiplier: 0 }), 1)(sampled)).toEqual(
      sampled(Event.nonPrivate),
    )
  })
})

/**
 * Clip rules, and the sums that they bound.
 */
import fc, { type Arbitrary } from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type AnyLayer,
  conv2d,
  convTranspose2d,
  embedding,
  flatten,
  type Loss,
  linear,
  meanSquaredError,
  sequential,
  tanh,
} from '../src/grad/index.js'
import { type BoundedSum, type ClipRule, disjointSum, flatClip, safeFactor } from '../src/privacy/clip/clip.js'
import { byLeaf, perGroupClip } from '../src/privacy/clip/group-clip.js'
import { autoS, autoV, globalClip, normalised, psac } from '../src/privacy/clip/rules.js'
import { clippedGrad, clippedGradWithDiagnostics } from '../src/privacy/clipped-grad.js'
import { key } from '../src/sampling/index.js'
import { defaultBackend } from '../src/tensor/backend/default.js'
import { reference } from '../src/tensor/backend/reference.js'
import { type Shape, sizeOf } from '../src/tensor/shape.js'
import { full, type Tensor, tensor, toArray } from '../src/tensor/tensor.js'
import { leaves, type Tree } from '../src/tensor/tree.js'
import { concatenate } from '../src/tensor/view.js'
import { unitTensors } from './arbitraries/batch.js'
import { layerFamilies, models } from './arbitraries/layer.js'
import { noise, tensorsOf } from './arbitraries/tensor.js'
import { bounds, clipLaws, clippedGradLaws, nonIncreasingLaw, safeFactorLaws } from './laws/clip.js'
import { expectEqual } from './laws/closeness.js'
import { expectWithin } from './laws/exact-norm.js'
import { pairing } from './laws/layer-at-work.js'
import { normLaw } from './laws/norm.js'
import { plans } from './laws/plan.js'

const flat: Arbitrary<ClipRule> = bounds.map(flatClip)
const c = fc.double({ min: 1e-3, max: 1e3, noNaN: true })
const literature: Readonly<Record<string, Arbitrary<ClipRule>>> = {
  autoS: fc.tuple(c, c).map(([l2ClipNorm, stability]) => autoS(l2ClipNorm, stability)),
  autoV: c.map(autoV),
  psac: fc.tuple(c, c).map(([l2ClipNorm, regulariser]) => psac(l2ClipNorm, regulariser)),
  globalClip: fc.record({ l2ClipNorm: c, threshold: c }).map(globalClip),
  normalised: fc.oneof(c.map(flatClip), c.map(autoV)).map(normalised),
}
const dishonest: Arbitrary<ClipRule> = fc
  .tuple(
    fc.oneof(
      fc.constantFrom(-1, -0, 0, 1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 5e-324),
      fc.double(),
    ),
    fc.oneof(bounds, fc.constantFrom(0, -1, Number.NaN)),
  )
  .filter(([, l2Bound]) => l2Bound >= 0)
  .map(([factor, l2Bound]) => ({ factor: () => factor, l2Bound }))

describe('clip rules', () => {
  clipLaws('flatClip', flat)
  for (const [name, rules] of Object.entries(literature)) clipLaws(name, rules)
  nonIncreasingLaw('flatClip', flat)
  for (const name of ['autoS', 'globalClip']) nonIncreasingLaw(name, literature[name] as Arbitrary<ClipRule>)
  describe('a rule that breaks its promise', () => safeFactorLaws(dishonest))

  it('flatClip leaves what is short, and brings what is long to C', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1e-3, max: 1e3, noNaN: true }),
        fc.double({ min: 0, max: 1e6, noNaN: true }),
        (c, s) => {
          expect(flatClip(c).l2Bound).toBe(c)
          expect(flatClip(c).factor(s) * s).toBeCloseTo(Math.min(s, c), 9)
        },
      ),
    )
  })
  it.each([0, -1, Number.NaN])('flatClip(%d) is a RangeError that says so', (c) => {
    expect(() => flatClip(c)).toThrow(new RangeError(`l2ClipNorm is ${c}: it must be a number above 0`))
  })
  it('a bound that is no bound lets nothing through', () => {
    for (const l2Bound of [0, -1, Number.NaN]) expect(safeFactor({ factor: () => 1, l2Bound })(1)).toBe(0)
  })
})

const backends = [
  ['reference', reference, 1e-12],
  ['wasm', defaultBackend(), 1e-5],
] as const

describe('norms that clipping stands on', () => {
  const anyModel = models.map(({ model, input }) => ({ rule: model, input, misfits: [] }))
  const trained = layerFamilies.filter(([, cases]) =>
    fc.sample(cases, 1).some(({ rule, input }) => leaves(rule.init(key(0), input).params).length > 0),
  )
  for (const [, backend] of backends)
    for (const [name, cases] of [...trained, ['a model', anyModel] as const]) normLaw(name, cases, backend)
})

describe('clipped gradients', () => {
  for (const [name, backend, rounding] of backends)
    for (const plan of plans) clippedGradLaws(`${name}, ${plan}`, { backend, plan }, rounding)
})

/** Linear, without bias, with the cotangents of its output as targets: gradient n is cotangent n times input n. */
const outer = linear(2, { bias: false })
const outerParams = outer.init(key(0), [3]).params

describe.each(backends.flatMap(([name, backend]) => plans.map((plan) => [name, plan, backend] as const)))(
  'clipped gradients that are known: %s, %s',
  (_name, plan, backend) => {
    const options = { backend, plan }
    const small = (count: number) =>
      fc.record({
        input: tensorsOf([count, 3], { dtypes: ['float32'], values: fc.integer({ min: -9, max: 9 }), views: false }),
        target: tensorsOf([count, 2], { dtypes: ['float32'], values: fc.integer({ min: -9, max: 9 }), views: false }),
      })

    it('example i has a gradient full of i, 0 included', () => {
      const count = 7
      const i = Array.from({ length: count }, (_, n) => n)
      const batch = {
        input: full(1, [count, 3]),
        target: tensor(
          i.flatMap((n) => [n, n]),
          [count, 2],
        ),
      }
      fc.assert(
        fc.property(fc.double({ min: 0.5, max: 20, noNaN: true }), (c) => {
          const { bounded, diagnostics } = clippedGradWithDiagnostics(
            pairing,
            outer,
            flatClip(c),
            options,
          )(outerParams, batch)
          const expected = i.reduce((sum, n) => sum + Math.min(n, c / Math.sqrt(6)), 0)
          for (const x of leaves(bounded.sum).flatMap(toArray)) expect(Math.abs(x / expected - 1)).toBeLessThan(2e-6)
          toArray(diagnostics.value.norm).forEach((norm, n) => {
            expect(norm).toBeCloseTo(n * Math.sqrt(6), 6)
          })
        }),
        { numRuns: 20 },
      )
    })
    it('sums of whole numbers do not depend on how a batch is split or ordered, bit for bit', () => {
      const half: ClipRule = { factor: () => 0.5, l2Bound: 1e6 }
      const split = fc.nat(5).chain((count) =>
        fc.record({
          batch: small(count),
          cut: fc.nat(count),
          order: fc.shuffledSubarray([0, 1, 2, 3, 4].slice(0, count), { minLength: count, maxLength: count }),
        }),
      )
      fc.assert(
        fc.property(split, fc.constantFrom(half, flatClip(1e6)), ({ batch, cut, order }, clip) => {
          const sumOf = (list: readonly number[]) =>
            clippedGrad(
              pairing,
              outer,
              clip,
              options,
            )(outerParams, {
              input: tensor(
                list.flatMap((n) => toArray(batch.input).slice(3 * n, 3 * n + 3)),
                [list.length, 3],
              ),
              target: tensor(
                list.flatMap((n) => toArray(batch.target).slice(2 * n, 2 * n + 2)),
                [list.length, 2],
              ),
            })
          const whole = sumOf([...order].sort())
          const joined = disjointSum<typeof outerParams>().concat(sumOf(order.slice(0, cut)), sumOf(order.slice(cut)))
          // −0 and 0 are one whole number
          const plain = (t: Tree) => leaves(t).map((leaf) => toArray(leaf).map((x) => x + 0))
          expect(plain(joined.sum)).toEqual(plain(whole.sum))
          expect(joined.l2Bound).toBe(whole.l2Bound)
        }),
        { numRuns: 30 },
      )
    })
    it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
      'a pixel of %d makes its sample contribute exactly nothing, and be counted',
      (pixel) => {
        const model = sequential(flatten, linear(4), tanh, linear(2))
        const { params } = model.init(key(1), [2, 3])
        const places = fc.integer({ min: 1, max: 4 }).chain((count) =>
          fc.record({
            input: tensorsOf([count, 2, 3], {
              dtypes: ['float32'],
              values: fc.double({ min: -2, max: 2, noNaN: true }),
              views: false,
            }),
            target: unitTensors([count, 2]),
            sample: fc.nat(count - 1),
            place: fc.nat(5),
          }),
        )
        fc.assert(
          fc.property(places, ({ input, target, sample, place }) => {
            const numbers = toArray(input)
            numbers[6 * sample + place] = pixel
            const clip = clippedGradWithDiagnostics(meanSquaredError, model, flatClip(1), options)
            const count = input.shape[0] as number
            const { bounded, diagnostics } = clip(params, { input: tensor(numbers, [count, 2, 3]), target })
            const rest = Array.from({ length: count }, (_, n) => n).filter((n) => n !== sample)
            const clean = clip(params, {
              input: tensor(
                rest.flatMap((n) => toArray(input).slice(6 * n, 6 * n + 6)),
                [rest.length, 2, 3],
              ),
              target: tensor(
                rest.flatMap((n) => toArray(target).slice(2 * n, 2 * n + 2)),
                [rest.length, 2],
                'float64',
              ),
            })
            expect(diagnostics.value.nonFinite).toBe(1)
            expect(clean.diagnostics.value.nonFinite).toBe(0)
            expectEqual(bounded.sum, clean.bounded.sum)
          }),
          { numRuns: 20 },
        )
      },
    )
    it('a rescaled gradient that overflows on its way into the sum contributes nothing, and moves nobody else', () => {
      // Inputs below the normal numbers under cotangents of 10³⁷: short gradients, and AUTO-S makes them longer.
      const clip = clippedGradWithDiagnostics(pairing, outer, autoS(1), options)
      const batchOf = (samples: readonly (readonly [x: number, gy: number])[]) => ({
        input: tensor(
          samples.flatMap(([x]) => [x, x, x]),
          [samples.length, 3],
        ),
        target: tensor(
          samples.flatMap(([, gy]) => [gy, gy]),
          [samples.length, 2],
        ),
      })
      const usual = fc.tuple(fc.double({ min: 0.5, max: 2, noNaN: true }), fc.double({ min: 0.5, max: 2, noNaN: true }))
      fc.assert(
        fc.property(fc.array(usual, { maxLength: 3 }), fc.nat(3), (others, at) => {
          const extreme: [x: number, gy: number] = [1e-40, 1e38]
          const [alone, all] = [[extreme], others.toSpliced(at, 0, extreme)].map((s) => clip(outerParams, batchOf(s)))
          const without = clip(outerParams, batchOf(others))
          expectWithin(1, alone?.bounded.sum as Tree)
          const numbers = (t: Tree | undefined) => leaves(t as Tree).flatMap(toArray)
          const share = numbers(alone?.bounded.sum)
          numbers(all?.bounded.sum).forEach((x, i) => {
            expect(x).toBeCloseTo((numbers(without.bounded.sum)[i] as number) + (share[i] as number), 5)
          })
          expect(all?.diagnostics.value.nonFinite).toBe(alone?.diagnostics.value.nonFinite)
          const counted = toArray(all?.diagnostics.value.norm as Tensor).filter(Number.isFinite).length
          expect(counted).toBe(others.length + 1 - (all?.diagnostics.value.nonFinite as number))
        }),
        { numRuns: 20 },
      )
    })
    it('reads the bound once: a rule that is changed later changes neither clipping nor noise', () => {
      const clip = { ...flatClip(1) }
      const clipped = clippedGrad(pairing, outer, clip, options)
      clip.l2Bound = 0.1
      const { sum, l2Bound } = clipped(outerParams, { input: full(9, [1, 3]), target: full(9, [1, 2]) })
      expect(l2Bound).toBe(1)
      expectWithin(l2Bound, sum)
    })
    it('refuses bounds that float32 cannot keep', () => {
      for (const l2Bound of [2 ** -81, 2 ** 81, 0, -1, Number.NaN])
        expect(() => clippedGrad(pairing, outer, { factor: () => 1, l2Bound }, options)).toThrow(/l2Bound/)
      for (const l2Bound of [2 ** -80, 2 ** 80, Number.POSITIVE_INFINITY])
        expect(() => clippedGrad(pairing, outer, { factor: () => 1, l2Bound }, options)).not.toThrow()
    })
    it('a weight so small that its products leave float32 makes no sum longer, whatever cancels', () => {
      const layers = [
        [linear(2, { bias: false }), [4, 2]],
        [conv2d(2, { kernel: 2 }), [2, 3, 3]],
        [convTranspose2d(2, { kernel: [1, 2], bias: false }), [2, 2, 3]],
        [embedding({ vocabulary: 3, features: 2 }), [6]],
      ] as const
      const small = fc.integer({ min: -4, max: 4 })
      fc.assert(
        fc.property(
          fc.constantFrom(...layers),
          fc.integer({ min: -70, max: 0 }),
          fc.integer({ min: -5, max: 3 }),
          fc.integer({ min: 4, max: 40 }),
          fc.boolean(),
          fc.infiniteStream(small),
          ([layer, input], ofBound, edge, above, swapped, stream) => {
            const rule = layer as unknown as AnyLayer
            const made = rule.init(key(0), input)
            // One factor is so long that the other times its weight, C / norm, is about the smallest normal number.
            const long = 2 ** Math.min(ofBound + 126 + edge, 120)
            const short = (2 ** ofBound * 2 ** above) / long
            const [ofInput, ofTarget] = swapped ? [short, long] : [long, short]
            const numbers = (shape: Shape, scale: number): Tensor =>
              tensor(
                Array.from({ length: sizeOf(shape) }, () => (stream.next().value as number) * scale),
                shape,
                'float32',
              )
            const isTable = rule.name.startsWith('embedding')
            const x = isTable ? tensor([0, 1, 2, 0, 1, 2], [1, 6], 'int32') : numbers([1, ...input], ofInput)
            const batch = { input: x, target: numbers([1, ...made.output], isTable ? long : ofTarget) }
            for (const clip of [flatClip(2 ** ofBound), perGroupClip({ group: byLeaf, l2ClipNorm: 2 ** ofBound })])
              expectWithin(2 ** ofBound, clippedGrad(pairing, rule, clip, options)(made.params, batch).sum)
          },
        ),
        { numRuns: 300 },
      )
    })
    it('a rule that enlarges does not enlarge what the norm has lost below the least numbers', () => {
      const model = conv2d(2, { kernel: [2, 1], bias: false })
      const { params } = model.init(key(1), [2, 3, 1])
      fc.assert(
        fc.property(
          fc.integer({ min: -149, max: -100 }),
          fc.integer({ min: -149, max: 0 }),
          fc.nat(99),
          (p, q, seed) => {
            const scaled = (shape: Shape, exponent: number, from: number): Tensor =>
              tensor(
                toArray(noise(shape, { seed: from })).map((v) => v * 2 ** exponent),
                shape,
                'float32',
              )
            const batch = { input: scaled([1, 2, 3, 1], p, seed), target: scaled([1, 2, 2, 1], q, seed + 100) }
            expectWithin(2 ** -60, clippedGrad(pairing, model, autoV(2 ** -60), options)(params, batch).sum)
          },
        ),
        { numRuns: 300 },
      )
    })
    it('positions that cancel do not hide how long their sum is', () => {
      // Features with a large mean, cotangents that add up to nothing: the terms are 10⁶ times their sum, and a norm by
      // inner products of float32 would be noise.
      const [positions, features] = [16, 48]
      const model = linear(features, { bias: false })
      const { params } = model.init(key(2), [positions, features])
      for (const mean of [0, 1, 1e2, 1e4, 1e6])
        for (const seed of [1, 2, 3]) {
          const half = noise([positions / 2, features], { seed })
          const opposite = tensor(
            toArray(half).map((x) => -x),
            half.shape,
          )
          const away = noise([1, positions, features], { seed: seed + 9 })
          const { sum } = clippedGrad(
            pairing,
            model,
            flatClip(1e-3),
            options,
          )(params, {
            input: tensor(
              toArray(away).map((x) => mean + x),
              away.shape,
            ),
            target: tensor(toArray(concatenate([half, opposite])), away.shape),
          })
          expectWithin(1e-3, sum)
        }
    })
  },
)

describe('disjointSum', () => {
  const sums: Arbitrary<BoundedSum<Tree>> = fc
    .record({
      weight: tensorsOf([2, 3], { dtypes: ['float64'], values: fc.integer({ min: -99, max: 99 }), views: false }),
      bias: tensorsOf([2], { dtypes: ['float64'], values: fc.integer({ min: -99, max: 99 }), views: false }),
    })
    .chain((sum) => bounds.map((l2Bound) => ({ _tag: 'BoundedSum', sum, l2Bound })))
  const { concat } = disjointSum<Tree>()
  const expectSame = (a: BoundedSum<Tree>, b: BoundedSum<Tree>) => {
    expectEqual(a.sum, b.sum)
    expect(a.l2Bound).toBe(b.l2Bound)
  }
  it('is associative and commutative', () => {
    fc.assert(
      fc.property(sums, sums, sums, (a, b, c) => {
        expectSame(concat(concat(a, b), c), concat(a, concat(b, c)))
        expectSame(concat(a, b), concat(b, a))
      }),
    )
  })
  it('takes the larger bound, not the sum of both: one sample is in one part', () => {
    fc.assert(
      fc.property(sums, sums, (a, b) => {
        expect(concat(a, b).l2Bound).toBe(Math.max(a.l2Bound, b.l2Bound))
      }),
    )
  })
})

describe('a Gram norm whose products underflow', () => {
  /** A loss whose cotangent is the same small number everywhere. */
  const steady =
    (cotangent: number): Loss =>
    (prediction) => ({
      value: full(0, [prediction.shape[0] as number], 'float64'),
      cotangent: full(cotangent, prediction.shape, 'float64'),
    })

  it('still bounds the contribution: inputs of 1e18, cotangents of 1e-24, C of 1e-9', () => {
    const model = linear(8, { bias: false })
    const { params } = model.init(key(0), [2, 8])
    const batch = { input: full(1e18, [1, 2, 8]), target: full(0, [1]) }
    const { sum } = clippedGrad(steady(1e-24), model, flatClip(1e-9), { backend: defaultBackend() })(params, batch)
    const length = Math.hypot(...leaves(sum).flatMap(toArray))
    expect(length).toBeGreaterThan(0)
    expect(length).toBeLessThanOrEqual(1e-9)
  })
})

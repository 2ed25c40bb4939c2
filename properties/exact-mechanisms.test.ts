/**
 * Noise in whole numbers: the sums that it protects, the events that it says, and what they are worth.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { takeBatch } from '../src/grad/index.js'
import {
  clippedGrad,
  disjointIntegerSum,
  Event,
  eventOnGrid,
  flatClip,
  griddedGrad,
  gridFor,
  gridGaussian,
  gridLaplace,
  histogram,
  type IntegerSum,
  l1ClippedSum,
  laplace,
} from '../src/privacy/index.js'
import { chachaKey, type Key, key } from '../src/sampling/index.js'
import { defaultBackend } from '../src/tensor/backend/default.js'
import { reference } from '../src/tensor/backend/reference.js'
import { Special } from '../src/tensor/index.js'
import { type Tensor, tensor, toArray, zeros } from '../src/tensor/tensor.js'
import { flatten, leaves, type Tree, treeSize } from '../src/tensor/tree.js'
import { problems } from './arbitraries/batch.js'
import { layerFamilies, models } from './arbitraries/layer.js'
import { blockFamilies, composedFamilies, recurrentFamilies } from './arbitraries/layer-composed.js'
import { kindFamilies } from './arbitraries/layer-kinds.js'
import { groupClips } from './laws/clip.js'
import { companyLaw } from './laws/company.js'
import { exactly } from './laws/exact-norm.js'

const secret: Key = chachaKey([9, 8, 7, 6, 5, 4, 3, 2])

describe('per-sample gradients', () => {
  const everyModel = models.map(({ model, input }) => ({ rule: model, input, misfits: [] }))
  const families = [...layerFamilies, ...kindFamilies, ...composedFamilies, ...blockFamilies, ...recurrentFamilies]
  for (const backend of [reference, defaultBackend()])
    for (const [name, cases] of [...families, ['a model', everyModel] as const]) companyLaw(name, cases, backend)
})

describe('sums on a grid', () => {
  const clips = fc.oneof(fc.constantFrom(0.05, 1, 30).map(flatClip), groupClips)
  const spacings = fc.constantFrom<{ readonly gridSpacing?: number }>({}, { gridSpacing: 2 ** -9 })
  const squared = (tree: Tree): bigint =>
    leaves(tree)
      .flatMap(toArray)
      .reduce((sum, x) => sum + BigInt(x) ** 2n, 0n)
  const backends = fc.constantFrom(reference, defaultBackend())
  const fits = (l2Bound: number, { gridSpacing }: { readonly gridSpacing?: number }) =>
    gridSpacing === undefined || l2Bound >= gridSpacing

  it('no sample contributes more than its bound, in whole numbers; the sum is the sum of the samples, exactly', () => {
    fc.assert(
      fc.property(problems(), clips, spacings, backends, ({ loss, model, params, batch }, clip, spacing, backend) => {
        fc.pre(fits(clip.l2Bound, spacing))
        const run = griddedGrad(loss, model, clip, { ...spacing, backend })
        const { bounded, diagnostics } = run(params, batch)
        const count = batch.input.shape[0] as number
        const singles = Array.from({ length: count }, (_, n) => run(params, takeBatch([n])(batch)).bounded)
        for (const single of singles) {
          expect(squared(single.sum) <= BigInt(single.l2Bound) ** 2n).toBe(true)
          expect(single.l2Bound).toBe(bounded.l2Bound)
        }
        const none = run(params, takeBatch([])(batch)).bounded
        const joined = singles.reduce(disjointIntegerSum<Tree>().concat, none)
        expect(toArray(flatten(joined.sum)).map((x) => x + 0)).toEqual(toArray(flatten(bounded.sum)).map((x) => x + 0))
        expect(diagnostics.value.norm.shape).toEqual([count])
        const grid = gridFor({ l2Bound: clip.l2Bound, dimension: treeSize(params), ...spacing })
        expect(bounded).toMatchObject(grid)
      }),
      { numRuns: 60 },
    )
  })

  it('it is the clipped sum, up to half a step for each sample', () => {
    fc.assert(
      fc.property(problems(), clips, ({ loss, model, params, batch }, clip) => {
        const { bounded } = griddedGrad(loss, model, clip, { backend: reference })(params, batch)
        const floats = toArray(flatten(clippedGrad(loss, model, clip, { backend: reference })(params, batch).sum))
        const count = batch.input.shape[0] as number
        toArray(flatten(bounded.sum)).forEach((steps, i) => {
          const room = (0.5 + 2 ** -3) * count * bounded.gridSpacing
          expect(Math.abs(steps * bounded.gridSpacing - (floats[i] as number))).toBeLessThanOrEqual(room)
        })
      }),
      { numRuns: 40 },
    )
  })

  it('a gradient that is not finite adds nothing and is counted', () => {
    fc.assert(
      fc.property(problems({ samples: fc.constant(2) }), ({ loss, model, params, batch }) => {
        const numbers = toArray(batch.input)
        numbers[0] = Number.NaN
        const broken = { ...batch, input: tensor(numbers, batch.input.shape, 'float64') }
        const run = griddedGrad(loss, model, flatClip(1))
        const { bounded, diagnostics } = run(params, broken)
        fc.pre(diagnostics.value.nonFinite > 0)
        expect(diagnostics.value.nonFinite).toBe(1)
        expect(toArray(flatten(bounded.sum))).toEqual(toArray(flatten(run(params, takeBatch([1])(batch)).bounded.sum)))
      }),
      { numRuns: 30 },
    )
  })

  it('the grid leaves room for rounding, and refuses bounds that it cannot hold', () => {
    expect(gridFor({ l2Bound: 1, dimension: 100, gridSpacing: 0.5 })).toEqual({ gridSpacing: 0.5, l2Bound: 7 })
    expect(() => gridFor({ l2Bound: 1, dimension: 1, gridSpacing: 2 })).toThrow('gridSpacing is 2')
    expect(() => gridFor({ l2Bound: 1, dimension: 1, gridSpacing: 2 ** -23 })).toThrow('steps')
    expect(() => gridFor({ l2Bound: Number.POSITIVE_INFINITY, dimension: 1 })).toThrow(RangeError)
    const sum = { ...histogram(1)(zeros([0], 'int32')), gridSpacing: 2 }
    expect(() => disjointIntegerSum<Tensor>().concat(sum, histogram(1)(zeros([0], 'int32')))).toThrow('two grids')
  })
})

/** A sum of zeros on a grid. */
const still = (count: number, l2Bound: number): IntegerSum<{ readonly w: Tensor }> => ({
  _tag: 'IntegerSum',
  sum: { w: zeros([count], 'float64') },
  gridSpacing: 2 ** -10,
  l2Bound,
  l1Bound: l2Bound,
  dtype: 'float64',
})

describe('gridGaussian', () => {
  it('adds whole steps of variance (σΔ)², one draw a number, its own for each leaf', () => {
    const count = 40_000
    const sum = { ...still(count, 100), sum: { a: zeros([count], 'float64'), b: zeros([count], 'float64') } }
    const { a, b } = gridGaussian(1.5)(secret)(sum).value
    const [x, y] = [a, b].map((leaf) => toArray(leaf).map((value) => value * 2 ** 10)) as [number[], number[]]
    expect(x.every(Number.isInteger)).toBe(true)
    const dots = (u: readonly number[], v: readonly number[]) =>
      u.reduce((total, value, i) => total + value * (v[i] as number), 0) / count / 150 ** 2
    expect(Math.abs(dots(x, x) - 1)).toBeLessThan(6 * Math.sqrt(2 / count))
    expect(Math.abs(dots(x, y))).toBeLessThan(6 / Math.sqrt(count))
  })

  it('adds the same noise whatever it protects', () => {
    const values = tensor([5, -3, 1e6], [3], 'float64')
    const noise = toArray(gridGaussian(2)(secret)(still(3, 64)).value.w)
    const noised = toArray(gridGaussian(2)(secret)({ ...still(3, 64), sum: { w: values } }).value.w)
    expect(noised).toEqual(noise.map((z, i) => z + (toArray(values)[i] as number) * 2 ** -10))
  })

  it('says what it released: the grade of its key, no noise, too little of it for a bell', () => {
    const event = (sigma: number, k: Key, l2Bound: number) => gridGaussian(sigma)(k)(still(1, l2Bound)).event
    expect(event(1, secret, 65536)).toEqual(Event.gaussian(expect.closeTo(1, 8) as never, 'discrete'))
    expect(event(1, key(0), 65536)).toEqual(Event.gaussian(expect.closeTo(1, 8) as never, 'float'))
    expect(event(0, secret, 65536)).toEqual(Event.nonPrivate)
    expect(event(2, secret, 1)).toEqual(Event.zeroConcentratedDp((1 / 8) * (1 + 2 ** -50)))
    expect(() => gridGaussian(-1)).toThrow('noiseMultiplier is -1')
  })

  /** The mass of the discrete Gaussian of parameter τ. */
  const masses = (tau: number, reach: number): readonly number[] => {
    const weights = Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-((i - reach) ** 2) / (2 * tau * tau)))
    const total = weights.reduce((a, b) => a + b)
    return weights.map((w) => w / total)
  }
  /** δ(ε) of sampled discrete noise, by the sum over all outcomes; adding the record, and removing it. */
  const deltas = (tau: number, shift: number, q: number, epsilon: number): readonly [number, number] => {
    const reach = Math.ceil(14 * tau) + shift
    const mass = masses(tau, reach)
    let [remove, add] = [0, 0]
    mass.forEach((without, i) => {
      const mixture = (1 - q) * without + q * (mass[i - shift] ?? 0)
      remove += Math.max(0, mixture - Math.exp(epsilon) * without)
      add += Math.max(0, without - Math.exp(epsilon) * mixture)
    })
    return [remove, add]
  }
  /** The same of the continuous Gaussian of multiplier σ. */
  const continuous = (sigma: number, q: number, epsilon: number): readonly [number, number] => {
    const phi = Special.ndtr
    const at = (c: number): number => (c > 0 ? sigma * sigma * Math.log(c) + 0.5 : Number.NEGATIVE_INFINITY)
    const e = Math.exp(epsilon)
    const x = at((e - 1 + q) / q)
    const remove = (1 - q) * phi(-x / sigma) + q * phi((1 - x) / sigma) - e * phi(-x / sigma)
    const y = at((1 / e - 1 + q) / q)
    const add =
      y === Number.NEGATIVE_INFINITY ? 0 : phi(y / sigma) - e * ((1 - q) * phi(y / sigma) + q * phi((y - 1) / sigma))
    return [remove, add]
  }

  it('the multiplier of its event is an upper bound: δ by summing over all outcomes, sampled and not', () => {
    const tau = fc.double({ min: 8, max: 60, noNaN: true })
    const rates = fc.constantFrom(1, 0.5, 0.1)
    fc.assert(
      fc.property(
        tau,
        fc.integer({ min: 1, max: 60 }),
        rates,
        fc.double({ min: 0, max: 2, noNaN: true }),
        (t, shift, q, epsilon) => {
          const event = eventOnGrid({ sigma: t, l2Bound: shift, grade: 'discrete' })
          const sigma = event._tag === 'Gaussian' ? event.noiseMultiplier : Number.NaN
          const [found, claimed] = [deltas(t, shift, q, epsilon), continuous(sigma, q, epsilon)]
          for (const side of [0, 1] as const) expect(found[side]).toBeLessThanOrEqual((claimed[side] as number) + 1e-13)
        },
      ),
      { numRuns: 150 },
    )
  })

  it('the multiplier σ itself would be none: on a coarse grid the discrete δ exceeds the continuous one', () => {
    const excess = Array.from({ length: 200 }, (_, i) => {
      const epsilon = i / 100
      return deltas(8, 8, 1, epsilon)[0] - continuous(1, 1, epsilon)[0]
    })
    expect(Math.max(...excess)).toBeGreaterThan(1e-5)
  })
})

describe('Laplace', () => {
  it('adds noise of scale σC, with its event', () => {
    const count = 40_000
    const sum = { _tag: 'L1BoundedSum', sum: { w: zeros([count], 'float64') }, l1Bound: 3 } as const
    const { value, event } = laplace(2)(secret)(sum)
    const mean = toArray(value.w).reduce((total, x) => total + Math.abs(x), 0) / count
    expect(Math.abs(mean / 6 - 1)).toBeLessThan(6 / Math.sqrt(count))
    expect(event).toEqual(Event.laplace(2))
    expect(laplace(0)(secret)(sum).event).toEqual(Event.nonPrivate)
    expect(() => laplace(Number.NaN)).toThrow('noiseMultiplier is NaN')
  })

  it('no row contributes more than its bound in l1 norm, in exact arithmetic; what is not finite adds nothing', () => {
    const row = fc.array(fc.double({ noDefaultInfinity: false }), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(row, fc.double({ min: 1e-3, max: 1e3, noNaN: true }), (numbers, c) => {
        const { sum, l1Bound } = l1ClippedSum(c)(tensor(numbers, [1, numbers.length], 'float64'))
        const norm = toArray(sum).reduce((total, x) => total + (exactly(x) < 0n ? -exactly(x) : exactly(x)), 0n)
        expect(norm <= exactly(l1Bound)).toBe(true)
        if (!numbers.every(Number.isFinite)) expect(norm).toBe(0n)
      }),
    )
  })

  it('nor does a long row whose small numbers are lost in the sum of its norm, or one whose scale is subnormal', () => {
    const long = Float64Array.from({ length: 1 << 16 }, (_, i) => (i === 0 ? 1 : 2 ** -53))
    for (const [row, c] of [
      [long, 1],
      [Float64Array.of(1.7e308, 3e306), 1e-14],
    ] as const) {
      const { sum } = l1ClippedSum(c)(tensor(Array.from(row), [1, row.length], 'float64'))
      const norm = toArray(sum).reduce((total, x) => total + exactly(x), 0n)
      expect(norm <= exactly(c)).toBe(true)
      expect(norm > (exactly(c) * 999n) / 1000n).toBe(true)
    }
  })

  it('in whole numbers: one count is a discrete Laplace event, several are (1/σ)-DP', () => {
    const labels = tensor([0, 1, 1, 5, -1], [5], 'int32')
    expect(toArray(histogram(2)(labels).sum)).toEqual([1, 2])
    const one = gridLaplace(2)(secret)(histogram(1)(labels))
    expect(one.event).toEqual(Event.discreteLaplace({ scale: 2, sensitivity: 1 }))
    expect(toArray(one.value).every(Number.isInteger)).toBe(true)
    const two = gridLaplace(4)(secret)(histogram(2)(labels))
    expect(two.event).toEqual(Event.pureDp(0.25 * (1 + 2 ** -50)))
    expect(gridLaplace(0)(secret)(histogram(2)(labels)).event).toEqual(Event.nonPrivate)
    const unknown = { ...histogram(1)(labels), l1Bound: Number.POSITIVE_INFINITY }
    expect(() => gridLaplace(1)(secret)(unknown)).toThrow('l1Bound is Infinity')
    expect(() => histogram(0)).toThrow('categories is 0')
  })
})

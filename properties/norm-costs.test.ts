/**
 * The cost model: layers take the way to a norm that makes fewer multiply-adds, counted, and keep no more than they may.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { affineCosts, conv2d, convolutionCosts, keepsGradients, keptNumbersLimit, linear } from '../src/grad/index.js'
import { key } from '../src/sampling/index.js'
import { defaultBackend } from '../src/tensor/backend/default.js'
import { transpose } from '../src/tensor/view.js'
import type { Convolution2d } from '../src/tensor/window.js'
import { noise } from './arbitraries/tensor.js'
import { counting } from './laws/counting.js'

const sum = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((a, b) => a + b, 0)
const extents = [1, 2, 5, 16, 48] as const

describe('affine maps', () => {
  const shapes = extents.flatMap((t) => extents.flatMap((i) => extents.map((o) => [t, i, o] as const)))

  it('a norm makes about as many multiply-adds as the cheaper way', () => {
    let decided = 0
    for (const [t, i, o] of shapes) {
      const [x, gy] = [noise([1, t, i]), noise([1, t, o])]
      const rule = linear(o, { bias: false })
      const { params } = rule.init(key(0), [t, i])
      const count = (run: (on: ReturnType<typeof counting>['backend']) => unknown): number => {
        const { backend, counts } = counting(defaultBackend())
        run(backend)
        return sum(counts())
      }
      const gram = count((on) => {
        const [a, b] = [x, gy].map((m) => on.matmul(m, transpose([0, 2, 1])(m))) as [typeof x, typeof x]
        on.rowDots(a, b)
      })
      const form = count((on) => {
        const { weight } = rule.perSampleGrad(on, params, x, gy)
        on.rowDots(weight, weight)
      })
      const costs = affineCosts({ positions: t, inputs: i, outputs: o })
      expect([costs.gram, costs.form + costs.gradient]).toEqual([gram, form])
      // What every norm reads beside it: the lengths of x and gy, twice where underflow is counted.
      const beside = 2 * t * (i + o)
      if (Math.max(gram, form) < 2 * Math.min(gram, form)) continue
      decided++
      expect(count((on) => rule.perSampleSquaredNorm(on, params, x, gy))).toBeLessThanOrEqual(
        Math.min(gram, form) + beside,
      )
    }
    expect(decided).toBeGreaterThan(40)
  })
})

/** Multiply-adds of the Gram form of a convolution, pair by pair as it pairs them; a run of shifted additions begins at 400. */
const countedGram = (
  { kernel, stride, padding, dilation, groups }: Convolution2d,
  c: number,
  h: number,
  o: number,
  oh: number,
) => {
  const pairs = (extent: number): number => {
    let count = 0
    for (let row = 0; row < extent; row++) count += extent * (row + 1) * extent
    return count
  }
  const inside = (position: number, tap: number, axis: 0 | 1): boolean => {
    const place = position * stride[axis] + tap * dilation[axis] - padding[axis]
    return place >= 0 && place < h
  }
  let [runs, shifted] = [0, 0]
  for (let u = 0; u < kernel[0]; u++)
    for (let v = 0; v < kernel[1]; v++) {
      const columns = Array.from({ length: oh }, (_, x) => x).filter((x) => inside(x, v, 1)).length
      const rows = Array.from({ length: oh }, (_, y) => y).filter((y) => inside(y, u, 0)).length
      runs += rows * columns
      shifted += columns ** 2 * ((rows * (rows + 1)) / 2)
    }
  return pairs(h) * c + pairs(oh) * o + groups * (400 * runs + shifted)
}

describe('convolutions', () => {
  const shapes = [2, 16, 64].flatMap((c) =>
    [2, 64].flatMap((o) =>
      [4, 8, 16].flatMap((h) =>
        [1, 3].flatMap((k) => [1, 2].flatMap((s) => [1, 2].map((groups) => ({ c, o, h, k, s, groups })))),
      ),
    ),
  )

  it('the cost of the Gram form is its count, and the layer takes the way that makes fewer', () => {
    let decided = 0
    const taken = new Set<string>()
    for (const { c, o, h, k, s, groups } of shapes) {
      const rule = conv2d(o, { kernel: k, stride: s, padding: (k - 1) / 2, groups, bias: false })
      const { params, output } = rule.init(key(0), [c, h, h])
      const convolution: Convolution2d = {
        kernel: [k, k],
        stride: [s, s],
        padding: [(k - 1) / 2, (k - 1) / 2],
        dilation: [1, 1],
        groups,
      }
      const [x, gy] = [noise([1, c, h, h]), noise([1, ...output])]
      const count = countedGram(convolution, c, h, o, output[1] as number)
      const { gram, form, gradient } = convolutionCosts(convolution, x.shape, gy.shape)
      expect(gram / count).toBeGreaterThan(0.5)
      expect(gram / count).toBeLessThan(2)
      const { backend, counts } = counting(defaultBackend())
      const [, cache] = rule.forward(backend, params, x)
      rule.perSampleGrad(backend, params, cache, gy)
      expect(counts().conv2dPerSampleGrad).toBe(form)
      const before = new Set(Object.keys(counts()))
      rule.perSampleSquaredNorm(backend, params, cache, gy)
      const way = Object.keys(counts()).filter((name) => !before.has(name) && name.startsWith('conv2d'))
      const ways = [count, form + gradient]
      if (Math.max(...ways) < 2 * Math.min(...ways)) continue
      decided++
      const cheaper = count < form + gradient ? 'conv2dGramSquaredNorm' : 'conv2dSquaredNorm'
      taken.add(cheaper)
      expect(way).toEqual([cheaper])
    }
    expect(decided).toBeGreaterThan(60)
    expect(taken.size).toBe(2)
  })
})

describe('kept gradients', () => {
  const sizes = fc.integer({ min: 1, max: 4096 })
  it('hold no more numbers than the operands of the layer, three times over, or than the limit', () => {
    fc.assert(
      fc.property(sizes, sizes, sizes, fc.integer({ min: 1, max: 512 }), (positions, inputs, outputs, samples) => {
        const costs = affineCosts({ positions, inputs, outputs })
        if (keepsGradients(costs, samples))
          expect(samples * inputs * outputs).toBeLessThanOrEqual(
            Math.max(keptNumbersLimit, 3 * samples * positions * (inputs + outputs)),
          )
      }),
    )
  })
  it('are read again where that saves a contraction, and never where there is one position', () => {
    expect(keepsGradients(affineCosts({ positions: 1024, inputs: 27, outputs: 16 }), 64)).toBe(true)
    fc.assert(
      fc.property(sizes, sizes, (inputs, outputs) => {
        expect(keepsGradients(affineCosts({ positions: 1, inputs, outputs }), 1)).toBe(false)
      }),
    )
  })
})

/**
 * What `explain` says of a gradient: FLOPs by hand, the ways of the cost model, nothing lost and nothing counted twice.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  affineCosts,
  type Batch,
  conv2d,
  convolutionCosts,
  crossEntropy,
  type Explanation,
  explain,
  flatten,
  type LayerRule,
  linear,
  meanSquaredError,
  named,
  normWay,
  relu,
  residual,
  sequential,
  showExplanation,
  weightedGrad,
} from '../src/grad/index.js'
import { asLayer } from '../src/grad/layer.js'
import { resNet20, smallCnn } from '../src/models/index.js'
import { key } from '../src/sampling/index.js'
import type { Backend } from '../src/tensor/backend/backend.js'
import { defaultBackend } from '../src/tensor/backend/default.js'
import { wasm } from '../src/tensor/backend/wasm/index.js'
import { full, type Tree, toArray, treeSize, zeros } from '../src/tensor/index.js'
import { noise } from './arbitraries/tensor.js'
import { counting } from './laws/counting.js'

const passes = ['forward', 'backward', 'norm', 'sum'] as const

/** A batch of noise for a model of one layer of outputs, explained by the squared error. */
const explained = (
  model: LayerRule<Tree, unknown>,
  input: readonly number[],
  n: number,
  options: Parameters<typeof explain>[2] = {},
): Explanation => {
  const { params, output } = model.init(key(0), input)
  return explain(
    meanSquaredError,
    model,
    options,
  )(params, { input: noise([n, ...input]), target: zeros([n, ...output]) })
}

const extent = fc.integer({ min: 1, max: 24 })

describe('an affine map', () => {
  it('makes 2 n t i o FLOPs forward, and norms in the way and at the price of the cost model', () => {
    const ways = new Set<string>()
    fc.assert(
      fc.property(
        fc.record({ n: fc.integer({ min: 1, max: 4 }), t: extent, i: extent, o: extent }),
        ({ n, t, i, o }) => {
          const { layers, total } = explained(asLayer(linear(o, { bias: false })), [t, i], n)
          const costs = affineCosts({ positions: t, inputs: i, outputs: o })
          const way = t === 1 ? 'rank one' : normWay(costs, n)
          ways.add(way)
          expect(layers).toHaveLength(1)
          expect([layers[0]?.way, layers[0]?.parameters]).toEqual([way, i * o])
          expect(total.forward.flops).toBe(2 * n * t * i * o)
          // The first layer hands no cotangent on.
          expect(total.backward.flops).toBe(0)
          // Formed without being kept, and by inner products, a norm also has the scale of its terms, Σₜ ‖xₜ‖² Σₜ ‖gyₜ‖².
          const scale = 2 * n * t * (i + o)
          const expected = {
            'rank one': scale,
            gram: 2 * n * costs.gram + scale,
            form: 2 * n * (costs.form + i * o) + scale,
            keep: 2 * n * (costs.form + i * o),
          }[way]
          expect(total.norm.flops).toBe(expected)
          expect(total.sum.flops).toBe(way === 'keep' ? 2 * n * i * o : n * t * o + 2 * n * t * i * o)
        },
      ),
      // One position is rarely drawn.
      { examples: [[{ n: 2, t: 1, i: 3, o: 4 }]] },
    )
    expect([...ways]).toEqual(expect.arrayContaining(['gram', 'keep', 'rank one']))
  })
})

describe('a convolution', () => {
  it('makes 2 n o c k² FLOPs a pixel, and takes the way of the cost model', () => {
    const ways = new Set<string>()
    const shapes = fc.record({
      n: fc.integer({ min: 1, max: 3 }),
      c: fc.integer({ min: 1, max: 24 }),
      o: fc.integer({ min: 1, max: 24 }),
      side: fc.integer({ min: 2, max: 7 }),
    })
    fc.assert(
      fc.property(shapes, ({ n, c, o, side }) => {
        const window = { kernel: [3, 3], stride: [1, 1], padding: [1, 1], dilation: [1, 1], groups: 1 } as const
        const { layers, total } = explained(asLayer(conv2d(o, { kernel: 3, padding: 1 })), [c, side, side], n)
        const shapes = [
          [n, c, side, side],
          [n, o, side, side],
        ] as const
        const costs = convolutionCosts(window, ...shapes, defaultBackend().filtering?.(window, ...shapes))
        const way = normWay(costs, n)
        ways.add(way)
        expect(layers[0]?.way).toBe(way)
        const products = 2 * n * o * side * side * c * 9
        expect(total.forward.flops).toBe(products + n * o * side * side)
        expect(costs.form * 2 * n).toBe(products)
        if (way !== 'gram') expect(total.norm.flops).toBeGreaterThanOrEqual(products)
        else expect(total.norm.flops).toBeLessThan(2 * n * costs.gram + 2 * n * side * side * (c + 3 * o))
      }),
    )
    expect(ways.size).toBeGreaterThan(1)
  })
})

const cnn: Batch = { input: noise([3, 1, 28, 28]), target: zeros([3], 'int32') }

describe('a network', () => {
  it('has its layers at the paths of their parameters, each counted once', () => {
    const model = resNet20()
    const { params } = model.init(key(0), [3, 32, 32])
    const batch = { input: noise([2, 3, 32, 32]), target: zeros([2], 'int32') }
    const { layers, parameters } = explain(crossEntropy, model)(params, batch)
    const leafLayers = layers.filter(({ layer }) => /^(conv2d|linear|groupNorm)/.test(layer))
    expect(parameters).toBe(treeSize(params))
    expect(leafLayers.reduce((sum, layer) => sum + layer.parameters, 0)).toBe(parameters)
    expect(leafLayers.map(({ place }) => place)).toContain('stage2.0.0.body.conv1')
    expect(new Set(leafLayers.map(({ place }) => place)).size).toBe(leafLayers.length)
    // 41 million multiply-adds a sample (He et al. 2016), the affine layer and the convolutions.
    const convolutions = leafLayers.filter(({ layer }) => !layer.startsWith('group'))
    const forward = convolutions.reduce((sum, { costs }) => sum + costs.forward.flops, 0)
    expect(forward / 2 / 2 / 1e6).toBeCloseTo(40.55, 1)
  })

  it.each(['bookKeeping', 'materialised', 'oneByOne'] as const)(
    '%s: totals are sums, and no product is lost',
    (plan) => {
      const model = smallCnn('relu')
      const { params } = model.init(key(0), [1, 28, 28])
      const { backend, counts } = counting(defaultBackend())
      const { layers, total } = explain(crossEntropy, model, { plan, backend })(params, cnn)
      for (const pass of passes)
        for (const quantity of ['flops', 'moved', 'held'] as const)
          expect(total[pass][quantity]).toBe(layers.reduce((sum, { costs }) => sum + costs[pass][quantity], 0))
      const counted = Object.values(counts()).reduce((a, b) => a + b, 0)
      const all = passes.reduce((sum, pass) => sum + total[pass].flops, 0)
      expect(counted).toBeGreaterThan(0)
      expect(all).toBeGreaterThan(2 * counted)
    },
  )

  it('watching changes no bit', () => {
    const model = sequential(residual(sequential(linear(6), relu, linear(6))), flatten, linear(3))
    const { params } = model.init(key(0), [4, 6])
    const batch = { input: noise([5, 4, 6]), target: zeros([5], 'int32') }
    const told: string[] = []
    const watched = {
      ...defaultBackend(),
      within: <A>({ layer, reading }: { layer: string; reading: string }, body: () => A): A => {
        told.push(`${reading} ${layer}`)
        return body()
      },
    }
    const ones = full(1, [5], 'float64')
    const plain = weightedGrad(crossEntropy, model)(params, batch, ones)
    const seen = weightedGrad(crossEntropy, model, { backend: watched })(params, batch, ones)
    expect(toArray(seen.grad[2].weight)).toEqual(toArray(plain.grad[2].weight))
    expect(toArray(seen.loss)).toEqual(toArray(plain.loss))
    expect(told).toEqual(expect.arrayContaining(['forward relu', 'backward relu', 'sum linear(3)']))
  })

  it('counts once what an arena that grows runs again', () => {
    const model = smallCnn('relu')
    const { params } = model.init(key(0), [1, 28, 28])
    const batch = { input: noise([64, 1, 28, 28]), target: zeros([64], 'int32') }
    const of = (backend: Backend): Explanation => explain(crossEntropy, model, { backend })(params, batch)
    const small = wasm({ threads: 1 })
    const before = small.peakBytes()
    const found = of(small)
    // It has grown beyond the 4 MiB that it begins with, which without shared memory means that the body ran twice.
    expect(small.peakBytes() - before).toBeGreaterThan(2 ** 22)
    expect(found).toEqual(of(small))
  })

  it('tells of parts, and prints a line for each layer', () => {
    const model = asLayer(named({ first: asLayer(linear(8)), relu: asLayer(relu), last: asLayer(linear(2)) }))
    const explanation = explained(model, [5], 6, { numbersAtOnce: 40 })
    expect(explanation.parts).toBeGreaterThan(1)
    expect(explanation.samplesOfPart).toBe(Math.ceil(6 / explanation.parts))
    const words = showExplanation(explanation)
    expect(words).toMatch(/^bookKeeping, 6 samples, in \d parts/)
    expect(words).toMatch(/^first: linear\(8\) +48 +rank one/m)
    expect(words.split('\n')).toHaveLength(3 + explanation.layers.length)
    expect([...words.matchAll(/relu/g)]).toHaveLength(1)
  })
})

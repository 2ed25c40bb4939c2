/**
 * Convolutions of many channels, which the wasm backend computes by filtering tiles: close to the definition, relative to the
 * largest numbers of planes and filters, and sample by sample, whatever stands beside a sample.
 */
import fc, { type Arbitrary } from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { conv2d } from '../src/grad/index.js'
import { asLayer } from '../src/grad/layer.js'
import { summationError } from '../src/grad/rounding.js'
import { key, normal, uniform } from '../src/sampling/index.js'
import type { Backend, Filtering } from '../src/tensor/backend/backend.js'
import { reference } from '../src/tensor/backend/reference.js'
import type { Quad } from '../src/tensor/backend/wasm/geometry.js'
import { wasm } from '../src/tensor/backend/wasm/index.js'
import { filteredSumRows, isFilteredGrad } from '../src/tensor/backend/wasm/winograd-grad.js'
import { isFiltered } from '../src/tensor/backend/wasm/winograd-tiling.js'
import { cast, full, type Tensor, tensor, toArray } from '../src/tensor/tensor.js'
import { concatenate, slice } from '../src/tensor/view.js'
import * as A from './arbitraries/application.js'
import { type ConvolutionCase, convolutions, manyChannels, manyChannelsAndPositions } from './arbitraries/geometry.js'
import type { LayerCase } from './arbitraries/layer.js'
import { ordinary, special, tensorsOf } from './arbitraries/tensor.js'
import { expectClose } from './laws/backend.js'
import { normLaw } from './laws/norm.js'
import { expectSameBits } from './laws/purity.js'

const backends = [wasm({ threads: 1 }), wasm({ threads: 1, relaxed: false })]
afterAll(() => {
  for (const backend of backends) backend.close()
})

interface Drawn extends ConvolutionCase {
  readonly x: Tensor
  readonly gy: Tensor
  readonly w: Tensor
}

const drawn = (geometries: Arbitrary<ConvolutionCase>, values: Arbitrary<number>): Arbitrary<Drawn> =>
  geometries.chain((geometry) =>
    fc
      .tuple(
        ...[geometry.input, geometry.output, geometry.weight].map((shape) =>
          tensorsOf(shape, { values, dtypes: ['float32'] }),
        ),
      )
      .map(([x, gy, w]) => ({ ...geometry, x, gy, w }) as Drawn),
  )

const runs = { numRuns: 12 }

/** The batch of those samples. */
const samples = (d: Drawn, start: number, end: number): Drawn => {
  const cut = slice({ axis: 0, start, end })
  return { ...d, x: cut(d.x), gy: cut(d.gy), input: d.input.with(0, end - start) }
}

const quads = ({ input, output }: ConvolutionCase) => [input, output] as unknown as [Quad, Quad]
const someWeight = (d: Drawn): Tensor => tensor([0.5, 1, 0.3].slice(0, d.input[0]), [d.input[0] as number], 'float64')

interface Filtered {
  readonly operation: (d: Drawn) => A.Application
  readonly geometries: Arbitrary<ConvolutionCase>
  readonly isFiltered: (c: ConvolutionCase) => boolean
}

const bySample: Readonly<Record<string, Filtered>> = {
  conv2d: {
    operation: ({ x, w, convolution }) => A.conv2d(x, w, undefined, convolution),
    geometries: manyChannels,
    isFiltered: (c) => isFiltered(c.convolution, ...quads(c)),
  },
  conv2dInputGrad: {
    operation: ({ gy, w, convolution, input }) => A.conv2dInputGrad(gy, w, convolution, input),
    geometries: manyChannels,
    isFiltered: (c) => isFiltered(c.convolution, ...quads(c)),
  },
  conv2dPerSampleGrad: {
    operation: ({ x, gy, convolution }) => A.conv2dPerSampleGrad(x, gy, convolution),
    geometries: manyChannelsAndPositions,
    isFiltered: (c) => isFilteredGrad(c.convolution, ...quads(c)),
  },
}

const all: Readonly<Record<string, Filtered>> = {
  ...bySample,
  conv2dWeightedGrad: {
    operation: (d) => A.conv2dWeightedGrad(d.x, d.gy, someWeight(d), d.convolution),
    geometries: manyChannels,
    isFiltered: (c) => filteredSumRows(c.convolution, ...quads(c)) !== undefined,
  },
}

describe.each(Object.entries(all))('%s by filtering', (_, { operation, geometries, isFiltered }) => {
  it('is what the shapes drawn get', () => {
    fc.assert(
      fc.property(geometries, (c) => {
        expect(isFiltered(c)).toBe(true)
      }),
    )
  })
  it.each([
    ['same', ordinary],
    ['contained', special],
  ] as const)('agrees with the definition, numbers that are not finite: %s', (flow, values) => {
    fc.assert(
      fc.property(drawn(geometries, values), (d) => {
        const { inputs, apply, terms } = A.ofPlanes(operation(d))
        const expected = apply(reference)(...inputs.map(cast('float64')))
        for (const backend of backends) expectClose(apply(backend)(...inputs), expected, terms(...inputs), 1e-5, flow)
      }),
      runs,
    )
  })
})

describe.each(Object.entries(bySample))('%s by filtering', (_, { operation, geometries }) => {
  it('gives a sample the same bits in any company', () => {
    const values = fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, 1e30)
    fc.assert(
      fc.property(drawn(geometries, ordinary), values, (d, value) => {
        const spoil = (t: Tensor) => concatenate([full(value, [1, ...t.shape.slice(1)]), cast('float32')(t)])
        const spoilt = { ...d, x: spoil(d.x), gy: spoil(d.gy), input: d.input.with(0, (d.input[0] as number) + 1) }
        const run = (drawn: Drawn): Tensor => {
          const { inputs, apply } = operation(drawn)
          return apply(backends[0] as (typeof backends)[number])(...inputs)
        }
        const together = run(d)
        const beside = slice({ axis: 0, start: 1 })(run(spoilt))
        expectSameBits(cast('float32')(beside), together)
        for (let n = 0; n < (d.input[0] as number); n++)
          expect(toArray(run(samples(d, n, n + 1)))).toEqual(
            toArray(slice({ axis: 0, start: n, end: n + 1 })(together)),
          )
      }),
      runs,
    )
  })
})

const filteringOn = (backend: Backend, ...shapes: Parameters<Required<Backend>['filtering']>): Filtering => {
  const found = backend.filtering?.(...shapes)
  return found === undefined ? expect.fail('not filtered') : found
}

describe('a weighted sum of gradients by filtering', () => {
  it('is that of the definition over many samples, in blocks and steps', () => {
    const convolution = { kernel: [3, 3], stride: [1, 1], padding: [1, 1], dilation: [1, 1], groups: 2 } as const
    const shape: Quad = [20, 32, 32, 32]
    const { unit = 0, step = 0, blocks = 0 } = filteredSumRows(convolution, shape, shape) ?? {}
    expect([unit % step, blocks]).toEqual([2, 16])
    const [x, gy] = [normal(shape)(key(1)), normal(shape)(key(2))].map(cast('float32')) as [Tensor, Tensor]
    const weight = uniform([20])(key(3))
    const expected = toArray(reference.conv2dWeightedGrad(x, gy, weight, convolution))
    for (const backend of backends)
      toArray(backend.conv2dWeightedGrad(x, gy, weight, convolution)).forEach((found, i) => {
        // Of 20 × 1024 terms of about one half.
        expect(Math.abs(found - (expected[i] as number))).toBeLessThan(1e-3)
      })
  })

  it('rounds the part of a sample by no more than it says', () => {
    fc.assert(
      fc.property(drawn(manyChannels, ordinary), (d) => {
        fc.pre(d.input[0] !== 0)
        const one = samples(d, 0, 1)
        const weight = tensor([1], [1], 'float64')
        const sizes = toArray(reference.rowDots(one.x, one.x)).concat(toArray(reference.rowDots(one.gy, one.gy)))
        const [ofX, ofCotangent] = sizes as [number, number]
        const exact = toArray(reference.conv2dWeightedGrad(one.x, one.gy, weight, d.convolution))
        for (const backend of backends) {
          const { amplification, terms } = filteringOn(backend, d.convolution, one.input, one.gy.shape)
          const found = toArray(backend.conv2dWeightedGrad(one.x, one.gy, weight, d.convolution))
          const distance = Math.hypot(...found.map((g, i) => g - (exact[i] as number)))
          expect(distance).toBeLessThanOrEqual(
            amplification * summationError(backend, terms) * 3 * Math.sqrt(ofX * ofCotangent),
          )
        }
      }),
    )
  })

  it('has the amplification of its points', () => {
    const [a, b] = [0.75, 1.5]
    const points = [0, a, -a, b, -b]
    const powers = (count: number): number[][] => [
      ...points.map((p) => Array.from({ length: count }, (_, k) => p ** k)),
      Array.from({ length: count }, (_, k) => (k === count - 1 ? 1 : 0)),
    ]
    const A = powers(4)
    /** Coefficients of the product of x − p over some points. */
    const product = (roots: readonly number[]): number[] =>
      roots.reduce<readonly number[]>(
        (poly, root) => Array.from({ length: poly.length + 1 }, (_, k) => (poly[k - 1] ?? 0) - root * (poly[k] ?? 0)),
        [1],
      ) as number[]
    const others = points.map((p) => points.filter((other) => other !== p))
    const BT = [...others.map((rest) => [...product(rest), 0]), product(points)]
    const G = [
      ...powers(3)
        .slice(0, 5)
        .map((row, i) => {
          const p = points[i] as number
          const scale = (others[i] as number[]).reduce((by, other) => by * (p - other), 1)
          return row.map((c) => c / scale)
        }),
      [0, 0, 1],
    ]
    const times = (m: readonly (readonly number[])[], v: readonly number[]): number[] =>
      m.map((row) => row.reduce((sum, c, k) => sum + c * (v[k] as number), 0))
    const transposed = (m: readonly (readonly number[])[]): number[][] =>
      (m[0] as number[]).map((_, k) => m.map((row) => row[k] as number))
    const [x, gy] = [
      [1, -2, 3, 0.5, 4, -1],
      [2, 1, -3, 0.25],
    ]
    const [ofX, ofGy] = [times(BT, x), times(A, gy)]
    const found = times(
      transposed(G),
      ofX.map((v, i) => v * (ofGy[i] as number)),
    )
    found.forEach((g, k) => {
      expect(g).toBeCloseTo(
        gy.reduce((sum, v, t) => sum + v * (x[t + k] as number), 0),
        12,
      )
    })
    const absolute = (m: readonly (readonly number[])[], scale: readonly number[]): number[][] =>
      m.map((row, i) => row.map((c) => Math.abs(c) * (scale[i] as number)))
    const spectralNorm = (m: readonly (readonly number[])[]): number => {
      let v = (m[0] as number[]).map(() => 1)
      for (let i = 0; i < 200; i++) {
        const next = times(transposed(m), times(m, v))
        v = next.map((c) => c / Math.hypot(...next))
      }
      return Math.hypot(...times(m, v))
    }
    const D = [1, 0.73, 0.73, 0.25, 0.25, 1.1]
    const E = G.map((row, i) => Math.hypot(...row) / (D[i] as number))
    const amplification = (2 / 3) * (spectralNorm(absolute(A, D)) * spectralNorm(absolute(BT, E))) ** 2
    const shape: Quad = [1, 16, 8, 8]
    const convolution = { kernel: [3, 3], stride: [1, 1], padding: [1, 1], dilation: [1, 1], groups: 1 } as const
    const stated = filteringOn(backends[0] as Backend, convolution, shape, shape).amplification
    expect(amplification).toBeLessThanOrEqual(stated)
    expect(amplification).toBeGreaterThan(stated - 1)
  })
})

describe('norms that clipping stands on, where weighted sums are filtered', () => {
  const ways = [
    ['gram', 32, 4],
    ['form', 16, 4],
    ['keep', 16, 8],
  ] as const
  it.each(ways)('%s', (way, channels, side) => {
    const rule = conv2d(channels, { kernel: 3, padding: 1 })
    const { params } = rule.init(key(0), [channels, side, side])
    const x = full(1, [1, channels, side, side])
    expect(backends.map((backend) => rule.pullback(backend, params, x, x).norm)).toEqual([way, way])
  })
  const cases = fc.constantFrom(...ways).map(
    ([, channels, side]): LayerCase => ({
      rule: asLayer(conv2d(channels, { kernel: 3, padding: 1 })),
      input: [channels, side, side],
      misfits: [],
    }),
  )
  for (const backend of backends) normLaw('conv2d of many channels', cases, backend, { numRuns: 40 })
})

describe('a gradient with its norm', () => {
  it.each([
    ['by filtering', drawn(manyChannelsAndPositions, ordinary)],
    ['of any convolution', drawn(convolutions, ordinary)],
  ])('%s is the gradient, bit by bit, and the norm of what is kept', (_, cases) => {
    fc.assert(
      fc.property(cases, ({ x, gy, convolution }) => {
        for (const backend of backends)
          backend.scope(() => {
            const expected = backend.conv2dPerSampleGrad(x, gy, convolution)
            const { grad, squaredNorm } = backend.conv2dNormedGrad?.(x, gy, convolution) ?? {}
            if (grad === undefined || squaredNorm === undefined) throw new Error('not to be had')
            expectSameBits(grad, expected)
            const norms = toArray(backend.rowDots(expected, expected))
            expect(squaredNorm.shape).toEqual([norms.length])
            for (const [n, found] of toArray(squaredNorm).entries()) {
              const norm = norms[n] as number
              expect(Math.abs(found - norm)).toBeLessThanOrEqual(1e-12 * norm)
            }
            return 0
          })
      }),
      runs,
    )
  })
})

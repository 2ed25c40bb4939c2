/**
 * Convolutions of many channels, which the wasm backend computes by filtering tiles: close to the definition, relative to the
 * largest numbers of planes and filters, and sample by sample, whatever stands beside a sample.
 */
import fc, { type Arbitrary } from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { reference } from '../src/tensor/backend/reference.js'
import { wasm } from '../src/tensor/backend/wasm/index.js'
import { isFiltered, isFilteredGrad } from '../src/tensor/backend/wasm/winograd.js'
import { cast, full, type Tensor, toArray } from '../src/tensor/tensor.js'
import { concatenate, slice } from '../src/tensor/view.js'
import * as A from './arbitraries/application.js'
import { type ConvolutionCase, convolutions, manyChannels } from './arbitraries/geometry.js'
import { ordinary, special, tensorsOf } from './arbitraries/tensor.js'
import { expectClose } from './laws/backend.js'
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

const operations: Readonly<Record<string, (d: Drawn) => A.Application>> = {
  conv2d: ({ x, w, convolution }) => A.conv2d(x, w, undefined, convolution),
  conv2dInputGrad: ({ gy, w, convolution, input }) => A.conv2dInputGrad(gy, w, convolution, input),
  conv2dPerSampleGrad: ({ x, gy, convolution }) => A.conv2dPerSampleGrad(x, gy, convolution),
}

const runs = { numRuns: 12 }

/** The batch of those samples. */
const samples = (d: Drawn, start: number, end: number): Drawn => {
  const cut = slice({ axis: 0, start, end })
  return { ...d, x: cut(d.x), gy: cut(d.gy), input: d.input.with(0, end - start) }
}

describe.each(Object.entries(operations))('%s by filtering', (_, operation) => {
  it('is what the shapes drawn get', () => {
    fc.assert(
      fc.property(manyChannels, ({ convolution, input, output }) => {
        const [from, to] = [input, output] as unknown as [
          [number, number, number, number],
          [number, number, number, number],
        ]
        expect(isFiltered(convolution, from, to)).toBe(true)
        expect(isFilteredGrad(convolution, from, to)).toBe(true)
      }),
    )
  })
  it.each([
    ['same', ordinary],
    ['contained', special],
  ] as const)('agrees with the definition, numbers that are not finite: %s', (flow, values) => {
    fc.assert(
      fc.property(drawn(manyChannels, values), (d) => {
        const { inputs, apply, terms } = A.ofPlanes(operation(d))
        const expected = apply(reference)(...inputs.map(cast('float64')))
        for (const backend of backends) expectClose(apply(backend)(...inputs), expected, terms(...inputs), 1e-5, flow)
      }),
      runs,
    )
  })
  it('gives a sample the same bits in any company', () => {
    const values = fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, 1e30)
    fc.assert(
      fc.property(drawn(manyChannels, ordinary), values, (d, value) => {
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

describe('a gradient with its norm', () => {
  it.each([
    ['by filtering', drawn(manyChannels, ordinary)],
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

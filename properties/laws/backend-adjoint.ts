/**
 * Every derivative is the adjoint of what it derives: ⟨f x, gy⟩ = ⟨x, fᵀ gy⟩ for linear f; and the short cuts of
 * book-keeping equal what they cut short.
 */
import fc, { type Arbitrary } from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Backend } from '../../src/tensor/backend/backend.js'
import { reference } from '../../src/tensor/backend/reference.js'
import { type Tensor, toArray } from '../../src/tensor/tensor.js'
import { slice } from '../../src/tensor/view.js'
import { magnitude } from '../arbitraries/application.js'
import { type ConvolutionCase, convolutions, type PoolCase, pools } from '../arbitraries/geometry.js'
import { shapes, tensorsOf } from '../arbitraries/tensor.js'

/** ⟨a, b⟩ in float64. */
const inner = (a: Tensor, b: Tensor): number => {
  const right = toArray(b)
  return toArray(a).reduce((total, value, i) => total + value * (right[i] as number), 0)
}

const expectNear = (a: number, b: number, bound: number): void => {
  if (!(Math.abs(a - b) <= bound)) expect.fail(`${a} and ${b} differ by more than ${bound}`)
}

interface ConvolutionInputs extends ConvolutionCase {
  readonly x: Tensor
  readonly gy: Tensor
  readonly kernel: Tensor
  readonly rowWeight: Tensor
}

// float32 and small integers: what a float32 backend reads without rounding, so that both sides see the same numbers
const dtypes = ['float32', 'uint8'] as const

const convolutionInputs: Arbitrary<ConvolutionInputs> = convolutions.chain((geometry) =>
  fc.record({
    convolution: fc.constant(geometry.convolution),
    input: fc.constant(geometry.input),
    weight: fc.constant(geometry.weight),
    output: fc.constant(geometry.output),
    x: tensorsOf(geometry.input, { dtypes }),
    gy: tensorsOf(geometry.output, { dtypes }),
    kernel: tensorsOf(geometry.weight, { dtypes }),
    rowWeight: tensorsOf(geometry.input.slice(0, 1), { dtypes }),
  }),
)

const poolInputs: Arbitrary<PoolCase & { readonly x: Tensor; readonly gy: Tensor }> = pools.chain((geometry) =>
  fc.record({
    window: fc.constant(geometry.window),
    input: fc.constant(geometry.input),
    output: fc.constant(geometry.output),
    x: tensorsOf(geometry.input, { dtypes }),
    gy: tensorsOf(geometry.output, { dtypes }),
  }),
)

export const adjointLaws = (name: string, backend: Backend, tolerance: number): void => {
  /** Two sums of the same terms, each computed within the tolerance. */
  const slack = 2 * tolerance
  describe(`${name}: derivatives are adjoints`, () => {
    it('⟨conv2d x, gy⟩ = ⟨x, conv2dInputGrad gy⟩ = ⟨weight, Σ conv2dPerSampleGrad⟩', () => {
      fc.assert(
        fc.property(convolutionInputs, ({ convolution, input, x, gy, kernel: w }) => {
          const forward = inner(backend.conv2d(x, w, undefined, convolution), gy)
          const terms = inner(reference.conv2d(magnitude(x), magnitude(w), undefined, convolution), magnitude(gy))
          expectNear(forward, inner(x, backend.conv2dInputGrad(gy, w, convolution, input)), slack * terms)
          const perSample = backend.conv2dPerSampleGrad(x, gy, convolution)
          expectNear(forward, inner(w, reference.sum(perSample, [0])), slack * terms)
        }),
      )
    })
    it('⟨avgPool2d x, gy⟩ = ⟨x, avgPool2dGrad gy⟩', () => {
      fc.assert(
        fc.property(poolInputs, ({ window, input, x, gy }) => {
          const terms = inner(reference.avgPool2d(magnitude(x), window), magnitude(gy))
          const [forward, gx] = [backend.avgPool2d(x, window), backend.avgPool2dGrad(gy, window, input)]
          expectNear(inner(forward, gy), inner(x, gx), slack * terms)
        }),
      )
    })
    it('⟨maxPool2d x, gy⟩ = ⟨x, maxPool2dGrad gy⟩ at the places that were chosen', () => {
      fc.assert(
        fc.property(poolInputs, ({ window, input, x, gy }) => {
          const { y, argmax } = backend.maxPool2d(x, window)
          const terms = inner(magnitude(y), magnitude(gy))
          expectNear(inner(y, gy), inner(x, backend.maxPool2dGrad(gy, argmax, input)), slack * terms)
        }),
      )
    })
    it('⟨pad2d x, gy⟩ = ⟨x, the slice of gy⟩', () => {
      const cases = shapes({ minRank: 2 }).chain((shape) =>
        fc
          .record({ top: fc.nat(2), bottom: fc.nat(2), left: fc.nat(2), right: fc.nat(2) })
          .chain((padding) =>
            fc
              .record({ padding: fc.constant(padding), x: tensorsOf(shape, { dtypes }) })
              .chain((c) => tensorsOf(backend.pad2d(c.x, padding).shape, { dtypes }).map((gy) => ({ ...c, gy }))),
          ),
      )
      fc.assert(
        fc.property(cases, ({ padding, x, gy }) => {
          const rank = x.shape.length
          const [h, w] = x.shape.slice(-2) as [number, number]
          const rows = slice({ axis: rank - 2, start: padding.top, end: padding.top + h })(gy)
          const gx = slice({ axis: rank - 1, start: padding.left, end: padding.left + w })(rows)
          expectNear(inner(backend.pad2d(x, padding), gy), inner(x, gx), slack * inner(magnitude(x), magnitude(gx)))
        }),
      )
    })
  })
  describe(`${name}: book-keeping`, () => {
    it('conv2dSquaredNorm = squared norms of the rows of conv2dPerSampleGrad', () => {
      fc.assert(
        fc.property(convolutionInputs, ({ convolution, x, gy }) => {
          const g = backend.conv2dPerSampleGrad(x, gy, convolution)
          const terms = toArray(reference.conv2dSquaredNorm(magnitude(x), magnitude(gy), convolution))
          const [direct, indirect] = [backend.conv2dSquaredNorm(x, gy, convolution), backend.rowDots(g, g)].map(toArray)
          for (const [n, size] of terms.entries())
            expectNear(direct?.[n] as number, indirect?.[n] as number, 3 * tolerance * size)
        }),
      )
    })
    it('conv2dWeightedGrad = weightedRowSum of conv2dPerSampleGrad', () => {
      fc.assert(
        fc.property(convolutionInputs, ({ convolution, x, gy, rowWeight }) => {
          const perSample = backend.conv2dPerSampleGrad(x, gy, convolution)
          const short = toArray(backend.conv2dWeightedGrad(x, gy, rowWeight, convolution))
          const long = toArray(backend.weightedRowSum(rowWeight, perSample))
          const terms = toArray(
            reference.conv2dWeightedGrad(magnitude(x), magnitude(gy), magnitude(rowWeight), convolution),
          )
          for (const [i, size] of terms.entries())
            expectNear(short[i] as number, long[i] as number, 3 * tolerance * size)
        }),
      )
    })
  })
}

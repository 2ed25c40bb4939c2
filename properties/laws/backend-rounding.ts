/**
 * Rounding that keeps a bound: a weight is what makes a clipped norm fit, so it is never rounded away from zero.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Backend } from '../../src/tensor/backend/backend.js'
import { full, type Tensor, tensor, toArray } from '../../src/tensor/tensor.js'

const weights = fc.array(
  fc.double({ min: 1e-9, max: 4, noNaN: true }).chain((size) => fc.constantFrom(size, -size)),
  { minLength: 1, maxLength: 9 },
)

/** Spacing of float32 is 2⁻²³ of the power of two below a number. */
const spacing = { float32: 2 ** -23, float64: 0 } as const

export const roundingLaws = (name: string, backend: Backend): void => {
  const law = (what: string, weigh: (weight: Tensor) => Tensor) =>
    it(what, () => {
      fc.assert(
        fc.property(weights, (numbers) => {
          for (const number of numbers) {
            const [got] = toArray(weigh(tensor([number], [1], 'float64'))) as [number]
            expect(Math.abs(got)).toBeLessThanOrEqual(Math.abs(number))
            expect(Math.abs(got)).toBeGreaterThanOrEqual(Math.abs(number) * (1 - spacing[backend.dtype]))
            expect(Math.sign(got)).toBe(Math.sign(number))
          }
        }),
      )
    })
  describe(`${name}: a weight is rounded towards zero, and by less than one unit`, () => {
    const one = full(1, [1, 1, 1, 1])
    const identity = { kernel: [1, 1], stride: [1, 1], padding: [0, 0], dilation: [1, 1], groups: 1 } as const
    law('weightedRowSum', (weight) => backend.weightedRowSum(weight, one))
    law('scaleRows', (weight) => backend.scaleRows(weight, one))
    law('conv2dWeightedGrad', (weight) => backend.conv2dWeightedGrad(one, one, weight, identity))
  })
  describe(`${name}: what is promised in float64 is summed in float64`, () => {
    it('rowDots of long rows', () => {
      const ones = full(1 / 3, [2, 30001])
      const third = Math.fround(1 / 3)
      for (const dot of toArray(backend.rowDots(ones, ones)))
        expect(Math.abs(dot / (30001 * third * third) - 1)).toBeLessThan(1e-11)
    })
    it('rowDots where large terms cancel', () => {
      const a = tensor([2 ** 24, 1, -(2 ** 24), 1], [1, 4])
      const b = full(1, [1, 4])
      expect(toArray(backend.rowDots(a, b))).toEqual([2])
    })
  })
}

/**
 * Laws of a dataset: `take` is a function of each index by itself.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Dataset } from '../../src/data/dataset.js'
import { toArray } from '../../src/tensor/tensor.js'

export const datasetLaws = (name: string, data: Dataset): void => {
  const indices = data.length === 0 ? fc.constant<number[]>([]) : fc.array(fc.nat(data.length - 1), { maxLength: 8 })

  describe(`dataset: ${name}`, () => {
    it('take(is) is one example after the other, in order, however often', () => {
      fc.assert(
        fc.property(indices, (chosen) => {
          const { input, target } = data.take(chosen)
          expect([input.dtype, input.shape]).toEqual(['float32', [chosen.length, ...data.inputShape]])
          expect([target.dtype, target.shape]).toEqual(['int32', [chosen.length]])
          const alone = chosen.map((index) => data.take([index]))
          expect(toArray(input)).toEqual(alone.flatMap((one) => toArray(one.input)))
          expect(toArray(target)).toEqual(alone.flatMap((one) => toArray(one.target)))
        }),
      )
    })

    it('reads its indices from any array of numbers', () => {
      fc.assert(
        fc.property(indices, (chosen) => {
          expect(data.take(Uint32Array.from(chosen))).toEqual(data.take(chosen))
        }),
      )
    })

    it('labels are whole numbers below the number of classes, and inputs are finite', () => {
      const { input, target } = data.take(Array.from({ length: data.length }, (_, i) => i))
      expect(toArray(target).every((label) => Number.isInteger(label) && label >= 0 && label < data.classes)).toBe(true)
      expect(toArray(input).every(Number.isFinite)).toBe(true)
    })

    it('throws for an index that is none', () => {
      for (const index of [-1, data.length, 0.5, Number.NaN]) expect(() => data.take([index])).toThrow(/no example/)
    })
  })
}

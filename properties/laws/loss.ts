/**
 * What every loss must do: one value and one cotangent a sample, from that sample alone.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { reference } from '../../src/tensor/backend/reference.js'
import { zipTensorsWith } from '../../src/tensor/elementwise.js'
import { cast, type Tensor, toArray } from '../../src/tensor/tensor.js'
import { take } from '../../src/tensor/view.js'
import { genericTensors, type LossCase, unitTensors } from '../arbitraries/batch.js'
import { counts } from '../arbitraries/layer.js'
import { tensorsOf } from '../arbitraries/tensor.js'
import { expectDerivative, expectEqual, expectJudged, type Tally } from './closeness.js'
import { leavesUnchanged } from './purity.js'

/** Predictions of every magnitude up to where exponentials overflow and vanish. */
const extreme = fc.oneof(
  fc.constantFrom(-1e4, 1e4, 0, -745, 709, -104, 89),
  fc.double({ min: -1e4, max: 1e4, noNaN: true }),
)

export const lossLaws = ({ name, loss, targets }: LossCase): void => {
  const applied = (tensors: typeof unitTensors) =>
    fc
      .tuple(counts, fc.integer({ min: 1, max: 4 }))
      .chain((shape) => fc.record({ prediction: tensors(shape), target: targets(shape) }))
  describe(name, () => {
    it('the cotangent is the derivative of the value, by finite differences', () => {
      const tally: Tally = { judged: 0, skipped: 0 }
      const directed = applied(genericTensors).chain((a) =>
        genericTensors(a.prediction.shape).map((v) => ({ ...a, v })),
      )
      fc.assert(
        fc.property(directed, ({ prediction, target, v }) => {
          const at = (h: number) => loss(zipTensorsWith((a, b) => a + h * b)(prediction, v), target).value
          const quotient = (h: number) => zipTensorsWith((a, b) => (a - b) / (2 * h))(at(h), at(-h))
          expectDerivative(tally, reference.rowDots(loss(prediction, target).cotangent, v), {
            coarse: quotient(2e-5),
            fine: quotient(1e-5),
          })
        }),
      )
      expectJudged(tally)
    })
    it('float64 whatever the dtype; [n] values and a cotangent of the shape of the prediction; writes to no argument', () => {
      fc.assert(
        fc.property(applied(unitTensors), ({ prediction, target }) => {
          const { value, cotangent } = leavesUnchanged([prediction, target], () => loss(prediction, target))
          expect([value.dtype, cotangent.dtype]).toEqual(['float64', 'float64'])
          expect(value.shape).toEqual(prediction.shape.slice(0, 1))
          expect(cotangent.shape).toEqual(prediction.shape)
        }),
      )
    })
    it('choosing samples commutes with it, bit for bit', () => {
      const chosen = applied(unitTensors).chain((a) => {
        const count = a.prediction.shape[0] as number
        return (count === 0 ? fc.constant([]) : fc.array(fc.nat(count - 1), { maxLength: 4 })).map((indices) => ({
          ...a,
          rows: take(indices),
        }))
      })
      fc.assert(
        fc.property(chosen, ({ prediction, target, rows }) => {
          const [all, some] = [loss(prediction, target), loss(rows(prediction), rows(target))]
          expectEqual({ ...some }, { value: rows(all.value), cotangent: rows(all.cotangent) })
        }),
      )
    })
    it('is finite for predictions up to ±1e4, and never negative', () => {
      const far = (shape: readonly number[]): fc.Arbitrary<Tensor> =>
        tensorsOf(shape, { dtypes: ['float32', 'float64'], values: extreme })
      fc.assert(
        fc.property(applied(far), ({ prediction, target }) => {
          const { value, cotangent } = loss(cast('float64')(prediction), target)
          expect(toArray(value).every((x) => Number.isFinite(x) && x >= 0)).toBe(true)
          expect(toArray(cotangent).every(Number.isFinite)).toBe(true)
        }),
      )
    })
  })
}

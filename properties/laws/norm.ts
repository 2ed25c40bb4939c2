/**
 * What clipping stands on: the norm of a sample, and the gradient that is summed for it.
 */
import fc, { type Arbitrary } from 'fast-check'
import { it } from 'vitest'
import type { Backend } from '../../src/tensor/backend/backend.js'
import { mapTensor, zipTensorsWith } from '../../src/tensor/elementwise.js'
import { full, type Tensor, toArray } from '../../src/tensor/tensor.js'
import { slice } from '../../src/tensor/view.js'
import { genericTensors } from '../arbitraries/batch.js'
import type { LayerCase } from '../arbitraries/layer.js'
import { expectWithin } from './exact-norm.js'
import { work } from './layer-at-work.js'

/** Cotangents that add up to nothing along an axis, as those below a normalisation do. */
const cancelling =
  (axis: number) =>
  (gy: Tensor): Tensor =>
    gy.shape.length > 1
      ? zipTensorsWith((a, b) => a - b)(gy, slice({ axis: 1 + (axis % (gy.shape.length - 1)), step: -1 })(gy))
      : gy

/**
 * What clipping stands on: rounding makes no norm shorter than the sample's own weighted gradient, by more than the hair
 * that clipping leaves; features with a large mean and cotangents that cancel included.
 */
export const normLaw = (
  name: string,
  cases: Arbitrary<LayerCase>,
  on: Backend,
  runs: { readonly numRuns: number } = { numRuns: 120 },
): void => {
  it(`${name}: no norm is shorter than the gradient that is summed, on ${on.name}`, () => {
    const one = work(cases, { samples: fc.constant(1), tensors: genericTensors })
    const features = fc.record({ mean: fc.constantFrom(0, 1, 30, 1e3, 1e6), axis: fc.nat(3), cancels: fc.boolean() })
    const weights = fc.double({ min: 1e-3, max: 1, noNaN: true })
    fc.assert(
      fc.property(one, features, weights, (w, { mean, axis, cancels }, weight) => {
        const { rule, params } = w
        const x = mapTensor((v) => v + mean)(w.x)
        const gy = cancels ? cancelling(axis)(w.gy) : w.gy
        const [, cache] = rule.forward(on, params, x)
        const pulled = rule.pullback(on, params, cache, gy)
        const by = full(weight, [1], 'float64')
        const both = [
          [rule.weightedGrad(on, params, cache, gy, by), rule.perSampleSquaredNorm(on, params, cache, gy)],
          [pulled.weightedGrad(by), pulled.squaredNorm()],
        ] as const
        for (const [sum, squaredNorm] of both) {
          const norm = Math.sqrt(toArray(squaredNorm)[0] as number)
          if (Number.isFinite(norm)) expectWithin(weight * norm * (1 + 2 ** -21), sum)
        }
      }),
      runs,
    )
  })
}

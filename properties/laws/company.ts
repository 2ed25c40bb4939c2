/**
 * Nobody's gradient depends on the company: sums in whole numbers stand on it.
 */
import fc, { type Arbitrary } from 'fast-check'
import { it } from 'vitest'
import type { Backend } from '../../src/tensor/backend/backend.js'
import { mapTensor } from '../../src/tensor/elementwise.js'
import { mapTree } from '../../src/tensor/tree.js'
import { take } from '../../src/tensor/view.js'
import { genericTensors } from '../arbitraries/batch.js'
import type { LayerCase } from '../arbitraries/layer.js'
import { work } from './layer-at-work.js'
import { expectSameBits } from './purity.js'

/** A zero that has lost its sign: rounding to a grid knows none. */
const unsigned = mapTensor((x) => x + 0)

export const companyLaw = (name: string, cases: Arbitrary<LayerCase>, on: Backend): void => {
  it(`${name}: a sample's gradient is the same, bit for bit, alone and in a batch, on ${on.name}`, () => {
    const batches = work(cases, { samples: fc.integer({ min: 2, max: 9 }), tensors: genericTensors })
    fc.assert(
      fc.property(batches, fc.nat(), ({ rule, params, x, gy }, chosen) => {
        const gradients = (rows: readonly number[]) => {
          const [, cache] = rule.forward(on, params, take(rows)(x))
          return rule.pullback(on, params, cache, take(rows)(gy)).perSampleGrad()
        }
        const all = Array.from({ length: x.shape[0] as number }, (_, n) => n)
        const n = chosen % all.length
        expectSameBits(mapTree(unsigned)(mapTree(take([n]))(gradients(all))), mapTree(unsigned)(gradients([n])))
      }),
      { numRuns: 8 },
    )
  })
}

/**
 * The plans are three ways to the same numbers, on any backend.
 */
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { type Plan, perSampleGrad, perSampleSquaredNorm, weightedGrad } from '../../src/grad/index.js'
import type { Backend } from '../../src/tensor/backend/backend.js'
import { reference } from '../../src/tensor/backend/reference.js'
import type { Tensor } from '../../src/tensor/tensor.js'
import { cast } from '../../src/tensor/tensor.js'
import { mapTree, type Tree } from '../../src/tensor/tree.js'
import { genericTensors, type Problem, problems, unitTensors } from '../arbitraries/batch.js'
import { expectNear } from './closeness.js'
import { expectSameBits, leavesUnchanged } from './purity.js'

export const plans: readonly Plan[] = ['bookKeeping', 'materialised', 'oneByOne']

const everything = (
  { loss, model, params, batch }: Problem,
  weight: Tensor,
  options: { readonly backend: Backend; readonly plan: Plan },
): Tree => ({
  gradients: perSampleGrad(loss, model, options)(params, batch) as unknown as Tree,
  norms: perSampleSquaredNorm(loss, model, options)(params, batch) as unknown as Tree,
  sum: weightedGrad(loss, model, options)(params, batch, weight) as unknown as Tree,
})

/** `tolerance` is relative to unit scale. */
export const planLaws = (name: string, backend: Backend, tolerance: number): void => {
  const weighted = problems({ inputs: backend.dtype === 'float64' ? unitTensors : genericTensors }).chain((problem) =>
    unitTensors([problem.batch.input.shape[0] as number]).map((weight) => ({ problem, weight })),
  )
  describe(`${name}: every plan gives what book-keeping gives on the reference`, () => {
    it.each(plans)('%s', (plan) => {
      fc.assert(
        fc.property(weighted, ({ problem, weight }) => {
          const rounded = { ...problem, params: mapTree(cast(backend.dtype))(problem.params) }
          const run = () => everything(rounded, weight, { backend, plan })
          const result = leavesUnchanged([problem.params, problem.batch, weight], run)
          expectNear(tolerance)(result, everything(rounded, weight, { backend: reference, plan: 'bookKeeping' }))
          expectSameBits(run(), result)
        }),
        { numRuns: 60 },
      )
    })
  })
}

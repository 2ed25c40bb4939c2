/**
 * Sums over a batch in parts: the same as at once, in memory that follows from the model.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  crossEntropy,
  linear,
  named,
  perSampleSquaredNorm,
  repeat,
  sequential,
  tanh,
  weightedGrad,
} from '../src/grad/index.js'
import { clippedGradWithDiagnostics, flatClip } from '../src/privacy/index.js'
import { key } from '../src/sampling/index.js'
import { reference } from '../src/tensor/backend/reference.js'
import { wasm } from '../src/tensor/backend/wasm/index.js'
import { full, type Tensor, tensor } from '../src/tensor/tensor.js'
import type { Tree } from '../src/tensor/tree.js'
import { problems, unitTensors } from './arbitraries/batch.js'
import { noise } from './arbitraries/tensor.js'
import { expectNear } from './laws/closeness.js'

const near = expectNear(1e-9)

describe('a batch in parts', () => {
  const weighted = problems({ inputs: unitTensors }).chain((problem) =>
    unitTensors([problem.batch.input.shape[0] as number]).map((weight) => ({ problem, weight })),
  )
  it('has the sums, norms, losses and diagnostics of the whole, however small the parts', () => {
    fc.assert(
      fc.property(weighted, fc.constantFrom(1, 30, 100), ({ problem, weight }, numbersAtOnce) => {
        const { loss, model, params, batch } = problem
        const everything = (numbersAtOnce: number): Tree => {
          const options = { backend: reference, numbersAtOnce }
          const { bounded, diagnostics } = clippedGradWithDiagnostics(
            loss,
            model,
            flatClip(0.5),
            options,
          )(params, batch)
          expect(diagnostics.value.nonFinite).toBe(0)
          return {
            clipped: bounded.sum,
            loss: diagnostics.value.loss,
            norm: diagnostics.value.norm,
            squared: perSampleSquaredNorm(loss, model, options)(params, batch) as unknown as Tree,
            sum: weightedGrad(loss, model, options)(params, batch, weight) as unknown as Tree,
          }
        }
        near(everything(numbersAtOnce), everything(Number.POSITIVE_INFINITY))
      }),
      { numRuns: 60 },
    )
  })

  it('a sample that is not finite counts in its part alone', () => {
    const model = sequential(linear(3), tanh, linear(2))
    const { params } = model.init(key(0), [4])
    const numbers = Array.from({ length: 20 }, (_, i) => Math.sin(i))
    numbers[9] = Number.NaN
    const batch = { input: tensor(numbers, [5, 4]), target: tensor([0, 1, 1, 0, 1], [5]) }
    const run = (numbersAtOnce: number) =>
      clippedGradWithDiagnostics(crossEntropy, model, flatClip(1), { backend: reference, numbersAtOnce })(params, batch)
    const [parts, whole] = [run(20), run(Number.POSITIVE_INFINITY)]
    expect([parts, whole].map(({ diagnostics }) => diagnostics.value.nonFinite)).toEqual([1, 1])
    near(parts.bounded.sum, whole.bounded.sum)
  })

  it('the memory of a clipped sum does not grow with the batch', () => {
    const model = named({ blocks: repeat(6)(sequential(linear(64), tanh)), head: linear(2) })
    const { params } = model.init(key(0), [64])
    const peakOf = (count: number, numbersAtOnce: number): number => {
      const backend = wasm({ threads: 1 })
      const start = backend.peakBytes()
      const batch: { readonly input: Tensor; readonly target: Tensor } = {
        input: noise([count, 64]),
        target: full(1, [count]),
      }
      const clipped = clippedGradWithDiagnostics(crossEntropy, model, flatClip(1), { backend, numbersAtOnce })
      clipped(params, batch)
      return backend.peakBytes() - start
    }
    expect(peakOf(2048, 2 ** 15)).toBeLessThan(1.2 * peakOf(256, 2 ** 15))
    expect(peakOf(2048, 2 ** 15)).toBeLessThan(peakOf(2048, Number.POSITIVE_INFINITY) / 10)
  })
})

/**
 * Layers, compositions of them, losses, the plans of per-sample gradients, and known answers.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  crossEntropy,
  finiteDifferenceGrad,
  linear,
  meanSquaredError,
  perSampleGrad,
  predict,
} from '../src/grad/index.js'
import { key } from '../src/sampling/index.js'
import type { Backend } from '../src/tensor/backend/backend.js'
import { defaultBackend } from '../src/tensor/backend/default.js'
import { reference } from '../src/tensor/backend/reference.js'
import { tensor, toArray, zeros } from '../src/tensor/tensor.js'
import type { Tree } from '../src/tensor/tree.js'
import { genericTensors, lossCases, problems } from './arbitraries/batch.js'
import { layerFamilies, models } from './arbitraries/layer.js'
import { layerCases } from './golden/layer-cases.js'
import layers from './golden/layers.json' with { type: 'json' }
import { expectDerivative, expectEqual, expectJudged, type Tally } from './laws/closeness.js'
import { expectShapeError, layerLaws } from './laws/layer.js'
import { lossLaws } from './laws/loss.js'
import { planLaws, plans } from './laws/plan.js'
import { sequentialLaws } from './laws/sequential.js'

/** Backends with the agreement that float64 and float32 allow. */
const backends: readonly (readonly [name: string, backend: Backend, tolerance: number])[] = [
  ['reference', reference, 1e-9],
  ['wasm', defaultBackend(), 1e-4],
]

describe('layers', () => {
  for (const [name, cases] of layerFamilies) layerLaws(name, cases)
  layerLaws(
    'a model',
    models.map(({ model, input }) => ({ rule: model, input, misfits: [] })),
  )
  sequentialLaws()
})

describe('losses', () => {
  for (const lossCase of lossCases) lossLaws(lossCase)

  it('a label that is no class has a loss and a gradient of NaN, and leaves the other samples theirs', () => {
    for (const label of [3, -1, 0.5, Number.NaN]) {
      const { value, cotangent } = crossEntropy(zeros([2, 3]), tensor([label, 1], [2]))
      expect(toArray(value)).toEqual([Number.NaN, Math.log(3)])
      expect(toArray(cotangent).slice(0, 3)).toEqual([Number.NaN, Number.NaN, Number.NaN])
      expect(toArray(cotangent).slice(3)).toEqual(toArray(crossEntropy(zeros([1, 3]), tensor([1], [1])).cotangent))
    }
  })
  it('predictions and targets that do not fit are a ShapeError that names both', () => {
    expectShapeError(() => crossEntropy(zeros([2, 3]), zeros([3])))
    expectShapeError(() => crossEntropy(zeros([2]), zeros([2])))
    expectShapeError(() => crossEntropy(zeros([2, 3]), zeros([2, 3])))
    for (const { loss, name } of lossCases.slice(1)) {
      expectShapeError(() => loss(zeros([2, 3]), zeros([2])))
      expectShapeError(() => loss(zeros([2, 3]), zeros([3, 2])))
      expect(() => loss(zeros([2, 3]), zeros([2]))).toThrow(name)
    }
  })
})

describe('per-sample gradients', () => {
  for (const [name, backend, tolerance] of backends) planLaws(name, backend, tolerance)

  it('are finite differences of the loss, for any model', () => {
    const tally: Tally = { judged: 0, skipped: 0 }
    const generic = problems({ samples: fc.integer({ min: 1, max: 2 }), inputs: genericTensors })
    fc.assert(
      fc.property(generic, ({ loss, model, params, batch }) => {
        const [coarse, fine] = [2e-5, 1e-5].map((step) =>
          finiteDifferenceGrad(loss, reference, step)(model)(params, batch),
        ) as [Tree, Tree]
        const { grad } = perSampleGrad(loss, model, { backend: reference })(params, batch)
        expectDerivative(tally, grad, { coarse, fine })
      }),
      { numRuns: 25 },
    )
    expectJudged(tally)
  })
  it('finite differences keep the structure, whatever a layer without parameters lies between', () => {
    fc.assert(
      fc.property(models, ({ model, input }) => {
        const { params } = model.init(key(0), input)
        const batch = { input: zeros([0, ...input]), target: zeros([0, model.init(key(0), input).output[0] as number]) }
        expectEqual(
          finiteDifferenceGrad(meanSquaredError, reference)(model)(params, batch),
          perSampleGrad(meanSquaredError, model, { backend: reference })(params, batch).grad,
        )
      }),
      { numRuns: 20 },
    )
  })
  it.each(backends)('%s: a prediction is the forward pass', (_, backend) => {
    fc.assert(
      fc.property(problems(), ({ model, params, batch: { input } }) => {
        expectEqual(predict(model, { backend })(params, input), model.forward(backend, params, input)[0])
      }),
      { numRuns: 20 },
    )
  })
  it('inputs and targets of different number are a ShapeError that names both', () => {
    const model = linear(2)
    const { params } = model.init(key(0), [3])
    for (const plan of plans)
      expectShapeError(() =>
        perSampleGrad(crossEntropy, model, { backend: reference, plan })(params, {
          input: zeros([2, 3]),
          target: zeros([3]),
        }),
      )
  })
})

describe('known answers of PyTorch', () => {
  it('are many, and every one of them is compared', () => {
    expect(layers.cases.length).toBeGreaterThanOrEqual(20)
  })
  it.each(
    backends.flatMap(([of, backend, tolerance]) =>
      layerCases(layers, { backend, tolerance }).map(({ name, run }) => [of, name, run] as const),
    ),
  )('%s: %s', (_of, _name, run) => {
    const outcome = run()
    if (outcome._tag === 'notSupported') expect.fail(outcome.reason)
    expect(outcome.error).toBeLessThanOrEqual(outcome.tolerance)
  })
  it.each(backends)('%s: a wrong number anywhere fails', (_, backend, tolerance) => {
    const [golden] = layers.cases.filter(({ name }) => name === 'mlp tanh cross entropy')
    if (golden === undefined) expect.fail('no such case')
    /** The case with one number of one place off by a thousandth of the largest there. */
    const off = (path: readonly string[]): unknown => {
      const wrong = structuredClone(golden) as unknown
      const place = path.reduce((node, name) => (node as Record<string, unknown>)[name], wrong) as number[]
      place[0] = (place[0] as number) + 1e-2 * Math.max(...place.map(Math.abs))
      return { cases: [wrong] }
    }
    const error = (file: unknown): number => {
      const [outcome] = layerCases(file, { backend, tolerance }).map(({ run }) => run())
      if (outcome?._tag !== 'compared') expect.fail('not compared')
      return outcome.error
    }
    expect(error({ cases: [golden] })).toBeLessThanOrEqual(tolerance)
    for (const path of [
      ['params', '0.weight', 'data'],
      ['params', '2.bias', 'data'],
      ['input', 'data'],
      ['expected', 'output', 'data'],
      ['expected', 'losses'],
      ['expected', 'perSampleGrad', '0.weight', 'data'],
      ['expected', 'perSampleGrad', '0.bias', 'data'],
      ['expected', 'perSampleGrad', '2.weight', 'data'],
      ['expected', 'squaredNorm'],
      ['expected', 'inputGrad', 'data'],
    ])
      expect(error(off(path)), path.join('.')).toBeGreaterThan(tolerance)
  })
})

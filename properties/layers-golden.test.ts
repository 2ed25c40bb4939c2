/**
 * More layers, options and losses against PyTorch (golden/layers-more.json): outputs, losses, per-sample gradients, norms,
 * input gradients, by every plan.
 */
import { describe, expect, it } from 'vitest'
import { reference } from '../src/tensor/backend/reference.js'
import { wasm } from '../src/tensor/backend/wasm/index.js'
import { layerCases } from './golden/layer-cases.js'
import more from './golden/layers-more.json' with { type: 'json' }
import { passed } from './golden/outcome.js'

describe.each([
  ['reference', reference, 1e-9],
  ['wasm', wasm(), 1e-4],
] as const)('layers of PyTorch on %s', (_name, backend, tolerance) => {
  it.each(layerCases(more, { backend, tolerance }))('$name', ({ run }) => {
    const outcome = run()
    expect(passed(outcome), JSON.stringify(outcome)).toBe(true)
  })
})

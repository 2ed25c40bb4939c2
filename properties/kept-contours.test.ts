/**
 * ε along a training is read from few contours.
 */
import { expect, it, vi } from 'vitest'
import { exactAlong } from '../src/privacy/exact/along-steps.js'
import type * as Enclosure from '../src/privacy/exact/enclosure.js'

const planned = vi.hoisted(() => ({ contours: 0 }))

vi.mock('../src/privacy/exact/enclosure.js', async (original) => {
  const module = await original<typeof Enclosure>()
  const contourReader: typeof module.contourReader = (...given) => {
    planned.contours++
    return module.contourReader(...given)
  }
  return { ...module, contourReader }
})

it('four hundred counts in a row take no more than ten contours a direction', () => {
  const curve = { precision: 0, steps: [{ noiseMultiplier: 1, samplingProbability: 1e-3, count: 1 }] }
  exactAlong(1e-5)(Array.from({ length: 400 }, (_, i) => 5000 + i))(curve)
  expect(planned.contours).toBeGreaterThan(0)
  expect(planned.contours).toBeLessThanOrEqual(20)
})

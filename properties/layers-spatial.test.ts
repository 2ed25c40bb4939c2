/**
 * Pooling of volumes and of whole channels, and interpolation: the laws, and what is particular to each.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  adaptiveAvgPool2d,
  adaptiveAvgPool3d,
  avgPool3d,
  globalAvgPool,
  globalMaxPool,
  maxPool3d,
  type Triple,
  upsample,
} from '../src/grad/index.js'
import { reference } from '../src/tensor/backend/reference.js'
import { tensor, toArray } from '../src/tensor/tensor.js'
import { reshape } from '../src/tensor/view.js'
import { genericTensors } from './arbitraries/batch.js'
import { spatialFamilies } from './arbitraries/layer-spatial.js'
import { expectNear } from './laws/closeness.js'
import { layerLaws } from './laws/layer.js'

describe('layers', () => {
  for (const [name, cases] of spatialFamilies) layerLaws(name, cases, { numRuns: 15 })
})

const near = expectNear(1e-12)

describe('pooling of volumes', () => {
  it('is the largest, or the mean, of each window', () => {
    fc.assert(
      fc.property(genericTensors([1, 1, 4, 3, 5]), (x) => {
        const [kernel, stride]: readonly [Triple, Triple] = [
          [2, 3, 2],
          [2, 1, 3],
        ]
        const values = toArray(x)
        const windows = [0, 1].flatMap((d) =>
          [0, 1].map((w) =>
            [0, 1].flatMap((u) =>
              [0, 1, 2].flatMap((v) => [0, 1].map((s) => values[((2 * d + u) * 3 + v) * 5 + 3 * w + s] as number)),
            ),
          ),
        )
        const expected = (of: (window: readonly number[]) => number) =>
          tensor(windows.map(of), [1, 1, 2, 1, 2], 'float64')
        near(
          maxPool3d({ kernel, stride }).forward(reference, {}, x)[0],
          expected((window) => Math.max(...window)),
        )
        near(
          avgPool3d({ kernel, stride }).forward(reference, {}, x)[0],
          expected((window) => window.reduce((a, b) => a + b) / window.length),
        )
      }),
      { numRuns: 10 },
    )
  })
  it('adaptive to one cell is global; of one slice it is that of the plane', () => {
    fc.assert(
      fc.property(genericTensors([2, 3, 1, 4, 5]), (x) => {
        const plane = reshape([2, 3, 4, 5])(x)
        const [whole] = globalAvgPool.forward(reference, {}, x)
        near(reshape([2, 3])(adaptiveAvgPool3d(1).forward(reference, {}, x)[0]), whole)
        near(
          reshape([2, 3, 3, 2])(adaptiveAvgPool3d([1, 3, 2]).forward(reference, {}, x)[0]),
          adaptiveAvgPool2d([3, 2]).forward(reference, {}, plane)[0],
        )
        const largest = [0, 1, 2, 3, 4, 5].map((c) => Math.max(...toArray(x).slice(20 * c, 20 * c + 20)))
        near(globalMaxPool.forward(reference, {}, x)[0], tensor(largest, [2, 3], 'float64'))
      }),
      { numRuns: 10 },
    )
  })
})

describe('upsample', () => {
  const of = (options: Parameters<typeof upsample>[0], values: readonly number[]): readonly number[] =>
    toArray(upsample(options).forward(reference, {}, tensor(values, [1, 1, values.length]))[0])
  it('repeats the nearest, or goes in straight lines between the centres or the corners', () => {
    expect(of({ factor: 2 }, [1, 3])).toEqual([1, 1, 3, 3])
    expect(of({ factor: 1.5 }, [1, 3, 5])).toEqual([1, 1, 3, 5])
    expect(of({ factor: 2, mode: 'linear' }, [1, 3])).toEqual([1, 1.5, 2.5, 3])
    expect(of({ factor: 2.5, mode: 'linear', alignCorners: true }, [1, 5])).toEqual([1, 2, 3, 4, 5])
  })
})

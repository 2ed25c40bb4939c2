/**
 * Shapes that do not fit throw a ShapeError that names those that were given.
 */
import { describe, expect, it } from 'vitest'
import type { Backend } from '../../src/tensor/backend/backend.js'
import type { ShapeError } from '../../src/tensor/shape.js'
import { zeros } from '../../src/tensor/tensor.js'
import type { Convolution2d } from '../../src/tensor/window.js'

const plain: Convolution2d = { kernel: [2, 2], stride: [1, 1], padding: [0, 0], dilation: [1, 1], groups: 1 }
const z = (...shape: readonly number[]) => zeros(shape)

type Misfit = readonly [name: string, call: (b: Backend) => unknown]

const misfits: readonly Misfit[] = [
  ['zip: extents that do not broadcast', (b) => b.zip('add', z(2, 3), z(2, 4))],
  ['zip: 0 does not broadcast to 2', (b) => b.zip('add', z(0), z(2))],
  ['matmul: inner extents', (b) => b.matmul(z(2, 3), z(4, 5))],
  ['matmul: batches', (b) => b.matmul(z(2, 3, 4), z(3, 4, 5))],
  ['matmul: a vector', (b) => b.matmul(z(3), z(3, 2))],
  ['affine: inner extents', (b) => b.affine(z(2, 3), z(4, 5), undefined)],
  ['affine: a row for each position', (b) => b.affine(z(2, 2, 3), z(4, 3), undefined)],
  ['affine: bias', (b) => b.affine(z(2, 3), z(4, 3), z(3))],
  ['sum: no such axis', (b) => b.sum(z(2, 3), [2])],
  ['sum: the same axis twice', (b) => b.sum(z(2, 3), [0, 0])],
  ['rowDots: rows differ', (b) => b.rowDots(z(2, 3), z(2, 4))],
  ['rowDots: no axis', (b) => b.rowDots(z(), z())],
  ['weightedRowSum: counts differ', (b) => b.weightedRowSum(z(3), z(2, 4))],
  ['weightedRowSum: weights of rank 2', (b) => b.weightedRowSum(z(2, 1), z(2, 4))],
  ['scaleRows: counts differ', (b) => b.scaleRows(z(3), z(2, 4))],
  ['pad2d: a vector', (b) => b.pad2d(z(3), { top: 1, bottom: 1, left: 1, right: 1 })],
  ['groupNorm: groups', (b) => b.groupNorm(z(2, 3, 4), { groups: 2, epsilon: 1 }, {})],
  ['groupNorm: a scale', (b) => b.groupNorm(z(2, 4, 4), { groups: 2, epsilon: 1 }, { weight: z(2) })],
  [
    'groupNormGrad: cotangent',
    (b) => b.groupNormGrad(z(2, 4, 4), z(2, 4, 3), undefined, { mean: z(2, 2), inverseDeviation: z(2, 2) }),
  ],
  [
    'groupNormGrad: statistics',
    (b) => b.groupNormGrad(z(2, 4, 4), z(2, 4, 4), undefined, { mean: z(2, 2), inverseDeviation: z(1, 2) }),
  ],
  [
    'groupNormGrad: the output of an activation',
    (b) =>
      b.groupNormGrad(
        z(2, 4, 4),
        z(2, 4, 4),
        undefined,
        { mean: z(2, 2), inverseDeviation: z(2, 2) },
        { op: 'reluGrad', y: z(2, 4, 3) },
      ),
  ],
  ['conv2d: channels', (b) => b.conv2d(z(1, 3, 4, 4), z(2, 2, 2, 2), undefined, plain)],
  ['conv2d: the kernel of the weight', (b) => b.conv2d(z(1, 3, 4, 4), z(2, 3, 3, 2), undefined, plain)],
  ['conv2d: rank', (b) => b.conv2d(z(3, 4, 4), z(2, 3, 2, 2), undefined, plain)],
  ['conv2d: groups', (b) => b.conv2d(z(1, 4, 4, 4), z(3, 2, 2, 2), undefined, { ...plain, groups: 2 })],
  ['conv2d: bias', (b) => b.conv2d(z(1, 3, 4, 4), z(2, 3, 2, 2), z(3), plain)],
  ['conv2d: a kernel beyond the plane', (b) => b.conv2d(z(1, 3, 1, 4), z(2, 3, 2, 2), undefined, plain)],
  ['conv2dInputGrad: cotangent', (b) => b.conv2dInputGrad(z(1, 2, 4, 3), z(2, 3, 2, 2), plain, [1, 3, 4, 4])],
  ['conv2dPerSampleGrad: cotangent', (b) => b.conv2dPerSampleGrad(z(1, 3, 4, 4), z(1, 2, 4, 3), plain)],
  ['conv2dPerSampleGrad: samples', (b) => b.conv2dPerSampleGrad(z(2, 3, 4, 4), z(1, 2, 3, 3), plain)],
  ['conv2dPerSampleGrad: groups', (b) => b.conv2dPerSampleGrad(z(1, 3, 4, 4), z(1, 2, 3, 3), { ...plain, groups: 2 })],
  ['conv2d: a stride of 0', (b) => b.conv2d(z(1, 3, 4, 4), z(2, 3, 2, 2), undefined, { ...plain, stride: [0, 1] })],
  ['conv2dSquaredNorm: cotangent', (b) => b.conv2dSquaredNorm(z(1, 3, 4, 4), z(1, 2, 4, 3), plain)],
  ['conv2dGramSquaredNorm: cotangent', (b) => b.conv2dGramSquaredNorm(z(1, 3, 4, 4), z(1, 2, 4, 3), 1, plain)],
  ['conv2dWeightedGrad: cotangent', (b) => b.conv2dWeightedGrad(z(1, 3, 4, 4), z(1, 2, 4, 3), z(1), plain)],
  ['conv2dWeightedGrad: weights', (b) => b.conv2dWeightedGrad(z(1, 3, 4, 4), z(1, 2, 3, 3), z(2), plain)],
  ['maxPool2d: rank', (b) => b.maxPool2d(z(3, 4, 4), plain)],
  ['maxPool2d: a window beyond the plane', (b) => b.maxPool2d(z(1, 3, 4, 1), plain)],
  [
    'maxPool2d: a window of nothing but padding',
    (b) => b.maxPool2d(z(1, 1, 2, 2), { ...plain, kernel: [1, 1], padding: [1, 1] }),
  ],
  ['maxPool2dGrad: places', (b) => b.maxPool2dGrad(z(1, 3, 2, 2), z(1, 3, 2, 1), [1, 3, 4, 4])],
  ['maxPool2dGrad: planes', (b) => b.maxPool2dGrad(z(1, 3, 2, 2), z(1, 3, 2, 2), [1, 2, 4, 4])],
  ['avgPool2d: rank', (b) => b.avgPool2d(z(3, 4, 4), plain)],
  ['avgPool2dGrad: cotangent', (b) => b.avgPool2dGrad(z(1, 3, 2, 2), plain, [1, 3, 4, 4])],
]

export const shapeErrorLaws = (name: string, backend: Backend): void => {
  describe(`${name}: shapes that do not fit throw a ShapeError`, () => {
    it.each(misfits)('%s', (_, call) => {
      try {
        call(backend)
      } catch (error) {
        const { name: kind, shapes, message } = error as ShapeError
        expect(kind, message).toBe('ShapeError')
        expect(shapes.length).toBeGreaterThan(0)
        for (const shape of shapes) expect(message).toContain(`[${shape.join(',')}]`)
        return
      }
      expect.fail('nothing was thrown')
    })
  })
}

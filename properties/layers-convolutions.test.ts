/**
 * Convolutions with every padding, and transposed ones: the laws, and what is particular to them.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { conv1d, conv2d, conv3d, convTranspose3d, pad, sequential } from '../src/grad/index.js'
import { key } from '../src/sampling/index.js'
import { defaultBackend } from '../src/tensor/backend/default.js'
import { reference } from '../src/tensor/backend/reference.js'
import { genericTensors } from './arbitraries/batch.js'
import { convolutionFamilies } from './arbitraries/layer-convolutions.js'
import { noise } from './arbitraries/tensor.js'
import { expectNear } from './laws/closeness.js'
import { expectShapeError, layerLaws } from './laws/layer.js'
import { normLaw } from './laws/norm.js'

describe('layers', () => {
  for (const [name, cases] of convolutionFamilies) layerLaws(name, cases, { numRuns: 12 })
})

describe('norms that clipping stands on', () => {
  for (const [name, cases] of convolutionFamilies) normLaw(name, cases, defaultBackend(), { numRuns: 30 })
})

const near = expectNear(1e-9)
const close = expectNear(1e-4)

describe('padding of convolutions', () => {
  it("'same' keeps the extents, whatever kernel and dilation; 'valid' is no padding", () => {
    const odd = [
      [1, 1],
      [2, 1],
      [3, 2],
      [4, 3],
    ] as const
    for (const [kernel, dilation] of odd) {
      const options = { kernel, dilation, padding: 'same' } as const
      expect(conv1d(2, options).init(key(0), [3, 11]).output).toEqual([2, 11])
      expect(conv2d(2, options).init(key(0), [3, 11, 12]).output).toEqual([2, 11, 12])
      expect(conv3d(2, options).init(key(0), [3, 10, 11, 12]).output).toEqual([2, 10, 11, 12])
      expect(conv2d(2, { ...options, padding: 'valid' }).init(key(0), [3, 11, 12]).output).toEqual(
        conv2d(2, { kernel, dilation }).init(key(0), [3, 11, 12]).output,
      )
    }
  })
  it("'same' with a stride is a ShapeError", () => {
    expectShapeError(() => conv2d(2, { kernel: 3, stride: 2, padding: 'same' }))
  })
  it.each(['reflect', 'replicate', 'circular'] as const)('%s is a layer of padding before', (paddingMode) => {
    const whole = conv2d(2, { kernel: 3, padding: [1, 2], paddingMode })
    const edges = [
      [1, 1],
      [2, 2],
    ] as const
    const parts = sequential(pad({ edges, mode: paddingMode }), conv2d(2, { kernel: 3 }))
    const { params } = whole.init(key(0), [2, 4, 5])
    const [x, gy] = [noise([3, 2, 4, 5], { seed: 1 }), noise([3, 2, 4, 7], { seed: 2 })]
    const [[y, cache], [wanted, partsCache]] = [
      whole.forward(reference, params, x),
      parts.forward(reference, [{}, params], x),
    ]
    near(y, wanted)
    near(whole.backward(reference, params, cache, gy), parts.backward(reference, [{}, params], partsCache, gy))
    near(
      whole.perSampleGrad(reference, params, cache, gy),
      parts.perSampleGrad(reference, [{}, params], partsCache, gy)[1],
    )
  })
})

describe('norms of convolutions', () => {
  it.each([1, 2, 3])('with kernels %i pixels wide, the Gram form is right for every small image', (size) => {
    // Rows of its matrices end where a vector does for some extents only, and what is written beyond them is seen there only.
    for (let height = 1; height <= 9; height++)
      for (let width = 1; width <= 9; width++)
        for (let padding = 0; padding < size; padding++) {
          const output = [height, width].map((extent) => extent + 2 * padding - size + 1)
          if (output.some((extent) => extent < 1)) continue
          const convolution = {
            kernel: [size, size],
            stride: [1, 1],
            padding: [padding, padding],
            dilation: [1, 1],
            groups: 1,
          } as const
          const [x, gy] = [noise([2, 3, height, width], { seed: 1 }), noise([2, 2, ...output], { seed: 2 })]
          const g = reference.conv2dPerSampleGrad(x, gy, convolution)
          close(defaultBackend().conv2dGramSquaredNorm(x, gy, 0, convolution), reference.rowDots(g, g))
        }
  })
  it.each([1, 2, 4])('in %i groups, the Gram form has no terms across groups', (groups) => {
    fc.assert(
      fc.property(genericTensors([2, 4, 4, 3]), genericTensors([2, 8, 2, 3]), (x, gy) => {
        const convolution = { kernel: [3, 2], stride: [2, 1], padding: [1, 1], dilation: [1, 2], groups } as const
        const g = reference.conv2dPerSampleGrad(x, gy, convolution)
        const gb = reference.sum(gy, [2, 3])
        close(defaultBackend().conv2dGramSquaredNorm(x, gy, 0, convolution), reference.rowDots(g, g))
        close(
          defaultBackend().conv2dGramSquaredNorm(x, gy, 1, convolution),
          reference.zip('add', reference.rowDots(g, g), reference.rowDots(gb, gb)),
        )
      }),
      { numRuns: 10 },
    )
  })
})

describe('transposed convolution', () => {
  it('convTranspose3d is the adjoint of conv3d', () => {
    fc.assert(
      fc.property(
        genericTensors([2, 4, 2, 3, 2]),
        genericTensors([2, 2, 4, 5, 4]),
        genericTensors([4, 1, 2, 3, 2]),
        (x, z, weight) => {
          const options = { kernel: [2, 3, 2], stride: 2, padding: [0, 1, 0], groups: 2, bias: false } as const
          const up = convTranspose3d(2, options).forward(reference, { weight }, x)[0]
          const down = conv3d(4, options).forward(reference, { weight }, z)[0]
          near(reference.rowDots(up, z), reference.rowDots(x, down))
        },
      ),
      { numRuns: 10 },
    )
  })
})

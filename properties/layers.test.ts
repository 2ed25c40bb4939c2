/**
 * Single layers beyond those of `grad.test.ts`: the laws, and what is particular to each.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type AnyLayer,
  conv1d,
  conv2d,
  conv3d,
  convTranspose2d,
  embedding,
  embeddingBag,
  groupNorm,
  instanceNorm,
  linear,
  meanSquaredError,
  pad,
  samePadding,
  sequential,
  takeBatch,
  weightedGrad,
  withPerSampleGradients,
} from '../src/grad/index.js'
import { type ClippedGrad, clippedGradWithDiagnostics, flatClip } from '../src/privacy/index.js'
import { key } from '../src/sampling/index.js'
import { defaultBackend } from '../src/tensor/backend/default.js'
import { reference } from '../src/tensor/backend/reference.js'
import { full, type Tensor, tensor, toArray, zeros } from '../src/tensor/tensor.js'
import type { Tree } from '../src/tensor/tree.js'
import { reshape, slice } from '../src/tensor/view.js'
import { genericTensors } from './arbitraries/batch.js'
import { kindFamilies } from './arbitraries/layer-kinds.js'
import { noise } from './arbitraries/tensor.js'
import { expectEqual, expectNear } from './laws/closeness.js'
import { expectShapeError, layerLaws } from './laws/layer.js'
import { normLaw } from './laws/norm.js'

describe('layers', () => {
  for (const [name, cases] of kindFamilies) layerLaws(name, cases)
})

describe('norms that clipping stands on', () => {
  for (const [name, cases] of kindFamilies) normLaw(name, cases, defaultBackend())
})

const near = expectNear(1e-9)
const tokens = (vocabulary: number, shape: readonly [number, number]) =>
  fc
    .array(fc.nat(vocabulary - 1), { minLength: shape[0] * shape[1], maxLength: shape[0] * shape[1] })
    .map((drawn) => tensor(drawn, shape, 'int32'))

describe('tables of tokens', () => {
  const [vocabulary, features, paddingIndex] = [4, 3, 2]
  const weight = noise([vocabulary, features], { dtype: 'float64' })

  it('the row of the padding is read, and has no gradient; all else is as without padding', () => {
    fc.assert(
      fc.property(tokens(vocabulary, [3, 5]), genericTensors([3, 5, features]), genericTensors([3]), (x, gy, by) => {
        const [padded, plain] = [embedding({ vocabulary, features, paddingIndex }), embedding({ vocabulary, features })]
        const [y, cache] = padded.forward(reference, { weight }, x)
        const [whole, same] = plain.forward(reference, { weight }, x)
        expectEqual(y, whole)
        const without = (rows: Tensor): Tensor => {
          const keep = Array.from({ length: vocabulary }, (_, v) => Number(v !== paddingIndex))
          return reference.zip('mul', rows, tensor(keep, [vocabulary, 1], 'float64'))
        }
        const wanted = without(plain.perSampleGrad(reference, { weight }, same, gy).weight)
        near(padded.perSampleGrad(reference, { weight }, cache, gy).weight, wanted)
        near(padded.perSampleSquaredNorm(reference, { weight }, cache, gy), reference.rowDots(wanted, wanted))
        const sum = padded.weightedGrad(reference, { weight }, cache, gy, by).weight
        near(sum, reference.weightedRowSum(by, wanted))
      }),
    )
  })
  it('a bag is the sum, the mean, or the maximum of the embeddings that are no padding; of none of them, zeros', () => {
    fc.assert(
      fc.property(tokens(vocabulary, [3, 4]), (x) => {
        const rows = toArray(embedding({ vocabulary, features }).forward(reference, { weight }, x)[0])
        const drawn = toArray(x)
        const bag = (mode: 'sum' | 'mean' | 'max') =>
          embeddingBag({ vocabulary, features, paddingIndex, mode }).forward(reference, { weight }, x)[0]
        const expected = (of: (column: readonly number[]) => number): Tensor =>
          tensor(
            Array.from({ length: 3 * features }, (_, at) => {
              const [n, e] = [Math.floor(at / features), at % features]
              const places = [0, 1, 2, 3].map((t) => 4 * n + t).filter((place) => drawn[place] !== paddingIndex)
              return places.length === 0 ? 0 : of(places.map((place) => rows[place * features + e] as number))
            }),
            [3, features],
            'float64',
          )
        const total = (column: readonly number[]) => column.reduce((a, b) => a + b, 0)
        near(bag('sum'), expected(total))
        near(
          bag('mean'),
          expected((column) => total(column) / column.length),
        )
        near(
          bag('max'),
          expected((column) => Math.max(...column)),
        )
      }),
    )
  })
  it('norms and sums need no room for samples × vocabulary', () => {
    // 2⁸ samples × 2²⁰ tokens would be 4 GiB of gradients.
    const model = embedding({ vocabulary: 2 ** 20, features: 4 })
    const params = { weight: zeros([2 ** 20, 4]) }
    const input = tensor(
      Array.from({ length: 2 ** 9 }, (_, i) => (i * 7919) % 2 ** 20),
      [2 ** 8, 2],
      'int32',
    )
    const target = full(1, [2 ** 8, 2, 4])
    const { norms, sum } = withPerSampleGradients(meanSquaredError, model)(params, { input, target }, (g) => ({
      norms: g.squaredNorm(),
      sum: g.weightedSum(full(1, [2 ** 8], 'float64')),
    }))
    expect(toArray(norms)).toEqual(new Array(2 ** 8).fill(0.5))
    expect(sum.weight.shape).toEqual([2 ** 20, 4])
  })
  it.each([4, -1, 0.5, Number.NaN])(
    'the token %d makes all of its sample NaN, and leaves the other samples theirs',
    (token) => {
      for (const [model, target] of [
        [embedding({ vocabulary, features }), zeros([2, 2, features])],
        [embeddingBag({ vocabulary, features }), zeros([2, features])],
        [embeddingBag({ vocabulary, features, mode: 'max' }), zeros([2, features])],
      ] as const) {
        const rule = model as unknown as AnyLayer
        const batch = { input: tensor([token, 1, 3, 2], [2, 2], 'float64'), target }
        const options = { backend: reference }
        const [{ bounded, diagnostics }, alone] = [batch, takeBatch([1])(batch)].map((each) =>
          clippedGradWithDiagnostics(meanSquaredError, rule, flatClip(1), options)({ weight }, each),
        ) as [ClippedGrad<Tree>, ClippedGrad<Tree>]
        expect(bounded).toEqual(alone.bounded)
        expect(toArray(diagnostics.value.loss)).toEqual([Number.NaN, ...toArray(alone.diagnostics.value.loss)])
        expect(diagnostics.value.nonFinite).toBe(1)
      }
    },
  )
  it('a padding outside of the table is a ShapeError', () => {
    expectShapeError(() => embedding({ vocabulary, features, paddingIndex: 4 }).init(key(0), [3]))
    expectShapeError(() => embeddingBag({ vocabulary, features, paddingIndex: -1 }).init(key(0), [3]))
  })
})

describe('biases', () => {
  it('a Gram norm does not lose the bias where the input is 0 and products of cotangents underflow', () => {
    const on = defaultBackend()
    for (const [model, input, output] of [
      [linear(8), [2, 8], [2, 8]],
      [conv2d(8, { kernel: 3 }), [2, 3, 4], [8, 1, 2]],
    ] as const) {
      const rule = model as unknown as AnyLayer
      const { params } = rule.init(key(0), input)
      const [, cache] = rule.forward(on, params, zeros([1, ...input]))
      const gy = full(1e-25, [1, ...output])
      const norm = Math.sqrt(toArray(rule.perSampleSquaredNorm(on, params, cache, gy))[0] as number)
      const sum = rule.weightedGrad(on, params, cache, gy, full(1, [1])) as { readonly bias: Tensor }
      expect(norm).toBeGreaterThanOrEqual(Math.hypot(...toArray(sum.bias)))
    }
  })
})

describe('layers that are others in disguise', () => {
  it('conv3d of kernel depth 1 is conv2d of every slice', () => {
    fc.assert(
      fc.property(genericTensors([2, 2, 3, 4, 5]), genericTensors([3, 2, 1, 2, 3]), (x, weight) => {
        const [y] = conv3d(3, { kernel: [1, 2, 3], stride: [1, 2, 1], padding: [0, 1, 1], bias: false }).forward(
          reference,
          { weight },
          x,
        )
        const plane = conv2d(3, { kernel: [2, 3], stride: [2, 1], padding: 1, bias: false })
        for (const d of [0, 1, 2]) {
          const cut = (t: Tensor): Tensor => {
            const part = slice({ axis: 2, start: d, end: d + 1 })(t)
            return reshape(part.shape.toSpliced(2, 1))(part)
          }
          near(cut(y), plane.forward(reference, { weight: reshape([3, 2, 2, 3])(weight) }, cut(x))[0])
        }
      }),
      { numRuns: 20 },
    )
  })
  it('conv3d whose height and width are 1 is conv1d', () => {
    fc.assert(
      fc.property(genericTensors([2, 4, 7]), genericTensors([2, 2, 3]), (x, weight) => {
        const options = { groups: 2, bias: false }
        const [y] = conv3d(2, {
          kernel: [3, 1, 1],
          stride: [2, 1, 1],
          padding: [1, 0, 0],
          dilation: [2, 1, 1],
          ...options,
        }).forward(reference, { weight: reshape([2, 2, 3, 1, 1])(weight) }, reshape([2, 4, 7, 1, 1])(x))
        const line = conv1d(2, { kernel: 3, stride: 2, padding: 1, dilation: 2, ...options })
        near(reshape([2, 2, 3])(y), line.forward(reference, { weight }, x)[0])
      }),
      { numRuns: 20 },
    )
  })
  it.each([
    ['zeros', [0, 1, 2, 3, 0, 0]],
    ['reflect', [2, 1, 2, 3, 2, 1]],
    ['replicate', [1, 1, 2, 3, 3, 3]],
    ['circular', [3, 1, 2, 3, 1, 2]],
  ] as const)('pad(%s) of 1, 2, 3 by one before and two after', (mode, expected) => {
    const rule = pad({ edges: [[1, 2]], mode })
    expect(toArray(rule.forward(reference, {}, tensor([1, 2, 3], [1, 3]))[0])).toEqual(expected)
  })
  it('padding by zeros, then a convolution without any, is a convolution with padding', () => {
    const model = sequential(pad({ edges: samePadding([3, 3]) }), conv2d(2, { kernel: 3 }))
    const whole = conv2d(2, { kernel: 3, padding: 1 })
    const { params, output } = whole.init(key(0), [2, 4, 5])
    expect(output).toEqual([2, 4, 5])
    const [x, gy] = [noise([3, 2, 4, 5], { seed: 1 }), noise([3, 2, 4, 5], { seed: 2 })]
    const [[y, cache], [wanted, wholeCache]] = [
      model.forward(reference, [{}, params], x),
      whole.forward(reference, params, x),
    ]
    near(y, wanted)
    near(
      model.perSampleGrad(reference, [{}, params], cache, gy)[1],
      whole.perSampleGrad(reference, params, wholeCache, gy),
    )
    near(model.backward(reference, [{}, params], cache, gy), whole.backward(reference, params, wholeCache, gy))
  })
  it('convTranspose2d is the adjoint of conv2d', () => {
    fc.assert(
      fc.property(
        genericTensors([2, 3, 3, 3]),
        genericTensors([2, 2, 6, 6]),
        genericTensors([3, 2, 3, 3]),
        (x, z, weight) => {
          const options = { kernel: 3, stride: 2, padding: 1, groups: 1, bias: false }
          const up = convTranspose2d(2, { ...options, outputPadding: 1 }).forward(reference, { weight }, x)[0]
          const down = conv2d(3, options).forward(reference, { weight }, z)[0]
          near(reference.rowDots(up, z), reference.rowDots(x, down))
        },
      ),
      { numRuns: 20 },
    )
  })
  it('instanceNorm is groupNorm with a channel in each group', () => {
    fc.assert(
      fc.property(genericTensors([2, 3, 4, 2]), genericTensors([2, 3, 4, 2]), (x, gy) => {
        const params = { weight: tensor([1, -2, 3], [3]), bias: tensor([0.5, 0, 1], [3]) }
        const [one, other] = [instanceNorm({ affine: true }), groupNorm({ groups: 3 })]
        const [[y, cache], [wanted, otherCache]] = [
          one.forward(reference, params, x),
          other.forward(reference, params, x),
        ]
        near(y, wanted)
        near(one.backward(reference, params, cache, gy), other.backward(reference, params, otherCache, gy))
      }),
      { numRuns: 20 },
    )
  })
  it('a table under a weighted sum is the gradient of the summed loss on every backend', () => {
    const model = embedding({ vocabulary: 5, features: 2 })
    const { params } = model.init(key(1), [3])
    const batch = { input: tensor([0, 1, 1, 4, 4, 4], [2, 3], 'int32'), target: noise([2, 3, 2]) }
    const on = (backend: typeof reference) =>
      weightedGrad(meanSquaredError, model, { backend })(params, batch, tensor([0.5, 2], [2], 'float64')).grad
    expectNear(1e-6)(on(defaultBackend()), on(reference))
  })
})

/**
 * Sequences with masks and memories, layers of parts, dropout, adapters: the laws, and what is particular to each.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type AnyLayer,
  checkLayer,
  conv2d,
  crossAttention,
  type Dropout,
  decoderBlock,
  embedding,
  encoderBlock,
  gru,
  linear,
  loraAttention,
  loraConv2d,
  lstm,
  maskedLast,
  maskedMean,
  meanSquaredError,
  numbered,
  parallel,
  predict,
  rnn,
  selfAttention,
  sequential,
  tokenMask,
  withDropout,
} from '../src/grad/index.js'
import { asLayer } from '../src/grad/layer.js'
import { clippedGrad, flatClip } from '../src/privacy/index.js'
import { foldIn, type Key, key, uniform } from '../src/sampling/index.js'
import { defaultBackend } from '../src/tensor/backend/default.js'
import { reference } from '../src/tensor/backend/reference.js'
import type { Shape } from '../src/tensor/shape.js'
import { type Tensor, tensor, toArray, zeros } from '../src/tensor/tensor.js'
import { namedLeaves } from '../src/tensor/tree.js'
import { slice, take } from '../src/tensor/view.js'
import { genericTensors } from './arbitraries/batch.js'
import { paramsOf } from './arbitraries/layer.js'
import { sequenceFamilies } from './arbitraries/layer-sequences.js'
import { noise } from './arbitraries/tensor.js'
import { expectEqual, expectNear } from './laws/closeness.js'
import { layerLaws } from './laws/layer.js'
import { normLaw } from './laws/norm.js'

describe('layers', () => {
  // A block is a dozen layers, each of which has been through its own laws.
  for (const [name, cases] of sequenceFamilies)
    layerLaws(name, cases, { numRuns: name === 'a transformer block' ? 3 : 6 })
})

describe('norms that clipping stands on', () => {
  for (const [name, cases] of sequenceFamilies) normLaw(name, cases, defaultBackend(), { numRuns: 10 })
})

const near = expectNear(1e-9)
const run = (rule: AnyLayer, params: unknown, x: Tensor): Tensor => rule.forward(reference, params as never, x)[0]
const cut = (axis: number, start: number, end: number) => slice({ axis, start, end })

/** A sequence [n, t, e] with a mask that counts its first positions. */
const withLength = (x: Tensor, counted: number): Tensor => {
  const [n, t, e] = x.shape as readonly [number, number, number]
  const values = toArray(x)
  const rows = Array.from({ length: n * t }, (_, row) => [
    ...values.slice(row * e, (row + 1) * e),
    row % t < counted ? 1 : 0,
  ])
  return tensor(rows.flat(), [n, t, e + 1], 'float64')
}

/** Layers of sequences of 4 features, with a mask and without. */
const pairs: readonly (readonly [name: string, make: (masked: boolean) => AnyLayer])[] = [
  ['rnn', (masked) => asLayer(rnn(3, { masked, bidirectional: true }))],
  ['lstm', (masked) => asLayer(lstm(3, { masked, layers: 2, bidirectional: true }))],
  ['gru', (masked) => asLayer(gru(3, { masked, layers: 2 }))],
  ['selfAttention', (masked) => asLayer(selfAttention({ features: 4, heads: 2, masked }))],
  ['causal selfAttention', (masked) => asLayer(selfAttention({ features: 4, heads: 2, masked, causal: true }))],
  ['encoderBlock', (masked) => asLayer(encoderBlock({ features: 4, heads: 2, masked }))],
]

describe('masks', () => {
  it.each(pairs)('%s: a sequence with a mask is the sequence cut off where it ends, its norms too', (_name, make) => {
    fc.assert(
      fc.property(genericTensors([2, 5, 4]), genericTensors([2, 5, 12]), fc.integer({ min: 1, max: 5 }), (x, g, t) => {
        const [masked, plain] = [make(true), make(false)]
        const { params, output } = plain.init(key(3), [t, 4])
        const width = output[1] as number
        const [y, cache] = masked.forward(reference, params, withLength(x, t))
        const short = cut(1, 0, t)(x)
        const [wanted, plainCache] = plain.forward(reference, params, short)
        near(cut(2, 0, width)(cut(1, 0, t)(y)), wanted)
        // What a loss says of the positions that do not count is nothing.
        const gy = cut(2, 0, width)(cut(1, 0, t)(g))
        const padded = concatenateAlong(1, gy, zeros([2, 5 - t, width], 'float64'))
        const cotangent = concatenateAlong(2, padded, zeros([2, 5, 1], 'float64'))
        near(
          masked.perSampleGrad(reference, params, cache, cotangent),
          plain.perSampleGrad(reference, params, plainCache, gy),
        )
        near(
          masked.perSampleSquaredNorm(reference, params, cache, cotangent),
          plain.perSampleSquaredNorm(reference, params, plainCache, gy),
        )
        const gx = masked.backward(reference, params, cache, cotangent)
        near(cut(2, 0, 4)(cut(1, 0, t)(gx)), plain.backward(reference, params, plainCache, gy))
      }),
      { numRuns: 5 },
    )
  })
  it('a sequence of which nothing counts gives zeros, not NaN', () => {
    const x = withLength(noise([2, 3, 4], { dtype: 'float64' }), 0)
    for (const model of [
      sequential(asLayer(selfAttention({ features: 4, heads: 2, masked: true, bias: false })), asLayer(maskedMean)),
      sequential(asLayer(lstm(2, { masked: true })), asLayer(maskedLast)),
    ]) {
      const { params, output } = model.init(key(0), [3, 5])
      expect(toArray(run(asLayer(model), params, x))).toEqual(new Array(2 * (output[0] as number)).fill(0))
    }
  })
  it('tokens of the padding are masked; pools read those that count', () => {
    const model = parallel({ combine: 'concatenate', axis: 1 })(
      embedding({ vocabulary: 4, features: 1, paddingIndex: 0 }),
      asLayer(tokenMask(0)),
    )
    const params = [{ weight: tensor([0, 10, 20, 30], [4, 1]) }, {}]
    const x = tensor([1, 2, 0, 3, 0, 0], [2, 3], 'int32')
    const y = run(asLayer(model), params, x)
    expect(toArray(y)).toEqual([10, 1, 20, 1, 0, 0, 30, 1, 0, 0, 0, 0])
    expect(toArray(run(asLayer(maskedMean), {}, y))).toEqual([15, 30])
    expect(toArray(run(asLayer(maskedLast), {}, y))).toEqual([20, 30])
  })
})

/** Two tensors side by side. */
const concatenateAlong = (axis: 1 | 2, a: Tensor, b: Tensor): Tensor => {
  const [n, t, e] = a.shape as readonly [number, number, number]
  const [left, right] = [toArray(a), toArray(b)]
  const [width, other] = axis === 2 ? [e, b.shape[2] as number] : [t * e, (b.shape[1] as number) * e]
  const rows = axis === 2 ? n * t : n
  const joined = Array.from({ length: rows }, (_, row) => [
    ...left.slice(row * width, (row + 1) * width),
    ...right.slice(row * other, (row + 1) * other),
  ])
  const shape: Shape = axis === 2 ? [n, t, e + other] : [n, t + (b.shape[1] as number), e]
  return tensor(joined.flat(), shape, 'float64')
}

describe('attention to a memory', () => {
  it('of a sequence to itself is self-attention', () => {
    const [cross, self] = [
      crossAttention({ features: 4, heads: 2, memory: 3 }),
      selfAttention({ features: 4, heads: 2 }),
    ]
    fc.assert(
      fc.property(genericTensors([2, 3, 4]), paramsOf(asLayer(self), [3, 4]), (x, params) => {
        near(run(asLayer(cross), params, concatenateAlong(1, x, x)), run(asLayer(self), params, x))
      }),
      { numRuns: 10 },
    )
  })
  it('a decoder hands its memory on, depends on it, and sees no later position of its own', () => {
    const rule = asLayer(decoderBlock({ features: 4, heads: 2, memory: 2 }))
    const { params } = rule.init(key(1), [5, 4])
    const [x, memory] = [noise([1, 3, 4], { dtype: 'float64' }), noise([1, 2, 4], { seed: 2, dtype: 'float64' })]
    const y = run(rule, params, concatenateAlong(1, x, memory))
    near(cut(1, 3, 5)(y), memory)
    const other = run(rule, params, concatenateAlong(1, x, noise([1, 2, 4], { seed: 3, dtype: 'float64' })))
    expect(toArray(cut(1, 0, 3)(other))).not.toEqual(toArray(cut(1, 0, 3)(y)))
    const later = concatenateAlong(1, cut(1, 0, 2)(x), noise([1, 1, 4], { seed: 4, dtype: 'float64' }))
    near(cut(1, 0, 2)(run(rule, params, concatenateAlong(1, later, memory))), cut(1, 0, 2)(y))
  })
  it('parameters have the names that PyTorch gives them', () => {
    expect(namedLeaves(decoderBlock({ features: 2, heads: 1, memory: 1 }).init(key(0), [2, 2]).params).length).toBe(18)
    expect(
      namedLeaves(decoderBlock({ features: 2, heads: 1, memory: 1 }).init(key(0), [2, 2]).params).map(
        ({ path }) => path,
      ),
    ).toContain('multihead_attn.out_proj.bias')
  })
})

describe('adapters', () => {
  it('start as the layer that they correct, and have the parameters of the corrections alone', () => {
    const attention = { features: 4, heads: 2, causal: true }
    const convolution = { kernel: 3, padding: 'same', groups: 2, paddingMode: 'circular' } as const
    const [ofAttention, ofConvolution] = [
      selfAttention(attention).init(key(2), [3, 4]).params,
      conv2d(4, convolution).init(key(2), [2, 4, 4]).params,
    ]
    const cases = [
      [
        asLayer(loraAttention(ofAttention, { ...attention, rank: 2, targets: ['query', 'key', 'value', 'output'] })),
        asLayer(selfAttention(attention)),
        ofAttention,
        [3, 4],
        8,
      ],
      [
        asLayer(loraConv2d(ofConvolution, convolution, { rank: 2 })),
        asLayer(conv2d(4, convolution)),
        ofConvolution,
        [2, 4, 4],
        2,
      ],
    ] as const
    for (const [adapted, base, params, input, count] of cases) {
      const x = noise([2, ...input], { dtype: 'float64' })
      const own = adapted.init(key(5), input).params
      near(run(adapted, own, x), run(base, params, x))
      expect(namedLeaves(own).length).toBe(count)
    }
  })
})

describe('dropout', () => {
  const model = withDropout([6])((dropout) => sequential(dropout(0.5), linear(4), dropout(0.2), linear(2)))
  const { params } = model.evaluation.init(key(0), [6])
  const x = noise([7, 6], { dtype: 'float64' })
  const samples = [3, 0, 12, 5, 9, 1, 4]

  it('a number that the samples cannot hold is refused, since it would be that of another sample', () => {
    expect(() => numbered([256])(zeros([1, 3], 'uint8'))).toThrow(/number 256 .* uint8/)
    expect(() => numbered([2 ** 24 + 1])(zeros([1, 3], 'float32'))).toThrow(/float32/)
    expect(toArray(numbered([2 ** 24])(zeros([1, 1], 'float32')))).toEqual([2 ** 24, 0])
  })

  it('a mask follows from key and number: the same under any order and in any physical batch', () => {
    const training = asLayer(model.training(key(7)))
    const all = run(training, params, numbered(samples)(x))
    const order = [4, 1, 6]
    const chosen = order.map((i) => samples[i] as number)
    expectEqual(run(training, params, numbered(chosen)(take(order)(x))), take(order)(all))
    const target = zeros([7, 2])
    const clipped = clippedGrad(meanSquaredError, model.training(key(7)), flatClip(0.5), { backend: reference })
    const sumOf = (rows: readonly number[]) =>
      clipped(params, {
        input: numbered(rows.map((i) => samples[i] as number))(take(rows)(x)),
        target: take(rows)(target),
      }).sum
    const [whole, first, second] = [sumOf([0, 1, 2, 3, 4, 5, 6]), sumOf([0, 1, 2]), sumOf([3, 4, 5, 6])]
    const added = namedLeaves(first).map(({ leaf }, i) =>
      reference.zip('add', leaf, (namedLeaves(second)[i] as { leaf: Tensor }).leaf),
    )
    near(
      namedLeaves(whole).map(({ leaf }) => leaf),
      added,
    )
  })
  it('another key, another number or another place is another mask; the same is the same', () => {
    const one = withDropout([64])((dropout) => dropout(0.5))
    const ones = tensor(new Array(64).fill(1), [1, 64])
    const mask = (k: number, sample: number) =>
      toArray(run(asLayer(one.training(foldIn(k)(key(0)))), {}, numbered([sample])(ones)))
    expect(mask(0, 3)).toEqual(mask(0, 3))
    expect(mask(0, 3)).not.toEqual(mask(1, 3))
    expect(mask(0, 3)).not.toEqual(mask(0, 4))
    const twice = withDropout([64])((dropout) => sequential(dropout(0.5), dropout(0.5)))
    const kept = toArray(run(asLayer(twice.training(foldIn(0)(key(0)))), [{}, {}], numbered([3])(ones)))
    // Two masks of one key that were equal would leave a half; two independent ones leave a quarter.
    const single = mask(0, 3).filter((v) => v !== 0).length
    expect(kept.filter((v) => v !== 0).length).toBeLessThan(single)
    expect(new Set(kept)).toEqual(new Set([0, 4]))
  })
  it('keeps each number with its probability, and the mean as it is', () => {
    const count = 40
    const one = withDropout([500])((dropout) => dropout(0.3))
    const ones = tensor(new Array(count * 500).fill(1), [count, 500])
    const y = toArray(
      run(asLayer(one.training(key(5))), {}, numbered(Array.from({ length: count }, (_, i) => i))(ones)),
    )
    const kept = y.filter((v) => v !== 0)
    for (const v of new Set(kept)) expect(v).toBeCloseTo(1 / 0.7, 12)
    // 20 000 draws of probability 0.7: five standard deviations are 0.016.
    expect(Math.abs(kept.length / y.length - 0.7)).toBeLessThan(0.0163)
  })
  it('evaluation is the model without it', () => {
    const plain = sequential(linear(4), linear(2))
    const [, first, , second] = params
    near(
      predict(model.evaluation, { backend: reference })(params, x),
      predict(plain, { backend: reference })([first, second] as never, x),
    )
  })
  it('stands between recurrent layers and within blocks, each time with a mask of its own', async () => {
    const bodies = [
      (dropout: Dropout) => asLayer(lstm(2, { layers: 3, between: () => dropout(0.5) })),
      (dropout: Dropout) => asLayer(encoderBlock({ features: 4, heads: 2, hidden: 3, dropout: () => dropout(0.5) })),
    ]
    for (const body of bodies) {
      const rates: number[] = []
      const counted = withDropout([3, 4])((dropout) =>
        body((rate) => {
          rates.push(rate)
          return dropout(rate)
        }),
      )
      // Between three layers are two places; a block has three: after attention, before and after the last map.
      expect(rates.length).toBe(body === bodies[0] ? 2 : 3)
      const own = counted.evaluation.init(key(2), [3, 4]).params
      const sequences = noise([2, 3, 4], { dtype: 'float64' })
      const [plain, first, second] = [
        run(asLayer(counted.evaluation), own, sequences),
        run(asLayer(counted.training(key(1))), own, numbered([0, 1])(sequences)),
        run(asLayer(counted.training(key(2))), own, numbered([0, 1])(sequences)),
      ]
      expect(toArray(first)).not.toEqual(toArray(plain))
      expect(toArray(first)).not.toEqual(toArray(second))
      const draw = (shape: Shape) => (k: Key) => numbered([5, 6, 7].slice(0, shape[0] as number))(uniform([3, 12])(k))
      const broken = await checkLayer({ input: [13], draw })(counted.training(key(3)))()
      // Numbers of samples have no derivative; every other law holds.
      expect(broken.filter(({ law }) => !law.startsWith('backward is'))).toEqual([])
    }
  })
  it('rates that are none are RangeErrors that name them; a number that is none makes its sample NaN', () => {
    expect(() => withDropout([2])((dropout) => dropout(1))).toThrow(/rate is 1/)
    expect(() => withDropout([2])((dropout) => dropout(Number.NaN))).toThrow(/rate is NaN/)
    const rows = toArray(run(asLayer(model.training(key(0))), params, numbered([-1, 0.5, 0, 0, 0, 0, 0])(x)))
    const width = rows.length / 7
    expect(rows.map(Number.isNaN)).toEqual(rows.map((_, i) => i < 2 * width))
  })
})

/**
 * Layers of sequences with masks and memories, layers of parts, dropout, and adapters.
 */
import fc, { type Arbitrary } from 'fast-check'
import {
  type AnyLayer,
  conv1d,
  conv2d,
  conv3d,
  crossAttention,
  decoderBlock,
  encoderBlock,
  gru,
  linear,
  loraAttention,
  loraConv1d,
  loraConv2d,
  loraConv3d,
  lstm,
  maskedLast,
  maskedMean,
  onPart,
  part,
  relu,
  rnn,
  selfAttention,
  sequential,
  tanh,
  withDropout,
  withMask,
  withoutParams,
} from '../../src/grad/index.js'
import { asLayer } from '../../src/grad/layer.js'
import { join } from '../../src/grad/pack.js'
import { key } from '../../src/sampling/index.js'
import { mapTensor } from '../../src/tensor/elementwise.js'
import { shapeError } from '../../src/tensor/shape.js'
import { zeros } from '../../src/tensor/tensor.js'
import { slice } from '../../src/tensor/view.js'
import type { LayerCase } from './layer.js'
import { type Family, shown } from './layer-kinds.js'

const between = (min: number, max: number): Arbitrary<number> => fc.integer({ min, max })

const heads = fc.constantFrom([1, 1], [1, 2], [2, 1], [2, 2])

const selfAttentions: Arbitrary<LayerCase> = fc
  .record({ extents: heads, causal: fc.boolean(), bias: fc.boolean(), steps: between(1, 4) })
  .map(({ extents: [h = 1, each = 1], causal, bias, steps }) => ({
    rule: asLayer(selfAttention({ features: h * each, heads: h, causal, bias, masked: true })),
    input: [steps, h * each + 1],
    misfits: [[h * each + 1], [steps, h * each], [1, steps, h * each + 1]],
  }))

const crossAttentions: Arbitrary<LayerCase> = fc
  .record({ extents: heads, masked: fc.boolean(), bias: fc.boolean(), steps: between(1, 3), memory: between(1, 3) })
  .map(({ extents: [h = 1, each = 1], masked, bias, steps, memory }) => ({
    rule: asLayer(crossAttention({ features: h * each, heads: h, memory, masked, bias })),
    input: [steps + memory, h * each + Number(masked)],
    misfits: [
      [memory - 1, h * each + Number(masked)],
      [steps + memory, h * each + 2],
    ],
  }))

const blocks: Arbitrary<LayerCase> = fc
  .record({
    // Of two features a normalisation makes little more than their order.
    extents: fc.constantFrom([1, 3], [1, 3], [2, 4]),
    causal: fc.boolean(),
    masked: fc.boolean(),
    bias: fc.boolean(),
    steps: between(1, 2),
    memory: between(0, 2),
    acts: fc.boolean(),
    drops: fc.boolean(),
  })
  .map(({ extents: [h = 1, features = 3], causal, masked, bias, steps, memory, acts, drops }) => {
    const options = {
      features,
      heads: h,
      hidden: 2,
      causal,
      masked,
      bias,
      ...(acts ? { activation: tanh } : {}),
      // Any layer without parameters can stand where dropout does.
      ...(drops ? { dropout: () => tanh } : {}),
    }
    const width = features + Number(masked)
    return {
      rule: asLayer(memory === 0 ? encoderBlock(options) : decoderBlock({ ...options, memory })),
      input: [steps + memory, width],
      misfits: [[width], [steps + memory, width + 1]],
    }
  })

const recurrences: Arbitrary<LayerCase> = fc
  .record({
    kind: fc.constantFrom<typeof lstm>(rnn, lstm, gru),
    hidden: between(1, 2),
    layers: between(1, 2),
    bidirectional: fc.boolean(),
    bias: fc.boolean(),
    masked: fc.constantFrom(true, true, false),
    followed: fc.boolean(),
    steps: fc.nat(3),
    inputs: between(1, 2),
  })
  .map(({ kind, hidden, masked, followed, steps, inputs, ...options }) => ({
    rule: asLayer(kind(hidden, { ...options, masked, ...(followed ? { between: () => tanh } : {}) })),
    input: [steps, inputs + Number(masked)],
    misfits: [[inputs], [1, steps, inputs]],
  }))

const parts: Arbitrary<LayerCase> = fc
  .record({
    extents: fc.tuple(between(2, 3), between(2, 4)),
    axis: fc.constantFrom(0, 1, -1),
    from: fc.constantFrom(undefined, 0, 1, -1),
    works: fc.constantFrom('drops', 'keeps', 'changes'),
  })
  .map(({ extents, axis, from, works }) => {
    const range = { axis, ...(from === undefined ? {} : { start: from }), ...(from === -1 ? {} : { end: -1 }) }
    const rule =
      works === 'drops'
        ? part(range)
        : onPart(range)(works === 'keeps' || axis === 0 ? asLayer(tanh) : asLayer(sequential(linear(2), relu)))
    return { rule: asLayer(rule), input: extents, misfits: [[]] }
  })

const pools: Arbitrary<LayerCase> = fc
  .record({ steps: between(0, 4), features: between(1, 2), last: fc.boolean(), before: fc.boolean() })
  .map(({ steps, features, last, before }) => ({
    rule: asLayer(
      sequential(...(before ? [asLayer(withMask(linear(2)))] : []), asLayer(last ? maskedLast : maskedMean)),
    ),
    input: [steps, features + 1],
    misfits: [[steps]],
  }))

/** The first number of a sample as the number of a sample: a step function. */
const asNumbered: AnyLayer = asLayer(
  withoutParams<null>({
    name: 'as numbered',
    output: (input) => {
      if (input.length !== 1 || input[0] === 0) throw shapeError('as numbered: [1 + m]', input)
      return input
    },
    forward: (backend, x) => {
      const number = mapTensor((v) => (Number.isFinite(v) ? Math.floor(Math.abs(4 * v)) : 0))(
        slice({ axis: 1, start: 0, end: 1 })(x),
      )
      return [join(backend, 1, [number, slice({ axis: 1, start: 1 })(x)]), null]
    },
    backward: (backend, _none, gy) =>
      join(backend, 1, [zeros([gy.shape[0] as number, 1], backend.dtype), slice({ axis: 1, start: 1 })(gy)]),
  }),
)

const dropping: Arbitrary<LayerCase> = fc
  .record({
    sample: fc.array(between(1, 3), { minLength: 1, maxLength: 2 }),
    rates: fc.array(fc.constantFrom(0, 0.3, 0.5, 0.9), { minLength: 1, maxLength: 2 }),
    seed: fc.nat(),
  })
  .map(({ sample, rates, seed }) => {
    const model = withDropout(sample)((dropout) =>
      sequential(
        ...rates.flatMap((rate) => [asLayer(linear(3)), asLayer(tanh), asLayer(dropout(rate))]),
        asLayer(linear(2)),
      ),
    )
    const m = sample.reduce((a, b) => a * b, 1)
    return {
      rule: asLayer(sequential(asNumbered, asLayer(model.training(key(seed))))),
      input: [1 + m],
      misfits: [[m], sample],
    }
  })

const loraAttentions: Arbitrary<LayerCase> = fc
  .record({
    extents: heads,
    causal: fc.boolean(),
    bias: fc.boolean(),
    masked: fc.boolean(),
    rank: between(1, 2),
    targets: fc.subarray(['query', 'key', 'value', 'output'] as const, { minLength: 1 }),
    steps: between(1, 3),
  })
  .map(({ extents: [h = 1, each = 1], causal, bias, masked, rank, targets, steps }) => {
    const options = { features: h * each, heads: h, causal, masked }
    const input = [steps, h * each + Number(masked)]
    const base = selfAttention({ ...options, bias }).init(key(4), input).params
    return {
      rule: asLayer(loraAttention(base, { ...options, rank, alpha: 3, targets })),
      input,
      misfits: [[1, ...input]],
    }
  })

const loraConvolutions: Arbitrary<LayerCase> = fc
  .record({
    axes: between(1, 3),
    groups: between(1, 2),
    bias: fc.boolean(),
    rank: between(1, 2),
    stride: between(1, 2),
    paddingMode: fc.constantFrom('zeros', 'reflect'),
  })
  .map(({ axes, groups, bias, rank, stride, paddingMode }) => {
    const options = { kernel: 2, stride, padding: 1, groups, bias, paddingMode } as const
    const input = [2, ...new Array<number>(axes).fill(3)]
    const base = (axes === 1 ? conv1d : axes === 2 ? conv2d : conv3d)(2, options).init(key(4), input).params
    const rule =
      axes === 1
        ? loraConv1d(base, options, { rank })
        : axes === 2
          ? loraConv2d(base, options, { rank })
          : loraConv3d(base, options, { rank, alpha: 1 })
    return { rule: asLayer(rule), input, misfits: [[1, ...input]] }
  })

/** Those of sequences. */
export const sequenceFamilies: readonly Family[] = (
  [
    ['masked selfAttention', selfAttentions],
    ['crossAttention', crossAttentions],
    ['a transformer block', blocks],
    ['masked recurrence', recurrences],
    ['a masked pool', pools],
    ['a part', parts],
    ['withDropout', dropping],
    ['loraAttention', loraAttentions],
    ['loraConv', loraConvolutions],
  ] as const
).map(shown)

/**
 * Recurrent layers, attention, and compositions: side by side, around, named, tied, reused, frozen.
 */
import fc, { type Arbitrary } from 'fast-check'
import {
  type AnyLayer,
  conv2d,
  fromFunction,
  frozen,
  groupNorm,
  gru,
  type LayerRule,
  linear,
  loraLinear,
  lstm,
  named,
  parallel,
  relu,
  repeat,
  residual,
  reuse,
  rnn,
  selfAttention,
  sequential,
  softmax,
  tanh,
  tied,
  type WeightedParams,
  weightStandardised,
} from '../../src/grad/index.js'
import { key } from '../../src/sampling/index.js'
import { type Tensor, tensor, zeros } from '../../src/tensor/tensor.js'
import type { LayerCase } from './layer.js'
import { type Family, placesBelow, shown, tokensBelow } from './layer-kinds.js'
import { shapes } from './tensor.js'

const between = (min: number, max: number): Arbitrary<number> => fc.integer({ min, max })
const anyLayer = (rule: unknown): AnyLayer => rule as AnyLayer

const recurrent = (make: (hidden: number, options: Parameters<typeof rnn>[1]) => AnyLayer): Arbitrary<LayerCase> =>
  fc
    .record({
      hidden: between(1, 2),
      layers: fc.constantFrom(1, 1, 1, 2),
      bidirectional: fc.constantFrom(false, false, true),
      bias: fc.boolean(),
      nonlinearity: fc.constantFrom('tanh', 'relu'),
      steps: fc.nat(3),
      inputs: between(1, 2),
    })
    .map(({ hidden, steps, inputs, ...options }) => ({
      rule: make(hidden, options as Parameters<typeof rnn>[1]),
      input: [steps, inputs],
      misfits: [[], [inputs], [1, steps, inputs]],
    }))

const attentions: Arbitrary<LayerCase> = fc
  .record({
    extents: fc.constantFrom([1, 1], [1, 2], [2, 1], [1, 2], [2, 1], [2, 2]),
    causal: fc.boolean(),
    bias: fc.boolean(),
    steps: between(1, 4),
  })
  .map(({ extents: [heads = 1, each = 1], causal, bias, steps }) => ({
    rule: anyLayer(selfAttention({ features: heads * each, heads, causal, bias })),
    input: [steps, heads * each],
    misfits: [[heads * each], [steps, heads * each + 1], [1, steps, heads * each]],
  }))

const softmaxes: Arbitrary<LayerCase> = fc
  .tuple(shapes({ maxRank: 2, maxExtent: 3 }), between(1, 4))
  .map(([before, k]) => ({ rule: anyLayer(softmax), input: [...before, k], misfits: [[]] }))

const parallels: Arbitrary<LayerCase> = fc
  .record({
    outputs: fc.array(between(1, 3), { minLength: 1, maxLength: 3 }),
    rows: between(1, 3),
    inputs: between(1, 3),
    concatenates: fc.boolean(),
  })
  .map(({ outputs, rows, inputs, concatenates }) => {
    const branch = (o: number, b: number): AnyLayer => (b % 2 === 0 ? linear(o) : sequential(linear(o), tanh))
    const [first, ...others] = (concatenates ? outputs : outputs.map(() => outputs[0] as number)).map(branch)
    return {
      rule: parallel({ combine: concatenates ? 'concatenate' : 'add', axis: 1 })(first as AnyLayer, ...others),
      input: [rows, inputs],
      misfits: [[]],
    }
  })

const residuals: Arbitrary<LayerCase> = fc
  .record({ stride: between(1, 2), inputs: between(1, 2), outputs: between(1, 2), extent: between(2, 3) })
  .map(({ stride, inputs, outputs, extent }) => {
    const body = sequential(
      conv2d(2 * outputs, { kernel: 3, stride, padding: 1, bias: false }),
      groupNorm({ groups: 2, epsilon: 0.1 }),
      relu,
      conv2d(2 * outputs, { kernel: 1 }),
    )
    const shortcut = conv2d(2 * outputs, { kernel: 1, stride, bias: false })
    const plain = stride === 1 && inputs === 2 * outputs
    return {
      rule: anyLayer(plain ? residual(body) : residual(body, shortcut)),
      input: [inputs, extent, extent],
      misfits: [[inputs]],
    }
  })

/** One matrix in one to three places, with layers between, positions or none. */
const ties: Arbitrary<LayerCase> = fc
  .record({
    rows: between(1, 4),
    columns: between(1, 4),
    positions: shapes({ maxRank: 2, maxExtent: 3 }),
    places: between(1, 3),
    transposedFirst: fc.boolean(),
    between: fc.constantFrom('tanh', 'linear'),
  })
  .map(({ rows, columns, positions, places, transposedFirst, between: middle }) => {
    const rule = tied({ rows, columns })((w) =>
      Array.from({ length: places }, (_, j) => j).flatMap((j) => {
        const transposes = (j % 2 === 1) !== transposedFirst
        const width = transposes ? rows : columns
        return [...(j === 0 ? [] : [middle === 'tanh' ? tanh : linear(width)]), transposes ? w.transposed : w.apply]
      }),
    )
    const width = transposedFirst ? rows : columns
    return { rule: anyLayer(rule), input: [...positions, width], misfits: [[...positions, width + 1]] }
  })

/** A language model whose head is its table. */
const languageModels: Arbitrary<LayerCase> = fc
  .record({ vocabulary: between(1, 4), features: between(1, 3), steps: between(0, 4), embeddings: between(1, 2) })
  .map(({ vocabulary, features, steps, embeddings }) => ({
    rule: anyLayer(
      sequential(
        tokensBelow(vocabulary),
        tied({ rows: vocabulary, columns: features })((w) => [
          w.embed,
          tanh,
          w.apply,
          ...(embeddings === 2 ? [placesBelow(vocabulary), w.embed, linear(features), w.apply] : []),
        ]),
      ),
    ),
    input: [steps],
    misfits: [],
  }))

const reuses: Arbitrary<LayerCase> = fc
  .record({ times: between(1, 3), features: between(1, 3), rows: between(1, 2), copies: fc.boolean() })
  .map(({ times, features, rows, copies }) => {
    const one = sequential(linear(features), tanh)
    return {
      rule: anyLayer(copies ? repeat(times)(one) : reuse(times)(one)),
      input: [rows, features],
      misfits: [[]],
    }
  })

const frozens: Arbitrary<LayerCase> = fc
  .record({ inputs: between(1, 3), outputs: between(1, 3), first: fc.boolean() })
  .map(({ inputs, outputs, first }) => {
    const width = first ? inputs : 3
    const fixed = frozen(linear(2).init(key(5), [width]).params)(linear(2))
    return {
      rule: anyLayer(
        first
          ? named({ fixed, act: tanh, head: linear(outputs) })
          : named({ body: linear(3), act: tanh, fixed, head: linear(outputs) }),
      ),
      input: [inputs],
      misfits: [],
    }
  })

export const recurrentFamilies: readonly Family[] = (
  [
    ['rnn', recurrent(rnn as never)],
    ['lstm', recurrent(lstm as never)],
    ['gru', recurrent(gru as never)],
  ] as const
).map(shown)

/** Everything that `Operations` has, in one function of two parameters. */
const traced = (steps: number, features: number): AnyLayer =>
  anyLayer(
    fromFunction({
      name: 'traced',
      init: (_key, input) => ({
        params: { weight: zeros([features, 2]), more: [zeros([2]), zeros([1, 1])] as const },
        output: [input[0] as number, 2],
      }),
      apply: (op, { weight, more: [bias, factor] }, x) => {
        const h = op.tanh(op.add(op.matmul(x, weight), bias))
        const spread = op.sqrt(op.add(op.square(h), op.constant(tensor([1, 2], [2]))))
        const ratio = op.div(op.sub(h, op.mul(factor, h)), spread)
        const logs = op.log(op.add(op.exp(op.neg(op.abs(ratio))), op.reciprocal(spread)))
        const total = op.reshape([1, 1], op.sum(op.sigmoid(op.relu(x))))
        const columns = op.transpose(op.transpose(op.scale(0.5, logs)), [1, 0])
        return op.add(op.add(columns, total), op.mul(op.sum(x, [1, 0]), op.reshape([steps, 2], ratio)))
      },
    }),
  )

const functions: Arbitrary<LayerCase> = fc
  .tuple(between(1, 3), between(1, 3))
  .map(([steps, features]) => ({ rule: traced(steps, features), input: [steps, features], misfits: [] }))

const adapters: Arbitrary<LayerCase> = fc
  .record({
    inputs: between(1, 4),
    outputs: between(1, 3),
    rank: between(1, 2),
    alpha: fc.constantFrom(undefined, 3),
    bias: fc.boolean(),
    positions: shapes({ maxRank: 2, maxExtent: 3 }),
  })
  .map(({ inputs, outputs, rank, alpha, bias, positions }) => {
    const base = linear(outputs, { bias }).init(key(5), [inputs]).params
    return {
      rule: anyLayer(loraLinear(base, alpha === undefined ? { rank } : { rank, alpha })),
      input: [...positions, inputs],
      misfits: [[]],
    }
  })

const standardised: Arbitrary<LayerCase> = fc
  .record({ inputs: between(2, 3), outputs: between(1, 3), bias: fc.boolean(), convolves: fc.boolean() })
  .map(({ inputs, outputs, bias, convolves }) => {
    const inner: LayerRule<WeightedParams, Tensor> = convolves
      ? conv2d(outputs, { kernel: 2, bias })
      : linear(outputs, { bias })
    return {
      rule: anyLayer(weightStandardised({ epsilon: 0.1 })(inner)),
      input: convolves ? [inputs, 3, 3] : [2, inputs],
      misfits: [[]],
    }
  })

export const blockFamilies: readonly Family[] = (
  [
    ['fromFunction', functions],
    ['softmax', softmaxes],
    ['selfAttention', attentions],
    ['residual', residuals],
  ] as const
).map(shown)

const families: readonly Family[] = [
  ['loraLinear', adapters],
  ['weightStandardised', standardised],
  ['parallel', parallels],
  ['tied', ties],
  ['tied table', languageModels],
  ['reuse and repeat', reuses],
  ['frozen and named', frozens],
]

export const composedFamilies: readonly Family[] = families.map(shown)

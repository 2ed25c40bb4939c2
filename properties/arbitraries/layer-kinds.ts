/**
 * Convolutions of sequences and volumes, tables of tokens and normalisations, with any hyper-parameters.
 */
import fc, { type Arbitrary } from 'fast-check'
import {
  type AnyLayer,
  adaptiveAvgPool1d,
  avgPool1d,
  bilinear,
  conv1d,
  conv3d,
  convTranspose2d,
  embedding,
  embeddingBag,
  instanceNorm,
  lastStep,
  layerNorm,
  maxPool1d,
  pad,
  permute,
  positionalEmbedding,
  prelu,
  reshapeTo,
  rmsNorm,
  sequential,
  type Triple,
  withoutParams,
} from '../../src/grad/index.js'
import { join } from '../../src/grad/pack.js'
import { mapTensor } from '../../src/tensor/elementwise.js'
import { type Shape, shapeError, sizeOf } from '../../src/tensor/shape.js'
import { type Tensor, tensor, zeros } from '../../src/tensor/tensor.js'
import { slice } from '../../src/tensor/view.js'
import type { LayerCase } from './layer.js'
import { shapes } from './tensor.js'

/** A kind of layer, by name. */
export type Family = readonly [name: string, cases: Arbitrary<LayerCase>]

const between = (min: number, max: number): Arbitrary<number> => fc.integer({ min, max })

/** One axis of a convolution; `room` is what remains of the padded extent beyond the reach of the kernel. */
const convolutionAxis = (reach: number) =>
  fc
    .record({
      kernel: between(1, reach),
      stride: between(1, 2),
      padding: fc.nat(1),
      dilation: between(1, 2),
      room: fc.nat(2),
    })
    .map(({ room, ...axis }) => ({
      ...axis,
      extent: Math.max(1, axis.dilation * (axis.kernel - 1) + 1 + room - 2 * axis.padding),
    }))

const channels = fc.record({
  groups: between(1, 2),
  inputs: between(1, 2),
  outputs: between(1, 2),
  bias: fc.boolean(),
})

const sequences: Arbitrary<LayerCase> = fc
  .tuple(convolutionAxis(3), channels)
  .map(([{ extent, ...axis }, { groups, inputs, outputs, bias }]) => ({
    rule: conv1d(groups * outputs, { ...axis, groups, bias }),
    input: [groups * inputs, extent],
    misfits: [[groups * inputs], [1, groups * inputs, extent], ...(groups > 1 ? [[groups * inputs + 1, extent]] : [])],
  }))

const volumes: Arbitrary<LayerCase> = fc
  .tuple(fc.tuple(convolutionAxis(2), convolutionAxis(2), convolutionAxis(2)), channels)
  .map(([axes, { groups, inputs, outputs, bias }]) => {
    const each = (field: 'kernel' | 'stride' | 'padding' | 'dilation' | 'extent') =>
      axes.map((axis) => axis[field]) as unknown as Triple
    const extent = each('extent')
    return {
      rule: conv3d(groups * outputs, {
        kernel: each('kernel'),
        stride: each('stride'),
        padding: each('padding'),
        dilation: each('dilation'),
        groups,
        bias,
      }),
      input: [groups * inputs, ...extent],
      misfits: [
        extent,
        [1, groups * inputs, ...extent],
        ...(groups > 1 ? [[groups * inputs + 1, ...extent]] : []),
        ...(each('padding')[0] === 0 && each('kernel')[0] > 1 ? [[groups * inputs, 0, extent[1], extent[2]]] : []),
      ],
    }
  })

/** Numbers as tokens 0 … vocabulary − 1: a step function, so its derivative is 0. */
export const tokensBelow = (vocabulary: number): AnyLayer =>
  withoutParams<Shape>({
    name: 'tokens',
    output: (input) => input,
    forward: (_backend, x) => [
      mapTensor((v) => (Number.isFinite(v) ? Math.abs(Math.floor(8 * v)) % vocabulary : 0), 'int32')(x),
      x.shape,
    ],
    backward: (backend, shape) => zeros(shape, backend.dtype),
  }) as unknown as AnyLayer

/** The place of each number in its sample as a token 0 … vocabulary − 1, whatever the number: nothing jumps as parameters move. */
export const placesBelow = (vocabulary: number): AnyLayer =>
  withoutParams<Shape>({
    name: 'places',
    output: (input) => input,
    forward: (_backend, x) => {
      const places = sizeOf(x.shape.slice(1))
      const tokens = Array.from({ length: sizeOf(x.shape) }, (_, index) => (index % places) % vocabulary)
      return [tensor(tokens, x.shape, 'int32'), x.shape]
    },
    backward: (backend, shape) => zeros(shape, backend.dtype),
  }) as unknown as AnyLayer

const tables = fc
  .record({ vocabulary: between(1, 5), features: between(1, 3), pads: fc.boolean(), places: between(0, 4) })
  .map(({ vocabulary, features, pads, places }) => ({
    vocabulary,
    places,
    options: { vocabulary, features, ...(pads ? { paddingIndex: vocabulary - 1 } : {}) },
  }))

const embeddings: Arbitrary<LayerCase> = fc
  .tuple(tables, shapes({ maxRank: 2, maxExtent: 4 }))
  .map(([{ vocabulary, options }, input]) => ({
    // The row of a padding is read, and has no gradient by decree: differences would find one.
    rule: sequential(tokensBelow(vocabulary), embedding({ vocabulary, features: options.features })),
    input,
    misfits: [],
  }))

/** Numbers as bags with weights: the first row as tokens, the second as it is. */
const weightedTokensBelow = (vocabulary: number): AnyLayer =>
  withoutParams<null>({
    name: 'weighted tokens',
    output: (input) => {
      if (input.length !== 2 || input[0] !== 2) throw shapeError('weighted tokens are [2, t]', input)
      return input
    },
    forward: (backend, x) => {
      const [drawn, weights] = [0, 1].map((row) => slice({ axis: 1, start: row, end: row + 1 })(x)) as [Tensor, Tensor]
      const [tokens] = tokensBelow(vocabulary).forward(backend, {}, drawn)
      return [join(backend, 1, [tokens, weights]), null]
    },
    backward: (_backend, _none, gy) => gy,
  }) as unknown as AnyLayer

const bags: Arbitrary<LayerCase> = fc
  .tuple(tables, fc.constantFrom('sum', 'mean', 'max', 'weighted', undefined))
  .map(([{ vocabulary, options, places }, mode]) =>
    mode === 'weighted'
      ? {
          rule: sequential(weightedTokensBelow(vocabulary), embeddingBag({ ...options, perSampleWeights: true })),
          input: [2, places],
          misfits: [[], [places], [3, places]],
        }
      : {
          rule: sequential(
            tokensBelow(vocabulary),
            embeddingBag({ ...options, ...(mode === undefined ? {} : { mode }) }),
          ),
          input: [places],
          misfits: [[], [places, 2]],
        },
  )

const epsilons = fc.constantFrom(undefined, 1e-3, 0.1, 1).map((epsilon) => (epsilon === undefined ? {} : { epsilon }))

/** Axes before those that are normalised, and those. */
const positions = fc.record({
  before: shapes({ maxRank: 2, maxExtent: 3 }),
  own: fc.array(between(1, 4), { minLength: 1, maxLength: 2 }),
  last: fc.boolean(),
})

const layerNorms: Arbitrary<LayerCase> = fc
  .record({ at: positions, epsilon: epsilons, affine: fc.boolean(), bias: fc.boolean() })
  .map(({ at: { before, own, last }, epsilon, affine, bias }) => ({
    rule: layerNorm({ ...(last ? {} : { shape: own }), ...epsilon, affine, bias }),
    input: [...before, ...own],
    misfits: [[], ...(last ? [] : [[...own, (own.at(-1) as number) + 1]])],
  }))

const rmsNorms: Arbitrary<LayerCase> = fc
  .record({ at: positions, epsilon: epsilons, affine: fc.boolean() })
  .map(({ at: { before, own, last }, epsilon, affine }) => ({
    rule: rmsNorm({ ...(last ? {} : { shape: own }), ...epsilon, affine }),
    input: [...before, ...own],
    misfits: [[], ...(last ? [] : [[...own, (own.at(-1) as number) + 1]])],
  }))

const instanceNorms: Arbitrary<LayerCase> = fc
  .record({
    channels: between(1, 3),
    pixels: fc.array(between(1, 3), { minLength: 1, maxLength: 3 }),
    epsilon: epsilons,
    affine: fc.boolean(),
    bias: fc.boolean(),
  })
  .map(({ channels: c, pixels, epsilon, affine, bias }) => ({
    rule: instanceNorm({ ...epsilon, affine, bias }),
    input: [c, ...pixels],
    misfits: [[], [c], [c, 1, 1, 1, 1]],
  }))

const transposed: Arbitrary<LayerCase> = fc
  .record({
    kernel: fc.tuple(between(1, 3), between(1, 2)),
    stride: between(1, 2),
    padding: fc.nat(1),
    dilation: between(1, 2),
    outputPadding: fc.nat(1),
    extent: fc.tuple(between(2, 3), between(2, 3)),
    channels,
  })
  .map(({ extent, channels: { groups, inputs, outputs, bias }, kernel, padding, outputPadding, stride, dilation }) => ({
    rule: convTranspose2d(groups * outputs, {
      kernel,
      stride,
      dilation,
      padding: [kernel[0] > 1 ? padding : 0, 0],
      outputPadding: Math.min(outputPadding, stride - 1),
      groups,
      bias,
    }),
    input: [groups * inputs, ...extent],
    misfits: [
      [groups * inputs],
      [1, groups * inputs, ...extent],
      ...(groups > 1 ? [[groups * inputs + 1, ...extent]] : []),
    ],
  }))

const prelus: Arbitrary<LayerCase> = fc
  .record({ c: between(1, 3), rest: shapes({ maxRank: 2, maxExtent: 3 }), perChannel: fc.boolean() })
  .map(({ c, rest, perChannel }) => ({ rule: prelu({ perChannel }), input: [c, ...rest], misfits: [[]] }))

const bilinears: Arbitrary<LayerCase> = fc
  .record({
    outputs: between(1, 3),
    first: between(1, 3),
    second: between(1, 3),
    bias: fc.boolean(),
    positions: shapes({ maxRank: 2, maxExtent: 3 }),
  })
  .map(({ outputs, first, second, bias, positions }) => ({
    rule: bilinear(outputs, { first, second, bias }) as AnyLayer,
    input: [...positions, first + second],
    misfits: [[], [...positions, first + second + 1]],
  }))

const positionals: Arbitrary<LayerCase> = shapes({ minRank: 1, maxRank: 3, maxExtent: 3 }).map((input) => ({
  rule: positionalEmbedding() as AnyLayer,
  input,
  misfits: [],
}))

const rearranged: Arbitrary<LayerCase> = fc
  .tuple(fc.tuple(between(1, 3), between(1, 3), between(1, 3)), fc.constantFrom('reshapeTo', 'permute', 'lastStep'))
  .map(([input, kind]) => {
    const [a, b, c] = input
    return kind === 'reshapeTo'
      ? { rule: reshapeTo([a * b, c]) as AnyLayer, input, misfits: [[a, b, c + 1]] }
      : kind === 'permute'
        ? {
            rule: permute([2, 0, 1]) as AnyLayer,
            input,
            misfits: [
              [a, b],
              [1, ...input],
            ],
          }
        : { rule: lastStep as AnyLayer, input, misfits: [[], [0, b]] }
  })

const paddings: Arbitrary<LayerCase> = fc
  .record({
    channels: between(1, 2),
    extents: fc.array(between(2, 4), { minLength: 1, maxLength: 3 }),
    mode: fc.constantFrom('zeros', 'reflect', 'replicate', 'circular', undefined),
    before: fc.array(fc.nat(1), { minLength: 3, maxLength: 3 }),
    after: fc.array(fc.nat(2), { minLength: 3, maxLength: 3 }),
  })
  .map(({ channels: c, extents, mode, before, after }) => {
    const room = (extent: number) => (mode === 'reflect' ? extent - 1 : extent)
    const edges = extents.map(
      (extent, axis) => [before[axis] as number, Math.min(after[axis] as number, room(extent))] as const,
    )
    const far = Math.max(...edges.flat()) > 1 && (mode === 'reflect' || mode === 'circular')
    return {
      rule: pad(mode === undefined ? { edges } : { edges, mode }) as AnyLayer,
      input: [c, ...extents],
      misfits: [extents.slice(1), ...(far ? [[c, ...extents.map(() => 1)]] : [])],
    }
  })

const linePools: Arbitrary<LayerCase> = fc
  .record({
    kernel: between(1, 3),
    stride: fc.constantFrom(undefined, 1, 2),
    padding: fc.nat(1),
    extent: between(3, 6),
    channels: between(1, 2),
    kind: fc.constantFrom('max', 'avg', 'adaptive'),
  })
  .map(({ kernel, stride, padding, extent, channels: c, kind }) => {
    const options = { kernel, padding: kernel > 1 ? padding : 0, ...(stride === undefined ? {} : { stride }) }
    const rule = kind === 'max' ? maxPool1d(options) : kind === 'avg' ? avgPool1d(options) : adaptiveAvgPool1d(kernel)
    return { rule: rule as AnyLayer, input: [c, extent], misfits: [[c], [1, c, extent]] }
  })

/** What `shown` does for the families of `layer.ts`: fast-check shows a rule by its name. */
export const shown = ([name, cases]: Family): Family => [
  name,
  cases.map((c) => ({ ...c, rule: Object.assign({ ...c.rule }, { [fc.toStringMethod]: () => c.rule.name }) })),
]

const families: readonly Family[] = [
  ['conv1d', sequences],
  ['conv3d', volumes],
  ['embedding', embeddings],
  ['embeddingBag', bags],
  ['layerNorm', layerNorms],
  ['rmsNorm', rmsNorms],
  ['instanceNorm', instanceNorms],
  ['convTranspose2d', transposed],
  ['prelu', prelus],
  ['bilinear', bilinears],
  ['positionalEmbedding', positionals],
  ['a rearrangement', rearranged],
  ['pad', paddings],
  ['pool1d', linePools],
]

export const kindFamilies: readonly Family[] = families.map(shown)

/**
 * The schema of models as plain data: layers under names, and their wiring.
 */

import { z } from 'zod'
import type { LayerSpec, ModelSpec, PlainName, Wiring } from '../../models/index.js'
import {
  count,
  either,
  flag,
  kind,
  kinds,
  later,
  list,
  oneOf,
  optional,
  place,
  positive,
  record,
  recordOf,
  type Schema,
  text,
} from './schema-parts.js'

type Of<Tag extends LayerSpec['_tag']> = Extract<LayerSpec, { readonly _tag: Tag }>

const tuple = (length: 2 | 3, item: Schema<number>): Schema<readonly number[]> => {
  const error = { error: `a list of ${length} numbers` }
  return z.array(item, error).length(length, error) as unknown as Schema<readonly number[]>
}
/** A number, or one for each axis. */
const extents = (axes: 2 | 3, item: Schema<number> = count): Schema<never> =>
  either<number | readonly number[]>(
    `a whole number, or a list of ${axes}`,
    item,
    tuple(axes, item),
  ) as unknown as Schema<never>
const padding = (axes?: 2 | 3): Schema<never> =>
  either<unknown>(
    'a whole number of at least 0, same, valid, or a number for each axis',
    place,
    oneOf(['same', 'valid']),
    ...(axes === undefined ? [] : [tuple(axes, place)]),
  ) as unknown as Schema<never>

const convolution = (axes?: 2 | 3) => {
  const extent = axes === undefined ? (count as unknown as Schema<never>) : extents(axes)
  return {
    ...{ outputs: count, kernel: extent, stride: optional(extent), padding: optional(padding(axes)) },
    paddingMode: optional(oneOf(['zeros', 'reflect', 'replicate', 'circular'])),
    ...{ dilation: optional(extent), groups: optional(count), bias: optional(flag) },
  }
}
const recurrence = { hidden: count, layers: optional(count), bidirectional: optional(flag), bias: optional(flag) }
const plainNames = [
  'relu',
  'tanh',
  'sigmoid',
  'gelu',
  'silu',
  'softmax',
  'flatten',
  'lastStep',
] as const satisfies readonly PlainName[]
const tags = [
  'Linear',
  'Conv1d',
  'Conv2d',
  'Conv3d',
  'Embedding',
  'PositionalEmbedding',
  'GroupNorm',
  'LayerNorm',
  'RmsNorm',
  'InstanceNorm',
  'BatchNorm',
  'SpectralNorm',
  'WeightStandardised',
  'Rnn',
  'Lstm',
  'Gru',
  'EncoderBlock',
  'Plain',
  'MaxPool2d',
  'AvgPool2d',
  'MaxPool1d',
  'AvgPool1d',
  'AdaptiveAvgPool2d',
  'AdaptiveAvgPool1d',
] as const satisfies readonly LayerSpec['_tag'][]

/** A layer. Those that have no private rule are read too: what is wrong with them is said when the model is built. */
export const layerSchema: Schema<LayerSpec> = later(() =>
  kinds<LayerSpec>('_tag', tags, [
    record<Of<'Linear'>>({ _tag: kind('Linear'), outputs: count, bias: optional(flag) }),
    record<Of<'Conv1d'>>({ _tag: kind('Conv1d'), ...convolution() }),
    record<Of<'Conv2d'>>({ _tag: kind('Conv2d'), ...convolution(2) }),
    record<Of<'Conv3d'>>({ _tag: kind('Conv3d'), ...convolution(3) }),
    record<Of<'Embedding'>>({
      _tag: kind('Embedding'),
      vocabulary: count,
      features: count,
      paddingIndex: optional(place),
    }),
    record<Of<'PositionalEmbedding'>>({ _tag: kind('PositionalEmbedding') }),
    record<Of<'GroupNorm'>>({
      ...{
        _tag: kind('GroupNorm'),
        groups: count,
        epsilon: optional(positive),
        affine: optional(flag),
        bias: optional(flag),
      },
    }),
    record<Of<'LayerNorm'>>({ _tag: kind('LayerNorm') }),
    record<Of<'RmsNorm'>>({ _tag: kind('RmsNorm') }),
    record<Of<'InstanceNorm'>>({
      ...{
        _tag: kind('InstanceNorm'),
        affine: optional(flag),
        epsilon: optional(positive),
        runningStatistics: optional(flag),
      },
    }),
    record<Of<'BatchNorm'>>({
      ...{ _tag: kind('BatchNorm'), channels: count, affine: optional(flag), epsilon: optional(positive) },
      ...{
        axes: z.literal([0, 1, 2, 3], { error: '0, 1, 2 or 3' }) as unknown as Schema<0 | 1 | 2 | 3>,
        synchronised: optional(flag),
      },
    }),
    record<Of<'SpectralNorm'>>({ _tag: kind('SpectralNorm'), of: layerSchema }),
    record<Of<'WeightStandardised'>>({ _tag: kind('WeightStandardised'), of: layerSchema }),
    ...(['Rnn', 'Lstm', 'Gru'] as const).map((tag) =>
      record<Of<'Rnn' | 'Lstm' | 'Gru'>>({ _tag: kind(tag), ...recurrence }),
    ),
    record<Of<'EncoderBlock'>>({
      ...{ _tag: kind('EncoderBlock'), features: count, heads: count, hidden: optional(count), causal: optional(flag) },
    }),
    record<Of<'Plain'>>({ _tag: kind('Plain'), name: oneOf(plainNames) }),
    ...(['MaxPool2d', 'AvgPool2d'] as const).map((tag) =>
      record<Of<'MaxPool2d' | 'AvgPool2d'>>({
        ...{
          _tag: kind(tag),
          kernel: extents(2),
          stride: optional(extents(2)),
          padding: optional(extents(2, place)),
        },
      }),
    ),
    ...(['MaxPool1d', 'AvgPool1d'] as const).map((tag) =>
      record<Of<'MaxPool1d' | 'AvgPool1d'>>({ _tag: kind(tag), kernel: count, stride: optional(count) }),
    ),
    record<Of<'AdaptiveAvgPool2d'>>({ _tag: kind('AdaptiveAvgPool2d'), output: extents(2) }),
    record<Of<'AdaptiveAvgPool1d'>>({ _tag: kind('AdaptiveAvgPool1d'), output: count }),
  ]),
)

const wiring: Schema<Wiring> = later(() =>
  either<Wiring>(
    'the name of a layer, a list, or an object with residual, add or concatenate',
    text('the name of a layer'),
    list(wiring, 'a list'),
    record<Extract<Wiring, { readonly residual: Wiring }>>({
      residual: wiring,
      shortcut: optional(wiring),
    }) as Schema<Wiring>,
    record<Extract<Wiring, { readonly add: unknown }>>({
      add: list(wiring, 'a list of branches') as never,
    }) as Schema<Wiring>,
    record<Extract<Wiring, { readonly concatenate: unknown }>>({
      concatenate: list(wiring, 'a list of branches') as never,
      axis: optional(place),
    }) as Schema<Wiring>,
  ),
)

/** The fields of a model as plain data. */
export const modelSpecFields: {
  readonly layers: Schema<ModelSpec['layers']>
  readonly wiring: Schema<Wiring>
} = { layers: recordOf(layerSchema, 'an object with a layer under each name'), wiring }

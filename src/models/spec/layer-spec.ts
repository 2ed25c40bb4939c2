/**
 * Layers as plain data: what an architecture that comes from elsewhere is written in. Some of what can be written cannot be
 * trained privately, and has no rule: batch normalisation exists here alone.
 */
import {
  type AnyLayer,
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  avgPool1d,
  avgPool2d,
  type Conv1dOptions,
  type Conv2dOptions,
  type Conv3dOptions,
  conv1d,
  conv2d,
  conv3d,
  type EmbeddingOptions,
  type EncoderBlockOptions,
  embedding,
  encoderBlock,
  flatten,
  type GroupNormOptions,
  gelu,
  groupNorm,
  gru,
  instanceNorm,
  lastStep,
  layerNorm,
  linear,
  lstm,
  maxPool1d,
  maxPool2d,
  type PoolOptions,
  positionalEmbedding,
  type RecurrentOptions,
  relu,
  rmsNorm,
  rnn,
  sigmoid,
  silu,
  softmax,
  tanh,
  weightStandardised,
} from '../../grad/index.js'
import type { Pair } from '../../tensor/window.js'

/** Nonlinearities and rearrangements that take no options. */
export type PlainName = 'relu' | 'tanh' | 'sigmoid' | 'gelu' | 'silu' | 'softmax' | 'flatten' | 'lastStep'

const plain: Readonly<Record<PlainName, AnyLayer>> = { relu, tanh, sigmoid, gelu, silu, softmax, flatten, lastStep }

/** What recurrent layers are described by. */
type Recurrence = { readonly hidden: number } & Pick<RecurrentOptions, 'layers' | 'bidirectional' | 'bias'>

/** Layers that have a rule. Options are those of the layers of `fp-dp/grad`. */
export type TrainableSpec =
  | { readonly _tag: 'Linear'; readonly outputs: number; readonly bias?: boolean }
  | ({ readonly _tag: 'Conv1d'; readonly outputs: number } & Conv1dOptions)
  | ({ readonly _tag: 'Conv2d'; readonly outputs: number } & Conv2dOptions)
  | ({ readonly _tag: 'Conv3d'; readonly outputs: number } & Conv3dOptions)
  | ({ readonly _tag: 'Embedding' } & EmbeddingOptions)
  | { readonly _tag: 'PositionalEmbedding' }
  | ({ readonly _tag: 'GroupNorm' } & GroupNormOptions)
  | { readonly _tag: 'LayerNorm' }
  | { readonly _tag: 'RmsNorm' }
  | ({ readonly _tag: 'Rnn' | 'Lstm' | 'Gru' } & Recurrence)
  | ({ readonly _tag: 'EncoderBlock' } & Pick<EncoderBlockOptions, 'features' | 'heads' | 'hidden' | 'causal'>)
  | { readonly _tag: 'Plain'; readonly name: PlainName }
  | ({ readonly _tag: 'MaxPool2d' | 'AvgPool2d' } & PoolOptions)
  | { readonly _tag: 'MaxPool1d' | 'AvgPool1d'; readonly kernel: number; readonly stride?: number }
  | { readonly _tag: 'AdaptiveAvgPool2d'; readonly output: number | Pair }
  | { readonly _tag: 'AdaptiveAvgPool1d'; readonly output: number }

/** Normalises each channel over the samples of a batch, and over so many axes of pixels. */
export interface BatchNormSpec {
  readonly _tag: 'BatchNorm'
  readonly channels: number
  /** Axes after the channels: 0 after an affine layer, 2 for images. */
  readonly axes: 0 | 1 | 2 | 3
  /** Default true. */
  readonly affine?: boolean
  readonly epsilon?: number
  /** Over the samples of all devices; default false. */
  readonly synchronised?: boolean
}

/** Normalises each channel of each sample; with running statistics, by averages over all samples seen so far. */
export interface InstanceNormSpec {
  readonly _tag: 'InstanceNorm'
  /** Default false. */
  readonly affine?: boolean
  readonly epsilon?: number
  /** Default false. */
  readonly runningStatistics?: boolean
}

/** A layer whose weight is divided by its largest singular value, which power iteration follows from step to step. */
export interface SpectralNormSpec {
  readonly _tag: 'SpectralNorm'
  readonly of: LayerSpec
}

/** A convolution or affine layer whose weight is standardised (`weightStandardised`). */
export interface WeightStandardisedSpec {
  readonly _tag: 'WeightStandardised'
  readonly of: LayerSpec
}

/** A layer as plain data. */
export type LayerSpec = TrainableSpec | BatchNormSpec | InstanceNormSpec | SpectralNormSpec | WeightStandardisedSpec

/**
 * The rule of a layer, or nothing for one that has none.
 *
 * @example
 * layerOf({ _tag: 'Linear', outputs: 3 })?.init(key(0), [5]).output // => [3]
 * @example
 * layerOf({ _tag: 'BatchNorm', channels: 8, axes: 2 }) // => undefined
 */
export const layerOf = (spec: LayerSpec): AnyLayer | undefined => {
  switch (spec._tag) {
    case 'Linear':
      return linear(spec.outputs, spec)
    case 'Conv1d':
      return conv1d(spec.outputs, spec)
    case 'Conv2d':
      return conv2d(spec.outputs, spec)
    case 'Conv3d':
      return conv3d(spec.outputs, spec)
    case 'Embedding':
      return embedding(spec)
    case 'PositionalEmbedding':
      return positionalEmbedding()
    case 'GroupNorm':
      return groupNorm(spec)
    case 'InstanceNorm':
      return spec.runningStatistics === true ? undefined : instanceNorm(spec)
    case 'LayerNorm':
      return layerNorm()
    case 'RmsNorm':
      return rmsNorm()
    case 'Rnn':
      return rnn(spec.hidden, spec)
    case 'Lstm':
      return lstm(spec.hidden, spec)
    case 'Gru':
      return gru(spec.hidden, spec)
    case 'EncoderBlock':
      return encoderBlock(spec)
    case 'Plain':
      return plain[spec.name]
    case 'MaxPool2d':
      return maxPool2d(spec)
    case 'AvgPool2d':
      return avgPool2d(spec)
    case 'MaxPool1d':
      return maxPool1d(spec)
    case 'AvgPool1d':
      return avgPool1d(spec)
    case 'AdaptiveAvgPool2d':
      return adaptiveAvgPool2d(spec.output)
    case 'AdaptiveAvgPool1d':
      return adaptiveAvgPool1d(spec.output)
    case 'WeightStandardised': {
      const inner = layerOf(spec.of)
      return inner === undefined
        ? undefined
        : weightStandardised()(inner as Parameters<ReturnType<typeof weightStandardised>>[0])
    }
    case 'BatchNorm':
    case 'SpectralNorm':
      return undefined
  }
}

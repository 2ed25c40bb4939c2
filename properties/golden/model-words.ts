/**
 * Models from the golden files: the name of a layer with a config record, whose words are PyTorch's.
 */
import {
  type AnyLayer,
  bilinear,
  conv1d,
  conv2d,
  conv3d,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
  crossAttention,
  decoderBlock,
  embedding,
  embeddingBag,
  encoderBlock,
  gelu,
  groupNorm,
  gru,
  inForm,
  instanceNorm,
  type LayerRule,
  layerNorm,
  linear,
  lstm,
  named,
  type PaddingMode,
  prelu,
  relu,
  residual,
  rmsNorm,
  rnn,
  selfAttention,
  sequential,
  tied,
} from '../../src/grad/index.js'
import type { Shape, Tree } from '../../src/tensor/index.js'
import { layerOfWords } from './layer-words.js'

type Config = Readonly<Record<string, unknown>>

/** The table of an embedding. */
const tableOf = (config: Config) => ({
  vocabulary: config.numEmbeddings as number,
  features: config.embeddingDim as number,
  ...(typeof config.paddingIdx === 'number' ? { paddingIndex: config.paddingIdx } : {}),
})

const recurrentOf = (config: Config) => ({
  layers: (config.numLayers ?? 1) as number,
  bidirectional: config.bidirectional === true,
  bias: config.bias !== false,
  masked: config.masked === true,
})

const blockOf = (config: Config) => ({
  features: config.dModel as number,
  heads: config.nhead as number,
  hidden: config.dimFeedforward as number,
  activation: config.activation === 'gelu' ? gelu : relu,
  masked: config.masked === true,
  bias: config.bias !== false,
})

/** PyTorch's names for the parts of the residual block: conv, group norm, relu, conv, group norm beside a 1×1 convolution. */
const residualBlock = (outChannels: number, stride: number): AnyLayer => {
  type Parts = Readonly<Record<string, Tree>>
  const body = named({
    c1: conv2d(outChannels, { kernel: 3, stride, padding: 1, bias: false }),
    n1: groupNorm({ groups: 2 }),
    relu,
    c2: conv2d(outChannels, { kernel: 3, padding: 1, bias: false }),
    n2: groupNorm({ groups: 2 }),
  })
  const shortcut = named({ sc: conv2d(outChannels, { kernel: 1, stride, bias: false }) })
  type Both = { readonly body: Parts; readonly shortcut: Parts }
  const block = inForm<Parts, Both>({
    name: 'residualBlock',
    into: ({ sc, ...rest }) => ({ body: rest, shortcut: { sc: sc as Tree } }),
    from: (params) => ({ ...params.body, ...params.shortcut }),
  })(residual(body, shortcut) as unknown as LayerRule<Both, unknown>)
  return sequentially(block, relu)
}

/** PyTorch's words for a window: an axis takes a number, or one of a list. */
const windowOf = (config: Config) => ({
  kernel: (config.kernelSize ?? 1) as number,
  stride: (config.stride ?? 1) as number,
  padding: (config.padding ?? 0) as number,
  dilation: (config.dilation ?? 1) as number,
  groups: (config.groups ?? 1) as number,
  bias: config.bias !== false,
})

const paddingModeOf = (config: Config) => ({ paddingMode: (config.paddingMode ?? 'zeros') as PaddingMode })

/** Those of a sequence, where each may be a list of one. */
const lineOf = (config: Config) => {
  const one = (value: unknown) => (Array.isArray(value) ? value[0] : value)
  return windowOf(Object.fromEntries(Object.entries(config).map(([key, value]) => [key, one(value)])))
}

const transposedOf = (config: Config) => ({ outputPadding: (config.outputPadding ?? 0) as number })

/** One layer after the other, with the parameters of the first alone. */
const sequentially = (first: LayerRule<Readonly<Record<string, Tree>>, unknown>, last: AnyLayer): AnyLayer =>
  inForm<Readonly<Record<string, Tree>>, readonly Tree[]>({
    name: first.name,
    into: (params) => [params, {}],
    from: (params) => params[0] as Readonly<Record<string, Tree>>,
  })(sequential(first as unknown as AnyLayer, last) as unknown as LayerRule<readonly Tree[], unknown>)

const normOf = (config: Config) => ({
  ...(typeof config.eps === 'number' ? { epsilon: config.eps } : {}),
  affine: config.affine !== false && config.elementwiseAffine !== false,
  bias: config.bias !== false,
})

const shapeOf = ({ normalizedShape }: Config): Shape => [normalizedShape].flat() as Shape

/** The layer of a case, or undefined for one that is not built. */
export const layerOfConfig = (layer: string, config: Config): AnyLayer | undefined => {
  const number = (key: string) => config[key] as number
  switch (layer) {
    case 'linear':
      return linear(number('outFeatures'), { bias: config.bias !== false })
    case 'conv1d':
      return conv1d(number('outChannels'), { ...lineOf(config), ...paddingModeOf(config) })
    case 'conv2d':
      return conv2d(number('outChannels'), { ...windowOf(config), ...paddingModeOf(config) })
    case 'conv3d':
      return conv3d(number('outChannels'), { ...windowOf(config), ...paddingModeOf(config) })
    case 'convTranspose1d': {
      const { outputPadding } = transposedOf(config)
      const [first] = [outputPadding].flat()
      return convTranspose1d(number('outChannels'), { ...lineOf(config), outputPadding: first as number })
    }
    case 'convTranspose2d':
      return convTranspose2d(number('outChannels'), { ...windowOf(config), ...transposedOf(config) })
    case 'convTranspose3d':
      return convTranspose3d(number('outChannels'), { ...windowOf(config), ...transposedOf(config) })
    case 'prelu':
      return prelu({ perChannel: config.numParameters !== undefined && config.numParameters !== 1 })
    case 'embedding':
      return embedding(tableOf(config))
    case 'embeddingBag':
      return named({
        e: embeddingBag({
          ...tableOf(config),
          mode: (config.mode ?? 'mean') as 'mean',
          perSampleWeights: config.perSampleWeights === true,
        }),
      })
    case 'groupNorm':
      return groupNorm({ groups: number('numGroups'), ...normOf(config) })
    case 'layerNorm':
      return layerNorm({ shape: shapeOf(config), ...normOf(config) })
    case 'rmsNorm':
      return rmsNorm({ shape: shapeOf(config), ...normOf(config) })
    case 'instanceNorm1d':
    case 'instanceNorm2d':
    case 'instanceNorm3d':
      return instanceNorm({ ...normOf(config), affine: config.affine === true })
    case 'rnn': {
      const nonlinearity = config.nonlinearity === 'relu' ? 'relu' : 'tanh'
      return named({ r: rnn(number('hiddenSize'), { ...recurrentOf(config), nonlinearity }) })
    }
    case 'lstm':
      return named({ r: lstm(number('hiddenSize'), recurrentOf(config)) })
    case 'gru':
      return named({ r: gru(number('hiddenSize'), recurrentOf(config)) })
    case 'multiheadAttention': {
      const shared = {
        features: number('embedDim'),
        heads: number('numHeads'),
        masked: config.masked === true,
        bias: config.bias !== false,
      }
      const rule =
        typeof config.memory === 'number'
          ? crossAttention({ ...shared, memory: config.memory })
          : selfAttention({ ...shared, causal: config.causal === true })
      return named({ a: rule })
    }
    case 'transformerEncoderLayer':
      return config.normFirst === true ? (encoderBlock(blockOf(config)) as unknown as AnyLayer) : undefined
    case 'transformerDecoderLayer':
      return config.normFirst === true
        ? (decoderBlock({ ...blockOf(config), memory: number('memory') }) as unknown as AnyLayer)
        : undefined
    case 'bilinear':
      return named({
        b: bilinear(number('outFeatures'), {
          first: number('in1Features'),
          second: number('in2Features'),
          bias: config.bias !== false,
        }),
      })
    case 'tied':
      return tied({ rows: number('hidden'), columns: number('inFeatures') })((w) => [w.apply, relu, w.transposed])
    case 'residualBlock':
      return residualBlock(number('outChannels'), number('stride'))
    case 'sequential': {
      const layers = (config.layers as readonly string[]).map(layerOfWords)
      return layers.includes(undefined) ? undefined : sequential(...(layers as readonly AnyLayer[]))
    }
    default:
      return undefined
  }
}

/**
 * Models from the words of the golden files: `conv2d 1 4 8 stride 2`, or a layer name with a config record.
 */
import {
  type AnyLayer,
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  avgPool1d,
  avgPool2d,
  conv1d,
  conv2d,
  conv3d,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
  elu,
  embedding,
  embeddingBag,
  flatten,
  gelu,
  geluTanh,
  groupNorm,
  gru,
  hardtanh,
  inForm,
  instanceNorm,
  type LayerRule,
  lastStep,
  layerNorm,
  leakyRelu,
  linear,
  lstm,
  maxPool1d,
  maxPool2d,
  mish,
  named,
  type PaddingMode,
  prelu,
  relu,
  residual,
  rmsNorm,
  rnn,
  selfAttention,
  selu,
  sequential,
  sigmoid,
  silu,
  softmax,
  softplus,
  tanh,
  tied,
  zeroPad2d,
} from '../../src/grad/index.js'
import type { Shape, Tree } from '../../src/tensor/index.js'

type Config = Readonly<Record<string, unknown>>

const constant: Readonly<Record<string, AnyLayer>> = {
  relu,
  tanh,
  sigmoid,
  gelu,
  'gelu tanh': geluTanh,
  silu,
  elu: elu(),
  selu,
  softplus,
  leakyRelu: leakyRelu(),
  mish,
  hardtanh,
  flatten,
  softmax,
  lastStep,
}

/** `stride 2 padding 1` → { stride: 2, padding: 1 } */
const options = (words: readonly string[]): Readonly<Record<string, number>> =>
  Object.fromEntries(words.flatMap((word, i) => (i % 2 === 0 ? [[word, Number(words[i + 1])]] : [])))

/** The layer that a line of words describes, or undefined for one that is not built. */
export const layerOfWords = (line: string): AnyLayer | undefined => {
  const fixed = constant[line]
  if (fixed !== undefined) return fixed
  const [name, ...words] = line.split(' ')
  const firstWord = words.findIndex((word) => Number.isNaN(Number(word)))
  const numbers = words.slice(0, firstWord < 0 ? words.length : firstWord).map(Number)
  const named = firstWord < 0 ? {} : options(words.slice(firstWord))
  const [a = 0, b = 0, c = 0, d = 0] = numbers
  switch (name) {
    case 'linear':
      return linear(b, { bias: named.bias !== 0 })
    case 'conv2d':
      return conv2d(b, { kernel: c, ...named, bias: named.bias !== 0 })
    case 'conv1d':
      return conv1d(b, { kernel: c, ...named, bias: named.bias !== 0 })
    case 'conv3d':
      return conv3d(b, { kernel: c, ...named, bias: named.bias !== 0 })
    case 'layerNorm':
      return layerNorm({ shape: numbers })
    case 'rmsNorm':
      return rmsNorm({ shape: numbers })
    case 'instanceNorm2d':
      return instanceNorm()
    case 'embedding':
      return embedding({ vocabulary: a, features: b })
    case 'prelu':
      return prelu({ perChannel: a > 1 })
    case 'maxPool1d':
      return maxPool1d({ kernel: a, ...named })
    case 'avgPool1d':
      return avgPool1d({ kernel: a, ...named })
    case 'adaptiveAvgPool1d':
      return adaptiveAvgPool1d(a)
    case 'maxPool2d':
      return maxPool2d({ kernel: a, ...named })
    case 'avgPool2d':
      return avgPool2d({ kernel: a, ...named })
    case 'adaptiveAvgPool2d':
      return adaptiveAvgPool2d(numbers.length > 1 ? [a, b] : a)
    case 'groupNorm':
      return groupNorm({ groups: a })
    case 'zeroPad2d':
      // PyTorch's order of edges.
      return zeroPad2d(numbers.length === 1 ? a : { left: a, right: b, top: c, bottom: d })
    default:
      return undefined
  }
}

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
      return named({ e: embeddingBag({ ...tableOf(config), mode: (config.mode ?? 'mean') as 'mean' }) })
    case 'groupNorm':
      return groupNorm({ groups: number('numGroups'), epsilon: number('eps') })
    case 'layerNorm':
      return layerNorm({ shape: config.normalizedShape as Shape, epsilon: number('eps'), bias: config.bias !== false })
    case 'rmsNorm':
      return rmsNorm({ shape: config.normalizedShape as Shape, epsilon: number('eps') })
    case 'instanceNorm1d':
    case 'instanceNorm2d':
    case 'instanceNorm3d':
      return instanceNorm({ affine: config.affine === true, epsilon: number('eps') })
    case 'rnn': {
      const nonlinearity = config.nonlinearity === 'relu' ? 'relu' : 'tanh'
      return named({ r: rnn(number('hiddenSize'), { ...recurrentOf(config), nonlinearity }) })
    }
    case 'lstm':
      return named({ r: lstm(number('hiddenSize'), recurrentOf(config)) })
    case 'gru':
      return named({ r: gru(number('hiddenSize'), recurrentOf(config)) })
    case 'multiheadAttention':
      return named({
        a: selfAttention({
          features: number('embedDim'),
          heads: number('numHeads'),
          causal: config.causal === true,
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

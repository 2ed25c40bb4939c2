/**
 * Layers from lines of words, as the golden files have them: `conv2d 1 4 8 stride 2`. Numbers come in PyTorch's order, then
 * options by name.
 */
import {
  type AnyLayer,
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveAvgPool3d,
  avgPool1d,
  avgPool2d,
  avgPool3d,
  conv1d,
  conv2d,
  conv3d,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
  type Edge,
  elu,
  embedding,
  flatten,
  gelu,
  geluTanh,
  globalAvgPool,
  globalMaxPool,
  groupNorm,
  gru,
  hardtanh,
  identity,
  instanceNorm,
  lastStep,
  layerNorm,
  leakyRelu,
  linear,
  lstm,
  maxPool1d,
  maxPool2d,
  maxPool3d,
  mish,
  type PaddingMode,
  pad,
  permute,
  prelu,
  relu,
  reshapeTo,
  rmsNorm,
  rnn,
  selu,
  sigmoid,
  silu,
  softmax,
  softplus,
  tanh,
  upsample,
} from '../../src/grad/index.js'

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
  identity: identity as unknown as AnyLayer,
  globalAvgPool: globalAvgPool as unknown as AnyLayer,
  globalMaxPool: globalMaxPool as unknown as AnyLayer,
}

/** `stride 2 mode linear` → { stride: 2, mode: 'linear' } */
const options = (words: readonly string[]): Readonly<Record<string, number | string>> =>
  Object.fromEntries(
    words.flatMap((word, i) => {
      if (i % 2 === 1) return []
      const value = words[i + 1] as string
      return [[word, Number.isNaN(Number(value)) ? value : Number(value)]]
    }),
  )

const modes: Readonly<Record<string, PaddingMode>> = {
  zero: 'zeros',
  reflection: 'reflect',
  replication: 'replicate',
  circular: 'circular',
}

/** `reflectionPad2d`: one number for all edges, or PyTorch's order, which begins at the last axis. */
const padding = (name: string, numbers: readonly number[]): AnyLayer | undefined => {
  const [, word = '', rank = ''] = /^([a-z]+)Pad([123])d$/.exec(name) ?? []
  const mode = modes[word]
  if (mode === undefined) return undefined
  const axes = Number(rank)
  const each = numbers.length === 1 ? new Array<number>(2 * axes).fill(numbers[0] as number) : numbers
  const edges = Array.from({ length: axes }, (_, axis): Edge => {
    const at = 2 * (axes - 1 - axis)
    return [each[at] as number, each[at + 1] as number]
  })
  return pad({ edges, mode }) as unknown as AnyLayer
}

const convolutions = { conv1d, conv2d, conv3d, convTranspose1d, convTranspose2d, convTranspose3d }
const pools = { maxPool1d, avgPool1d, maxPool2d, avgPool2d, maxPool3d, avgPool3d }

/** The layer that a line of words describes, or undefined for one that is not built. */
export const layerOfWords = (line: string): AnyLayer | undefined => {
  const fixed = constant[line]
  if (fixed !== undefined) return fixed
  const [name = '', ...words] = line.split(' ')
  const firstWord = words.findIndex((word) => Number.isNaN(Number(word)))
  const numbers = words.slice(0, firstWord < 0 ? words.length : firstWord).map(Number)
  const named = firstWord < 0 ? {} : options(words.slice(firstWord))
  const [a = 0, b = 0, c = 0] = numbers
  const any = (rule: unknown): AnyLayer => rule as AnyLayer
  const norm = {
    ...(named.eps === undefined ? {} : { epsilon: named.eps as number }),
    affine: named.affine !== 0,
    bias: named.bias !== 0,
  }
  if (name in convolutions) {
    const make = convolutions[name as keyof typeof convolutions] as (o: number, options: object) => unknown
    return any(make(b, { kernel: c, ...named, bias: named.bias !== 0 }))
  }
  if (name in pools) {
    const make = pools[name as keyof typeof pools] as (options: object) => unknown
    return any(make({ kernel: a, ...named }))
  }
  switch (name) {
    case 'linear':
      return linear(b, { bias: named.bias !== 0 })
    case 'layerNorm':
      return layerNorm({ shape: numbers, ...norm })
    case 'rmsNorm':
      return rmsNorm({ shape: numbers, ...norm })
    case 'groupNorm':
      return groupNorm({ groups: a, ...norm })
    case 'instanceNorm1d':
    case 'instanceNorm2d':
    case 'instanceNorm3d':
      return instanceNorm({ ...norm, affine: named.affine === 1 })
    case 'embedding':
      return embedding({ vocabulary: a, features: b })
    case 'rnn':
    case 'lstm':
    case 'gru': {
      const make = { rnn, lstm, gru }[name]
      return any(make(b, { layers: (named.layers ?? 1) as number, bidirectional: named.bidirectional === 1 }))
    }
    case 'permute':
      return any(permute(numbers))
    case 'reshape':
      return any(reshapeTo(numbers))
    case 'prelu':
      return prelu({ perChannel: a > 1 })
    case 'elu':
      return elu(a)
    case 'leakyRelu':
      return leakyRelu(a)
    case 'adaptiveAvgPool1d':
      return any(adaptiveAvgPool1d(a))
    case 'adaptiveAvgPool2d':
      return any(adaptiveAvgPool2d(numbers.length > 1 ? [a, b] : a))
    case 'adaptiveAvgPool3d':
      return any(adaptiveAvgPool3d(numbers.length > 1 ? [a, b, c] : a))
    case 'upsample':
      return any(
        upsample({
          factor: numbers.length > 1 ? numbers : a,
          mode: String(named.mode ?? 'nearest').endsWith('linear') ? 'linear' : 'nearest',
          alignCorners: named.alignCorners === 1,
        }),
      )
    default:
      return padding(name, numbers)
  }
}

/**
 * Models from the words of the golden files: `conv2d 1 4 8 stride 2`, or a layer name with a config record.
 */
import {
  type AnyLayer,
  adaptiveAvgPool2d,
  avgPool2d,
  conv2d,
  elu,
  flatten,
  gelu,
  geluTanh,
  groupNorm,
  hardtanh,
  leakyRelu,
  linear,
  maxPool2d,
  mish,
  relu,
  selu,
  sequential,
  sigmoid,
  silu,
  softplus,
  tanh,
  zeroPad2d,
} from '../../src/grad/index.js'
import type { Pair } from '../../src/tensor/index.js'

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

/** The layer of a case, or undefined for one that is not built. */
export const layerOfConfig = (layer: string, config: Config): AnyLayer | undefined => {
  const number = (key: string) => config[key] as number
  switch (layer) {
    case 'linear':
      return linear(number('outFeatures'), { bias: config.bias !== false })
    case 'conv2d':
      return conv2d(number('outChannels'), {
        kernel: config.kernelSize as number | Pair,
        stride: config.stride as number | Pair,
        padding: config.padding as number | Pair,
        dilation: config.dilation as number | Pair,
        groups: number('groups'),
        bias: config.bias !== false,
      })
    case 'groupNorm':
      return groupNorm({ groups: number('numGroups'), epsilon: number('eps') })
    case 'sequential': {
      const layers = (config.layers as readonly string[]).map(layerOfWords)
      return layers.includes(undefined) ? undefined : sequential(...(layers as readonly AnyLayer[]))
    }
    default:
      return undefined
  }
}

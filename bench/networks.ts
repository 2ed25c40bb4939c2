/**
 * The networks of the bench, each as a rule of fp-dp. Contenders in other libraries build the same functions and take their
 * parameters in the order of the leaves of these (see `problem.ts`).
 */
import {
  type AnyLayer,
  encoderBlock,
  type LayerRule,
  lastStep,
  linear,
  lstm,
  named,
  relu,
  sequential,
} from '../src/grad/index.js'
import { resNet20, smallCnn } from '../src/models/index.js'
import { meanOverPositions } from '../src/models/mean-over-positions.js'
import type { Shape, Tree } from '../src/tensor/index.js'

/** A network, and the batches at which it is timed. */
export interface Network {
  readonly title: string
  readonly model: LayerRule<Tree, unknown>
  /** One sample. */
  readonly input: Shape
  readonly sizes: readonly number[]
}

const rule = (layer: unknown): LayerRule<Tree, unknown> => layer as LayerRule<Tree, unknown>

/** Affine maps from 784 over two hidden layers of that width to 10. */
export const perceptron = (width: number): LayerRule<Tree, unknown> =>
  rule(sequential(linear(width), relu, linear(width), relu, linear(10)))

export const networks: Readonly<Record<string, Network>> = {
  'mnist-cnn': { title: 'MNIST CNN', model: smallCnn('relu'), input: [1, 28, 28], sizes: [64, 256, 1024] },
  'resnet-20': { title: 'ResNet-20', model: resNet20(), input: [3, 32, 32], sizes: [64, 256] },
  mlp: { title: 'MLP 784-1024-1024-10', model: perceptron(1024), input: [784], sizes: [256] },
  lstm: {
    title: 'LSTM, 64 steps of 64 features, hidden 128',
    model: rule(sequential(lstm(128), lastStep, linear(10))),
    input: [64, 64],
    sizes: [64],
  },
  transformer: {
    title: 'Transformer block, 128 positions of 256 features, 8 heads',
    model: rule(
      named({
        block: encoderBlock({ features: 256, heads: 8 }) as unknown as AnyLayer,
        mean: meanOverPositions as unknown as AnyLayer,
        linear: linear(10) as unknown as AnyLayer,
      }),
    ),
    input: [128, 256],
    sizes: [32],
  },
  /** For tests of the bench itself. */
  tiny: { title: 'tiny', model: rule(sequential(linear(8), relu, linear(10))), input: [5], sizes: [4] },
}

/** The network of a name: one of the table, or `mlp-128`, a perceptron of that width. */
export const networkOf = (name: string): Network | undefined => {
  const width = /^mlp-([1-9]\d*)$/.exec(name)?.[1]
  if (width === undefined) return networks[name]
  return { title: `MLP 784-${width}-${width}-10`, model: perceptron(Number(width)), input: [784], sizes: [64] }
}

/** A network at a batch: what a row of the table is. */
export interface Row {
  readonly network: string
  readonly samples: number
}

export const allRows: readonly Row[] = Object.entries(networks).flatMap(([network, { sizes }]) =>
  network === 'tiny' ? [] : sizes.map((samples) => ({ network, samples })),
)

export const rowName = ({ network, samples }: Row): string => `${network}@${samples}`

/** The rows that words such as `mlp` and `resnet-20@64` name, in the order of the table; a word that names none, otherwise. */
export const rowsNamed = (words: readonly string[]): readonly Row[] | { readonly unknown: string } => {
  const chosen = words.map((word) => {
    const [network = '', samples] = word.split('@')
    const known = networkOf(network)
    const some = samples === undefined || (Number.isInteger(Number(samples)) && Number(samples) >= 1)
    if (known === undefined || !some) return { unknown: word }
    return (samples === undefined ? known.sizes : [Number(samples)]).map((size) => ({ network, samples: size }))
  })
  const wrong = chosen.find((found): found is { unknown: string } => 'unknown' in found)
  return wrong ?? (chosen as (readonly Row[])[]).flat()
}

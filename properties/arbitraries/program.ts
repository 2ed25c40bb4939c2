/**
 * Programs of operations, and models, that go through all kinds of kernels: what a device does for them is to be the same however it is done.
 */
import fc from 'fast-check'
import type { Batch, LayerRule } from '../../src/grad/index.js'
import { cifarCnn, lstmClassifier, resNet20, smallCnn, transformerClassifier } from '../../src/models/index.js'
import type { Backend } from '../../src/tensor/backend/backend.js'
import { full, placeOf, type Tensor, tensor } from '../../src/tensor/tensor.js'
import type { Tree } from '../../src/tensor/tree.js'
import type { Convolution2d, Window2d } from '../../src/tensor/window.js'
import { noise } from './tensor.js'

/** Images of so many channels and pixels, and what becomes of them. */
const [CHANNELS, SIDE] = [8, 8]
const convolution = (groups: number, kernel: number): Convolution2d => ({
  kernel: [kernel, kernel],
  stride: [1, 1],
  padding: [(kernel - 1) / 2, (kernel - 1) / 2],
  dilation: [1, 1],
  groups,
})
const halving: Convolution2d = { ...convolution(1, 3), stride: [2, 2] }
const window: Window2d = { kernel: [3, 3], stride: [1, 1], padding: [1, 1], dilation: [1, 1] }
const weight = (seed: number, shape: readonly number[]): Tensor => noise(shape, { seed })

/** All take images and leave images of the same shape. */
const operations: Readonly<Record<string, (backend: Backend, x: Tensor, y: Tensor) => Tensor>> = {
  filtered: (backend, x) => backend.conv2d(x, weight(1, [8, 8, 3, 3]), weight(2, [8]), convolution(1, 3), 'tanh'),
  turned: (backend, x) => backend.conv2dInputGrad(x, weight(3, [8, 8, 3, 3]), convolution(1, 3), x.shape),
  pixels: (backend, x) => backend.conv2d(x, weight(4, [8, 8, 1, 1]), undefined, convolution(1, 1), 'tanh'),
  groups: (backend, x) => backend.conv2d(x, weight(5, [8, 2, 3, 3]), undefined, convolution(4, 3)),
  halved: (backend, x) => {
    const y = backend.conv2d(x, weight(6, [8, 8, 3, 3]), undefined, halving)
    return backend.conv2dInputGrad(y, weight(7, [8, 8, 3, 3]), halving, x.shape)
  },
  normalised: (backend, x) => backend.groupNorm(x, { groups: 4, epsilon: 1e-5 }, { weight: weight(8, [8]) }, 'relu').y,
  pulled: (backend, x, y) => {
    const { mean, inverseDeviation } = backend.groupNorm(x, { groups: 2, epsilon: 1e-5 }, {})
    return backend.groupNormGrad(x, y, undefined, { mean, inverseDeviation }, { op: 'reluGrad', y }).gx
  },
  averaged: (backend, x) => backend.avgPool2dGrad(backend.avgPool2d(x, window), window, x.shape),
  largest: (backend, x) => {
    const { y, argmax } = backend.maxPool2d(x, window)
    return backend.zip('add', backend.maxPool2dGrad(y, argmax, x.shape), backend.map('tanh', argmax))
  },
  sum: (backend, x, y) => backend.zip('add', x, y, 'tanh'),
  spread: (backend, x, y) => backend.zip('mul', x, backend.sum(y, [0])),
  mapped: (backend, x) => backend.map('tanh', x),
  scaled: (backend, x, y) => backend.scaleRows(backend.rowDots(x, y), backend.map('tanh', y)),
  gradients: (backend, x, y) => {
    const grad = backend.conv2dPerSampleGrad(x, y, convolution(1, 3))
    const norms = backend.rowNorms?.([grad, x]) ?? backend.rowDots(x, x)
    return backend.scaleRows(norms, x)
  },
  norms: (backend, x, y) =>
    backend.scaleRows(
      backend.conv2dGramSquaredNorm(x, y, 1, convolution(1, 3)),
      backend.scaleRows(backend.conv2dSquaredNorm(x, y, convolution(1, 5)), y),
    ),
  sums: (backend, x, y) => {
    const count = x.shape[0] as number
    const ofWeight = backend.conv2dWeightedGrad(x, y, full(1 / count, [count]), convolution(1, 3))
    return backend.conv2d(y, backend.map('tanh', ofWeight), undefined, convolution(1, 3), 'tanh')
  },
  padded: (backend, x) => backend.avgPool2d(backend.pad2d(x, { top: 1, bottom: 1, left: 1, right: 1 }), narrow),
}
const narrow: Window2d = { ...window, padding: [0, 0] }

/** What a step does, which of the last four it works on, and whether the oldest of them is given up. */
interface Step {
  readonly name: string
  readonly left: number
  readonly right: number
  readonly isGivenUp: boolean
}
const step: fc.Arbitrary<Step> = fc.record({
  name: fc.constantFrom(...Object.keys(operations)),
  left: fc.nat(),
  right: fc.nat(),
  isGivenUp: fc.boolean(),
})
/** Samples of a program. */
export const samplesOfProgram: fc.Arbitrary<number> = fc.oneof(
  fc.integer({ min: 1, max: 70 }),
  fc.constantFrom(16, 32, 64),
)

/** Steps one after the other. */
export const programs: fc.Arbitrary<readonly Step[]> = fc.array(step, { minLength: 1, maxLength: 12 })

/** What a program works on. */
export const inputsOf = (samples: number, seed = 0): readonly Tensor[] =>
  [1, 2, 3, 4].map((n) => noise([samples, CHANNELS, SIDE, SIDE], { seed: seed + n }))

/** Each step works on what the last four left, kept near 1 in size. */
export const program =
  (backend: Backend, steps: readonly Step[]) =>
  (inputs: readonly Tensor[]): Tensor => {
    const recent = [...inputs]
    for (const { name, left, right, isGivenUp } of steps) {
      const [x, y] = [recent[left % 4] as Tensor, recent[right % 4] as Tensor]
      recent.push(backend.map('tanh', (operations[name] as (typeof operations)[string])(backend, x, y)))
      const [oldest] = recent.splice(0, 1) as [Tensor]
      const isOwn = inputs.every((t) => placeOf(t) !== placeOf(oldest))
      if (isGivenUp && isOwn && recent.every((t) => placeOf(t) !== placeOf(oldest))) backend.release?.(oldest)
    }
    return recent.reduce((sum, t) => backend.zip('add', sum, t))
  }

const labels = (size: number, classes: number): Tensor =>
  tensor(
    Array.from({ length: size }, (_, n) => n % classes),
    [size],
    'int32',
  )
const images = (size: number, shape: readonly number[]): Batch => ({
  input: noise([size, ...shape], { seed: 11 }),
  target: labels(size, 10),
})
const tokens = (size: number, length: number): Batch => ({
  input: tensor(
    Array.from({ length: size * length }, (_, i) => (i * 7919) % 11),
    [size, length],
    'int32',
  ),
  target: labels(size, 3),
})

/** Models of several kinds, with batches of theirs. */
export const modelsWithBatches: readonly (readonly [string, LayerRule<Tree, unknown>, (size: number) => Batch])[] = [
  ['a residual network', resNet20(), (size) => images(size, [3, 16, 16])],
  ['a convolutional network with max pooling', smallCnn('relu'), (size) => images(size, [1, 28, 28])],
  ['one of many channels', cifarCnn(), (size) => images(size, [3, 32, 32])],
  [
    'an LSTM',
    lstmClassifier({ vocabulary: 11, features: 5, hidden: 7, classes: 3 }) as LayerRule<Tree, unknown>,
    (size) => tokens(size, 6),
  ],
  [
    'a transformer',
    transformerClassifier({ vocabulary: 11, features: 8, heads: 2, blocks: 1, classes: 3 }) as LayerRule<Tree, unknown>,
    (size) => tokens(size, 6),
  ],
]

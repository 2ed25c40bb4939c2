/**
 * The networks: as many parameters as published, under names, and gradients for each sample that agree by every plan.
 */
import { describe, expect, it } from 'vitest'
import { type AnyLayer, crossEntropy, perSampleGrad, perSampleSquaredNorm, weightedGrad } from '../src/grad/index.js'
import {
  cifarCnn,
  linearFromZero,
  logisticRegression,
  lstmClassifier,
  preActivationResNet20,
  resNet20,
  scatteringLinear,
  smallCnn,
  transformerClassifier,
  wideResNet16x4,
  zeroPaddedShortcut,
} from '../src/models/index.js'
import { key } from '../src/sampling/index.js'
import { defaultBackend } from '../src/tensor/backend/default.js'
import { reference } from '../src/tensor/backend/reference.js'
import { zipTensorsWith } from '../src/tensor/elementwise.js'
import { size, type Tensor, tensor, toArray } from '../src/tensor/tensor.js'
import { namedLeaves, treeSize } from '../src/tensor/tree.js'
import { reshape } from '../src/tensor/view.js'
import { noise } from './arbitraries/tensor.js'
import { expectShapeError } from './laws/layer.js'

interface ModelCase {
  readonly name: string
  readonly model: AnyLayer
  /** The shape that it is published for, and how many parameters and outputs it has there. */
  readonly input: readonly number[]
  readonly count: number
  readonly output: number
  /** An input that the reference backend gets through quickly. */
  readonly small: readonly number[]
  /** How many kinds of tokens the input holds, if it is no image. */
  readonly vocabulary?: number
  /** Some of the paths of its parameters, the first and the last among them. */
  readonly paths: readonly string[]
}

const text = { vocabulary: 30, features: 8, classes: 3 }

const cases: readonly ModelCase[] = [
  {
    name: 'smallCnn',
    model: smallCnn('tanh'),
    input: [1, 28, 28],
    count: 26_010,
    output: 10,
    small: [1, 28, 28],
    paths: ['1.weight', '4.weight', '10.bias'],
  },
  {
    name: 'cifarCnn',
    model: cifarCnn(),
    input: [3, 32, 32],
    count: 605_226,
    output: 10,
    small: [3, 8, 8],
    paths: ['stage1.conv1.weight', 'stage3.conv2.bias', 'conv8.bias'],
  },
  {
    name: 'resNet20',
    model: resNet20(),
    input: [3, 32, 32],
    count: 269_722,
    output: 10,
    small: [3, 8, 8],
    paths: ['conv.weight', 'stage1.0.0.body.conv1.weight', 'stage3.2.0.body.norm2.bias', 'linear.bias'],
  },
  {
    name: 'resNet20, shortcuts by convolution',
    model: resNet20({ shortcut: 'convolution' }),
    input: [3, 32, 32],
    count: 272_474,
    output: 10,
    small: [3, 8, 8],
    paths: ['conv.weight', 'stage2.0.0.shortcut.conv.weight', 'linear.bias'],
  },
  {
    name: 'preActivationResNet20',
    model: preActivationResNet20(),
    input: [3, 32, 32],
    count: 269_722,
    output: 10,
    small: [3, 8, 8],
    paths: ['conv.weight', 'stage1.0.body.norm1.weight', 'stage2.0.sum.body.conv2.weight', 'norm.bias', 'linear.bias'],
  },
  {
    name: 'wideResNet16x4',
    model: wideResNet16x4(),
    input: [3, 32, 32],
    count: 2_748_890,
    output: 10,
    small: [3, 4, 4],
    paths: ['conv.weight', 'stage1.0.sum.shortcut.weight', 'stage3.1.body.conv2.weight', 'linear.bias'],
  },
  {
    name: 'lstmClassifier',
    model: lstmClassifier({ ...text, hidden: 16 }),
    input: [12],
    count: 30 * 8 + 4 * 16 * (8 + 16 + 2) + 3 * 17,
    output: 3,
    small: [5],
    vocabulary: 30,
    paths: ['embedding.weight', 'lstm.weight_hh_l0', 'linear.bias'],
  },
  {
    name: 'transformerClassifier',
    model: transformerClassifier({ ...text, heads: 2, blocks: 2 }),
    input: [6],
    count: 30 * 8 + 6 * 8 + 2 * (4 * 64 + 2 * 8 * 32 + 9 * 8 + 32) + 2 * 8 + 3 * 9,
    output: 3,
    small: [6],
    vocabulary: 30,
    paths: ['embedding.weight', 'position.weight', 'blocks.1.self_attn.in_proj_weight', 'linear.bias'],
  },
  {
    name: 'logisticRegression',
    model: logisticRegression({ classes: 10 }),
    input: [1, 28, 28],
    count: 7850,
    output: 10,
    small: [1, 28, 28],
    paths: ['linear.weight', 'linear.bias'],
  },
  {
    name: 'scatteringLinear',
    model: scatteringLinear({ classes: 10 }),
    input: [1, 28, 28],
    count: 39_700,
    output: 10,
    small: [1, 6, 5],
    paths: ['linear.weight', 'linear.bias'],
  },
  {
    name: 'linearFromZero',
    model: linearFromZero({ classes: 10 }),
    input: [3970],
    count: 39_700,
    output: 10,
    small: [7],
    paths: ['weight'],
  },
]

const wasm = defaultBackend()

/** Σ x². */
const squares = (x: Tensor): number => {
  const row = reshape([1, size(x)])(x)
  return toArray(wasm.rowDots(row, row))[0] as number
}

const classesOf = (count: number, classes: number): Tensor =>
  tensor(
    Array.from({ length: count }, (_, n) => (3 * n + 1) % classes),
    [count],
    'int32',
  )

const inputOf = ({ small, vocabulary }: ModelCase, count: number): Tensor => {
  const x = noise([count, ...small])
  if (vocabulary === undefined) return x
  const tokens = toArray(x).map((value) => Math.floor(Math.abs(value * 1e4)) % vocabulary)
  return tensor(tokens, x.shape, 'int32')
}

describe.each(cases)('$name', (one) => {
  const { model, input, count, output, small, paths } = one
  const { params, output: shape } = model.init(key(0), input)

  it('has its number of parameters, under names, and an output for each class', () => {
    expect(treeSize(params)).toBe(count)
    expect(shape).toEqual([output])
    const all = namedLeaves(params).map(({ path }) => path)
    for (const path of paths) expect(all).toContain(path)
    expect([all[0], all.at(-1)]).toEqual([paths[0], paths.at(-1)])
  })

  it('norms and weighted sums by book-keeping are those of the materialised gradients', () => {
    const own = model.init(key(1), small).params
    const batch = { input: inputOf(one, 3), target: classesOf(3, output) }
    const { grad } = perSampleGrad(crossEntropy, model)(own, batch)
    const leaves = namedLeaves(grad).map(({ leaf }) => leaf)
    const { squaredNorm } = perSampleSquaredNorm(crossEntropy, model)(own, batch)
    const formed = leaves.map((leaf) => wasm.rowDots(leaf, leaf)).reduce(zipTensorsWith((a, b) => a + b))
    for (const [n, value] of toArray(squaredNorm).entries()) {
      const ratio = value / (toArray(formed)[n] as number)
      expect(ratio).toBeGreaterThanOrEqual(1 - 1e-6)
      expect(ratio).toBeLessThan(1 + 1e-3)
    }
    const weight = tensor([0.5, -2, 1], [3], 'float64')
    const { grad: sum } = weightedGrad(crossEntropy, model)(own, batch, weight)
    const far = namedLeaves(sum).map(({ leaf }, index) => {
      const expected = wasm.weightedRowSum(weight, leaves[index] as Tensor)
      return [squares(wasm.zip('sub', leaf, expected)), squares(expected)] as const
    })
    const [difference, whole] = far.reduce(([a, b], [c, d]) => [a + c, b + d], [0, 0])
    expect(Math.sqrt(difference / whole)).toBeLessThan(1e-5)
  })
})

describe('the shortcut of zeros', () => {
  it('takes every second pixel, and adds channels of zeros', () => {
    const rule = zeroPaddedShortcut({ channels: 2, stride: 2 })
    const x = tensor([0, 1, 2, 3, 4, 5, 6, 7, 8], [1, 1, 3, 3], 'float64')
    const [y, cache] = rule.forward(reference, {}, x)
    expect(y.shape).toEqual([1, 2, 2, 2])
    expect(toArray(y)).toEqual([0, 2, 6, 8, 0, 0, 0, 0])
    const gx = rule.backward(reference, {}, cache, tensor([1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 2, 2], 'float64'))
    expect(toArray(gx)).toEqual([1, 0, 2, 0, 0, 0, 3, 0, 4])
  })
  it('is a ShapeError for an input with more channels', () => {
    expectShapeError(() => zeroPaddedShortcut({ channels: 2, stride: 1 }).init(key(0), [3, 4, 4]))
  })
})

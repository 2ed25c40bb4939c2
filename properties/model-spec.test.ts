/**
 * Models as plain data: what is wrong with them, how they are repaired, and the rules that they become.
 */
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, it } from 'vitest'
import {
  conv2d,
  crossEntropy,
  flatten,
  groupNorm,
  linear,
  perSampleGrad,
  perSampleSquaredNorm,
  relu,
  residual,
  sequential,
} from '../src/grad/index.js'
import {
  build,
  fix,
  type LayerSpec,
  type ModelSpec,
  showModelProblem,
  validate,
  type Wiring,
} from '../src/models/index.js'
import { key } from '../src/sampling/index.js'
import { reference } from '../src/tensor/backend/reference.js'
import { tensor } from '../src/tensor/tensor.js'
import { namedLeaves, type Tree, treeSize } from '../src/tensor/tree.js'
import { noise } from './arbitraries/tensor.js'
import { expectEqual, expectNear } from './laws/closeness.js'

const conv = (outputs: number, kernel: number, stride = 1): LayerSpec => ({
  _tag: 'Conv2d',
  outputs,
  kernel,
  stride,
  padding: (kernel - 1) / 2,
  bias: false,
})
const norm = (channels: number): LayerSpec => ({ _tag: 'BatchNorm', channels, axes: 2 })

/** ResNet-20 as it was published, with batch normalisation, under PyTorch's names; shortcuts by convolution. */
const published = (): ModelSpec => {
  const layers: Record<string, LayerSpec> = {
    conv1: conv(16, 3),
    bn1: norm(16),
    relu: { _tag: 'Plain', name: 'relu' },
    pool: { _tag: 'AdaptiveAvgPool2d', output: 1 },
    flatten: { _tag: 'Plain', name: 'flatten' },
    fc: { _tag: 'Linear', outputs: 10 },
  }
  const blocks = [16, 32, 64].flatMap((channels, stage) =>
    [0, 1, 2].map((b): Wiring => {
      const at = `layer${stage + 1}.${b}`
      const shrinks = stage > 0 && b === 0
      layers[`${at}.conv1`] = conv(channels, 3, shrinks ? 2 : 1)
      layers[`${at}.bn1`] = norm(channels)
      layers[`${at}.conv2`] = conv(channels, 3)
      layers[`${at}.bn2`] = norm(channels)
      const body = [`${at}.conv1`, `${at}.bn1`, 'relu', `${at}.conv2`, `${at}.bn2`]
      if (!shrinks) return [{ residual: body }, 'relu']
      layers[`${at}.downsample.0`] = conv(channels, 1, 2)
      layers[`${at}.downsample.1`] = norm(channels)
      return [{ residual: body, shortcut: [`${at}.downsample.0`, `${at}.downsample.1`] }, 'relu']
    }),
  )
  return { layers, wiring: ['conv1', 'bn1', 'relu', ...blocks, 'pool', 'flatten', 'fc'] }
}

const tagsOf = (model: ModelSpec): readonly string[] =>
  E.isLeft(validate(model)) ? (validate(model) as E.Left<readonly { _tag: string }[]>).left.map(({ _tag }) => _tag) : []

const builtOf = (model: ModelSpec) => {
  const built = build(model)
  if (E.isLeft(built)) throw new Error(built.left.map(showModelProblem).join('\n'))
  return built.right
}

describe('validate', () => {
  it('finds every problem at once, each with a sentence that names its layer', () => {
    const model: ModelSpec = {
      layers: {
        bn: norm(8),
        sync: { _tag: 'BatchNorm', channels: 8, axes: 2, synchronised: true },
        running: { _tag: 'InstanceNorm', runningStatistics: true },
        spectral: { _tag: 'SpectralNorm', of: conv(8, 3) },
        standardised: { _tag: 'WeightStandardised', of: { _tag: 'SpectralNorm', of: conv(8, 1) } },
        spare: { _tag: 'Linear', outputs: 2 },
        twice: { _tag: 'Linear', outputs: 2 },
        relu: { _tag: 'Plain', name: 'relu' },
      },
      wiring: ['bn', 'relu', 'sync', 'relu', 'running', 'spectral', 'standardised', 'twice', 'twice', 'missing'],
    }
    const found = validate(model)
    if (E.isRight(found)) throw new Error('nothing was found')
    expect(found.left.map(({ _tag, layer }) => `${_tag} ${layer}`)).toEqual([
      'MixesSamples bn',
      'MixesSamples sync',
      'RunningStatistics running',
      'KeepsState spectral',
      'KeepsState standardised',
      'UnusedParameters spare',
      'UsedAgain twice',
      'UnknownLayer missing',
    ])
    for (const problem of found.left) expect(showModelProblem(problem)).toMatch(new RegExp(`^${problem.layer} .{20,}`))
    expect(build(model)).toEqual(found)
  })
  it('lets a valid model through as it is', () => {
    const { model } = fix(published())
    expect(validate(model)).toEqual(E.right(model))
    expect(tagsOf(published())).toEqual(new Array(21).fill('MixesSamples'))
  })
})

describe('fix', () => {
  it('makes ResNet-20 as published trainable, with as many parameters under the same names', () => {
    const { model, changes } = fix(published())
    expect(changes).toHaveLength(21)
    expect(changes[0]?.what).toBe('bn1: batch normalisation became group normalisation in 16 groups')
    const { params, output } = builtOf(model).init(key(0), [3, 32, 32])
    expect(output).toEqual([10])
    expect(treeSize(params)).toBe(272_474)
    const paths = namedLeaves(params).map(({ path }) => path)
    for (const path of ['conv1.weight', 'layer2.0.downsample.0.weight', 'layer3.2.bn2.bias', 'fc.bias'])
      expect(paths).toContain(path)
  })
  it('groups by gcd(32, channels); one group without pixels; instance normalisation where asked', () => {
    const one = (spec: LayerSpec, options = {}) => fix({ layers: { a: spec }, wiring: 'a' }, options).model.layers.a
    expect(one(norm(48))).toEqual({ _tag: 'GroupNorm', groups: 16, affine: true })
    expect(one(norm(5))).toEqual({ _tag: 'GroupNorm', groups: 1, affine: true })
    expect(one({ _tag: 'BatchNorm', channels: 64, axes: 1, affine: false, epsilon: 1e-3 })).toEqual({
      _tag: 'GroupNorm',
      groups: 32,
      affine: false,
      epsilon: 1e-3,
    })
    expect(one({ _tag: 'BatchNorm', channels: 32, axes: 0 })).toEqual({ _tag: 'GroupNorm', groups: 1, affine: true })
    expect(one(norm(8), { batchNorm: 'instanceNorm' })).toEqual({ _tag: 'InstanceNorm', affine: true })
    expect(one({ _tag: 'InstanceNorm', runningStatistics: true, affine: true })).toEqual({
      _tag: 'InstanceNorm',
      affine: true,
    })
    expect(one({ _tag: 'SpectralNorm', of: conv(8, 3) })).toEqual(conv(8, 3))
  })
  it('leaves out what is in no wiring, keeps what only the wiring gets wrong, and has nothing to do the second time', () => {
    const spare: ModelSpec = { layers: { a: conv(4, 3), b: conv(4, 3) }, wiring: ['a', 'a', 'missing'] }
    const { model, changes } = fix(spare)
    expect(Object.keys(model.layers)).toEqual(['a'])
    expect(changes.map(({ layer, to }) => [layer, to])).toEqual([['b', undefined]])
    expect(tagsOf(model)).toEqual(['UsedAgain', 'UnknownLayer'])
    for (const fixed of [model, fix(published()).model]) expect(fix(fixed)).toEqual({ model: fixed, changes: [] })
    expect(fix(model).model).toBe(model)
  })
})

describe('build', () => {
  const model: ModelSpec = {
    layers: {
      conv1: conv(4, 3),
      norm1: { _tag: 'GroupNorm', groups: 2 },
      relu: { _tag: 'Plain', name: 'relu' },
      skip: conv(4, 1),
      flatten: { _tag: 'Plain', name: 'flatten' },
      head: { _tag: 'Linear', outputs: 3 },
    },
    wiring: [{ residual: ['conv1', 'norm1', 'relu'], shortcut: 'skip' }, 'flatten', 'head'],
  }
  const rule = builtOf(model)
  const input = [2, 4, 4]

  it('is the rule that one composes by hand, with parameters by layer', () => {
    const plain = { kernel: 3, padding: 1, bias: false } as const
    const body = sequential(conv2d(4, plain), groupNorm({ groups: 2 }), relu)
    const byHand = sequential(residual(body, conv2d(4, { kernel: 1, bias: false })), flatten, linear(3))
    const { params } = rule.init(key(0), input)
    const { conv1, norm1, skip, head } = params as Readonly<Record<string, Tree>>
    const own = [{ body: [conv1, norm1, {}], shortcut: skip }, {}, head] as never
    const x = noise([2, ...input], { dtype: 'float64' })
    expectEqual(rule.forward(reference, params, x)[0], byHand.forward(reference, own, x)[0])
    expect(namedLeaves(params).map(({ path }) => path)).toEqual([
      'conv1.weight',
      'norm1.weight',
      'norm1.bias',
      'skip.weight',
      'head.weight',
      'head.bias',
    ])
  })
  it('has norms that are those of its gradients', () => {
    const { params } = rule.init(key(1), input)
    const batch = { input: noise([3, ...input], { dtype: 'float64' }), target: tensor([0, 2, 1], [3]) }
    const { grad } = perSampleGrad(crossEntropy, rule, { backend: reference })(params, batch)
    const { squaredNorm } = perSampleSquaredNorm(crossEntropy, rule, { backend: reference })(params, batch)
    const rows = namedLeaves(grad).map(({ leaf }) => reference.rowDots(leaf, leaf))
    expectNear(1e-9)(
      squaredNorm,
      rows.reduce((a, b) => reference.zip('add', a, b)),
    )
  })
  it('says which layer cannot take its input', () => {
    expect(() => rule.init(key(0), [4, 4])).toThrow(/conv1: conv2d\(4, 3×3\), of a model for \[4,4\]/)
  })
  it('is plain data: JSON and back', () => {
    expect(JSON.parse(JSON.stringify(fix(published()).model))).toEqual(fix(published()).model)
  })
})

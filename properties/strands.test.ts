/**
 * Threads go on to the next job with their own samples, whatever others do. Whether a job may be gone through so follows from what it says
 * that it works on. Here one thread goes through chains of jobs strand by strand, in both orders: where a strand needs what another one
 * makes, or writes over what another one still reads, one of the two leaves other bits.
 */
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { type Batch, crossEntropy, type LayerRule, weightedGrad } from '../src/grad/index.js'
import { cifarCnn, lstmClassifier, resNet20, smallCnn, transformerClassifier } from '../src/models/index.js'
import { clippedGradWithDiagnostics, flatClip } from '../src/privacy/index.js'
import { key } from '../src/sampling/index.js'
import type { Backend } from '../src/tensor/backend/backend.js'
import { chainOf, type Footprint, type Launch } from '../src/tensor/backend/wasm/chain.js'
import { wasm, wasmStrandByStrand } from '../src/tensor/backend/wasm/index.js'
import { full, placeOf, type Tensor, tensor } from '../src/tensor/tensor.js'
import type { Tree } from '../src/tensor/tree.js'
import type { Convolution2d, Window2d } from '../src/tensor/window.js'
import { noise } from './arbitraries/tensor.js'
import { expectSameBits } from './laws/purity.js'

const single = wasm({ threads: 1 })
const others = [
  ['from the first strand on', wasmStrandByStrand('firstFirst')],
  ['from the last strand on', wasmStrandByStrand('lastFirst')],
  ['by two threads', wasm({ threads: 2 })],
  ['by five threads', wasm({ threads: 5 })],
] as const
afterAll(() => {
  for (const backend of [single, ...others.map(([, backend]) => backend)]) backend.close()
})

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

const step = fc.record({
  name: fc.constantFrom(...Object.keys(operations)),
  left: fc.nat(),
  right: fc.nat(),
  isGivenUp: fc.boolean(),
})
const count = fc.oneof(fc.integer({ min: 1, max: 70 }), fc.constantFrom(16, 32, 64))
type Step = typeof step extends fc.Arbitrary<infer A> ? A : never

/** Each step works on what the last four left, kept near 1 in size. */
const run = (backend: Backend, samples: number, steps: readonly Step[]): Tensor =>
  backend.scope(() => {
    const recent = [1, 2, 3, 4].map((seed) => noise([samples, CHANNELS, SIDE, SIDE], { seed }))
    for (const { name, left, right, isGivenUp } of steps) {
      const [x, y] = [recent[left % 4] as Tensor, recent[right % 4] as Tensor]
      recent.push(backend.map('tanh', (operations[name] as (typeof operations)[string])(backend, x, y)))
      const [oldest] = recent.splice(0, 1) as [Tensor]
      if (isGivenUp && recent.every((t) => placeOf(t) !== placeOf(oldest))) backend.release?.(oldest)
    }
    return recent.reduce((sum, t) => backend.zip('add', sum, t))
  })

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

const models: readonly (readonly [string, LayerRule<Tree, unknown>, (size: number) => Batch])[] = [
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

describe.each(others)('strands %s', (_, backend) => {
  it('of a program leave the bits of one job after the other', () => {
    fc.assert(
      fc.property(count, fc.array(step, { minLength: 1, maxLength: 12 }), (samples, steps) => {
        expectSameBits(run(backend, samples, steps), run(single, samples, steps))
      }),
    )
  })

  it.each(models)('of %s leave the bits of one job after the other', (_, model, batchOf) => {
    const [, ...shape] = batchOf(1).input.shape
    const { params } = model.init(key(0), shape)
    for (const size of [6, 17, 24, 40]) {
      const batch = batchOf(size)
      const gradients = (on: Backend, plan: 'bookKeeping' | 'materialised'): unknown => [
        clippedGradWithDiagnostics(crossEntropy, model, flatClip(1), { backend: on, plan })(params, batch),
        weightedGrad(crossEntropy, model, { backend: on, plan })(params, batch, full(1, [size], 'float64')),
      ]
      for (const plan of ['bookKeeping', 'materialised'] as const)
        expectSameBits(gradients(backend, plan), gradients(single, plan))
    }
  })
})

/** Jobs as a chain hands them to its module: how many each time, by the kernels' numbers; 100 and more where it runs alone. */
const launched = (threads: number, jobs: readonly Launch[]): readonly (readonly number[])[] => {
  const buffer = new ArrayBuffer(65536)
  const found: number[][] = []
  const kernelAt = (job: number): number => new Int32Array(buffer)[(32768 + 320 * job + 256) / 4] as number
  const launch = (first: number, end: number, strands: number): void => {
    found.push(Array.from({ length: end - first }, (_, i) => kernelAt(first + i) + (strands === 0 ? 100 : 0)))
  }
  const chain = chainOf(buffer, { launcher: { launch, launchApart: launch }, threads })
  for (const job of jobs) chain.add(job, { address: 0, step: 0, isPassing: false })
  chain.run()
  return found
}

describe('a chain', () => {
  const [a, b, c, d] = [70_000, 80_000, 90_000, 95_000]
  const job = (kernel: number, footprint: Partial<Footprint>, isSplit = true): Launch => ({
    ...{ kernel, arguments: [], parts: 32, cost: 1 },
    footprint: {
      ...{ reads: [], writes: [], ...footprint },
      ...(isSplit ? { split: { samples: 64, p: 1, q: 2 } } : {}),
    },
  })
  const bytes = 4096

  it('goes on with what its samples made', () => {
    expect(
      launched(2, [
        job(1, { reads: [a, bytes], writes: [b, bytes] }),
        job(2, { reads: [b, bytes, a, bytes], writes: [c, bytes] }),
        job(3, { reads: [c, bytes], writes: [a, bytes] }),
      ]),
    ).toEqual([[1, 2, 3]])
  })

  it('ends where samples meet: what all read, what is another tensor, what is written over', () => {
    const first = job(1, { reads: [a, bytes], writes: [b, bytes] })
    for (const [footprint, isSplit] of [
      [{ common: [b, bytes], writes: [c, bytes] }, true],
      [{ reads: [b + 64, bytes], writes: [c, bytes] }, true],
      [{ reads: [b, bytes / 2], writes: [c, bytes] }, true],
      [{ reads: [c, bytes], writes: [a + 64, bytes] }, true],
      [{ reads: [c, bytes], writes: [b - bytes + 4, bytes] }, true],
      [{ reads: [b, bytes], writes: [c, bytes] }, false],
      [{ reads: [c, bytes], writes: [a, bytes] }, false],
    ] as const)
      expect(launched(2, [first, job(2, footprint, isSplit)])).toEqual([[1], [isSplit ? 2 : 102]])
    const { footprint: _, ...unknown } = job(2, {})
    expect(launched(2, [first, unknown, job(3, {})])).toEqual([[1], [102], [3]])
    const parameter = job(1, { reads: [a, bytes], writes: [b, bytes], common: [c, bytes] })
    expect(launched(2, [parameter, job(2, { reads: [d, 64], writes: [c, bytes] })])).toEqual([[1], [2]])
  })

  it('lets what is apart from it run before', () => {
    const [x, y] = [job(1, { reads: [a, bytes], writes: [b, bytes] }), job(3, { reads: [b, bytes], common: [d, 64] })]
    expect(launched(2, [x, job(2, { reads: [c, 64], writes: [d, 64] }, false), y])).toEqual([[102], [1, 3]])
  })

  it('is cut where chunks of all its jobs end', () => {
    const split = (samples: number, p: number, q: number): Launch => ({
      ...job(2, {}),
      footprint: { reads: [], writes: [], split: { samples, p, q } },
    })
    expect(launched(2, [job(1, {}), split(64, 7, 4), split(128, 1, 64)])).toEqual([[1, 2, 2]])
    expect(launched(2, [job(1, {}), split(64, 1, 5)])).toEqual([[1], [102]])
    expect(launched(2, [job(1, {}), split(96, 1, 1)])).toEqual([[1], [2]])
    expect(launched(2, [split(3, 1, 1)])).toEqual([[102]])
  })

  it('is of no use to one thread', () => {
    expect(launched(1, [job(1, {}), job(2, {})])).toEqual([[101], [102]])
  })
})

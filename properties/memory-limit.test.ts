/**
 * The limit of linear memory: reported before it is hit, with the physical batch that fits, which does fit.
 */
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, it } from 'vitest'
import type { Dataset } from '../src/data/index.js'
import {
  crossEntropy,
  type ExceedsMemory,
  gradientMemory,
  linear,
  type Plan,
  relu,
  samplesWithin,
  sequential,
  takeBatch,
} from '../src/grad/index.js'
import { smallCnn } from '../src/models/index.js'
import { sgd } from '../src/optim/index.js'
import { clippedGrad, flatClip } from '../src/privacy/index.js'
import { key } from '../src/sampling/index.js'
import { wasm } from '../src/tensor/backend/wasm/index.js'
import { toArray, zeros } from '../src/tensor/index.js'
import { dpSgd } from '../src/train/index.js'
import { noise } from './arbitraries/tensor.js'

const MIB = 2 ** 20
const model = sequential(linear(64), relu, linear(10))
const { params } = model.init(key(0), [200])
const batchOf = (n: number) => ({ input: noise([n, 200]), target: zeros([n], 'int32') })

const refusal = (run: () => unknown): ExceedsMemory => {
  try {
    run()
  } catch (error) {
    expect(error).toBeInstanceOf(RangeError)
    return (error as { readonly exceeds: ExceedsMemory }).exceeds
  }
  throw new Error('nothing was refused')
}

describe.each([1, 2])('%d threads', (threads) => {
  it('a batch that does not fit says which would, and that one does', () => {
    const backend = wasm({ threads, memoryLimit: 24 * MIB })
    const sum = clippedGrad(crossEntropy, model, flatClip(1), { plan: 'materialised', backend })
    const found = refusal(() => sum(params, batchOf(2000)))
    expect([found.samples, found.limit]).toEqual([2000, backend.memoryLimit])
    expect(found.limit).toBeGreaterThanOrEqual(24 * MIB)
    expect(found.needed).toBeGreaterThan(found.limit)
    expect(found.fits).toBeGreaterThan(200)
    // The count leaves little unused: a batch half as large again does not fit.
    const largest = sum(params, batchOf(found.fits)).sum
    const free = wasm({ threads: 1 })
    const same = clippedGrad(crossEntropy, model, flatClip(1), { plan: 'materialised', backend: free })
    expect(toArray(largest[0].weight)).toEqual(toArray(same(params, batchOf(found.fits)).sum[0].weight))
    expect(refusal(() => sum(params, batchOf(Math.ceil(1.5 * found.fits)))).fits).toBe(found.fits)
    backend.close()
  })

  it('where not even one sample fits, it says so', () => {
    const backend = wasm({ threads, memoryLimit: 1 })
    const wide = sequential(linear(20_000), relu, linear(100))
    const large = wide.init(key(0), [200]).params
    const run = () => clippedGrad(crossEntropy, wide, flatClip(1), { plan: 'materialised', backend })(large, batchOf(3))
    expect(refusal(run).fits).toBe(0)
    expect(run).toThrow(
      /^the gradients of 3 samples need [\d.]+ (M|G)iB, and there are [\d.]+ MiB: not even one sample fits$/,
    )
    backend.close()
  })
})

describe('the count', () => {
  it.each<Plan>(['bookKeeping', 'materialised'])('%s: what it says fits, fits; twice as much does not', (plan) => {
    const cnn = smallCnn('relu')
    const start = cnn.init(key(0), [1, 28, 28]).params
    const images = (n: number) => ({ input: noise([n, 1, 28, 28]), target: zeros([n], 'int32') })
    const memoryLimit = 40 * MIB
    const backend = wasm({ threads: 1, memoryLimit })
    const options = { plan, backend, numbersAtOnce: Number.POSITIVE_INFINITY }
    const fits = samplesWithin(memoryLimit)(gradientMemory(crossEntropy, cnn, options)(start, images(1)))
    expect(fits).toBeGreaterThan(20)
    const sum = clippedGrad(crossEntropy, cnn, flatClip(1), options)
    expect(() => sum(start, images(fits))).not.toThrow()
    expect(() => sum(start, images(2 * fits))).toThrow(RangeError)
  })
})

describe('a run', () => {
  const inputs = noise([400, 200])
  const targets = zeros([400], 'int32')
  const data: Dataset = {
    length: 400,
    inputShape: [200],
    classes: 10,
    take: (indices) => takeBatch(Array.from(indices))({ input: inputs, target: targets }),
  }
  const run = (plan: Plan, physicalBatchSize: number) => {
    const backend = wasm({ threads: 1, memoryLimit: 8 * MIB })
    const planned = dpSgd({
      model,
      loss: crossEntropy,
      inputShape: [200],
      optimizer: sgd({ learningRate: 0.1 }),
      clip: flatClip(1),
      noise: { noiseMultiplier: 1 },
      samplingProbability: 0.02,
      expectedBatchSize: 8,
      steps: 2,
      delta: 1e-5,
      physicalBatchSize,
      plan,
      backend,
    })
    if (E.isLeft(planned)) throw new Error('the configuration is refused')
    return planned.right.step(data)(planned.right.init(key(0)))
  }

  it('refuses before its first step a physical batch that would not fit, though this batch would', () => {
    const words =
      /^physicalBatchSize is 400: the gradients of 400 samples need [\d.]+ MiB, and there are [\d.]+ MiB: a physical batch of (\d+) would fit$/
    expect(() => run('materialised', 400)).toThrow(words)
    let fits = 0
    try {
      run('materialised', 400)
    } catch (error) {
      fits = Number(words.exec((error as Error).message)?.[1])
    }
    expect(fits).toBeGreaterThan(20)
    expect(run('materialised', fits).state.step).toBe(1)
  })

  it('by book-keeping goes through in parts', () => {
    expect(run('bookKeeping', 400).state.step).toBe(1)
  })
})

/**
 * What products and private steps take on a device of the GPU backend, in Node and within a page alike.
 */
import { isLeft } from 'fp-ts/lib/Either.js'
import {
  type Batch,
  crossEntropy,
  crossEntropyOn,
  flatten,
  type LayerRule,
  linear,
  relu,
  sequential,
} from '../../src/grad/index.js'
import { resNet20, smallCnn } from '../../src/models/index.js'
import { clippedGrad, flatClip, gaussian } from '../../src/privacy/index.js'
import { foldIn, type Key, key, normal } from '../../src/sampling/index.js'
import type { Backend } from '../../src/tensor/backend/backend.js'
import type { GpuBackend } from '../../src/tensor/backend/gpu/index.js'
import type { Shape } from '../../src/tensor/shape.js'
import { tensor } from '../../src/tensor/tensor.js'
import type { Tree } from '../../src/tensor/tree.js'
import { gpuStep } from '../../src/train/index.js'

/** Milliseconds of each round, the first (which compiles kernels) apart. */
export interface Times {
  readonly what: string
  readonly first: number
  readonly rounds: readonly number[]
  /** Floating-point operations of a round, where that is what counts. */
  readonly flops?: number
}

const timesOf = async (what: string, rounds: number, work: () => Promise<unknown>, flops?: number): Promise<Times> => {
  const once = async (): Promise<number> => {
    const began = performance.now()
    await work()
    return performance.now() - began
  }
  const first = await once()
  const later: number[] = []
  for (let round = 0; round < rounds; round++) later.push(await once())
  return { what, first, rounds: later, ...(flops === undefined ? {} : { flops }) }
}

const [l2ClipNorm, noiseMultiplier] = [0.1, 1.1]

interface TimedModel {
  readonly name: string
  readonly rule: LayerRule<Tree, unknown>
  readonly input: Shape
}

const timedModels: readonly TimedModel[] = [
  { name: 'the CNN of the demo, 26,010 parameters', rule: smallCnn('relu'), input: [1, 28, 28] },
  {
    name: 'an MLP 784-256-256-10, 269,322 parameters',
    rule: sequential(flatten, linear(256), relu, linear(256), relu, linear(10)),
    input: [1, 28, 28],
  },
  { name: 'ResNet-20, 272,474 parameters', rule: resNet20(), input: [3, 32, 32] },
]

const batchOf = (input: Shape, samples: number): Batch => ({
  input: normal([samples, ...input], 'float32')(key(1)),
  target: tensor(
    Array.from({ length: samples }, (_, i) => i % 10),
    [samples],
    'int32',
  ),
})

/** What is timed: products of square matrices, and steps of so many samples of the models whose names match. */
export interface Workload {
  readonly rounds: number
  readonly extents: readonly number[]
  readonly samples: readonly number[]
  readonly models: string
}

const steps = async (
  { rounds, samples, models }: Workload,
  stepOf: (model: TimedModel) => (params: Tree, batch: Batch, key: Key) => Promise<unknown>,
): Promise<readonly Times[]> => {
  const found: Times[] = []
  for (const model of timedModels.filter(({ name }) => new RegExp(models).test(name)))
    for (const count of samples) {
      const { params } = model.rule.init(key(0), model.input)
      const batch = batchOf(model.input, count)
      const step = stepOf(model)
      let at = 0
      found.push(
        await timesOf(`a private step of ${count}, ${model.name}`, rounds, () =>
          step(params, batch, foldIn(at++)(key(3))),
        ),
      )
    }
  return found
}

/** Products that follow each other on the device; one number is read at the end. */
export const products = async (backend: GpuBackend, extent: number, rounds: number, chain = 8): Promise<Times> => {
  const a = normal([extent, extent], 'float32')(key(2))
  const work = backend.task(() => {
    let product = a
    for (let i = 0; i < chain; i++) product = backend.matmul(product, a)
    return backend.sum(product, [0, 1])
  })
  return timesOf(`${chain} products of ${extent}`, rounds, work, chain * 2 * extent ** 3)
}

export const gpuTimes = async (backend: GpuBackend, workload: Workload): Promise<readonly Times[]> => {
  const found: Times[] = []
  for (const extent of workload.extents) found.push(await products(backend, extent, workload.rounds))
  const clip = { rule: 'flat', l2ClipNorm } as const
  return [
    ...found,
    ...(await steps(workload, ({ rule }) => {
      const made = gpuStep({ backend, model: rule, loss: crossEntropyOn, clip, noiseMultiplier })
      if (isLeft(made)) throw new Error(made.left.map(({ parameter }) => parameter).join())
      return (params, batch, key) => made.right(params, batch, key)()
    })),
  ]
}

/** The same steps by clippedGrad and gaussian on a backend that computes at once. */
export const hostTimes = (backend: Backend, workload: Workload): Promise<readonly Times[]> =>
  steps(workload, ({ rule }) => {
    const grad = clippedGrad(crossEntropy, rule, flatClip(l2ClipNorm), { backend })
    return async (params, batch, key) => gaussian(noiseMultiplier)(key)(grad(params, batch))
  })

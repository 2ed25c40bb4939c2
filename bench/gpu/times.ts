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
import { smallCnn } from '../../src/models/index.js'
import { clippedGrad, flatClip, gaussian } from '../../src/privacy/index.js'
import { foldIn, key, normal } from '../../src/sampling/index.js'
import type { Backend } from '../../src/tensor/backend/backend.js'
import type { GpuBackend } from '../../src/tensor/backend/gpu/index.js'
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

const SIZE = 64
const [l2ClipNorm, noiseMultiplier] = [0.1, 1.1]

const batch: Batch = {
  input: normal([SIZE, 1, 28, 28], 'float32')(key(1)),
  target: tensor(
    Array.from({ length: SIZE }, (_, i) => i % 10),
    [SIZE],
    'int32',
  ),
}

export const timedModels: readonly (readonly [string, LayerRule<Tree, unknown>])[] = [
  ['the CNN of the demo, 26,010 parameters', smallCnn('relu')],
  [
    'an MLP 784-256-256-10, 269,322 parameters',
    sequential(flatten, linear(256), relu, linear(256), relu, linear(10)) as LayerRule<Tree, unknown>,
  ],
]

/** Products that follow each other on the device; one number is read at the end. */
const products = async (backend: GpuBackend, extent: number, rounds: number): Promise<Times> => {
  const chain = 8
  const a = normal([extent, extent], 'float32')(key(2))
  const work = backend.task(() => {
    let product = a
    for (let i = 0; i < chain; i++) product = backend.matmul(product, a)
    return backend.sum(product, [0, 1])
  })
  return timesOf(`${chain} products of ${extent}`, rounds, work, chain * 2 * extent ** 3)
}

export const gpuTimes = async (
  backend: GpuBackend,
  rounds: number,
  extents: readonly number[],
): Promise<readonly Times[]> => {
  const found: Times[] = []
  for (const extent of extents) found.push(await products(backend, extent, rounds))
  for (const [name, model] of timedModels) {
    const { params } = model.init(key(0), [1, 28, 28])
    const clip = { rule: 'flat', l2ClipNorm } as const
    const made = gpuStep({ backend, model, loss: crossEntropyOn, clip, noiseMultiplier })
    if (isLeft(made)) throw new Error(made.left.map(({ parameter }) => parameter).join())
    let step = 0
    found.push(
      await timesOf(`a private step of ${SIZE}, ${name}`, rounds, () =>
        made.right(params, batch, foldIn(step++)(key(3)))(),
      ),
    )
  }
  return found
}

/** The same steps by clippedGrad and gaussian on a backend that computes at once. */
export const hostTimes = async (backend: Backend, rounds: number): Promise<readonly Times[]> => {
  const found: Times[] = []
  for (const [name, model] of timedModels) {
    const { params } = model.init(key(0), [1, 28, 28])
    const grad = clippedGrad(crossEntropy, model, flatClip(l2ClipNorm), { backend })
    let step = 0
    found.push(
      await timesOf(`a private step of ${SIZE}, ${name}`, rounds, async () =>
        gaussian(noiseMultiplier)(foldIn(step++)(key(3)))(grad(params, batch)),
      ),
    )
  }
  return found
}

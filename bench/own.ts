/**
 * The contenders of fp-dp: the step without privacy, and the private one by two plans.
 */
import { availableParallelism } from 'node:os'
import { crossEntropy, type Plan, weightedGrad } from '../src/grad/index.js'
import { applyUpdates, sgd } from '../src/optim/index.js'
import { clippedGrad, flatClip, gaussian, meanOver } from '../src/privacy/index.js'
import { foldIn, key } from '../src/sampling/index.js'
import { type WasmBackend, wasm } from '../src/tensor/backend/wasm/index.js'
import { full, mapTree, scaleTensor, type Tree, toArray } from '../src/tensor/index.js'
import { type Network, networkOf } from './networks.js'
import { plainParams, plainStepper } from './plain-cnn.js'
import { batchOf, flat, paramsOf, readProblem } from './problem.js'
import type { Prepared } from './serve.mjs'

export type Own = 'non-private' | Plan

const version = 'fp-dp'

/** A step that keeps its parameters and the optimizer's state between calls. */
const stepping = (
  backend: WasmBackend,
  params: Tree,
  settings: { readonly learningRate: number; readonly momentum: number },
) => {
  const optimizer = sgd(settings)
  let [current, state, t] = [params, optimizer.init(params), 0]
  return (gradient: (params: Tree, t: number) => Tree): void => {
    const [at, before, index] = [current, state, t++]
    ;[current, state] = backend.scope(() => {
      const [updates, after] = optimizer.update(gradient(at, index), before, at)
      return [applyUpdates(at, updates), after]
    })
  }
}

/** A contender on a backend. */
export const ownContender =
  (own: Own, backend: WasmBackend) =>
  (folder: string): Prepared => {
    const problem = readProblem(folder)
    const { l2ClipNorm, noiseMultiplier, samples } = problem
    const { model } = networkOf(problem.network) as Network
    const [params, batch] = [paramsOf(problem), batchOf(problem)]
    const step = stepping(backend, params, problem)
    const plan = own === 'non-private' ? 'bookKeeping' : own
    const clipped = clippedGrad(crossEntropy, model, flatClip(l2ClipNorm), { plan, backend })
    const noise = gaussian(noiseMultiplier)
    const plain = weightedGrad(crossEntropy, model, { backend })
    const ones = full(1, [samples], 'float64')
    const mean: (tree: Tree) => Tree = mapTree(scaleTensor(1 / samples))
    return {
      version: `${version}, ${backend.name}`,
      sum: flat(clipped(params, batch).sum),
      step: () =>
        step((current, t) =>
          own === 'non-private'
            ? mean(plain(current, batch, ones).grad)
            : meanOver(samples)(noise(foldIn(t)(key(2)))(clipped(current, batch))).value,
        ),
      report: () => ({ arena: backend.peakBytes() }),
    }
  }

/** The private step of the MNIST CNN, and of no other network, in plain typed-array loops. */
const loops = (folder: string): Prepared => {
  const problem = readProblem(folder)
  const batch = batchOf(problem)
  const settings = {
    images: Float32Array.from(toArray(batch.input)),
    labels: Int32Array.from(toArray(batch.target)),
    l2ClipNorm: problem.l2ClipNorm,
  }
  const start = flat(paramsOf(problem))
  const initial = () => {
    let at = 0
    return plainParams(() => start[at++] as number)
  }
  const run = plainStepper()
  // One step of length 1 without noise moves the parameters by the sum.
  const moved = initial()
  run(moved, plainParams(), {
    ...settings,
    noiseMultiplier: 0,
    expectedBatchSize: 1,
    learningRate: 1,
    momentum: 0,
  })
  const end = Float32Array.from(Object.values(moved).flatMap((leaf: Float32Array) => Array.from(leaf)))
  const [params, velocity] = [initial(), plainParams()]
  const { noiseMultiplier, learningRate, momentum, samples } = problem
  return {
    version: 'typed arrays',
    sum: start.map((from, i) => from - (end[i] as number)),
    step: () =>
      run(params, velocity, { ...settings, noiseMultiplier, learningRate, momentum, expectedBatchSize: samples }),
  }
}

/** All of them by name, with so many threads. */
export const ownContenders = (
  threads: number = availableParallelism(),
): Readonly<Record<string, (folder: string) => Prepared>> => {
  const made = (own: Own) => (folder: string) => ownContender(own, wasm({ threads }))(folder)
  return {
    'non-private': made('non-private'),
    'book-keeping': made('bookKeeping'),
    materialised: made('materialised'),
    'typed-array-loops': loops,
  }
}

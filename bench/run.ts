/**
 * `npm run bench`: one step of the demo's network, every way of computing it side by side in one run. Rounds are interleaved,
 * so that a machine whose speed drifts slows all alike; medians are printed, and ratios to the non-private step.
 */
import { availableParallelism, cpus, loadavg } from 'node:os'
import { drawDigits } from '../src/data/index.js'
import { crossEntropy, type Plan, weightedGrad } from '../src/grad/index.js'
import { smallCnn } from '../src/models/index.js'
import { applyUpdates, sgd } from '../src/optim/index.js'
import { clippedGrad, flatClip, gaussian, meanOver } from '../src/privacy/index.js'
import { foldIn, key } from '../src/sampling/index.js'
import { wasm } from '../src/tensor/backend/wasm/index.js'
import { full, mapTensor, mapTree } from '../src/tensor/index.js'
import { plainParams, plainStepper } from './plain-cnn.js'

const rounds = Number(process.argv[2] ?? 30)
const [l2ClipNorm, noiseMultiplier, learningRate, momentum] = [0.1, 1.1, 0.5, 0.9]
const backend = wasm()
const single = wasm({ threads: 1 })
const model = smallCnn('relu')
const optimizer = sgd({ learningRate, momentum })
const { params } = model.init(key(0), [1, 28, 28])
const optimizerState = optimizer.init(params)
const noise = gaussian(noiseMultiplier)

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] as number

const contenders = (size: number): Readonly<Record<string, () => void>> => {
  const digits = drawDigits({ count: size, key: key(1) })
  const batch = digits.take(Array.from({ length: size }, (_, i) => i))
  const update = (gradient: typeof params): void => {
    const [updates] = optimizer.update(gradient, optimizerState, params)
    applyUpdates(params, updates)
  }
  let step = 0
  const privately = (plan: Plan, on = backend) => {
    const clipped = clippedGrad(crossEntropy, model, flatClip(l2ClipNorm), { plan, backend: on })
    return () => update(meanOver(size)(noise(foldIn(step++)(key(2)))(clipped(params, batch))).value)
  }
  const ones = full(1, [size], 'float64')
  const plainly = (on = backend) => {
    const gradient = weightedGrad(crossEntropy, model, { backend: on })
    return () => update(mapTree(mapTensor((x) => x / size))(gradient(params, batch, ones).grad))
  }
  const stepPlain = plainStepper()
  const [p, velocity] = [plainParams(() => Math.random() / 10 - 0.05), plainParams()]
  const images = Float32Array.from(batch.input.data)
  const labels = Int32Array.from(batch.target.data)
  return {
    'non-private': plainly(),
    'private, book-keeping': privately('bookKeeping'),
    'private, materialised': privately('materialised'),
    'non-private, 1 thread': plainly(single),
    'private, book-keeping, 1 thread': privately('bookKeeping', single),
    'private, typed-array loops': () =>
      stepPlain(p, velocity, {
        images,
        labels,
        l2ClipNorm,
        noiseMultiplier,
        expectedBatchSize: size,
        learningRate,
        momentum,
      }),
  }
}

console.log(`${cpus()[0]?.model}, ${availableParallelism()} cores, Node ${process.version}, ${backend.name}`)
for (const size of [64, 256]) {
  const entries = Object.entries(contenders(size))
  const times = new Map(entries.map(([name]) => [name, [] as number[]]))
  for (let round = -3; round < rounds; round++)
    for (const [name, run] of entries) {
      // The slow yardstick takes part in every fifth round.
      if (name.includes('loops') && round % 5 !== 0 && round !== -1) continue
      const began = performance.now()
      run()
      if (round >= 0) times.get(name)?.push(performance.now() - began)
    }
  const base = median(times.get('non-private') as number[])
  console.log(`\nbatch ${size}: milliseconds a step over ${rounds} rounds, load average ${loadavg()[0]?.toFixed(2)}`)
  console.log(`${'step'.padEnd(34)} ${'median'.padStart(8)} ${'least'.padStart(8)} ${'× non-private'.padStart(14)}`)
  for (const [name, found] of times)
    console.log(
      `${name.padEnd(34)} ${median(found).toFixed(2).padStart(8)} ${Math.min(...found)
        .toFixed(2)
        .padStart(8)} ${(median(found) / base).toFixed(2).padStart(14)}`,
    )
}

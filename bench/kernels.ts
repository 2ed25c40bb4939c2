/**
 * `npx tsx bench/kernels.ts [threads] [plain]`: the kernels of the wasm backend on the shapes of small networks. The least of
 * many rounds is printed, which is what a kernel takes when nothing else wants the processor.
 */
import { cpus, loadavg } from 'node:os'
import { wasm } from '../src/tensor/backend/wasm/index.js'
import { sizeOf, type Tensor, tensor, transpose } from '../src/tensor/index.js'

const backend = wasm({
  ...(process.argv[2] === undefined ? {} : { threads: Number(process.argv[2]) }),
  relaxed: process.argv[3] !== 'plain',
})

/** A tensor in linear memory, full of numbers that are neither 0 nor subnormal. */
const filled = (...shape: readonly number[]): Tensor =>
  backend.map(
    'neg',
    tensor(
      Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(i) + 0.01),
      shape,
    ),
  )

interface Work {
  readonly amount: number
  readonly unit: 'GFLOP/s' | 'GB/s' | 'G/s'
}

const measure = (name: string, { amount, unit }: Work, prepare: () => () => unknown): void =>
  backend.scope(() => {
    const run = prepare()
    const round = (): number => {
      const began = performance.now()
      backend.scope(() => {
        run()
      })
      return performance.now() - began
    }
    const until = performance.now() + 500
    let least = round()
    while (performance.now() < until) least = Math.min(least, round())
    console.log(
      `${name.padEnd(34)} ${least.toFixed(3).padStart(9)} ms ${(amount / least / 1e6).toFixed(1).padStart(8)} ${unit}`,
    )
  })

interface Product {
  readonly batch?: number
  readonly m: number
  readonly k: number
  readonly p: number
  readonly transposed?: 'left' | 'right'
}

const product = ({ batch = 1, m, k, p, transposed }: Product): void =>
  measure(
    `matmul ${batch} × [${m}×${k}]·[${k}×${p}]${transposed === undefined ? '' : `, ${transposed} transposed`}`,
    { amount: 2 * batch * m * k * p, unit: 'GFLOP/s' },
    () => {
      const swap = transpose([0, 2, 1])
      const a = transposed === 'left' ? swap(filled(batch, k, m)) : filled(batch, m, k)
      const b = transposed === 'right' ? swap(filled(batch, p, k)) : filled(batch, k, p)
      return () => backend.matmul(a, b)
    },
  )

interface Layer {
  readonly n: number
  readonly c: number
  readonly h: number
  readonly o: number
  readonly k: number
  readonly s: number
  readonly pad: number
}

const layer = (name: string, { n, c, h, o, k, s, pad }: Layer): void => {
  const convolution = { kernel: [k, k], stride: [s, s], padding: [pad, pad], dilation: [1, 1], groups: 1 } as const
  const side = Math.floor((h + 2 * pad - k) / s) + 1
  const work: Work = { amount: 2 * n * o * side * side * c * k * k, unit: 'GFLOP/s' }
  const [input, output] = [[n, c, h, h] as const, [n, o, side, side] as const]
  const operations: Readonly<Record<string, (x: Tensor, gy: Tensor, weight: Tensor, scale: Tensor) => Tensor>> = {
    conv2d: (x, _, weight) => backend.conv2d(x, weight, undefined, convolution),
    conv2dInputGrad: (_, gy, weight) => backend.conv2dInputGrad(gy, weight, convolution, input),
    conv2dPerSampleGrad: (x, gy) => backend.conv2dPerSampleGrad(x, gy, convolution),
    conv2dSquaredNorm: (x, gy) => backend.conv2dSquaredNorm(x, gy, convolution),
    conv2dWeightedGrad: (x, gy, _, scale) => backend.conv2dWeightedGrad(x, gy, scale, convolution),
  }
  for (const [operation, run] of Object.entries(operations))
    measure(`${operation}, ${name}`, work, () => {
      const [x, gy, weight, scale] = [filled(...input), filled(...output), filled(o, c, k, k), filled(n)]
      return () => run(x, gy, weight, scale)
    })
}

console.log(`${cpus()[0]?.model}, Node ${process.version}, ${backend.name}, load average ${loadavg()[0]?.toFixed(2)}`)

product({ m: 512, k: 512, p: 512 })
product({ m: 512, k: 512, p: 512, transposed: 'left' })
product({ m: 512, k: 512, p: 512, transposed: 'right' })
product({ m: 16384, k: 144, p: 32 })
product({ batch: 64, m: 32, k: 16, p: 256 })
product({ batch: 256, m: 512, k: 1, p: 32 })
product({ m: 64, k: 512, p: 32, transposed: 'right' })

layer('demo 1', { n: 64, c: 1, h: 35, o: 16, k: 8, s: 2, pad: 0 })
layer('demo 2', { n: 64, c: 16, h: 13, o: 32, k: 4, s: 2, pad: 0 })
layer('ResNet 16', { n: 64, c: 16, h: 32, o: 16, k: 3, s: 1, pad: 1 })
layer('ResNet 64', { n: 64, c: 64, h: 8, o: 64, k: 3, s: 1, pad: 1 })

const pool = { kernel: [2, 2], stride: [1, 1], padding: [0, 0], dilation: [1, 1] } as const
measure('maxPool2d [64,16,14,14]', { amount: 64 * 16 * 169, unit: 'G/s' }, () => {
  const x = filled(64, 16, 14, 14)
  return () => backend.maxPool2d(x, pool)
})
for (const op of ['relu', 'exp', 'tanh', 'sigmoid', 'log'] as const)
  measure(`${op} [200000]`, { amount: 200_000, unit: 'G/s' }, () => {
    const x = filled(200_000)
    return () => backend.map(op, x)
  })
measure('add [1000000]', { amount: 12e6, unit: 'GB/s' }, () => {
  const [a, b] = [filled(1_000_000), filled(1_000_000)]
  return () => backend.zip('add', a, b)
})
measure('rowDots [64,100000]', { amount: 64 * 4e5, unit: 'GB/s' }, () => {
  const x = filled(64, 100_000)
  return () => backend.rowDots(x, x)
})
measure('weightedRowSum [64,100000]', { amount: 64 * 4e5, unit: 'GB/s' }, () => {
  const [x, scale] = [filled(64, 100_000), filled(64)]
  return () => backend.weightedRowSum(scale, x)
})

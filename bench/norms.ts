/**
 * `npx tsx bench/norms.ts`: the ways to the norms and weighted gradients of convolutions and affine maps, measured in processor
 * time of one thread on a grid of shapes, beside what the cost model would choose. Rounds of the ways take turns; the least
 * time of each is printed, in microseconds a sample.
 */
import { cpus, loadavg } from 'node:os'
import { affineCosts, convolutionCosts, type GradientCosts, gramIsCheaper, keepsGradients } from '../src/grad/index.js'
import { wasm } from '../src/tensor/backend/wasm/index.js'
import { sizeOf, type Tensor, tensor, transpose } from '../src/tensor/index.js'

const samples = 16
const backend = wasm({ threads: 1 })

const filled = (...shape: readonly number[]): Tensor =>
  backend.map(
    'neg',
    tensor(
      Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(i) + 0.01),
      shape,
    ),
  )

type Ways = Readonly<Record<'gram' | 'form' | 'contract' | 'keep', () => unknown>>

/** Least processor time of each way, in µs a sample. */
const measured = (ways: Ways): Readonly<Record<keyof Ways, number>> => {
  const least = { gram: Infinity, form: Infinity, contract: Infinity, keep: Infinity }
  for (let round = 0; round < 12; round++)
    for (const way of Object.keys(ways) as (keyof Ways)[]) {
      const before = process.cpuUsage()
      backend.scope(() => {
        ways[way]()
      })
      const { user, system } = process.cpuUsage(before)
      least[way] = Math.min(least[way], (user + system) / samples)
    }
  return least
}

let [decided, agreed] = [0, 0]

/** Prints one shape, and counts whether the model agrees where it sees a factor of 2. */
const row = (name: string, costs: GradientCosts, ways: () => Ways): void =>
  backend.scope(() => {
    const found = measured(ways())
    const { gram, form, gradient } = costs
    const ratio = (form + gradient) / gram
    const sure = ratio >= 2 || ratio <= 0.5
    const right = ratio > 1 === found.form > found.gram
    if (sure) decided++
    if (sure && right) agreed++
    const apart = Math.min(found.gram, found.form) + found.contract
    const cells = [found.gram, found.form, apart, found.keep].map((us) => us.toFixed(1).padStart(9))
    const chosen = [gramIsCheaper(costs) ? 'gram' : 'form', keepsGradients(costs, samples) ? 'keep' : 'contract']
    console.log(
      `${name.padEnd(30)} ${cells.join(' ')} ${ratio.toFixed(1).padStart(8)}  ${chosen.join(', ').padEnd(14)} ${sure ? (right ? 'as measured' : 'not as measured') : ''}`,
    )
  })

const convolution = (c: number, h: number, o: number, k: number, s: number): void => {
  const padding = s === 1 ? (k - 1) / 2 : 0
  const side = Math.floor((h + 2 * padding - k) / s) + 1
  const window = { kernel: [k, k], stride: [s, s], padding: [padding, padding], dilation: [1, 1], groups: 1 } as const
  const [input, output] = [
    [samples, c, h, h],
    [samples, o, side, side],
  ]
  const costs = convolutionCosts(window, input, output, backend.filtering?.(window, input, output))
  row(`conv ${c} → ${o}, ${k}×${k} by ${s}, ${h}×${h}`, costs, () => {
    const [x, gy, weight] = [filled(...input), filled(...output), filled(samples)]
    return {
      gram: () => backend.conv2dGramSquaredNorm(x, gy, 0, window),
      form: () => backend.conv2dSquaredNorm(x, gy, window),
      contract: () => backend.conv2dWeightedGrad(x, gy, weight, window),
      keep: () => {
        const g = backend.conv2dPerSampleGrad(x, gy, window)
        backend.rowDots(g, g)
        backend.weightedRowSum(weight, g)
      },
    }
  })
}

const affine = (positions: number, inputs: number, outputs: number): void =>
  row(`affine ${inputs} → ${outputs}, ${positions} positions`, affineCosts({ positions, inputs, outputs }), () => {
    const [x, gy, weight] = [filled(samples, positions, inputs), filled(samples, positions, outputs), filled(samples)]
    const swap = transpose([0, 2, 1])
    const flat = (t: Tensor, features: number): Tensor => ({
      ...t,
      shape: [samples * positions, features],
      stride: [features, 1],
    })
    const form = (): Tensor => backend.matmul(swap(gy), x)
    return {
      gram: () => backend.rowDots(backend.matmul(x, swap(x)), backend.matmul(gy, swap(gy))),
      form: () => {
        const g = form()
        backend.rowDots(g, g)
      },
      contract: () => backend.matmul(transpose()(flat(backend.scaleRows(weight, gy), outputs)), flat(x, inputs)),
      keep: () => {
        const g = form()
        backend.rowDots(g, g)
        backend.weightedRowSum(weight, g)
      },
    }
  })

console.log(`${cpus()[0]?.model}, Node ${process.version}, ${backend.name}, load average ${loadavg()[0]?.toFixed(2)}`)
console.log(
  `${'µs a sample'.padEnd(30)} ${['gram', 'form', 'apart', 'keep'].map((way) => way.padStart(9)).join(' ')}  form/gram  the model`,
)
for (const [c, h, o] of [
  [16, 32, 16],
  [32, 16, 32],
  [64, 8, 64],
  [64, 4, 64],
  [128, 16, 128],
  [256, 8, 256],
] as const)
  convolution(c, h, o, 3, 1)
convolution(1, 35, 16, 8, 2)
convolution(16, 13, 32, 4, 2)
convolution(32, 16, 64, 3, 2)
convolution(64, 16, 64, 1, 1)
for (const positions of [2, 16, 128]) for (const features of [16, 64, 256]) affine(positions, features, features)
console.log(`where the model sees a factor of 2, it agrees with ${agreed} of ${decided}`)

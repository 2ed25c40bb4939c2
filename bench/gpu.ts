/**
 * `npx tsx bench/gpu.ts`: the GPU backend in every mode that is at hand, checked and timed: `cpu` and `webasm` in Node, `webgl2`
 * and `webgpu` in a headless browser by a software rasteriser, which says nothing of a GPU.
 *
 * `npx tsx bench/gpu.ts --gpu`: the same, with the GPU that the browser finds. `--modes a,b` takes some modes, `--rounds n`
 * another number of rounds, `--extents 512,1024` other products, `--samples 64,1024` other batches, `--models CNN` some models;
 * `--no-check` and `--no-time` leave something out, `--tiles` checks and times every tile of the WGSL kernels, CHROMIUM names a browser. `--dawn` runs `wgsl` and `webgpu` in Node, by the package
 * webgpu (`npm install --no-save webgpu`), on whatever Vulkan, Metal or Direct3D it finds.
 */
import { cpus, loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { isLeft } from 'fp-ts/lib/Either.js'
import type { Finding } from '../properties/browser/judge.js'
import { browserPath, bundle, openPage } from '../properties/browser/open.js'
import type { Checked, Wanted } from '../properties/browser/page.js'
import { offerDawn } from '../src/tensor/backend/gpu/dawn.js'
import { type GpuMode, gpu } from '../src/tensor/backend/gpu/index.js'
import { wasm } from '../src/tensor/backend/wasm/index.js'
import type { Timed, ToTime } from './gpu/page.js'
import { gpuTimes, hostTimes, type Times, type Workload } from './gpu/times.js'

const { values } = parseArgs({
  options: {
    gpu: { type: 'boolean', default: false },
    modes: { type: 'string', default: 'wasm,cpu,webasm,webgl2,webgpu,wgsl' },
    rounds: { type: 'string', default: '5' },
    extents: { type: 'string', default: '256' },
    samples: { type: 'string', default: '64' },
    models: { type: 'string', default: 'CNN|MLP' },
    tiles: { type: 'boolean', default: false },
    dawn: { type: 'boolean', default: false },
    'no-check': { type: 'boolean', default: false },
    'no-time': { type: 'boolean', default: false },
  },
})
const rounds = Number(values.rounds)
const extents = values.extents.split(',').map(Number)
const workload: Workload = { rounds, extents, samples: values.samples.split(',').map(Number), models: values.models }
const modes = values.modes.split(',')
const inNode = ['wasm', 'cpu', 'webasm', 'headlessgl']
const onDawn = values.dawn ? ['wgsl', 'webgpu'] : []

const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1] as number

const showTimes = (times: readonly Times[]): void => {
  for (const { what, first, rounds: each, flops } of times) {
    const rate = flops === undefined ? '' : `${(flops / median(each) / 1e6).toFixed(1).padStart(9)} GFLOP/s`
    console.log(
      `  ${what.padEnd(66)} first ${first.toFixed(1).padStart(8)} ms, median ${median(each).toFixed(1).padStart(8)} ms${rate}`,
    )
  }
}

const showFindings = (findings: readonly Finding[]): void => {
  const broken = findings.filter((finding) => finding.broken !== undefined)
  console.log(
    `  ${findings.length - broken.length} of ${findings.length} findings keep the contract; the largest errors:`,
  )
  for (const { operation, error } of findings.toSorted((a, b) => b.error - a.error).slice(0, 6))
    console.log(`    ${error.toExponential(1)}  ${operation}`)
  for (const { operation, broken: how } of broken) console.log(`    broken: ${operation}: ${how}`)
}

const wanted = (mode: GpuMode): Wanted => ({
  mode,
  seed: 1,
  runs: 40,
  large: '.',
  tolerance: 1e-5,
  tiles: [values.tiles ? '.' : '^large|three parts', 2],
})

console.log(
  `${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.version}, load average ${loadavg()[0]?.toFixed(2)}`,
)

for (const mode of modes.filter((each) => inNode.includes(each))) {
  if (values['no-time']) break
  console.log(`${mode}, in Node`)
  if (mode === 'wasm') {
    const backend = wasm()
    showTimes(await hostTimes(backend, workload))
    backend.close()
    continue
  }
  const made = await gpu({ mode: mode as GpuMode })()
  if (isLeft(made)) console.log(`  ${made.left}`)
  else showTimes(await gpuTimes(made.right, workload))
}

interface Page {
  readonly check: (w: Wanted) => Promise<Checked | string>
  readonly time: (t: ToTime) => Promise<Timed | string>
}

const report = async (mode: GpuMode, { check, time }: Page): Promise<void> => {
  if (!values['no-check']) {
    const checked = await check(wanted(mode))
    console.log(typeof checked === 'string' ? `${mode}: ${checked}` : `${mode}, checked on ${checked.adapter}`)
    if (typeof checked !== 'string') showFindings(checked.findings)
  }
  if (!values['no-time']) {
    const timed = await time({ mode, tiles: values.tiles, ...workload })
    console.log(typeof timed === 'string' ? `${mode}: ${timed}` : `${mode}, timed on ${timed.adapter}`)
    if (typeof timed !== 'string') showTimes(timed.times)
  }
}

const entry = fileURLToPath(new URL('gpu/page.ts', import.meta.url))

if (modes.some((mode) => onDawn.includes(mode))) {
  await offerDawn()
  await import(`data:text/javascript;base64,${Buffer.from(await bundle(entry)).toString('base64')}`)
  for (const mode of modes.filter((each) => onDawn.includes(each)))
    await report(mode as GpuMode, globalThis as unknown as Page)
}

const inPage = modes.filter((mode) => !inNode.includes(mode) && !onDawn.includes(mode)) as readonly GpuMode[]
if (inPage.length > 0 && browserPath === undefined)
  console.log('No browser was found for WebGL and WebGPU: name one in CHROMIUM.')
else if (inPage.length > 0) {
  const { page, close } = await openPage(entry, { gpu: values.gpu })
  const there: Page = {
    check: (w) => page.evaluate((of) => (globalThis as unknown as Page).check(of), w),
    time: (t) => page.evaluate((of) => (globalThis as unknown as Page).time(of), t),
  }
  for (const mode of inPage) await report(mode, there)
  await close()
}

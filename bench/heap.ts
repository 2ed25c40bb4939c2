/**
 * `npm run bench:heap`: what is left on the heap and in linear memory after steps of training that no garbage outlives. Run
 * with `node --expose-gc`, which the script does itself.
 *
 *   npx tsx bench/heap.ts [network] [samples] [steps]
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { wasm } from '../src/tensor/backend/wasm/index.js'
import { ownContender } from './own.js'
import { writeProblem } from './problem.js'

const collect = (globalThis as { gc?: () => void }).gc
const [network = 'mnist-cnn', samples = '64', steps = '1000'] = process.argv.slice(2)

const run = (gc: () => void): void => {
  const folder = mkdtempSync(join(tmpdir(), 'fp-dp-heap-'))
  const backend = wasm()
  writeProblem(folder, { network, samples: Number(samples) }, backend)
  const { step } = ownContender('bookKeeping', backend)(folder)
  rmSync(folder, { recursive: true })
  const line = (done: number): void => {
    gc()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    const cells = [heapUsed, arrayBuffers, backend.peakBytes()].map((bytes) => (bytes / 1024).toFixed(0).padStart(14))
    console.log(`${`${done}`.padStart(6)} ${cells.join(' ')}`)
  }
  console.log(`${network} at ${samples}, book-keeping: KiB after so many steps, garbage collected`)
  console.log(` steps ${['heap', 'array buffers', 'arena'].map((word) => word.padStart(14)).join(' ')}`)
  const all = Number(steps)
  // The first steps compile code and grow the arena.
  for (let done = 0; done < 50; done++) step()
  line(0)
  for (let done = 1; done <= all; done++) {
    step()
    if (done % Math.ceil(all / 5) === 0 || done === all) line(done)
  }
}

if (collect === undefined) {
  const script = fileURLToPath(import.meta.url)
  const rest = [...process.execArgv, '--expose-gc', script, network, samples, steps]
  process.exitCode = spawnSync(process.execPath, rest, { stdio: 'inherit' }).status ?? 1
} else run(collect)

/**
 * `npx tsx bench/hand-off.ts`: what it takes to share a kernel with a second thread that is awake. A job of two chunks is run by the
 * calling thread alone and by both, in turns: where it has next to no work, the difference is the hand-off there and back; where it has
 * more, less than the difference is left of what the second thread saves.
 */
import { cpus, loadavg } from 'node:os'
import { deviceOf } from '../src/tensor/backend/wasm/device.js'
import { plain, relaxed, sharedPlain, sharedRelaxed } from '../src/tensor/backend/wasm/generated/modules.js'
import { kernel } from '../src/tensor/backend/wasm/kernel.js'
import { supportsRelaxedSimd, supportsThreads } from '../src/tensor/backend/wasm/platform.js'

const ROUNDS = 400
const LAUNCHES = 100
/** Costs by which a device keeps a job to itself, and wakes everybody for it. */
const [ALONE, SHARED] = [1, 1e6] as const

const shared = supportsThreads()
const fused = supportsRelaxedSimd()
const source = shared ? (fused ? sharedRelaxed : sharedPlain) : fused ? relaxed : plain
const module = new WebAssembly.Module(Buffer.from(source, 'base64'))
const device = deviceOf({ module, threads: 2, shared, moved: () => undefined })

/** Microseconds of one launch, in the median of the rounds and at least. */
const microseconds = (numbers: number): readonly (readonly [median: number, least: number])[] =>
  device.arena.scope(() => {
    const x = device.arena.allocate('float32', numbers)
    const verdicts = device.arena.allocate('int32', 2)
    const launches = (cost: number): number => {
      const began = performance.now()
      for (let i = 0; i < LAUNCHES; i++)
        device.launch({
          kernel: kernel.finite,
          arguments: [verdicts.byteOffset, x.byteOffset, numbers / 2, x.byteOffset + 2 * numbers, numbers / 2],
          parts: 2,
          cost,
        })
      device.settle()
      return ((performance.now() - began) * 1000) / LAUNCHES
    }
    const until = performance.now() + 500
    while (performance.now() < until) launches(SHARED)
    const times = [ALONE, SHARED].map(() => [] as number[])
    for (let round = 0; round < ROUNDS; round++) {
      times[0]?.push(launches(ALONE))
      // The second thread may have gone to sleep meanwhile.
      launches(SHARED)
      times[1]?.push(launches(SHARED))
    }
    return times.map((found) => {
      const sorted = found.toSorted((a, b) => a - b)
      return [sorted[ROUNDS / 2] as number, sorted[0] as number] as const
    })
  })

console.log(`${cpus()[0]?.model}, Node ${process.version}, load average ${loadavg()[0]?.toFixed(2)}`)
console.log('numbers looked at   alone, µs (least)   by two, µs (least)')
for (const numbers of [2, 4096, 16_384, 65_536]) {
  const [alone, both] = microseconds(numbers).map(([median, least]) => `${median.toFixed(2)} (${least.toFixed(2)})`)
  console.log(`${`${numbers}`.padStart(17)}   ${alone?.padStart(17)}   ${both?.padStart(18)}`)
}
device.close()

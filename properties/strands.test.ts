/**
 * Threads go on to the next job with their own samples, whatever others do. Whether a job may be gone through so follows from what it says
 * that it works on. Here one thread goes through chains of jobs strand by strand, in both orders: where a strand needs what another one
 * makes, or writes over what another one still reads, one of the two leaves other bits.
 */
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { crossEntropy, weightedGrad } from '../src/grad/index.js'
import { clippedGradWithDiagnostics, flatClip } from '../src/privacy/index.js'
import { key } from '../src/sampling/index.js'
import type { Backend } from '../src/tensor/backend/backend.js'
import { chainOf, type Footprint, type Launch } from '../src/tensor/backend/wasm/chain.js'
import { wasm, wasmStrandByStrand } from '../src/tensor/backend/wasm/index.js'
import { full } from '../src/tensor/tensor.js'
import { inputsOf, modelsWithBatches, program, programs, samplesOfProgram } from './arbitraries/program.js'
import { expectSameBits } from './laws/purity.js'

const single = wasm({ threads: 1 })
const others = [
  ['from the first strand on', wasmStrandByStrand('firstFirst')],
  ['from the last strand on', wasmStrandByStrand('lastFirst')],
  ['by two threads', wasm({ threads: 2 })],
  ['by five threads', wasm({ threads: 5 })],
] as const
afterAll(() => {
  for (const backend of [single, ...others.map(([, backend]) => backend)]) backend.close()
})

describe.each(others)('strands %s', (_, backend) => {
  it('of a program leave the bits of one job after the other', () => {
    fc.assert(
      fc.property(samplesOfProgram, programs, (samples, steps) => {
        const run = (on: Backend): unknown => on.scope(() => program(on, steps)(inputsOf(samples)))
        expectSameBits(run(backend), run(single))
      }),
    )
  })

  it.each(modelsWithBatches)('of %s leave the bits of one job after the other', (_, model, batchOf) => {
    const [, ...shape] = batchOf(1).input.shape
    const { params } = model.init(key(0), shape)
    for (const size of [6, 17, 24, 40]) {
      const batch = batchOf(size)
      const gradients = (on: Backend, plan: 'bookKeeping' | 'materialised'): unknown => [
        clippedGradWithDiagnostics(crossEntropy, model, flatClip(1), { backend: on, plan })(params, batch),
        weightedGrad(crossEntropy, model, { backend: on, plan })(params, batch, full(1, [size], 'float64')),
      ]
      for (const plan of ['bookKeeping', 'materialised'] as const)
        expectSameBits(gradients(backend, plan), gradients(single, plan))
    }
  })
})

/** Jobs as a chain hands them to its module: how many each time, by the kernels' numbers; 100 and more where it runs alone. */
const launched = (threads: number, jobs: readonly Launch[]): readonly (readonly number[])[] => {
  const buffer = new ArrayBuffer(65536)
  const found: number[][] = []
  const kernelAt = (job: number): number => new Int32Array(buffer)[(32768 + 320 * job + 256) / 4] as number
  const launch = (first: number, end: number, strands: number): void => {
    found.push(Array.from({ length: end - first }, (_, i) => kernelAt(first + i) + (strands === 0 ? 100 : 0)))
  }
  const chain = chainOf(buffer, { launcher: { launch, launchApart: launch }, threads })
  for (const job of jobs) chain.add(job, { address: 0, step: 0, isPassing: false })
  chain.run()
  return found
}

describe('a chain', () => {
  const [a, b, c, d] = [70_000, 80_000, 90_000, 95_000]
  const job = (kernel: number, footprint: Partial<Footprint>, isSplit = true): Launch => ({
    ...{ kernel, arguments: [], parts: 32, cost: 1 },
    footprint: {
      ...{ reads: [], writes: [], ...footprint },
      ...(isSplit ? { split: { samples: 64, p: 1, q: 2 } } : {}),
    },
  })
  const bytes = 4096

  it('goes on with what its samples made', () => {
    expect(
      launched(2, [
        job(1, { reads: [a, bytes], writes: [b, bytes] }),
        job(2, { reads: [b, bytes, a, bytes], writes: [c, bytes] }),
        job(3, { reads: [c, bytes], writes: [a, bytes] }),
      ]),
    ).toEqual([[1, 2, 3]])
  })

  it('ends where samples meet: what all read, what is another tensor, what is written over', () => {
    const first = job(1, { reads: [a, bytes], writes: [b, bytes] })
    for (const [footprint, isSplit] of [
      [{ common: [b, bytes], writes: [c, bytes] }, true],
      [{ reads: [b + 64, bytes], writes: [c, bytes] }, true],
      [{ reads: [b, bytes / 2], writes: [c, bytes] }, true],
      [{ reads: [c, bytes], writes: [a + 64, bytes] }, true],
      [{ reads: [c, bytes], writes: [b - bytes + 4, bytes] }, true],
      [{ reads: [b, bytes], writes: [c, bytes] }, false],
      [{ reads: [c, bytes], writes: [a, bytes] }, false],
    ] as const)
      expect(launched(2, [first, job(2, footprint, isSplit)])).toEqual([[1], [isSplit ? 2 : 102]])
    const { footprint: _, ...unknown } = job(2, {})
    expect(launched(2, [first, unknown, job(3, {})])).toEqual([[1], [102], [3]])
    const parameter = job(1, { reads: [a, bytes], writes: [b, bytes], common: [c, bytes] })
    expect(launched(2, [parameter, job(2, { reads: [d, 64], writes: [c, bytes] })])).toEqual([[1], [2]])
  })

  it('lets what is apart from it run before', () => {
    const [x, y] = [job(1, { reads: [a, bytes], writes: [b, bytes] }), job(3, { reads: [b, bytes], common: [d, 64] })]
    expect(launched(2, [x, job(2, { reads: [c, 64], writes: [d, 64] }, false), y])).toEqual([[102], [1, 3]])
  })

  it('is cut where chunks of all its jobs end', () => {
    const split = (samples: number, p: number, q: number): Launch => ({
      ...job(2, {}),
      footprint: { reads: [], writes: [], split: { samples, p, q } },
    })
    expect(launched(2, [job(1, {}), split(64, 7, 4), split(128, 1, 64)])).toEqual([[1, 2, 2]])
    expect(launched(2, [job(1, {}), split(64, 1, 5)])).toEqual([[1], [102]])
    expect(launched(2, [job(1, {}), split(96, 1, 1)])).toEqual([[1], [2]])
    expect(launched(2, [split(3, 1, 1)])).toEqual([[102]])
  })

  it('is of no use to one thread', () => {
    expect(launched(1, [job(1, {}), job(2, {})])).toEqual([[101], [102]])
  })
})

/**
 * The kernels of the GPU backend, in the modes of gpu.js that need no GPU: `cpu` computes in float64 and stores float32,
 * `webasm` computes in float32 as a GPU does.
 */
import fc from 'fast-check'
import { getOrElse } from 'fp-ts/lib/Either.js'
import { afterAll } from 'vitest'
import { type GpuBackend, gpu } from '../src/tensor/backend/gpu/index.js'
import { large } from './arbitraries/large.js'
import { backendLaws } from './laws/backend.js'

// gpu.js translates a kernel for each mode, and the definition is slow: fewer draws of each property
fc.configureGlobal({ ...fc.readConfigureGlobal(), numRuns: 15 })

const made = async (mode: 'cpu' | 'webasm'): Promise<GpuBackend> =>
  getOrElse((sentence: string): GpuBackend => {
    throw new Error(sentence)
  })(await gpu({ mode })())

const modes = await Promise.all([made('cpu'), made('webasm')])

afterAll(() => {
  for (const backend of modes) backend.close()
})

/** Those in which sums go in parts. */
const inParts = large.filter(([name]) => /^(sum|rowDots, 3|matmul, (67|1×|5 ×)|argmax)/.test(name))

for (const backend of modes) backendLaws(backend.name, backend, 1e-5, inParts)

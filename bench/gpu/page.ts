/**
 * What `bench/gpu.ts` runs within a page, or in Node with a Dawn: the checks of the properties, and the clock.
 */
import { isLeft } from 'fp-ts/lib/Either.js'
import { adapterOf } from '../../properties/browser/adapter.js'
import { check } from '../../properties/browser/page.js'
import { type GpuMode, gpu } from '../../src/tensor/backend/gpu/index.js'
import { tileTimes } from './tiles.js'
import { gpuTimes, type Times, type Workload } from './times.js'

export interface Timed {
  readonly adapter: string
  readonly times: readonly Times[]
}

export interface ToTime extends Workload {
  /** Products by every tile of the WGSL kernels too? */
  readonly tiles: boolean
  readonly mode: GpuMode
}

export const time = async ({ mode, ...workload }: ToTime): Promise<Timed | string> => {
  const made = await gpu({ mode })()
  if (isLeft(made)) return made.left
  const times = [...(await gpuTimes(made.right, workload))]
  if (mode === 'wgsl' && workload.tiles) times.push(...(await tileTimes(workload.extents, workload.rounds)))
  return { adapter: await adapterOf(mode), times }
}

Object.assign(globalThis, { check, time })

/**
 * The GPU of this machine through WebGPU, with the largest limits that it has.
 */
import { type Either, left, right } from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { offerDawn } from '../dawn.js'
import type { Device } from '../device.js'
import { wgslDevice } from './device.js'
import type { Prescribed } from './tiles.js'

/** A device, or one sentence about why there is none. */
export const openWgsl =
  (prescribed: Prescribed = {}): TaskEither<string, Device> =>
  async (): Promise<Either<string, Device>> => {
    await offerDawn()
    const { navigator } = globalThis as { readonly navigator?: { readonly gpu?: GPU } }
    try {
      const adapter = await navigator?.gpu?.requestAdapter({ powerPreference: 'high-performance' })
      if (adapter == null) return left('The mode is wgsl, which this machine does not have: no WebGPU is there.')
      const { maxStorageBufferBindingSize, maxBufferSize, maxComputeWorkgroupStorageSize } = adapter.limits
      const requiredLimits = { maxStorageBufferBindingSize, maxBufferSize, maxComputeWorkgroupStorageSize }
      const device = await adapter.requestDevice({ requiredLimits })
      return right(wgslDevice(device, prescribed))
    } catch (error) {
      const reason = error instanceof Error ? error.message.trim().split('\n')[0] : String(error)
      return left(`WebGPU does not work on this machine: ${reason}.`)
    }
  }

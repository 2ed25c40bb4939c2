/**
 * Buffers of a device, used again by size: within a step as tensors come and go, and from step to step.
 */

/** A buffer, and when it was last named in commands that were not sent yet. */
export interface Store {
  readonly id: number
  readonly buffer: GPUBuffer
  readonly bytes: number
  readonly state: { sent: number }
}

export interface Pool {
  /** A store of at least so many bytes; with a bound, one that no commands from there on name. */
  readonly take: (bytes: number, before?: number) => Store
  readonly give: (store: Store, now: number) => void
  readonly clear: () => void
}

/** Sizes are rounded up to quarters of a power of two, so that tensors of similar size share. */
export const roundedSize = (bytes: number, largest: number): number => {
  const quarter = Math.max(256, 2 ** Math.floor(Math.log2(bytes)) / 4)
  return Math.max(bytes, Math.min(Math.ceil(bytes / quarter) * quarter, largest))
}

/** Idle bytes beyond which those are let go that waited for so many submissions: several steps. */
const IDLE = 2 ** 30
const LONG = 256

export const poolOn = (device: GPUDevice, usage: number, largest: number): Pool => {
  const idle = new Map<number, Store[]>()
  let idleBytes = 0
  let made = 0

  const trim = (now: number): void => {
    for (const stores of idle.values())
      while (idleBytes > IDLE && stores[0] !== undefined && stores[0].state.sent < now - LONG) {
        const [store] = stores.splice(0, 1) as [Store]
        idleBytes -= store.bytes
        store.buffer.destroy()
      }
  }

  return {
    take: (bytes, before = Number.POSITIVE_INFINITY) => {
      const size = roundedSize(Math.max(16, bytes), largest)
      const stores = idle.get(size) ?? []
      const found = stores.findLastIndex(({ state }) => state.sent < before)
      if (found >= 0) {
        const [store] = stores.splice(found, 1) as [Store]
        idleBytes -= size
        return store
      }
      return { id: made++, buffer: device.createBuffer({ size, usage }), bytes: size, state: { sent: -1 } }
    },
    give: (store, now) => {
      const stores = idle.get(store.bytes) ?? []
      stores.push(store)
      idle.set(store.bytes, stores)
      idleBytes += store.bytes
      if (idleBytes > IDLE) trim(now)
    },
    clear: () => {
      for (const stores of idle.values()) for (const { buffer } of stores) buffer.destroy()
      idle.clear()
      idleBytes = 0
    },
  }
}

/**
 * WebGPU in Node: the package webgpu brings Dawn, the implementation of Chromium. It is loaded only where the host has no WebGPU
 * of its own, and asked for by a name that bundlers do not follow, so that a page is built without it.
 */

/** What a host with WebGPU has, as far as it is looked at here. */
interface Host {
  navigator?: { readonly gpu?: unknown }
}

interface Dawn {
  readonly create: (options: readonly string[]) => unknown
  readonly globals: Readonly<Record<string, unknown>>
}

const isDawn = (value: unknown): value is Dawn =>
  typeof value === 'object' &&
  value !== null &&
  'globals' in value &&
  'create' in value &&
  typeof value.create === 'function'

const nameOfPackage: string = 'webgpu'

/**
 * Puts Dawn where kernels look for WebGPU, `navigator.gpu` with the names that the standard makes global, once; a host that
 * has WebGPU, or cannot load the package, stays as it is.
 */
export const offerDawn = async (): Promise<void> => {
  const host = globalThis as Host
  if (host.navigator?.gpu !== undefined) return
  const found: unknown = await import(/* @vite-ignore */ nameOfPackage).catch(() => undefined)
  if (!isDawn(found)) return
  Object.assign(globalThis, found.globals)
  const gpu = { value: found.create([]), configurable: true }
  if (host.navigator === undefined)
    Object.defineProperty(globalThis, 'navigator', { value: Object.defineProperty({}, 'gpu', gpu), configurable: true })
  else Object.defineProperty(host.navigator, 'gpu', gpu)
}

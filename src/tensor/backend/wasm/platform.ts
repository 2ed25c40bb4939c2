/**
 * What the host can do: relaxed SIMD, shared memory, workers, cores. Node and browsers differ only here.
 */

/** Source of a worker that serves kernels until the backend is closed. `receive` takes the handler of its one message. */
const serve = (receive: string): string =>
  `${receive}(({ module, memory, thread }) => new WebAssembly.Instance(module, { env: { memory } }).exports.serve(thread))`

interface NodeWorker {
  readonly unref: () => void
  readonly on: (event: 'error', handler: () => void) => void
}

/** The parts of Node that are used, none of which a browser has. */
interface NodeModules {
  readonly 'node:v8': { readonly setFlagsFromString: (flags: string) => void }
  readonly 'node:os': { readonly availableParallelism: () => number }
  readonly 'node:worker_threads': { readonly Worker: new (source: string, options: object) => NodeWorker }
}

/** A module of Node, unknown to bundlers; undefined elsewhere. */
const node = <Name extends keyof NodeModules>(name: Name): NodeModules[Name] | undefined =>
  (globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } }).process?.getBuiltinModule?.(name) as
    | NodeModules[Name]
    | undefined

/** (module (func (param v128 v128 v128) (result v128) local.get 0 local.get 1 local.get 2 f32x4.relaxed_madd)) */
const relaxedProbe = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 8, 1, 96, 3, 123, 123, 123, 1, 123, 3, 2, 1, 0],
  ...[10, 13, 1, 11, 0, 32, 0, 32, 1, 32, 2, 253, 133, 2, 11],
)

/**
 * Can fused multiply-adds be compiled? Node 20 compiles them behind a flag of V8, which is set here: it holds for modules
 * compiled afterwards, in workers too.
 */
export const supportsRelaxedSimd = (): boolean => {
  if (WebAssembly.validate(relaxedProbe)) return true
  try {
    node('node:v8')?.setFlagsFromString('--experimental-wasm-relaxed-simd')
  } catch {
    return false
  }
  return WebAssembly.validate(relaxedProbe)
}

/** Can memory be shared with workers? In a browser that takes a cross-origin isolated page. */
export const supportsThreads = (): boolean =>
  typeof SharedArrayBuffer === 'function' && (node('node:worker_threads') !== undefined || typeof Worker === 'function')

/** Processors that this process may use. */
export const availableCores = (): number =>
  node('node:os')?.availableParallelism() ??
  (globalThis as { navigator?: { hardwareConcurrency?: number } }).navigator?.hardwareConcurrency ??
  1

/** What a worker is given. */
export interface WorkerTask {
  readonly module: WebAssembly.Module
  readonly memory: WebAssembly.Memory
  /** Its number, from 1 on. */
  readonly thread: number
}

/** Starts a worker that helps until the backend is closed. It does not keep a Node process alive, and is never waited for. */
export const startWorker = (task: WorkerTask): void => {
  const threads = node('node:worker_threads')
  if (threads !== undefined) {
    const receive = `((go) => go(require('node:worker_threads').workerData))`
    const worker = new threads.Worker(serve(receive), { eval: true, workerData: task, execArgv: [] })
    // A worker that cannot start is one helper less.
    worker.on('error', () => undefined)
    worker.unref()
    return
  }
  const receive = `((go) => { onmessage = (event) => { go(event.data); close() } })`
  const url = URL.createObjectURL(new Blob([serve(receive)], { type: 'text/javascript' }))
  new Worker(url).postMessage(task)
}

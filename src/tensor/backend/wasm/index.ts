/**
 * The WebAssembly backend: SIMD kernels on linear memory, with a worker for each further core.
 */
import { type Home, settle } from '../../home.js'
import { placeOf } from '../../tensor.js'
import type { Backend } from '../backend.js'
import { scopedOperations } from '../scoped.js'
import type { ChainOptions } from './chain.js'
import { convolutions } from './convolution.js'
import { deviceOf } from './device.js'
import { elementwise } from './elementwise.js'
import * as modules from './generated/modules.js'
import { linear } from './linear.js'
import { products } from './matmul.js'
import { normalisations } from './normalisation.js'
import { availableCores, supportsRelaxedSimd, supportsThreads } from './platform.js'
import { pools } from './pooling.js'
import { filtering } from './winograd-grad.js'

/** The settings of the WebAssembly backend. */
export interface WasmOptions {
  /** Threads that compute, this one included; by default one for each core, at most 16. Results do not depend on it. */
  readonly threads?: number
  /** Fused multiply-adds, which round once; by default where the engine has them. */
  readonly relaxed?: boolean
  /** Bytes that the tensors of a scope may take; by default what WebAssembly can address, just under 4 GiB. */
  readonly memoryLimit?: number
}

export interface WasmBackend extends Backend {
  /** Sends the workers home; the backend goes on with one thread. A Node process ends without this. */
  readonly close: () => void
  /** Bytes of linear memory that it has needed at most, so far. */
  readonly peakBytes: () => number
}

const compiled = new Map<string, WebAssembly.Module>()

const compile = (base64: string): WebAssembly.Module => {
  const known = compiled.get(base64)
  if (known !== undefined) return known
  const module = new WebAssembly.Module(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)))
  compiled.set(base64, module)
  return module
}

/**
 * A float32 backend on WebAssembly SIMD. Products accumulate in float32, sums and squared norms in float64.
 *
 * Cost       on one Zen 4 core at 3.6 GHz 35 GFLOP/s, of 58 that 128-bit SIMD has; 1 to 5 µs of overhead an operation within
 *            a scope, where tensors stay in linear memory; outside of one, each operation copies operands in and its result
 *            out. Memory that a scope has needed once stays reserved
 * Guarantee  the bits of a result depend on neither the number of threads nor the moment at which workers become ready; they
 *            do depend on `relaxed`
 * Errors     a MemoryLimit, which is a RangeError, where a scope needs more than `memoryLimit`; gradients say which physical batch
 *            would fit
 *
 * @example
 * toArray(wasm({ threads: 1 }).map('square', arange(4))) // => [0, 1, 4, 9]
 */
export const wasm = (options: WasmOptions = {}): WasmBackend => backendOf(options)

/**
 * The same on one thread, which goes through chains of jobs strand by strand, from the first or from the last on: a job whose footprint
 * says too little then leaves other bits.
 *
 * @internal
 */
export const wasmStrandByStrand = (order: 'firstFirst' | 'lastFirst'): WasmBackend => backendOf({ threads: 1 }, order)

const backendOf = (options: WasmOptions, apart?: ChainOptions['apart']): WasmBackend => {
  const relaxed = (options.relaxed ?? true) && supportsRelaxedSimd()
  const wanted = Math.max(1, Math.floor(options.threads ?? Math.min(availableCores(), 16)))
  const shared = wanted > 1 && supportsThreads()
  const threads = shared ? wanted : 1
  const module = compile(
    shared ? (relaxed ? modules.sharedRelaxed : modules.sharedPlain) : relaxed ? modules.relaxed : modules.plain,
  )
  const { memoryLimit } = options
  const device = deviceOf({
    ...{ module, threads, shared },
    ...(memoryLimit === undefined ? {} : { memoryLimit }),
    ...(apart === undefined ? {} : { apart }),
    moved: (buffer) => settle(buffer, () => home),
  })
  const home: Home = linear(device)
  const { arena } = device
  const ofElements = elementwise(device)
  const operations = {
    ...ofElements,
    ...products(device, ofElements),
    ...normalisations(device),
    ...convolutions(device),
    ...pools(device),
  }
  return {
    name: `wasm (${relaxed ? 'relaxed SIMD' : 'SIMD'}, ${threads} ${threads === 1 ? 'thread' : 'threads'})`,
    dtype: 'float32',
    scope: arena.scope,
    release: (t) => arena.release(placeOf(t)),
    record: device.record,
    ...scopedOperations(arena, operations),
    filtering,
    memoryLimit: device.memoryLimit,
    close: device.close,
    peakBytes: arena.peak,
  }
}

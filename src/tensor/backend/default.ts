/**
 * The backend that is used where none is named: WebAssembly SIMD, with a thread for each core.
 */
import type { Backend } from './backend.js'
import { wasm } from './wasm/index.js'

let shared: Backend | undefined

/** The wasm backend, made at the first call and shared from then on. */
export const defaultBackend = (): Backend => {
  shared ??= wasm()
  return shared
}

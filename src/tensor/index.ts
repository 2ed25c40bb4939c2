/**
 * Immutable tensors, trees of them, the backends that compute with them, and special functions of one number.
 *
 * @module
 */
export * from './backend/backend.js'
export { defaultBackend } from './backend/default.js'
export { loadReference } from './backend/load-reference.js'
export { type WasmOptions, wasm } from './backend/wasm/index.js'
export * from './binomial.js'
export * from './elementwise.js'
export { fromNdarray, toNdarray } from './ndarray.js'
export { logNdtri, ndtri } from './normal-quantile.js'
export * from './shape.js'
/** Special functions of one number, float64: error functions, normal tails, log-gamma, logarithms of sums. */
export * as Special from './special.js'
export * from './symmetric-eigen.js'
export {
  arange,
  at,
  cast,
  contiguous,
  type DType,
  full,
  isContiguous,
  isTensor,
  scalar,
  size,
  type Tensor,
  tensor,
  toArray,
  zeros,
} from './tensor.js'
export * from './tree.js'
export * from './view.js'
export * from './window.js'

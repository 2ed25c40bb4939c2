/**
 * Immutable tensors, trees of them, and the backends that compute with them.
 *
 * @module
 */
export * from './backend/backend.js'
export * from './elementwise.js'
export * from './shape.js'
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

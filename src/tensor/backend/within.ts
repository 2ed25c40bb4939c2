/**
 * Tensors within records and arrays.
 */
import { isTensor, type Tensor } from '../tensor.js'

/**
 * f of every tensor in records and arrays, nested; everything else, and what holds no other tensor, stays the same object.
 *
 * @internal
 */
export const mapTensors = (value: unknown, f: (t: Tensor) => Tensor): unknown => {
  const seen = new Map<object, unknown>()
  const walk = (node: unknown): unknown => {
    if (typeof node !== 'object' || node === null) return node
    if (seen.has(node)) return seen.get(node)
    seen.set(node, node)
    const result = isTensor(node) ? f(node) : children(node)
    seen.set(node, result)
    return result
  }
  const children = (node: object): unknown => {
    if (Array.isArray(node)) {
      const mapped = node.map(walk)
      return mapped.some((child, i) => child !== node[i]) ? mapped : node
    }
    const prototype: unknown = Object.getPrototypeOf(node)
    if (prototype !== Object.prototype && prototype !== null) return node
    const changed = Object.entries(node)
      .map(([key, child]) => [key, child, walk(child)] as const)
      .filter(([, before, after]) => before !== after)
    return changed.length === 0
      ? node
      : { ...node, ...Object.fromEntries(changed.map(([key, , after]) => [key, after])) }
  }
  return walk(value)
}

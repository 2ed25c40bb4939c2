/**
 * A backend that counts what it is asked to do.
 */
import type { Backend } from '../../src/tensor/backend/backend.js'
import { sizeOf } from '../../src/tensor/shape.js'
import { size, type Tensor } from '../../src/tensor/tensor.js'

/** Multiply-adds by operation, since the counter was made. */
export type Counts = Readonly<Record<string, number>>

/** Multiply-adds of an operation with these arguments and this result, where it makes any. */
const multiplyAdds = (operation: string, args: readonly unknown[], result: unknown): number => {
  const [a, b] = args as readonly Tensor[]
  switch (operation) {
    case 'matmul':
      return size(result as Tensor) * ((a as Tensor).shape.at(-1) as number)
    case 'rowDots':
      return size(a as Tensor)
    case 'weightedRowSum':
      return size(b as Tensor)
    case 'conv2dPerSampleGrad':
      return size(result as Tensor) * sizeOf((b as Tensor).shape.slice(2))
    default:
      return 0
  }
}

/** The backend, and what it has counted so far; operations that make no multiply-adds are counted as 0. */
export const counting = (backend: Backend): { readonly backend: Backend; readonly counts: () => Counts } => {
  const counts: Record<string, number> = {}
  const wrapped = Object.fromEntries(
    Object.entries(backend).map(([name, member]) => [
      name,
      typeof member !== 'function' || name === 'scope'
        ? member
        : (...args: readonly unknown[]) => {
            const result = (member as (...args: readonly unknown[]) => unknown)(...args)
            counts[name] = (counts[name] ?? 0) + multiplyAdds(name, args, result)
            return result
          },
    ]),
  ) as unknown as Backend
  return { backend: wrapped, counts: () => ({ ...counts }) }
}

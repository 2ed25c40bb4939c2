/**
 * Norms of trees in exact arithmetic on the stored floats.
 */
import { expect } from 'vitest'
import { toArray } from '../../src/tensor/tensor.js'
import { leaves, type Tree } from '../../src/tensor/tree.js'

const word = new DataView(new ArrayBuffer(8))

/** A finite number as a whole multiple of 2⁻¹⁰⁷⁴: every float is one. */
export const exactly = (x: number): bigint => {
  if (!Number.isFinite(x)) throw new RangeError(`${x} is not finite`)
  word.setFloat64(0, x)
  const bits = word.getBigUint64(0)
  const exponent = Number((bits >> 52n) & 0x7ffn)
  const fraction = bits & 0xfffffffffffffn
  const magnitude = exponent === 0 ? fraction : (fraction | 0x10000000000000n) << BigInt(exponent - 1)
  return bits >> 63n === 0n ? magnitude : -magnitude
}

/** ‖tree‖², in units of 2⁻²¹⁴⁸. */
export const exactSquaredNorm = (tree: Tree): bigint =>
  leaves(tree)
    .flatMap(toArray)
    .reduce((sum, x) => sum + exactly(x) ** 2n, 0n)

/** Fails unless ‖tree‖ ≤ bound, no rounding allowed. */
export const expectWithin = (bound: number, tree: Tree): void => {
  if (exactSquaredNorm(tree) > exactly(bound) ** 2n) {
    const norm = Math.hypot(...leaves(tree).flatMap(toArray))
    expect.fail(`a norm of ${norm} exceeds ${bound}, by ${norm / bound - 1} of it`)
  }
}

/**
 * What underflow can do to a norm in the Gram form. Products of two small cotangents leave the range of the dtype long
 * before the gradient does: saturated gates have cotangents of 10⁻²⁵, whose squares are 0 in float32.
 */
import type { Backend } from '../tensor/backend/backend.js'
import { computed } from '../tensor/compute.js'
import { plus, sign, times } from '../tensor/formula.js'
import type { Tensor } from '../tensor/tensor.js'
import { addNorms } from './norm-sums.js'

/** The smallest normal number; a product of magnitude below it may be lost. */
const smallest = { float32: 2 ** -126, float64: 2 ** -1022 } as const

/** Extents of A [n, t, i] and B [n, t, o]. */
export interface GramExtents {
  readonly t: number
  readonly i: number
  readonly o: number
}

/**
 * All that underflow can have taken from ⟨A Aᵀ, B Bᵀ⟩, from ‖A‖² and ‖B‖², τ being the smallest normal number:
 *
 *   τ t (o ‖A‖² + i ‖B‖²) + τ² t² i o
 *
 * Shapes     [n], [n] → [n], float64
 * Guarantee  0 where A or B is 0; a norm grows by no more than about 10⁻¹⁹ √(t (o ‖A‖² + i ‖B‖²)) in float32
 *
 * @internal
 */
export const lostByUnderflow = (
  { dtype }: Pick<Backend, 'dtype'>,
  { t, i, o }: GramExtents,
): ((ofA: Tensor, ofB: Tensor) => Tensor) => {
  const tau = smallest[dtype] * t
  return computed(2, (ofA, ofB) => {
    const lost = plus(times(tau, plus(times(o, ofA), times(i, ofB))), tau * tau * i * o)
    // Squares are never negative: their sign is 0 or 1.
    return times(times(sign(ofA), sign(ofB)), lost)
  })
}

/**
 * A squared norm in the Gram form of a [n, t, i] and b [n, t, o], and what underflow can have taken from it. Where `one` is 1,
 * each row of a has a 1 more, for the bias.
 *
 * @internal
 */
export const aboveUnderflow = (
  backend: Backend,
  squaredNorm: Tensor,
  { a, b, one }: { readonly a: Tensor; readonly b: Tensor; readonly one: 0 | 1 },
): Tensor => {
  const [, t, i] = a.shape as readonly [number, number, number]
  const lost = lostByUnderflow(backend, { t, i: i + one, o: b.shape[2] as number })
  const ofA = computed(1, (square) => plus(square, one * t))(backend.rowDots(a, a))
  return addNorms(squaredNorm, lost(ofA, backend.rowDots(b, b)))
}

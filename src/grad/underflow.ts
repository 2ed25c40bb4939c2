/**
 * What underflow can do to a norm in the Gram form. Products of two small cotangents leave the range of the dtype long
 * before the gradient does: saturated gates have cotangents of 10⁻²⁵, whose squares are 0 in float32.
 */
import type { Backend } from '../tensor/backend/backend.js'
import { parametric } from '../tensor/compute.js'
import { type Formula, type Operand, plus, sign, times } from '../tensor/formula.js'
import type { Tensor } from '../tensor/tensor.js'

/** The smallest normal number; a product of magnitude below it may be lost. */
const smallest = { float32: 2 ** -126, float64: 2 ** -1022 } as const

/** Extents of A [n, t, i] and B [n, t, o]. */
export interface GramExtents {
  readonly t: number
  readonly i: number
  readonly o: number
}

/** The numbers of `underflow`, in its order: τ t, o, i and τ² t² i o. @internal */
export const underflowOf = (
  { dtype }: Pick<Backend, 'dtype'>,
  { t, i, o }: GramExtents,
): readonly [number, number, number, number] => {
  const tau = smallest[dtype] * t
  return [tau, o, i, tau * tau * i * o]
}

/** The formula of `lostByUnderflow`, given ‖A‖², ‖B‖² and `underflowOf`. @internal */
export const underflow = (
  ofA: Formula,
  ofB: Formula,
  [tau, o, i, ofBoth]: readonly [Operand, Operand, Operand, Operand],
): Formula => {
  const lost = plus(times(tau, plus(times(o, ofA), times(i, ofB))), ofBoth)
  // Squares are never negative: their sign is 0 or 1.
  return times(times(sign(ofA), sign(ofB)), lost)
}

const lost = parametric(2, 4, (ofA, ofB, tau, o, i, ofBoth) => underflow(ofA, ofB, [tau, o, i, ofBoth]))

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
  backend: Pick<Backend, 'dtype'>,
  extents: GramExtents,
): ((ofA: Tensor, ofB: Tensor) => Tensor) => lost(...underflowOf(backend, extents))

/**
 * Squared norms of gradients that are sums of products over positions, gₙ = Σₜ gyₜ patchₜᵀ, and what rounding and underflow can do to
 * them: one formula of what was measured, which a device computes in one pass.
 */
import type { Backend } from '../tensor/backend/backend.js'
import { parametric } from '../tensor/compute.js'
import { type Formula, type Operand, plus, times } from '../tensor/formula.js'
import type { Tensor } from '../tensor/tensor.js'
import { lengthened, type RoundingOfNorm } from './rounding.js'
import { type GramExtents, underflow, underflowOf } from './underflow.js'

/** What a layer knows of the terms of its gradients. */
export interface Terms {
  /** ‖xₙ‖² and ‖gyₙ‖², [n], float64. */
  readonly ofX: Tensor
  readonly ofCotangent: Tensor
  /** In how many patches a number of x is at most. */
  readonly uses: number
  /** The number of positions where there is a bias, whose input is 1 everywhere; else 0. */
  readonly ones: number
}

/** At least Σₜ (‖patchₜ‖² + one). */
const ofPatches = (x: Formula, uses: Operand, ones: Operand): Formula => plus(times(uses, x), ones)

const scaled = parametric(2, 2, (x, gy, uses, ones) => times(ofPatches(x, uses, ones), gy))

const formed = parametric(3, 4, (found, x, gy, uses, ones, ofSquaredNorm, ofGradient) =>
  lengthened(found, times(ofPatches(x, uses, ones), gy), { ofSquaredNorm, ofGradient }),
)

const multiplied = parametric(3, 8, (found, x, gy, uses, ones, ofSquaredNorm, ofGradient, tau, o, i, ofBoth) => {
  const patches = ofPatches(x, uses, ones)
  const above = plus(found, underflow(patches, gy, [tau, o, i, ofBoth]))
  return lengthened(above, times(patches, gy), { ofSquaredNorm, ofGradient })
})

/** Σₜ ‖gyₜ‖² · Σₜ ‖patchₜ‖², or more: A of `noShorterThan`. With one position it is the squared norm. [n], float64. @internal */
export const scaleOfTerms = ({ ofX, ofCotangent, uses, ones }: Terms): Tensor => scaled(uses, ones)(ofX, ofCotangent)

/** A squared norm that was read off a gradient, and that no weighted sum exceeds (`noShorterThan`). @internal */
export const normOfFormed = (
  found: Tensor,
  { ofX, ofCotangent, uses, ones }: Terms,
  { ofSquaredNorm, ofGradient }: RoundingOfNorm<number>,
): Tensor => formed(uses, ones, ofSquaredNorm, ofGradient)(found, ofX, ofCotangent)

/** The same of a squared norm in the Gram form, from which underflow can have taken something (`lostByUnderflow`). @internal */
export const normOfGram = (
  backend: Pick<Backend, 'dtype'>,
  found: Tensor,
  { ofX, ofCotangent, uses, ones }: Terms,
  { ofSquaredNorm, ofGradient, extents }: RoundingOfNorm<number> & { readonly extents: GramExtents },
): Tensor =>
  multiplied(uses, ones, ofSquaredNorm, ofGradient, ...underflowOf(backend, extents))(found, ofX, ofCotangent)

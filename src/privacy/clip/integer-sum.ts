/**
 * Sums in whole numbers: what exact noise makes private. No sum of floats has a sensitivity that its kernels cannot break;
 * whole numbers add up without rounding, in any order, and so does the bound.
 */
import type { Semigroup } from 'fp-ts/lib/Semigroup.js'
import { addTrees, type Tree } from '../../tensor/tree.js'

/** A sum over samples in steps of a public grid, each of which moves it by a bounded vector of whole numbers. */
export interface IntegerSum<P extends Tree> {
  readonly _tag: 'IntegerSum'
  /** Whole numbers below 2⁵³, float64. */
  readonly sum: P
  /** What a step stands for. */
  readonly gridSpacing: number
  /** The most that adding or removing one sample moves the sum, in l2 norm and steps: exactly. */
  readonly l2Bound: number
  /** The same in l1 norm; infinite where nothing is known. */
  readonly l1Bound: number
  /** Of what is released. Rounding a noisy number is post-processing. */
  readonly dtype: 'float32' | 'float64'
}

/** The largest l2 bound in steps: sums over 2³¹ samples, more than any data set here can have, stay below 2⁵³. */
export const largestIntegerBound: number = 2 ** 22

/**
 * Sums over disjoint samples: they add exactly, and the bound is the larger.
 *
 * @throws RangeError where two grids differ
 */
export const disjointIntegerSum = <P extends Tree>(): Semigroup<IntegerSum<P>> => ({
  concat: (a, b) => {
    if (a.gridSpacing !== b.gridSpacing)
      throw new RangeError(`gridSpacing is ${a.gridSpacing} and ${b.gridSpacing}: sums on two grids do not add`)
    return {
      ...a,
      sum: addTrees(a.sum, b.sum),
      l2Bound: Math.max(a.l2Bound, b.l2Bound),
      l1Bound: Math.max(a.l1Bound, b.l1Bound),
    }
  },
})

/**
 * Trees of tensors that agree: bit for bit, or up to rounding.
 */
import { expect } from 'vitest'
import { showShape } from '../../src/tensor/shape.js'
import { type Tensor, toArray } from '../../src/tensor/tensor.js'
import { namedLeaves, type Tree } from '../../src/tensor/tree.js'

const pairs = (
  actual: Tree,
  expected: Tree,
): readonly (readonly [path: string, actual: Tensor, expected: Tensor])[] => {
  const [found, wanted] = [namedLeaves(actual), namedLeaves(expected)]
  expect(found.map(({ path, leaf }) => `${path} ${showShape(leaf.shape)}`)).toEqual(
    wanted.map(({ path, leaf }) => `${path} ${showShape(leaf.shape)}`),
  )
  return found.map(({ path, leaf }, i) => [path, leaf, (wanted[i] as { readonly leaf: Tensor }).leaf])
}

/** The same paths, shapes and numbers; NaN equals NaN, 0 and −0 differ. How they lie in storage is no matter. */
export const expectEqual = (actual: Tree, expected: Tree): void => {
  for (const [path, a, b] of pairs(actual, expected)) {
    const [found, wanted] = [toArray(a), toArray(b)]
    const at = found.findIndex((x, i) => !Object.is(x, wanted[i]))
    if (at >= 0) expect.fail(`leaf '${path}', element ${at}: ${found[at]} for ${wanted[at]}`)
  }
}

/**
 * The same paths and shapes, and numbers within tolerance · (1 + the largest expected of the leaf): absolute where what
 * was computed with is of unit scale, so that sums that cancel are judged by their terms.
 */
export const expectNear =
  (tolerance: number) =>
  (actual: Tree, expected: Tree): void => {
    for (const [path, a, b] of pairs(actual, expected)) {
      const [found, wanted] = [toArray(a), toArray(b)]
      const scale = wanted.reduce((largest, x) => Math.max(largest, Math.abs(x)), 1)
      const at = found.findIndex((x, i) => !(Math.abs(x - (wanted[i] as number)) <= tolerance * scale))
      if (at >= 0) expect.fail(`leaf '${path}', element ${at}: ${found[at]} for ${wanted[at]}`)
    }
  }

/** How many derivatives were compared, and how many stood too near a kink for a difference quotient to tell. */
export interface Tally {
  judged: number
  skipped: number
}

/**
 * Derivatives against central differences with two steps, h and h/2. Where the two agree to 1e-6, the derivative must too;
 * where they do not, a kink (of relu, of a maximum) lies within the step, and nothing is said.
 */
export const expectDerivative = (
  tally: Tally,
  actual: Tree,
  { coarse, fine }: { readonly coarse: Tree; readonly fine: Tree },
): void => {
  const wide = pairs(coarse, fine)
  for (const [i, [path, a, b]] of pairs(actual, fine).entries()) {
    const [found, near, far] = [a, b, (wide[i] as (typeof wide)[number])[1]].map(toArray) as [
      number[],
      number[],
      number[],
    ]
    for (const [at, x] of found.entries()) {
      const quotient = near[at] as number
      const tolerance = 1e-6 * (1 + Math.abs(quotient))
      if (Math.abs(quotient - (far[at] as number)) > tolerance) tally.skipped++
      else {
        tally.judged++
        if (!(Math.abs(x - quotient) <= 2 * tolerance))
          expect.fail(`leaf '${path}', element ${at}: ${x} where the difference quotient is ${quotient}`)
      }
    }
  }
}

/** Fails unless derivatives were compared, nearly all of them: all but one, where they are few. */
export const expectJudged = ({ judged, skipped }: Tally): void => {
  expect(judged).toBeGreaterThan(0)
  expect(skipped).toBeLessThan(Math.max(2, 0.02 * (judged + skipped)))
}

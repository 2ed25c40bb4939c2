/**
 * Tree aggregation: independent noise on every complete node of a binary tree over the steps.
 *
 * Node (l, i) covers the steps i·2ˡ … (i + 1)·2ˡ − 1, and is complete once all of them have happened. The noise of the prefix
 * sum after t steps is that of the nodes in the binary expansion of t.
 *
 * Legend: n steps, b = minSeparation, k′ participations.
 */
import { type Participation, participationsIn } from './participation.js'
import { gramSensitivity, type SquaredSensitivity } from './sensitivity.js'

/**
 * Nodes that hold both of two steps: Xⱼₗ of a tree.
 *
 * @example
 * sharedNodes(8)(0, 4) // => 1
 */
export const sharedNodes =
  (steps: number) =>
  (j: number, l: number): number => {
    let nodes = 0
    for (let size = 1; size <= steps; size *= 2) {
      const index = Math.floor(j / size)
      if (index === Math.floor(l / size) && (index + 1) * size <= steps) nodes++
    }
    return nodes
  }

/**
 * Largest Σ over the nodes of a run of leaves of (participations below)², for each number m of participations in the run and
 * each room left free at both ends: `at(m, a, r)` is the best with at least a free leaves before the first and r after the
 * last, a, r < b. −∞ where nothing fits.
 */
interface Best {
  readonly most: number
  readonly at: (m: number, before: number, after: number) => number
}

const bestOf = (
  most: number,
  minSeparation: number,
): Best & { readonly raise: (index: readonly [number, number, number], value: number) => void } => {
  const values = new Float64Array((most + 1) * minSeparation * minSeparation).fill(-Infinity)
  const position = (m: number, a: number, r: number): number => (m * minSeparation + a) * minSeparation + r
  return {
    most,
    at: (m, a, r) => (m > most ? -Infinity : (values[position(m, a, r)] as number)),
    raise: ([m, a, r], value) => {
      const p = position(m, a, r)
      if (value > (values[p] as number)) values[p] = value
    },
  }
}

interface Run {
  readonly leaves: number
  readonly best: Best
}

/** Two runs side by side; `joined`: under a node of their own. */
const beside =
  (minSeparation: number, participations: number, joined: boolean) =>
  (left: Run, right: Run): Run => {
    const leaves = left.leaves + right.leaves
    const most = Math.min(participations, left.best.most + right.best.most, Math.ceil(leaves / minSeparation))
    const best = bestOf(most, minSeparation)
    const last = minSeparation - 1
    const root = (m: number): number => (joined ? m * m : 0)
    for (let a = 0; a <= last; a++)
      for (let r = 0; r <= last; r++) {
        // All of them on one side: the other side's leaves are room.
        for (let m = 1; m <= Math.min(most, left.best.most); m++)
          best.raise([m, a, r], left.best.at(m, a, Math.max(0, r - right.leaves)) + root(m))
        for (let m = 1; m <= Math.min(most, right.best.most); m++)
          best.raise([m, a, r], right.best.at(m, Math.max(0, a - left.leaves), r) + root(m))
        for (let m = 2; m <= most; m++)
          for (let i = Math.max(1, m - right.best.most); i <= Math.min(m - 1, left.best.most); i++)
            for (let gap = 0; gap <= last; gap++) {
              const value = left.best.at(i, a, gap) + right.best.at(m - i, last - gap, r) + root(m)
              best.raise([m, a, r], value)
            }
      }
    return { leaves, best }
  }

/** What the exact recursion may cost, in inner steps. */
const MOST_WORK = 3e7

/**
 * The squared sensitivity of a tree: the largest Σ over its complete nodes of (participations below the node)².
 *
 * Exact       one participation: ⌈log₂(n + 1)⌉, the nodes above a leaf. Else a recursion over runs of leaves that knows the room
 *             left free at both ends, O(k′² b³ log n), while that is below 3·10⁷
 * Otherwise   the bound of `gramSensitivity`, O(n² k′)
 * Reference   Kairouz et al. 2021, arXiv:2103.00039, App. D
 *
 * @example
 * treeSensitivitySquared({ steps: 9, participation: { minSeparation: 4 } }) // => { squared: 11, exact: true }
 */
export const treeSensitivitySquared = ({
  steps,
  participation,
}: {
  readonly steps: number
  readonly participation: Participation
}): SquaredSensitivity => {
  const participations = participationsIn(steps)(participation)
  const { minSeparation } = participation
  const levels = Math.floor(Math.log2(steps)) + 1
  if (participations === 1) return { squared: sharedNodes(steps)(0, 0), exact: true }
  if (participations ** 2 * minSeparation ** 3 * levels > MOST_WORK)
    return { squared: gramSensitivity(participation)(steps, sharedNodes(steps)), exact: false }
  const leaf = bestOf(1, minSeparation)
  leaf.raise([1, 0, 0], 1)
  let complete: Run = { leaves: 1, best: leaf }
  let forest: Run | undefined
  for (let level = 0; level < levels; level++) {
    // The trees of the binary expansion of n, the smallest at the end.
    if (Math.floor(steps / 2 ** level) % 2 === 1)
      forest = forest === undefined ? complete : beside(minSeparation, participations, false)(complete, forest)
    if (level + 1 < levels) complete = beside(minSeparation, participations, true)(complete, complete)
  }
  const { best } = forest as Run
  let squared = 0
  for (let m = 1; m <= best.most; m++) squared = Math.max(squared, best.at(m, 0, 0))
  return { squared, exact: true }
}

/**
 * From scores to counts: an attack gives every canary a score, and calls those at or above a threshold members.
 */
import type { AttackCounts } from './membership.js'
import type { OneRun } from './one-run.js'

/** Scores of the canaries that took part, and of those that did not. */
export interface CanaryScores {
  readonly members: readonly number[]
  readonly nonMembers: readonly number[]
}

const ascending = (values: readonly number[]): Float64Array => new Float64Array(values).toSorted()

/** How many of the ascending values are at or above x. */
const atOrAbove = (sorted: Float64Array, x: number): number => {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle] as number) >= x) high = middle
    else low = middle + 1
  }
  return sorted.length - low
}

/**
 * What the rule "a member is one whose score is at or above the threshold" says. Partially applied to scores, it sorts them once.
 *
 * @example
 * countsAt({ members: [1, 2, 3], nonMembers: [0, 1] })(2) // => { truePositives: 2, members: 3, falsePositives: 0, nonMembers: 2 }
 */
export const countsAt = ({ members, nonMembers }: CanaryScores): ((threshold: number) => AttackCounts) => {
  const [inside, outside] = [ascending(members), ascending(nonMembers)]
  return (threshold) => ({
    truePositives: atOrAbove(inside, threshold),
    members: inside.length,
    falsePositives: atOrAbove(outside, threshold),
    nonMembers: outside.length,
  })
}

/** The same as guesses of one run: each canary at or above the threshold is guessed to have taken part. */
export const oneRunOf = ({ truePositives, members, falsePositives, nonMembers }: AttackCounts): OneRun => ({
  canaries: members + nonMembers,
  guesses: truePositives + falsePositives,
  correct: truePositives,
})

/**
 * One run with guesses at both ends: the `guesses`/2 highest scores are guessed to be members, as many lowest to be none. Equal scores
 * at a border count as wrong guesses first.
 *
 * @example
 * guessBothEnds(2)({ members: [5, 1], nonMembers: [2, 3] }) // => { canaries: 4, guesses: 2, correct: 1 }
 */
export const guessBothEnds =
  (guesses: number) =>
  ({ members, nonMembers }: CanaryScores): OneRun => {
    const half = Math.floor(guesses / 2)
    const ranked = [
      ...members.map((score) => ({ score, member: true })),
      ...nonMembers.map((score) => ({ score, member: false })),
    ].toSorted((a, b) => a.score - b.score)
    if (2 * half > ranked.length)
      throw new RangeError(`guesses is ${guesses}: there are only ${ranked.length} canaries`)
    const right =
      ranked.slice(0, half).filter(({ member }) => !member).length +
      ranked.slice(ranked.length - half).filter(({ member }) => member).length
    return { canaries: ranked.length, guesses: 2 * half, correct: right }
  }

/**
 * The best bound over several thresholds, each at its share of the significance (Bonferroni).
 *
 * Guarantee  that of the bound, as long as the thresholds were not chosen in view of these scores. Where they are to be, one part of
 *            the canaries chooses one and the other part is audited at it
 *
 * @example
 * bestOverThresholds((significance) => ({ truePositives }) => truePositives - 10 * significance)([0, 5], 0.1)({ members: [1, 7], nonMembers: [] }).threshold // => 0
 */
export const bestOverThresholds =
  (bound: (significance: number) => (counts: AttackCounts) => number) =>
  (thresholds: readonly number[], significance: number) =>
  (scores: CanaryScores): { readonly value: number; readonly threshold: number } => {
    const counts = countsAt(scores)
    const at = bound(significance / thresholds.length)
    return thresholds
      .map((threshold) => ({ value: at(counts(threshold)), threshold }))
      .reduce((best, next) => (next.value > best.value ? next : best), { value: 0, threshold: Infinity })
  }

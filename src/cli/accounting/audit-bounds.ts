/**
 * Lower bounds of ε from scores, each with what it assumes.
 */
import {
  type AuditLevel,
  type CanaryScores,
  countsAt,
  gaussianMembershipEpsilon,
  gaussianOneRunEpsilon,
  guessBothEnds,
  membershipEpsilon,
  oneRunEpsilon,
} from '../../privacy/index.js'
import { key, permutation } from '../../sampling/index.js'

/** One bound. */
export interface LowerBound {
  readonly name: string
  readonly epsilon: number
  /** What was counted. */
  readonly evidence: string
  readonly assumes: string
  /** Is what it assumes said to hold? */
  readonly counts: boolean
}

/** How scores are read. */
export interface AuditChoices extends AuditLevel {
  readonly guesses: number | undefined
  readonly threshold: number | undefined
  readonly independent: boolean
  readonly gaussian: boolean
  readonly seed: number
}

/** An even number of guesses: a fifth of the canaries, which is near the best where a canary's score is one deviation off. */
export const guessesOf = ({ members, nonMembers }: CanaryScores): number =>
  2 * Math.max(1, Math.floor((members.length + nonMembers.length) / 10))

/** Two halves that a seed draws, whatever the order of the scores. */
const halves = (scores: readonly number[], seed: number): readonly [readonly number[], readonly number[]] => {
  const order = permutation(scores.length)(key(seed))
  const half = Math.floor(scores.length / 2)
  const taken = (part: Int32Array): readonly number[] => Array.from(part, (at) => scores[at] as number)
  return [taken(order.subarray(0, half)), taken(order.subarray(half))]
}

/** At most so many thresholds are tried. */
const MOST_THRESHOLDS = 200

/** The threshold that proves most on these scores. */
const bestThreshold = (scores: CanaryScores, level: AuditLevel): number => {
  const sorted = new Float64Array([...scores.members, ...scores.nonMembers]).toSorted()
  const stride = Math.max(1, Math.floor(sorted.length / MOST_THRESHOLDS))
  const counts = countsAt(scores)
  const prove = membershipEpsilon(level)
  let [best, most] = [sorted[Math.floor(sorted.length / 2)] as number, 0]
  for (let i = 0; i < sorted.length; i += stride) {
    const threshold = sorted[i] as number
    const epsilon = prove(counts(threshold))
    if (epsilon > most) [best, most] = [threshold, epsilon]
  }
  return best
}

/**
 * All bounds. Those that count hold together except with probability `significance`, of which each has its share.
 */
export const lowerBounds = (scores: CanaryScores, choices: AuditChoices): readonly LowerBound[] => {
  const { significance, delta, guesses = guessesOf(scores), independent, gaussian, seed } = choices
  const level = { significance: significance / ((independent ? 2 : 1) * (gaussian ? 2 : 1)), delta }
  const run = guessBothEnds(guesses)(scores)
  const [[choosing, audited], [choosingOut, auditedOut]] = [
    halves(scores.members, seed),
    halves(scores.nonMembers, seed),
  ]
  const [threshold, counted] =
    choices.threshold === undefined
      ? [
          bestThreshold({ members: choosing, nonMembers: choosingOut }, level),
          { members: audited, nonMembers: auditedOut },
        ]
      : [choices.threshold, scores]
  const counts = countsAt(counted)(threshold)
  const guessed = `${run.correct} of ${run.guesses} guesses right, ${run.canaries} canaries`
  const called = `${counts.truePositives} of ${counts.members} members and ${counts.falsePositives} of ${counts.nonMembers} others at or above ${Number(threshold.toPrecision(4))}`
  return [
    {
      name: 'one run',
      epsilon: oneRunEpsilon(level)(run),
      evidence: guessed,
      assumes: 'a fair coin for each canary',
      counts: true,
    },
    {
      name: 'one run, Gaussian',
      epsilon: gaussianOneRunEpsilon(level)(run),
      evidence: guessed,
      assumes: 'the same, and a Gaussian trade-off curve',
      counts: gaussian,
    },
    {
      name: 'Clopper–Pearson',
      epsilon: membershipEpsilon(level)(counts),
      evidence: called,
      assumes: 'each canary a trial of its own',
      counts: independent,
    },
    {
      name: 'Clopper–Pearson, Gaussian',
      epsilon: gaussianMembershipEpsilon(level)(counts),
      evidence: called,
      assumes: 'the same, and a Gaussian trade-off curve',
      counts: independent && gaussian,
    },
  ]
}

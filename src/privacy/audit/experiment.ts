/**
 * Audits as experiments: canaries whose membership is drawn by coins, a training that is watched, and what its scores prove.
 *
 * The training is any function: the one in use, or one with a fault. Whatever it shows of its canaries may make their scores.
 */
import { foldIn, type Key, split } from '../../sampling/key.js'
import { bernoulli } from '../../sampling/uniform.js'
import { toArray } from '../../tensor/tensor.js'
import { type AttackCounts, type AuditLevel, gaussianMembershipEpsilon, membershipEpsilon } from './membership.js'
import { gaussianOneRunEpsilon, type OneRun, oneRunEpsilon } from './one-run.js'
import { type CanaryScores, countsAt, guessBothEnds } from './scores.js'

/** Lower bounds of ε(δ), by what is assumed. */
export interface AuditBounds {
  /** Of any mechanism. */
  readonly epsilon: number
  /** Of a mechanism with a Gaussian trade-off curve; nearer the truth. Elsewhere an estimate. */
  readonly gaussianEpsilon: number
}

/** A fair coin for each canary. */
const coins = (count: number, key: Key): readonly boolean[] =>
  toArray(bernoulli(0.5)([count])(key)).map((coin) => coin === 1)

/** Scores by what the coins said. @internal */
export const bySide = (scores: readonly number[], members: readonly boolean[]): CanaryScores => ({
  members: scores.filter((_, i) => members[i]),
  nonMembers: scores.filter((_, i) => !members[i]),
})

/** An audit in one run. */
export interface OneRunAudit extends AuditLevel {
  /** m. */
  readonly canaries: number
  /** r: the highest r/2 scores are guessed to be members, the lowest r/2 not to be. About m/5 where a canary's score is one deviation off. */
  readonly guesses: number
  /** Trains with the canaries of which `members` is true, and scores all of them: the higher, the more like a member. */
  readonly train: (members: readonly boolean[], key: Key) => readonly number[]
}

/** What it showed. */
export interface OneRunFindings extends AuditBounds {
  readonly run: OneRun
  readonly scores: CanaryScores
}

/**
 * Audits a training by one run of it.
 *
 * Guarantee  `epsilon` exceeds the true ε(δ) of one canary with probability at most `significance` over coins and training
 * Reference  Steinke, Nasr & Jagielski 2023, arXiv:2305.08846; Mahloujifar, Melis & Chaudhuri 2024, arXiv:2410.22235
 * @throws RangeError where there are more guesses than canaries, or another number of scores
 */
export const auditOneRun =
  ({ canaries, guesses, train, ...level }: OneRunAudit) =>
  (key: Key): OneRunFindings => {
    const [coinKey, trainingKey] = split(2)(key)
    const members = coins(canaries, coinKey)
    const all = train(members, trainingKey)
    if (all.length !== canaries) throw new RangeError(`${all.length} scores of ${canaries} canaries: one each`)
    const scores = bySide(all, members)
    const run = guessBothEnds(guesses)(scores)
    return { run, scores, epsilon: oneRunEpsilon(level)(run), gaussianEpsilon: gaussianOneRunEpsilon(level)(run) }
  }

/** An audit by many runs, each with one canary or without it. */
export interface MembershipAudit extends AuditLevel {
  readonly runs: number
  /** A run whose score is at or above it is said to have had the canary. Chosen beforehand. */
  readonly threshold: number
  /** One run, with the canary or without it; its score. */
  readonly train: (member: boolean, key: Key) => number
}

/** What it showed. */
export interface MembershipFindings extends AuditBounds {
  readonly counts: AttackCounts
  readonly scores: CanaryScores
}

/**
 * Audits a training by repeating it: half of the runs with the canary, half without.
 *
 * Guarantee  `epsilon` exceeds the true ε(δ) of the canary with probability at most `significance`
 * Reference  Jagielski, Ullman & Oprea 2020, arXiv:2006.07709; Nasr et al. 2023, arXiv:2302.07956
 */
export const auditMembership =
  ({ runs, threshold, train, ...level }: MembershipAudit) =>
  (key: Key): MembershipFindings => {
    const members = Array.from({ length: runs }, (_, run) => run % 2 === 0)
    const scores = bySide(
      members.map((member, run) => train(member, foldIn(run)(key))),
      members,
    )
    const counts = countsAt(scores)(threshold)
    return {
      counts,
      scores,
      epsilon: membershipEpsilon(level)(counts),
      gaussianEpsilon: gaussianMembershipEpsilon(level)(counts),
    }
  }

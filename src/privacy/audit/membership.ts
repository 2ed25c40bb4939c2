/**
 * Membership audits: lower bounds of ε from how often an attack tells members from non-members.
 *
 * Each canary must be an independent trial of its own: one run a canary, or independent sums in the space of gradients. Many
 * canaries in one run are not independent; `one-run.ts` is for them.
 *
 * Legend: TPR the chance that a member is called one, FPR that a non-member is, FNR = 1 − TPR.
 */
import { ndtri } from '../../tensor/normal-quantile.js'
import { epsilonOfGdp } from '../gdp.js'
import { binomialUpperBound, checkSignificance } from './clopper-pearson.js'

/** What an attack said of members and of non-members. */
export interface AttackCounts {
  readonly truePositives: number
  readonly members: number
  readonly falsePositives: number
  readonly nonMembers: number
}

/** What an audit may get wrong: the probability that its bound exceeds the truth, and the δ at which ε is meant. */
export interface AuditLevel {
  readonly significance: number
  readonly delta: number
}

/** Upper bounds of both error rates, each at half the significance. */
const errorBounds = (
  { truePositives, members, falsePositives, nonMembers }: AttackCounts,
  significance: number,
): readonly [falseNegativeRate: number, falsePositiveRate: number] => {
  const bound = binomialUpperBound(checkSignificance(significance) / 2)
  return [
    bound({ successes: members - truePositives, trials: members }),
    bound({ successes: falsePositives, trials: nonMembers }),
  ]
}

/**
 * A lower bound of ε, from bounds of the error rates.
 *
 *   (ε, δ)-DP implies TPR ≤ e^ε FPR + δ,  so  ε ≥ log (TPR_low − δ) / FPR_high
 *
 * Guarantee  exceeds the true ε(δ) with probability at most `significance`, for a rule fixed before these counts were seen; 0 where
 *            nothing is shown
 * Reference  Jagielski, Ullman & Oprea 2020, arXiv:2006.07709; Nasr et al. 2021, arXiv:2101.04535
 *
 * @example
 * membershipEpsilon({ significance: 0.05, delta: 0 })({ truePositives: 1000, members: 1000, falsePositives: 0, nonMembers: 1000 }).toFixed(3) // => '5.601'
 */
export const membershipEpsilon =
  ({ significance, delta }: AuditLevel) =>
  (counts: AttackCounts): number => {
    const [falseNegativeRate, falsePositiveRate] = errorBounds(counts, significance)
    const evidence = 1 - falseNegativeRate - delta
    return evidence > 0 ? Math.max(0, Math.log(evidence / falsePositiveRate)) : 0
  }

/**
 * A lower bound of μ, where the mechanism is known to be Gaussian-private for some μ: no test of such a one does better than
 * FNR = Φ(Φ⁻¹(1 − FPR) − μ).
 *
 *   μ ≥ −Φ⁻¹(FPR_high) − Φ⁻¹(FNR_high)
 *
 * Guarantee  as `membershipEpsilon`, for μ
 * Reference  Nasr et al. 2023, arXiv:2302.07956; Dong, Roth & Su 2022, arXiv:1905.02383, eq. 6
 */
export const membershipMu =
  (significance: number) =>
  (counts: AttackCounts): number => {
    const [falseNegativeRate, falsePositiveRate] = errorBounds(counts, significance)
    return Math.max(0, -ndtri(falsePositiveRate) - ndtri(falseNegativeRate))
  }

/**
 * ε(δ) of that μ. Much nearer the truth than `membershipEpsilon` from as many trials; but what it assumes (a Gaussian trade-off
 * curve) is only nearly so for Poisson-sampled training, and then this is an estimate.
 *
 * @example
 * gaussianMembershipEpsilon({ significance: 0.05, delta: 1e-5 })({ truePositives: 500, members: 1000, falsePositives: 500, nonMembers: 1000 }) // => 0
 */
export const gaussianMembershipEpsilon =
  ({ significance, delta }: AuditLevel) =>
  (counts: AttackCounts): number =>
    epsilonOfGdp(membershipMu(significance)(counts))(delta).lower

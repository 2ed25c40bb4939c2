/**
 * A mechanism that first draws, whatever the record, which of several it is.
 */
import { logExpm1, logSumExp } from '../../tensor/special.js'

/** One of the mechanisms, and the logarithm of its probability. */
export interface Branch {
  readonly logProbability: number
  /** c ↦ rdp(1 + c). */
  readonly rdpAtExcess: (excess: number) => number
}

/**
 * The divergence at order 1 + c of P = Σ wᵢPᵢ and Q = Σ wᵢQᵢ.
 *
 *   e^(c·rdp) = E_Q[(P/Q)^α] ≤ Σ wᵢ E_{Qᵢ}[(Pᵢ/Qᵢ)^α],   so   e^(c·rdp) − 1 ≤ Σ wᵢ (e^(c·rdpᵢ) − 1)
 *
 * since (p, q) ↦ p^α q^(1−α) is convex and of degree one. On the right nothing cancels, and larger wᵢ only raise it.
 *
 * Guarantee  an upper bound, to 1e-13 relative
 * Reference  van Erven & Harremoës 2014, arXiv:1206.2459, Thm 13
 */
export const branchesRdpAtExcess =
  (branches: readonly Branch[]) =>
  (excess: number): number => {
    const values = branches.map(({ rdpAtExcess }) => rdpAtExcess(excess))
    const most = Math.max(0, ...values)
    if (excess === Infinity || most === Infinity) return most
    if (excess === 0)
      return branches.reduce((sum, { logProbability }, i) => sum + Math.exp(logProbability) * (values[i] as number), 0)
    const log = logSumExp(
      branches.map(({ logProbability }, i) => logProbability + logExpm1(excess * (values[i] as number))),
    )
    return (log > 0 ? log + Math.log1p(Math.exp(-log)) : Math.log1p(Math.exp(log))) / excess
  }

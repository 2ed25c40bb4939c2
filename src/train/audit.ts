/**
 * Audits of a plan: canaries among the data, the run watched in the space of gradients, and ε bounded from below by what it showed.
 */
import type { Dataset, LabelledBatch } from '../data/dataset.js'
import type { LayerRule } from '../grad/layer.js'
import type { Loss } from '../grad/losses/loss.js'
import { perSampleGrad } from '../grad/readings.js'
import type { OptimizerState } from '../optim/index.js'
import type { Bounds } from '../privacy/accountant.js'
import { auditOneRun, type OneRunFindings } from '../privacy/audit/experiment.js'
import { foldIn, type Key } from '../sampling/key.js'
import { contiguous, size, storageOf, type Tensor } from '../tensor/tensor.js'
import { leaves, type Tree } from '../tensor/tree.js'
import { concatenate } from '../tensor/view.js'
import type { TrainingPlan } from './plan.js'

/** The examples of one dataset, then the chosen ones of another. */
const joined = (base: Dataset, others: Dataset, chosen: readonly number[]): Dataset => ({
  ...base,
  length: base.length + chosen.length,
  take: (indices) => {
    const wanted = Array.from(indices)
    const own = wanted.filter((index) => index < base.length)
    const added = wanted.filter((index) => index >= base.length).map((index) => chosen[index - base.length] as number)
    const [first, second] = [base.take(own), others.take(added)]
    const both = (read: (batch: LabelledBatch) => Tensor): Tensor => concatenate([read(first), read(second)])
    return { input: both(({ input }) => input), target: both(({ target }) => target) }
  },
})

const numbers = (leaf: Tensor): ArrayLike<number> => {
  const row = contiguous(leaf)
  return storageOf(row).subarray(row.offset, row.offset + size(leaf))
}

/**
 * How far a step went down the gradient of each canary: −⟨θ′ − θ, gᵢ/‖gᵢ‖⟩, [m]. For plain SGD it is the released mean gradient, seen
 * from the canary: the strongest score where canaries' gradients are orthogonal to each other and to the rest.
 *
 * Cost  the canaries' per-sample gradients, all in memory
 */
export const gradientAlignment =
  <P extends Tree, C>(model: LayerRule<P, C>, loss: Loss, canaries: LabelledBatch) =>
  (before: P, after: P): readonly number[] => {
    const gradients = leaves(perSampleGrad(loss, model)(before, canaries).grad).map(numbers)
    const moves = leaves(after).map(numbers)
    const from = leaves(before).map(numbers)
    return Array.from({ length: canaries.input.shape[0] as number }, (_, i) => {
      let [dot, square] = [0, 0]
      gradients.forEach((gradient, at) => {
        const [to, old] = [moves[at] as ArrayLike<number>, from[at] as ArrayLike<number>]
        for (let j = 0; j < to.length; j++) {
          const g = gradient[i * to.length + j] as number
          dot -= ((to[j] as number) - (old[j] as number)) * g
          square += g * g
        }
      })
      return square > 0 ? dot / Math.sqrt(square) : 0
    })
  }

/** An audit of a plan by one run. */
export interface PlanAudit<P extends Tree> {
  /** What the run would be trained on. */
  readonly dataset: Dataset
  /** Examples of which a coin each says whether they are among it. */
  readonly canaries: Dataset
  /** Scores of all canaries for one step; they are summed over the run. */
  readonly score: (before: P, after: P) => readonly number[]
  /** How many canaries are guessed at, at both ends together. */
  readonly guesses: number
  /** 0.05 if not given. */
  readonly significance?: number
}

/** What an audit of a plan showed, beside what the plan claims. */
export interface PlanFindings extends OneRunFindings {
  /** ε at the delta of the plan, by its accountant, for the ledger of the run. */
  readonly claimed: Bounds
  /** Is the claim refuted: is `epsilon` above `claimed.upper`? */
  readonly refuted: boolean
}

/**
 * Trains once with half of the canaries, and bounds ε from below.
 *
 * Guarantee  of a plan whose claim is true, `refuted` with probability at most `significance`. That nothing is refuted proves little:
 *            a lower bound is only as good as the canaries and their scores
 * Cost       one run of the plan, and the scores of its steps
 * Reference  Steinke, Nasr & Jagielski 2023, arXiv:2305.08846
 */
export const auditPlan =
  <P extends Tree, C, S extends OptimizerState>(
    plan: TrainingPlan<P, C, S>,
    { dataset, canaries, score, guesses, significance = 0.05 }: PlanAudit<P>,
  ) =>
  (key: Key): PlanFindings => {
    const start = plan.init(foldIn(0)(key))
    let ledger = start.ledger
    const findings = auditOneRun({
      canaries: canaries.length,
      guesses,
      significance,
      delta: plan.settings.delta,
      train: (members) => {
        const chosen = members.flatMap((member, i) => (member ? [i] : []))
        const step = plan.step(joined(dataset, canaries, chosen))
        const scores = members.map(() => 0)
        let state = start
        for (let t = 0; t < plan.settings.steps; t++) {
          const { state: next } = step(state)
          score(state.params, next.params).forEach((x, i) => {
            scores[i] = (scores[i] as number) + x
          })
          state = next
        }
        ledger = state.ledger
        return scores
      },
    })(foldIn(1)(key))
    const claimed = plan.spent(ledger)
    return { ...findings, claimed, refuted: findings.epsilon > claimed.upper }
  }

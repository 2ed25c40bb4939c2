/**
 * Stochastic gradient descent.
 */
import type { EmptyTree } from '../tensor/tree.js'
import { addDecayedWeights } from './decay.js'
import { type TraceState, trace } from './momentum.js'
import type { Schedule } from './schedule.js'
import { chain, type GradientTransformation, type StepState, scaleByLearningRate } from './transform.js'

/** Defaults: everything but the learning rate is off. */
export interface SgdOptions {
  readonly learningRate: number | Schedule
  /** In [0, 1). */
  readonly momentum?: number
  readonly dampening?: number
  readonly nesterov?: boolean
  /** λ of the L2 term, added to the gradient. */
  readonly weightDecay?: number
}

/** What `sgd` remembers from step to step. */
export type SgdState = readonly [decay: EmptyTree, momentum: TraceState, schedule: StepState]

/**
 * Descent with momentum and L2 decay: chain(addDecayedWeights, trace, scaleByLearningRate).
 *
 * References  numbers of `torch.optim.SGD`
 *
 * @throws RangeError for options outside of their range
 * @example
 * toArray(sgd({ learningRate: 0.5 }).update(scalar(4), sgd({ learningRate: 0.5 }).init(scalar(1)), scalar(1))[0]) // => [-2]
 */
export const sgd = ({
  learningRate,
  momentum = 0,
  dampening = 0,
  nesterov = false,
  weightDecay = 0,
}: SgdOptions): GradientTransformation<SgdState> =>
  chain(
    addDecayedWeights(weightDecay),
    trace({ decay: momentum, dampening, nesterov }),
    scaleByLearningRate(learningRate),
  )

/**
 * The loop: a plan, data and a state become a stream of reports that the caller may leave at any time.
 */
import type { Task } from 'fp-ts/lib/Task.js'
import type { Dataset } from '../data/dataset.js'
import { lazy } from '../grad/layer.js'
import type { OptimizerState } from '../optim/index.js'
import type { Bounds } from '../privacy/accountant.js'
import type { NotPrivate } from '../privacy/clipped-grad.js'
import { toArray } from '../tensor/tensor.js'
import type { Tree } from '../tensor/tree.js'
import type { Stepped, TrainingPlan, TrainState } from './plan.js'

/** What a batch looked like. Computed from private examples without noise. */
export interface BatchReport {
  readonly size: number
  /** Mean over the samples with a finite loss; NaN for an empty batch. */
  readonly loss: number
  /** Samples that contributed nothing because their gradient was not finite. */
  readonly nonFinite: number
  /** Median gradient norm before clipping; NaN for an empty batch. */
  readonly medianNorm: number
}

/** After each step. */
export interface TrainReport<P extends Tree, S extends OptimizerState> {
  /** Save it and the run can go on from here. */
  readonly state: TrainState<P, S>
  /** Steps taken, 1 after the first. */
  readonly step: number
  readonly steps: number
  /** Expected passes over the data so far: the sum of q over the steps. */
  readonly epoch: number
  /** Spent so far, at the delta of the plan: computed when it is read. */
  readonly epsilon: Bounds
  readonly batch: NotPrivate<BatchReport>
  /** What `evaluate` said of the parameters, on the steps where it was asked. */
  readonly accuracy?: number
  /** What `metrics` said, on the same steps. */
  readonly metrics?: Readonly<Record<string, number>>
}

/** How a run goes on, what it measures and when. */
export interface TrainOptions<P extends Tree, S extends OptimizerState> {
  readonly from: TrainState<P, S>
  /**
   * Such as `(params) => accuracy(model)(params, test)`, or of an average that the optimizer keeps. Asked every `evaluateEvery`
   * steps, and after the last.
   */
  readonly evaluate?: (params: P, optimizer: S) => number
  /** Any further numbers, asked at the same steps. */
  readonly metrics?: (params: P, optimizer: S) => Readonly<Record<string, number>>
  /** Default: after the last step only. */
  readonly evaluateEvery?: number
  /**
   * How a step, and what is asked after it, are run: `backend.task` of a GPU whose numbers come later. Default: at once. They
   * are pure functions, and may be run again.
   */
  readonly task?: <A>(body: () => A) => Task<A>
}

const atOnce =
  <A>(body: () => A): Task<A> =>
  async () =>
    body()

const finite = (values: readonly number[]): readonly number[] => values.filter(Number.isFinite)

const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  return sorted.length === 0
    ? Number.NaN
    : ((sorted[Math.ceil(middle) - 1] as number) + (sorted[Math.floor(middle)] as number)) / 2
}

const describe = <P extends Tree, S extends OptimizerState>({
  diagnostics,
}: Stepped<P, S>): NotPrivate<BatchReport> => {
  const losses = diagnostics.flatMap(({ value }) => toArray(value.loss))
  const counted = finite(losses)
  return {
    _tag: 'NotPrivate',
    value: {
      size: losses.length,
      loss: counted.reduce((sum, loss) => sum + loss, 0) / counted.length,
      nonFinite: diagnostics.reduce((sum, { value }) => sum + value.nonFinite, 0),
      medianNorm: median(finite(diagnostics.flatMap(({ value }) => toArray(value.norm)))),
    },
  }
}

/** Lets timers, signals and other tasks run. */
const breathe = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0))

/** How long the loop may keep other tasks waiting, in ms. A timer at every step would cost more than a small step. */
const patience = 50

/**
 * Trains from a state to the last step of the plan, with a report after each step. Leaving the loop leaves nothing behind:
 * the state of the last report is where a later call continues, bit for bit (on one thread) as if it had not stopped.
 *
 * @example
 * // for await (const report of train(plan, dataset, { from: plan.init(key(0)) })) if (report.epsilon.upper > 1) break
 */
export const train = <P extends Tree, C, S extends OptimizerState>(
  plan: TrainingPlan<P, C, S>,
  dataset: Dataset,
  { from, evaluate, metrics, evaluateEvery = Number.POSITIVE_INFINITY, task = atOnce }: TrainOptions<P, S>,
): AsyncGenerator<TrainReport<P, S>, void, undefined> => {
  const { steps } = plan.settings
  const takeStep = plan.step(dataset)
  return (async function* () {
    let state = from
    let breathed = performance.now()
    while (state.step < steps) {
      const before = state
      const stepped = await task(() => takeStep(before))()
      state = stepped.state
      const { step, params, optimizer, ledger } = state
      const evaluated = step === steps || step % evaluateEvery === 0
      const epsilon = lazy(() => plan.spent(ledger))
      const asked = evaluated
        ? await task(() => ({
            ...(evaluate === undefined ? {} : { accuracy: evaluate(params, optimizer) }),
            ...(metrics === undefined ? {} : { metrics: metrics(params, optimizer) }),
          }))()
        : {}
      yield {
        state,
        step,
        steps,
        epoch: plan.epochsIn(step),
        get epsilon() {
          return epsilon()
        },
        batch: describe(stepped),
        ...asked,
      }
      if (performance.now() - breathed > patience) {
        await breathe()
        breathed = performance.now()
      }
    }
  })()
}

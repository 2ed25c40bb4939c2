/**
 * Optimizers in a configuration.
 */
import {
  adadelta,
  adagrad,
  adam,
  adamax,
  adamw,
  averaged,
  exponentialAverage,
  type GradientTransformation,
  lamb,
  lion,
  nadam,
  type OptimizerState,
  radam,
  rmsprop,
  type Schedule,
  sgd,
  tailAverage,
} from '../../optim/index.js'
import type { Tree } from '../../tensor/tree.js'
import { type ScheduleChoice, schedule, scheduleOf } from './schedule-choice.js'
import { belowOne, flag, kind, kinds, nonNegative, optional, place, record, type Schema } from './schema-parts.js'

/** Reads the parameters out as a mean of those of several steps. */
export type AverageChoice =
  | { readonly kind: 'exponential'; readonly decay: number; readonly warmUp?: boolean }
  | { readonly kind: 'tail'; readonly from: number }

/** What every optimizer is told. */
interface Shared {
  readonly learningRate: ScheduleChoice
  readonly weightDecay?: number
  readonly average?: AverageChoice
}

interface Moments {
  readonly beta1?: number
  readonly beta2?: number
  readonly epsilon?: number
}

/** An optimizer and its options, which are those of `fp-dp/optim`. */
export type OptimizerChoice = Shared &
  (
    | { readonly kind: 'sgd'; readonly momentum?: number; readonly dampening?: number; readonly nesterov?: boolean }
    | ({ readonly kind: 'adam' | 'adamw'; readonly amsgrad?: boolean } & Moments)
    | ({ readonly kind: 'nadam' | 'radam' | 'adamax' | 'lamb' } & Moments)
    | ({ readonly kind: 'lion' } & Omit<Moments, 'epsilon'>)
    | {
        readonly kind: 'rmsprop'
        readonly decay?: number
        readonly epsilon?: number
        readonly centered?: boolean
        readonly momentum?: number
      }
    | {
        readonly kind: 'adagrad'
        readonly initialSum?: number
        readonly epsilon?: number
        readonly learningRateDecay?: number
      }
    | { readonly kind: 'adadelta'; readonly decay?: number; readonly epsilon?: number }
  )

type Plain<K extends OptimizerChoice['kind'], More> = Shared & { readonly kind: K } & More

const average = kinds<AverageChoice>(
  'kind',
  ['exponential', 'tail'],
  [
    record<Extract<AverageChoice, { kind: 'exponential' }>>({
      kind: kind('exponential'),
      decay: belowOne,
      warmUp: optional(flag),
    }),
    record<Extract<AverageChoice, { kind: 'tail' }>>({ kind: kind('tail'), from: place }),
  ],
)
const shared = { learningRate: schedule, weightDecay: optional(nonNegative), average: optional(average) }
const betas = { beta1: optional(belowOne), beta2: optional(belowOne) }
const moments = { ...betas, epsilon: optional(nonNegative) }
const withMoments = ['nadam', 'radam', 'adamax', 'lamb'] as const
const names = ['sgd', 'adam', 'adamw', ...withMoments, 'lion', 'rmsprop', 'adagrad', 'adadelta'] as const

/** An optimizer. */
export const optimizerSchema: Schema<OptimizerChoice> = kinds('kind', names, [
  record<Plain<'sgd', { momentum?: number; dampening?: number; nesterov?: boolean }>>({
    ...{ kind: kind('sgd'), ...shared, momentum: optional(belowOne) },
    ...{ dampening: optional(belowOne), nesterov: optional(flag) },
  }),
  ...(['adam', 'adamw'] as const).map((name) =>
    record<Plain<'adam' | 'adamw', Moments & { amsgrad?: boolean }>>({
      ...{ kind: kind(name), ...shared, ...moments, amsgrad: optional(flag) },
    }),
  ),
  ...withMoments.map((name) =>
    record<Plain<(typeof withMoments)[number], Moments>>({ kind: kind(name), ...shared, ...moments }),
  ),
  record<Plain<'lion', Omit<Moments, 'epsilon'>>>({ kind: kind('lion'), ...shared, ...betas }),
  record<Plain<'rmsprop', { decay?: number; epsilon?: number; centered?: boolean; momentum?: number }>>({
    ...{ kind: kind('rmsprop'), ...shared, decay: optional(belowOne), epsilon: optional(nonNegative) },
    ...{ centered: optional(flag), momentum: optional(belowOne) },
  }),
  record<Plain<'adagrad', { initialSum?: number; epsilon?: number; learningRateDecay?: number }>>({
    ...{ kind: kind('adagrad'), ...shared, initialSum: optional(nonNegative), epsilon: optional(nonNegative) },
    learningRateDecay: optional(nonNegative),
  }),
  record<Plain<'adadelta', { decay?: number; epsilon?: number }>>({
    ...{ kind: kind('adadelta'), ...shared, decay: optional(belowOne), epsilon: optional(nonNegative) },
  }),
])

/** Any optimizer, whatever its state. */
export type AnyOptimizer = GradientTransformation<OptimizerState>

const plain = ({ average: _, ...choice }: OptimizerChoice, learningRate: number | Schedule): AnyOptimizer => {
  const of = <S extends OptimizerState>(optimizer: GradientTransformation<S>): AnyOptimizer =>
    optimizer as unknown as AnyOptimizer
  switch (choice.kind) {
    case 'sgd':
      return of(sgd({ ...choice, learningRate }))
    case 'adam':
      return of(adam({ ...choice, learningRate }))
    case 'adamw':
      return of(adamw({ ...choice, learningRate }))
    case 'nadam':
      return of(nadam({ ...choice, learningRate }))
    case 'radam':
      return of(radam({ ...choice, learningRate }))
    case 'adamax':
      return of(adamax({ ...choice, learningRate }))
    case 'lamb':
      return of(lamb({ ...choice, learningRate }))
    case 'lion':
      return of(lion({ ...choice, learningRate }))
    case 'rmsprop':
      return of(rmsprop({ ...choice, learningRate }))
    case 'adagrad':
      return of(adagrad({ ...choice, learningRate }))
    case 'adadelta':
      return of(adadelta({ ...choice, learningRate }))
  }
}

/** The optimizer of a run of so many steps. */
export const optimizerOf = (choice: OptimizerChoice, totalSteps: number): AnyOptimizer => {
  const optimizer = plain(choice, scheduleOf(choice.learningRate, totalSteps))
  if (choice.average === undefined) return optimizer
  const rule = choice.average.kind === 'tail' ? tailAverage(choice.average) : exponentialAverage(choice.average)
  return averaged(rule, optimizer) as unknown as AnyOptimizer
}

/** The parameters that a run is measured by: the average where one is kept. */
export const readOut =
  ({ average: choice }: OptimizerChoice) =>
  (params: Tree, optimizer: OptimizerState): Tree =>
    choice === undefined ? params : (optimizer as unknown as { readonly average: Tree }).average

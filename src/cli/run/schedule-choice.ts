/**
 * Schedules in a configuration: a number, or a curve over the steps of the run.
 */
import {
  constant,
  cosine,
  cosineWarmRestarts,
  exponential,
  linear,
  multiStep,
  oneCycle,
  polynomial,
  type Schedule,
  stepDecay,
  warmUp,
} from '../../optim/index.js'
import {
  count,
  either,
  inside,
  kind,
  kinds,
  list,
  nonNegative,
  oneOf,
  optional,
  place,
  positive,
  record,
  type Schema,
} from './schema-parts.js'

/** Steps at the start over which the value rises from 0. */
interface Rising {
  readonly warmUp?: number
}

/** A number that changes. Those that end, end with the run. */
export type Curve = Rising &
  (
    | { readonly kind: 'constant'; readonly value: number }
    | { readonly kind: 'cosine'; readonly initial: number; readonly minimum?: number }
    | {
        readonly kind: 'cosineWarmRestarts'
        readonly initial: number
        readonly firstPeriod: number
        readonly factor?: number
        readonly minimum?: number
      }
    | {
        readonly kind: 'oneCycle'
        readonly maximum: number
        readonly risingFraction?: number
        readonly divisor?: number
        readonly finalDivisor?: number
        readonly anneal?: 'cosine' | 'linear'
      }
    | { readonly kind: 'linear'; readonly initial: number; readonly startFactor: number; readonly endFactor: number }
    | { readonly kind: 'polynomial'; readonly initial: number; readonly power: number }
    | { readonly kind: 'exponential'; readonly initial: number; readonly gamma: number }
    | { readonly kind: 'stepDecay'; readonly initial: number; readonly stepSize: number; readonly gamma: number }
    | {
        readonly kind: 'multiStep'
        readonly initial: number
        readonly milestones: readonly number[]
        readonly gamma: number
      }
  )

export type ScheduleChoice = number | Curve

type Of<K extends Curve['kind']> = Extract<Curve, { readonly kind: K }>

const rising = { warmUp: optional(count) }
const names = [
  'constant',
  'cosine',
  'cosineWarmRestarts',
  'oneCycle',
  'linear',
  'polynomial',
  'exponential',
  'stepDecay',
  'multiStep',
] as const

const curve: Schema<Curve> = kinds('kind', names, [
  record<Of<'constant'>>({ kind: kind('constant'), value: positive, ...rising }),
  record<Of<'cosine'>>({ kind: kind('cosine'), initial: positive, minimum: optional(nonNegative), ...rising }),
  record<Of<'cosineWarmRestarts'>>({
    kind: kind('cosineWarmRestarts'),
    initial: positive,
    firstPeriod: count,
    factor: optional(count),
    minimum: optional(nonNegative),
    ...rising,
  }),
  record<Of<'oneCycle'>>({
    kind: kind('oneCycle'),
    maximum: positive,
    risingFraction: optional(inside),
    divisor: optional(positive),
    finalDivisor: optional(positive),
    anneal: optional(oneOf(['cosine', 'linear'])),
    ...rising,
  }),
  record<Of<'linear'>>({
    kind: kind('linear'),
    initial: positive,
    startFactor: nonNegative,
    endFactor: nonNegative,
    ...rising,
  }),
  record<Of<'polynomial'>>({ kind: kind('polynomial'), initial: positive, power: positive, ...rising }),
  record<Of<'exponential'>>({ kind: kind('exponential'), initial: positive, gamma: positive, ...rising }),
  record<Of<'stepDecay'>>({ kind: kind('stepDecay'), initial: positive, stepSize: count, gamma: positive, ...rising }),
  record<Of<'multiStep'>>({
    kind: kind('multiStep'),
    initial: positive,
    milestones: list(place, 'a list of steps'),
    gamma: positive,
    ...rising,
  }),
])

/** A number above 0, or a curve. */
export const schedule: Schema<ScheduleChoice> = either<ScheduleChoice>(
  'a number above 0, or a schedule with a field kind',
  positive,
  curve,
)

const curveOf = (choice: Curve, totalSteps: number): Schedule => {
  switch (choice.kind) {
    case 'constant':
      return constant(choice.value)
    case 'cosine':
      return cosine({ ...choice, totalSteps })
    case 'cosineWarmRestarts':
      return cosineWarmRestarts(choice)
    case 'oneCycle':
      return oneCycle({ ...choice, totalSteps })
    case 'linear':
      return linear({ ...choice, totalSteps })
    case 'polynomial':
      return polynomial({ ...choice, totalSteps })
    case 'exponential':
      return exponential(choice)
    case 'stepDecay':
      return stepDecay(choice)
    case 'multiStep':
      return multiStep(choice)
  }
}

/** The schedule of a run of so many steps; a curve has those that its rise leaves. */
export const scheduleOf = (choice: ScheduleChoice, totalSteps: number): number | Schedule => {
  if (typeof choice === 'number') return choice
  const { warmUp: rise = 0 } = choice
  const after = curveOf(choice, Math.max(1, totalSteps - rise))
  return rise === 0 ? after : warmUp({ steps: rise })(after)
}

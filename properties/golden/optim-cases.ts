/**
 * The checks of one file in the format of optim.json: optimizers (a fixed sequence of gradients, the parameters after each
 * step) and schedules (the learning rate of each step), as PyTorch computes them in float64.
 */
import type { GradientTransformation, OptimizerState, Schedule } from '../../src/optim/index.js'
import * as Optim from '../../src/optim/index.js'
import { toArray } from '../../src/tensor/index.js'
import { type Numbers, tensorOf } from './numbers.js'
import { type GoldenCase, type NotSupported, notSupported, type Outcome } from './outcome.js'

/** Relative, in float64: what the project promises. */
const TOLERANCE = 1e-9

type Options = Readonly<Record<string, unknown>>
interface OptimizerCase {
  readonly optimizer: string
  readonly options: Options
  readonly initial: Numbers
  readonly grads: readonly Numbers[]
  readonly params: readonly Numbers[]
}
interface ScheduleCase {
  readonly schedule: string
  readonly baseLr: number
  readonly options: Options
  readonly lrs: readonly number[]
}
interface OptimFile {
  readonly source?: string
  readonly optimizers?: readonly OptimizerCase[]
  readonly schedules?: readonly ScheduleCase[]
}

export type AnyOptimizer = GradientTransformation<OptimizerState>

/** Options by their PyTorch names. One that a builder does not read makes the case unsupported, never silently wrong. */
interface Reader {
  readonly number: (name: string, otherwise?: number) => number
  readonly boolean: (name: string) => boolean
  readonly numbers: (name: string, otherwise?: readonly number[]) => readonly number[]
  readonly string: (name: string, otherwise: string) => string
  readonly unread: () => readonly string[]
}

const reader = (options: Options): Reader => {
  const read = new Set<string>()
  const get = <A>(name: string, is: (value: unknown) => value is A, otherwise: A | undefined): A => {
    read.add(name)
    const value = options[name] ?? otherwise
    if (!is(value)) throw new TypeError(`option ${name} is ${JSON.stringify(value)}`)
    return value
  }
  const isNumber = (value: unknown): value is number => typeof value === 'number'
  const isNumbers = (value: unknown): value is readonly number[] => Array.isArray(value) && value.every(isNumber)
  return {
    number: (name, otherwise) => get(name, isNumber, otherwise),
    boolean: (name) => get(name, (value): value is boolean => typeof value === 'boolean', false),
    numbers: (name, otherwise) => get(name, isNumbers, otherwise),
    string: (name, otherwise) => get(name, (value): value is string => typeof value === 'string', otherwise),
    unread: () => Object.keys(options).filter((name) => !read.has(name)),
  }
}

const momentOptions = (
  o: Reader,
  defaults: { readonly lr: number; readonly weightDecay: number },
): Omit<Optim.AdamOptions, 'amsgrad'> => {
  const [beta1 = 0.9, beta2 = 0.999] = o.numbers('betas', [0.9, 0.999])
  return {
    learningRate: o.number('lr', defaults.lr),
    beta1,
    beta2,
    epsilon: o.number('eps', 1e-8),
    weightDecay: o.number('weight_decay', defaults.weightDecay),
  }
}

/** PyTorch 1 counts a momentum of NAdam twice; version 2 does not. */
const isPyTorch1 = (source: string): boolean => source.startsWith('PyTorch 1.')

const optimizers: Readonly<Record<string, (o: Reader, source: string) => unknown>> = {
  sgd: (o) =>
    Optim.sgd({
      learningRate: o.number('lr', 0.001),
      momentum: o.number('momentum', 0),
      dampening: o.number('dampening', 0),
      nesterov: o.boolean('nesterov'),
      weightDecay: o.number('weight_decay', 0),
    }),
  adam: (o) => Optim.adam({ ...momentOptions(o, { lr: 1e-3, weightDecay: 0 }), amsgrad: o.boolean('amsgrad') }),
  adamw: (o) => Optim.adamw({ ...momentOptions(o, { lr: 1e-3, weightDecay: 0.01 }), amsgrad: o.boolean('amsgrad') }),
  adamax: (o) => Optim.adamax(momentOptions(o, { lr: 2e-3, weightDecay: 0 })),
  radam: (o) => Optim.radam(momentOptions(o, { lr: 1e-3, weightDecay: 0 })),
  nadam: (o, source) =>
    Optim.nadam({
      ...momentOptions(o, { lr: 2e-3, weightDecay: 0 }),
      momentumDecay: o.number('momentum_decay', 0.004),
      doubleCount: isPyTorch1(source),
    }),
  rmsprop: (o) =>
    Optim.rmsprop({
      learningRate: o.number('lr', 0.01),
      decay: o.number('alpha', 0.99),
      epsilon: o.number('eps', 1e-8),
      momentum: o.number('momentum', 0),
      centered: o.boolean('centered'),
      weightDecay: o.number('weight_decay', 0),
    }),
  adagrad: (o) =>
    Optim.adagrad({
      learningRate: o.number('lr', 0.01),
      learningRateDecay: o.number('lr_decay', 0),
      initialSum: o.number('initial_accumulator_value', 0),
      epsilon: o.number('eps', 1e-10),
      weightDecay: o.number('weight_decay', 0),
    }),
  adadelta: (o) =>
    Optim.adadelta({
      learningRate: o.number('lr', 1),
      decay: o.number('rho', 0.9),
      epsilon: o.number('eps', 1e-6),
      weightDecay: o.number('weight_decay', 0),
    }),
}

const schedules: Readonly<Record<string, (initial: number, o: Reader) => Schedule>> = {
  step: (initial, o) => Optim.stepDecay({ initial, stepSize: o.number('stepSize'), gamma: o.number('gamma', 0.1) }),
  multiStep: (initial, o) =>
    Optim.multiStep({ initial, milestones: o.numbers('milestones'), gamma: o.number('gamma', 0.1) }),
  exponential: (initial, o) => Optim.exponential({ initial, gamma: o.number('gamma') }),
  cosineAnnealing: (initial, o) =>
    Optim.cosine({ initial, totalSteps: o.number('tMax'), minimum: o.number('etaMin', 0) }),
  cosineWarmRestarts: (initial, o) =>
    Optim.cosineWarmRestarts({
      initial,
      firstPeriod: o.number('t0'),
      factor: o.number('tMult', 1),
      minimum: o.number('etaMin', 0),
    }),
  linear: (initial, o) =>
    Optim.linear({
      initial,
      startFactor: o.number('startFactor', 1 / 3),
      endFactor: o.number('endFactor', 1),
      totalSteps: o.number('totalIters', 5),
    }),
  polynomial: (initial, o) =>
    Optim.polynomial({ initial, totalSteps: o.number('totalIters', 5), power: o.number('power', 1) }),
  oneCycle: (_initial, o) =>
    Optim.oneCycle({
      maximum: o.number('maxLr'),
      totalSteps: o.number('totalSteps'),
      risingFraction: o.number('pctStart', 0.3),
      divisor: o.number('divFactor', 25),
      finalDivisor: o.number('finalDivFactor', 1e4),
      anneal: o.string('annealStrategy', 'cos') === 'linear' ? 'linear' : 'cosine',
      threePhase: o.boolean('threePhase'),
    }),
}

/** max |got − want| / |want|; the absolute error where 0 is wanted. A NaN, or another count of numbers, is infinitely wrong. */
const relativeError = (got: readonly number[], want: readonly number[]): number =>
  got.length !== want.length
    ? Number.POSITIVE_INFINITY
    : want.reduce((worst, expected, i) => {
        const error = Math.abs((got[i] as number) - expected) / (expected === 0 ? 1 : Math.abs(expected))
        return Number.isNaN(error) ? Number.POSITIVE_INFINITY : Math.max(worst, error)
      }, 0)

const trajectory = (optimizer: AnyOptimizer, { initial, grads }: OptimizerCase): readonly number[] => {
  const start = tensorOf(initial)
  const visited: number[] = []
  grads.reduce(
    ({ params, state }, grad) => {
      const [updates, next] = optimizer.update(tensorOf(grad), state, params)
      const moved = Optim.applyUpdates(params, updates)
      visited.push(...toArray(moved))
      return { params: moved, state: next }
    },
    { params: start, state: optimizer.init(start) },
  )
  return visited
}

/** The optimizer of PyTorch's name and options, or what about it is not built. */
export const optimizerOf = (
  { optimizer, options }: Pick<OptimizerCase, 'optimizer' | 'options'>,
  source: string,
): AnyOptimizer | NotSupported => {
  const read = reader(options)
  const build = optimizers[optimizer]
  if (build === undefined) return notSupported(`optimizer ${optimizer}`)
  const built = build(read, source) as AnyOptimizer
  return read.unread().length > 0 ? notSupported(`${optimizer} with ${read.unread().join(', ')}`) : built
}

const optimizerOutcome = (c: OptimizerCase, source: string): Outcome => {
  const optimizer = optimizerOf(c, source)
  if ('_tag' in optimizer) return optimizer
  const want = c.params.flatMap(({ data }) => data)
  return { _tag: 'compared', error: relativeError(trajectory(optimizer, c), want), tolerance: TOLERANCE }
}

const scheduleOutcome = (c: ScheduleCase): Outcome => {
  const options = reader(c.options)
  const build = schedules[c.schedule]
  if (build === undefined) return notSupported(`schedule ${c.schedule}`)
  const schedule = build(c.baseLr, options)
  if (options.unread().length > 0) return notSupported(`${c.schedule} with ${options.unread().join(', ')}`)
  const got = c.lrs.map((_, step) => schedule(step))
  return { _tag: 'compared', error: relativeError(got, c.lrs), tolerance: TOLERANCE }
}

/**
 * One entry for every optimizer and every schedule of a file. Running one that the library has not built, or that asks for
 * an option it does not have, says `notSupported`.
 *
 * @throws TypeError when the file holds neither list, or when an option of a case is of the wrong kind (on running it)
 */
export const optimCases = (file: unknown): readonly GoldenCase[] => {
  const { source = '', optimizers: byOptimizer, schedules: bySchedule } = (file ?? {}) as OptimFile
  if (!Array.isArray(byOptimizer) && !Array.isArray(bySchedule))
    throw new TypeError('a file of optimizer cases holds a list `optimizers` or a list `schedules`')
  return [
    ...(byOptimizer ?? []).map((c, index) => ({
      name: `optimizers[${index}] ${c.optimizer} ${JSON.stringify(c.options)}`,
      run: () => optimizerOutcome(c, source),
    })),
    ...(bySchedule ?? []).map((c, index) => ({
      name: `schedules[${index}] ${c.schedule} ${JSON.stringify(c.options)}`,
      run: () => scheduleOutcome(c),
    })),
  ]
}

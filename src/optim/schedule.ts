/**
 * Schedules: a number for each step, counted from 0. Of learning rates, and of whatever else changes over time.
 *
 * All are in closed form, so a resumed run needs nothing but its step. The numbers are those of `torch.optim.lr_scheduler`,
 * one scheduler step a training step; past their end schedules stay at their last value.
 */
import { checkPositiveInteger } from './hyperparameters.js'

/** Value at a step, 0, 1, 2, …. */
export type Schedule = (step: number) => number

/** A number stands for the schedule that never changes. */
export const asSchedule = (value: number | Schedule): Schedule => (typeof value === 'number' ? constant(value) : value)

/**
 * The same at every step.
 *
 * @example
 * constant(0.1)(7) // => 0.1
 */
export const constant =
  (value: number): Schedule =>
  () =>
    value

/** Where a schedule starts. */
export interface Initial {
  readonly initial: number
}

/**
 * initial·gamma^⌊t / stepSize⌋.
 *
 * @throws RangeError unless stepSize is an integer ≥ 1
 * @example
 * stepDecay({ initial: 8, stepSize: 10, gamma: 0.5 })(25) // => 2
 */
export const stepDecay = ({
  initial,
  stepSize,
  gamma,
}: Initial & { readonly stepSize: number; readonly gamma: number }): Schedule => {
  checkPositiveInteger('stepSize', stepSize)
  return (step) => initial * gamma ** Math.floor(step / stepSize)
}

/**
 * initial·gamma^(number of milestones ≤ t).
 *
 * @example
 * multiStep({ initial: 8, milestones: [5, 20], gamma: 0.5 })(20) // => 2
 */
export const multiStep =
  ({
    initial,
    milestones,
    gamma,
  }: Initial & { readonly milestones: readonly number[]; readonly gamma: number }): Schedule =>
  (step) =>
    initial * gamma ** milestones.filter((milestone) => milestone <= step).length

/** initial·gammaᵗ. */
export const exponential =
  ({ initial, gamma }: Initial & { readonly gamma: number }): Schedule =>
  (step) =>
    initial * gamma ** step

/** From start to end as the fraction goes from 0 to 1. */
const linearly = (start: number, end: number, fraction: number): number => start + (end - start) * fraction
const alongCosine = (start: number, end: number, fraction: number): number =>
  end + ((start - end) / 2) * (1 + Math.cos(Math.PI * fraction))

/**
 * initial·(startFactor → endFactor) in a straight line over totalSteps: warm-up.
 *
 * @throws RangeError unless totalSteps is an integer ≥ 1
 * @example
 * linear({ initial: 8, startFactor: 0.25, endFactor: 1, totalSteps: 2 })(1) // => 5
 */
export const linear = ({
  initial,
  startFactor,
  endFactor,
  totalSteps,
}: Initial & { readonly startFactor: number; readonly endFactor: number; readonly totalSteps: number }): Schedule => {
  checkPositiveInteger('totalSteps', totalSteps)
  return (step) => initial * linearly(startFactor, endFactor, Math.min(step / totalSteps, 1))
}

/**
 * initial·(1 − t/totalSteps)^power, then 0.
 *
 * @throws RangeError unless totalSteps is an integer ≥ 1
 * @example
 * polynomial({ initial: 8, totalSteps: 4, power: 2 })(2) // => 2
 */
export const polynomial = ({
  initial,
  totalSteps,
  power,
}: Initial & { readonly totalSteps: number; readonly power: number }): Schedule => {
  checkPositiveInteger('totalSteps', totalSteps)
  return (step) => initial * (1 - Math.min(step / totalSteps, 1)) ** power
}

/**
 * Half a cosine from initial to minimum over totalSteps; goes on as a cosine, so up again, as PyTorch's does.
 *
 *   minimum + (initial − minimum)·(1 + cos(π t / totalSteps)) / 2
 *
 * References  Loshchilov, Hutter 2017, arXiv:1608.03983, without restarts
 *
 * @throws RangeError unless totalSteps is an integer ≥ 1
 * @example
 * cosine({ initial: 8, totalSteps: 10 })(10) // => 0
 */
export const cosine = ({
  initial,
  totalSteps,
  minimum = 0,
}: Initial & { readonly totalSteps: number; readonly minimum?: number }): Schedule => {
  checkPositiveInteger('totalSteps', totalSteps)
  return (step) => alongCosine(initial, minimum, step / totalSteps)
}

/**
 * Cosines from initial to minimum that start afresh: the first takes firstPeriod steps, each next one `factor` times the
 * one before.
 *
 * References  Loshchilov, Hutter 2017, arXiv:1608.03983
 *
 * @throws RangeError unless firstPeriod and factor are integers ≥ 1
 * @example
 * cosineWarmRestarts({ initial: 8, firstPeriod: 3, factor: 2 })(9) // => 8
 */
export const cosineWarmRestarts = ({
  initial,
  firstPeriod,
  factor = 1,
  minimum = 0,
}: Initial & { readonly firstPeriod: number; readonly factor?: number; readonly minimum?: number }): Schedule => {
  checkPositiveInteger('firstPeriod', firstPeriod)
  checkPositiveInteger('factor', factor)
  return (step) => {
    if (factor === 1) return alongCosine(initial, minimum, (step % firstPeriod) / firstPeriod)
    let period = firstPeriod
    let since = step
    while (since >= period) {
      since -= period
      period *= factor
    }
    return alongCosine(initial, minimum, since / period)
  }
}

/** Defaults 0.3, 25, 10⁴, cosine, two phases: those of PyTorch. */
export interface OneCycleOptions {
  readonly maximum: number
  readonly totalSteps: number
  /** Part of the steps that rise, in (0, 1). */
  readonly risingFraction?: number
  /** maximum / initial. */
  readonly divisor?: number
  /** initial / last. */
  readonly finalDivisor?: number
  readonly anneal?: 'cosine' | 'linear'
  /** Fall to the initial value as fast as it rose, then to the last. */
  readonly threePhase?: boolean
}

/**
 * One cycle: from maximum/divisor up to maximum, and down to maximum/(divisor·finalDivisor) at step totalSteps − 1.
 *
 * References  Smith, Topin 2018, arXiv:1708.07120
 *
 * @throws RangeError unless totalSteps is an integer ≥ 1 and risingFraction in (0, 1)
 * @example
 * oneCycle({ maximum: 1, totalSteps: 10, divisor: 4, anneal: 'linear' })(2) // => 1
 */
export const oneCycle = ({
  maximum,
  totalSteps,
  risingFraction = 0.3,
  divisor = 25,
  finalDivisor = 1e4,
  anneal = 'cosine',
  threePhase = false,
}: OneCycleOptions): Schedule => {
  checkPositiveInteger('totalSteps', totalSteps)
  if (!(risingFraction > 0 && risingFraction < 1))
    throw new RangeError(`risingFraction is ${risingFraction}: it must be in (0, 1)`)
  const between = anneal === 'cosine' ? alongCosine : linearly
  const low = maximum / divisor
  const last = low / finalDivisor
  const top = risingFraction * totalSteps - 1
  const corners = [
    { step: 0, value: low },
    { step: top, value: maximum },
    ...(threePhase ? [{ step: 2 * top, value: low }] : []),
    { step: totalSteps - 1, value: last },
  ]
  return (step) => {
    const end = corners.findIndex((corner, position) => position > 0 && step <= corner.step)
    const [from, to] = [corners[end - 1], corners[end]]
    if (from === undefined || to === undefined) return last
    const length = to.step - from.step
    return length > 0 ? between(from.value, to.value, (step - from.step) / length) : to.value
  }
}

/**
 * Schedules one after another.
 */
import { checkNonNegative, checkPositiveInteger } from './hyperparameters.js'
import { linear, type Schedule } from './schedule.js'

/** A schedule, and how many steps it is for. */
export interface Stretch {
  readonly steps: number
  readonly schedule: Schedule
}

/**
 * Each schedule for its steps, counted from the stretch's own beginning; the last one goes on.
 *
 * @throws RangeError unless there is a stretch, and each has an integer number of steps ≥ 1
 * @example
 * [0, 1, 2, 3].map(joined([{ steps: 2, schedule: constant(5) }, { steps: 1, schedule: (t) => t }])) // => [5, 5, 0, 1]
 */
export const joined = (stretches: readonly Stretch[]): Schedule => {
  const last = stretches.at(-1)
  if (last === undefined) throw new RangeError('stretches is empty: joined needs at least one')
  let end = 0
  const ends = stretches.map(({ steps }) => {
    end += checkPositiveInteger('steps', steps)
    return end
  })
  return (step) => {
    const place = ends.findIndex((until) => step < until)
    const at = place < 0 ? ends.length - 1 : place
    return (stretches[at] as Stretch).schedule(step - (ends[at - 1] ?? 0))
  }
}

/**
 * A straight rise to the first value of a schedule over `steps` steps, from `from` (default 0) of it, then the schedule.
 *
 * @throws RangeError unless steps is an integer ≥ 1 and `from` a finite number ≥ 0
 * @example
 * [0, 1, 2, 3].map(warmUp({ steps: 2 })(constant(8))) // => [0, 4, 8, 8]
 */
export const warmUp =
  ({ steps, from = 0 }: { readonly steps: number; readonly from?: number }) =>
  (schedule: Schedule): Schedule => {
    checkNonNegative('from', from)
    const rise = linear({ initial: schedule(0), startFactor: from, endFactor: 1, totalSteps: steps })
    return joined([
      { steps, schedule: rise },
      { steps: 1, schedule },
    ])
  }

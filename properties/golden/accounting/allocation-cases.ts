/**
 * Golden records of random allocation.
 */
import { deltaOf, epsilonOf } from '../../../src/privacy/accountant.js'
import * as Event from '../../../src/privacy/event/event.js'
import { allocation } from '../../../src/privacy/random-allocation/accountant.js'
import { type AccountingRecord, type Answer, type Figure, numberOf, numbersOf, rightOf } from './record.js'

/** Our upper bound lies between theirs, 1e-6 allowed; and so does our lower one, where there is one. */
export const allocationCase = ({ inputs, expected }: AccountingRecord): Answer => {
  const accountant = allocation()
  const event = Event.selfComposed(numberOf(inputs.epochs))(
    Event.randomAllocation({ steps: numberOf(inputs.stepsPerEpoch), participations: numberOf(inputs.selected) })(
      Event.gaussian(numberOf(inputs.sigma)),
    ),
  )
  const between = (
    ours: { readonly lower: number; readonly upper: number },
    lower: unknown,
    upper: unknown,
  ): readonly Figure[] => {
    const [low, high] = [numberOf(lower) - 1e-6, numberOf(upper) + 1e-6]
    const within = (actual: number): Figure => ({ actual, expected: (low + high) / 2, rel: 0, abs: (high - low) / 2 })
    return ours.lower === 0 ? [within(ours.upper)] : [within(ours.lower), within(ours.upper)]
  }
  const lists = [expected.epsilonLower, expected.epsilonUpper, expected.deltaLower, expected.deltaUpper].map(numbersOf)
  return [
    ...numbersOf(inputs.delta).flatMap((delta, i) =>
      between(rightOf(epsilonOf(accountant, delta)(event)), lists[0]?.[i], lists[1]?.[i]),
    ),
    ...numbersOf(expected.deltaAtEps).flatMap((epsilon, i) =>
      between(rightOf(deltaOf(accountant, epsilon)(event)), lists[2]?.[i], lists[3]?.[i]),
    ),
  ]
}

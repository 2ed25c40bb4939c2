/**
 * Golden records of what random losses prove.
 */
import { baseDeltaFor, drawsNeeded, smallMeanProbability, verifiedDelta } from '../../../src/privacy/monte-carlo.js'
import { type AccountingRecord, type Answer, figures, numberOf } from './record.js'

/** Records of kind `monte_carlo`. */
export const monteCarloCase = (record: AccountingRecord): Answer => {
  const { inputs, expected } = record
  const [draws, target, base] = [inputs.numSamples, inputs.targetDelta, inputs.baseDelta].map(numberOf) as [
    number,
    number,
    number,
  ]
  if (expected.bound !== undefined)
    return figures(
      record,
      smallMeanProbability({ draws, ratio: numberOf(inputs.tau) })(numberOf(inputs.delta)),
      expected.bound,
    )
  if (expected.overallDelta !== undefined) return figures(record, verifiedDelta(draws)(base), expected.overallDelta)
  if (expected.baseDelta !== undefined) return figures(record, baseDeltaFor(draws)(target), expected.baseDelta)
  return figures(record, drawsNeeded({ baseDelta: base, delta: target }), expected.numSamples)
}

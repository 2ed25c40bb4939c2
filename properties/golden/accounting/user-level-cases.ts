/**
 * Golden records of users with several examples.
 */
import { epsilonOf } from '../../../src/privacy/accountant.js'
import * as Event from '../../../src/privacy/event/event.js'
import { exact } from '../../../src/privacy/exact/accountant.js'
import { gdp } from '../../../src/privacy/gdp.js'
import { rdp } from '../../../src/privacy/rdp/accountant.js'
import { userEpsilonByGroups, userLevelEvent } from '../../../src/privacy/user-level.js'
import { type AccountingRecord, type Answer, epsilonAt, figures, numberOf, rightOf } from './record.js'

/** The default orders of dp_accounting, by which the figures were found. */
const orders = [
  ...Array.from({ length: 99 }, (_, i) => (11 + i) / 10),
  ...Array.from({ length: 53 }, (_, i) => 11 + i),
  ...[128, 256, 512, 1024],
]

/**
 * By Rényi curves: Vadhan's groups. By privacy losses: mixtures. Once an epoch: all examples of a user in one batch, a Gaussian
 * release an epoch either way. Microbatches of two halve the noise multiplier.
 */
export const userLevelCase = (record: AccountingRecord): Answer => {
  const { inputs, expected } = record
  const k = numberOf(inputs.maxExamplesPerUser)
  const sigma = numberOf(inputs.sigma) / (inputs.microbatching === 'sigma halved' ? 2 : 1)
  const [epochs, delta] = [numberOf(inputs.epochs), numberOf(inputs.delta)]
  const q = numberOf(inputs.batchSize) / numberOf(inputs.numExamples)
  const steps = Math.ceil((epochs * numberOf(inputs.numExamples)) / numberOf(inputs.batchSize))
  const poisson = Event.selfComposed(steps)(Event.poissonSampled(q)(Event.gaussian(sigma)))
  const once = rightOf(userLevelEvent(k)(Event.selfComposed(epochs)(Event.gaussian(sigma))))
  if (inputs.accountant === 'PLD')
    return [
      ...figures(record, epsilonAt(gdp(), delta)(once), expected.epsilonOncePerEpoch),
      ...figures(record, epsilonAt(exact(), delta)(rightOf(userLevelEvent(k)(poisson))), expected.epsilonPoisson),
    ]
  const { upper } = rightOf(userEpsilonByGroups(rdp({ orders }), { maxExamplesPerUser: k, delta })(poisson))
  return [
    ...figures(record, rightOf(epsilonOf(rdp({ orders }), delta)(once)).estimate, expected.epsilonOncePerEpoch),
    ...figures(record, upper, expected.epsilonPoisson),
  ]
}

/** One example a user, by privacy losses: Poisson batches beside one Gaussian release an epoch. */
export const epochsCase = (record: AccountingRecord): Answer => {
  const { inputs, expected } = record
  const [steps, sampleRate, sigma, delta] = [inputs.steps, inputs.sampleRate, inputs.sigma, inputs.delta].map(
    numberOf,
  ) as [number, number, number, number]
  const once = Event.selfComposed(Math.round(steps * sampleRate))(Event.gaussian(sigma))
  const poisson = Event.selfComposed(steps)(Event.poissonSampled(sampleRate)(Event.gaussian(sigma)))
  return [
    ...figures(record, epsilonAt(gdp(), delta)(once), expected.epsilonOncePerEpoch),
    ...figures(record, epsilonAt(exact(), delta)(poisson), expected.epsilonPoisson),
  ]
}

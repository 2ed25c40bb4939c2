/**
 * Golden records of Rényi curves of mechanisms other than the Gaussian.
 */
import * as Event from '../../../src/privacy/event/event.js'
import { rdp } from '../../../src/privacy/rdp/accountant.js'
import { gaussianRdpAtExcess } from '../../../src/privacy/rdp/closed-form.js'
import { bestDelta } from '../../../src/privacy/rdp/conversion.js'
import { rdpAtOrder } from '../../../src/privacy/rdp/curve.js'
import {
  truncatedNegativeBinomialLogInverse,
  truncatedNegativeBinomialMean,
} from '../../../src/privacy/rdp/repeat-and-select.js'
import { type AccountingRecord, type Answer, figures, neighbouringOf, numberOf, numbersOf, rightOf } from './record.js'

/**
 * The theorems at the orders of the record, as their source evaluates them; and the curve here, which searches all orders, is no
 * larger.
 */
const repeatAndSelectCase = (record: AccountingRecord): Answer => {
  const { inputs, expected } = record
  const [mean, sigma] = [numberOf(inputs.mean), numberOf(inputs.baseSigma)]
  const shape = inputs.shape === 'Infinity' ? ('poisson' as const) : numberOf(inputs.shape)
  const orders = numbersOf(inputs.orders)
  const one = gaussianRdpAtExcess(sigma)
  const at = (order: number, selection: number): number => one(order - 1) + selection + Math.log(mean) / (order - 1)
  const atOrders = (): readonly number[] => {
    if (shape === 'poisson')
      return orders.map((order) =>
        at(order, mean * bestDelta(Math.log1p(1 / (order - 1)), 'improved', orders)(one).estimate),
      )
    const logInverse = truncatedNegativeBinomialLogInverse({ mean, shape })
    const selection =
      (1 + shape) * Math.min(...orders.map((order) => ((order - 1) * one(order - 1) + logInverse) / order))
    return orders.map((_, i) => Math.min(...orders.slice(i).map((order) => at(order, selection))))
  }
  const curve = rightOf(rdp().interpret(Event.repeatAndSelect({ mean, shape })(Event.gaussian(sigma))))
  const wanted = numbersOf(expected.rdp)
  return [
    ...figures(record, atOrders(), wanted),
    ...figures(
      record,
      orders.map(rdpAtOrder(curve)).map((value, i) => Math.max(value, wanted[i] as number)),
      wanted,
    ),
  ]
}

/** Undefined for records of other mechanisms. */
export const mechanismRdpCase = (record: AccountingRecord): Answer | undefined => {
  const { inputs, expected } = record
  const orders = numbersOf(inputs.orders ?? inputs.order)
  const curveOf = (event: Event.PrivacyEvent): readonly number[] =>
    orders.map(
      rdpAtOrder(
        rightOf(
          rdp({ neighbouring: neighbouringOf({ neighboring: inputs.neighboring ?? inputs.rel }) }).interpret(event),
        ),
      ),
    )
  if (expected.mean !== undefined)
    return figures(
      record,
      truncatedNegativeBinomialMean({ shape: numberOf(inputs.shape), gamma: numberOf(inputs.gamma) }),
      expected.mean,
    )
  switch (inputs.mechanism) {
    case 'exponential':
      return figures(record, curveOf(Event.exponentialMechanism(numberOf(inputs.epsilonPerQuery))), expected.rdp)
    case 'randomized-response':
      return figures(
        record,
        curveOf(
          Event.randomizedResponse({
            noiseParameter: numberOf(inputs.noiseParameter ?? inputs.noise_parameter),
            buckets: numberOf(inputs.numBuckets ?? inputs.num_buckets),
          }),
        ),
        expected.rdp ?? expected.expected_rdps ?? expected.expected_rdp,
      )
    case 'repeat-and-select':
      return repeatAndSelectCase(record)
    default:
      return undefined
  }
}

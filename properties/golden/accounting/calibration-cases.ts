/**
 * Golden records of calibration: the noise that meets a target.
 */
import { calibrate, noiseMultiplierScale } from '../../../src/privacy/calibrate-risk.js'
import { approximateEpsilonOf } from '../../../src/privacy/central-limit.js'
import * as Event from '../../../src/privacy/event/event.js'
import { exact } from '../../../src/privacy/exact/accountant.js'
import { analyticGaussianNoiseMultiplier } from '../../../src/privacy/gdp.js'
import { epsilonBeforeSampling } from '../../../src/privacy/neighbouring.js'
import { pld } from '../../../src/privacy/pld/accountant.js'
import { rdp } from '../../../src/privacy/rdp/accountant.js'
import { narrow } from '../../../src/privacy/root.js'
import { sampledCalibrationCase } from './exact-cases.js'
import { namedOrders } from './named-orders.js'
import { type AccountingRecord, type Answer, dpSgdEvent, epsilonAt, figures, numberOf, rightOf } from './record.js'

/** The search of Opacus, which stops up to `tolerance` short of the target: it checks the accountant at one σ. */
const bisectionOfOpacus = (epsilonOfSigma: (sigma: number) => number, target: number, tolerance: number): number => {
  let [low, high] = [0, 10]
  let epsilon = Infinity
  while (epsilon > target) {
    high *= 2
    epsilon = epsilonOfSigma(high)
  }
  while (target - epsilon > tolerance) {
    const sigma = (low + high) / 2
    const value = epsilonOfSigma(sigma)
    if (value < target) [high, epsilon] = [sigma, value]
    else low = sigma
  }
  return high
}

/** Their search with an accountant of theirs. */
const opacusCase = (record: AccountingRecord): Answer => {
  const { inputs, expected } = record
  const at = (sigma: number): Event.PrivacyEvent => dpSgdEvent({ ...inputs, sigma })
  const found = (epsilonOfSigma: (sigma: number) => number): number =>
    bisectionOfOpacus(epsilonOfSigma, numberOf(inputs.epsilon), numberOf(inputs.epsilonTolerance))
  if (inputs.accountant === 'rdp') {
    const accountant = rdp({ orders: namedOrders['1.1..10.9 step 0.1, 12..63'] as readonly number[] })
    return figures(
      record,
      found((sigma) => epsilonAt(accountant, inputs.delta)(at(sigma))),
      expected.sigma,
    )
  }
  const limit = approximateEpsilonOf(numberOf(inputs.delta))
  const sigma = found((noise) => rightOf(limit(at(noise))).approximate)
  const spent = epsilonAt(exact(), inputs.delta)(at(sigma))
  const note = `the central limit's σ; the true ε there is ${spent.toFixed(6)}, the target ${inputs.epsilon}`
  return figures(record, sigma, expected.sigma, { note })
}

/** The parameter of Laplace noise, sampled or composed: its scale, or the inverse for discrete noise. */
const laplaceCase = (record: AccountingRecord): Answer => {
  const { inputs, expected } = record
  const [discrete, sensitivity] = [inputs.mechanism === 'discrete-laplace', numberOf(inputs.sensitivity)]
  const target = { epsilon: numberOf(inputs.epsilon), delta: numberOf(inputs.delta) }
  if (inputs.sampling_prob !== undefined) {
    // Google's, from their ε alone whatever δ.
    const rate = epsilonBeforeSampling(numberOf(inputs.sampling_prob))(target.epsilon) / sensitivity
    return figures(record, discrete ? rate : 1 / rate, expected.expected_parameter)
  }
  const one = (noiseMultiplier: number): Event.PrivacyEvent =>
    discrete
      ? Event.discreteLaplace({ scale: noiseMultiplier * sensitivity, sensitivity })
      : Event.laplace(noiseMultiplier)
  const queries = Event.selfComposed(numberOf(inputs.num_queries ?? 1))
  const scale =
    sensitivity * rightOf(calibrate(pld(), target)(noiseMultiplierScale)((noise) => queries(one(noise)))).value
  return figures(record, discrete ? 1 / scale : scale, expected.expected_parameter)
}

/**
 * The smallest σ of discrete Gaussian noise from which on every one meets the target, both directions in view. Others below it may meet
 * the target too: walking down from the σ of twice the continuous noise, this is where it is first missed.
 */
const discreteGaussianCase = (record: AccountingRecord): Answer => {
  const { inputs, expected } = record
  const [epsilon, delta, sensitivity] = [inputs.epsilon, inputs.delta, inputs.sensitivity].map(numberOf) as [
    number,
    number,
    number,
  ]
  const sampled = Event.poissonSampled(numberOf(inputs.sampling_prob ?? 1))
  const excess = (sigma: number): number =>
    epsilonAt(pld(), delta)(sampled(Event.discreteGaussian({ sigma, sensitivity }))) - epsilon
  let below = 2 * sensitivity * rightOf(analyticGaussianNoiseMultiplier({ epsilon, delta }))
  while (excess(0.99 * below) <= 0) below *= 0.99
  const sigma = narrow({ bracket: { above: 0.99 * below, below }, tolerance: 1e-9 })(excess).below
  return figures(record, sigma, expected.expected_sigma)
}

const gaussianCase = (record: AccountingRecord): Answer => {
  const { inputs, expected } = record
  const target = { epsilon: numberOf(inputs.epsilon), delta: numberOf(inputs.delta) }
  const sensitivity = numberOf(inputs.sensitivity ?? 1) * (inputs.adjacency_type === 'REPLACE' ? 2 : 1)
  const sigma =
    rightOf(analyticGaussianNoiseMultiplier(target)) * sensitivity * Math.sqrt(numberOf(inputs.num_queries ?? 1))
  return figures(record, sigma, expected.sigma ?? expected.expected_standard_deviation ?? expected.expected_std)
}

export const calibrationCase = (record: AccountingRecord): Answer => {
  const { inputs } = record
  switch (inputs.mechanism) {
    case 'laplace':
    case 'discrete-laplace':
      return laplaceCase(record)
    case 'discrete-gaussian':
      return discreteGaussianCase(record)
    case 'gaussian':
      if (inputs.accountant === 'rdp' || inputs.accountant === 'gdp') return opacusCase(record)
      return (numberOf(inputs.sampling_prob ?? inputs.sampleRate ?? 1) === 1 ? gaussianCase : sampledCalibrationCase)(
        record,
      )
    default:
      return `no calibration of ${String(inputs.mechanism)} here`
  }
}

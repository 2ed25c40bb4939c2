/**
 * Golden records of optimal composition and of the central limit.
 */
import { optimalComposition } from '../../../src/privacy/approximate-dp/optimal-composition.js'
import { approximateEpsilonOf, centralLimit } from '../../../src/privacy/central-limit.js'
import * as Event from '../../../src/privacy/event/event.js'
import { exact } from '../../../src/privacy/exact/accountant.js'
import { gdpOfRandomizedResponse } from '../../../src/privacy/mu-of-mechanism.js'
import {
  type AccountingRecord,
  type Answer,
  dpSgdEvent,
  epsilonAt,
  figures,
  numberOf,
  numbersOf,
  rightOf,
} from './record.js'

/** The smallest ε of the grid ε₀(k − 2i), i = 0, 1, …, at which δ is met. */
const onGrid = (epsilon: number, delta: number, count: number, total: number): number => {
  const composition = optimalComposition([{ epsilon, delta, count }])
  const grid = Array.from({ length: Math.floor(count / 2) + 1 }, (_, i) => epsilon * (count - 2 * i))
  return Math.min(...grid.filter((at) => composition.delta(at) <= total))
}

export const optimalCompositionCase = (record: AccountingRecord): Answer => {
  const { inputs, expected } = record
  if (inputs.mechanism === 'pure-dp') {
    const guarantee = { epsilon: numberOf(inputs.epsilonPerQuery), delta: numberOf(inputs.deltaPerQuery) }
    const composition = optimalComposition([{ ...guarantee, count: numberOf(inputs.steps) }])
    return figures(record, composition.delta(numberOf(inputs.epsilon)), expected.delta)
  }
  if (inputs.total_epsilon !== undefined) {
    // The ε of each at which the total is on their grid, the largest that meets δ: none where the source says none.
    const [total, count] = [numberOf(inputs.total_epsilon), numberOf(inputs.num_queries)]
    const each = Array.from({ length: Math.ceil(count / 2) }, (_, i) => total / (count - 2 * i)).filter(
      (epsilon) =>
        optimalComposition([{ epsilon, delta: numberOf(inputs.delta), count }]).delta(total) <=
        numberOf(inputs.total_delta),
    )
    return expected.expected_epsilon === null
      ? [{ actual: each.length, expected: 0, rel: 0, abs: 0 }]
      : figures(record, Math.max(...each), expected.expected_epsilon)
  }
  const found = onGrid(
    numberOf(inputs.epsilon),
    numberOf(inputs.delta),
    numberOf(inputs.num_queries),
    numberOf(inputs.total_delta),
  )
  return figures(record, found, expected.expected_total_epsilon)
}

/** Undefined for records of Gaussians. */
export const heterogeneousCase = (record: AccountingRecord): Answer | undefined => {
  const { inputs, expected } = record
  if (inputs.mechanism !== 'pure-dp') return undefined
  const each = numbersOf(inputs.epsilons).map((epsilon) => ({ epsilon, delta: 0, count: 1 }))
  return figures(record, optimalComposition(each).delta(numberOf(inputs.epsilon)), expected.delta)
}

/** Steps of a source that its record has otherwise: int(90 // 0.04) is 2249, as 0.04 is more than 4/100 in binary. */
const stepsOfSource: Readonly<Record<string, number>> = { 'opacus.gdp.1': 2249 }

/** An interval for the ε of the central limit, which is no bound: the truth is told beside it. */
const intervalCase = (record: AccountingRecord): Answer => {
  const { id, inputs, expected } = record
  const steps = stepsOfSource[id] ?? inputs.steps
  const [least, most] = [numberOf(expected.epsilonMin), numberOf(expected.epsilonMax)]
  const limit = (count: unknown): number =>
    rightOf(approximateEpsilonOf(numberOf(inputs.delta))(dpSgdEvent({ ...inputs, steps: count }))).approximate
  const truth = epsilonAt(exact(), inputs.delta)(dpSgdEvent({ ...inputs, steps }))
  const elsewhere =
    steps === inputs.steps
      ? ''
      : ` after the ${steps} steps of its source, ${limit(inputs.steps).toFixed(6)} after ${inputs.steps}`
  const actual = limit(steps)
  return [
    {
      actual,
      expected: (least + most) / 2,
      rel: 0,
      abs: (most - least) / 2,
      note: `the central limit ${actual.toFixed(6)}${elsewhere}; the true ε is ${truth.toFixed(6)}`,
    },
  ]
}

export const centralLimitCase = (record: AccountingRecord): Answer => {
  const { inputs, expected } = record
  if (inputs.mechanism === 'randomized-response')
    return figures(
      record,
      gdpOfRandomizedResponse({
        noiseParameter: numberOf(inputs.noise_parameter),
        buckets: numberOf(inputs.numBuckets),
      }),
      expected.expected_mu,
    )
  if (expected.epsilonMin !== undefined) return intervalCase(record)
  const poisson = rightOf(centralLimit(dpSgdEvent(inputs)))
  // Batches of a fixed size; two sizes of this quotient, whichever.
  const datasetSize = 1e9
  const uniform = rightOf(
    centralLimit(
      Event.selfComposed(numberOf(inputs.steps))(
        Event.sampledWithoutReplacement({ datasetSize, batchSize: numberOf(inputs.sampleRate) * datasetSize })(
          Event.gaussian(numberOf(inputs.sigma)),
        ),
      ),
    ),
  )
  const delta = numberOf(inputs.delta)
  return [
    ...figures(record, poisson.mu, expected.muPoisson),
    ...figures(record, uniform.mu, expected.muUniform),
    ...figures(record, rightOf(poisson.epsilon(delta)).approximate, expected.epsilonPoissonCLT),
    ...figures(record, rightOf(uniform.epsilon(delta)).approximate, expected.epsilonUniformCLT),
  ]
}

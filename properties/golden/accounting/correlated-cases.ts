/**
 * Golden records of correlated noise: trees, Toeplitz strategies, buffers, banded strategies under cyclic Poisson sampling.
 */
import { epsilonOf } from '../../../src/privacy/accountant.js'
import { correlatedGaussian } from '../../../src/privacy/correlated/mechanism.js'
import { sensitivitySquared } from '../../../src/privacy/correlated/sensitivity.js'
import {
  bufferedToeplitz,
  coefficientsOf,
  inverseSquareRootToeplitz,
  largestPrefixVariance,
  noisingCoefficientsOf,
  squareRootToeplitz,
  toeplitz,
} from '../../../src/privacy/correlated/strategy.js'
import { treeSensitivitySquared } from '../../../src/privacy/correlated/tree.js'
import * as Event from '../../../src/privacy/event/event.js'
import { exact } from '../../../src/privacy/exact/accountant.js'
import { gdp } from '../../../src/privacy/gdp.js'
import { rdp } from '../../../src/privacy/rdp/accountant.js'
import { rdpAtOrder } from '../../../src/privacy/rdp/curve.js'
import {
  type AccountingRecord,
  type Answer,
  epsilonAt,
  figures,
  neighbouringOf,
  numberOf,
  numbersOf,
  rightOf,
} from './record.js'

const tenths = Array.from({ length: 99 }, (_, i) => (11 + i) / 10)
/** The orders of Google's test of trees. */
const treeOrders = [...tenths, ...Array.from({ length: 52 }, (_, i) => 12 + i)]

/** Epochs with a tree each: one record stands in one of them, so the longest tree is the worst. */
const treeCase = (record: AccountingRecord): Answer => {
  const { inputs, expected, tol } = record
  const noiseMultiplier = numberOf(inputs.sigma ?? inputs.noise_multiplier)
  const steps = Math.max(...numbersOf(inputs.stepCounts))
  const event = Event.treeAggregation({ noiseMultiplier, steps })
  const accountant = rdp({ orders: treeOrders, neighbouring: neighbouringOf(inputs) })
  const epsilon = epsilonAt(accountant, inputs.delta)(event)
  if (tol.rule === '<') {
    const allowed = numberOf(expected.eps)
    return [{ actual: Math.max(epsilon, allowed), expected: allowed, rel: 0, abs: 0 }]
  }
  const curve = rightOf(accountant.interpret(event))
  const { squared } = treeSensitivitySquared({ steps, participation: { minSeparation: 1, maxParticipations: 1 } })
  return [
    ...figures(record, numbersOf(inputs.orders).map(rdpAtOrder(curve)), expected.rdp),
    ...figures(record, squared, expected.depth),
    ...figures(record, epsilon, expected.epsilonRdp),
  ]
}

/** Their separation counts the steps between two participations. */
const singleTreeCase = (record: AccountingRecord): Answer => {
  const { inputs, expected } = record
  const participation = {
    minSeparation: numberOf(inputs.minSeparation) + 1,
    maxParticipations: numberOf(inputs.maxParticipation),
  }
  const { squared } = treeSensitivitySquared({ steps: numberOf(inputs.steps), participation })
  if (expected.rdp === undefined) return figures(record, squared, expected.sensitivitySquared)
  const event = Event.matrixFactorisation({
    noiseMultiplier: numberOf(inputs.sigma),
    sensitivity: Math.sqrt(squared),
  })
  const curve = rightOf(rdp().interpret(event))
  return [
    ...figures(record, squared, expected.sensitivitySquared),
    ...figures(record, numbersOf(inputs.orders).map(rdpAtOrder(curve)), expected.rdp),
    ...figures(record, rdpAtOrder(curve)(2) / 2, expected.zcdp),
  ]
}

const toeplitzCase = (record: AccountingRecord): Answer => {
  const { inputs, expected } = record
  const steps = numberOf(inputs.n)
  const strategy = inputs.coef === undefined ? squareRootToeplitz(steps) : toeplitz(numbersOf(inputs.coef))
  const [most, separation] = [inputs.participations ?? inputs.maxParticipations, inputs.minSep]
  const participation = {
    minSeparation: numberOf(separation ?? 1),
    ...(most === null ? {} : { maxParticipations: numberOf(most) }),
  }
  const { squared, exact: isExact } = sensitivitySquared({ steps, participation })(strategy)
  const head = numbersOf(expected.firstCoefs ?? [])
  // The prefix sums of the inverse of a square root of A are the square root again. O(n²) from the inverse, so only where n is small.
  const worst = steps <= 2000 ? largestPrefixVariance(steps)(strategy) : squared
  return [
    ...figures(record, squared, expected.sensitivitySquared),
    ...figures(record, strategy.coefficients.slice(0, head.length), head),
    ...(expected.maxError === undefined ? [] : figures(record, worst, expected.maxError)),
    { actual: Number(isExact), expected: 1, rel: 0, abs: 0.5 },
  ]
}

const bufferedCase = (record: AccountingRecord): Answer => {
  const { inputs, expected } = record
  const steps = numberOf(inputs.n)
  const strategy = bufferedToeplitz({
    bufferDecays: numbersOf(inputs.bufDecay),
    outputScales: numbersOf(inputs.outputScale),
  })
  const sensitivity = (minSeparation: number, maxParticipations: number): number =>
    sensitivitySquared({ steps, participation: { minSeparation, maxParticipations } })(strategy).squared
  const [coefficients, noising] = [coefficientsOf(steps)(strategy), noisingCoefficientsOf(steps)(strategy)]
  const head = numbersOf(expected.coefHead).length
  const worst = largestPrefixVariance(steps)(strategy)
  return [
    ...figures(record, [...coefficients.slice(0, head)], expected.coefHead),
    ...figures(record, [...noising.slice(0, head)], expected.inverseHead),
    ...figures(record, sensitivity(1, 1), expected.sensitivitySquaredSingle),
    ...figures(record, worst, expected.maxErrorSquared),
    ...figures(record, worst * sensitivity(1, 1), expected.maxLoss),
    ...(expected.sensitivitySquaredMinSep400k5 === null
      ? []
      : figures(record, sensitivity(400, 5), expected.sensitivitySquaredMinSep400k5)),
  ]
}

const cyclicCase = (record: AccountingRecord): Answer => {
  const { inputs, expected } = record
  const bands = numberOf(inputs.bands)
  const { event } = rightOf(
    correlatedGaussian({
      noise: squareRootToeplitz(bands),
      noiseMultiplier: numberOf(inputs.sigma),
      steps: numberOf(inputs.iterations),
      participation: { groups: bands, samplingProbability: numberOf(inputs.sampleRate) },
    }),
  )
  const { estimate } = rightOf(epsilonOf(exact(), numberOf(inputs.delta))(event))
  const rounds = event._tag === 'SelfComposed' ? event.count : Number.NaN
  return [...figures(record, rounds, expected.rounds), ...figures(record, estimate, expected.epsilon)]
}

/** Records of kind `ftrl`. */
export const correlatedCase = (record: AccountingRecord): Answer => {
  const { inputs, expected } = record
  switch (inputs.mechanism) {
    case 'tree-aggregation':
      return treeCase(record)
    case 'single-tree':
      return singleTreeCase(record)
    case 'matrix-factorization-unamplified': {
      const [noiseMultiplier, squared] = [inputs.sigma, inputs.sensitivitySquared].map(numberOf) as [number, number]
      const event = Event.matrixFactorisation({ noiseMultiplier, sensitivity: Math.sqrt(squared) })
      return figures(record, epsilonAt(gdp(), inputs.delta)(event), expected.epsilon)
    }
    case 'banded-inverse-square-root':
      return figures(
        record,
        inverseSquareRootToeplitz(numberOf(inputs.bands)).noisingCoefficients,
        expected.noisingCoef,
      )
    case 'sqrt-toeplitz':
    case 'toeplitz':
      return toeplitzCase(record)
    case 'blt':
      return bufferedCase(record)
    case 'bandmf':
      return cyclicCase(record)
    default:
      return `no correlated noise ${String(inputs.mechanism)} here`
  }
}

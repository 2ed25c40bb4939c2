/**
 * Golden records of single mechanisms: loss laws on a lattice, losses of outcomes, δ of one release. The names are Google's.
 */
import {
  discreteGaussianMasses,
  discreteGaussianPair,
  discreteLaplacePair,
  laplacePair,
  randomizedResponsePair,
} from '../../../src/privacy/pld/discrete-pair.js'
import { gaussianMixturePair, gaussianPair, replacedGaussianPair } from '../../../src/privacy/pld/gaussian-pair.js'
import { latticeBins } from '../../../src/privacy/pld/lattice-bins.js'
import { type LatticeLaw, pessimistic } from '../../../src/privacy/pld/lattice-law.js'
import { type PrivacyLossPair, swapped } from '../../../src/privacy/pld/loss-pair.js'
import { type OutcomeMechanism, outcomeLoss } from '../../../src/privacy/pld/outcome-loss.js'
import { buckets, connectedDots } from '../../../src/privacy/pld/plain-laws.js'
import { type PairDirection, poissonSampledPair } from '../../../src/privacy/pld/poisson-pair.js'
import { singleDelta } from '../../../src/privacy/pld/single.js'
import { truncation } from '../../../src/privacy/truncated-sample.js'
import { type Masses, refutedDots } from './mixture-dots-cases.js'
import { type AccountingRecord, type Answer, type Fields, type Figure, figures, numberOf, numbersOf } from './record.js'

const NOT_COVERED = 'no loss law of this mechanism here'

/** The pair of a record's mechanism on all data, P with the record. */
const baseOf = (inputs: Fields): PrivacyLossPair | undefined => {
  const sensitivity = numberOf(inputs.sensitivity ?? 1)
  switch (inputs.mechanism) {
    case 'gaussian':
      return gaussianPair(sensitivity / numberOf(inputs.standard_deviation ?? inputs.sigma))
    case 'laplace':
      return laplacePair(sensitivity / numberOf(inputs.parameter))
    case 'discrete-laplace':
      return discreteLaplacePair({ rate: numberOf(inputs.parameter), sensitivity })
    case 'discrete-gaussian': {
      const bound = inputs.truncation_bound ?? inputs.truncationBound
      return discreteGaussianPair({
        sigma: numberOf(inputs.sigma),
        sensitivity,
        ...(bound === undefined ? {} : { truncationBound: numberOf(bound) }),
      })
    }
    case 'mixture-gaussian': {
      const probabilities = numbersOf(inputs.sampling_probs)
      return gaussianMixturePair(
        numbersOf(inputs.sensitivities).map((c, i) => ({
          mu: c / numberOf(inputs.standard_deviation),
          probability: probabilities[i] as number,
        })),
      )
    }
    default:
      return undefined
  }
}

/** The pair of a record in a direction; sampled if the record says so. */
const pairOf = (inputs: Fields, direction: PairDirection | 'replace'): PrivacyLossPair | undefined => {
  const base = baseOf(inputs)
  const q = numberOf(inputs.sampling_prob ?? 1)
  if (base === undefined) return undefined
  if (direction === 'replace') {
    const mu = numberOf(inputs.sensitivity ?? 1) / numberOf(inputs.standard_deviation)
    return inputs.mechanism !== 'gaussian'
      ? undefined
      : q < 1
        ? replacedGaussianPair({ mu, samplingProbability: q })
        : gaussianPair(2 * mu)
  }
  return poissonSampledPair(direction, q)(base)
}

const DIRECTIONS: Readonly<Record<string, PairDirection | 'replace'>> = {
  ADD: 'add',
  REMOVE: 'remove',
  REPLACE: 'replace',
}

/** δ of one release. */
export const singleReleaseCase = (record: AccountingRecord): Answer => {
  const { inputs, expected } = record
  if (expected.expected_std !== undefined) {
    const bound = numberOf(inputs.truncation_bound)
    const { at } = discreteGaussianMasses({ sigma: numberOf(inputs.sigma), bound })
    let variance = 0
    for (let x = -bound; x <= bound; x++) variance += x * x * at(x)
    return figures(record, Math.sqrt(variance), expected.expected_std)
  }
  const pair = pairOf(inputs, DIRECTIONS[String(inputs.adjacency_type)] ?? 'remove')
  if (pair === undefined || expected.expected_delta === undefined) return NOT_COVERED
  return figures(
    record,
    numbersOf(inputs.epsilon).map((epsilon) => singleDelta(pair)(epsilon).value),
    expected.expected_delta,
  )
}

const readMasses = (value: unknown): Masses =>
  new Map(Object.entries(value as Readonly<Record<string, unknown>>).map(([k, mass]) => [Number(k), numberOf(mass)]))

/** Masses of a law by lattice point, those of one point added. */
const massesOf = ({ index, mass }: LatticeLaw): Masses => {
  const found = new Map<number, number>()
  index.forEach((k, i) => {
    found.set(k, (found.get(k) ?? 0) + (mass[i] as number))
  })
  return found
}

const keysOf = (expected: Masses): readonly number[] => [...expected.keys()].toSorted((a, b) => a - b)

const range = (from: number, to: number): Float64Array =>
  Float64Array.from({ length: to - from + 1 }, (_, i) => from + i)

/** The connected dots of a pair on the points of a record; of a mixture of Gaussians in a direction, the true ones. */
const dotsFigures = (
  record: AccountingRecord,
  pair: PrivacyLossPair,
  step: number,
  expected: Masses,
  infinity: unknown,
  direction: PairDirection | undefined,
): readonly Figure[] => {
  const keys = keysOf(expected)
  const [first, last] = [keys[0] as number, keys.at(-1) as number]
  const law = pessimistic(latticeBins(pair, { offset: 0, step }, range(first, Math.max(last, first + 1))))
  const masses = massesOf(law)
  if (record.inputs.mechanism === 'mixture-gaussian' && direction !== undefined) {
    const held = refutedDots(record, { direction, expected, ours: masses })
    if (held !== undefined) return held
  }
  return [
    ...figures(
      record,
      keys.map((k) => masses.get(k) ?? 0),
      keys.map((k) => expected.get(k)),
    ),
    ...(infinity === undefined || typeof infinity === 'string' ? [] : figures(record, law.infinity, infinity)),
  ]
}

/**
 * Buckets of a pair on the points of a record. Where the record's law is cut off inside of its outermost bin, that bin has what is left: as
 * much as the masses of the record sum to.
 */
const bucketsFigures = (
  record: AccountingRecord,
  pair: PrivacyLossPair,
  step: number,
  expected: Masses,
  rounded: 'up' | 'down',
): readonly Figure[] => {
  const keys = keysOf(expected)
  const [first, last] = [keys[0] as number, keys.at(-1) as number]
  const edges = rounded === 'up' ? range(first, last + 1) : range(first - 1, Math.max(last, first))
  const law = buckets(latticeBins(pair, { offset: 0, step }, edges), rounded)
  const masses = massesOf(law)
  const lost = 1 - keys.reduce((sum, k) => sum + (expected.get(k) as number), 0)
  const cut = typeof record.inputs.logMassTruncationBound === 'string'
  const boundary = rounded === 'up' ? last : first
  const value = (k: number): number => {
    const whole = masses.get(k) ?? 0
    if (!cut || k !== boundary) return rounded === 'up' && k > last ? 0 : whole
    const outside =
      rounded === 'up'
        ? law.infinity + (masses.get(last + 1) ?? 0)
        : (masses.get(first - 1) ?? 0) + (pair.density?.below((first - 1) * step).p ?? 0)
    return whole + outside - lost
  }
  const exactly = !cut && pair.density !== undefined && rounded === 'up' ? (masses.get(last + 1) ?? 0) : 0
  return [
    ...figures(
      record,
      keys.map((k) => value(k)),
      keys.map((k) => expected.get(k)),
    ),
    { actual: exactly, expected: 0, rel: 0, abs: 1e-8 },
  ]
}

/** The connected dots of a truncated sample: of each of its two parts, which are cut off at losses of their own, and added. */
const truncatedFigures = (record: AccountingRecord, direction: PairDirection, expected: Masses): readonly Figure[] => {
  const { inputs } = record
  const q = numberOf(inputs.sampling_probability)
  const mu = 1 / numberOf(inputs.standard_deviation)
  const tail = Number(/Phi\(-([\d.]+)\)/.exec(String(inputs.logMassTruncationBound))?.[1])
  const { logCut, logUncut, logDisplacing } = truncation({
    datasetSize: numberOf(inputs.dataset_size),
    samplingProbability: q,
    truncatedBatchSize: numberOf(inputs.truncated_batch_size),
  })
  const total = new Map<number, number>()
  const add = (weight: number, pair: PrivacyLossPair, mechanism: Omit<OutcomeMechanism, 'noise'>): void => {
    const { loss } = outcomeLoss({ noise: 'gaussian', ...mechanism })
    const ends = [loss(mechanism.ratio + tail), loss(-tail)]
    const edges = range(Math.floor(Math.min(...ends)), Math.ceil(Math.max(...ends)))
    for (const [k, mass] of massesOf(pessimistic(latticeBins(pair, { offset: 0, step: 1 }, edges))))
      total.set(k, (total.get(k) ?? 0) + weight * mass)
  }
  add(Math.exp(logUncut), poissonSampledPair(direction, q)(gaussianPair(mu)), {
    ratio: mu,
    samplingProbability: q,
    pair: direction,
  })
  const samplingProbability = Math.exp(logDisplacing)
  add(Math.exp(logCut), replacedGaussianPair({ mu: 2 * mu, samplingProbability }), {
    ratio: 2 * mu,
    samplingProbability,
    pair: 'replace',
  })
  const keys = keysOf(expected)
  return figures(
    record,
    keys.map((k) => total.get(k) ?? 0),
    keys.map((k) => expected.get(k)),
  )
}

/** Probabilities from a lowest loss on. */
const listed = (lowest: unknown, probabilities: unknown): Masses =>
  new Map(numbersOf(probabilities).map((p, i) => [numberOf(lowest) + i, p]))

/** Dots of given values of δ. */
const dotsOfDeltas = (record: AccountingRecord, step: number): Answer => {
  const { inputs, expected } = record
  const deltas = numbersOf(inputs.deltas)
  const points =
    inputs.rounded_epsilons === undefined
      ? deltas.map((_, i) => numberOf(inputs.rounded_epsilon_lower) + i)
      : numbersOf(inputs.rounded_epsilons)
  const { mass, infinity } = connectedDots({ losses: points.map((k) => k * step), deltas })
  const wanted = readMasses(expected.expected_loss_probs)
  return [
    ...figures(
      record,
      mass,
      points.map((k) => wanted.get(k) ?? 0),
    ),
    ...figures(record, infinity, expected.expected_infinity_mass),
  ]
}

/** Loss laws on a lattice, by any of Google's methods. */
export const latticeCase = (record: AccountingRecord): Answer => {
  const { inputs, expected } = record
  const step = numberOf(inputs.interval ?? inputs.value_discretization_interval ?? inputs.discretization)
  if (inputs.deltas !== undefined) return dotsOfDeltas(record, step)
  const dots = inputs.method === 'connect-the-dots'
  const rounded = inputs.pessimistic === false ? 'down' : 'up'
  const compare = (
    pair: PrivacyLossPair,
    masses: Masses,
    infinity: unknown,
    direction?: PairDirection,
  ): readonly Figure[] =>
    dots
      ? dotsFigures(record, pair, step, masses, infinity, direction)
      : bucketsFigures(record, pair, step, masses, rounded)
  if (inputs.sampling === 'truncated-poisson')
    return (['remove', 'add'] as const).flatMap((direction) =>
      expected[`expected_${direction}_probs`] === undefined
        ? []
        : truncatedFigures(
            record,
            direction,
            listed(expected[`expected_${direction}_lower_loss`], expected[`expected_${direction}_probs`]),
          ),
    )
  if (inputs.mechanism === 'randomized-response') {
    const one = randomizedResponsePair({
      noiseParameter: numberOf(inputs.noise_parameter),
      buckets: numberOf(inputs.num_buckets),
      neighbours: inputs.neighbor_rel === 'REPLACE_ONE' ? 'replace' : 'remove',
    })
    return [
      ...compare(one, readMasses(expected.expected_rounded_pmf), undefined),
      ...(expected.expected_rounded_pmf_add === undefined
        ? []
        : compare(swapped(one), readMasses(expected.expected_rounded_pmf_add), undefined)),
    ]
  }
  if (inputs.mechanism === undefined) return NOT_COVERED
  const replaced = inputs.neighbor_rel === 'REPLACE_ONE'
  const answers = (['add', 'remove'] as const).map((direction) => {
    const masses =
      expected[`expected_rounded_pmf_${direction}`] ?? (direction === 'add' ? expected.expected_rounded_pmf : undefined)
    if (masses === undefined) return []
    const pair = pairOf(inputs, replaced ? 'replace' : direction)
    return pair === undefined
      ? undefined
      : compare(
          pair,
          readMasses(masses),
          expected[`expected_infinity_mass_${direction}`] ?? expected.expected_infinity_mass,
          direction,
        )
  })
  return answers.some((one) => one === undefined) ? NOT_COVERED : answers.flatMap((one) => one ?? [])
}

/** The loss of an outcome, or the outcome of a loss. Google's records remove a value that lies below, so that outcomes change sign. */
export const outcomeCase = (record: AccountingRecord): Answer => {
  const { inputs, expected } = record
  const pair = DIRECTIONS[String(inputs.adjacency_type)]
  const noise = inputs.mechanism
  if (pair === undefined || (noise !== 'gaussian' && noise !== 'laplace')) return NOT_COVERED
  const scale =
    numberOf(noise === 'gaussian' ? inputs.standard_deviation : inputs.parameter) * (pair === 'add' ? 1 : -1)
  const ratio = numberOf(inputs.sensitivity) / Math.abs(scale)
  const { loss, outcome } = outcomeLoss({ noise, ratio, samplingProbability: numberOf(inputs.sampling_prob), pair })
  return expected.expected_x === undefined
    ? figures(record, loss(numberOf(inputs.x) / scale), expected.expected_privacy_loss)
    : figures(record, scale * outcome(numberOf(inputs.privacy_loss)), expected.expected_x)
}

/** The losses between which all but given tails of the noise lie: of P with the record, and of noise alone. */
export const tailCase = (record: AccountingRecord): Answer => {
  const { inputs, expected } = record
  const pair = DIRECTIONS[String(inputs.adjacency_type)]
  const words = /Phi\(-([\d.]+)\)/.exec(String(inputs.logMassTruncationBound))
  if (pair === undefined || words === null || inputs.mechanism !== 'gaussian') return NOT_COVERED
  const ratio = numberOf(inputs.sensitivity) / numberOf(inputs.standard_deviation)
  const { loss } = outcomeLoss({ noise: 'gaussian', ratio, samplingProbability: numberOf(inputs.sampling_prob), pair })
  const ends = [loss(ratio + Number(words[1])), loss(-Number(words[1]))]
  return [
    ...figures(record, Math.max(...ends), expected.expected_epsilon_upper),
    ...figures(record, Math.min(...ends), expected.expected_epsilon_lower),
  ]
}

/**
 * Golden records that the accountants of privacy losses answer: whole compositions.
 */
import { type Accountant, type Bounds, deltaOf, epsilonOf } from '../../../src/privacy/accountant.js'
import * as Event from '../../../src/privacy/event/event.js'
import type { Neighbouring } from '../../../src/privacy/neighbouring.js'
import { pld } from '../../../src/privacy/pld/accountant.js'
import type { PldCurve } from '../../../src/privacy/pld/curve.js'
import { prv } from '../../../src/privacy/prv/accountant.js'
import { truePositiveRate } from '../../../src/privacy/trade-off.js'
import {
  type AccountingRecord,
  type Answer,
  dpSgdEvent,
  epsilonAt,
  type Fields,
  type Figure,
  figures,
  neighbouringOf,
  numberOf,
  numbersOf,
  rightOf,
} from './record.js'

const NOT_COVERED = 'no loss law of this mechanism here'

/** The mechanism of a record on all data; undefined where there is none. */
const mechanismOf = (inputs: Fields): Event.PrivacyEvent | undefined => {
  switch (inputs.mechanism) {
    case 'gaussian':
      return Event.gaussian(numberOf(inputs.sigma) / numberOf(inputs.sensitivity ?? 1))
    case 'laplace':
      return Event.laplace(numberOf(inputs.scale) / numberOf(inputs.sensitivity))
    case 'discrete-laplace':
      return Event.discreteLaplace({ scale: 1 / numberOf(inputs.parameter), sensitivity: numberOf(inputs.sensitivity) })
    case 'discrete-gaussian':
      return Event.discreteGaussian({ sigma: numberOf(inputs.sigma), sensitivity: numberOf(inputs.sensitivity) })
    case 'mixture-gaussian':
      return Event.mixtureOfGaussians({
        noiseMultiplier: numberOf(inputs.sigma),
        sensitivities: numbersOf(inputs.sensitivities),
        probabilities: numbersOf(inputs.probs),
      })
    case 'randomized-response':
      return Event.randomizedResponse({
        noiseParameter: numberOf(inputs.noiseParameter),
        buckets: numberOf(inputs.numBuckets ?? inputs.num_buckets),
      })
    case 'pure-dp':
    case 'epsilon-delta':
      return Event.approximateDp({
        epsilon: numberOf(inputs.epsilonPerQuery),
        delta: numberOf(inputs.deltaPerQuery ?? 0),
      })
    default:
      return undefined
  }
}

/** Mechanisms named by what they are and their parameters, as in `laplace_0.1x100`: a hundred times. Laplace noise is named by 1/scale. */
const NAMED: Readonly<Record<string, (first: number, second: number) => Event.PrivacyEvent>> = {
  laplace: (rate) => Event.laplace(1 / rate),
  pure: (epsilon) => Event.pureDp(epsilon),
  approx: (epsilon, delta) => Event.approximateDp({ epsilon, delta }),
}

/**
 * Gaussians whose record names no noise multipliers: those of the test of prv_accountant with these counts (tests/test_accountant.py,
 * a844f720).
 */
const UNNAMED: Readonly<Record<string, readonly number[]>> = { gauss_het: [10, 5] }

/** The event of phases that are told in one word; undefined for other words. */
const eventInWords = ({ phases, steps }: Fields): Event.PrivacyEvent | undefined => {
  const words = String(phases)
  const sigmas = UNNAMED[words]
  if (sigmas !== undefined)
    return dpSgdEvent({ phases: sigmas.map((sigma, i) => ({ sigma, steps: numbersOf(steps)[i] })) })
  const [, kind = '', parameters = '', count] = /^([a-z]+)_(.+)x(\d+)$/.exec(words) ?? []
  const [first = Number.NaN, second = Number.NaN] = parameters.split('_').map(Number)
  const named = NAMED[kind]
  return named && Event.selfComposed(Number(count))(named(first, second))
}

/** The event of one phase. */
const phaseOf = (phase: Fields): Event.PrivacyEvent =>
  phase.mechanism === 'laplace'
    ? Event.selfComposed(numberOf(phase.steps))(Event.laplace(numberOf(phase.scale)))
    : dpSgdEvent(phase)

/** The event of a record; undefined where it names none that is covered. */
const eventOf = (inputs: Fields): Event.PrivacyEvent | undefined => {
  if (Array.isArray(inputs.epsilons)) return Event.composed(numbersOf(inputs.epsilons).map((e) => Event.pureDp(e)))
  if (typeof inputs.phases === 'string') return eventInWords(inputs)
  if (Array.isArray(inputs.phases)) return Event.composed(inputs.phases.map((phase) => phaseOf(phase as Fields)))
  if (Array.isArray(inputs.ncomp) || inputs.ncomp !== undefined) {
    const [sigmas, rates, counts] = [inputs.sigma, inputs.q, inputs.ncomp].map(numbersOf)
    return Event.composed(
      (sigmas ?? []).map((sigma, i) => dpSgdEvent({ sigma, sampleRate: rates?.[i], steps: counts?.[i] })),
    )
  }
  const one = mechanismOf(inputs)
  if (one === undefined || !['poisson', 'none', 'truncated-poisson', undefined].includes(inputs.sampling as string))
    return undefined
  const q = numberOf(inputs.sampleRate ?? 1)
  const sampled =
    inputs.sampling === 'truncated-poisson'
      ? Event.truncatedPoissonSampled({
          datasetSize: numberOf(inputs.datasetSize),
          samplingProbability: q,
          truncatedBatchSize: numberOf(inputs.truncatedBatchSize),
        })(one)
      : Event.poissonSampled(q)(one)
  return Event.selfComposed(numberOf(inputs.steps ?? 1))(sampled)
}

/** Two intervals that hold one number meet: how far they are apart, in units of the slack. */
const meets = ({ lower, upper }: Bounds, from: number, to: number, slack: number): Figure => ({
  actual: Math.max(0, lower - to, from - upper),
  expected: 0,
  rel: 0,
  abs: slack,
})

/** The truth is in the interval, to its own tolerance. */
const holds = (
  record: AccountingRecord,
  { lower, upper }: Bounds,
  truth: unknown,
  tol?: Partial<Figure>,
): readonly Figure[] => figures(record, Math.min(Math.max(numberOf(truth), lower), upper), truth, tol)

type Crossed = AccountingRecord & {
  readonly role?: string
  readonly crossCheck?: Fields
  readonly knownDefects?: Fields
}

/** A true figure to 1e-7, where a record's own is not to be met. */
const TRUE: Partial<Figure> = { rel: 1e-7, abs: 1e-9 }

/** Bounds of Google's accountant at several δ and ε. Its sums are cut off and rounded by some 5e-15 (two hundred steps of discrete Laplace noise, beside 40 digits), a part of a small δ. */
const intervals = (record: Crossed, at: (delta: number) => Bounds, ofEpsilon: (epsilon: number) => Bounds): Answer => {
  const { inputs, expected, crossCheck = {}, knownDefects = {}, tol } = record
  const wrong = [knownDefects.upperBelowTruthAtDelta, knownDefects.lowerAboveTruthAtDelta].flatMap((list) =>
    ((list ?? []) as readonly string[]).map(Number),
  )
  const [lowers, uppers, truths] = [expected.epsilonLower, expected.epsilonUpper, crossCheck.truthRemove].map(numbersOf)
  const ofDelta = numbersOf(inputs.delta).flatMap((delta, i): readonly Figure[] => {
    const bounds = at(delta)
    if (wrong.includes(delta)) return holds(record, bounds, truths?.[i], TRUE)
    if (expected.epsilonLower === undefined)
      return [{ actual: bounds.upper, expected: uppers?.[i] as number, rel: numberOf(tol.rel), abs: 0 }]
    const [from, to] = [lowers?.[i] as number, uppers?.[i] as number]
    const met = meets(bounds, from, to, 1e-6)
    return [met.actual <= met.abs ? met : meets({ ...bounds, upper: at(delta - 1e-14).upper }, from, to, 1e-6)]
  })
  if (inputs.deltaAtEps === undefined || expected.deltaLower === undefined) return ofDelta
  return [
    ...ofDelta,
    ...numbersOf(inputs.deltaAtEps).map((epsilon, i) =>
      meets(
        ofEpsilon(epsilon),
        numbersOf(expected.deltaLower)[i] as number,
        numbersOf(expected.deltaUpper)[i] as number,
        1e-6,
      ),
    ),
  ]
}

/** One accountant's answer to a record. */
const answerOf = (record: Crossed, event: Event.PrivacyEvent, accountant: Accountant<PldCurve>): Answer => {
  const { inputs, expected, tol, knownDefects, crossCheck = {} } = record
  const at = (delta: number): Bounds => rightOf(epsilonOf(accountant, delta)(event))
  const ofEpsilon = (epsilon: number): Bounds => rightOf(deltaOf(accountant, epsilon)(event))
  if (Array.isArray(inputs.delta)) return intervals(record, at, ofEpsilon)
  const delta = inputs.delta ?? inputs.target_delta
  if (delta === undefined) {
    const wanted = expected.delta ?? expected.expected_delta
    if (wanted === undefined) return 'neither ε nor δ is asked for'
    const bounds = ofEpsilon(numberOf(inputs.epsilon ?? inputs.target_eps))
    return holds(record, bounds, crossCheck.truth ?? wanted, crossCheck.truth === undefined ? {} : TRUE)
  }
  const bounds = at(numberOf(delta))
  const truth = crossCheck.truth ?? crossCheck.exact ?? crossCheck.exactEpsilon ?? crossCheck.exactEpsilonPoisson
  const known = truth === undefined ? [] : holds(record, bounds, truth, TRUE)
  if (truth !== undefined && (knownDefects !== undefined || expected.epsilonLower === undefined)) return known
  if (expected.epsilonUpper !== undefined)
    return [
      ...known,
      meets(
        bounds,
        numberOf(expected.epsilonLower ?? 0),
        numberOf(expected.epsilonUpper) + numberOf(tol.abs ?? 0),
        1e-9,
      ),
    ]
  return holds(record, bounds, expected.epsilon)
}

/**
 * Google's bound of truncated samples takes one pair for a record that is added, removed or replaced by one that adds nothing, which is that of
 * the last; a record that is added or removed has a closer one. Theirs is met by the last relation, and is no smaller than ours.
 */
const displacedCase = (record: Crossed, event: Event.PrivacyEvent): Answer => {
  const theirs = answerOf(record, event, pld({ neighbouring: 'replaceSpecial' }))
  if (typeof theirs === 'string') return theirs
  const wanted = numbersOf(record.expected.epsilonUpper)
  const closer = numbersOf(record.inputs.delta).map((delta, i): Figure => {
    const { upper } = rightOf(epsilonOf(pld(), delta)(event))
    return {
      actual: Math.max(0, upper / (wanted[i] as number) - 1),
      expected: 0,
      rel: 0,
      abs: numberOf(record.tol.rel),
    }
  })
  return [...theirs, ...closer]
}

/** A composition by the accountants of privacy losses: `prv` on Microsoft's grid, which is that of the truths `pld` is held to, and both beyond. */
export const lossCase = (record: AccountingRecord): Answer => {
  const { inputs, id } = record
  const event = eventOf(inputs)
  if (event === undefined) return NOT_COVERED
  const neighbouring: Neighbouring = neighbouringOf(inputs)
  const isGrid = id.startsWith('prv.') && inputs.phases === undefined
  const isDisplaced = inputs.sampling === 'truncated-poisson' && neighbouring === 'addOrRemoveOne'
  const byPld = isGrid
    ? []
    : isDisplaced
      ? displacedCase(record, event)
      : answerOf(record, event, pld({ neighbouring }))
  const byPrv = record.kind === 'prv' && !id.startsWith('truth.') ? answerOf(record, event, prv({ neighbouring })) : []
  if (typeof byPld === 'string') return byPld
  if (typeof byPrv === 'string') return byPrv
  const found = [...byPld, ...byPrv]
  if (isGrid || record.kind !== 'prv' || inputs.phases === undefined) return found
  const sigmas = UNNAMED[String(inputs.phases)]
  const note = sigmas && { note: `with σ ${sigmas.join(' and ')}, which the record leaves out` }
  const [from, to] = [numberOf(record.expected.epsilonLower), numberOf(record.expected.epsilonUpper)]
  const actual = epsilonAt(pld({ neighbouring }), inputs.delta)(event)
  return [...found, { actual, expected: 0.5 * (from + to), rel: 0, abs: 0.5 * (to - from), ...note }]
}

/** δ at ε that is to be met, not only enclosed: discrete laws lie on the lattice, and single mechanisms need none. */
export const lossDeltaCase = (record: AccountingRecord): Answer => {
  const { inputs, expected } = record
  const event = eventOf(inputs)
  if (event === undefined || expected.delta === undefined) return NOT_COVERED
  const bounds = rightOf(deltaOf(pld({ neighbouring: neighbouringOf(inputs) }), numberOf(inputs.epsilon))(event))
  return [...figures(record, bounds.estimate, expected.delta), ...holds(record, bounds, expected.delta)]
}

/** The largest true positive rate at a false one. Randomized response has none but that of two datasets of one size. */
export const truePositiveRateCase = (record: AccountingRecord): Answer => {
  const { inputs, expected } = record
  const event = eventOf(inputs)
  const wanted = expected.tpr ?? expected.expected_tpr
  if (event === undefined || wanted === undefined) return NOT_COVERED
  const neighbouring = inputs.mechanism === 'randomized-response' ? 'replaceOne' : neighbouringOf(inputs)
  const accountant = pld({ neighbouring })
  return figures(
    record,
    truePositiveRate(accountant)(numberOf(inputs.fpr))(rightOf(accountant.interpret(event))),
    wanted,
  )
}

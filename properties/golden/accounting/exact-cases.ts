/**
 * Golden records that the exact accountant answers.
 */
import * as E from 'fp-ts/lib/Either.js'
import type { Bounds } from '../../../src/privacy/accountant.js'
import { calibrateNoiseMultiplier, calibrateSteps } from '../../../src/privacy/calibrate.js'
import * as Event from '../../../src/privacy/event/event.js'
import { exact } from '../../../src/privacy/exact/accountant.js'
import { compositionsOf, type ExactCurve } from '../../../src/privacy/exact/curve.js'
import { enclose } from '../../../src/privacy/exact/enclosure.js'
import type { PairKind } from '../../../src/privacy/exact/pair.js'
import { gdp } from '../../../src/privacy/gdp.js'
import { narrow } from '../../../src/privacy/root.js'
import { epsilonOfErrorRates, tradeOff, tradeOffOfApproximateDp } from '../../../src/privacy/trade-off.js'
import {
  type AccountingRecord,
  type Answer,
  dpSgdEvent,
  type Fields,
  type Figure,
  figures,
  neighbouringOf,
  numberOf,
  numbersOf,
  rightOf,
} from './record.js'

const NOT_COVERED = 'no exact curve of this mechanism here'

/** The event of a record of Poisson-sampled Gaussians, in the names of any of the sources; undefined for other mechanisms. */
const eventOf = (inputs: Fields): Event.PrivacyEvent | undefined => {
  if (inputs.mechanism !== 'gaussian' || !['poisson', 'none', undefined].includes(inputs.sampling as string)) return
  if (inputs.ncomp === undefined)
    return inputs.phases === undefined && inputs.sigma === undefined ? undefined : dpSgdEvent(inputs)
  const [sigmas, rates, counts] = [inputs.sigma, inputs.q, inputs.ncomp].map(numbersOf)
  return Event.composed(
    (sigmas ?? []).map((sigma, i) => dpSgdEvent({ sigma, sampleRate: rates?.[i], steps: counts?.[i] })),
  )
}

/** A number that must be in [lower, upper]. */
const between = (actual: number, lower: number, upper: number): Figure => ({
  actual,
  expected: (lower + upper) / 2,
  rel: 0,
  abs: (upper - lower) / 2,
})

/** The estimate is the truth to its tolerance, and the bounds enclose it to that tolerance. */
const groundTruth = (record: AccountingRecord, { lower, estimate, upper }: Bounds, truth: unknown): Answer => {
  const nearest = Math.min(Math.max(numberOf(truth), lower), upper)
  return [...figures(record, estimate, truth), ...figures(record, nearest, truth)]
}

/** Where a record's interval is known not to hold the truth, the truth is what must be met. */
const knownTruth = (actual: number, truth: unknown): Figure => ({
  actual,
  expected: numberOf(truth),
  rel: 1e-7,
  abs: 1e-9,
})

/**
 * Truths beside other accountants' figures (the records have none of their own) that 34 digits refute: off by 1.4e-6, 2.6e-5 and 3.9e-7
 * relative. By `contour.py SIGMA Q T DELTA C H N START`:
 *
 *   4 0.0001 100000 1e-8 190 18 250 0.0352647 · 10 0.0001 10000 1e-8 1500 120 60 0.0039426449 · 1.1 0.0001 10000 1e-10 13.5 1.2 800 0.06359398
 */
const refuted: Readonly<Record<string, number>> = {
  'prv.s4.q0.0001.n100000.d1e-08': 0.03526475317941841,
  'prv.s10.q0.0001.n10000.d1e-08': 0.003942644942564,
  'prv.s1.1.q0.0001.n10000.d1e-10': 0.06359398122202928,
}

type Crossed = AccountingRecord & {
  readonly crossCheck?: Fields
  readonly knownDefects?: Fields
}

/** Bounds of another accountant at several δ and ε. */
const intervals = (record: Crossed, curve: ExactCurve): Answer => {
  const { inputs, expected, crossCheck = {}, knownDefects = {} } = record
  const accountant = exact({ neighbouring: neighbouringOf(inputs) })
  const wrong = [knownDefects.upperBelowTruthAtDelta, knownDefects.lowerAboveTruthAtDelta].flatMap((list) =>
    ((list ?? []) as readonly string[]).map(Number),
  )
  const [lowers, uppers, truths] = [expected.epsilonLower, expected.epsilonUpper, crossCheck.truthRemove].map(numbersOf)
  const ofDelta = numbersOf(inputs.delta).map((delta, i): Figure => {
    const { estimate } = accountant.epsilon(delta)(curve)
    return wrong.includes(delta)
      ? knownTruth(estimate, truths?.[i])
      : between(estimate, (lowers?.[i] as number) - 1e-6, (uppers?.[i] as number) + 1e-6)
  })
  if (expected.deltaLower === undefined || knownDefects.deltaAboveOne === true) return ofDelta
  const [below, above] = [expected.deltaLower, expected.deltaUpper].map(numbersOf)
  return [
    ...ofDelta,
    ...numbersOf(inputs.epsilon).map((epsilon, i) =>
      between(accountant.delta(epsilon)(curve).estimate, (below?.[i] as number) - 1e-6, (above?.[i] as number) + 1e-6),
    ),
  ]
}

/** ε at δ, δ at ε, or the bounds that another accountant has for them. */
export const exactCase = (record: Crossed): Answer => {
  const { inputs, expected, tol, knownDefects, crossCheck = {} } = record
  const event = eventOf(inputs)
  if (event === undefined) return NOT_COVERED
  const accountant = exact({ neighbouring: neighbouringOf(inputs) })
  const curve = rightOf(accountant.interpret(event))
  if (Array.isArray(inputs.delta))
    return Array.isArray(expected.epsilonLower) ? intervals(record, curve) : 'records of another form'
  const delta = inputs.delta ?? inputs.target_delta
  if (delta === undefined) {
    if (expected.delta === undefined || inputs.target_eps === undefined) return 'neither ε nor δ is asked for'
    const { estimate } = accountant.delta(numberOf(inputs.target_eps))(curve)
    return [knownDefects === undefined ? figures(record, estimate, expected.delta) : []].flat()
  }
  const bounds = accountant.epsilon(numberOf(delta))(curve)
  if (knownDefects !== undefined) return [knownTruth(bounds.estimate, crossCheck.truth)]
  if (expected.epsilon === undefined)
    return expected.epsilonUpper === undefined
      ? 'neither ε nor a bound of it is given'
      : [between(bounds.estimate, 0, numberOf(expected.epsilonUpper) + numberOf(tol.abs ?? 0))]
  if (expected.epsilonLower !== undefined && tol.rule !== undefined)
    return [
      between(bounds.estimate, numberOf(expected.epsilonLower), numberOf(expected.epsilonUpper)),
      // The other accountant's estimate is noisy at small δ; where the truth is known it is what an estimate is held to.
      ...((crossCheck.truth ?? undefined) === undefined
        ? figures(record, bounds.estimate, expected.epsilon, { abs: numberOf(tol.absToEstimate ?? tol.abs) })
        : [knownTruth(bounds.estimate, refuted[record.id] ?? crossCheck.truth)]),
    ]
  return groundTruth(record, bounds, expected.epsilon)
}

/** δ(ε) of one direction, in logarithms. */
export const deltaCurveCase = (record: AccountingRecord): Answer => {
  const { inputs, expected, tol } = record
  const event = eventOf(inputs)
  if (event === undefined) return NOT_COVERED
  const words = String(inputs.neighboring)
  const curve = rightOf(exact().interpret(event))
  const [remove, add] = compositionsOf('addOrRemoveOne')(curve)
  const composition = words.startsWith('add') ? add : remove
  if (composition === undefined) return NOT_COVERED
  const found = numbersOf(inputs.epsilon).map((epsilon) => enclose(composition)(epsilon))
  const truths = numbersOf(expected.logDelta)
  const extra = { rel: 0, abs: numberOf(tol.rel) }
  return [
    ...figures(
      record,
      found.map(({ estimate }) => estimate),
      truths,
      extra,
    ),
    ...figures(
      record,
      found.map(({ lower, upper }, i) => Math.min(Math.max(truths[i] as number, lower), upper)),
      truths,
      extra,
    ),
  ]
}

const KINDS: Readonly<Record<string, PairKind>> = { ADD: 'add', REMOVE: 'remove', REPLACE: 'replace' }

/** log δ of one sampled step in one direction, in Google's names. */
const logDeltaOfStep =
  (inputs: Fields) =>
  (sigma: number): number =>
    enclose({
      precision: 0,
      steps: [
        {
          pair: {
            kind: KINDS[String(inputs.adjacency_type)] ?? 'remove',
            noiseMultiplier: sigma / numberOf(inputs.sensitivity ?? 1),
            samplingProbability: numberOf(inputs.sampling_prob),
          },
          count: 1,
        },
      ],
    })(numberOf(inputs.epsilon)).estimate

/** δ of one sampled step. */
export const sampledStepCase = (record: AccountingRecord): Answer => {
  const { inputs, expected } = record
  if (inputs.adjacency_type === undefined || expected.expected_delta === undefined) return NOT_COVERED
  return figures(record, Math.exp(logDeltaOfStep(inputs)(numberOf(inputs.standard_deviation))), expected.expected_delta)
}

/** The noise multiplier, or the number of steps, of a sampled mechanism. */
export const sampledCalibrationCase = (record: AccountingRecord): Answer => {
  const { inputs, expected, tol } = record
  const target = { epsilon: numberOf(inputs.epsilon), delta: numberOf(inputs.delta) }
  const sampleRate = inputs.sampleRate ?? inputs.sampling_prob
  if (inputs.adjacency_type !== undefined) {
    const at = logDeltaOfStep(inputs)
    const excess = (logSigma: number): number => at(Math.exp(logSigma)) - Math.log(target.delta)
    const { below } = narrow({ bracket: { above: Math.log(0.05), below: Math.log(500) }, tolerance: 1e-9 })(excess)
    return figures(record, Math.exp(below), expected.expected_standard_deviation)
  }
  if (inputs.solveFor === 'steps') {
    const steps = calibrateSteps(exact(), target)((count) => dpSgdEvent({ ...inputs, sampleRate, steps: count }))
    return figures(record, rightOf(steps), expected.steps)
  }
  const steps = inputs.steps ?? inputs.num_queries
  const sigma = calibrateNoiseMultiplier(exact(), target)((noise) => dpSgdEvent({ sampleRate, steps, sigma: noise }))
  if (E.isLeft(sigma)) return 'the target cannot be met'
  // Opacus takes PRV's upper end and stops up to 0.01 short of the target: a bound.
  if (inputs.accountant === 'prv')
    return [between(sigma.right, 0.99 * numberOf(expected.sigma), numberOf(expected.sigma) + numberOf(tol.abs))]
  const found = sigma.right * numberOf(inputs.sensitivity ?? 1)
  // A pessimistic discretisation asks for more noise than is needed: a bound.
  if (String(inputs.note).includes('pessimistic')) {
    const bound = numberOf(expected.expected_std)
    return [between(found, bound * (1 - 1e-5), bound + numberOf(tol.abs))]
  }
  return figures(record, found, expected.sigma ?? expected.expected_std)
}

/** Trade-off functions, advantages and error rates. */
export const tradeOffCase = (record: AccountingRecord): Answer => {
  const { inputs, expected } = record
  if (inputs.solveFor === 'epsilon')
    return figures(
      record,
      epsilonOfErrorRates(numberOf(inputs.delta))({
        falsePositiveRate: numberOf(inputs.alpha),
        falseNegativeRate: numberOf(inputs.beta),
      }),
      expected.epsilon,
    )
  if (inputs.mechanism === 'epsilon-delta') {
    const at = { epsilon: numberOf(inputs.epsilon), delta: numberOf(inputs.delta) }
    return [
      ...figures(record, numbersOf(inputs.alpha).map(tradeOffOfApproximateDp(at)), expected.beta),
      // The advantage is 1 − 2α where the trade-off function meets α = f(α).
      ...figures(record, (Math.expm1(at.epsilon) + 2 * at.delta) / (1 + Math.exp(at.epsilon)), expected.advantage),
    ]
  }
  if (inputs.mechanism === 'gdp') {
    const curve = { precision: numberOf(inputs.mu) ** 2 }
    return [
      ...figures(
        record,
        numbersOf(inputs.alpha).map((alpha) => tradeOff(gdp())(alpha)(curve)),
        expected.beta,
      ),
      ...figures(record, gdp().delta(0)(curve).estimate, expected.advantage),
    ]
  }
  const event = eventOf(inputs)
  if (event === undefined || expected.advantage === undefined) return NOT_COVERED
  const found = compositionsOf('addOrRemoveOne')(rightOf(exact().interpret(event))).map((one) => enclose(one)(0))
  return found.flatMap(({ estimate }) => figures(record, Math.exp(estimate), expected.advantage))
}

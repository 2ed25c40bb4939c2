/**
 * What the calculator is asked: DP-SGD with Poisson batches.
 */
import { Event, type Neighbouring, type PrivacyEvent } from '../../../src/privacy/index.js'
import type { Field, Fields } from '../page/field.js'

export interface Query {
  /** σ: the noise's standard deviation over C. */
  readonly noiseMultiplier: number
  /** q, per step. */
  readonly samplingProbability: number
  /** T. */
  readonly steps: number
  readonly delta: number
  /** Which relation the curves are drawn for; the numbers are given for both. */
  readonly neighbouring: Relation
}

/** The relations that people ask about. */
export type Relation = Extract<Neighbouring, 'addOrRemoveOne' | 'replaceOne'>

export const relations: readonly Relation[] = ['addOrRemoveOne', 'replaceOne']

export type QueryField = Exclude<keyof Query, 'neighbouring'>

const noiseMultiplier: Field = {
  name: 'noise-multiplier',
  label: 'Noise multiplier',
  symbol: 'σ',
  why: 'Standard deviation of the noise, in units of the clip norm C.',
  initial: 1.1,
  scale: 'log',
  slider: [0.4, 20],
  digits: 3,
  allows: (x) => x >= 0.1 && x <= 10_000,
  requirement: 'a number from 0.1 to 10000',
}

const samplingProbability: Field = {
  name: 'sampling-probability',
  label: 'Sampling probability',
  symbol: 'q',
  why: 'Each record joins each batch with this probability, on its own: batch size over dataset size.',
  initial: 0.004,
  scale: 'log',
  slider: [1e-5, 1],
  digits: 2,
  allows: (x) => x >= 1e-9 && x <= 1,
  requirement: 'a number from 1e-9 to 1',
}

const steps: Field = {
  name: 'steps',
  label: 'Steps',
  symbol: 'T',
  why: 'How many noisy gradients are released: epochs over q.',
  initial: 14_000,
  scale: 'log',
  slider: [1, 1e6],
  digits: 2,
  whole: true,
  allows: (x) => x >= 1 && x <= 1e9,
  requirement: 'a whole number from 1 to 1e9',
}

const delta: Field = {
  name: 'delta',
  label: 'Delta',
  symbol: 'δ',
  why: 'What the guarantee may miss by, in probability. Choose it far below one over the number of records.',
  initial: 1e-5,
  scale: 'log',
  slider: [1e-12, 0.01],
  digits: 1,
  allows: (x) => x >= 1e-100 && x < 1,
  requirement: 'a number from 1e-100 to below 1',
}

/** In the order of the page. */
export const queryFields: Fields<QueryField> = { noiseMultiplier, samplingProbability, steps, delta }

/** What one step releases. */
export const stepOf = ({ noiseMultiplier, samplingProbability }: Query): PrivacyEvent =>
  Event.poissonSampled(samplingProbability)(Event.gaussian(noiseMultiplier))

/** What the whole training releases. */
export const eventOf = (query: Query, count: number = query.steps): PrivacyEvent =>
  Event.selfComposed(count)(stepOf(query))

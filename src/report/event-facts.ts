/**
 * What an event says in words: the samplers, mechanisms and grades in it, and what must be true of the program for each to hold.
 */
import type { NoiseGrade, PrivacyEvent } from '../privacy/event/event.js'

/** Sentences about an event, each once, in the order in which they first occur. */
export interface EventFacts {
  readonly samplers: readonly string[]
  readonly mechanisms: readonly string[]
  readonly grades: readonly NoiseGrade[]
  /** What the claim rests on. */
  readonly assumptions: readonly string[]
  /** What may be read against the claim. */
  readonly caveats: readonly string[]
}

const none: EventFacts = { samplers: [], mechanisms: [], grades: [], assumptions: [], caveats: [] }

const union = <A>(a: readonly A[], b: readonly A[]): readonly A[] => [...new Set([...a, ...b])]

const join = (a: EventFacts, b: EventFacts): EventFacts => ({
  samplers: union(a.samplers, b.samplers),
  mechanisms: union(a.mechanisms, b.mechanisms),
  grades: union(a.grades, b.grades),
  assumptions: union(a.assumptions, b.assumptions),
  caveats: union(a.caveats, b.caveats),
})

const bounded = 'Each record moves a released sum by at most the bound that the noise is scaled to.'
const seed =
  'Noise of grade float comes from a seed or a generator that is not cryptographic: whoever can guess it can take the noise away.'
const floats = 'Noise is added in floating point, which is not proof against attacks on the lowest bits (Mironov 2012).'

const secret = 'The operating system gave the key of the noise, and the key is kept secret.'

const ofGrade: Readonly<Record<NoiseGrade, EventFacts>> = {
  float: { ...none, grades: ['float'], caveats: [seed, floats] },
  secure: {
    ...none,
    grades: ['secure'],
    assumptions: [secret],
    caveats: [floats],
  },
  discrete: {
    ...none,
    grades: ['discrete'],
    assumptions: [secret],
  },
}

const mechanism = (words: string, assumptions: readonly string[] = [bounded]): EventFacts => ({
  ...none,
  mechanisms: [words],
  assumptions,
})

/** An event that does not say where its noise comes from: the report cannot know, and assumes. */
const ungraded = (words: string, assumptions: readonly string[] = [bounded]): EventFacts =>
  mechanism(words, [...assumptions, secret])

const sampler = (words: string, assumption: string): EventFacts => ({
  ...none,
  samplers: [words],
  assumptions: [assumption],
})

const hidden = 'Nobody sees which records a batch holds.'

/**
 * The facts of an event.
 *
 * @example
 * eventFacts(Event.gaussian(1, 'secure')).grades // => ['secure']
 */
export const eventFacts = (event: PrivacyEvent): EventFacts => {
  switch (event._tag) {
    case 'NoOp':
      return none
    case 'NonPrivate':
      return {
        ...none,
        mechanisms: ['a release without noise'],
        caveats: ['Something was released without protection.'],
      }
    case 'Unsupported':
      return { ...none, mechanisms: [event.reason], caveats: [`Nothing is known about a release: ${event.reason}.`] }
    case 'Gaussian':
      return join(
        mechanism(`the Gaussian mechanism with noise multiplier ${event.noiseMultiplier}`),
        ofGrade[event.grade],
      )
    case 'Laplace':
      return join(ungraded(`the Laplace mechanism with scale ${event.noiseMultiplier}`), {
        ...none,
        caveats: [floats],
      })
    case 'DiscreteGaussian':
      return ungraded(`the discrete Gaussian mechanism with σ ${event.sigma}`)
    case 'DiscreteLaplace':
      return ungraded(`the discrete Laplace mechanism with scale ${event.scale}`)
    case 'RandomizedResponse':
      return ungraded(`randomized response over ${event.buckets} answers`, ['Each record answers once, for itself.'])
    case 'ExponentialMechanism':
      return ungraded(`the exponential mechanism with ε ${event.epsilon}`, [
        'The score of the exponential mechanism moves by at most its stated sensitivity.',
      ])
    case 'PureDp':
    case 'ApproximateDp':
    case 'ZeroConcentratedDp':
      return ungraded('a mechanism that is taken at its word', [
        `A mechanism keeps the guarantee that was stated for it (${event._tag}); nothing here checks it.`,
      ])
    case 'MixtureOfGaussians':
      return ungraded(`Gaussian noise of multiplier ${event.noiseMultiplier} on sums that move by a random amount`, [
        'The amount by which one unit moves a sum has at most the stated distribution.',
      ])
    case 'TreeAggregation':
      return join(ungraded(`tree aggregation with noise multiplier ${event.noiseMultiplier}`), {
        ...none,
        caveats: [floats],
      })
    case 'MatrixFactorisation':
      return join(
        ungraded(`correlated noise of multiplier ${event.noiseMultiplier} at sensitivity ${event.sensitivity}`, [
          bounded,
          'Records take part in no more steps, and no closer together, than the sensitivity was computed for.',
        ]),
        { ...none, caveats: [floats] },
      )
    case 'PoissonSampled':
      return join(
        sampler(
          `Poisson sampling with probability ${event.samplingProbability}`,
          'Each record joins each batch independently with the stated probability; batches are not shuffled parts of the data.',
        ),
        join({ ...none, assumptions: [hidden] }, eventFacts(event.event)),
      )
    case 'TruncatedPoissonSampled':
      return join(
        sampler(
          `Poisson sampling with probability ${event.samplingProbability}, cut at ${event.truncatedBatchSize}`,
          'Each record joins each batch independently; a batch that is too large loses records at random.',
        ),
        join({ ...none, assumptions: [hidden] }, eventFacts(event.event)),
      )
    case 'SampledWithoutReplacement':
    case 'SampledWithReplacement':
      return join(
        sampler(
          `batches of ${event.batchSize} of ${event.datasetSize} records ${event._tag === 'SampledWithReplacement' ? 'with' : 'without'} replacement`,
          'Batches of one size are drawn uniformly and independently of each other.',
        ),
        join({ ...none, assumptions: [hidden] }, eventFacts(event.event)),
      )
    case 'RandomAllocation':
      return join(
        sampler(
          `${event.participations} of ${event.steps} steps for each record`,
          'Each record is put into its steps uniformly at random, independently of the others.',
        ),
        join({ ...none, assumptions: [hidden] }, eventFacts(event.event)),
      )
    case 'Shuffled':
      return join(
        sampler(`epochs of ${event.batches} shuffled batches`, 'Each record is in one batch of an epoch.'),
        eventFacts(event.event),
      )
    case 'RepeatAndSelect':
      return join(
        {
          ...none,
          assumptions: [
            'Only the best of a random number of runs is released, and the number was drawn as stated and kept secret.',
          ],
        },
        eventFacts(event.event),
      )
    case 'SelfComposed':
      return event.count === 0 ? none : eventFacts(event.event)
    case 'Composed':
      return event.events.map(eventFacts).reduce(join, none)
  }
}

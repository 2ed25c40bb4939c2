/**
 * Events as text that a person reads.
 */
import type { PrivacyEvent } from './privacy-event.js'

/**
 * The event in one line.
 *
 * @example
 * Event.showEvent(Event.gaussian(1.1, 'discrete')) // => 'Gaussian(1.1, discrete)'
 */
export const showEvent = (event: PrivacyEvent): string => {
  switch (event._tag) {
    case 'NoOp':
    case 'NonPrivate':
      return event._tag
    case 'Unsupported':
      return `Unsupported(${event.reason})`
    case 'Gaussian':
      return `Gaussian(${event.noiseMultiplier}${event.grade === 'float' ? '' : `, ${event.grade}`})`
    case 'Laplace':
      return `Laplace(${event.noiseMultiplier})`
    case 'DiscreteGaussian':
      return `DiscreteGaussian(${event.sigma}, sensitivity ${event.sensitivity})`
    case 'DiscreteLaplace':
      return `DiscreteLaplace(${event.scale}, sensitivity ${event.sensitivity})`
    case 'RandomizedResponse':
      return `RandomizedResponse(${event.noiseParameter}, ${event.buckets} buckets)`
    case 'ExponentialMechanism':
      return `Exponential(${event.epsilon})`
    case 'PureDp':
      return `PureDp(${event.epsilon})`
    case 'ApproximateDp':
      return `ApproximateDp(${event.epsilon}, ${event.delta})`
    case 'ZeroConcentratedDp':
      return `zCDP(${event.rho}${event.xi === 0 ? '' : `, ${event.xi}`})`
    case 'MixtureOfGaussians':
      return `Mixture(${event.noiseMultiplier}, ${event.sensitivities
        .map((sensitivity, i) => `${event.probabilities[i]} at ${sensitivity}`)
        .join(', ')})`
    case 'TreeAggregation':
      return `Tree(${event.noiseMultiplier}, ${event.steps} steps)`
    case 'MatrixFactorisation':
      return `MatrixFactorisation(${event.noiseMultiplier}, sensitivity ${event.sensitivity})`
    case 'PoissonSampled':
      return `Poisson(${event.samplingProbability}, ${showEvent(event.event)})`
    case 'TruncatedPoissonSampled':
      return `TruncatedPoisson(${event.samplingProbability} of ${event.datasetSize}, at most ${event.truncatedBatchSize}, ${showEvent(event.event)})`
    case 'SampledWithoutReplacement':
      return `WithoutReplacement(${event.batchSize} of ${event.datasetSize}, ${showEvent(event.event)})`
    case 'SampledWithReplacement':
      return `WithReplacement(${event.batchSize} of ${event.datasetSize}, ${showEvent(event.event)})`
    case 'RandomAllocation':
      return `RandomAllocation(${event.participations} of ${event.steps} steps, ${showEvent(event.event)})`
    case 'Shuffled':
      return `Shuffled(${event.batches} batches, ${showEvent(event.event)})`
    case 'RepeatAndSelect':
      return `Best(${event.mean} runs on average, ${event.shape === 'poisson' ? 'Poisson' : `shape ${event.shape}`}, ${showEvent(event.event)})`
    case 'SelfComposed':
      return `${event.count} × ${event.event._tag === 'Composed' ? `(${showEvent(event.event)})` : showEvent(event.event)}`
    case 'Composed':
      return event.events.length === 0 ? 'NoOp' : event.events.map(showEvent).join(' + ')
  }
}

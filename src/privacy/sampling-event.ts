/**
 * From how batches were selected to what was released: the one place where a sampling scheme becomes an event.
 */
import type { SamplingScheme } from '../sampling/batches/scheme.js'
import {
  type PrivacyEvent,
  poissonSampled,
  randomAllocation,
  sampledWithoutReplacement,
  sampledWithReplacement,
  selfComposed,
  shuffled,
  truncatedPoissonSampled,
} from './event/event.js'

/**
 * The event of `steps` steps whose batches follow a scheme, each of which releases `event` of its batch.
 *
 * Guarantee  an epoch that is not finished counts as a whole one (shuffled, balls and bins); under cyclic Poisson sampling a record
 *            is seen in every `cycle`-th step only, ⌈steps / cycle⌉ times at most. The schemes with a `datasetSize` hold it to be public
 * Reference  as in each sampler; for cyclic Poisson Choquette-Choo et al. 2023, arXiv:2306.08153, with noise that is not correlated
 *
 * @example
 * samplingEvent(poissonSampler({ samplingProbability: 0.1 }).scheme, 5)(Event.gaussian(1)) // => Event.selfComposed(5)(Event.poissonSampled(0.1)(Event.gaussian(1)))
 */
export const samplingEvent =
  (scheme: SamplingScheme, steps: number) =>
  (event: PrivacyEvent): PrivacyEvent => {
    switch (scheme._tag) {
      case 'Poisson':
        // With probability 1 nobody is left to chance, and the event is the release's own.
        return selfComposed(steps)(
          scheme.samplingProbability === 1 ? event : poissonSampled(scheme.samplingProbability)(event),
        )
      case 'TruncatedPoisson': {
        const { datasetSize, samplingProbability, truncatedBatchSize } = scheme
        return selfComposed(steps)(
          truncatedPoissonSampled({ datasetSize, samplingProbability, truncatedBatchSize })(event),
        )
      }
      case 'WithoutReplacement': {
        const { datasetSize, batchSize } = scheme
        return selfComposed(steps)(sampledWithoutReplacement({ datasetSize, batchSize })(event))
      }
      case 'WithReplacement': {
        const { datasetSize, batchSize } = scheme
        return selfComposed(steps)(sampledWithReplacement({ datasetSize, batchSize })(event))
      }
      case 'Shuffled':
        return selfComposed(Math.ceil(steps / scheme.batches))(shuffled(scheme.batches)(event))
      case 'CyclicPoisson':
        return selfComposed(Math.ceil(steps / scheme.cycle))(poissonSampled(scheme.samplingProbability)(event))
      case 'BallsAndBins':
        return selfComposed(Math.ceil(steps / scheme.batches))(
          randomAllocation({ steps: scheme.batches, participations: 1 })(event),
        )
    }
  }

/**
 * What a selection of batches promises of the steps in which one record takes part.
 */
import type { Either } from 'fp-ts/lib/Either.js'
import * as E from 'fp-ts/lib/Either.js'
import type { SamplingScheme } from '../../sampling/batches/scheme.js'
import { type InvalidParameter, invalidParameter } from '../invalid-parameter.js'
import type { CyclicPoisson } from './mechanism.js'
import type { Participation } from './participation.js'

/**
 * The participation pattern of a sampler in n steps, as `correlatedGaussian` reads it.
 *
 *   cyclic Poisson     its groups, with amplification
 *   balls and bins     once an epoch, at any distance: ⌈n/batches⌉ times (the noise gains nothing from the throw)
 *   Poisson            any steps: without amplification, which is proved for independent noise alone
 *
 * Errors   InvalidParameter for a sampler in which one record more moves others to other batches: its records have no pattern of
 *          their own when records are added or removed
 *
 * @example
 * participationOf({ _tag: 'BallsAndBins', batches: 10 }, 25) // => { _tag: 'Right', right: { minSeparation: 1, maxParticipations: 3 } }
 */
export const participationOf = (
  scheme: SamplingScheme,
  steps: number,
): Either<InvalidParameter, Participation | CyclicPoisson> => {
  switch (scheme._tag) {
    case 'CyclicPoisson':
      return E.right({ groups: scheme.cycle, samplingProbability: scheme.samplingProbability })
    case 'BallsAndBins':
      return E.right({ minSeparation: 1, maxParticipations: Math.max(1, Math.ceil(steps / scheme.batches)) })
    case 'Poisson':
      return E.right({ minSeparation: 1 })
    case 'TruncatedPoisson':
    case 'WithoutReplacement':
    case 'WithReplacement':
    case 'Shuffled':
      return E.left(
        invalidParameter('scheme', scheme._tag, 'a selection in which each record is in or out whoever the others are'),
      )
  }
}

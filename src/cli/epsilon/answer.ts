/**
 * The answer of `fp-dp epsilon`.
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { Event, epsilonOf, exact, showAccountingFailure } from '../../privacy/index.js'
import type { Answer } from '../command.js'
import type { EpsilonOptions } from '../commands/epsilon.js'
import { type Failure, failed } from '../failure.js'
import { atMost } from '../screen.js'

export const answerEpsilon = ({
  noiseMultiplier,
  samplingProbability,
  steps,
  delta,
}: EpsilonOptions): E.Either<Failure, Answer> =>
  pipe(
    Event.gaussian(noiseMultiplier),
    Event.poissonSampled(samplingProbability),
    Event.selfComposed(steps),
    epsilonOf(exact(), delta),
    E.bimap(
      (failure) => failed(`${showAccountingFailure(failure)}.`),
      (bounds) => ({ text: `ε ≤ ${atMost(bounds.upper, 4)} at δ = ${delta}`, json: { delta, exact: bounds } }),
    ),
  )

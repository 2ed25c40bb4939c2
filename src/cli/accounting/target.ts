/**
 * What is to be met, and which number is looked for.
 */
import * as E from 'fp-ts/lib/Either.js'
import type { RiskTarget } from '../../privacy/index.js'
import type { CalibrateOptions } from '../commands/calibrate.js'
import { type BadArguments, badArgument, badArguments } from '../failure.js'
import { figure } from './figures.js'

/** A number that can be looked for. */
export type Sought = 'noise multiplier' | 'batch' | 'steps' | 'delta'

/** A question of `calibrate`. */
export type Question =
  | { readonly sought: Exclude<Sought, 'delta'>; readonly target: RiskTarget }
  | { readonly sought: 'delta'; readonly epsilon: number }

const flagsOf: Readonly<Record<Sought, string>> = {
  'noise multiplier': '--noise-multiplier',
  batch: '--sampling-probability (or --batch-size)',
  steps: '--steps (or --epochs)',
  delta: '--delta',
}

/** The target; undefined where it is an ε whose δ is looked for. */
const targetOf = (options: CalibrateOptions): E.Either<BadArguments, RiskTarget | undefined> => {
  const { epsilon, delta, advantage, truePositiveRate, falsePositiveRate } = options
  const rates = truePositiveRate !== undefined || falsePositiveRate !== undefined
  const kinds = [epsilon !== undefined, advantage !== undefined, rates].filter(Boolean).length
  if (kinds !== 1)
    return E.left(
      badArguments(
        `${kinds === 0 ? 'The target is missing' : 'There are several targets'}: it must be one of --epsilon, --advantage, or --true-positive-rate with --false-positive-rate.`,
      ),
    )
  if (epsilon !== undefined) return E.right(delta === undefined ? undefined : { epsilon, delta })
  if (delta !== undefined)
    return E.left(badArguments('--delta belongs to --epsilon, and must not be given with another target.'))
  if (advantage !== undefined) return E.right({ advantage })
  if (truePositiveRate === undefined || falsePositiveRate === undefined)
    return E.left(
      badArguments(
        `${truePositiveRate === undefined ? '--true-positive-rate' : '--false-positive-rate'} is missing: both rates must be given.`,
      ),
    )
  return truePositiveRate > falsePositiveRate
    ? E.right({ truePositiveRate, falsePositiveRate })
    : E.left(
        badArgument(
          '--true-positive-rate',
          truePositiveRate,
          `above --false-positive-rate, ${falsePositiveRate}, which guessing has`,
        ),
      )
}

/** The question that is put by what is left out. */
export const questionOf = (options: CalibrateOptions): E.Either<BadArguments, Question> => {
  const target = targetOf(options)
  if (E.isLeft(target)) return target
  const missing: readonly Sought[] = [
    ...(options.noiseMultiplier === undefined ? (['noise multiplier'] as const) : []),
    ...(options.samplingProbability === undefined && options.batchSize === undefined ? (['batch'] as const) : []),
    ...(options.steps === undefined && options.epochs === undefined ? (['steps'] as const) : []),
    ...(target.right === undefined ? (['delta'] as const) : []),
  ]
  const [sought, ...more] = missing
  if (sought === undefined || more.length > 0)
    return E.left(
      badArguments(
        sought === undefined
          ? `Nothing is left to be found: leave out one of ${Object.values(flagsOf).join(', ')}.`
          : `One number can be found, and must be left out alone: ${missing.map((one) => flagsOf[one]).join(', ')} are missing.`,
      ),
    )
  return sought === 'delta'
    ? E.right({ sought, epsilon: options.epsilon as number })
    : E.right({ sought, target: target.right as RiskTarget })
}

/** A target in words. */
export const showTarget = (target: RiskTarget): string =>
  'epsilon' in target
    ? `ε ≤ ${figure(target.epsilon)} at δ = ${figure(target.delta)}`
    : 'advantage' in target
      ? `an advantage of at most ${figure(target.advantage)}`
      : `a true positive rate of at most ${figure(target.truePositiveRate)} at a false positive rate of ${figure(target.falsePositiveRate)}`

/** What the target bounds. */
export const riskName = (target: RiskTarget): string =>
  'epsilon' in target ? 'ε' : 'advantage' in target ? 'advantage' : 'true positive rate'

/**
 * The public numbers of a run, checked all at once.
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import * as NEA from 'fp-ts/lib/NonEmptyArray.js'
import type { OptimizerState } from '../optim/index.js'
import { type Bounds, epsilonOf, showAccountingFailure } from '../privacy/accountant.js'
import { type CalibrationFailure, calibrateNoiseMultiplier, showCalibrationFailure } from '../privacy/calibrate.js'
import { isSummable } from '../privacy/clip/clip.js'
import { gaussian, type PrivacyEvent, poissonSampled, selfComposed } from '../privacy/event/event.js'
import { type InvalidParameter, invalidParameter } from '../privacy/invalid-parameter.js'
import { rdp } from '../privacy/rdp/accountant.js'
import { key } from '../sampling/index.js'
import type { Tree } from '../tensor/tree.js'
import type { DpSgdConfig, NoiseTarget, PlanSettings } from './config.js'

type Invalid = NEA.NonEmptyArray<InvalidParameter>

/** Settings, and what the accountant makes of a ledger under them. */
export interface CheckedSettings {
  readonly settings: PlanSettings
  readonly spent: (ledger: PrivacyEvent) => Bounds
}

interface Rule {
  readonly parameter: string
  readonly value: unknown
  readonly holds: boolean
  readonly requirement: string
}

const isFinitePositive = (x: number): boolean => Number.isFinite(x) && x > 0
const isCount = (x: number): boolean => Number.isSafeInteger(x) && x >= 1

/** What is wrong with the model for this input, in the words of the layer that refuses it. */
const misfit = <P extends Tree, C, S extends OptimizerState>({ model, inputShape }: DpSgdConfig<P, C, S>): string => {
  try {
    model.init(key(0), inputShape)
    return ''
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause)
  }
}

/** Given both, one would be ignored in silence. */
const noiseRule = ({ noiseMultiplier, targetEpsilon }: NoiseTarget): Rule =>
  targetEpsilon === undefined
    ? {
        parameter: 'noiseMultiplier',
        value: noiseMultiplier,
        holds: noiseMultiplier !== undefined && Number.isFinite(noiseMultiplier) && noiseMultiplier >= 0,
        requirement: 'a finite number ≥ 0',
      }
    : {
        parameter: 'targetEpsilon',
        value: targetEpsilon,
        holds: isFinitePositive(targetEpsilon) && noiseMultiplier === undefined,
        requirement: 'a finite number above 0, and given without a noiseMultiplier',
      }

const rulesOf = <P extends Tree, C, S extends OptimizerState>(config: DpSgdConfig<P, C, S>): readonly Rule[] => {
  const { clip, noise, samplingProbability, expectedBatchSize, steps, delta, physicalBatchSize = 1 } = config
  const problem = misfit(config)
  const noisy = noise.noiseMultiplier !== 0
  return [
    noiseRule(noise),
    {
      parameter: 'samplingProbability',
      value: samplingProbability,
      holds: samplingProbability > 0 && samplingProbability <= 1,
      requirement: 'in (0, 1]',
    },
    {
      parameter: 'expectedBatchSize',
      value: expectedBatchSize,
      holds: isFinitePositive(expectedBatchSize),
      requirement: 'a finite number above 0',
    },
    { parameter: 'steps', value: steps, holds: isCount(steps), requirement: 'a whole number ≥ 1' },
    { parameter: 'delta', value: delta, holds: delta > 0 && delta < 1, requirement: 'in (0, 1)' },
    {
      parameter: 'physicalBatchSize',
      value: physicalBatchSize,
      holds: isCount(physicalBatchSize),
      requirement: 'a whole number ≥ 1',
    },
    {
      parameter: 'clip.l2Bound',
      value: clip.l2Bound,
      holds: isSummable(clip.l2Bound) && (Number.isFinite(clip.l2Bound) || !noisy),
      requirement: noisy ? 'in [2^-80, 2^80]' : 'in [2^-80, 2^80], or infinite',
    },
    {
      parameter: 'model',
      value: config.model.name,
      holds: problem === '',
      requirement: `a model that takes inputs of shape [${config.inputShape}] (${problem})`,
    },
  ]
}

const unreachable = (targetEpsilon: number, cause: CalibrationFailure): Invalid =>
  NEA.of(invalidParameter('targetEpsilon', targetEpsilon, `reachable (${showCalibrationFailure(cause)})`))

/** The settings with their noise multiplier, or every field that is wrong. */
export const checkedSettings = <P extends Tree, C, S extends OptimizerState>(
  config: DpSgdConfig<P, C, S>,
): E.Either<Invalid, CheckedSettings> => {
  const broken = rulesOf(config).filter(({ holds }) => !holds)
  const [first, ...rest] = broken.map(({ parameter, value, requirement }) =>
    invalidParameter(parameter, value, requirement),
  )
  if (first !== undefined) return E.left([first, ...rest])
  const { noise, samplingProbability, expectedBatchSize, steps, delta, clip, physicalBatchSize = 512 } = config
  const accountant = rdp()
  const eventOf = (noiseMultiplier: number): PrivacyEvent =>
    selfComposed(steps)(poissonSampled(samplingProbability)(gaussian(noiseMultiplier)))
  return pipe(
    noise.noiseMultiplier !== undefined
      ? E.right(noise.noiseMultiplier)
      : pipe(
          calibrateNoiseMultiplier(accountant, { epsilon: noise.targetEpsilon, delta })(eventOf),
          E.mapLeft((cause) => unreachable(noise.targetEpsilon, cause)),
        ),
    E.map((noiseMultiplier) => ({
      settings: {
        noiseMultiplier,
        l2Bound: clip.l2Bound,
        samplingProbability,
        expectedBatchSize,
        steps,
        delta,
        physicalBatchSize,
        accountant: accountant.name,
      },
      spent: (ledger) =>
        pipe(
          epsilonOf(accountant, delta)(ledger),
          // Every event of a plan is a sampled Gaussian or NonPrivate, which the accountant knows.
          E.getOrElse((cause): Bounds => {
            throw new Error(showAccountingFailure(cause))
          }),
        ),
    })),
  )
}

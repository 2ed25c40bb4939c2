/**
 * DP-SGD as one record.
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import type { NonEmptyArray } from 'fp-ts/lib/NonEmptyArray.js'
import type { OptimizerState } from '../optim/index.js'
import type { InvalidParameter } from '../privacy/invalid-parameter.js'
import type { Tree } from '../tensor/tree.js'
import type { DpSgdConfig, NoiseTarget } from './config.js'
import { planOf } from './dp-training.js'
import type { DpSgdPlan } from './plan.js'
import { checkedRun, type Rule } from './settings.js'

/** Given both, one would be ignored in silence. */
const noiseRules = ({ noiseMultiplier, targetEpsilon }: NoiseTarget): readonly Rule[] =>
  targetEpsilon === undefined
    ? [
        {
          parameter: 'noiseMultiplier',
          value: noiseMultiplier,
          holds: noiseMultiplier !== undefined,
          requirement: 'a finite number ≥ 0',
        },
      ]
    : [
        {
          parameter: 'targetEpsilon',
          value: targetEpsilon,
          holds: noiseMultiplier === undefined,
          requirement: 'a finite number above 0, and given without a noiseMultiplier',
        },
      ]

/**
 * Checks a configuration, calibrates the noise, and returns the plan of the run; or every field that is wrong.
 *
 *   B_t ~ Poisson(q)      g̃_t = (Σ_{i∈B_t} clip(gᵢ) + N(0, σ²C²)) / (qN)      θ_{t+1} = θ_t + optimizer(g̃_t)
 *
 * Guarantee  T steps are the event selfComposed(T)(poissonSampled(q)(gaussian(σ))): the ledger of a state grows by the event
 *            that its noise released, and nothing else reads the data; at q = 1 a step is gaussian(σ). `dpTraining` has settings
 *            that change
 * Errors     InvalidParameter for each field that is wrong, or for a targetEpsilon that no noise reaches
 * Reference  Abadi et al. 2016, arXiv:1607.00133, Algorithm 1
 *
 * @example
 * const fields = {
 *   model: linear(2), loss: crossEntropy, inputShape: [3], optimizer: sgd({ learningRate: 0.1 }), clip: flatClip(1),
 *   noise: { targetEpsilon: 3 }, samplingProbability: 0.1, expectedBatchSize: 10, steps: 0, delta: 1,
 * }
 * pipe(dpSgd(fields), E.mapLeft((invalid) => invalid.map(({ parameter }) => parameter))) // => E.left(['steps', 'delta'])
 */
export const dpSgd = <P extends Tree, C, S extends OptimizerState, Curve>(
  config: DpSgdConfig<P, C, S, Curve>,
): E.Either<NonEmptyArray<InvalidParameter>, DpSgdPlan<P, C, S>> => {
  const { clip, noise: given, samplingProbability, expectedBatchSize, steps, ...run } = config
  // Whoever has no types may have given none.
  const noise: NoiseTarget = given ?? {}
  const { targetEpsilon } = noise
  // With a target σ is what the noise of 1 is scaled by.
  const phase = {
    clip,
    noiseMultiplier: targetEpsilon === undefined ? (noise.noiseMultiplier ?? 0) : 1,
    samplingProbability,
    expectedBatchSize,
    steps,
  }
  return pipe(
    checkedRun(
      { ...run, phases: [phase], ...(targetEpsilon === undefined ? {} : { targetEpsilon }) },
      (_, field) => field,
      noiseRules(noise),
    ),
    E.map((checked) => {
      const { phases: _, noiseScale, ...settings } = checked.settings
      return {
        ...planOf(run, checked),
        settings: {
          ...settings,
          noiseMultiplier: noiseScale * phase.noiseMultiplier,
          l2Bound: clip.l2Bound,
          samplingProbability,
          expectedBatchSize,
        },
      }
    }),
  )
}

/**
 * Curves of the exact accountant: compositions as data, and the pairs of laws that they stand for.
 */
import type { Monoid } from 'fp-ts/lib/Monoid.js'
import { type Neighbouring, sensitivityOf } from '../neighbouring.js'
import type { Composition } from './composition.js'
import type { Pair, PairKind } from './pair.js'

/** Equal Poisson-sampled Gaussian steps: σ in units of one record's bound, q ∈ (0, 1). */
export interface SampledSteps {
  readonly noiseMultiplier: number
  readonly samplingProbability: number
  readonly count: number
}

/** Equal mixtures of Gaussians: σ in units of the largest sensitivity, which is 1; the probabilities sum to 1. */
export interface MixtureSteps {
  readonly noiseMultiplier: number
  readonly sensitivities: readonly number[]
  readonly probabilities: readonly number[]
  readonly count: number
}

/** The steps that the exact engine reads: sampled Gaussians, and mixtures of Gaussians. */
export type ExactSteps = SampledSteps | MixtureSteps

/** A composition as data: Σ σ⁻² of the unsampled Gaussians (∞: something was not private), and the sampled steps and mixtures. */
export interface ExactCurve {
  readonly precision: number
  readonly steps: readonly ExactSteps[]
}

const sameNumbers = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((x, i) => x === b[i])

const sameSteps = (a: ExactSteps, b: ExactSteps): boolean =>
  a.noiseMultiplier === b.noiseMultiplier &&
  ('samplingProbability' in a
    ? 'samplingProbability' in b && a.samplingProbability === b.samplingProbability
    : !('samplingProbability' in b) &&
      sameNumbers(a.sensitivities, b.sensitivities) &&
      sameNumbers(a.probabilities, b.probabilities))

const withSteps = (steps: readonly ExactSteps[], next: ExactSteps): readonly ExactSteps[] => {
  const at = steps.findIndex((other) => sameSteps(other, next))
  return at < 0
    ? [...steps, next]
    : steps.map((other, index) => (index === at ? { ...other, count: other.count + next.count } : other))
}

/** Curves under composition: precisions add, equal steps are counted. */
export const ExactCurves: Monoid<ExactCurve> = {
  empty: { precision: 0, steps: [] },
  concat: (a, b) => ({ precision: a.precision + b.precision, steps: b.steps.reduce(withSteps, a.steps) }),
}

/** A curve, so many times. */
export const repeatCurve =
  (count: number) =>
  ({ precision, steps }: ExactCurve): ExactCurve =>
    count === 0
      ? ExactCurves.empty
      : { precision: count * precision, steps: steps.map((part) => ({ ...part, count: count * part.count })) }

/**
 * The compositions whose δ is to be bounded. Adding or removing one record: both directions. Replacing one: one direction, which is its
 * own mirror image, and unsampled sums move twice as far.
 */
export const compositionsOf =
  (neighbouring: Neighbouring) =>
  ({ precision, steps }: ExactCurve): readonly Composition[] => {
    const pairOf = ({ count, ...step }: ExactSteps, kind: PairKind) => ({ count, pair: { kind, ...step } as Pair })
    if (steps.length === 0) return [{ precision: precision * sensitivityOf(neighbouring) ** 2, steps: [] }]
    if (neighbouring === 'replaceOne')
      return [
        {
          precision: 4 * precision,
          steps: steps.map((step) => pairOf(step, 'replace')),
        },
      ]
    return (['remove', 'add'] as const).map((kind) => ({
      precision,
      steps: steps.map((step) => pairOf(step, kind)),
    }))
  }

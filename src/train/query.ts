/**
 * What a step asks of its batch: the clipped sum with noise, on floats or on a grid of whole numbers.
 */
import type { LabelledBatch } from '../data/dataset.js'
import type { OptimizerState } from '../optim/index.js'
import { type BoundedSum, disjointSum } from '../privacy/clip/clip.js'
import { gridFor } from '../privacy/clip/grid.js'
import { disjointIntegerSum, type IntegerSum } from '../privacy/clip/integer-sum.js'
import {
  type ClippingDiagnostics,
  clippedGradWithDiagnostics,
  griddedGrad,
  type NotPrivate,
} from '../privacy/clipped-grad.js'
import { gaussian as gaussianEvent, type NoiseGrade, nonPrivate, type PrivacyEvent } from '../privacy/event/event.js'
import { eventOnGrid, gridGaussian } from '../privacy/mechanism/discrete-gaussian.js'
import { gaussian, type Released } from '../privacy/mechanism.js'
import type { Key } from '../sampling/index.js'
import type { Tree } from '../tensor/tree.js'
import type { GridChoice, RunConfig, StepSettings } from './config.js'

/** A released sum, and what its batch looked like. */
export interface Answer<P extends Tree> {
  readonly released: Released<P>
  readonly diagnostics: readonly NotPrivate<ClippingDiagnostics>[]
}

/** The sum over a batch in physical parts, read one after another, with noise from a key. */
export type Query<P extends Tree> = (key: Key) => (params: P, parts: readonly (() => LabelledBatch)[]) => Answer<P>

type Noisy = Pick<StepSettings, 'clip' | 'noiseMultiplier'>

interface Part<B> {
  readonly bounded: B
  readonly diagnostics: NotPrivate<ClippingDiagnostics>
}

/** Clip each part, join, add noise. */
const query =
  <P extends Tree, B>(
    clipped: (params: P, part: LabelledBatch) => Part<B>,
    join: (a: B, b: B) => B,
    addNoise: (key: Key) => (bounded: B) => Released<P>,
  ): Query<P> =>
  (key) =>
  (params, [first, ...rest]) => {
    if (first === undefined) throw new RangeError('parts is empty: a batch has at least one, which may be empty')
    let { bounded, diagnostics } = clipped(params, first())
    const seen = [diagnostics]
    for (const part of rest) {
      const next = clipped(params, part())
      bounded = join(bounded, next.bounded)
      seen.push(next.diagnostics)
    }
    return { released: addNoise(key)(bounded), diagnostics: seen }
  }

/** The query of a step. */
export const queryOf = <P extends Tree, C, S extends OptimizerState, Curve>(
  { loss, model, grid, ...options }: RunConfig<P, C, S, Curve>,
  { clip, noiseMultiplier }: Noisy,
): Query<P> =>
  grid === undefined || grid === false
    ? query<P, BoundedSum<P>>(
        clippedGradWithDiagnostics(loss, model, clip, options),
        disjointSum<P>().concat,
        gaussian(noiseMultiplier),
      )
    : query<P, IntegerSum<P>>(
        griddedGrad(loss, model, clip, { ...options, ...(grid === true ? {} : grid) }),
        disjointIntegerSum<P>().concat,
        gridGaussian(noiseMultiplier),
      )

/** The event that a query releases, before any sampling. `dimension` is the number of parameters. */
export const queryEvent =
  (grid: GridChoice | undefined, dimension: number) =>
  ({ clip, noiseMultiplier }: Noisy, grade: NoiseGrade): PrivacyEvent => {
    if (grid === undefined || grid === false) return gaussianEvent(noiseMultiplier, grade)
    if (noiseMultiplier === 0) return nonPrivate
    const { l2Bound } = gridFor({ l2Bound: clip.l2Bound, dimension, ...(grid === true ? {} : grid) })
    return eventOnGrid({ sigma: noiseMultiplier * l2Bound, l2Bound, grade: grade === 'float' ? 'float' : 'discrete' })
  }

/**
 * The training that `fp-dp audit --train` audits: a linear model of drawn numbers, with canaries whose gradients meet nobody's.
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { type Dataset, inMemory, showDataError } from '../../data/index.js'
import { crossEntropy, linear } from '../../grad/index.js'
import { sgd } from '../../optim/index.js'
import { type CanaryScores, exact, flatClip, showInvalidParameter } from '../../privacy/index.js'
import { key, standardNormals } from '../../sampling/index.js'
import { auditPlan, dpSgd, gradientAlignment } from '../../train/index.js'
import { type BadArguments, badArguments } from '../failure.js'

/** Records beside the canaries, and the features that are theirs. */
const [RECORDS, FEATURES] = [500, 20] as const

/** A canary's own feature: large, so that its gradient is clipped and adds a whole clip norm. */
const LOUD = 10

/** A training of the built-in model. */
export interface BuiltIn {
  readonly canaries: number
  readonly guesses: number
  readonly noiseMultiplier: number
  readonly samplingProbability: number
  readonly steps: number
  readonly delta: number
  readonly significance: number
  readonly seed: number
}

/** What one run of it showed. */
export interface BuiltInFindings {
  readonly scores: CanaryScores
  /** ε of its ledger, from above. */
  readonly claimed: number
}

const dataset = (inputs: number, count: number, pixels: readonly number[]): E.Either<BadArguments, Dataset> =>
  pipe(
    inMemory({
      pixels,
      labels: Array.from({ length: count }, (_, i) => i % 2),
      inputShape: [inputs],
      classes: 2,
      normalisation: { range: 1, mean: 0, std: 1 },
    }),
    E.mapLeft((error) => badArguments(showDataError(error))),
  )

/** Trains once with half of the canaries, and scores all of them by how far each step goes along their gradients. */
export const auditBuiltIn = (given: BuiltIn): E.Either<BadArguments, BuiltInFindings> => {
  const { canaries: m, guesses, noiseMultiplier, samplingProbability, steps, delta, significance, seed } = given
  const inputs = FEATURES + m
  const model = linear(2, { bias: false })
  const records = Array.from({ length: RECORDS }, (_, i) => [
    ...standardNormals(FEATURES)(key(i)),
    ...new Float64Array(m),
  ]).flat()
  const loud = Array.from({ length: m * inputs }, (_, at) =>
    at % inputs === FEATURES + Math.floor(at / inputs) ? LOUD : 0,
  )
  return pipe(
    E.Do,
    E.bind('data', () => dataset(inputs, RECORDS, records)),
    E.bind('canaries', () => dataset(inputs, m, loud)),
    E.bind('plan', () =>
      pipe(
        dpSgd({
          ...{ model, loss: crossEntropy, inputShape: [inputs], optimizer: sgd({ learningRate: 0.01 }) },
          ...{ clip: flatClip(1), noise: { noiseMultiplier }, delta, accountant: exact() },
          ...{ samplingProbability, expectedBatchSize: samplingProbability * (RECORDS + m / 2), steps },
        }),
        E.mapLeft((invalid) => badArguments(...invalid.map((one) => `${showInvalidParameter(one)}.`))),
      ),
    ),
    E.map(({ data, canaries, plan }) => {
      const all = canaries.take(Array.from({ length: m }, (_, i) => i))
      const { scores, claimed } = auditPlan(plan, {
        ...{ dataset: data, canaries, guesses, significance },
        score: gradientAlignment(model, crossEntropy, all),
      })(key(seed))
      return { scores, claimed: claimed.upper }
    }),
  )
}

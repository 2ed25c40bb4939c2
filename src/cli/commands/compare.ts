/**
 * `fp-dp compare`: ε over a grid of trainings.
 */
import { type AccountantName, accountantNames } from '../accounting/accountant-names.js'
import { type RelationName, relationFlag } from '../accounting/relations.js'
import { type AnyCommand, command } from '../command.js'
import { type Flags, flagOr, requiredFlag } from '../flag.js'
import { type OutputFile, outputFlag } from '../output-flag.js'
import { count, inside, listOf, oneOf, positive, probability, spreadOf } from '../value.js'

/** What `fp-dp compare` is asked: every combination of the lists is a training. */
export interface CompareOptions {
  readonly noiseMultiplier: readonly number[]
  readonly samplingProbability: readonly number[]
  readonly steps: readonly number[]
  readonly delta: readonly number[]
  readonly accountant: readonly AccountantName[]
  readonly neighbouring: RelationName
  readonly output: OutputFile | undefined
}

const flags: Flags<CompareOptions> = {
  noiseMultiplier: requiredFlag('--noise-multiplier <σ,…>', 'noise multipliers', spreadOf(positive)),
  samplingProbability: requiredFlag('--sampling-probability <q,…>', 'sampling probabilities', spreadOf(probability)),
  steps: requiredFlag('--steps <T,…>', 'numbers of steps', spreadOf(count, Math.round)),
  delta: flagOr('--delta <δ,…>', 'the δ at which ε is read', spreadOf(inside), [1e-5], '1e-5'),
  accountant: flagOr(
    '--accountant <names>',
    `whom to ask, between commas: ${oneOf(accountantNames).requirement}`,
    listOf(oneOf(accountantNames)),
    ['exact', 'rdp'],
  ),
  neighbouring: relationFlag,
  output: outputFlag,
}

export const compareCommand: AnyCommand = command({
  name: 'compare',
  summary: 'ε over a grid of noise, sampling and steps, as a table and a picture',
  about:
    'Every combination of the lists is a training on Poisson batches. A list holds values between commas, or from:to:n for n values that ' +
    'are evenly spaced in their logarithms. In the picture the longest list is the horizontal axis.',
  flags,
  examples: [
    'compare --noise-multiplier 0.6:4:9 --sampling-probability 0.001,0.01 --steps 1000,10000 --output grid.svg',
    'compare --noise-multiplier 0.8,1,1.2 --sampling-probability 0.004 --steps 14060 --accountant exact,pld,rdp',
  ],
  run: async (options, terminal) => (await import('../answers/compare.js')).answerCompare(options, terminal),
})

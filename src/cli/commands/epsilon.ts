/**
 * `fp-dp epsilon`: what a training spends.
 */
import { type AnyCommand, command } from '../command.js'
import { type Flags, flagOr, requiredFlag } from '../flag.js'
import { count, inside, positive, probability } from '../value.js'

/** What `fp-dp epsilon` is asked. */
export interface EpsilonOptions {
  readonly noiseMultiplier: number
  readonly samplingProbability: number
  readonly steps: number
  readonly delta: number
}

const flags: Flags<EpsilonOptions> = {
  noiseMultiplier: requiredFlag(
    '--noise-multiplier <σ>',
    'standard deviation of the noise over the clip norm',
    positive,
  ),
  samplingProbability: flagOr('--sampling-probability <q>', 'chance of a record to be in a batch', probability, 1),
  steps: requiredFlag('--steps <T>', 'number of steps', count),
  delta: flagOr('--delta <δ>', 'the δ of the guarantee', inside, 1e-5),
}

export const epsilonCommand: AnyCommand = command({
  name: 'epsilon',
  summary: 'what a training spends',
  flags,
  examples: ['epsilon --noise-multiplier 1.1 --sampling-probability 0.004 --steps 14060 --delta 1e-5'],
  run: async (options) => (await import('../epsilon/answer.js')).answerEpsilon(options),
})

/**
 * `fp-dp epsilon`: what a training spends.
 */
import { type AccountantName, accountantNames } from '../accounting/accountant-names.js'
import { type RelationName, relationsFlag } from '../accounting/relations.js'
import { type TrainingOptions, trainingFlags } from '../accounting/training-flags.js'
import { type AnyCommand, command } from '../command.js'
import { type Flags, flagOr } from '../flag.js'
import { inside, listOf, oneOf } from '../value.js'

/** What `fp-dp epsilon` is asked. */
export interface EpsilonOptions extends TrainingOptions {
  readonly delta: number
  readonly neighbouring: readonly RelationName[]
  readonly accountant: readonly AccountantName[]
}

const flags: Flags<EpsilonOptions> = {
  ...trainingFlags,
  delta: flagOr('--delta <δ>', 'the δ of the guarantee', inside, 1e-5, '1e-5'),
  neighbouring: relationsFlag,
  accountant: flagOr(
    '--accountant <names>',
    `whom to ask, between commas: ${oneOf(accountantNames).requirement}`,
    listOf(oneOf(accountantNames)),
    accountantNames,
    'all',
  ),
}

export const epsilonCommand: AnyCommand = command({
  name: 'epsilon',
  summary: 'what a training spends, by every accountant',
  about:
    'Lower and upper bounds of ε at a δ, for adding or removing one record and for replacing one, and sentences that state the guarantee.',
  flags,
  examples: [
    'epsilon --noise-multiplier 1.1 --sampling-probability 0.004 --steps 14060 --delta 1e-5',
    'epsilon --noise-multiplier 0.7 --dataset-size 60000 --batch-size 600 --epochs 30',
    'epsilon --phase 1.2,0.01,1000 --phase 0.8,0.02,500',
  ],
  run: async (options, terminal) => (await import('../answers/epsilon.js')).answerEpsilon(options, terminal),
})

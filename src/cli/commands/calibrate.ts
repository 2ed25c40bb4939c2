/**
 * `fp-dp calibrate`: the noise, the steps, the batch or the δ that meets a target.
 */
import { type AccountantName, accountantNames } from '../accounting/accountant-names.js'
import { type RelationName, relationNames } from '../accounting/relations.js'
import { type TrainingOptions, trainingFlags } from '../accounting/training-flags.js'
import { type AnyCommand, command } from '../command.js'
import { type Flags, flag } from '../flag.js'
import { fraction, inside, listOf, oneOf, positive } from '../value.js'

/** What `fp-dp calibrate` is asked: all but one of noise, batch, steps and δ. */
export interface CalibrateOptions extends Omit<TrainingOptions, 'phase' | 'event' | 'examplesPerUser'> {
  readonly epsilon: number | undefined
  readonly delta: number | undefined
  readonly advantage: number | undefined
  readonly truePositiveRate: number | undefined
  readonly falsePositiveRate: number | undefined
  readonly neighbouring: RelationName | undefined
  readonly accountant: readonly AccountantName[] | undefined
}

const { phase: _, event: __, examplesPerUser: ___, ...training } = trainingFlags

const flags: Flags<CalibrateOptions> = {
  epsilon: flag('--epsilon <ε>', 'the target: no more than this ε', positive),
  delta: flag('--delta <δ>', 'at this δ; left out, δ is what is looked for', inside),
  advantage: flag('--advantage <a>', 'or: no test for a record is better than guessing by more than this', inside),
  truePositiveRate: flag('--true-positive-rate <t>', 'or: no test finds more members than this share', inside),
  falsePositiveRate: flag('--false-positive-rate <f>', 'while it calls this share of non-members members', fraction),
  ...training,
  neighbouring: flag(
    '--neighbouring <relation>',
    `what one record changes: ${oneOf(relationNames).requirement}; by the sampler if not given`,
    oneOf(relationNames),
  ),
  accountant: flag(
    '--accountant <names>',
    `whom to ask, between commas: ${oneOf(accountantNames).requirement}; by the sampler if not given`,
    listOf(oneOf(accountantNames)),
  ),
}

export const calibrateCommand: AnyCommand = command({
  name: 'calibrate',
  summary: 'the noise, the steps, the batch or the δ that meets a target',
  about:
    'Give a target and all of noise, batch, steps (and δ) but one: the one that is left out is found, on the private side of the target.',
  flags,
  examples: [
    'calibrate --epsilon 2 --delta 1e-5 --sampling-probability 0.004 --steps 14060',
    'calibrate --epsilon 2 --delta 1e-5 --noise-multiplier 1.1 --dataset-size 60000 --batch-size 240',
    'calibrate --epsilon 2 --noise-multiplier 1.1 --sampling-probability 0.004 --steps 14060',
    'calibrate --advantage 0.1 --sampling-probability 0.004 --steps 14060',
  ],
  run: async (options, terminal) => (await import('../answers/calibrate.js')).answerCalibrate(options, terminal),
})

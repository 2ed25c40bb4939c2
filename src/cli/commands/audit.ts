/**
 * `fp-dp audit`: ε from below, by what an attack achieved.
 */
import { type TrainingOptions, trainingFlags } from '../accounting/training-flags.js'
import { type AnyCommand, command } from '../command.js'
import { type Flags, flag, flagOr, toggle } from '../flag.js'
import { type OutputFile, outputFlag } from '../output-flag.js'
import { count, finite, inside, positive, wholeNumber } from '../value.js'

/** What `fp-dp audit` is asked, beside the file of scores. */
export interface AuditOptions extends TrainingOptions {
  readonly delta: number
  readonly significance: number
  readonly guesses: number | undefined
  readonly threshold: number | undefined
  readonly claimedEpsilon: number | undefined
  readonly independent: boolean
  readonly gaussian: boolean
  readonly train: boolean
  readonly canaries: number
  readonly seed: number
  readonly output: OutputFile | undefined
}

const flags: Flags<AuditOptions> = {
  delta: flagOr('--delta <δ>', 'the δ at which ε is meant', inside, 1e-5, '1e-5'),
  significance: flagOr('--significance <p>', 'chance that a bound exceeds the truth', inside, 0.05),
  guesses: flag('--guesses <r>', 'canaries that are guessed at, at both ends; a fifth if not given', count),
  threshold: flag(
    '--threshold <s>',
    'scores from here on say member; half of the canaries choose it if not given',
    finite,
  ),
  claimedEpsilon: flag('--claimed-epsilon <ε>', 'the claim; or describe the training, and it is computed', positive),
  independent: toggle('--independent', 'each canary was a trial of its own (one a run): such bounds then count'),
  gaussian: toggle('--gaussian', 'the mechanism is Gaussian (full batches): such bounds then count'),
  train: toggle('--train', 'no file: train the built-in model with canaries among its data, and audit that'),
  canaries: flagOr('--canaries <m>', 'with --train: how many canaries', count, 1000),
  seed: flagOr('--seed <n>', 'of the coins of --train, and of the half that chooses a threshold', wholeNumber, 0),
  output: outputFlag,
  ...trainingFlags,
}

export const auditCommand: AnyCommand = command({
  name: 'audit',
  summary: 'ε from below, by the scores of canaries, beside what is claimed',
  about:
    'The file has a row for each canary: whether it was a member, and its score, the higher the more like a member. As CSV with the ' +
    'columns member and score, or as JSON: [{"member": true, "score": 1.5}, …]. Membership must have been drawn by fair coins. ' +
    'The status is 3 where a bound that counts refutes the claim.',
  positionals: [{ name: 'scores', about: 'a file of scores, .csv or .json', optional: true }],
  flags,
  examples: [
    'audit scores.csv --claimed-epsilon 4',
    'audit scores.csv --noise-multiplier 2 --sampling-probability 1 --steps 4 --gaussian',
    'audit --train --noise-multiplier 2 --sampling-probability 1 --steps 4 --gaussian',
  ],
  run: async (options, terminal, [scores]) =>
    (await import('../answers/audit.js')).answerAudit(scores, options, terminal),
})

/**
 * `fp-dp curve`: a guarantee as a curve.
 */
import { type AccountantName, accountantNames } from '../accounting/accountant-names.js'
import { type RelationName, relationNames } from '../accounting/relations.js'
import { type TrainingOptions, trainingFlags } from '../accounting/training-flags.js'
import { type AnyCommand, command } from '../command.js'
import { badArgument } from '../failure.js'
import { type Flags, flag, flagOr } from '../flag.js'
import { type OutputFile, outputFlag } from '../output-flag.js'
import { inside, listOf, nonNegative, numberWhere, oneOf, positive } from '../value.js'

export const curveKinds = ['epsilon-by-steps', 'delta-by-epsilon', 'trade-off', 'roc'] as const
export type CurveKind = (typeof curveKinds)[number]

/** What `fp-dp curve` is asked, beside its kind. */
export interface CurveOptions extends TrainingOptions {
  readonly delta: number
  readonly neighbouring: RelationName | undefined
  readonly accountant: readonly AccountantName[] | undefined
  readonly points: number
  readonly from: number | undefined
  readonly to: number | undefined
  readonly output: OutputFile | undefined
}

const flags: Flags<CurveOptions> = {
  ...trainingFlags,
  delta: flagOr('--delta <δ>', 'the δ at which ε is read', inside, 1e-5, '1e-5'),
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
  points: flagOr(
    '--points <n>',
    'points of each curve',
    numberWhere('a whole number from 2 to 2000', (x) => Number.isInteger(x) && x >= 2 && x <= 2000),
    61,
  ),
  from: flag('--from <x>', 'where the horizontal axis begins', nonNegative),
  to: flag('--to <x>', 'where it ends', positive),
  output: outputFlag,
}

const kinds = oneOf(curveKinds)

export const curveCommand: AnyCommand = command({
  name: 'curve',
  summary: 'ε against steps, δ against ε, or the trade-off curve, as a picture or a table',
  about:
    'Kinds: epsilon-by-steps; delta-by-epsilon; trade-off (the least false negative rate of a test at each false positive rate); roc (its ' +
    'largest true positive rate, on logarithmic axes). Curves are upper bounds of what is spent, which may be claimed.',
  positionals: [{ name: 'kind', about: kinds.requirement }],
  flags,
  examples: [
    'curve epsilon-by-steps --noise-multiplier 1.1 --sampling-probability 0.004 --steps 14060 --output epsilon.svg',
    'curve trade-off --noise-multiplier 1.1 --sampling-probability 0.004 --steps 14060 --output trade-off.png',
  ],
  run: async (options, terminal, [given = '']) => {
    const kind = kinds.read(given)
    if (kind === undefined) return { _tag: 'Left', left: badArgument('<kind>', given, kinds.requirement) }
    return (await import('../answers/curve.js')).answerCurve(kind, options, terminal)
  },
})

/**
 * `fp-dp report`: what a run has spent, in a document.
 */
import { type AccountantName, accountantNames } from '../accounting/accountant-names.js'
import { type RelationName, relationFlag } from '../accounting/relations.js'
import { type AnyCommand, command } from '../command.js'
import { type Flags, flag, repeatedFlag } from '../flag.js'
import { folder, inside, listOf, oneOf, text } from '../value.js'

/** What `fp-dp report` is asked, beside the run. */
export interface ReportOptions {
  readonly delta: readonly number[] | undefined
  readonly accountant: AccountantName | undefined
  readonly neighbouring: RelationName
  readonly unit: string | undefined
  readonly assumption: readonly string[]
  readonly notCovered: readonly string[]
  readonly to: string | undefined
}

const flags: Flags<ReportOptions> = {
  delta: flag(
    '--delta <δ,…>',
    'where ε is stated; that of the run and its tenth and hundredth if not given',
    listOf(inside),
  ),
  accountant: flag(
    '--accountant <name>',
    `whom to ask: ${oneOf(accountantNames).requirement}; the first that reads the run if not given`,
    oneOf(accountantNames),
  ),
  neighbouring: relationFlag,
  unit: flag('--unit <words>', "whom it protects: 'one patient', say", text('a few words')),
  assumption: repeatedFlag('--assumption <sentence>', 'what you vouch for', text('a sentence')),
  notCovered: repeatedFlag('--not-covered <sentence>', 'what the ledger leaves out', text('a sentence')),
  to: flag('--to <dir>', 'write privacy.md, privacy.json and two curves there', folder),
}

export const reportCommand: AnyCommand = command({
  name: 'report',
  summary: 'the privacy report of a run or a checkpoint',
  about:
    'The run is a folder with a checkpoint or a report, a checkpoint (.safetensors), or JSON that is a privacy event or has one as its ' +
    'ledger. The report is Markdown; with --json it is data, with the curves.',
  positionals: [{ name: 'run', about: 'a folder, a checkpoint or a JSON file' }],
  flags,
  examples: ['report runs/demo', "report runs/demo/checkpoint.safetensors --unit 'one patient' --to report"],
  run: async (options, terminal, [run = '']) =>
    (await import('../answers/report.js')).answerReport(run, options, terminal),
})

/**
 * `fp-dp validate`: what is wrong with a model or a run, all of it.
 */
import { type AnyCommand, command } from '../command.js'
import { type Flags, flag, flagOr, toggle } from '../flag.js'
import { count, file, listOf, oneOf } from '../value.js'

/** What `fp-dp validate` is asked, beside the file. */
export interface ValidateOptions {
  readonly fix: boolean
  readonly batchNorm: 'groupNorm' | 'instanceNorm'
  readonly inputShape: readonly number[] | undefined
  readonly to: string | undefined
}

const norms = oneOf(['groupNorm', 'instanceNorm'])

const flags: Flags<ValidateOptions> = {
  fix: toggle('--fix', 'change what cannot be trained privately, say what was changed, and print the new file'),
  batchNorm: flagOr(
    '--batch-norm <layer>',
    `with --fix, instead of batch normalisation: ${norms.requirement}`,
    norms,
    'groupNorm',
  ),
  inputShape: flag(
    '--input-shape <d,…>',
    'of one example: does the model take it, and how many parameters has it?',
    listOf(count),
  ),
  to: flag('--to <file>', 'with --fix, write the new file there', file),
}

export const validateCommand: AnyCommand = command({
  name: 'validate',
  summary: 'everything that is wrong with a model or a run, at once; --fix mends a model',
  about:
    'The file is JSON: a model (layers under names, and their wiring) or a run of fp-dp train. The status is 1 where something is wrong. ' +
    'What a run needs of its data is checked by fp-dp train --plan.',
  positionals: [{ name: 'file', about: 'a JSON file with a model or a run' }],
  flags,
  examples: ['validate model.json', 'validate model.json --fix --to private-model.json', 'validate run.json'],
  run: async (options, _, [path = '']) => (await import('../answers/validate.js')).answerValidate(path, options),
})

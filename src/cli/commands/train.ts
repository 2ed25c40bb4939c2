/**
 * `fp-dp train`: a private training run from one file.
 */
import { type AnyCommand, command } from '../command.js'
import { type Flags, flag, toggle } from '../flag.js'
import { count, folder } from '../value.js'

/** What `fp-dp train` is told beside its file. */
export interface TrainOptions {
  readonly out: string | undefined
  readonly resume: boolean
  readonly overwrite: boolean
  readonly threads: number | undefined
  readonly plan: boolean
  readonly schema: boolean
}

const flags: Flags<TrainOptions> = {
  out: flag('--out <folder>', 'where the run writes (default: as the file says, else a folder named after it)', folder),
  resume: toggle('--resume', 'go on from the checkpoint of the run'),
  overwrite: toggle('--overwrite', 'start again where there is a checkpoint'),
  threads: flag(
    '--threads <n>',
    'worker threads (default: one for each core); the result does not depend on them',
    count,
  ),
  plan: toggle('--plan', 'check the file, say what the run would cost, and stop'),
  schema: toggle('--schema', 'print the JSON Schema of the file'),
}

export const trainCommand: AnyCommand = command({
  name: 'train',
  summary: 'a private training run from one JSON file',
  about:
    'Data, model, clip rule, noise, batches, optimizer and accountant are in the file; everything in it is public. ' +
    'Ctrl-C stops after the step and keeps the state; --resume ends with the same bytes as a run that was never stopped. ' +
    'The loss that is shown is computed from private examples without noise, and is kept nowhere.',
  positionals: [{ name: 'config', about: 'the JSON file of a run', optional: true }],
  flags,
  examples: ['train run.json --plan', 'train run.json', 'train run.json --resume', 'train --schema > run.schema.json'],
  run: async (options, terminal, [path]) =>
    (await import('../run/answer-train.js')).answerTrain(path, options, terminal),
})

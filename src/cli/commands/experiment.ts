/**
 * `fp-dp experiment`: a grid of private runs.
 */
import { type AnyCommand, command } from '../command.js'
import { type Flags, flag, toggle } from '../flag.js'
import { count, folder } from '../value.js'

/** What `fp-dp experiment` is told beside its file. */
export interface ExperimentOptions {
  readonly out: string | undefined
  readonly threads: number | undefined
  readonly plan: boolean
  readonly schema: boolean
}

const flags: Flags<ExperimentOptions> = {
  out: flag(
    '--out <folder>',
    'where the experiment writes (default: as the file says, else a folder named after it)',
    folder,
  ),
  threads: flag(
    '--threads <n>',
    'worker threads (default: one for each core); the results do not depend on them',
    count,
  ),
  plan: toggle('--plan', 'check the file and every run of it, say what they would cost, and stop'),
  schema: toggle('--schema', 'print the JSON Schema of the file'),
}

export const experimentCommand: AnyCommand = command({
  name: 'experiment',
  summary: 'a grid of private training runs, and the table of their results',
  about:
    'The file holds a run and axes: values of some of its fields, by their paths, and seeds. Every combination is planned before the first is run. ' +
    'A finished run is not run again, and one that was stopped or killed goes on from its checkpoint: the same command continues.',
  positionals: [{ name: 'grid', about: 'the JSON file of a grid of runs', optional: true }],
  flags,
  examples: ['experiment grid.json --plan', 'experiment grid.json'],
  run: async (options, terminal, [path]) =>
    (await import('../experiment/answer-experiment.js')).answerExperiment(path, options, terminal),
})

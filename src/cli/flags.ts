/**
 * Values of flags: numbers that are checked, and refused in one sentence; and the flags that commands have in common.
 */
import { type Command, InvalidArgumentError } from 'commander'

export const number =
  (requirement: string, holds: (x: number) => boolean) =>
  (text: string): number => {
    const value = text.trim() === '' ? Number.NaN : Number(text)
    if (!holds(value)) throw new InvalidArgumentError(`It must be ${requirement}.`)
    return value
  }

export const positive: (text: string) => number = number('a number above 0', (x) => x > 0 && Number.isFinite(x))
export const count: (text: string) => number = number(
  'a whole number of at least 1',
  (x) => Number.isSafeInteger(x) && x >= 1,
)
export const fraction: (text: string) => number = number('a number in [0, 1)', (x) => x >= 0 && x < 1)

/** Where the examples come from. */
export interface DataFlags {
  /** Folder with IDX files; without it the digits are drawn. */
  readonly data?: string
  readonly examples: number
}

/** What every private run is told. */
export interface PrivacyFlags {
  readonly epsilon: number
  readonly delta: number
  readonly seed: number
  readonly secure: boolean
}

/** How to compute, and where to write. */
export interface MachineFlags {
  readonly physicalBatchSize: number
  readonly threads?: number
  readonly out: string
}

export const withDataFlags = (command: Command): Command =>
  command
    .option('--data <dir>', 'folder with MNIST-style IDX files, plain or gzip; without it, digits are drawn')
    .option('--examples <n>', 'how many digits to draw for training', count, 20_000)

export const withPrivacyFlags = (command: Command): Command =>
  command
    .option('--epsilon <ε>', 'the ε that the whole run may spend', positive, 3)
    .option(
      '--delta <δ>',
      'the δ of the guarantee',
      number('in (0, 1)', (x) => x > 0 && x < 1),
      1e-5,
    )
    .option(
      '--seed <n>',
      'seed of parameters, batches and noise (drawn digits do not depend on it)',
      number('a whole number', Number.isSafeInteger),
      0,
    )
    .option(
      '--secure',
      'batches and noise from a generator keyed by the operating system, as protecting people needs',
      false,
    )

export const withMachineFlags =
  ({ out, physicalBatchSize }: Pick<MachineFlags, 'out' | 'physicalBatchSize'>) =>
  (command: Command): Command =>
    command
      .option('--physical-batch-size <n>', 'most samples in memory at once', count, physicalBatchSize)
      .option('--threads <n>', 'worker threads of the wasm backend (default: one for each core)', count)
      .option('--out <dir>', 'folder for what the run leaves', out)

/** `--help` and bad flags print and exit, with status 0 and 1. */
export const parsed = <A extends object>(command: Command, argv: readonly string[]): A =>
  command
    .allowExcessArguments(false)
    .showHelpAfterError('(--help lists the flags)')
    .parse(argv as string[], { from: 'user' })
    .opts<A>()

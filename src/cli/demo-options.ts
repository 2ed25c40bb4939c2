/**
 * The command line of the demo: flags, defaults and one-sentence refusals.
 */
import { Command, InvalidArgumentError, Option } from 'commander'

export interface DemoOptions {
  /** Folder with IDX files; without it the digits are drawn. */
  readonly data?: string
  readonly examples: number
  readonly epsilon: number
  readonly delta: number
  readonly noiseMultiplier?: number
  readonly epochs: number
  readonly batchSize: number
  readonly learningRate: number
  readonly schedule: 'constant' | 'cosine' | 'oneCycle'
  readonly momentum: number
  readonly clip: number
  readonly activation: 'relu' | 'tanh'
  readonly seed: number
  readonly secure: boolean
  readonly physicalBatchSize: number
  readonly threads?: number
  readonly out: string
  readonly resume?: string
}

const number =
  (requirement: string, holds: (x: number) => boolean) =>
  (text: string): number => {
    const value = text.trim() === '' ? Number.NaN : Number(text)
    if (!holds(value)) throw new InvalidArgumentError(`It must be ${requirement}.`)
    return value
  }

const positive = number('a number above 0', (x) => x > 0 && Number.isFinite(x))
const count = number('a whole number of at least 1', (x) => Number.isSafeInteger(x) && x >= 1)
const fraction = number('a number in [0, 1)', (x) => x >= 0 && x < 1)

/**
 * Parses the arguments; `--help` and bad flags print and exit, with status 0 and 1.
 */
export const parseDemoOptions = (argv: readonly string[]): DemoOptions =>
  new Command('npm run demo --')
    .description(
      'Trains a small convolutional network with differential privacy on digits that it draws itself, or on IDX files.',
    )
    .option('--data <dir>', 'folder with MNIST-style IDX files, plain or gzip; without it, digits are drawn')
    .option('--examples <n>', 'how many digits to draw for training', count, 20_000)
    .option('--epsilon <ε>', 'the ε that the whole run may spend', positive, 3)
    .option(
      '--delta <δ>',
      'the δ of the guarantee',
      number('in (0, 1)', (x) => x > 0 && x < 1),
      1e-5,
    )
    .option('--noise-multiplier <σ>', 'noise in units of the clip norm; --epsilon is then not used', positive)
    .option('--epochs <n>', 'expected passes over the data', positive, 12)
    .option('--batch-size <n>', 'expected size of a Poisson batch', positive, 512)
    .option('--learning-rate <η>', 'step size', positive, 2)
    .addOption(
      new Option('--schedule <name>', 'how the learning rate changes')
        .choices(['constant', 'cosine', 'oneCycle'])
        .default('constant'),
    )
    .option('--momentum <β>', 'momentum of SGD', fraction, 0.9)
    .option('--clip <C>', 'l2 norm to which each gradient is clipped', positive, 0.1)
    .addOption(new Option('--activation <name>', 'nonlinearity').choices(['relu', 'tanh']).default('tanh'))
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
    .option('--physical-batch-size <n>', 'most samples in memory at once', count, 256)
    .option('--threads <n>', 'worker threads of the wasm backend (default: one for each core)', count)
    .option('--out <dir>', 'folder for report, picture and checkpoint', 'runs/demo')
    .option('--resume <file>', 'continue from a checkpoint; the flags that it was made with win over those given now')
    .allowExcessArguments(false)
    .showHelpAfterError('(--help lists the flags)')
    .parse(argv as string[], { from: 'user' })
    .opts<DemoOptions>()

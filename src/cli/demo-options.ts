/**
 * The command line of the demo: flags, defaults and one-sentence refusals.
 */
import { Command, Option } from 'commander'
import { pipe } from 'fp-ts/lib/function.js'
import { type BackendName, backendNames } from './backend.js'
import {
  type DataFlags,
  fraction,
  type MachineFlags,
  type PrivacyFlags,
  parsed,
  positive,
  withDataFlags,
  withMachineFlags,
  withPrivacyFlags,
} from './flags.js'

export interface DemoOptions extends DataFlags, PrivacyFlags, MachineFlags {
  readonly noiseMultiplier?: number
  readonly epochs: number
  readonly batchSize: number
  readonly learningRate: number
  readonly schedule: 'constant' | 'cosine' | 'oneCycle'
  readonly momentum: number
  readonly clip: number
  readonly activation: 'relu' | 'tanh'
  readonly backend: BackendName
  readonly resume?: string
}

/**
 * Parses the arguments; `--help` and bad flags print and exit, with status 0 and 1.
 */
export const parseDemoOptions = (argv: readonly string[]): DemoOptions =>
  pipe(
    new Command('npm run demo --').description(
      'Trains a small convolutional network with differential privacy on digits that it draws itself, or on IDX files.',
    ),
    withDataFlags,
    withPrivacyFlags,
    (command) =>
      command
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
        .addOption(new Option('--activation <name>', 'nonlinearity').choices(['relu', 'tanh']).default('tanh')),
    withMachineFlags({ out: 'runs/demo', physicalBatchSize: 256 }),
    (command) =>
      command.addOption(
        new Option(
          '--backend <name>',
          'what computes; gpu is the GPU where gpu.js finds one, else WebAssembly; the last three are modes of gpu.js',
        )
          .choices(backendNames)
          .default('wasm'),
      ),
    (command) =>
      command.option(
        '--resume <file>',
        'continue from a checkpoint; the flags that it was made with win over those given now',
      ),
    (command) => parsed<DemoOptions>(command, argv),
  )

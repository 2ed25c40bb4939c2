/**
 * The command line of the scattering recipe.
 */
import { Command } from 'commander'
import { pipe } from 'fp-ts/lib/function.js'
import {
  count,
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

export interface ScatteringOptions extends DataFlags, PrivacyFlags, MachineFlags {
  readonly steps: number
  readonly learningRate: number
  readonly momentum: number
  readonly clip: number
  /** Training examples that are left out, to choose settings by. */
  readonly holdOut?: number
  /** Synthetic images that the whitening is learnt from. */
  readonly leaves: number
  /** Folder of the features. */
  readonly features: string
}

/**
 * Parses the arguments; `--help` and bad flags print and exit, with status 0 and 1.
 */
export const parseScatteringOptions = (argv: readonly string[]): ScatteringOptions =>
  pipe(
    new Command('npm run scattering --').description(
      'Trains softmax regression on whitened scattering features with differential privacy, every step on all examples. ' +
        'Features are computed once and kept.',
    ),
    withDataFlags,
    withPrivacyFlags,
    (command) =>
      command
        .option('--steps <T>', 'steps, each of which reads every example', count, 120)
        .option('--learning-rate <η>', 'step size', positive, 60)
        .option('--momentum <β>', 'momentum', fraction, 0.9)
        .option('--clip <C>', 'l2 norm to which each gradient is clipped', positive, 1)
        .option(
          '--hold-out <n>',
          'leave the last n training examples out and measure on them instead of the test set: for choosing settings',
          count,
        )
        .option('--leaves <n>', 'synthetic images that the whitening of the features is learnt from', count, 2000)
        .option('--features <dir>', 'folder where features are kept', 'runs/features'),
    withMachineFlags({ out: 'runs/scattering', physicalBatchSize: 512 }),
    (command) => parsed<ScatteringOptions>(command, argv),
  )

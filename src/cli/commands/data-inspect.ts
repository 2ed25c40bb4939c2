/**
 * `fp-dp data inspect`: what is in a file or a folder.
 */
import { type AnyCommand, command } from '../command.js'
import { type Flags, flag } from '../flag.js'
import type { Value } from '../value.js'

/** What `fp-dp data inspect` is told beside the path. */
export interface InspectOptions {
  readonly sheet: string | undefined
}

const png: Value<string> = {
  requirement: 'the name of a file that ends in .png',
  read: (given) => (given.toLowerCase().endsWith('.png') ? given : undefined),
}

const flags: Flags<InspectOptions> = {
  sheet: flag('--sheet <file>', 'draw the first images of each class into a PNG', png),
}

export const dataInspectCommand: AnyCommand = command({
  name: 'inspect',
  summary: 'shapes, ranges, classes and problems of a file or folder of data',
  about:
    'IDX, CIFAR, CSV, NPY, NPZ, safetensors, and tar archives of them, compressed or not. The status is 1 where something is wrong.',
  positionals: [{ name: 'path', about: 'a file or a folder' }],
  flags,
  examples: ['data inspect data/mnist', 'data inspect data/mnist --sheet mnist.png'],
  run: async (options, _, [path = '']) => (await import('../inspect/answer-inspect.js')).answerInspect(path, options),
})

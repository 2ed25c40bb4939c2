/**
 * `fp-dp data fetch`: a published dataset, downloaded and checked.
 */
import { type AnyCommand, command } from '../command.js'
import { type Flags, flagOr, repeatedFlag, requiredFlag } from '../flag.js'
import { folder, positive, type Value } from '../value.js'

/** What `fp-dp data fetch` is told beside the dataset. */
export interface FetchOptions {
  readonly to: string
  readonly mirror: readonly string[]
  readonly patience: number
}

const address: Value<string> = {
  requirement: 'an address that begins with http:// or https://',
  read: (given) => (URL.canParse(given) && /^https?:$/.test(new URL(given).protocol) ? given : undefined),
}

const flags: Flags<FetchOptions> = {
  to: requiredFlag('--to <folder>', 'where the files go; it is made where it is missing', folder),
  mirror: repeatedFlag(
    '--mirror <address>',
    'where the files lie under their names, instead of the servers that are known',
    address,
  ),
  patience: flagOr(
    '--patience <seconds>',
    'how long a server may bring nothing before the next one is asked',
    positive,
    30,
  ),
}

export const dataFetchCommand: AnyCommand = command({
  name: 'fetch',
  summary: 'download MNIST, Fashion-MNIST or CIFAR-10, and check it',
  about:
    'Files that are there and right are kept; what was received before is not asked for again. Each file is compared with the SHA-256 of ' +
    'what was published, and takes its name only then.',
  positionals: [{ name: 'dataset', about: 'mnist, fashion-mnist or cifar10' }],
  flags,
  examples: ['data fetch mnist --to data/mnist', 'data fetch cifar10 --to data/cifar10'],
  run: async (options, terminal, [name]) =>
    (await import('../fetch/answer-fetch.js')).answerFetch(name, options, terminal),
})

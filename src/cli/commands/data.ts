/**
 * `fp-dp data`: what a run trains on.
 */
import { type CommandGroup, group } from '../command.js'
import { dataFetchCommand } from './data-fetch.js'
import { dataInspectCommand } from './data-inspect.js'

export const dataCommands: CommandGroup = group('data', 'datasets: download them, look at them', [
  dataFetchCommand,
  dataInspectCommand,
])

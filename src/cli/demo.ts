#!/usr/bin/env node
/**
 * `npm run demo`: private training from the command line.
 */
import * as E from 'fp-ts/lib/Either.js'
import { parseDemoOptions } from './demo-options.js'
import { runDemo, type Screen } from './demo-run.js'

let stop = false
process.once('SIGINT', () => {
  stop = true
  process.stderr.write('\nStopping after this step; press Ctrl-C again to stop at once.\n')
})

// A reader that goes away, such as `head`, stops the run as Ctrl-C does: with a checkpoint.
process.stdout.on('error', () => {
  stop = true
})

const clearLine = process.stdout.isTTY ? '\r\x1b[K' : ''

const screen: Screen = {
  // Where lines cannot be replaced, progress is left to the lines that stay.
  progress: (line) => {
    if (process.stdout.isTTY) process.stdout.write(`${clearLine}${line}`)
  },
  print: (line) => process.stdout.write(`${clearLine}${line}\n`),
  interrupted: () => stop,
}

const outcome = await runDemo(parseDemoOptions(process.argv.slice(2)), screen)
if (E.isLeft(outcome)) process.stderr.write(`${outcome.left.message}\n`)
process.exitCode = E.isLeft(outcome) ? 1 : outcome.right

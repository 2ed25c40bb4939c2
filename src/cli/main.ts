#!/usr/bin/env node
/**
 * `fp-dp`: privacy questions answered, and private runs, from the command line.
 */
import { readFileSync } from 'node:fs'
import { fpDp } from './fp-dp.js'
import { runProgram } from './program.js'
import { processTerminal } from './terminal.js'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  readonly version: string
}
const terminal = processTerminal()
try {
  const status = await runProgram(fpDp(version), process.argv.slice(2), terminal)
  process.exitCode ||= status
} catch (cause) {
  terminal.writeError(`fp-dp failed, which it should not: ${cause instanceof Error ? cause.stack : cause}\n`)
  process.exitCode = 1
}

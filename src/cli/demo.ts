#!/usr/bin/env node
/**
 * `npm run demo`: private training from the command line.
 */
import { parseDemoOptions } from './demo-options.js'
import { runDemo } from './demo-run.js'
import { runOnTerminal } from './screen.js'

await runOnTerminal((screen) => runDemo(parseDemoOptions(process.argv.slice(2)), screen))

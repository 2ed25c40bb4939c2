#!/usr/bin/env node
/**
 * `npm run scattering`: the linear model on scattering features from the command line.
 */
import { parseScatteringOptions } from './scattering-options.js'
import { runScattering } from './scattering-run.js'
import { runOnTerminal } from './screen.js'

await runOnTerminal((screen) => runScattering(parseScatteringOptions(process.argv.slice(2)), screen))

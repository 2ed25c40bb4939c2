import fc from 'fast-check'
import { inject } from 'vitest'

/**
 * A property runs, its failure being shrunk included, for so many milliseconds at most, which is less than a test may take. Nothing else
 * interrupts a test that waits for nothing, and where one run takes seconds, a smaller counterexample is not worth hours.
 */
const LONGEST = 200_000

fc.configureGlobal({
  ...fc.readConfigureGlobal(),
  seed: inject('seed'),
  interruptAfterTimeLimit: LONGEST,
  markInterruptAsFailure: true,
})

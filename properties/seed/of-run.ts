import fc from 'fast-check'
import { inject } from 'vitest'

/**
 * A failure is shrunk for so many milliseconds, less than a test may take: nothing interrupts a test that does not wait for anything, and
 * where one run takes seconds, a smaller counterexample is not worth hours.
 */
const LONGEST = 200_000

fc.configureGlobal({
  ...fc.readConfigureGlobal(),
  seed: inject('seed'),
  interruptAfterTimeLimit: LONGEST,
  markInterruptAsFailure: true,
})

/**
 * The reference backend on demand.
 */
import type { Task } from 'fp-ts/lib/Task.js'
import type { Backend } from './backend.js'

/**
 * Loads the reference backend: float64, never optimised, the definition of correct. It comes with ndarray-ops, which
 * makes code at run time with `new Function`; nothing else in the library does, so nothing else waits for it.
 *
 * @example
 * toArray((await loadReference()).map('neg', arange(3, 'float64'))) // => [-0, -1, -2]
 */
export const loadReference: Task<Backend> = async () => (await import('./reference.js')).reference

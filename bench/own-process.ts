/** The contenders of fp-dp as a process; an argument is the number of threads. */
import { ownContenders } from './own.js'
import { serve } from './serve.mjs'

const [threads] = process.argv.slice(2)
serve(ownContenders(threads === undefined ? undefined : Number(threads)))

/**
 * What a command tells, and how it hears that it should stop.
 */
import * as E from 'fp-ts/lib/Either.js'

/** Something that the user can put right, in one sentence. */
export interface Refusal {
  readonly _tag: 'Refusal'
  readonly message: string
}

export const refusal = (message: string): Refusal => ({ _tag: 'Refusal', message })

/** What a command tells while it runs. */
export interface Screen {
  /** A line that the next one of its kind replaces. */
  readonly progress: (line: string) => void
  /** A line that stays. */
  readonly print: (line: string) => void
  /** True once the user asked to stop. */
  readonly interrupted: () => boolean
}

export const percent = (share: number): string => `${(100 * share).toFixed(2)} %`

/** A number to so many places, rounded up: a bound from above stays one. */
export const atMost = (bound: number, places: number): string => {
  const near = bound.toFixed(places)
  return Number(near) >= bound ? near : (Number(near) + 10 ** -places).toFixed(places)
}

export const minutes = (seconds: number): string =>
  seconds < 60 ? `${Math.ceil(seconds)} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`

/**
 * Runs a command on the terminal of this process. Right: the exit status; Left: why it could not start, on stderr, with status
 * 1. Ctrl-C asks it to stop, and a second one ends it at once.
 */
export const runOnTerminal = async (command: (screen: Screen) => Promise<E.Either<Refusal, number>>): Promise<void> => {
  let stop = false
  process.once('SIGINT', () => {
    stop = true
    process.stderr.write('\nStopping after this step; press Ctrl-C again to stop at once.\n')
  })
  // A reader that goes away, such as `head`, stops the run as Ctrl-C does.
  process.stdout.on('error', () => {
    stop = true
  })
  const clearLine = process.stdout.isTTY ? '\r\x1b[K' : ''
  const outcome = await command({
    // Where lines cannot be replaced, progress is left to the lines that stay.
    progress: (line) => {
      if (process.stdout.isTTY) process.stdout.write(`${clearLine}${line}`)
    },
    print: (line) => process.stdout.write(`${clearLine}${line}\n`),
    interrupted: () => stop,
  })
  if (E.isLeft(outcome)) process.stderr.write(`${outcome.left.message}\n`)
  process.exitCode = E.isLeft(outcome) ? 1 : outcome.right
}

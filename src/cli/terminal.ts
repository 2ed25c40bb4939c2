/**
 * Where a command writes: two streams, lines that replace each other, and colours where they are seen.
 */
import type { Screen } from './screen.js'

/** What a command needs of the process it runs in. Progress goes to the error stream, so that the answer alone is on the other. */
export interface Terminal extends Screen {
  readonly write: (text: string) => void
  readonly writeError: (text: string) => void
  /** Are colours and weights of letters wanted on the stream of the answer? */
  readonly colours: boolean
  /** Is the answer wanted as data? What is only for people need not be made then, and the other way round. */
  readonly json?: boolean
}

/** https://no-color.org: set and not empty. */
const noColour = (environment: NodeJS.ProcessEnv): boolean => (environment.NO_COLOR ?? '') !== ''

/**
 * The terminal of this process. A reader that goes away, such as `head`, stops the command, and is no failure; the first Ctrl-C asks
 * it to stop, and the second one ends it.
 */
export const processTerminal = (): Terminal => {
  const { stdout, stderr } = process
  let stop = false
  let reader = true
  process.once('SIGINT', () => {
    stop = true
    stderr.write('\nStopping; press Ctrl-C again to stop at once.\n')
  })
  const lost = (cause: NodeJS.ErrnoException): void => {
    stop = true
    reader = false
    if (cause.code === 'EPIPE') return
    stderr.write(`The output cannot be written: ${cause.message}.\n`)
    process.exitCode = 1
  }
  stdout.on('error', lost)
  stderr.on('error', () => undefined)
  const clear = stderr.isTTY ? '\r\x1b[K' : ''
  return {
    write: (text) => {
      if (reader) stdout.write(text)
    },
    writeError: (text) => stderr.write(`${clear}${text}`),
    // Where lines cannot be replaced, progress is left to the lines that stay.
    progress: (line) => {
      if (stderr.isTTY) stderr.write(`${clear}${line}`)
    },
    print: (line) => stderr.write(`${clear}${line}\n`),
    interrupted: () => stop,
    colours: stdout.isTTY === true && !noColour(process.env),
  }
}

/** Letters in a weight or a colour, where colours are wanted. */
export interface Paint {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly warning: (text: string) => string
}

export const paintFor = ({ colours }: Pick<Terminal, 'colours'>): Paint => {
  const between =
    (on: number, off: number) =>
    (text: string): string =>
      colours ? `\x1b[${on}m${text}\x1b[${off}m` : text
  return { bold: between(1, 22), dim: between(2, 22), warning: between(33, 39) }
}

/**
 * A command as a value: its name, its flags, and what it answers. `program.ts` makes a command line of several.
 */
import type { Either } from 'fp-ts/lib/Either.js'
import * as E from 'fp-ts/lib/Either.js'
import type { Failure } from './failure.js'
import { badArguments, sentenceOf } from './failure.js'
import { type Flag, type Flags, longName } from './flag.js'
import type { Terminal } from './terminal.js'

/** What a command says: text for people, and the same as data for `--json`. */
export interface Answer {
  readonly text: string
  readonly json: unknown
  /** The exit status; 0 if not given. */
  readonly status?: number
}

/** An argument without a flag. */
export interface Positional {
  /** `file`, shown as `<file>`; where it may be left out, `[file]`. */
  readonly name: string
  readonly about: string
  readonly optional?: boolean
}

/** A command whose options are `A`. */
export interface CommandSpec<A> {
  readonly name: string
  /** One line. */
  readonly summary: string
  /** What `--help` says beyond that. */
  readonly about?: string
  readonly positionals?: readonly Positional[]
  readonly flags: Flags<A>
  /** Command lines that work, without the `fp-dp` before them. */
  readonly examples?: readonly string[]
  /**
   * The answer. What a command needs beyond its flags is imported here, on demand, so that `--help` and bad arguments are answered at
   * once. With `--json`, `terminal.print` and `terminal.progress` still go to the error stream.
   */
  readonly run: (
    options: A,
    terminal: Terminal,
    positionals: readonly (string | undefined)[],
  ) => Promise<Either<Failure, Answer>>
}

/** A command, whatever its options. */
export interface AnyCommand {
  readonly _tag: 'Command'
  readonly name: string
  readonly summary: string
  readonly about: string | undefined
  readonly positionals: readonly Positional[]
  readonly flags: readonly Flag<unknown>[]
  readonly examples: readonly string[]
  /** `given` holds the texts of each flag under its long name. */
  readonly run: (
    given: (flag: string) => readonly string[],
    terminal: Terminal,
    positionals: readonly (string | undefined)[],
  ) => Promise<Either<Failure, Answer>>
}

/** Commands under a name of their own: `data fetch`, `data inspect`. */
export interface CommandGroup {
  readonly _tag: 'CommandGroup'
  readonly name: string
  readonly summary: string
  readonly commands: readonly AnyCommand[]
}

export const group = (name: string, summary: string, commands: readonly AnyCommand[]): CommandGroup => ({
  _tag: 'CommandGroup',
  name,
  summary,
  commands,
})

/** A command from its specification. Every flag that cannot be read is named, not only the first. */
export const command = <A>(spec: CommandSpec<A>): AnyCommand => {
  const entries = Object.entries(spec.flags) as readonly (readonly [string, Flag<unknown>])[]
  return {
    _tag: 'Command',
    name: spec.name,
    summary: spec.summary,
    about: spec.about,
    positionals: spec.positionals ?? [],
    flags: entries.map(([, flag]) => flag),
    examples: spec.examples ?? [],
    run: async (given, terminal, positionals) => {
      const read = entries.map(([key, flag]) => [key, flag.read(given(longName(flag.flags)))] as const)
      const wrong = read.flatMap(([, value]) => (E.isLeft(value) ? [sentenceOf(value.left)] : []))
      if (wrong.length > 0) return E.left(badArguments(...wrong))
      const options = Object.fromEntries(read.map(([key, value]) => [key, E.isRight(value) ? value.right : undefined]))
      return spec.run(options as A, terminal, positionals)
    },
  }
}

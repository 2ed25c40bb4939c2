/**
 * Flags of a command: what `--help` says of each, and how it is read. A command states its options as an interface and its flags as
 * a record of the same keys, so that a flag without an option, or an option of another type, is an error of types.
 */
import * as E from 'fp-ts/lib/Either.js'
import { type InvalidParameter, invalidParameter } from '../privacy/invalid-parameter.js'
import type { Value } from './value.js'

/** One flag. `A` is what the command is given. */
export interface Flag<A> {
  /** `--steps <T>`, or `--fix` for one that takes no value. */
  readonly flags: string
  readonly about: string
  /** The default, as `--help` shows it. */
  readonly shown?: string
  /** What a value must be; undefined for a flag that takes none. */
  readonly requirement: string | undefined
  /** The texts that were given, none where the flag was not. */
  readonly read: (given: readonly string[]) => E.Either<InvalidParameter, A>
}

/** The flags of a command whose options are `A`: each under its own name in camel case. */
export type Flags<A> = { readonly [K in keyof A]-?: Flag<A[K]> }

/**
 * `--sampling-probability <q>` is `--sampling-probability`.
 *
 * @example
 * longName('--steps <T>') // => '--steps'
 */
export const longName = (flags: string): string => flags.split(' ')[0] as string

const readWith =
  <A>(flags: string, { requirement, read }: Value<A>) =>
  (given: string): E.Either<InvalidParameter, A> => {
    const value = read(given)
    return value === undefined ? E.left(invalidParameter(longName(flags), given, requirement)) : E.right(value)
  }

/** A flag that may be left out. The last one counts where it is given twice. */
export const flag = <A>(flags: string, about: string, value: Value<A>): Flag<A | undefined> => ({
  flags,
  about,
  requirement: value.requirement,
  read: (given) => {
    const last = given.at(-1)
    return last === undefined ? E.right(undefined) : readWith(flags, value)(last)
  },
})

/** A flag with a default. */
export const flagOr = <A>(
  flags: string,
  about: string,
  value: Value<A>,
  fallback: A,
  shown: string = `${fallback}`,
): Flag<A> => ({
  flags,
  about,
  shown,
  requirement: value.requirement,
  read: (given) => {
    const last = given.at(-1)
    return last === undefined ? E.right(fallback) : readWith(flags, value)(last)
  },
})

/** A flag that must be there. */
export const requiredFlag = <A>(flags: string, about: string, value: Value<A>): Flag<A> => ({
  flags,
  about: `${about} (required)`,
  requirement: value.requirement,
  read: (given) => {
    const last = given.at(-1)
    return last === undefined
      ? E.left(invalidParameter(longName(flags), undefined, value.requirement))
      : readWith(flags, value)(last)
  },
})

/** A flag that may be given several times. */
export const repeatedFlag = <A>(flags: string, about: string, value: Value<A>): Flag<readonly A[]> => ({
  flags,
  about: `${about} (may be repeated)`,
  requirement: value.requirement,
  read: E.traverseArray(readWith(flags, value)),
})

/** A flag without a value. */
export const toggle = (flags: string, about: string): Flag<boolean> => ({
  flags,
  about,
  requirement: undefined,
  read: (given) => E.right(given.length > 0),
})

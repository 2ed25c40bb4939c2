/**
 * Why a command has no answer: its arguments (status 2), or something else that stands in the way (status 1).
 */
import { type InvalidParameter, invalidParameter, showInvalidParameter } from '../privacy/invalid-parameter.js'
import { type Refusal, refusal } from './screen.js'

/** Arguments that cannot be meant: one sentence each. */
export interface BadArguments {
  readonly _tag: 'BadArguments'
  readonly sentences: readonly string[]
}

export type Failure = BadArguments | Refusal

export const badArguments = (...sentences: readonly string[]): BadArguments => ({ _tag: 'BadArguments', sentences })

/**
 * One argument, what was given, and what is allowed.
 *
 * @example
 * badArgument('--steps', '-1', 'a whole number of at least 1').sentences // => ["--steps must be a whole number of at least 1, not '-1'."]
 */
export const badArgument = (argument: string, value: unknown, requirement: string): BadArguments =>
  badArguments(sentenceOf(invalidParameter(argument, value, requirement)))

/** A parameter as a sentence; one whose value is undefined is missing. */
export const sentenceOf = (invalid: InvalidParameter): string =>
  invalid.value === undefined
    ? `${invalid.parameter} is missing: it must be ${invalid.requirement}.`
    : `${showInvalidParameter(invalid)}.`

/** Nothing that an argument could mend. */
export const failed = (sentence: string): Refusal => refusal(sentence)

export const sentencesOf = (failure: Failure): readonly string[] =>
  failure._tag === 'BadArguments' ? failure.sentences : [failure.message]

export const statusOf = (failure: Failure): 1 | 2 => (failure._tag === 'BadArguments' ? 2 : 1)

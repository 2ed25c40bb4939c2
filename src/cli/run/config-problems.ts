/**
 * What is wrong with a configuration: every field at once, each in a sentence with its path, its value and what is allowed.
 */
import * as E from 'fp-ts/lib/Either.js'
import type { z } from 'zod'

type Path = readonly PropertyKey[]

/** One field that cannot be meant. */
export interface ConfigProblem {
  /** `phases[1].clip.l2ClipNorm`; empty for the whole. */
  readonly path: string
  readonly sentence: string
}

/**
 * A path as it is written in JavaScript.
 *
 * @example
 * showPath(['phases', 1, 'clip']) // => 'phases[1].clip'
 */
export const showPath = (path: Path): string =>
  path.reduce<string>(
    (shown, key) =>
      typeof key === 'number'
        ? `${shown}[${key}]`
        : /^[A-Za-z_]\w*$/.test(String(key))
          ? `${shown}${shown === '' ? '' : '.'}${String(key)}`
          : `${shown}[${JSON.stringify(String(key))}]`,
    '',
  )

const valueAt = (input: unknown, path: Path): unknown =>
  path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null ? (value as Readonly<Record<PropertyKey, unknown>>)[key] : undefined,
    input,
  )

/** A value in a sentence: JSON, and not more of it than can be read. */
const shown = (value: unknown): string => {
  const json = JSON.stringify(value) ?? String(value)
  return json.length <= 60 ? json : `${json.slice(0, 57)}…`
}

/** A field, its value and what is allowed. */
export const problem = (input: unknown, path: Path, requirement: string): ConfigProblem => {
  const value = valueAt(input, path)
  const name = path.length === 0 ? 'The configuration' : showPath(path)
  return {
    path: showPath(path),
    sentence:
      value === undefined
        ? `${name} is missing: it must be ${requirement}.`
        : `${name} must be ${requirement}, not ${shown(value)}.`,
  }
}

/**
 * Of the branches of a union the one that was meant: where the value itself is of the right kind and its fields are not, and no other
 * branch is as near.
 */
const meant = (branches: readonly (readonly z.core.$ZodIssue[])[]): readonly z.core.$ZodIssue[] | undefined => {
  const within = ({ path, code }: z.core.$ZodIssue): boolean =>
    path.length > 0 || code === 'unrecognized_keys' || code === 'invalid_union'
  const [nearest, next] = branches
    .filter((issues) => issues.length > 0 && issues.every(within))
    .toSorted((a, b) => a.length - b.length)
  return nearest !== undefined && nearest.length !== next?.length ? nearest : undefined
}

const problemsOf = (input: unknown, at: Path, issue: z.core.$ZodIssue): readonly ConfigProblem[] => {
  const path = [...at, ...issue.path]
  if (issue.code === 'invalid_union') {
    const branch = valueAt(input, path) === undefined ? undefined : meant(issue.errors)
    if (branch !== undefined) return branch.flatMap((inner) => problemsOf(input, path, inner))
  }
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({
      path: showPath([...path, key]),
      sentence: `${showPath([...path, key])} is no field of ${path.length === 0 ? 'the configuration' : showPath(path)}: it has ${issue.message}.`,
    }))
  return [problem(input, path, issue.message)]
}

/** A value that a schema takes, or every problem with it. */
export const checked =
  <A>(schema: z.ZodType<A>) =>
  (input: unknown): E.Either<readonly ConfigProblem[], A> => {
    const result = schema.safeParse(input)
    return result.success
      ? E.right(result.data)
      : E.left(result.error.issues.flatMap((issue) => problemsOf(input, [], issue)))
  }

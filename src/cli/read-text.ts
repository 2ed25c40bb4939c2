/**
 * Files that arguments name.
 */
import { readFile } from 'node:fs/promises'
import { text as textOf } from 'node:stream/consumers'
import * as E from 'fp-ts/lib/Either.js'
import { type BadArguments, badArguments } from './failure.js'

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'it may not be read',
  EPERM: 'it may not be read',
}

/** Why a file cannot be read, as the end of a sentence. */
export const reasonOf = (cause: unknown): string => {
  const { code = '', message } = cause as NodeJS.ErrnoException
  return reasons[code] ?? message
}

/** The text of a file that an argument names; `-` is the input. */
export const readText = async (argument: string, path: string): Promise<E.Either<BadArguments, string>> => {
  try {
    return E.right(path === '-' ? await textOf(process.stdin) : await readFile(path, 'utf8'))
  } catch (cause) {
    return E.left(badArguments(`${argument} must be a file that can be read, not '${path}': ${reasonOf(cause)}.`))
  }
}

/** What a parser of JSON objects to, without the piece of the file that it quotes. */
export const syntaxOf = (cause: unknown): string =>
  (cause as Error).message.replace(/, .*$/s, '').replace(/[^\p{L}\p{P}\p{N}\p{S}]+/gu, ' ')

/** The JSON of a file that an argument names. */
export const readJson = async (argument: string, path: string): Promise<E.Either<BadArguments, unknown>> => {
  const found = await readText(argument, path)
  if (E.isLeft(found)) return found
  return E.tryCatch(
    () => JSON.parse(found.right) as unknown,
    (cause) => badArguments(`${argument} ${path} must hold JSON, and does not: ${syntaxOf(cause)}.`),
  )
}

/**
 * Reads a configuration from a file.
 */
import { readFile } from 'node:fs/promises'
import { basename, dirname, extname, join, resolve } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { badArguments, type Failure } from '../failure.js'
import { reasonOf, syntaxOf } from '../read-text.js'
import type { ConfigProblem } from './config-problems.js'

/** What a file holds, and where. */
export interface JsonFile {
  readonly path: string
  /** Paths in the file are relative to it. */
  readonly folder: string
  readonly value: unknown
}

/** Line and column of a place in a text. */
const placeIn = (text: string, message: string): string => {
  const at = Number(/position (\d+)/.exec(message)?.[1] ?? Number.NaN)
  if (!Number.isInteger(at)) return ''
  const before = text.slice(0, at).split('\n')
  return ` in line ${before.length}, column ${(before.at(-1) ?? '').length + 1}`
}

/** The JSON of a file. */
export const readJsonFile = async (path: string): Promise<E.Either<Failure, JsonFile>> => {
  try {
    const text = await readFile(path, 'utf8')
    try {
      return E.right({ path, folder: dirname(resolve(path)), value: JSON.parse(text) as unknown })
    } catch (cause) {
      const place = placeIn(text, (cause as Error).message)
      return E.left(badArguments(`${path} must hold JSON, and does not${place}: ${syntaxOf(cause)}.`))
    }
  } catch (cause) {
    return E.left(badArguments(`${path} must be the name of a file that can be read: ${reasonOf(cause)}.`))
  }
}

/** The problems of a configuration, each under the name of its file. */
export const refusedConfig = (path: string, problems: readonly ConfigProblem[]): Failure =>
  badArguments(...problems.map(({ sentence }) => `${path}: ${sentence}`))

/** The folder for what a run leaves: as the command says, as the file says, or named after the file. */
export const outFolder = (
  { path, folder }: JsonFile,
  { given, configured }: { readonly given: string | undefined; readonly configured: string | undefined },
): string => {
  if (given !== undefined) return resolve(given)
  const name = basename(path, extname(path))
  return resolve(folder, configured ?? (name === basename(path) ? `${name}-run` : name))
}

/** The folder as one would type it. */
export const shownFolder = (out: string): string => {
  const here = process.cwd()
  return out === here ? '.' : out.startsWith(`${here}/`) ? join('.', out.slice(here.length + 1)) : out
}

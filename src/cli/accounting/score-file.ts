/**
 * Scores of canaries from a file.
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import type { CanaryScores } from '../../privacy/index.js'
import { type BadArguments, badArguments } from '../failure.js'
import { readText, syntaxOf } from '../read-text.js'

/** One canary: was it a member, and how like one did it look? */
interface Canary {
  readonly member: boolean
  readonly score: number
}

const yes = ['1', 'true', 'yes', 'member', 'in']
const no = ['0', 'false', 'no', 'nonmember', 'non-member', 'out']

const canaryOf = (member: unknown, score: unknown): Canary | string => {
  const said = String(member).trim().toLowerCase()
  const value =
    typeof score === 'number' ? score : typeof score === 'string' && score.trim() !== '' ? Number(score) : Number.NaN
  if (!yes.includes(said) && !no.includes(said))
    return `member must be true or false (or 1 or 0), not '${String(member)}'`
  return Number.isFinite(value)
    ? { member: yes.includes(said), score: value }
    : `score must be a number, not '${String(score)}'`
}

/** All rows, or the first that cannot be read. */
const collected = (
  path: string,
  rows: readonly (readonly [where: string, member: unknown, score: unknown])[],
): E.Either<BadArguments, CanaryScores> => {
  const [members, nonMembers]: [number[], number[]] = [[], []]
  for (const [where, member, score] of rows) {
    const canary = canaryOf(member, score)
    if (typeof canary === 'string') return E.left(badArguments(`<scores> ${path}, ${where}: ${canary}.`))
    ;(canary.member ? members : nonMembers).push(canary.score)
  }
  return members.length === 0 || nonMembers.length === 0
    ? E.left(
        badArguments(
          `<scores> ${path} must hold members and non-members, not ${members.length} and ${nonMembers.length} of them.`,
        ),
      )
    : E.right({ members, nonMembers })
}

const fromJson = (path: string, text: string): E.Either<BadArguments, CanaryScores> =>
  pipe(
    E.tryCatch(
      () => JSON.parse(text) as unknown,
      (cause) => badArguments(`<scores> ${path} must hold JSON, and does not: ${syntaxOf(cause)}.`),
    ),
    E.chain((json) =>
      Array.isArray(json) && json.every((row) => typeof row === 'object' && row !== null)
        ? collected(
            path,
            json.map((row: { readonly member?: unknown; readonly score?: unknown }, i) => [
              `entry ${i}`,
              row.member,
              row.score,
            ]),
          )
        : E.left(badArguments(`<scores> ${path} must be a list of objects with the fields member and score.`)),
    ),
  )

const memberNames = ['member', 'membership', 'is_member', 'label']

const fromCsv = async (path: string, text: string): Promise<E.Either<BadArguments, CanaryScores>> => {
  const { parse } = await import('csv-parse/sync')
  return pipe(
    E.tryCatch(
      () => parse(text, { bom: true, skip_empty_lines: true, trim: true }) as readonly (readonly string[])[],
      (cause) => badArguments(`<scores> ${path} must hold comma-separated values: ${(cause as Error).message}.`),
    ),
    E.chain(([head = [], ...rows]) => {
      const names = head.map((name) => name.toLowerCase())
      const [member, score] = [names.findIndex((name) => memberNames.includes(name)), names.indexOf('score')]
      return member < 0 || score < 0
        ? E.left(
            badArguments(
              `<scores> ${path} must begin with a line that names the columns member and score, not '${head.join(',')}'.`,
            ),
          )
        : collected(
            path,
            rows.map((row, i) => [`row ${i + 1}`, row[member], row[score]]),
          )
    }),
  )
}

/** The scores of a file: JSON where it begins as JSON, else CSV. */
export const readScores = async (path: string): Promise<E.Either<BadArguments, CanaryScores>> => {
  const text = await readText('<scores>', path)
  if (E.isLeft(text)) return text
  return /^\s*[[{]/.test(text.right) ? fromJson(path, text.right) : fromCsv(path, text.right)
}

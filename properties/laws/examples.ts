/**
 * Examples of docstrings as programs: found, translated and run.
 *
 * In an example, `expression // => value` claims that both sides are deeply equal; what else stands there is executed.
 */
import { inspect } from 'node:util'
import ts from 'typescript'

/** An `@example` and where its first line stands. */
export interface DocExample {
  readonly path: string
  readonly line: number
  readonly code: readonly string[]
}

/** What an expression gave, and what was promised. */
export interface Claim {
  readonly text: string
  readonly actual: unknown
  readonly expected: unknown
}

/** The names that an example may use. */
export type Scope = Readonly<Record<string, unknown>>

/** Folders in the order in which the first to export a name wins, after the example's own. */
export const folders: readonly string[] = [
  'tensor',
  'sampling',
  'grad',
  'models',
  'privacy',
  'optim',
  'data',
  'train',
  'report',
]

const below: Readonly<Record<string, readonly string[]>> = {
  tensor: [],
  sampling: ['tensor'],
  grad: ['tensor', 'sampling'],
  models: ['tensor', 'sampling', 'grad'],
  privacy: ['tensor', 'sampling', 'grad'],
  optim: ['tensor'],
}

/** What stands in scope of an example besides its folder's own exports: those of the folders that it may import from. */
export const foldersBelow = (folder: string): readonly string[] => below[folder] ?? folders

const lineOf = (source: string, position: number): number => source.slice(0, position).split('\n').length

/** Every `@example` of a source file; it ends at the next tag or with the comment. */
export const examplesOf = ({
  path,
  source,
}: {
  readonly path: string
  readonly source: string
}): readonly DocExample[] =>
  Array.from(source.matchAll(/^[ \t]*\/\*\*([\s\S]*?)\*\//gm)).flatMap((comment) => {
    const start = lineOf(source, comment.index)
    const lines = comment[0]
      .replace(/\*\/$/, '')
      .split('\n')
      .map((line) => line.replace(/^\s*\/?\*{1,2} ?/, ''))
    return lines.flatMap((line, at) => {
      const opening = /^\s*@example\b(.*)$/.exec(line)
      if (opening === null) return []
      const end = lines.findIndex((later, index) => index > at && /^\s*@\w+/.test(later))
      const code = [opening[1] as string, ...lines.slice(at + 1, end < 0 ? undefined : end)]
      return [{ path, line: start + at, code: code.filter((text) => !text.trim().startsWith('```')) }]
    })
  })

/** Statements, then an expression with its promise: the code up to one `// =>`. */
const claimOf = (code: string, value: string): string => {
  const tree = ts.createSourceFile('example.ts', code, ts.ScriptTarget.Latest, true)
  const last = tree.statements.at(-1)
  if (last === undefined || !ts.isExpressionStatement(last)) throw new SyntaxError(`no expression before => ${value}`)
  const text = last.expression.getText()
  const before = code.slice(0, last.getStart())
  return `${before}\n;claims.push({ text: ${JSON.stringify(text)}, actual: (${text}), expected: (${value}) });\n`
}

/** The example as the body of a function that fills `claims`. */
const programOf = (code: readonly string[]): string => {
  const { done, open } = code.reduce(
    ({ done, open }, line) => {
      const claim = /^(.*?)\/\/ =>(.*)$/.exec(line)
      return claim === null
        ? { done, open: `${open}${line}\n` }
        : { done: done + claimOf(`${open}${claim[1]}`, claim[2] as string), open: '' }
    },
    { done: '', open: '' },
  )
  const { outputText, diagnostics } = ts.transpileModule(`${done}${open}`, {
    reportDiagnostics: true,
    compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext },
  })
  const wrong = diagnostics?.[0]
  if (wrong !== undefined) throw new SyntaxError(ts.flattenDiagnosticMessageText(wrong.messageText, ' '))
  return outputText
}

const AsyncFunction = Object.getPrototypeOf(async () => undefined).constructor as new (
  ...text: readonly string[]
) => (...values: readonly unknown[]) => Promise<void>

/** Runs an example. The braces let it declare names that the scope has too. */
export const runExample = async ({ code }: Pick<DocExample, 'code'>, scope: Scope): Promise<readonly Claim[]> => {
  const claims: Claim[] = []
  const run = new AsyncFunction('claims', ...Object.keys(scope), `"use strict";{\n${programOf(code)}\n}`)
  await run(claims, ...Object.values(scope))
  return claims
}

const close = (a: number, b: number): boolean =>
  Object.is(a, b) || a === b || Math.abs(a - b) <= 1e-12 * Math.max(Math.abs(a), Math.abs(b))

/** Deep equality, numbers to 1e-12 relative. */
export const agree = (a: unknown, b: unknown): boolean => {
  if (typeof a === 'number' && typeof b === 'number') return close(a, b)
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return Object.is(a, b)
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false
  const [left, right] = [Object.keys(a), Object.keys(b)]
  const records = [a, b] as unknown as readonly [Scope, Scope]
  if (a instanceof Map || a instanceof Set || a instanceof Error) return inspect(a) === inspect(b)
  return (
    left.length === right.length &&
    left.every((key) => Object.hasOwn(b, key) && agree(records[0][key], records[1][key]))
  )
}

/** What is wrong with an example, for people: nothing, if all is well. */
export const failuresOf = async (example: DocExample, scope: Scope): Promise<readonly string[]> => {
  const place = `${example.path}:${example.line}`
  try {
    const claims = await runExample(example, scope)
    return claims
      .filter(({ actual, expected }) => !agree(actual, expected))
      .map(({ text, actual, expected }) => `${place} ${text} is ${inspect(actual)}, not ${inspect(expected)}`)
  } catch (cause) {
    return [`${place} ${cause}`]
  }
}

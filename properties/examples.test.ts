import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as E from 'fp-ts/lib/Either.js'
import { flow, pipe } from 'fp-ts/lib/function.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { describe, expect, it } from 'vitest'
import { agree, type DocExample, examplesOf, failuresOf, foldersBelow, type Scope } from './laws/examples.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const src = join(root, 'src')

const load = (path: string): Promise<Scope> => import(/* @vite-ignore */ path) as Promise<Scope>

const exportsOf = (folder: string): Promise<Scope> | Scope => {
  const path = join(src, folder, 'index.ts')
  return existsSync(path) ? load(path) : {}
}

const scopeOf = async ({ path }: DocExample): Promise<Scope> => {
  const folder = path.split('/')[1] as string
  const others = await Promise.all(foldersBelow(folder).toReversed().map(exportsOf))
  return Object.assign({ E, TE, pipe, flow }, ...others, await exportsOf(folder), await load(join(root, path)))
}

const examples = readdirSync(src, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
  .filter((path) => !path.startsWith('src/cli/') && !path.includes('/kernels/'))
  .toSorted()
  .flatMap((path) => examplesOf({ path, source: readFileSync(join(root, path), 'utf8') }))

describe('every documented example runs', () => {
  it('there are examples', () => {
    expect(examples.length).toBeGreaterThan(30)
  })

  it.each(examples.map((example) => [`${example.path}:${example.line}`, example] as const))(
    '%s',
    async (_, example) => {
      expect(await failuresOf(example, await scopeOf(example))).toEqual([])
    },
  )
})

describe('an example that is wrong is found', () => {
  const inFile = (...lines: readonly string[]): readonly DocExample[] =>
    examplesOf({
      path: 'a.ts',
      source: `\n/**\n * A sentence.\n *\n${lines.map((line) => ` * ${line}`).join('\n')}\n */`,
    })

  const failures = async (...lines: readonly string[]): Promise<readonly string[]> =>
    (await Promise.all(inFile('@example', ...lines).map((example) => failuresOf(example, { two: 2 })))).flat()

  it.each([
    [['two + two // => 4']],
    [['const three: number = two + 1', 'three // => 3', 'three * 2 // => 6']],
    [['const two = 5', 'two // => 5']],
    [['[1, 2].map((x) =>', '  x * two,', ') // => [2, 4]']],
    [['await Promise.resolve(two) // => 2']],
    [['0.1 + 0.2 // => 0.3']],
    [['({ a: [Number.NaN] }) // => { a: [NaN] }']],
    [['two // a remark', '@throws never']],
    [['```ts', 'two // => 2', '```']],
  ])('%j is right', async (lines) => {
    expect(await failures(...lines)).toEqual([])
  })

  it.each([
    [['two + two // => 5'], /a.ts:5 two \+ two is 4, not 5/],
    [['two // => 2', '0.1 // => 0.1000001'], /0.1 is 0.1, not 0.1000001/],
    [['[1, 2] // => [1]'], /is \[ 1, 2 \], not \[ 1 \]/],
    [['Float64Array.of(1) // => [1]'], /not \[ 1 \]/],
    [['three // => 3'], /a.ts:5 ReferenceError/],
    [['two( // => 3'], /a.ts:5/],
    [['const x = 3 // => 3'], /no expression/],
    [['throw new Error("no")'], /Error: no/],
    [['f(…) // see elsewhere'], /a.ts:5 SyntaxError/],
  ])('%j is wrong', async (lines, complaint) => {
    const found = await failures(...lines)
    expect(found).toHaveLength(1)
    expect(found[0]).toMatch(complaint)
  })

  it('finds every example of a comment, and the line it stands on', () => {
    const found = inFile('@example two // => 2', '@param a', '@example', '', 'two // => 3', '', '@category b')
    expect(found.map(({ line }) => line)).toEqual([5, 7])
    expect(found.map(({ code }) => code.join('').trim())).toEqual(['two // => 2', 'two // => 3'])
  })

  it('tells a missing field from an undefined one, and a record from an array', () => {
    expect(agree({ a: undefined }, {})).toBe(false)
    expect(agree({ a: undefined }, { b: undefined })).toBe(false)
    expect(agree({ 0: 1 }, [1])).toBe(false)
    expect(agree(null, {})).toBe(false)
    expect(agree([1, { a: 1e300 }], [1, { a: 1e300 * (1 + 1e-15) }])).toBe(true)
    expect(agree(new Set([1]), new Set([2]))).toBe(false)
  })
})

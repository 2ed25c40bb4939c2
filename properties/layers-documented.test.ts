/**
 * docs/layers.md: every public layer has its place in the tables, every test that they name exists, and the code runs.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import * as grad from '../src/grad/index.js'
import * as tensor from '../src/tensor/index.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const page = readFileSync(join(root, 'docs/layers.md'), 'utf8')

/** What the tables and the text name as code. */
const named = new Set(Array.from(page.matchAll(/`([^`]+)`/g), ([, code]) => code as string))

/** The values that the files of a folder export, as far as they are public. */
const publicOf = (folder: string): readonly string[] =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
    .flatMap((source) => Array.from(source.matchAll(/^export const (\w+)/gm), ([, name]) => name as string))
    .filter((name) => name in grad)

describe('docs/layers.md', () => {
  it.each([
    ['src/grad/layers', 60],
    ['src/grad/composition', 15],
  ])('names everything public of %s', (folder, least) => {
    const names = publicOf(folder).filter((name) => name !== 'parameterRows')
    expect(names.length).toBeGreaterThan(least)
    expect(names.filter((name) => !named.has(name))).toEqual([])
  })
  it('names tests that exist, and no layer that does not', () => {
    const tests = Array.from(named).filter((code) => code.endsWith('.test.ts'))
    expect(tests.length).toBeGreaterThan(5)
    expect(tests.filter((path) => !existsSync(join(root, path)))).toEqual([])
    const rows = page.split('\n').filter((line) => line.startsWith('| `'))
    const first = rows.flatMap((row) => Array.from((row.split('|')[1] as string).matchAll(/`(\w+)`/g), ([, c]) => c))
    expect(first.filter((name) => !((name as string) in grad))).toEqual([])
  })
  it('shows code that runs, and layers that obey the laws', async () => {
    const blocks = Array.from(page.matchAll(/^```ts\n([\s\S]*?)^```$/gm), ([, code]) =>
      (code as string).replace(/^import [\s\S]*? from '.*'$/gm, ''),
    )
    expect(blocks).toHaveLength(3)
    const scope: Readonly<Record<string, unknown>> = { ...tensor, ...grad }
    const names = Object.keys(scope)
    const run = new Function(
      ...names,
      `return (async () => { ${blocks.join('\n')}\n return { model, broken, alsoBroken } })()`,
    ) as (...values: readonly unknown[]) => Promise<{
      readonly model: grad.AnyLayer
      readonly broken: readonly unknown[]
      readonly alsoBroken: readonly unknown[]
    }>
    const { model, broken, alsoBroken } = await run(...Object.values(scope))
    const { key } = await import('../src/sampling/index.js')
    expect(model.init(key(0), [6]).output).toEqual([2])
    expect([broken, alsoBroken]).toEqual([[], []])
  })
})

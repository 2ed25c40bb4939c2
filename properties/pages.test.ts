/**
 * The pages of docs: their programs have types and run, and their links lead somewhere.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anchorOf, anchorsOf, brokenLinks } from './laws/links.js'
import { type Notebook, proseOf } from './laws/notebooks.js'
import { blocksOf, printedBy } from './laws/programs.js'
import { complaintsIn, programOf } from './laws/type-check.js'
import { temporaryFolder } from './runs/temporary-folder.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

const named = (folder: string, ending: string): readonly string[] =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith(ending))
    .map((name) => `${folder}/${name}`)

const pages: Readonly<Record<string, string>> = {
  ...Object.fromEntries(['README.md', 'CHANGELOG.md', ...named('docs', '.md')].map((path) => [path, read(path)])),
  ...Object.fromEntries(
    named('notebooks', '.ipynb').map((path) => [path, proseOf(JSON.parse(read(path)) as Notebook)]),
  ),
}

/** The README's programs are run by `readme.test.ts`. */
const programs = Object.entries(pages)
  .filter(([path, text]) => path !== 'README.md' && blocksOf(text).length > 0)
  .map(([path, text]) => [path, blocksOf(text)] as const)

describe('links', () => {
  it('lead to files and headings', () => {
    expect(brokenLinks(pages, (path) => existsSync(join(root, path)))).toEqual([])
  })

  it('that lead nowhere are found', () => {
    const broken = brokenLinks(
      {
        'a.md':
          '# One & two\n\n## One\n\n[x](b.md#three) [y](#one--two) [z](b/c.md) [`f(x)[0]`](#one) [w](https://a.b/c)',
        'b.md': '# Three\n\n[back](a.md#two)\n\n```md\n[no](nowhere.md)\n```\n`[no](nowhere.md)`\n\n[ref]: d.md',
      },
      () => false,
    )
    expect(broken).toEqual(['a.md: b/c.md is no file', 'b.md: a.md has no heading #two', 'b.md: d.md is no file'])
  })

  it('anchors are as GitHub makes them', () => {
    expect(anchorOf('What it is, in `five` lines: (ε, δ)')).toBe('what-it-is-in-five-lines-ε-δ')
    expect([...anchorsOf('# A\n\n# A\n\n```\n# B\n```\n## C ##')]).toEqual(['a', 'a-1', 'c'])
  })
})

describe('what pages name', () => {
  it('tests that are named exist', () => {
    const named = Object.entries(pages).flatMap(([page, text]) =>
      Array.from(
        text.matchAll(/`(?:properties\/)?([a-z0-9-]+\.test\.ts)`/g),
        ([, test]) => [page, test as string] as const,
      ),
    )
    expect(named.length).toBeGreaterThan(50)
    expect(named.filter(([, test]) => !existsSync(join(root, 'properties', test)))).toEqual([])
  })
})

/** Without what printing adds to a value. */
const plain = (text: string): string => text.replace(/['"`\s]/g, '')

/** The remarks behind lines that print, which say what is printed. */
const remarksOf = (block: string): readonly string[] =>
  Array.from(block.matchAll(/console\.log\(.*\) \/\/ (.*)$/gm), ([, remark]) => plain(remark as string))

describe('the programs of the pages', () => {
  const texts = Object.fromEntries(
    programs.map(([path, blocks]) => [
      join(root, 'examples', `of-${path.replace(/\W/g, '-')}.ts`),
      `${blocks.join('\n')}\nexport {}`,
    ]),
  )
  const program = programOf({ root, texts })

  it.each(programs.map(([path], index) => [path, Object.keys(texts)[index] as string]))('%s has types', (_, text) => {
    expect(complaintsIn(program)(text)).toEqual([])
  })

  const from = process.cwd()
  let folder = ''
  beforeAll(() => {
    folder = temporaryFolder()
    process.chdir(folder)
  })
  afterAll(() => process.chdir(from))

  // The page of the GPU needs one; its kernels have tests of their own.
  it.each(programs.filter(([path]) => path !== 'docs/gpu.md'))('%s runs', async (_, blocks) => {
    const printed = (await printedBy(root, blocks)).map(plain)
    for (const [index, block] of blocks.entries())
      for (const remark of remarksOf(block)) expect(printed[index]).toContain(remark)
  })

  it('a program that throws is found, and what each part prints', async () => {
    await expect(printedBy(root, ["throw new Error('no')"])).rejects.toThrow('no')
    const parts = [
      "import { key } from 'fp-dp/sampling'\nconsole.log(typeof key)",
      'await 0\nconsole.log(key(0).words)',
    ]
    expect(await printedBy(root, parts)).toEqual(['function\n', expect.stringMatching(/./)])
  })
})

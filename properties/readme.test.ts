/**
 * What the README shows: its programs are those under `examples/`, have types, and run.
 */
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

const blocksOf = (path: string): readonly string[] =>
  Array.from(read(path).matchAll(/^```ts\n([\s\S]*?)^```$/gm), ([, code]) => code as string)
const blocks = blocksOf('README.md')
const programs = ['examples/compose.ts', 'examples/train.ts'] as const

/** The blocks as one program: each goes on where the one before it ends. */
const shown = blocks.join('\n')

/** What a strict project that has the package finds wrong with a program. The package is `src/`. */
const complaintsAbout = (programText: string): readonly string[] => {
  const path = join(root, 'examples', 'of-the-readme.ts')
  const options: ts.CompilerOptions = {
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2023.d.ts', 'lib.dom.d.ts'],
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    types: ['node'],
    skipLibCheck: true,
    paths: { 'fp-dp/*': [join(root, 'src', '*', 'index.ts')] },
  }
  const disk = ts.createCompilerHost(options)
  const host: ts.CompilerHost = {
    ...disk,
    fileExists: (name) => name === path || disk.fileExists(name),
    readFile: (name) => (name === path ? programText : disk.readFile(name)),
    getSourceFile: (name, settings, ...rest) =>
      name === path
        ? ts.createSourceFile(name, programText, settings, true)
        : disk.getSourceFile(name, settings, ...rest),
  }
  const program = ts.createProgram({ rootNames: [path], options, host })
  const file = program.getSourceFile(path)
  return [...program.getOptionsDiagnostics(), ...program.getSyntacticDiagnostics(file)]
    .concat(program.getSemanticDiagnostics(file))
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
}

/** The lines of a program that are not imports. */
const body = (code: string): readonly string[] =>
  code
    .replace(/^import [\s\S]*? from '.*'$/gm, '')
    .split('\n')
    .filter((line) => line.trim() !== '')

/** The lines that do not stand, in this order, in a longer list. */
const missingFrom = (whole: readonly string[], part: readonly string[]): readonly string[] => {
  let from = 0
  return part.filter((line) => {
    const found = whole.indexOf(line, from)
    if (found >= 0) from = found + 1
    return found < 0
  })
}

describe('the README', () => {
  it('shows two programs', () => {
    expect(blocks).toHaveLength(programs.length)
  })

  it.each(programs.map((path, index) => [path, blocks[index] ?? ''] as const))('%s is its program', (path, block) => {
    expect(body(block).length).toBeGreaterThan(10)
    expect(missingFrom(body(read(path)), body(block))).toEqual([])
  })

  it('a line of its own is found', () => {
    expect(missingFrom(['a', 'b', 'c'], ['a', 'd', 'c'])).toEqual(['d'])
    expect(missingFrom(['a', 'b'], ['b', 'a'])).toEqual(['a'])
  })

  it('has types', () => {
    expect(complaintsAbout(shown)).toEqual([])
  })

  it('a program without types is found', () => {
    expect(complaintsAbout(`${shown}\nconst wrong: number = plan\nconst open = (x) => x\nexport {}`)).toHaveLength(2)
  })

  it.each([
    ['examples/compose.ts', /^test accuracy (0\.\d+)\nε ≤ 4\.0\d\d\n$/],
    [
      'examples/train.ts',
      /^left after step 50: ε ≤ 2\.\d{3}, \d+ bytes\nstep 100: test accuracy (0\.\d+), ε ≤ (?:2\.999|3\.000)\n$/,
    ],
  ])('%s runs', async (path, output) => {
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', path], { cwd: root })
    expect(stdout).toMatch(output)
    // Ten classes; half of the digits right is far beyond chance, and well below what either program reaches.
    expect(Number(output.exec(stdout)?.[1])).toBeGreaterThan(0.4)
  })

  it.each(Array.from(read('README.md').matchAll(/\]\(((?!https?:)[^)#]+)\)/g), ([, path]) => path as string))(
    'its link to %s leads somewhere',
    (path) => {
      expect(() => read(path)).not.toThrow()
    },
  )
})

/** Pages with programs: the blocks of a page are one program. */
const pages = readdirSync(join(root, 'docs'))
  .filter((name) => name.endsWith('.md'))
  .map((name) => `docs/${name}`)

describe('the pages of docs', () => {
  it.each(pages.filter((path) => blocksOf(path).length > 0))('the program of %s has types', (path) => {
    expect(complaintsAbout(blocksOf(path).join('\n'))).toEqual([])
  })

  it.each(
    pages.flatMap((page) =>
      Array.from(read(page).matchAll(/\]\(((?!https?:)[^)#]+)\)/g), ([, path]) => [page, path as string] as const),
    ),
  )('%s: its link to %s leads somewhere', (_, path) => {
    expect(() => read(join('docs', path))).not.toThrow()
  })
})

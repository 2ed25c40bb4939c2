/**
 * What the README shows: its program is one of `examples/`, has types, and runs.
 */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { blocksOf } from './laws/programs.js'
import { complaintsIn, programOf } from './laws/type-check.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

const blocks = blocksOf(read('README.md'))

/** Where the programs of the pages are whole: a page, the block of it, and the file. */
const programs = [
  ['README.md', 0, 'examples/quickstart.ts'],
  ['docs/concepts.md', 0, 'examples/compose.ts'],
] as const

/** The blocks as one program: each goes on where the one before it ends. */
const shown = blocks.join('\n')

/** What a strict project that has the package finds wrong with a program. */
const complaintsAbout = (text: string): readonly string[] => {
  const path = join(root, 'examples', 'of-the-readme.ts')
  return complaintsIn(programOf({ root, texts: { [path]: text } }))(path)
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
  it('shows a program of some twenty lines', () => {
    expect(blocks).toHaveLength(1)
    expect(body(shown).length).toBeGreaterThan(10)
    expect(body(shown).length).toBeLessThan(26)
  })

  it.each(programs)('%s: its block %d is %s', (page, index, path) => {
    const block = blocksOf(read(page))[index] ?? ''
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
    // The noise is from the operating system: no two runs are the same.
    ['examples/quickstart.ts', /^accuracy (0\.\d+), ε ≤ (?:2\.999|3\.000)\n$/],
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
})

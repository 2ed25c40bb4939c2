/**
 * The notebooks, without Jupyter: their code has types, runs, and prints what they show. `npm run notebooks` runs them in tslab.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import {
  codeCells,
  complaintsIn as complaintsOf,
  type Notebook,
  printedIn,
  sourceOf,
  withoutTraces,
} from './laws/notebooks.js'
import { printedBy } from './laws/programs.js'
import { complaintsIn, programOf } from './laws/type-check.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = join(root, 'notebooks')
const names = readdirSync(folder).filter((name) => name.endsWith('.ipynb'))
const notebooks = names.map((name) => ({
  name,
  notebook: JSON.parse(readFileSync(join(folder, name), 'utf8')) as Notebook,
}))

/** What stands for the kernel's own module. */
const kernel = `declare module 'tslab' {
  export const display: { readonly svg: (text: string) => void; readonly html: (text: string) => void }
}`

const texts = Object.fromEntries(
  notebooks.map(({ name, notebook }) => [
    join(root, 'examples', name.replace(/ipynb$/, 'ts')),
    codeCells(notebook).map(sourceOf).join('\n\n'),
  ]),
)
const declaration = join(root, 'examples', 'tslab.d.ts')
const program = programOf({ root, texts: { ...texts, [declaration]: kernel } })

/** Numbers apart from the words around them. */
const partsOf = (text: string): { readonly words: string; readonly numbers: readonly number[] } => ({
  words: text.replace(/\d+(?:\.\d+)?/g, '#').replace(/ +/g, ' '),
  numbers: Array.from(text.matchAll(/\d+(?:\.\d+)?/g), ([number]) => Number(number)),
})

describe.each(notebooks)('$name', ({ name, notebook }) => {
  it('has types', () => {
    expect(complaintsIn(program)(join(root, 'examples', name.replace(/ipynb$/, 'ts')))).toEqual([])
  })

  it('holds nothing that changes from run to run, and no complaint', () => {
    expect(withoutTraces(notebook)).toEqual(notebook)
    expect(codeCells(notebook).map(complaintsOf).join('')).toBe('')
  })

  it('prints what it shows, and draws where it shows a picture', async () => {
    const pictures: string[] = []
    const display = {
      svg: (text: string) => void pictures.push(text),
      html: (text: string) => void pictures.push(text),
    }
    const cells = codeCells(notebook)
    const printed = await printedBy(root, cells.map(sourceOf), { tslab: { display } })
    // Training goes through float32, whose rounding differs between machines with and without fused multiply-adds.
    for (const [index, cell] of cells.entries()) {
      const [now, shown] = [partsOf(printed[index] ?? ''), partsOf(printedIn(cell))]
      expect(now.words).toBe(shown.words)
      for (const [at, number] of now.numbers.entries())
        expect(Math.abs(number - (shown.numbers[at] ?? 0))).toBeLessThanOrEqual(0.02 * Math.max(1, Math.abs(number)))
    }
    const shown = cells.flatMap(({ outputs = [] }) => outputs.filter(({ data }) => data !== undefined))
    expect(pictures).toHaveLength(shown.length)
    for (const picture of pictures) expect(picture).toMatch(/^<svg /)
  })
})

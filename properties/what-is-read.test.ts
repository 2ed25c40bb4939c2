/**
 * The table of docs/accounting.md that says what each accountant makes of each kind of event is what they say.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { whatIsRead } from './laws/what-is-read.js'

const page = readFileSync(fileURLToPath(new URL('../docs/accounting.md', import.meta.url)), 'utf8')

describe('what is read', () => {
  it('is what the page says: npx tsx scripts/what-is-read.ts prints it', () => {
    const table = whatIsRead()
    const [head = ''] = table.split('\n')
    const from = page.indexOf(head)
    expect(from).toBeGreaterThan(0)
    expect(page.slice(from, page.indexOf('\n\n', from))).toBe(table)
  })
})

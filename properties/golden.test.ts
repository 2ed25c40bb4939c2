import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { dpSgdCases } from './golden/dp-sgd-cases.js'
import { passed } from './golden/outcome.js'
import { temporaryFolder } from './runs/temporary-folder.js'

const read = (name: string): unknown => JSON.parse(readFileSync(new URL(`golden/${name}`, import.meta.url), 'utf8'))

describe('clipped steps of Opacus without noise (optim.json)', () => {
  it.each(dpSgdCases(read('optim.json')))('$name', ({ run }) => {
    expect(passed(run())).toBe(true)
  })
})

describe('npm run golden', () => {
  const golden = async (...files: readonly string[]): Promise<{ readonly code: number; readonly output: string }> => {
    const argv = ['--import', 'tsx', 'properties/golden/run.ts', ...files]
    try {
      const { stdout, stderr } = await promisify(execFile)(process.execPath, argv)
      return { code: 0, output: stdout + stderr }
    } catch (cause) {
      const { code, stdout, stderr } = cause as { code: number; stdout: string; stderr: string }
      return { code, output: stdout + stderr }
    }
  }

  it('passes a right file, fails a wrong number, an unknown layer and a missing file', async () => {
    const { source, cases } = read('layers.json') as { source: string; cases: Record<string, unknown>[] }
    const [first] = structuredClone(cases)
    const wrong = structuredClone(first) as { expected: { squaredNorm: number[] } }
    wrong.expected.squaredNorm[0] = (wrong.expected.squaredNorm[0] as number) * (1 + 1e-6)
    const folder = temporaryFolder()
    const [good, bad] = [join(folder, 'good.json'), join(folder, 'bad.json')]
    writeFileSync(good, JSON.stringify({ source, cases: [first] }))
    writeFileSync(bad, JSON.stringify({ source, cases: [first, wrong, { ...first, layer: 'hopfield' }] }))
    const [right, mixed] = await Promise.all([golden(good), golden(bad, join(folder, 'none.json'))])
    expect(right.code).toBe(0)
    expect(right.output).toMatch(/^1 passed, 0 failed$/m)
    expect(mixed.code).toBe(1)
    expect(mixed.output).toMatch(/hopfield.*not supported|not supported.*hopfield/)
    expect(mixed.output).toMatch(/^1 passed, 3 failed$/m)
  })
})

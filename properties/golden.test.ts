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

/** A program of the golden files, on these arguments. */
const program =
  (name: string) =>
  async (...args: readonly string[]): Promise<{ readonly code: number; readonly output: string }> => {
    const argv = ['--import', 'tsx', `properties/golden/${name}.ts`, ...args]
    try {
      const { stdout, stderr } = await promisify(execFile)(process.execPath, argv)
      return { code: 0, output: stdout + stderr }
    } catch (cause) {
      const { code, stdout, stderr } = cause as { code: number; stdout: string; stderr: string }
      return { code, output: stdout + stderr }
    }
  }

describe('npm run golden', () => {
  const golden = program('run')

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

describe('npm run truths', () => {
  const truths = program('truths')
  const record = (id: string, inputs: object, epsilon: number) => ({
    id,
    kind: 'prv',
    role: 'ground-truth',
    inputs: { mechanism: 'gaussian', neighboring: 'ADD_OR_REMOVE_ONE', ...inputs },
    expected: { epsilon },
    tol: { rel: 1e-8, abs: 1e-10 },
  })
  const written = (records: readonly object[]): string => {
    const path = join(temporaryFolder(), 'truths.json')
    writeFileSync(path, JSON.stringify({ records }))
    return path
  }
  const sampled = { sigma: 0.5, sampleRate: 0.0001, steps: 1, delta: 1e-5 }
  const plain = { sigma: 0.5, sampleRate: 1, steps: 1, delta: 1e-6 }

  it('finds truths within the bounds of every accountant, and false ones outside', async () => {
    const right = [record('sampled', sampled, 0.004395826777675442), record('plain', plain, 10.99715121422065)]
    const wrong = [...right, record('more', sampled, 0.0044), record('less', plain, 10.9971)]
    const [good, bad, chosen] = await Promise.all([
      truths(written(right)),
      truths(written(wrong), '--accountants', 'exact'),
      truths(written(wrong), '--only', 'plain', '--accountants', 'exact,gdp'),
    ])
    expect(good.output).toMatch(/^2 truths, 0 outside of their bounds$/m)
    expect(good.output).toMatch(/^gdp: 1 truths, 1 events that it does not read$/m)
    expect(good.code).toBe(0)
    expect(bad.output).toMatch(/^ {4}more: 0\.0044 is not in \[0\.0043\d+, 0\.0043\d+\]$/m)
    expect(bad.output).toMatch(/^4 truths, 2 outside of their bounds$/m)
    expect(bad.code).toBe(1)
    expect(chosen.output).toMatch(/^1 truths, 0 outside of their bounds$/m)
  })

  it('says in a sentence what it cannot do', async () => {
    const path = written([record('plain', plain, 10.99715121422065)])
    const answers = await Promise.all([
      truths(),
      truths(path, '--accountants', 'moments'),
      truths(path, '--every', '0'),
      truths(path, '--only', 'nothing'),
    ])
    expect(answers.map(({ code }) => code)).toEqual([2, 2, 2, 2])
    expect(answers.map(({ output }) => output.split('\n')[0])).toEqual([
      'truths: name at least one file: npm run truths -- FILE…',
      'truths: --accountants has "moments": one of exact, pld, prv, rdp, gdp',
      'truths: --every is 0: it must be a whole number, at least 1',
      `truths: no ground truth whose id holds "nothing" in ${path}`,
    ])
  })
})

/**
 * The bench: our own plans find one clipped sum, rows and contenders are found by their words, and results are kept.
 */
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { contenders, contendersNamed, groups } from '../bench/contender.js'
import type { RowResult } from '../bench/measure.js'
import { allRows, rowName, rowsNamed } from '../bench/networks.js'
import { ownContender } from '../bench/own.js'
import { relativeDifference, writeProblem } from '../bench/problem.js'
import { keepRow, readTable } from '../bench/results.js'
import { showRow, showSummary } from '../bench/table.js'
import { reference } from '../src/tensor/backend/reference.js'
import { wasm } from '../src/tensor/backend/wasm/index.js'
import { temporaryFolder } from './runs/temporary-folder.js'

const folder = temporaryFolder()
const row = { network: 'tiny', samples: 5 }
let answer: Float32Array

beforeAll(() => {
  answer = writeProblem(folder, row, reference).sum
})

describe('own contenders', () => {
  it.each(['bookKeeping', 'materialised', 'oneByOne', 'non-private'] as const)(
    '%s: the sum is the reference’s',
    (own) => {
      const prepared = ownContender(own, wasm({ threads: 1 }))(folder)
      expect(relativeDifference(prepared.sum, answer)).toBeLessThan(2e-6)
      for (let step = 0; step < 3; step++) prepared.step()
      expect(prepared.report?.().arena).toBeGreaterThan(0)
    },
  )
})

describe('relativeDifference', () => {
  const numbers = fc.float32Array({ minLength: 1, noNaN: true, noDefaultInfinity: true, min: 1, max: 100 })

  it('is 0 for the same, the relative change for a scaled one, and infinite for another length', () => {
    fc.assert(
      fc.property(numbers, fc.constantFrom(0.5, 2, -1), (a, factor) => {
        expect(relativeDifference(a, a)).toBe(0)
        expect(
          relativeDifference(
            a.map((x) => factor * x),
            a,
          ),
        ).toBeCloseTo(Math.abs(factor - 1), 12)
        expect(relativeDifference(a.slice(1), a)).toBe(Number.POSITIVE_INFINITY)
      }),
    )
  })
})

describe('words', () => {
  it('name rows', () => {
    expect(rowsNamed(allRows.map(rowName))).toEqual(allRows)
    expect(rowsNamed(['mlp@7', 'lstm'])).toEqual([
      { network: 'mlp', samples: 7 },
      { network: 'lstm', samples: 64 },
    ])
    expect(rowsNamed(['mlp', 'cnn'])).toEqual({ unknown: 'cnn' })
    for (const word of ['mlp@0', 'mlp@1.5', 'mlp@x']) expect(rowsNamed([word])).toEqual({ unknown: word })
  })

  it('name contenders, in the order of the table', () => {
    expect(contendersNamed(['all'])).toEqual(contenders)
    for (const [group, names] of Object.entries(groups))
      expect((contendersNamed([group]) as typeof contenders).map(({ name }) => name)).toEqual(names)
    expect(contendersNamed(['ours', 'torch'])).toEqual({ unknown: 'torch' })
  })
})

describe('results', () => {
  const machine = { cpu: 'a', cores: 2, node: 'v20' }
  const result = (samples: number, median: number): RowResult => ({
    network: 'mnist-cnn',
    samples,
    parameters: 1,
    l2ClipNorm: 1,
    threads: 2,
    load: 0.5,
    results: [
      {
        contender: 'book-keeping',
        isPrivate: true,
        timesBookKeeping: 1,
        median,
        least: median,
        rounds: 3,
        bytes: 2 ** 20,
        difference: 0,
      },
      { contender: 'jax', isPrivate: true, failed: 'not installed' },
    ],
  })

  it('stay until they are measured again, on the same machine', () => {
    const path = join(folder, 'results.json')
    const first = keepRow(path, readTable(path, machine), result(256, 8))
    const again = { ...result(256, 4), results: result(256, 4).results.slice(0, 1) }
    keepRow(path, keepRow(path, first, result(64, 2)), again)
    const found = readTable(path, machine)
    expect(found.rows.map(({ samples, results }) => [samples, results[0]?.median])).toEqual([
      [64, 2],
      [256, 4],
    ])
    // Who did not take part again stays.
    expect(found.rows[1]?.results.map(({ contender }) => contender)).toEqual(['book-keeping', 'jax'])
    expect(readTable(path, { ...machine, node: 'v22' }).rows).toEqual([])
  })

  it('say in a sentence what failed', () => {
    expect(showRow(result(64, 2))).toContain('jax                  not installed')
    const summary = showSummary({ machine, rows: [result(64, 2)] })
    expect(summary).toContain('| mnist-cnn | 64 | 0.50 | 2.00 | – |')
    expect(summary).toContain('- mnist-cnn at 64, jax: not installed')
  })
})

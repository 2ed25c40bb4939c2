/**
 * `fp-dp epsilon`, `calibrate`, `compare` and `curve`: what they say is what the library says.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, it } from 'vitest'
import { figure, lowerFigure, upperFigure } from '../src/cli/accounting/figures.js'
import { fpDp } from '../src/cli/fp-dp.js'
import { csv, table } from '../src/cli/table.js'
import { wrapped } from '../src/cli/wrapped.js'
import {
  advantage,
  allocation,
  type Bounds,
  Event,
  epsilonOf,
  exact,
  gdp,
  type PrivacyEvent,
  rdp,
  truePositiveRate,
  userLevelEvent,
} from '../src/privacy/index.js'
import { runInProcess } from './laws/in-process.js'
import { temporaryFolder } from './runs/temporary-folder.js'

const program = fpDp('0.0.0')
const folder = temporaryFolder()

const right = <A>(found: E.Either<unknown, A>): A =>
  E.isRight(found) ? found.right : expect.fail(JSON.stringify(found.left))

/** The text of an answer. */
const said = async (...line: readonly string[]): Promise<string> => {
  const { status, out, err } = await runInProcess(program, line)
  expect(err).toBe('')
  expect(status).toBe(0)
  return out
}

const data = async <A>(...line: readonly string[]): Promise<A> => JSON.parse(await said(...line, '--json')) as A

interface Epsilon {
  readonly event: string
  readonly ledger: PrivacyEvent
  readonly relations: readonly {
    readonly neighbouring: string
    readonly accountants: readonly (Partial<Bounds> & { readonly accountant: string; readonly unsupported?: string })[]
    readonly approximations: readonly { readonly approximate: number; readonly mayUnderstate: true }[]
  }[]
  readonly claims: readonly { readonly neighbouring: string; readonly epsilon: number; readonly accountant: string }[]
  readonly statement: string
}

const poisson = (sigma: number, q: number, steps: number): PrivacyEvent =>
  Event.selfComposed(steps)(Event.poissonSampled(q)(Event.gaussian(sigma)))

/** Trainings that an accountant answers in milliseconds. */
const trainings = fc.record({
  sigma: fc.double({ min: 0.7, max: 4, noNaN: true }),
  q: fc.double({ min: 0.005, max: 0.2, noNaN: true }),
  steps: fc.integer({ min: 300, max: 20_000 }),
})
const flagsOf = ({ sigma, q, steps }: { readonly sigma: number; readonly q: number; readonly steps: number }) => [
  ...['--noise-multiplier', `${sigma}`, '--sampling-probability', `${q}`, '--steps', `${steps}`],
]

describe('fp-dp epsilon', () => {
  it('says what the accountants say, under both relations, and claims the least upper bound', () =>
    fc.assert(
      fc.asyncProperty(trainings, fc.constantFrom(1e-5, 1e-8), async (training, delta) => {
        const found = await data<Epsilon>(
          'epsilon',
          ...flagsOf(training),
          '--delta',
          `${delta}`,
          '--accountant',
          'exact,rdp',
        )
        const event = poisson(training.sigma, training.q, training.steps)
        expect(found.ledger).toEqual(Event.normalise(event))
        for (const [i, neighbouring] of (['addOrRemoveOne', 'replaceOne'] as const).entries()) {
          const [byExact, byRdp] = found.relations[i]?.accountants ?? []
          expect(byExact).toMatchObject(right(epsilonOf(exact({ neighbouring }), delta)(event)))
          expect(byRdp).toMatchObject(right(epsilonOf(rdp({ neighbouring }), delta)(event)))
          const least = Math.min(byExact?.upper ?? Number.NaN, byRdp?.upper ?? Number.NaN)
          expect(found.claims[i]).toMatchObject({ neighbouring, epsilon: least })
          expect(found.statement).toContain(`ε = ${upperFigure(least)}`)
        }
      }),
      { numRuns: 15 },
    ))

  it('takes sizes and epochs for q and T, an epoch that is begun for a whole step', async () => {
    const { ledger } = await data<Epsilon>(
      ...['epsilon', '--noise-multiplier', '1', '--dataset-size', '1000', '--batch-size', '30', '--epochs', '3'],
      ...['--accountant', 'rdp'],
    )
    expect(ledger).toEqual(poisson(1, 0.03, 100))
    const { ledger: more } = await data<Epsilon>(
      ...['epsilon', '--noise-multiplier', '1', '--dataset-size', '1000', '--batch-size', '30', '--epochs', '3.001'],
      ...['--accountant', 'rdp'],
    )
    expect(more).toEqual(poisson(1, 0.03, 101))
  })

  it('reads an event, phases, and people with several examples', async () => {
    const path = join(folder, 'event.json')
    const event = Event.composed([poisson(1.2, 0.01, 400), poisson(0.8, 0.02, 500)])
    writeFileSync(path, JSON.stringify(event))
    const read = await data<Epsilon>('epsilon', '--event', path, '--accountant', 'exact')
    const phases = await data<Epsilon>(
      ...['epsilon', '--phase', '1.2,0.01,400', '--phase', '0.8,0.02,500', '--accountant', 'exact'],
    )
    expect(phases.claims).toEqual(read.claims)
    expect(read.claims[0]?.epsilon).toBe(right(epsilonOf(exact(), 1e-5)(event)).upper)
    const people = await data<Epsilon>(
      ...['epsilon', '--event', path, '--examples-per-user', '3', '--accountant', 'exact'],
      ...['--neighbouring', 'add-or-remove-one'],
    )
    expect(people.claims[0]?.epsilon).toBe(right(epsilonOf(exact(), 1e-5)(right(userLevelEvent(3)(event)))).upper)
    expect(people.statement).toContain('one person with up to 3 examples')
  })

  it.each([
    [
      'shuffled',
      Event.selfComposed(2)(Event.shuffled(10)(Event.gaussian(2))),
      'replaceSpecial',
      rdp({ neighbouring: 'replaceSpecial' }),
    ],
    [
      'without-replacement',
      Event.selfComposed(20)(Event.sampledWithoutReplacement({ datasetSize: 100, batchSize: 10 })(Event.gaussian(2))),
      'replaceOne',
      rdp({ neighbouring: 'replaceOne' }),
    ],
    [
      'balls-and-bins',
      Event.selfComposed(2)(Event.randomAllocation({ steps: 10, participations: 1 })(Event.gaussian(2))),
      'addOrRemoveOne',
      allocation(),
    ],
  ] as const)('%s batches are accounted as what they are', async (sampler, event, neighbouring, accountant) => {
    const found = await data<Epsilon>(
      ...['epsilon', '--noise-multiplier', '2', '--dataset-size', '100', '--batch-size', '10', '--epochs', '2'],
      ...['--sampler', sampler, '--accountant', 'exact,rdp,allocation'],
      ...['--neighbouring', 'add-or-remove-one,replace-one,replace-special'],
    )
    expect(found.ledger).toEqual(event)
    const own = found.relations.find((relation) => relation.neighbouring === neighbouring)
    // The exact accountant has no theorem for any of them, and none is taken for a Poisson sample.
    expect(own?.accountants[0]?.unsupported).toMatch(/./)
    expect(own?.accountants.map(({ upper }) => upper)).toContain(
      right(epsilonOf<never>(accountant as never, 1e-5)(event)).upper,
    )
  })

  it('states what a reader must know, and what would not hold', async () => {
    const text = (
      await said('epsilon', '--noise-multiplier', '1.1', '--sampling-probability', '0.004', '--steps', '14060')
    ).replace(/\s+/g, ' ')
    for (const words of [
      '14060 steps',
      'clip norms',
      'one example',
      'adding or removing one record',
      'replacing one record by another',
      'by a coin of its own',
      'every model on the way',
      'shuffled',
    ])
      expect(text).toContain(words)
    // In an order that may be known: 57 Gaussian releases.
    const known = right(
      epsilonOf(gdp({ neighbouring: 'replaceSpecial' }), 1e-5)(Event.selfComposed(57)(Event.gaussian(1.1))),
    )
    expect(text).toContain(`ε ≤ ${upperFigure(known.upper)}`)
    expect(text).toMatch(/central limit .* no bound: it may understate/)
  })

  it('has no claim, and status 1, where nobody reads the event', async () => {
    const path = join(folder, 'unsupported.json')
    writeFileSync(path, JSON.stringify(Event.unsupported('a secret')))
    const { status, out } = await runInProcess(program, ['epsilon', '--event', path])
    expect(out).toContain('No accountant here has a bound for it.')
    expect(status).toBe(1)
  })
})

interface Found {
  readonly found: readonly { readonly accountant: string; readonly value: number; readonly reached: number }[]
}

describe('fp-dp calibrate', () => {
  const target = ['--epsilon', '2', '--delta', '1e-5']

  it('finds the noise: enough of it, and hardly more', () =>
    fc.assert(
      fc.asyncProperty(trainings, async ({ q, steps }) => {
        const { found } = await data<Found>(
          ...['calibrate', ...target, '--sampling-probability', `${q}`, '--steps', `${steps}`, '--accountant', 'exact'],
        )
        const sigma = found[0]?.value ?? Number.NaN
        const at = (noise: number): number => right(epsilonOf(exact(), 1e-5)(poisson(noise, q, steps))).upper
        expect(at(sigma)).toBeLessThanOrEqual(2)
        expect(at(sigma)).toBe(found[0]?.reached)
        expect(at(sigma * (1 - 2e-5))).toBeGreaterThan(2)
      }),
      { numRuns: 8 },
    ))

  it('finds steps and batches: the next one would be too many', async () => {
    const given = ['--noise-multiplier', '1.1', '--dataset-size', '60000']
    const { found: steps } = await data<Found>('calibrate', ...target, ...given, '--batch-size', '240')
    const { found: batch } = await data<Found>('calibrate', ...target, ...given, '--epochs', '60')
    const after = (q: number, count: number): number => right(epsilonOf(exact(), 1e-5)(poisson(1.1, q, count))).upper
    const [most, q] = [steps[0]?.value ?? 0, batch[0]?.value ?? 0]
    expect(after(0.004, most)).toBeLessThanOrEqual(2)
    expect(after(0.004, most + 1)).toBeGreaterThan(2)
    // Whole examples, and as many steps as 60 epochs of such batches have.
    expect(q * 60_000).toBeCloseTo(Math.round(q * 60_000), 9)
    expect(after(q, Math.ceil(60 / q))).toBeLessThanOrEqual(2)
    expect(after(q + 1 / 60_000, Math.ceil(60 / (q + 1 / 60_000)))).toBeGreaterThan(2)
  })

  it('finds δ, and meets an advantage or rates of an attack', async () => {
    const training = ['--sampling-probability', '0.01', '--steps', '1000']
    const { found } = await data<{ readonly found: readonly { readonly upper: number }[] }>(
      ...['calibrate', '--epsilon', '2', '--noise-multiplier', '1', ...training],
    )
    const curve = right(exact().interpret(poisson(1, 0.01, 1000)))
    expect(found[0]?.upper).toBe(exact().profile?.(curve)(2).upper)
    const { found: gain } = await data<Found>('calibrate', '--advantage', '0.1', ...training, '--accountant', 'exact')
    const noisy = right(exact().interpret(poisson(gain[0]?.value ?? Number.NaN, 0.01, 1000)))
    expect(advantage(exact())(noisy).upper).toBeLessThanOrEqual(0.1)
    const { found: rates } = await data<Found>(
      ...[
        'calibrate',
        '--true-positive-rate',
        '0.05',
        '--false-positive-rate',
        '0.01',
        ...training,
        '--accountant',
        'exact',
      ],
    )
    const noisier = right(exact().interpret(poisson(rates[0]?.value ?? Number.NaN, 0.01, 1000)))
    expect(truePositiveRate(exact())(0.01)(noisier)).toBeLessThanOrEqual(0.05)
  })

  it('says what cannot be reached, with status 1', async () => {
    const { status, err } = await runInProcess(program, [
      ...['calibrate', '--epsilon', '0.1', '--delta', '1e-5', '--noise-multiplier', '1', '--sampling-probability', '1'],
    ])
    expect(err).toMatch(/^ε ≤ 0.1 at δ = 1e-5 cannot be reached by the steps alone: at 1 it is still 4\.37/)
    expect(status).toBe(1)
  })
})

const rowsOf = (path: string): readonly Readonly<Record<string, string>>[] =>
  parse(readFileSync(path, 'utf8'), { columns: true }) as readonly Readonly<Record<string, string>>[]

describe('fp-dp compare', () => {
  const grid = ['compare', '--noise-multiplier', '1:2:3', '--sampling-probability', '0.01,0.02', '--steps', '400,1000']

  it('has a row for each training of the grid, in all digits in the file', async () => {
    const path = join(folder, 'grid.csv')
    const text = await said(...grid, '--output', path)
    const rows = rowsOf(path)
    expect(rows).toHaveLength(3 * 2 * 2 * 2)
    for (const row of rows) {
      const event = poisson(Number(row['noise multiplier']), Number(row['sampling probability']), Number(row.steps))
      const { upper } = right(epsilonOf<never>((row.accountant === 'rdp' ? rdp() : exact()) as never, 1e-5)(event))
      expect(Number(row.upper)).toBe(upper)
      expect(text).toContain(upperFigure(upper))
    }
    expect([...new Set(rows.map((row) => row['noise multiplier']))]).toEqual(['1', '1.414', '2'])
  })

  it('draws it: the longest list across, the next as curves, the last as panels', async () => {
    const path = join(folder, 'grid.svg')
    await said(...grid, '--output', path)
    const svg = readFileSync(path, 'utf8')
    for (const words of ['noise multiplier σ →', 'q = 0.01, exact', 'q = 0.02, rdp', 'T = 400', 'T = 1000', 'δ = 1e-5'])
      expect(svg).toContain(words)
    const { status, err } = await runInProcess(program, [
      ...[
        'compare',
        '--noise-multiplier',
        '1,2,3,4',
        '--sampling-probability',
        '0.1,0.2,0.3,0.4',
        '--steps',
        '300',
        '--output',
        path,
      ],
    ])
    expect(err).toMatch(/6 curves in a panel, and 6 panels: shorten the lists/)
    expect(status).toBe(2)
  })
})

describe('fp-dp curve', () => {
  const training = flagsOf({ sigma: 1.1, q: 0.01, steps: 2000 })
  const curveOf = async (kind: string, ...more: readonly string[]) => {
    const path = join(folder, `${kind}.csv`)
    await said('curve', kind, ...training, '--points', '11', '--output', path, ...more)
    return rowsOf(path).map((row) => Object.values(row))
  }

  it('ε by steps is the ε of so many steps; the central limit is there and no claim', async () => {
    const rows = await curveOf('epsilon-by-steps')
    for (const [name, steps, epsilon, claim] of rows) {
      if (name === 'central limit') expect(claim).toBe('false')
      else {
        const accountant = name === 'rdp' ? rdp() : exact()
        const { upper } = right(epsilonOf<never>(accountant as never, 1e-5)(poisson(1.1, 0.01, Number(steps))))
        expect(Number(epsilon)).toBeGreaterThan(upper * (1 - 1e-8) - 1e-12)
        expect(Number(epsilon)).toBeLessThan(upper * (1 + 1e-6) + 1e-9)
        expect(claim).toBe('true')
      }
    }
    expect(rows.filter(([name]) => name === 'exact').at(-1)?.[1]).toBe('2000')
  })

  it('δ by ε falls, and errors trade off no better than the guarantee lets them', async () => {
    const deltas = (await curveOf('delta-by-epsilon', '--accountant', 'exact')).map(([, , delta]) => Number(delta))
    for (const [i, delta] of deltas.slice(1).entries()) expect(delta).toBeLessThan(deltas[i] ?? Number.NaN)
    const curve = right(exact().interpret(poisson(1.1, 0.01, 2000)))
    for (const [name, rate, found] of await curveOf('roc', '--accountant', 'exact')) {
      if (name === 'guessing') expect(found).toBe(rate)
      else expect(Number(found)).toBeCloseTo(truePositiveRate(exact())(Math.min(1, Number(rate)))(curve), 9)
    }
  })

  it('a trade-off by a slow accountant, from a few ε, stays below the exact one', async () => {
    const at = async (accountant: string) =>
      (await curveOf('trade-off', '--accountant', accountant, '--points', '6')).filter(([name]) => name === accountant)
    const [fine, few] = [await at('exact'), await at('pld')]
    for (const [i, [, , rate]] of few.entries()) {
      expect(Number(rate)).toBeLessThanOrEqual(Number(fine[i]?.[2]) + 1e-9)
      expect(Number(rate)).toBeGreaterThan(Number(fine[i]?.[2]) - 0.01)
    }
  })

  it('draws SVG and PNG', async () => {
    const [svg, png] = [join(folder, 'curve.svg'), join(folder, 'curve.png')]
    for (const path of [svg, png])
      await said('curve', 'epsilon-by-steps', ...training, '--points', '9', '--output', path)
    expect(readFileSync(svg, 'utf8')).toMatch(/^<svg .*central limit: no bound, may understate/)
    const bytes = readFileSync(png)
    expect(bytes.subarray(1, 4).toString()).toBe('PNG')
    // Two pixels a unit.
    expect(bytes.readUInt32BE(16)).toBe(1280)
  })
})

describe('figures and tables', () => {
  const numbers = fc.double({ min: 1e-300, max: 1e300, noNaN: true })

  it('a figure is the number; a lower one is not above it, an upper one not below, and both are near', () =>
    fc.assert(
      fc.property(numbers, (x) => {
        expect(Number(figure(x))).toBe(x)
        expect(Number(lowerFigure(x))).toBeLessThanOrEqual(x)
        expect(Number(upperFigure(x))).toBeGreaterThanOrEqual(x)
        expect(Number(upperFigure(x)) - Number(lowerFigure(x))).toBeLessThanOrEqual(2.1e-5 * x)
      }),
    ))

  const cell = fc.stringMatching(/^[a-zε ",\n|]{0,8}$/)
  const rows = fc
    .integer({ min: 1, max: 4 })
    .chain((width) => fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 5 }))

  it('CSV says what it was given', () =>
    fc.assert(
      fc.property(rows, ([head = [], ...others]) => {
        expect(parse(csv(head, others), { relax_column_count: true, skip_empty_lines: false })).toEqual(
          // A row of one empty cell is an empty line.
          [head, ...others].map((row) => (row.length === 1 && row[0] === '' ? [''] : row)),
        )
      }),
    ))

  it('columns line up', () =>
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.stringMatching(/^[a-zε]{1,9}$/), fc.stringMatching(/^[0-9]{1,9}$/)), {
          minLength: 1,
          maxLength: 6,
        }),
        (body) => {
          const lines = table({ head: ['name', 'n'], rows: body, right: [1] })
          expect(new Set(lines.map((line) => [...line].length)).size).toBe(1)
          for (const [i, [name, n]] of body.entries()) expect(lines[i + 1]?.split(/ +/)).toEqual([name, n])
        },
      ),
    ))

  it('lines hold all words, in order, and are no longer than asked for', () =>
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 1, maxLength: 30 }), (words) => {
        const lines = wrapped(words.join(' '), 20)
        expect(lines.join(' ').split(' ')).toEqual(words)
        for (const line of lines) expect(line.length).toBeLessThanOrEqual(20)
      }),
    ))
})

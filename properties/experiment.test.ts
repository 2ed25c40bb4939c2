/**
 * `fp-dp experiment`: grids of runs of a few steps, stopped and continued, their tables, and what choosing by them costs.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { describe, expect, it } from 'vitest'
import { choiceCost, showChoiceCost } from '../src/cli/experiment/choosing.js'
import { parseGrid } from '../src/cli/experiment/grid-config.js'
import { meanAndStd, pictureOf } from '../src/cli/experiment/results.js'
import { fpDp } from '../src/cli/fp-dp.js'
import { Event, epsilonOf, rdp } from '../src/privacy/index.js'
import { type Ran, runInProcess } from './laws/in-process.js'
import { temporaryFolder } from './runs/temporary-folder.js'

const dir = temporaryFolder()

const base = {
  data: { kind: 'digits', train: 60, test: 20 },
  model: { kind: 'mlp', hidden: [4] },
  optimizer: { kind: 'sgd', learningRate: 0.5 },
  clip: { kind: 'flat', l2ClipNorm: 0.5 },
  sampler: { kind: 'poisson', expectedBatchSize: 12 },
  noise: { targetEpsilon: 5 },
  steps: 4,
  delta: 1e-5,
}
const axes = { 'noise.targetEpsilon': [2, 8], model: [{ kind: 'logisticRegression' }, { kind: 'mlp', hidden: [4] }] }
const grid = { title: 'A grid', base, axes, seeds: 2 }

let files = 0
const fileOf = (content: unknown): string => {
  const path = join(dir, `grid-${files++}.json`)
  writeFileSync(path, JSON.stringify(content))
  return path
}
const experiment = (argv: readonly string[], interrupted?: () => boolean): Promise<Ran> =>
  runInProcess(fpDp('0'), ['experiment', ...argv, '--threads', '1'], interrupted)
const after = (steps: number): (() => boolean) => {
  let asked = 0
  return () => ++asked >= steps
}
/** Everything below a folder, but for how long it took. */
const left = (out: string): Readonly<Record<string, Buffer>> =>
  Object.fromEntries(
    readdirSync(out, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name !== 'timing.json')
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [path.slice(out.length), readFileSync(path)]),
  )

describe('an experiment', () => {
  const path = fileOf(grid)
  const out = path.replace('.json', '')

  it('runs every combination, and leaves tables and a picture', async () => {
    const { status, out: text, err } = await experiment([path])
    expect(status).toBe(0)
    expect(err).toMatch(
      /A grid: 8 runs\. On drawn digits: 60 examples to train on, 20 to test on\. δ = 0\.00001\. Mean ± standard deviation over 2 seeds\./,
    )
    expect(text).toMatch(
      /^targetEpsilon +model +test accuracy \(%\) +runs +ε +σ +steps +parameters\n2 +logisticRegression +\d+\.\d\d ± \d+\.\d\d +2 +(2\.000|1\.999) /,
    )
    expect(readdirSync(out).toSorted()).toEqual(['accuracy.svg', 'runs', 'runs.csv', 'table.csv', 'table.md'])
    expect(readdirSync(join(out, 'runs'))).toHaveLength(8)
    const runs = readFileSync(join(out, 'runs.csv'), 'utf8').trim().split('\n')
    expect([runs.length, runs[0]]).toEqual([
      9,
      'targetEpsilon,model,seed,testAccuracy,epsilon,delta,noiseMultiplier,steps',
    ])
    const lines = readFileSync(join(out, 'table.csv'), 'utf8').trim().split('\n').slice(1)
    for (const [i, line] of lines.entries()) {
      const ofRow = runs.slice(1 + 2 * i, 3 + 2 * i).map((run) => Number(run.split(',')[3]))
      const [, , mean, std] = line.split(',')
      expect(Number(mean)).toBeCloseTo(((ofRow[0] as number) + (ofRow[1] as number)) / 2, 12)
      expect(Number(std)).toBeCloseTo(Math.abs((ofRow[0] as number) - (ofRow[1] as number)) / Math.SQRT2, 12)
    }
    const document = readFileSync(join(out, 'table.md'), 'utf8')
    expect(document).toMatch(/^# A grid\n\n.*\n\n\| targetEpsilon \| model \| test accuracy/)
    expect(document).toMatch(/All 8 runs together.*spend ε = \d+\.\d+ at δ = 0\.00001.*arXiv:2110\.03620/)
  })

  it('stopped and continued, it leaves the same bytes, and runs nothing twice', async () => {
    const again = join(dir, 'again')
    // Within the first run, between two, within the third.
    for (const steps of [2, 3, 7]) {
      const { status, out: text } = await experiment([path, '--out', again], after(steps))
      expect([status, text]).toEqual([
        130,
        expect.stringMatching(/^\d of 8 runs are finished\. Go on with: fp-dp experiment \S+\n$/),
      ])
    }
    const { status, err } = await experiment([path, '--out', again])
    expect([status, err]).toEqual([0, expect.stringMatching(/\[1\/8\].*: finished before/)])
    expect(left(again)).toEqual(left(out))
    // Results are read, not made again.
    const [first = ''] = readdirSync(join(again, 'runs')).toSorted()
    const report = join(again, 'runs', first, 'report.json')
    writeFileSync(report, JSON.stringify({ ...JSON.parse(readFileSync(report, 'utf8')), testAccuracy: 1.5 }))
    await experiment([path, '--out', again])
    expect(readFileSync(join(again, 'runs.csv'), 'utf8')).toMatch(/,1\.5,/)
  })

  it('with one more value runs what is new, and takes no other experiment for its own', async () => {
    const more = fileOf({ ...grid, seeds: [0, 1, 5] })
    const { err } = await experiment([more, '--out', out])
    expect(err.match(/finished before/g)).toHaveLength(8)
    expect(err.match(/: test accuracy/g)).toHaveLength(4)
    const other = await experiment([fileOf({ ...grid, base: { ...base, steps: 5 } }), '--out', out])
    expect([other.status, other.err]).toEqual([
      2,
      expect.stringMatching(
        /report\.json is of a run with another steps than targetEpsilon = 2, model = logisticRegression, seed 0/,
      ),
    ])
  })

  it('--plan and --json say what the runs cost', async () => {
    const { status, out: text } = await experiment([path, '--plan', '--json'])
    const { cells, choosing } = JSON.parse(text)
    expect([status, cells.length, choosing.runs]).toEqual([0, 8, 8])
    expect(cells[7].title).toBe('targetEpsilon = 8, model = mlp, seed 1')
    expect(choosing.alike.map(({ runs }: { runs: number }) => runs)).toEqual([4, 4])
  })

  it('--schema is a JSON Schema, with that of a run', async () => {
    const schema = JSON.parse((await experiment(['--schema'])).out)
    expect(schema.required.toSorted()).toEqual(['axes', 'base'])
    expect(schema.properties.base.properties.clip).toBeDefined()
  })
})

describe('a grid that cannot be meant: every problem at once, and status 2', () => {
  it.each<readonly [string, unknown, readonly RegExp[]]>([
    ['nothing', {}, [/base is missing/, /axes is missing/]],
    ['an axis without values', { ...grid, axes: { steps: [] } }, [/axes\.steps must be a list of values, not \[\]/]],
    ['a value twice', { ...grid, axes: { steps: [1, 1] } }, [/axes\.steps must be a list of different values/]],
    ['a seed in the run', { ...grid, base: { ...base, seed: 1 } }, [/base\.seed must be left out: seeds says/]],
    [
      'a folder in the run',
      { ...grid, base: { ...base, out: 'x', secure: true } },
      [/base\.out must be left out/, /base\.secure must be left out/],
    ],
    ['no seeds', { ...grid, seeds: 0 }, [/seeds must be a whole number of at least 1/]],
    ['a field too many', { ...grid, repeats: 3 }, [/repeats is no field of the configuration/]],
    [
      'a run that lacks something everywhere',
      { ...grid, base: { ...base, delta: undefined } },
      [/json: delta is missing/],
    ],
    [
      'a value that is none',
      { ...grid, axes: { ...axes, 'clip.l2ClipNorm': [1, -1] } },
      [/with targetEpsilon = 2, model = logisticRegression, l2ClipNorm = -1, seed 0, clip\.l2ClipNorm must be/],
    ],
    ['a path that leads nowhere', { ...grid, axes: { 'clip.norm': [1] } }, [/clip\.norm is no field of clip/]],
    [
      'a batch larger than the data',
      { ...grid, axes: { 'sampler.expectedBatchSize': [12, 100] }, seeds: 1 },
      [/with expectedBatchSize = 100, seed 0, sampler\.expectedBatchSize must be/],
    ],
  ])('%s', async (_, content, sentences) => {
    const { status, err } = await experiment([fileOf(content)])
    for (const sentence of sentences) expect(err).toMatch(sentence)
    expect([status, err.trim().split('\n').length]).toEqual([2, sentences.length])
  })
})

describe('its parts', () => {
  it('axes reach into phases, and objects are told apart', () => {
    const { steps: _, ...inPhases } = base
    const parsed = parseGrid({
      base: { ...inPhases, phases: [{ steps: 1 }, { steps: 2 }] },
      axes: {
        'phases[1].steps': [3, 4],
        'optimizer.learningRate': [1, { kind: 'cosine', initial: 1 }],
        model: [
          { kind: 'mlp', hidden: [2] },
          { kind: 'mlp', hidden: [3] },
        ],
      },
    })
    if (E.isLeft(parsed)) expect.fail(JSON.stringify(parsed.left))
    const { cells, axes: found } = parsed.right
    expect(cells.map(({ config }) => config.phases?.[1]?.steps)).toEqual([3, 3, 3, 3, 4, 4, 4, 4])
    expect(cells[0]?.config.phases?.[0]?.steps).toBe(1)
    expect(found.map(({ name }) => name)).toEqual(['steps', 'learningRate', 'model'])
    expect(found[2]?.labels).toEqual(['{"kind":"mlp","hidden":[2]}', '{"kind":"mlp","hidden":[3]}'])
    expect(new Set(cells.map(({ folder }) => folder)).size).toBe(cells.length)
    for (const { folder } of cells) expect(folder).toMatch(/^[\w.,=+-]+$/)
  })

  it('mean and deviation shift and scale with the values', () =>
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 2, maxLength: 20 }),
        fc.integer({ min: -50, max: 50 }),
        (values, shift) => {
          const [a, b] = [meanAndStd(values), meanAndStd(values.map((x) => 3 * x + shift))]
          expect(b.mean).toBeCloseTo(3 * a.mean + shift, 8)
          expect(b.std).toBeCloseTo(3 * a.std, 8)
          // n Σx² − (Σx)², in whole numbers.
          const [sum, squares] = [values.reduce((s, x) => s + x, 0), values.reduce((s, x) => s + x * x, 0)]
          expect(a.std ** 2).toBeCloseTo(
            (values.length * squares - sum * sum) / (values.length * (values.length - 1)),
            6,
          )
        },
      ),
    ))

  it('a single run has no deviation', () => {
    expect(meanAndStd([0.5])).toEqual({ mean: 0.5, std: Number.NaN })
  })

  it('without an axis of numbers there is no picture', () => {
    const parsed = parseGrid({ base, axes: { model: axes.model } })
    expect(E.isRight(parsed) && pictureOf(parsed.right, [])).toBeUndefined()
  })

  const spent = (event: Event.PrivacyEvent): number =>
    pipe(
      epsilonOf(rdp(), 1e-5)(event),
      E.match(
        () => Number.NaN,
        ({ upper }) => upper,
      ),
    )
  it('all runs together are their composition; a drawn choice costs more than one run and, among many, less than all', () => {
    const run = (sigma: number) => pipe(Event.gaussian(sigma), Event.poissonSampled(0.05), Event.selfComposed(100))
    const cost = choiceCost([...Array.from({ length: 20 }, () => run(2)), run(1), run(1), run(4)], {
      delta: 1e-5,
      neighbouring: 'addOrRemoveOne',
    })
    expect(cost?.together).toBe(
      spent(Event.composed([Event.selfComposed(20)(run(2)), Event.selfComposed(2)(run(1)), run(4)])),
    )
    const [weak, strong] = cost?.alike ?? []
    expect([weak?.runs, weak?.alone, strong?.runs, strong?.alone]).toEqual([20, spent(run(2)), 2, spent(run(1))])
    expect(weak?.drawn).toBe(spent(Event.repeatAndSelect({ mean: 20, shape: 1 })(run(2))))
    expect(weak?.drawn).toBeGreaterThan(spent(run(2)))
    expect(weak?.drawn).toBeLessThan(spent(Event.selfComposed(20)(run(2))))
    expect(showChoiceCost(cost as NonNullable<typeof cost>)).toMatch(/where 20 runs of ε = \S+ are expected/)
  })

  it('of one run there is nothing to choose', () => {
    const cost = choiceCost([Event.gaussian(1)], { delta: 1e-5, neighbouring: 'addOrRemoveOne' })
    expect([cost?.runs, cost?.alike, cost?.together]).toEqual([1, [], spent(Event.gaussian(1))])
  })
})

/**
 * `fp-dp train`: runs of a few steps, stopped, killed and resumed; and files that cannot be meant.
 */
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, it } from 'vitest'
import { fpDp } from '../src/cli/fp-dp.js'
import { planRun, startOf } from '../src/cli/run/plan-run.js'
import { parseRun, runJsonSchema } from '../src/cli/run/run-config.js'
import { readData } from '../src/cli/run/run-data.js'
import { drawDigits, encodeNpy, encodeNpz } from '../src/data/index.js'
import { key } from '../src/sampling/index.js'
import { wasm } from '../src/tensor/backend/wasm/index.js'
import { tensor } from '../src/tensor/index.js'
import { cifarRecords } from './arbitraries/archive.js'
import { encodeIdx } from './arbitraries/idx.js'
import { type Ran, runInProcess } from './laws/in-process.js'
import { temporaryFolder } from './runs/temporary-folder.js'

const dir = temporaryFolder()

const small = {
  data: { kind: 'digits', train: 60, test: 20 },
  model: { kind: 'mlp', hidden: [4] },
  optimizer: { kind: 'sgd', learningRate: 0.5, momentum: 0.9 },
  clip: { kind: 'flat', l2ClipNorm: 0.5 },
  sampler: { kind: 'poisson', expectedBatchSize: 12 },
  noise: { targetEpsilon: 5 },
  epochs: 2,
  delta: 1e-5,
  threads: 1,
}
type Config = Readonly<Record<string, unknown>>

let files = 0
/** The path of a file that holds a configuration. */
const fileOf = (config: unknown): string => {
  const path = join(dir, `run-${files++}.json`)
  writeFileSync(path, typeof config === 'string' ? config : JSON.stringify(config))
  return path
}
const train = (argv: readonly string[], interrupted?: () => boolean): Promise<Ran> =>
  runInProcess(fpDp('0'), ['train', ...argv], interrupted)
const trained = (config: Config, ...argv: readonly string[]): Promise<Ran> => train([fileOf(config), ...argv])

/** What a run leaves, but for how long it took. */
const left = (out: string): Readonly<Record<string, Buffer>> =>
  Object.fromEntries(
    readdirSync(out)
      .filter((name) => name !== 'timing.json')
      .map((name) => [name, readFileSync(join(out, name))]),
  )
/** Asks to stop after so many steps. */
const after = (steps: number): (() => boolean) => {
  let asked = 0
  return () => ++asked >= steps
}

describe('a run', () => {
  it('ends with a report, whose ε is the target, and says nothing of the loss in any file', async () => {
    const path = fileOf({ ...small, unit: 'one drawn digit' })
    const { status, out, err } = await train([path])
    expect(status).toBe(0)
    expect(out).toMatch(/Test accuracy +\d+\.\d\d %, on 20 examples that are taken to be public/)
    expect(out).toMatch(/ε = (5\.0000|4\.999\d), δ = 0\.00001\), adding or removing one record/)
    expect(err).toMatch(/step 10\/10 · epoch 2\.0 · loss \S+ \(not private\) · ε (5\.000|4\.999) · test accuracy/)
    const folder = path.replace('.json', '')
    expect(Object.keys(left(folder)).toSorted()).toEqual([
      'checkpoint.safetensors',
      'curves.svg',
      'model.safetensors',
      'privacy.json',
      'privacy.md',
      'report.json',
    ])
    const report = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8'))
    expect([report.finished, report.steps, report.curve.length]).toEqual([true, 10, 2])
    expect(report.epsilon).toBeLessThanOrEqual(5)
    expect(readFileSync(join(folder, 'privacy.md'), 'utf8')).toMatch(/A record is one drawn digit/)
    for (const [name, bytes] of Object.entries(left(folder)))
      if (name !== 'privacy.json' && name !== 'privacy.md')
        expect([name, /loss/i.test(bytes.toString('latin1'))]).toEqual([name, false])
  })

  it('stopped anywhere and resumed, it leaves the same bytes', async () => {
    // Averages, moments, schedules, phases and an adaptive bound are all state.
    const config = {
      ...small,
      optimizer: {
        kind: 'adam',
        learningRate: { kind: 'cosine', initial: 0.02, warmUp: 2 },
        average: { kind: 'exponential', decay: 0.8 },
      },
      phases: [
        { steps: 4 },
        { steps: 5, clip: { kind: 'adaptive', initialClipNorm: 0.2, countDeviation: 4 }, noiseMultiplier: 1.5 },
      ],
      evaluateEvery: 3,
    }
    const { epochs: _, ...inPhases } = config
    const path = fileOf(inPhases)
    const whole = join(dir, 'whole')
    expect((await train([path, '--out', whole])).status).toBe(0)
    for (const stops of [[1], [4], [5, 2], [8]]) {
      const out = join(dir, `stopped-${stops.join('-')}`)
      for (const [i, steps] of stops.entries()) {
        const stopped = await train([path, '--out', out, ...(i > 0 ? ['--resume'] : [])], after(steps))
        expect(stopped.status).toBe(130)
        expect(stopped.out).toMatch(/Stopped after step \d of 9\. Go on with: fp-dp train \S+ --resume/)
        expect(Object.keys(left(out))).toEqual(['checkpoint.safetensors'])
      }
      expect((await train([path, '--out', out, '--resume'])).status).toBe(0)
      expect(left(out)).toEqual(left(whole))
    }
    // And once more from its end.
    expect((await train([path, '--out', whole, '--resume'])).out).toMatch(/no step was left/)
    expect(left(join(dir, 'stopped-1'))).toEqual(left(whole))
  })

  it('killed and resumed, it leaves the same bytes', async () => {
    const config = { ...small, epochs: 20 }
    const path = fileOf(config)
    const often = fileOf({ ...config, checkpointSeconds: 1e-6 })
    const [whole, killed] = [join(dir, 'unkilled'), join(dir, 'killed')]
    const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', 'train', often, '--out', killed])
    const ended = new Promise((resolve) => child.on('exit', (_, signal) => resolve(signal)))
    const checkpoint = join(killed, 'checkpoint.safetensors')
    while (!existsSync(checkpoint) && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 5))
    child.kill('SIGKILL')
    expect(await ended).toBe('SIGKILL')
    expect(existsSync(join(killed, 'report.json'))).toBe(false)
    expect((await train([path, '--out', killed, '--resume'])).err).toMatch(/Going on after step \d+\./)
    expect((await train([path, '--out', whole])).status).toBe(0)
    rmSync(`${checkpoint}.part`, { force: true })
    expect(left(killed)).toEqual(left(whole))
  }, 60_000)

  it('does not write over another run, and goes on with none', async () => {
    const path = fileOf({ ...small, steps: 2, epochs: undefined })
    const out = join(dir, 'mine')
    expect((await train([path, '--out', out, '--resume'])).err).toMatch(/There is no checkpoint yet/)
    const again = await train([path, '--out', out])
    expect([again.status, again.err]).toEqual([
      2,
      expect.stringMatching(/is there already: --resume .* --overwrite .* --out/),
    ])
    expect((await train([path, '--out', out, '--overwrite'])).status).toBe(0)
    const refused: readonly (readonly [Config, RegExp])[] = [
      [{ ...small, steps: 2, epochs: undefined, seed: 1 }, /of a run with another seed/],
      [
        { ...small, steps: 3, epochs: undefined, clip: { kind: 'flat', l2ClipNorm: 1 } },
        /another steps, clip\.l2ClipNorm|another clip\.l2ClipNorm, steps/,
      ],
    ]
    for (const [config, sentence] of refused) {
      const { status, err } = await trained(config, '--out', out, '--resume')
      expect([status, err]).toEqual([2, expect.stringMatching(sentence)])
    }
    writeFileSync(join(out, 'checkpoint.safetensors'), 'rubbish')
    const damaged = await train([path, '--out', out, '--resume'])
    expect([damaged.status, damaged.err]).toEqual([
      1,
      expect.stringMatching(/checkpoint\.safetensors: the safetensors file: found/),
    ])
  })

  it('does not go on where one record is another: the noise would be the same, and the difference that record', async () => {
    const folder = temporaryFolder()
    const records = (count: number): string[] => Array.from({ length: count }, (_, i) => `${(i * 7) % 11},${i % 2}`)
    const lines = records(1000)
    const write = (name: string, of: readonly string[]): void =>
      writeFileSync(join(folder, name), `x,y\n${of.join('\n')}\n`)
    write('train.csv', lines)
    write('test.csv', records(10))
    const columns = { x: { kind: 'number' }, y: { kind: 'label', classes: 2 } }
    const data = { kind: 'csv', train: 'train.csv', test: 'test.csv', columns }
    const path = join(folder, 'run.json')
    writeFileSync(path, JSON.stringify({ ...small, model: { kind: 'mlp', hidden: [2] }, data }))
    expect((await train([path], after(2))).status).toBe(130)
    for (const changed of [5, 501, 999]) {
      write('train.csv', lines.with(changed, '100,0'))
      const { status, err } = await train([path, '--resume'])
      expect([changed, status, err]).toEqual([changed, 2, expect.stringMatching(/it is of a run on other data/)])
    }
    write('train.csv', lines)
    expect((await train([path, '--resume'])).status).toBe(0)
  })

  it('without noise says that there is no privacy', async () => {
    const path = fileOf({ ...small, noise: { noiseMultiplier: 0 } })
    const stopped = await train([path], after(7))
    expect(stopped.status).toBe(130)
    const { status, out, err } = await train([path, '--resume'])
    expect([status, err]).toEqual([0, expect.stringMatching(/ε ∞/)])
    expect(out).toMatch(/Privacy +none: there was no noise/)
    const report = JSON.parse(readFileSync(join(path.replace('.json', ''), 'report.json'), 'utf8'))
    expect([report.epsilon, report.curve[0].epsilon]).toEqual(['Infinity', 'Infinity'])
  })

  it('with secure keys says so, and answers in JSON', async () => {
    const { status, out } = await trained({ ...small, secure: true }, '--json')
    const report = JSON.parse(out)
    expect([status, report.noise]).toEqual([0, 'secure'])
    expect(report.event).toMatch(/secure/)
    expect(out).not.toMatch(/from a seed/)
  })

  it('--plan says what it would cost, and does nothing', async () => {
    const path = fileOf({ ...small, data: { kind: 'digits', train: 600, test: 20 } })
    const { status, out } = await train([path, '--plan'])
    expect([status, existsSync(path.replace('.json', ''))]).toEqual([0, false])
    expect(out).toMatch(
      /Plan: 100 steps of 12 expected examples, C = 0\.5, σ = \d\.\d{4} for ε = 5: ε = (5\.0000|4\.9\d+) at δ = 0\.00001 by rdp/,
    )
  })

  it('--schema is a JSON Schema of the file', async () => {
    const { status, out } = await train(['--schema'])
    const schema = JSON.parse(out)
    expect([status, schema]).toEqual([0, runJsonSchema()])
    expect(schema.required.toSorted()).toEqual(['delta', 'model', 'noise', 'optimizer'])
    expect(schema.additionalProperties).toBe(false)
    expect(out).toContain('preActivationResNet20')
  })
})

describe('one seed', () => {
  const data = { train: drawDigits({ count: 40, key: key(1) }), test: drawDigits({ count: 10, key: key(2) }) }
  const started = (change: Config) => {
    const config = parseRun({ ...small, ...change })
    if (E.isLeft(config)) expect.fail(JSON.stringify(config.left))
    const plan = planRun(config.right, data, wasm({ threads: 1 }))
    if (E.isLeft(plan)) expect.fail(plan.left.join())
    return startOf(plan.right, config.right)
  }

  it('gives runs that differ keys of their own, whose noise composes; how a run is computed changes nothing', () => {
    const { keys, params } = started({})
    expect(started({ threads: 2, physicalBatchSize: 7, checkpointSeconds: 5, title: 'the same' })).toEqual(started({}))
    for (const change of [{ clip: { kind: 'flat', l2ClipNorm: 0.6 } }, { epochs: 3 }, { delta: 1e-6 }]) {
      const other = started(change)
      expect(other.params).toEqual(params)
      expect(other.keys.noise).not.toEqual(keys.noise)
      expect(other.keys.sampling).not.toEqual(keys.sampling)
    }
    expect(started({ seed: 1 }).keys.noise).not.toEqual(keys.noise)
  })
})

describe('every choice has a plan, and takes a step', () => {
  const backend = wasm({ threads: 1 })
  const digits = { train: drawDigits({ count: 40, key: key(1) }), test: drawDigits({ count: 10, key: key(2) }) }
  const step = (change: Config, data = digits): void => {
    const config = parseRun(JSON.parse(JSON.stringify({ ...small, steps: 8, epochs: undefined, ...change })))
    if (E.isLeft(config)) expect.fail(JSON.stringify(config.left))
    const plan = planRun(config.right, data, backend)
    if (E.isLeft(plan)) expect.fail(plan.left.join('\n'))
    const { state } = plan.right.step(data.train)(startOf(plan.right, config.right))
    expect(state.step).toBe(1)
  }
  const moments = { beta1: 0.9, beta2: 0.99, epsilon: 1e-6 }
  const variations: readonly Config[] = [
    ...['smallCnn', 'logisticRegression', 'scatteringLinear'].map((name) => ({ model: { kind: name } })),
    {
      model: {
        kind: 'layers',
        layers: {
          conv: { _tag: 'Conv2d', outputs: 4, kernel: 3, stride: 2, padding: [1, 1] },
          norm: { _tag: 'GroupNorm', groups: 2 },
          act: { _tag: 'Plain', name: 'relu' },
          same: { _tag: 'WeightStandardised', of: { _tag: 'Conv2d', outputs: 4, kernel: 3, padding: 'same' } },
          pool: { _tag: 'AdaptiveAvgPool2d', output: 2 },
          flat: { _tag: 'Plain', name: 'flatten' },
          head: { _tag: 'Linear', outputs: 10 },
        },
        wiring: ['conv', 'norm', 'act', { residual: ['same'] }, 'pool', 'flat', 'head'],
      },
    },
    {
      optimizer: {
        kind: 'sgd',
        learningRate: 1,
        nesterov: true,
        momentum: 0.5,
        weightDecay: 1e-4,
        average: { kind: 'tail', from: 2 },
      },
    },
    ...['adam', 'adamw', 'nadam', 'radam', 'adamax', 'lamb'].map((name) => ({
      optimizer: { kind: name, learningRate: 0.01, ...moments },
    })),
    { optimizer: { kind: 'lion', learningRate: 0.01, beta1: 0.9 } },
    { optimizer: { kind: 'rmsprop', learningRate: 0.01, decay: 0.9, centered: true, momentum: 0.5 } },
    { optimizer: { kind: 'adagrad', learningRate: 0.01, initialSum: 0.1, learningRateDecay: 0.1 } },
    { optimizer: { kind: 'adadelta', learningRate: 1, decay: 0.9 } },
    ...[
      { kind: 'constant', value: 1 },
      { kind: 'cosine', initial: 1, minimum: 0.1 },
      { kind: 'cosineWarmRestarts', initial: 1, firstPeriod: 3, factor: 2 },
      { kind: 'oneCycle', maximum: 1, anneal: 'linear' },
      { kind: 'linear', initial: 1, startFactor: 1, endFactor: 0 },
      { kind: 'polynomial', initial: 1, power: 2 },
      { kind: 'exponential', initial: 1, gamma: 0.9 },
      { kind: 'stepDecay', initial: 1, stepSize: 2, gamma: 0.5 },
      { kind: 'multiStep', initial: 1, milestones: [2, 4], gamma: 0.5, warmUp: 3 },
    ].map((learningRate) => ({ optimizer: { kind: 'sgd', learningRate } })),
    ...[
      { kind: 'flat', l2ClipNorm: { kind: 'exponential', initial: 1, gamma: 0.9 }, normalised: true },
      { kind: 'autoS', l2ClipNorm: 1, stability: 0.1 },
      { kind: 'autoV', l2ClipNorm: 1 },
      { kind: 'psac', l2ClipNorm: 1 },
      { kind: 'global', l2ClipNorm: 1, threshold: 3 },
      { kind: 'perGroup', by: 'parameter', shares: 'byDimension', l2ClipNorm: 1 },
      { kind: 'adaptive', initialClipNorm: 1, by: 'layer', targetQuantile: 0.6, countDeviation: 5 },
    ].map((clip) => ({ clip })),
    { sampler: { kind: 'truncatedPoisson', expectedBatchSize: 8, truncatedBatchSize: 12 }, accountant: 'pld' },
    { sampler: { kind: 'cyclicPoisson', expectedBatchSize: 4, cycle: 4 } },
    {
      sampler: { kind: 'withoutReplacement', batchSize: 8 },
      neighbouring: 'replaceOne',
      noise: { noiseMultiplier: 2 },
    },
    { sampler: { kind: 'shuffled', batches: 4 }, neighbouring: 'replaceOne', noise: { noiseMultiplier: 2 } },
    ...['rdp', 'pld', 'prv', 'exact'].map((accountant) => ({
      accountant,
      noise: { noiseMultiplier: { kind: 'linear', initial: 2, startFactor: 1, endFactor: 0.5 } },
    })),
    { accountant: 'gdp', sampler: { kind: 'poisson', expectedBatchSize: 40 } },
    { grid: { gridSpacing: 1e-4 } },
    { budget: 3, physicalBatchSize: { bytes: 1e6 } },
  ]
  it.each(variations.map((change) => [JSON.stringify(change).slice(0, 100), change] as const))('%s', (_, change) =>
    step(change),
  )

  it('CIFAR from files of records, in memory and on disk', async () => {
    for (const name of [1, 2, 3, 4, 5].map((part) => `data_batch_${part}.bin`).concat('test_batch.bin'))
      writeFileSync(join(dir, name), cifarRecords([[1], [2], [3]]))
    for (const onDisk of [false, true]) {
      const data = await readData(
        { kind: 'cifar10', path: dir, onDisk, normalisation: { mean: [0.5, 0.5, 0.5], std: 0.25 } },
        '/',
      )()
      if (E.isLeft(data)) expect.fail(JSON.stringify(data.left))
      expect([data.right.train.length, data.right.test.length]).toEqual([15, 3])
      for (const name of ['cifarCnn', 'resNet20'])
        step({ model: { kind: name }, sampler: { kind: 'poisson', expectedBatchSize: 2 }, steps: 1 }, data.right)
    }
  })

  it('tables, arrays and IDX files, by paths relative to the file', async () => {
    writeFileSync(join(dir, 'a.csv'), 'x,y,c\n1,2,no\n3,4,yes\n5,6,no\n')
    const pair = { x: tensor([1, 2, 3, 4, 5, 6], [3, 2]), y: tensor([0, 1, 0], [3], 'int32') }
    writeFileSync(join(dir, 'x.npy'), encodeNpy(pair.x))
    writeFileSync(join(dir, 'y.npy'), encodeNpy(pair.y))
    writeFileSync(join(dir, 'both.npz'), encodeNpz(pair))
    writeFileSync(join(dir, 'images'), encodeIdx('float32', [3, 1, 2], [1, 2, 3, 4, 5, 6]))
    writeFileSync(join(dir, 'labels'), encodeIdx('uint8', [3], [0, 1, 0]))
    const [arrays, names, idx] = [
      { inputs: 'x.npy', labels: 'y.npy' },
      { inputs: 'x', labels: 'y' },
      { images: 'images', labels: 'labels' },
    ]
    const columns = { x: { kind: 'number' }, y: { kind: 'number' }, c: { kind: 'label', classes: ['no', 'yes'] } }
    const choices: readonly Config[] = [
      { kind: 'csv', train: 'a.csv', test: 'a.csv', columns },
      { kind: 'npy', train: arrays, test: arrays, classes: 2 },
      { kind: 'npz', archive: 'both.npz', train: names, test: names, classes: 2 },
      { kind: 'idxOnDisk', train: idx, test: idx, classes: 2 },
    ]
    for (const data of choices) {
      const { status, err } = await trained({
        ...{
          ...small,
          data,
          model: { kind: 'logisticRegression' },
          sampler: { kind: 'poisson', expectedBatchSize: 2 },
        },
        ...{ steps: 1, epochs: undefined },
      })
      expect([status, err]).toEqual([0, expect.stringMatching(/3 examples to train on, 3 to test on/)])
    }
  })
})

describe('a file that cannot be meant: every problem at once, in a sentence with its path and what is allowed, and status 2', () => {
  const without = (field: keyof typeof small): Config =>
    Object.fromEntries(Object.entries(small).filter(([name]) => name !== field))
  const cases: readonly (readonly [unknown, readonly RegExp[]])[] = [
    ['{ "data": 1, }', [/must hold JSON, and does not in line 1, column 14/]],
    [[], [/The configuration must be an object, not \[\]/]],
    [
      {},
      [
        /model is missing/,
        /optimizer is missing/,
        /noise is missing/,
        /delta is missing: it must be a number above 0 and below 1/,
      ],
    ],
    [{ ...small, dleta: 1 }, [/dleta is no field of the configuration: it has .*delta/]],
    [{ ...small, delta: 1 }, [/delta must be a number above 0 and below 1, not 1/]],
    [{ ...small, delta: '1e-5' }, [/delta must be .*, not "1e-5"/]],
    [without('clip'), [/clip is missing/]],
    [without('sampler'), [/sampler is missing/]],
    [without('epochs'), [/epochs is missing: .*steps/]],
    [{ ...small, steps: 3 }, [/steps must be left out where there are epochs, not 3/]],
    [{ ...small, phases: [{ steps: 1 }] }, [/epochs must be left out where there are phases/]],
    [{ ...without('epochs'), phases: [] }, [/phases must be a list of phases, not \[\]/]],
    [
      { ...without('epochs'), phases: [{ steps: 1 }, { steps: 0.5 }] },
      [/phases\[1\]\.steps must be a whole number of at least 1, not 0\.5/],
    ],
    [{ ...without('epochs'), phases: [{}] }, [/phases\[0\]\.epochs is missing/]],
    [{ ...small, data: { kind: 'mnist' } }, [/data\.kind must be one of digits, idx, .*, not "mnist"/]],
    [{ ...small, data: { kind: 'idx' } }, [/data\.folder is missing: it must be the path/]],
    [{ ...small, data: { kind: 'digits', train: 0 } }, [/data\.train must be a whole number of at least 1, not 0/]],
    [
      { ...small, data: { kind: 'csv', train: 'a', test: 'a', columns: { a: { kind: 'date' } } } },
      [/data\.columns\.a\.kind must be one of label, number, category, ignored, not "date"/],
    ],
    [{ ...small, model: 'cnn' }, [/model must be an object with a field kind, not "cnn"/]],
    [{ ...small, model: { kind: 'mlp', hidden: [] } }, [/model\.hidden must be a list of widths, not \[\]/]],
    [
      { ...small, model: { kind: 'mlp', hidden: [3, -1] } },
      [/model\.hidden\[1\] must be a whole number of at least 1, not -1/],
    ],
    [
      { ...small, model: { kind: 'mlp', hidden: [3], activation: 'gelu' } },
      [/model\.activation must be relu or tanh, not "gelu"/],
    ],
    [
      {
        ...small,
        model: {
          kind: 'layers',
          layers: { a: { _tag: 'Plain', name: 'flatten' }, b: { _tag: 'Linear', outputs: 3 } },
          wiring: ['a', 'b'],
        },
      },
      [/model must be one with an output for each of the 10 classes of the data, not outputs of shape \[3\]/],
    ],
    [
      { ...small, model: { kind: 'layers', layers: { a: { _tag: 'Conv2d', outputs: 10, kernel: 40 } }, wiring: 'a' } },
      [/model must be one that takes inputs of shape \[1,28,28\] \(/],
    ],
    [
      {
        ...small,
        model: {
          kind: 'layers',
          layers: { norm: { _tag: 'BatchNorm', channels: 1, axes: 2 }, spare: { _tag: 'LayerNorm' } },
          wiring: ['norm', 'head'],
        },
      },
      [
        /model: norm normalises over the samples of a batch/,
        /model: spare is in no wiring/,
        /model: head is in the wiring and not among the layers/,
      ],
    ],
    [
      { ...small, model: { kind: 'layers', layers: { a: { _tag: 'Conv2d', kernel: 3 } }, wiring: 3 } },
      [/model\.layers\.a\.outputs is missing/, /model\.wiring must be the name of a layer, a list, or an object/],
    ],
    [{ ...small, optimizer: { kind: 'sgd' } }, [/optimizer\.learningRate is missing/]],
    [
      { ...small, optimizer: { kind: 'sgd', learningRate: 0 } },
      [/optimizer\.learningRate must be a number above 0, not 0/],
    ],
    [
      { ...small, optimizer: { kind: 'sgd', learningRate: 1, momentum: 1 } },
      [/optimizer\.momentum must be a number of at least 0 and below 1, not 1/],
    ],
    [
      { ...small, optimizer: { kind: 'sgd', learningRate: 1, beta1: 0 } },
      [/optimizer\.beta1 is no field of optimizer/],
    ],
    [
      { ...small, optimizer: { kind: 'sgd', learningRate: { kind: 'cosine', minimum: -1 } } },
      [/optimizer\.learningRate\.initial is missing/, /optimizer\.learningRate\.minimum must be/],
    ],
    [
      { ...small, optimizer: { kind: 'sgd', learningRate: { kind: 'sine' } } },
      [/optimizer\.learningRate\.kind must be one of constant, cosine/],
    ],
    [
      { ...small, optimizer: { kind: 'sgd', learningRate: 1, average: { kind: 'mean' } } },
      [/optimizer\.average\.kind must be one of exponential, tail/],
    ],
    [{ ...small, clip: { kind: 'flat' } }, [/clip\.l2ClipNorm is missing/]],
    [{ ...small, clip: { kind: 'flat', l2ClipNorm: 1e30 } }, [/clip\.l2ClipNorm must be in \[2\^-80, 2\^80\]/]],
    [
      { ...small, clip: { kind: 'adaptive', initialClipNorm: 1, targetQuantile: 1 } },
      [/clip\.targetQuantile must be a number above 0 and below 1, not 1/],
    ],
    [
      { ...small, sampler: { kind: 'poisson', expectedBatchSize: 61 } },
      [/sampler\.expectedBatchSize must be .* 60 examples to train on, not 61/],
    ],
    [{ ...small, sampler: { kind: 'shuffled', batches: 61 } }, [/sampler\.batches must be .* 60 examples/]],
    [{ ...small, sampler: { kind: 'shuffled', batches: 3 } }, [/accountant|targetEpsilon/]],
    [{ ...small, noise: {} }, [/noise must be an object with targetEpsilon, or with noiseMultiplier, not \{\}/]],
    [{ ...small, noise: { targetEpsilon: 1, noiseMultiplier: 1 } }, [/noise/]],
    [{ ...small, noise: { targetEpsilon: 0 } }, [/noise\.targetEpsilon must be a number above 0, not 0/]],
    [{ ...small, noise: { noiseMultiplier: -1 } }, [/noise\.noiseMultiplier must be a number of at least 0/]],
    [{ ...small, noise: { noiseMultiplier: 1 }, budget: 1e-6 }, [/budget must be enough for the first step/]],
    [{ ...small, accountant: 'moments' }, [/accountant must be rdp, pld, prv, exact or gdp, not "moments"/]],
    [{ ...small, accountant: 'gdp' }, [/accountant|targetEpsilon/]],
    [
      { ...small, neighbouring: 'replace' },
      [/neighbouring must be addOrRemoveOne, replaceOne or replaceSpecial, not "replace"/],
    ],
    [{ ...small, grid: 1 }, [/grid must be true, false or an object with gridSpacing, not 1/]],
    [{ ...small, seed: 0.5 }, [/seed must be a whole number, not 0\.5/]],
    [{ ...small, secure: 'yes' }, [/secure must be true or false, not "yes"/]],
    [{ ...small, physicalBatchSize: 0 }, [/physicalBatchSize must be a whole number of at least 1, not 0/]],
    [{ ...small, threads: 0 }, [/threads must be a whole number of at least 1, not 0/]],
    [{ ...small, evaluateEvery: -5 }, [/evaluateEvery must be a whole number of at least 1, not -5/]],
    [{ ...small, checkpointSeconds: 0 }, [/checkpointSeconds must be a number above 0, not 0/]],
    [
      { ...small, delta: 2, seed: 'x', clip: { kind: 'flat', l2ClipNorm: -1, norm: 1 } },
      [/delta must/, /seed must/, /clip\.l2ClipNorm must/, /clip\.norm is no field of clip/],
    ],
  ]
  it.each(
    cases.map(
      ([config, sentences]) =>
        [
          JSON.stringify(config).replace(JSON.stringify(small).slice(1, -1), '…').slice(0, 120),
          config,
          sentences,
        ] as const,
    ),
  )('%s', async (_, config, sentences) => {
    const path = fileOf(config)
    const { status, out, err } = await train([path])
    for (const sentence of sentences) expect(err).toMatch(sentence)
    const lines = err.trim().split('\n')
    expect(lines).toHaveLength(sentences.length)
    for (const line of lines) expect(line).toMatch(/^\S+\.json[ :].*\.$/)
    expect([status, out, existsSync(path.replace('.json', ''))]).toEqual([2, '', false])
  })

  it.each<readonly [string, readonly string[], RegExp]>([
    ['no file', [], /^<config> is missing: it must be the JSON file of a run\.$/],
    [
      'a file that is not there',
      ['/no/such.json'],
      /^\/no\/such\.json must be the name of a file that can be read: there is no such file\.$/,
    ],
    ['a folder', ['/tmp'], /it is a folder/],
    ['two files', ['a', 'b'], /'b' must not be given: train takes <config> and flags/],
    ['an unknown flag', ['a', '--epsilon', '3'], /--epsilon is no flag of train/],
    ['no threads', ['a', '--threads', '0'], /^--threads must be a whole number of at least 1, not '0'\.$/],
    ['resume and overwrite', [fileOf(small), '--resume', '--overwrite'], /exclude each other/],
  ])('%s', async (_, argv, sentence) => {
    const { status, err } = await train(argv)
    expect([status, err.trim()]).toEqual([2, expect.stringMatching(sentence)])
  })

  it('data that cannot be read are no fault of the arguments', async () => {
    const { status, err } = await trained({ ...small, data: { kind: 'idx', folder: 'nowhere' } })
    expect([status, err]).toEqual([1, expect.stringMatching(/nowhere: there is no such folder\.\n$/)])
  })
})

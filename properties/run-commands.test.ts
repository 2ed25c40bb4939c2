/**
 * `fp-dp audit`, `report` and `validate`: what an attack proves, what a run has spent, and what is wrong with a model.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, it } from 'vitest'
import { fpDp } from '../src/cli/fp-dp.js'
import { inMemory } from '../src/data/index.js'
import { crossEntropy, linear } from '../src/grad/index.js'
import { fix, type ModelSpec, validate } from '../src/models/index.js'
import { sgd } from '../src/optim/index.js'
import { Event, epsilonOf, exact, flatClip, gdp, guessBothEnds, oneRunEpsilon } from '../src/privacy/index.js'
import { key, standardNormals } from '../src/sampling/index.js'
import { checkpointSpending, dpSgd, encodeCheckpoint } from '../src/train/index.js'
import { runInProcess } from './laws/in-process.js'
import { temporaryFolder } from './runs/temporary-folder.js'

const program = fpDp('0.0.0')
const folder = temporaryFolder()
const write = (name: string, content: string | Uint8Array): string => {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

const right = <A>(found: E.Either<unknown, A>): A =>
  E.isRight(found) ? found.right : expect.fail(JSON.stringify(found.left))

const run = async (...line: readonly string[]) => {
  const { status, out, err } = await runInProcess(program, line)
  expect(err).toBe('')
  return { status, out }
}

interface Audited {
  readonly refuted?: boolean
  readonly claimed?: number
  readonly bounds: readonly { readonly name: string; readonly epsilon: number; readonly counts: boolean }[]
}
const audit = async (...line: readonly string[]): Promise<Audited & { readonly status: number }> => {
  const { status, out } = await run('audit', ...line, '--json')
  return { status, ...(JSON.parse(out) as Audited) }
}

describe('fp-dp audit', () => {
  /** Canaries whose scores are `apart` deviations apart. */
  const canaries = (apart: number, seed: number) =>
    Array.from(standardNormals(800)(key(seed)), (score, i) => ({
      member: i % 2 === 0,
      score: i % 2 === 0 ? score + apart : score,
    }))
  const csvOf = (rows: readonly { readonly member: boolean; readonly score: number }[]): string =>
    `member,score\n${rows.map(({ member, score }) => `${member ? 1 : 0},${score}`).join('\n')}\n`

  it('proves what the library proves, from CSV and from JSON', async () => {
    const rows = canaries(3, 1)
    const found = await audit(write('a.csv', csvOf(rows)), '--guesses', '100')
    const scores = {
      members: rows.filter(({ member }) => member).map(({ score }) => score),
      nonMembers: rows.filter(({ member }) => !member).map(({ score }) => score),
    }
    expect(found.bounds[0]?.epsilon).toBe(
      oneRunEpsilon({ significance: 0.05, delta: 1e-5 })(guessBothEnds(100)(scores)),
    )
    expect(await audit(write('a.json', JSON.stringify(rows)), '--guesses', '100')).toEqual(found)
    expect(found.refuted).toBeUndefined()
    expect(found.status).toBe(0)
  })

  it('refutes a claim that is too small, with status 3, and by bounds that count alone', async () => {
    const path = write('b.csv', csvOf(canaries(3, 2)))
    const { bounds } = await audit(path)
    const [oneRun, gaussian] = bounds.map(({ epsilon }) => epsilon) as [number, number]
    expect(gaussian).toBeGreaterThan(oneRun)
    expect(await audit(path, '--claimed-epsilon', `${oneRun * 0.9}`)).toMatchObject({ refuted: true, status: 3 })
    const between = `${0.5 * (oneRun + gaussian)}`
    expect(await audit(path, '--claimed-epsilon', between)).toMatchObject({ refuted: false, status: 0 })
    expect(await audit(path, '--claimed-epsilon', between, '--gaussian')).toMatchObject({ refuted: true, status: 3 })
  })

  it('refutes hardly any of many true claims', async () => {
    // Scores that differ by μ are those of a μ-GDP mechanism: its ε is known.
    const mu = 1
    const claim = right(epsilonOf(gdp(), 1e-5)(Event.gaussian(1 / mu))).upper
    let refuted = 0
    for (let seed = 100; seed < 120; seed++) {
      const path = write('true.csv', csvOf(canaries(mu, seed)))
      const found = await audit(path, '--claimed-epsilon', `${claim}`, '--independent', '--gaussian')
      refuted += found.status === 3 ? 1 : 0
    }
    // 20 trials at 0.05: more than five has a probability below 3e-4.
    expect(refuted).toBeLessThanOrEqual(5)
  })

  it('trains the built-in model, and computes its claim', async () => {
    const training = ['--noise-multiplier', '2', '--sampling-probability', '1', '--steps', '2']
    const found = await audit('--train', ...training, '--canaries', '200', '--gaussian')
    expect(found.claimed).toBe(right(epsilonOf(exact(), 1e-5)(Event.selfComposed(2)(Event.gaussian(2)))).upper)
    // Half of them are far from a coin's guesses.
    expect(found.bounds[0]?.epsilon).toBeGreaterThan(0.1)
    expect(found).toMatchObject({ refuted: false, status: 0 })
  })

  it('draws the attack beside the claim', async () => {
    const svg = join(folder, 'attack.svg')
    await run('audit', write('c.csv', csvOf(canaries(2, 3))), '--claimed-epsilon', '8', '--output', svg)
    expect(readFileSync(svg, 'utf8')).toMatch(/most under the claim ε = 8, δ = 1e-5/)
  })
})

describe('fp-dp report', () => {
  const model = linear(2)
  const plan = right(
    dpSgd({
      ...{ model, loss: crossEntropy, inputShape: [3], optimizer: sgd({ learningRate: 0.1 }), clip: flatClip(1) },
      ...{ noise: { noiseMultiplier: 1.5 }, delta: 1e-4, samplingProbability: 1, expectedBatchSize: 40, steps: 400 },
    }),
  )
  const data = right(
    inMemory({
      ...{ pixels: Array.from({ length: 120 }, (_, i) => i % 7), labels: Array.from({ length: 40 }, (_, i) => i % 2) },
      ...{ inputShape: [3], classes: 2, normalisation: { range: 1, mean: 0, std: 1 } },
    }),
  )
  let state = plan.init(key(0))
  for (let step = 0; step < 5; step++) state = plan.step(data)(state).state
  const checkpoint = encodeCheckpoint(plan)(state)

  it('a checkpoint says what was released, without its plan', () => {
    expect(right(checkpointSpending(checkpoint))).toEqual({
      ...{ ledger: state.ledger, step: 5, steps: 400, delta: 1e-4, model: model.name },
    })
  })

  it('no byte of a checkpoint is changed without notice', () =>
    fc.assert(
      fc.property(fc.nat(checkpoint.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const damaged = checkpoint.slice()
        damaged[at] = (damaged[at] as number) ^ change
        expect(E.isLeft(checkpointSpending(damaged))).toBe(true)
      }),
      { numRuns: 50 },
    ))

  it.each(['folder', 'checkpoint', 'json'] as const)('reports what a %s has spent', async (kind) => {
    const of = join(folder, `run-${kind}`)
    mkdirSync(of)
    const path = join(of, kind === 'json' ? 'ledger.json' : 'checkpoint.safetensors')
    writeFileSync(path, kind === 'json' ? JSON.stringify({ ledger: state.ledger, delta: 1e-4 }) : checkpoint)
    const { out } = await run('report', kind === 'folder' ? of : path, '--unit', 'one patient', '--json')
    const report = JSON.parse(out)
    const { upper } = right(epsilonOf(exact(), 1e-4)(state.ledger))
    expect(report).toMatchObject({ unit: 'one patient', accountant: 'exact', ledger: state.ledger })
    expect(report.epsilons.map(({ delta }: { readonly delta: number }) => delta)).toEqual([1e-4, 1e-5, 1e-6])
    expect(report.epsilons[0].upper).toBe(upper)
    expect(Object.keys(report.curves)).toEqual(['delta-by-epsilon', 'trade-off'])
  })

  it('writes the document and its curves', async () => {
    const to = join(folder, 'written')
    await run(
      'report',
      write('ledger.json', JSON.stringify(Event.gaussian(2))),
      '--to',
      to,
      '--assumption',
      'Each patient has one record.',
    )
    const markdown = readFileSync(join(to, 'privacy.md'), 'utf8')
    expect(markdown).toContain('- Each patient has one record.')
    for (const [, name] of markdown.matchAll(/\]\(([\w-]+\.svg)\)/g))
      expect(readFileSync(join(to, name as string), 'utf8')).toMatch(/^<svg /)
    expect(markdown).toMatch(/\(trade-off\.svg\)/)
    expect(JSON.parse(readFileSync(join(to, 'privacy.json'), 'utf8')).format).toBe('fp-dp privacy report 1')
  })
})

describe('fp-dp validate', () => {
  const faulty: ModelSpec = {
    layers: {
      conv: { _tag: 'Conv2d', outputs: 16, kernel: 3, padding: 1 },
      norm: { _tag: 'BatchNorm', channels: 16, axes: 2 },
      pool: { _tag: 'AdaptiveAvgPool2d', output: 1 },
      flat: { _tag: 'Plain', name: 'flatten' },
      head: { _tag: 'SpectralNorm', of: { _tag: 'Linear', outputs: 10 } },
      spare: { _tag: 'Linear', outputs: 2 },
    },
    wiring: ['conv', 'norm', 'pool', 'flat', 'head'],
  }
  const path = write('model.json', JSON.stringify(faulty))

  it('names every problem at once, with status 1', async () => {
    const { status, out } = await run('validate', path, '--json')
    const { problems } = JSON.parse(out) as { readonly problems: readonly string[] }
    expect(problems).toHaveLength(E.isLeft(validate(faulty)) ? 3 : Number.NaN)
    for (const [i, layer] of ['norm', 'head', 'spare'].entries()) expect(problems[i]).toContain(layer)
    expect(status).toBe(1)
  })

  it('mends a model, says what it changed, and what it wrote is valid', async () => {
    const to = join(folder, 'mended.json')
    const { status, out } = await run('validate', path, '--fix', '--to', to)
    const { model, changes } = fix(faulty)
    expect(JSON.parse(readFileSync(to, 'utf8'))).toEqual(model)
    for (const { what } of changes) expect(out).toContain(what)
    expect(status).toBe(0)
    const again = await run('validate', to, '--input-shape', '3,32,32')
    // 3·16·9 + 16 of the convolution, 2·16 of the normalisation, 16·10 + 10 of the head.
    expect(again.out).toMatch(/is a valid model\.\nTakes \[3,32,32\], gives \[10\]; 650 parameters\./)
    expect(again.status).toBe(0)
  })

  it('prints the mended file, and leaves to people what it cannot mend', async () => {
    const twice = write('twice.json', JSON.stringify({ ...faulty, wiring: ['conv', 'conv', 'lost'] }))
    const { status, out } = await run('validate', twice, '--fix', '--json')
    const { fixed, problems } = JSON.parse(out) as { readonly fixed: ModelSpec; readonly problems: readonly string[] }
    expect(problems.join(' ')).toMatch(/conv is in the wiring 2 times.*lost is in the wiring and not among the layers/)
    expect(Object.keys(fixed.layers)).toEqual(['conv'])
    expect(status).toBe(1)
  })

  it('finds the problems of a run, and those of the model in it', async () => {
    const { out, status } = await run(
      ...['validate', write('run.json', JSON.stringify({ model: { kind: 'layers', ...faulty }, delta: 2 })), '--json'],
    )
    const { kind, problems } = JSON.parse(out) as { readonly kind: string; readonly problems: readonly string[] }
    expect(kind).toBe('run')
    for (const words of [
      /^delta must be .* not 2/,
      /^noise is missing/,
      /^optimizer is missing/,
      /^model: norm normalises over/,
    ])
      expect(problems.filter((one) => words.test(one))).toHaveLength(1)
    expect(status).toBe(1)
  })
})

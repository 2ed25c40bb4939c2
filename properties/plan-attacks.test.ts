/**
 * Attacks on a plan: keys that would draw twice, settings that change after they were checked, states of other phases.
 */
import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, it } from 'vitest'
import { crossEntropy, linear, sequential, tanh } from '../src/grad/index.js'
import { sgd } from '../src/optim/index.js'
import {
  type Accountant,
  byLayer,
  byPrefix,
  clippedGrad,
  Event,
  flatClip,
  type RdpCurve,
  rdp,
} from '../src/privacy/index.js'
import {
  type BatchSampler,
  ballsAndBinsSampler,
  cyclicPoissonSampler,
  foldIn,
  type Key,
  key,
  poissonSampler,
  shuffledSampler,
  truncatedPoissonSampler,
  withoutReplacementSampler,
  withReplacementSampler,
} from '../src/sampling/index.js'
import { reference } from '../src/tensor/backend/reference.js'
import { flatten, type Tree, toArray } from '../src/tensor/index.js'
import {
  decodeCheckpoint,
  dpTraining,
  encodeCheckpoint,
  type Phase,
  readCheckpoint,
  writeCheckpoint,
} from '../src/train/index.js'
import { anyKey } from './arbitraries/key.js'
import { clusters } from './runs/clusters.js'
import { temporaryFolder } from './runs/temporary-folder.js'

const right = <L, A>(either: E.Either<L, A>): A => {
  if (E.isLeft(either)) throw new Error(JSON.stringify(either.left))
  return either.right
}

const data = clusters(60)
const base = {
  model: sequential(linear(8), tanh, linear(3)),
  loss: crossEntropy,
  inputShape: [4],
  optimizer: sgd({ learningRate: 0.5 }),
  delta: 1e-5,
  backend: reference,
} as const
const phase = { steps: 4, clip: flatClip(1), noiseMultiplier: 0.8, samplingProbability: 0.2, expectedBatchSize: 12 }
const { samplingProbability: _, ...unsampled } = phase

const planOf = (config: { readonly phases: readonly Phase[]; readonly budget?: number }) =>
  right(dpTraining({ ...base, ...config }))
type Plan = ReturnType<typeof planOf>

const run = (plan: Plan, state = plan.init(key(1)), until = plan.settings.steps) => {
  const step = plan.step(data)
  let at = state
  while (at.step < until) at = step(at).state
  return at
}
const reason = (checked: E.Either<readonly { readonly requirement?: string }[], unknown>): string =>
  E.isLeft(checked) ? JSON.stringify(checked.left) : ''

describe('keys', () => {
  it('one key for parameters and for secrets is no key used twice', () => {
    const plan = planOf({ phases: [phase] })
    fc.assert(
      fc.property(anyKey, (one) => {
        expect(plan.init(one, one)).toEqual(plan.init(one))
        // Layers draw their parameters from descendants of the first child.
        expect(plan.init(one, one).keys.sampling).not.toEqual(foldIn(0)(one))
      }),
      { numRuns: 20 },
    )
  })

  /** Reads every event, and counts it as one Gaussian: where batches come from is what is tested here. */
  const reader: Accountant<RdpCurve> = {
    ...rdp(),
    interpret: (event) => rdp().interpret(event._tag === 'NoOp' ? event : Event.gaussian(1)),
  }
  const samplers: Readonly<Record<string, BatchSampler>> = {
    poisson: poissonSampler({ samplingProbability: 0.2 }),
    'truncated Poisson': truncatedPoissonSampler({ datasetSize: 60, samplingProbability: 0.2, truncatedBatchSize: 20 }),
    'without replacement': withoutReplacementSampler({ datasetSize: 60, batchSize: 12 }),
    'with replacement': withReplacementSampler({ datasetSize: 60, batchSize: 12 }),
    shuffled: shuffledSampler({ datasetSize: 60, batches: 1 }),
    'cyclic Poisson': cyclicPoissonSampler({ samplingProbability: 0.5, cycle: 1 }),
    'balls and bins': ballsAndBinsSampler({ batches: 1 }),
  }

  it.each(Object.entries(samplers))(
    '%s in two phases has two keys, and neither is that of a Poisson step',
    (_, sampler) => {
      const seen: { readonly source: Key; readonly step: number }[] = []
      const watched: BatchSampler = {
        ...sampler,
        batch: (source, step) => {
          seen.push({ source, step })
          return sampler.batch(source, step)
        },
      }
      const own = { ...unsampled, sampler: watched, steps: 2 }
      const plan = right(dpTraining({ ...base, phases: [phase, own, own], accountant: reader }))
      const { keys } = plan.init(key(3))
      for (let t = 0; t < 8; t++) plan.at(t).batch(keys.sampling)(60)
      expect(seen.map(({ step }) => step)).toEqual([0, 1, 0, 1])
      const sources = new Set(seen.map(({ source }) => JSON.stringify(source)))
      expect(sources.size).toBe(2)
      for (const used of [keys.sampling, ...[0, 1, 2, 3].map((t) => foldIn(t)(keys.sampling))])
        expect(sources.has(JSON.stringify(used))).toBe(false)
    },
  )
})

describe('settings that change after the check', () => {
  it('a schedule is asked once a step, and what it said then is accounted, kept within the budget, and run', () => {
    let asked = 0
    const noiseMultiplier = (t: number) => (asked++ < 40 ? 2 + t / 40 : 1e-3)
    const clip = (t: number) => flatClip(asked > 40 ? 1e6 : 2 ** -t)
    const plan = planOf({ phases: [{ ...phase, steps: 40, noiseMultiplier, clip }], budget: 1 })
    expect(asked).toBe(40)
    const { ledger } = run(plan)
    expect(asked).toBe(40)
    expect(plan.settings.steps).toBeLessThan(40)
    expect(plan.spent(ledger).upper).toBeLessThanOrEqual(1)
    expect(ledger).toEqual(plan.event(plan.settings.steps, 'float'))
    expect(plan.at(3).noiseMultiplier).toBe(2 + 3 / 40)
  })

  it('a phase that is written to after the check is the phase that was checked', () => {
    const written: { -readonly [K in keyof typeof phase]: (typeof phase)[K] } = { ...phase }
    const phases = [written]
    const plan = planOf({ phases })
    const before = run(plan)
    Object.assign(written, { noiseMultiplier: 0, steps: 1, clip: flatClip(9), expectedBatchSize: 1 })
    phases.push(written)
    expect(run(plan)).toEqual(before)
  })

  it('a rule whose bound differs from reading to reading is clipped to the bound that its sum promises', () => {
    let reading = 0
    const shifty = {
      factor: (norm: number) => 1e6 / norm,
      get l2Bound() {
        return [1, 100][reading++ % 2] as number
      },
    }
    const { params } = base.model.init(key(0), base.inputShape)
    const { sum, l2Bound } = clippedGrad(base.loss, base.model, shifty, { backend: reference })(params, data.take([3]))
    expect(Math.hypot(...toArray(flatten(sum as Tree)))).toBeLessThanOrEqual(l2Bound)
  })
})

describe('clips that adapt', () => {
  const adaptive = (options: object) => ({
    ...phase,
    steps: 2,
    clip: { adaptive: { initialClipNorm: 2, countDeviation: 20, ...options } },
  })

  it('a phase of other groups begins with its own bounds, though the phase before had groups of those names', () => {
    const inPairs = [adaptive({}), adaptive({ group: byLayer }), adaptive({ group: byPrefix('0') })]
    for (const [first, second] of inPairs.flatMap((a) => inPairs.map((b) => [a, b] as const))) {
      const plan = planOf({ phases: [first, second] })
      const { ledger, bounds } = run(plan)
      expect(ledger).toEqual(plan.event(4, 'float'))
      expect(Object.keys(bounds)).toEqual(Object.keys(run(planOf({ phases: [second] })).bounds))
    }
  })

  it('settings that the first step would refuse are refused with the plan', () => {
    for (const wrong of [{ targetQuantile: 2 }, { learningRate: -1 }, { countDeviation: Number.NaN }])
      for (const target of [{}, { targetEpsilon: 3 }])
        expect(reason(dpTraining({ ...base, phases: [adaptive(wrong)], ...target }))).toMatch(
          new RegExp(`"parameter":"phases".*${Object.keys(wrong)[0]}`),
        )
  })
})

it('a checkpoint is for its owner alone to read, over whatever stood there', async () => {
  const folder = temporaryFolder()
  const path = join(folder, 'run.checkpoint')
  await writeFile(`${path}.part`, 'left behind', { mode: 0o644 })
  await writeFile(path, 'old', { mode: 0o644 })
  const plan = planOf({ phases: [phase] })
  right(await writeCheckpoint(plan)(path)(plan.init(key(0)))())
  if (process.platform !== 'win32') expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect(right(await readCheckpoint(plan, plan.init(key(1)))(path)()).state).toEqual(plan.init(key(0)))
})

it('a run in the middle of an epoch goes on from its checkpoint, and spends what it would have spent', () => {
  for (const sampler of [
    shuffledSampler({ datasetSize: 60, batches: 3 }),
    ballsAndBinsSampler({ batches: 3 }),
    cyclicPoissonSampler({ samplingProbability: 0.5, cycle: 3 }),
  ]) {
    const phases = [phase, { ...unsampled, sampler, steps: 5 }, { ...unsampled, sampler, steps: 4 }]
    const plan = right(dpTraining({ ...base, phases, accountant: rdp({ neighbouring: 'replaceOne' }) }))
    const whole = run(plan)
    for (const until of [5, 8, 10, 12]) {
      const half = run(plan, plan.init(key(1)), until)
      const { state } = right(decodeCheckpoint(plan, plan.init(key(0)))(encodeCheckpoint(plan)(half)))
      expect(encodeCheckpoint(plan)(state)).toEqual(encodeCheckpoint(plan)(half))
      expect(run(plan, state)).toEqual(whole)
      expect(half.ledger).toEqual(plan.event(until, 'float'))
    }
  }
})

it('a grid that cannot hold the bound is refused, noise or none', () => {
  const open = { ...phase, noiseMultiplier: 0, clip: flatClip(Number.POSITIVE_INFINITY) }
  expect(reason(dpTraining({ ...base, phases: [open], grid: true }))).toMatch(/gridSpacing/)
})

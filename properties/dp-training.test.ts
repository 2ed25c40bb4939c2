import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, it } from 'vitest'
import {
  crossEntropy,
  gradientMemory,
  linear,
  perSampleSquaredNorm,
  predict,
  samplesWithin,
  sequential,
  tanh,
  withDropout,
} from '../src/grad/index.js'
import {
  averaged,
  disk,
  type GradientTransformation,
  type OptimizerState,
  sgd,
  tailAverage,
} from '../src/optim/index.js'
import {
  type Accountant,
  byLayer,
  type ClipRule,
  Event,
  epsilonOf,
  flatClip,
  gdp,
  type RdpCurve,
  rdp,
  samplingEvent,
} from '../src/privacy/index.js'
import {
  type BatchSampler,
  ballsAndBinsSampler,
  chachaKey,
  cyclicPoissonSampler,
  key,
  poissonSample,
  poissonSampler,
  shuffledSampler,
  truncatedPoissonSampler,
  withoutReplacementSampler,
  withReplacementSampler,
} from '../src/sampling/index.js'
import { wasm } from '../src/tensor/backend/wasm/index.js'
import { flatten, type Tree, toArray } from '../src/tensor/index.js'
import {
  decodeCheckpoint,
  dpSgd,
  dpTraining,
  encodeCheckpoint,
  type TrainingPlan,
  type TrainState,
  train,
} from '../src/train/index.js'
import { clusters } from './runs/clusters.js'

const right = <L, A>(either: E.Either<L, A>): A => {
  if (E.isLeft(either)) throw new Error(JSON.stringify(either.left))
  return either.right
}

const data = clusters(60)
const model = sequential(linear(8), tanh, linear(3))
const optimizer = sgd({ learningRate: 0.5, momentum: 0.9 })
const base = {
  model,
  loss: crossEntropy,
  inputShape: [4],
  optimizer,
  delta: 1e-5,
  backend: wasm({ threads: 1 }),
} as const
const phase = { steps: 6, clip: flatClip(1), noiseMultiplier: 0.8, samplingProbability: 0.2, expectedBatchSize: 12 }
const bits = (tree: Tree): readonly number[] => toArray(flatten(tree))

const run = <P extends Tree, C, S extends OptimizerState>(
  plan: TrainingPlan<P, C, S>,
  from: TrainState<P, S> = plan.init(key(1)),
  until: number = plan.settings.steps,
): TrainState<P, S> => {
  const step = plan.step(data)
  let state = from
  while (state.step < until) state = step(state).state
  return state
}

const names = (checked: E.Either<readonly { readonly parameter: string }[], unknown>): readonly string[] =>
  E.isLeft(checked) ? checked.left.map(({ parameter }) => parameter) : []

describe('phases', () => {
  it('one phase is DP-SGD', () => {
    const { steps, clip, noiseMultiplier, samplingProbability, expectedBatchSize } = phase
    const sgdPlan = right(
      dpSgd({ ...base, steps, clip, noise: { noiseMultiplier }, samplingProbability, expectedBatchSize }),
    )
    const [one, other] = [run(right(dpTraining({ ...base, phases: [phase] }))), run(sgdPlan)]
    expect(one).toEqual(other)
  })

  it('the ledger is the announced event, and a phase cut in two is the same run', () => {
    const cut = [
      { ...phase, steps: 2 },
      { ...phase, steps: 4 },
    ]
    const [whole, halves] = [
      run(right(dpTraining({ ...base, phases: [phase] }))),
      run(right(dpTraining({ ...base, phases: cut }))),
    ]
    expect(halves).toEqual(whole)
    const other = {
      ...phase,
      steps: { epochs: 0.5 },
      samplingProbability: 0.1,
      expectedBatchSize: 6,
      noiseMultiplier: 2,
    }
    const plan = right(dpTraining({ ...base, phases: [phase, other] }))
    expect(plan.settings.steps).toBe(11)
    expect(plan.epochsIn(11)).toBeCloseTo(6 * 0.2 + 5 * 0.1)
    const event = Event.composed([
      Event.selfComposed(6)(Event.poissonSampled(0.2)(Event.gaussian(0.8))),
      Event.selfComposed(5)(Event.poissonSampled(0.1)(Event.gaussian(2))),
    ])
    expect(plan.event(11, 'float')).toEqual(event)
    expect(run(plan).ledger).toEqual(event)
    expect(run(plan, undefined, 8).ledger).toEqual(plan.event(8, 'float'))
  })

  it('a schedule of noise and of clipping is read by clip, noise and ledger alike', () => {
    const quiet = {
      ...phase,
      steps: 4,
      samplingProbability: 1e-9,
      noiseMultiplier: (t: number) => 1 + t,
      clip: (t: number) => flatClip(2 ** -t),
    }
    const wide = sequential(linear(400, { bias: false }))
    const plan = right(dpTraining({ ...base, model: wide, optimizer: sgd({ learningRate: 1 }), phases: [quiet] }))
    const states = [plan.init(key(3))]
    for (let t = 0; t < 4; t++) states.push(plan.step(data)(states[t] as (typeof states)[0]).state)
    for (let t = 0; t < 4; t++) {
      const [from, to] = [states[t], states[t + 1]].map((state) => bits(state?.params as Tree))
      const variance = from!.reduce((sum, x, i) => sum + (to![i]! - x) ** 2, 0) / from!.length
      // 1,600 draws: within 12 % except with probability 1e-10.
      expect(Math.abs(Math.sqrt(variance) / (((1 + t) * 2 ** -t) / 12) - 1)).toBeLessThan(0.12)
    }
    expect(states[4]?.ledger).toEqual(
      Event.composed([1, 2, 3, 4].map((sigma) => Event.poissonSampled(1e-9)(Event.gaussian(sigma)))),
    )
    expect((plan.at(3).clip as ClipRule).l2Bound).toBe(1 / 8)
    expect(plan.settings.phases[0]?.noiseMultiplier).toBe('varies')
  })

  it('a target scales the noise of all phases by one factor', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.5, max: 10, noNaN: true }), (targetEpsilon) => {
        const phases = [phase, { ...phase, noiseMultiplier: (t: number) => 1 + t / 2, steps: 3 }]
        const before = Event.gaussian(20)
        const plan = right(dpTraining({ ...base, phases, targetEpsilon, before }))
        const { upper } = plan.spent(plan.event(9, 'float'))
        expect(upper).toBeLessThanOrEqual(targetEpsilon)
        expect(upper).toBeGreaterThan(targetEpsilon * (1 - 1e-6))
        expect(plan.at(8).noiseMultiplier / plan.at(6).noiseMultiplier).toBeCloseTo(2, 12)
      }),
      { numRuns: 10 },
    )
  })

  it('a budget cuts the run before the first step that would exceed it', () => {
    fc.assert(
      fc.property(fc.double({ min: 3, max: 8, noNaN: true }), (budget) => {
        const long = { ...phase, noiseMultiplier: 1.5, steps: 500 }
        const plan = right(dpTraining({ ...base, phases: [long], budget }))
        const { steps } = plan.settings
        expect(steps).toBeGreaterThan(0)
        expect(plan.spent(plan.event(steps, 'secure')).upper).toBeLessThanOrEqual(budget)
        expect(plan.spent(plan.event(steps + 1, 'secure')).upper).toBeGreaterThan(budget)
      }),
      { numRuns: 10 },
    )
    const plan = right(dpTraining({ ...base, phases: [{ ...phase, noiseMultiplier: 1.5, steps: 500 }], budget: 4 }))
    const last = run(plan)
    expect(plan.spent(last.ledger).upper).toBeLessThanOrEqual(4)
    expect(() => plan.step(data)(last)).toThrow(/the plan ends after/)
    expect(names(dpTraining({ ...base, phases: [phase], budget: 0.01 }))).toEqual(['budget'])
  })

  it('a run that continues a finished one counts what that spent', () => {
    const first = right(dpTraining({ ...base, phases: [phase] }))
    const done = run(first)
    const second = right(dpTraining({ ...base, phases: [phase], before: done.ledger }))
    const start = { ...second.init(key(2)), params: done.params }
    const end = run(second, start)
    expect(end.ledger).toEqual(Event.selfComposed(12)(Event.poissonSampled(0.2)(Event.gaussian(0.8))))
    expect(second.spent(end.ledger)).toEqual(right(epsilonOf(rdp(), 1e-5)(end.ledger)))
  })

  it('the report of a loop follows the phases, and ε is computed when it is read', async () => {
    const plan = right(dpTraining({ ...base, phases: [phase, { ...phase, samplingProbability: 0.5, steps: 2 }] }))
    const reports = []
    const metrics = (params: Tree) => ({ numbers: bits(params).length })
    for await (const report of train(plan, data, { from: plan.init(key(4)), metrics, evaluateEvery: 4 }))
      reports.push(report)
    expect(reports.map(({ epoch }) => Number(epoch.toFixed(6)))).toEqual([0.2, 0.4, 0.6, 0.8, 1, 1.2, 1.7, 2.2])
    expect(reports.map((report) => report.metrics?.numbers)).toEqual([
      undefined,
      undefined,
      undefined,
      67,
      undefined,
      undefined,
      undefined,
      67,
    ])
    reports.reduce((before, { epsilon, state }) => {
      expect(epsilon).toEqual(plan.spent(state.ledger))
      expect(epsilon.upper).toBeGreaterThan(before)
      return epsilon.upper
    }, 0)
  })

  it('an accountant that cannot read the run is refused', () => {
    expect(names(dpTraining({ ...base, phases: [phase], accountant: gdp() }))).toEqual(['accountant'])
    const whole = { ...phase, samplingProbability: 1 }
    const plan = right(dpTraining({ ...base, phases: [whole], accountant: gdp() }))
    expect(plan.spent(plan.event(5, 'float')).upper).toBeLessThan(plan.spent(plan.event(6, 'float')).upper)
    expect(plan.settings.accountant).toBe('gdp')
  })

  it('every wrong field is named, with its phase', () => {
    const wrong = {
      steps: { epochs: -1 },
      clip: (t: number) => flatClip(t === 2 ? 1e-45 : 1),
      noiseMultiplier: (t: number) => (t === 0 ? Number.NaN : 1),
      samplingProbability: 0,
      expectedBatchSize: 0,
    }
    expect(
      names(
        dpTraining({
          ...base,
          phases: [phase, wrong],
          budget: -1,
          targetEpsilon: 0,
          delta: 2,
          physicalBatchSize: { bytes: 0 },
        }),
      ),
    ).toEqual([
      'phases[1].noiseMultiplier',
      'phases[1].samplingProbability',
      'phases[1].expectedBatchSize',
      'phases[1].steps.epochs',
      'delta',
      'physicalBatchSize.bytes',
      'budget',
      'targetEpsilon',
    ])
    const late = { ...phase, clip: (t: number) => flatClip(t === 5 ? 1e-45 : 1) }
    expect(names(dpTraining({ ...base, phases: [late] }))).toEqual(['phases[0].clip.l2Bound'])
    expect(names(dpTraining({ ...base, phases: [] }))).toEqual(['phases'])
  })
})

describe('samplers', () => {
  const samplers: Readonly<Record<string, BatchSampler>> = {
    poisson: poissonSampler({ samplingProbability: 0.2 }),
    'truncated Poisson': truncatedPoissonSampler({ datasetSize: 60, samplingProbability: 0.2, truncatedBatchSize: 20 }),
    'without replacement': withoutReplacementSampler({ datasetSize: 60, batchSize: 12 }),
    'with replacement': withReplacementSampler({ datasetSize: 60, batchSize: 12 }),
    shuffled: shuffledSampler({ datasetSize: 60, batches: 5 }),
    'cyclic Poisson': cyclicPoissonSampler({ samplingProbability: 0.5, cycle: 3 }),
    'balls and bins': ballsAndBinsSampler({ batches: 5 }),
  }
  const { samplingProbability: _, ...unsampled } = phase
  /** Reads every event, and counts what it read as one Gaussian: the plan is what is tested here. */
  const reader: Accountant<RdpCurve> = {
    ...rdp(),
    interpret: (event) => rdp().interpret(event._tag === 'NoOp' ? event : Event.gaussian(1)),
  }

  it.each(Object.entries(samplers))(
    '%s: the ledger is the event that its scheme justifies, after any number of steps',
    (_, sampler) => {
      for (const steps of [1, 4, 7]) {
        const plan = right(dpTraining({ ...base, phases: [{ ...unsampled, sampler, steps }], accountant: reader }))
        const state = run(plan)
        expect(state.ledger).toEqual(plan.event(steps, 'float'))
        expect(state.ledger).toEqual(Event.normalise(samplingEvent(sampler.scheme, steps)(Event.gaussian(0.8))))
      }
    },
  )

  it('an accountant that has no theorem for the sampler refuses the plan', () => {
    const shuffled = { ...unsampled, sampler: shuffledSampler({ datasetSize: 60, batches: 5 }) }
    expect(names(dpTraining({ ...base, phases: [shuffled] }))).toEqual(['accountant'])
    const plan = right(dpTraining({ ...base, phases: [shuffled], accountant: rdp({ neighbouring: 'replaceOne' }) }))
    expect(plan.spent(plan.event(6, 'float')).neighbouring).toBe('replaceOne')
  })

  it('an epoch is shuffled anew, each record once in it, and a run that goes on draws the same batches', () => {
    const sampler = shuffledSampler({ datasetSize: 60, batches: 5 })
    const phases = [
      { ...phase, steps: 3 },
      { ...unsampled, sampler, steps: { epochs: 2 } },
    ]
    const plan = right(dpTraining({ ...base, phases, accountant: rdp({ neighbouring: 'replaceOne' }) }))
    expect(plan.settings.steps).toBe(13)
    const { keys } = plan.init(key(6))
    const epoch = (first: number) => [0, 1, 2, 3, 4].map((i) => Array.from(plan.at(first + i).batch(keys.sampling)(60)))
    for (const first of [3, 8])
      expect(
        epoch(first)
          .flat()
          .sort((a, b) => a - b),
      ).toEqual(Array.from({ length: 60 }, (_, i) => i))
    expect(epoch(3)).not.toEqual(epoch(8))
    expect(epoch(3)).toEqual(epoch(3))
  })

  it('noise that changes within an epoch is refused where the epoch is one event', () => {
    const changing = {
      ...unsampled,
      noiseMultiplier: (t: number) => 1 + t,
      sampler: ballsAndBinsSampler({ batches: 5 }),
    }
    expect(names(dpTraining({ ...base, phases: [changing], accountant: reader }))).toEqual(['phases[0].sampler'])
  })
})

describe('on a grid', () => {
  const gridded = (noiseMultiplier: number) =>
    right(dpTraining({ ...base, phases: [{ ...phase, noiseMultiplier }], grid: true }))

  it('the ledger is the event of the discrete mechanism, in the grade of the keys, and costs a hair more than floats', () => {
    const plan = gridded(0.8)
    const secret = chachaKey([1, 2, 3, 4, 5, 6, 7, 8])
    const state = run(plan, plan.init(key(1), secret))
    expect(state.ledger).toEqual(plan.event(6, 'secure'))
    expect(JSON.stringify(state.ledger)).toMatch(/discrete/)
    expect(JSON.stringify(run(plan).ledger)).not.toMatch(/discrete/)
    const floats = right(dpTraining({ ...base, phases: [phase] }))
    const [onGrid, onFloats] = [plan.spent(state.ledger).upper, floats.spent(floats.event(6, 'secure')).upper]
    expect(onGrid).toBeGreaterThanOrEqual(onFloats)
    expect(onGrid).toBeLessThan(onFloats * (1 + 1e-3))
  })

  it('without noise it is the run on floats, rounded to the grid', () => {
    const [onGrid, onFloats] = [
      run(gridded(0)),
      run(right(dpTraining({ ...base, phases: [{ ...phase, noiseMultiplier: 0 }] }))),
    ].map(({ params }) => bits(params))
    // A step moves a parameter by 0.5 · 2⁻¹⁷ · 12 examples / 12 at most by rounding, and momentum adds ten of them.
    onGrid?.forEach((x, i) => {
      expect(Math.abs(x - (onFloats?.[i] as number))).toBeLessThan(6 * 10 * 2 ** -17)
    })
  })

  it('physical batches change nothing at all: whole numbers add exactly', () => {
    const states = [1, 5, 512].map((physicalBatchSize) => {
      const plan = right(dpTraining({ ...base, phases: [phase], grid: true, physicalBatchSize, plan: 'oneByOne' }))
      return bits(run(plan).params)
    })
    expect(states[1]).toEqual(states[0])
    expect(states[2]).toEqual(states[0])
  })

  it('a grid that cannot hold the bound is refused', () => {
    expect(names(dpTraining({ ...base, phases: [phase], grid: { gridSpacing: 3 } }))).toEqual(['grid'])
    expect(names(dpTraining({ ...base, phases: [phase], grid: { gridSpacing: 1e-9 } }))).toEqual(['grid'])
  })
})

describe('a clip that adapts', () => {
  const adaptive = { ...phase, clip: { adaptive: { initialClipNorm: 8, countDeviation: 2 } } }

  it('releases gradient and counts as one event that costs what its noise multiplier says', () => {
    const plan = right(dpTraining({ ...base, phases: [adaptive] }))
    const state = run(plan)
    expect(state.ledger).toEqual(plan.event(6, 'float'))
    const plain = right(dpTraining({ ...base, phases: [phase] }))
    const [adapts, fixed] = [plan.spent(state.ledger).upper, plain.spent(plain.event(6, 'float')).upper]
    expect(Math.abs(adapts / fixed - 1)).toBeLessThan(1e-9)
    expect(plan.settings.phases[0]?.l2Bound).toBe('adapts')
  })

  it('the bound follows the norms, is part of the state, and goes on through a checkpoint and into the next phase', () => {
    const long = { ...adaptive, steps: 30 }
    const plan = right(dpTraining({ ...base, phases: [long, { ...adaptive, steps: 2 }] }))
    const half = run(plan, undefined, 17)
    expect(half.bounds['']).toBeLessThan(4)
    const read = right(decodeCheckpoint(plan, plan.init(key(0)))(encodeCheckpoint(plan)(half)))
    expect(read.state).toEqual(half)
    expect(run(plan, read.state)).toEqual(run(plan))
    const between = run(plan, undefined, 30)
    const after = run(plan, between, 31)
    expect(Math.abs((after.bounds[''] as number) / (between.bounds[''] as number) - 1)).toBeLessThan(0.25)
    expect(E.isLeft(decodeCheckpoint(plan, half)(encodeCheckpoint(plan)({ ...half, bounds: { '': -1 } })))).toBe(true)
  })

  it('by groups, with a target, and refused where the counts leave nothing', () => {
    const groups = { ...phase, clip: { adaptive: { initialClipNorm: 1, countDeviation: 20, group: byLayer } } }
    const plan = right(dpTraining({ ...base, phases: [groups], targetEpsilon: 5 }))
    const state = run(plan)
    expect(Object.keys(state.bounds).length).toBe(2)
    expect(plan.spent(state.ledger).upper).toBeLessThanOrEqual(5)
    expect(names(dpTraining({ ...base, phases: [{ ...adaptive, noiseMultiplier: 9 }] }))).toEqual(['phases'])
    expect(names(dpTraining({ ...base, phases: [adaptive], targetEpsilon: 0.3 }))).toEqual(['targetEpsilon'])
    expect(names(dpTraining({ ...base, phases: [adaptive], grid: true }))).toEqual(['grid'])
  })
})

describe('dropout', () => {
  const dropping = (rate: number) =>
    withDropout([4])((dropout) => sequential(linear(8), tanh, dropout(rate), linear(3)))
  const plan = (rate: number, physicalBatchSize: number | { readonly bytes: number } = 512) =>
    right(dpTraining({ ...base, model: dropping(rate), phases: [phase], physicalBatchSize }))

  it('a rate of 0 is the model without; another rate another run, with the same event', () => {
    const none = run(plan(0))
    const without = run(right(dpTraining({ ...base, model: dropping(0).evaluation, phases: [phase] })))
    bits(none.params).forEach((x, i) => {
      expect(Math.abs(x - (bits(without.params)[i] as number))).toBeLessThan(1e-5)
    })
    const half = run(plan(0.5))
    expect(bits(half.params)).not.toEqual(bits(none.params))
    expect(half.ledger).toEqual(none.ledger)
    expect(run(plan(0.5))).toEqual(half)
  })

  it('masks go with the examples: physical batches change nothing but rounding', () => {
    const [whole, ...others] = [512, 1, 5, { bytes: 3000 }].map((limit) => bits(run(plan(0.5, limit)).params))
    for (const other of others)
      expect(Math.max(...other.map((x, i) => Math.abs(x - (whole as readonly number[])[i]!)))).toBeLessThan(1e-5)
  })

  it('a record beyond 2²⁴ has a mask like the others', () => {
    const sampler: BatchSampler = {
      scheme: poissonSampler({ samplingProbability: 1 }).scheme,
      batch: () => () => Int32Array.of(2 ** 24 + 1),
    }
    const one = right(
      dpTraining({
        ...base,
        model: dropping(0.5),
        phases: [{ clip: phase.clip, noiseMultiplier: 1, expectedBatchSize: 1, steps: 1, sampler }],
      }),
    )
    const far = {
      ...data,
      length: 2 ** 24 + 2,
      take: (indices: ArrayLike<number>) => data.take(Array.from(indices, (i) => i % 7)),
    }
    const { diagnostics } = one.step(far)(one.init(key(0)))
    expect(diagnostics.map(({ value }) => value.nonFinite)).toEqual([0])
  })

  it('the plan’s own model is the one without, for evaluation', () => {
    const { model: evaluated, init } = plan(0.5)
    const [first, second] = [0, 1].map(() =>
      toArray(predict(evaluated, base)(init(key(0)).params, data.take([0]).input)),
    )
    expect(first).toEqual(second)
  })
})

describe('memory', () => {
  it('a limit in bytes changes nothing but rounding', () => {
    const states = [1, 3000, 1e9].map((bytes) =>
      run(right(dpTraining({ ...base, phases: [phase], physicalBatchSize: { bytes } }))),
    )
    const [first, ...others] = states.map(({ params }) => bits(params))
    for (const other of others)
      expect(Math.max(...other.map((x, i) => Math.abs(x - (first as readonly number[])[i]!)))).toBeLessThan(1e-5)
    expect(new Set(states.map(({ ledger }) => JSON.stringify(ledger))).size).toBe(1)
  })

  it('counts what a gradient allocates: linear in the batch', () => {
    const { params } = model.init(key(0), [4])
    const batch = data.take([0])
    const memory = gradientMemory(crossEntropy, model, base)(params, batch)
    expect(memory.perSample).toBeGreaterThan(4 * (8 + 8 + 3))
    expect(samplesWithin(memory.fixed + 10.5 * memory.perSample)(memory)).toBe(10)
    expect(samplesWithin(1)(memory)).toBe(1)
    const wider = gradientMemory(crossEntropy, sequential(linear(80), tanh, linear(3)), base)
    const { params: more } = sequential(linear(80), tanh, linear(3)).init(key(0), [4])
    expect(wider(more, batch).perSample).toBeGreaterThan(4 * memory.perSample)
    expect(toArray(perSampleSquaredNorm(crossEntropy, model, base)(params, batch).squaredNorm).length).toBe(1)
  })
})

describe('optimizers that look elsewhere, or remember', () => {
  it('DiSK is asked where to take the gradient; with kappa 1 nothing is filtered', () => {
    const of = (method: GradientTransformation<OptimizerState>) =>
      run(right(dpTraining({ ...base, optimizer: method, phases: [phase] })))
    const plain = of(optimizer as unknown as GradientTransformation<OptimizerState>)
    const filtered = (kappa: number) =>
      of(disk({ kappa }, optimizer) as unknown as GradientTransformation<OptimizerState>)
    expect(bits(filtered(1).params)).toEqual(bits(plain.params))
    expect(bits(filtered(0.5).params)).not.toEqual(bits(plain.params))
    expect(filtered(0.5).ledger).toEqual(plain.ledger)
  })

  it('an average is in the state, and evaluation sees it', async () => {
    const plan = right(
      dpTraining({ ...base, optimizer: averaged(tailAverage({ from: 3 }), optimizer), phases: [phase] }),
    )
    const seen: Tree[] = []
    const path: Tree[] = []
    const evaluate = (params: Tree, { average }: { readonly average: Tree }) => {
      path.push(params)
      seen.push(average)
      return 0
    }
    for await (const _ of train(plan, data, { from: plan.init(key(4)), evaluate, evaluateEvery: 1 }));
    const tail = path.slice(2).map(bits)
    const mean = tail[0]!.map((_, i) => tail.reduce((sum, x) => sum + x[i]!, 0) / tail.length)
    expect(Math.max(...bits(seen.at(-1) as Tree).map((x, i) => Math.abs(x - mean[i]!)))).toBeLessThan(1e-5)
  })
})

it('the batch of a step is the sampler’s, and the ledger says Poisson', () => {
  const plan = right(dpTraining({ ...base, phases: [phase] }))
  const state = plan.init(key(9))
  const { diagnostics } = plan.step(data)(state)
  const drawn = poissonSample({ samplingProbability: 0.2 })(state.keys.sampling, 0)(60)
  expect(diagnostics.flatMap(({ value }) => toArray(value.norm)).length).toBe(drawn.length)
})

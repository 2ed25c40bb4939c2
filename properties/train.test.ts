import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, it } from 'vitest'
import type { Dataset } from '../src/data/dataset.js'
import { decodeSafeTensors, showDataError } from '../src/data/index.js'
import { crossEntropy, linear, sequential, tanh, weightedGrad } from '../src/grad/index.js'
import {
  adam,
  applyUpdates,
  cosine,
  type GradientTransformation,
  type OptimizerState,
  sgd,
} from '../src/optim/index.js'
import { Composition, Event, epsilonOf, flatClip, gdp, gdpFor, rdp } from '../src/privacy/index.js'
import { chachaKey, key, poissonSample } from '../src/sampling/index.js'
import { reference } from '../src/tensor/backend/reference.js'
import { wasm } from '../src/tensor/backend/wasm/index.js'
import { flatten, full, mapTensor, mapTree, scaleTensor, type Tree, toArray } from '../src/tensor/index.js'
import {
  accuracy,
  checkpointNotes,
  type DpSgdPlan,
  decodeCheckpoint,
  dpSgd,
  encodeCheckpoint,
  type TrainState,
  train,
} from '../src/train/index.js'
import { decodeState, encodeState } from '../src/train/state-codec.js'
import { clusters } from './runs/clusters.js'

const right = <L, A>(either: E.Either<L, A>): A => {
  if (E.isLeft(either)) throw new Error(JSON.stringify(either.left))
  return either.right
}

const model = sequential(linear(8), tanh, linear(3))
const backend = wasm({ threads: 1 })

const config = {
  model,
  loss: crossEntropy,
  inputShape: [4],
  optimizer: sgd({ learningRate: cosine({ initial: 0.5, totalSteps: 12 }), momentum: 0.9, weightDecay: 1e-3 }),
  clip: flatClip(1),
  noise: { noiseMultiplier: 0.8 },
  samplingProbability: 0.2,
  expectedBatchSize: 12,
  steps: 12,
  delta: 1e-5,
  backend,
} as const

const bits = (tree: Tree): readonly number[] => toArray(flatten(tree))

const run = <P extends Tree, C, S extends OptimizerState>(
  plan: DpSgdPlan<P, C, S>,
  data: Dataset,
  from: TrainState<P, S>,
  until: number = plan.settings.steps,
): TrainState<P, S> => {
  let state = from
  while (state.step < until) state = plan.step(data)(state).state
  return state
}

describe('dpSgd', () => {
  const data = clusters(60)

  it('the ledger of a run is the event that the plan announces, and epsilon is read off it', () => {
    const plan = right(dpSgd(config))
    const state = run(plan, data, plan.init(key(1)))
    expect(state.ledger).toEqual(plan.event(12, 'float'))
    const expected = right(
      epsilonOf(rdp(), 1e-5)(Event.selfComposed(12)(Event.poissonSampled(0.2)(Event.gaussian(0.8)))),
    )
    expect(plan.spent(state.ledger)).toEqual(expected)
  })

  it('keyed by the operating system, the event says so', () => {
    const plan = right(dpSgd(config))
    const state = plan.step(data)(plan.init(key(1), chachaKey([1, 2, 3, 4, 5, 6, 7, 8]))).state
    expect(state.ledger).toEqual(Event.poissonSampled(0.2)(Event.gaussian(0.8, 'secure')))
  })

  it('a target epsilon is met, and met closely', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.05, max: 20, noNaN: true }), (targetEpsilon) => {
        const plan = right(dpSgd({ ...config, noise: { targetEpsilon } }))
        const { upper } = plan.spent(plan.event(12, 'float'))
        expect(upper).toBeLessThanOrEqual(targetEpsilon)
        expect(upper).toBeGreaterThan(targetEpsilon * (1 - 1e-6))
      }),
      { numRuns: 15 },
    )
  })

  it('where everyone takes part in every step, a step is a Gaussian mechanism, and its accountant may be the exact one', () => {
    const everyone = { ...config, samplingProbability: 1, noise: { targetEpsilon: 2 } }
    const exact = right(dpSgd({ ...everyone, accountant: gdp() }))
    const { noiseMultiplier, steps, accountant } = exact.settings
    expect(accountant).toBe('gdp')
    expect(exact.event(steps, 'float')).toEqual(Event.selfComposed(steps)(Event.gaussian(noiseMultiplier)))
    expect(exact.step(clusters(30))(exact.init(key(1))).state.ledger).toEqual(Event.gaussian(noiseMultiplier))
    expect(noiseMultiplier).toBeCloseTo(Math.sqrt(steps) / right(gdpFor({ epsilon: 2, delta: config.delta })), 8)
    expect(exact.spent(exact.event(steps, 'float')).upper).toBeLessThanOrEqual(2)
    expect(right(dpSgd(everyone)).settings.noiseMultiplier).toBeGreaterThan(1.01 * noiseMultiplier)
  })

  it('every wrong field is reported, all at once', () => {
    const invalid = dpSgd({
      ...config,
      samplingProbability: 1.5,
      steps: 0,
      delta: Number.NaN,
      expectedBatchSize: -1,
      physicalBatchSize: 0.5,
      noise: { noiseMultiplier: -1 },
    })
    expect(E.isLeft(invalid) && invalid.left.map(({ parameter }) => parameter).sort()).toEqual([
      'delta',
      'expectedBatchSize',
      'noiseMultiplier',
      'physicalBatchSize',
      'samplingProbability',
      'steps',
    ])
  })

  it('what is no number, no rule or nothing at all is named too, for callers without types', () => {
    const untyped: readonly (readonly [field: string, value: unknown])[] = [
      ['samplingProbability', '0.2'],
      ['delta', '1e-5'],
      ['clip', undefined],
      ['clip', 1],
      ['clip', { l2Bound: 1 }],
    ]
    for (const [field, value] of untyped) {
      const invalid = dpSgd({ ...config, [field]: value } as typeof config)
      expect([field, E.isLeft(invalid) && invalid.left.map(({ parameter }) => parameter)]).toEqual([field, [field]])
    }
    const silent = dpSgd({ ...config, noise: undefined as unknown as { readonly noiseMultiplier: number } })
    expect(E.isLeft(silent) && silent.left.map(({ parameter }) => parameter)).toEqual(['noiseMultiplier'])
  })

  it('noise by its multiplier and by a target at once is refused: one of them would be ignored', () => {
    for (const noiseMultiplier of [1e-3, 0, Number.NaN]) {
      const noise = { targetEpsilon: 1, noiseMultiplier } as unknown as { readonly targetEpsilon: number }
      const both = dpSgd({ ...config, noise })
      expect(E.isLeft(both) && both.left.map(({ parameter }) => parameter)).toEqual(['targetEpsilon'])
    }
  })

  it('bounds that float32 cannot keep are reported', () => {
    for (const c of [1e-45, 3e38]) {
      const invalid = dpSgd({ ...config, clip: flatClip(c) })
      expect(E.isLeft(invalid) && invalid.left.map(({ parameter }) => parameter)).toEqual(['clip.l2Bound'])
    }
  })

  it('a dataset that gives several rows for an example is refused: each would be clipped on its own', () => {
    const plan = right(dpSgd({ ...config, samplingProbability: 1 }))
    const augmented: Dataset = { ...data, take: (indices) => data.take(Array.from(indices).flatMap((i) => [i, i])) }
    expect(() => plan.step(augmented)(plan.init(key(0)))).toThrow(/more examples than it was asked for/)
  })

  it('a model that does not fit its input, and noise without a bound, are reported', () => {
    const misfit = dpSgd({ ...config, inputShape: [] })
    expect(E.isLeft(misfit) && misfit.left[0].parameter).toBe('model')
    const unbounded = dpSgd({ ...config, clip: flatClip(Number.POSITIVE_INFINITY) })
    expect(E.isLeft(unbounded) && unbounded.left[0].parameter).toBe('clip.l2Bound')
  })

  it('a step is a pure function: same state, same result, and the state is untouched', () => {
    const plan = right(dpSgd(config))
    const state = plan.init(key(4))
    const before = bits(state.params)
    const [a, b] = [plan.step(data)(state), plan.step(data)(state)]
    expect(bits(a.state.params)).toEqual(bits(b.state.params))
    expect(bits(state.params)).toEqual(before)
    expect(bits(a.state.params)).not.toEqual(before)
  })

  it('an empty batch takes its noise, its step and its line in the ledger', () => {
    const plan = right(dpSgd({ ...config, samplingProbability: 1e-9 }))
    const state = plan.init(key(2))
    const stepped = plan.step(data)(state)
    expect(stepped.diagnostics.map(({ value }) => toArray(value.norm).length)).toEqual([0])
    expect(stepped.state.ledger).toEqual(Event.poissonSampled(1e-9)(Event.gaussian(0.8)))
    expect(bits(stepped.state.params)).not.toEqual(bits(state.params))
  })

  it('the divisor is the expected batch size: noise alone has standard deviation σC / expectedBatchSize', () => {
    const wide = sequential(linear(400, { bias: false }))
    const plan = right(
      dpSgd({
        ...config,
        model: wide,
        optimizer: sgd({ learningRate: 1 }),
        samplingProbability: 1e-9,
        clip: flatClip(3),
      }),
    )
    const state = plan.init(key(7))
    const [from, to] = [bits(state.params), bits(plan.step(data)(state).state.params)]
    const variance = from.reduce((sum, x, i) => sum + ((to[i] as number) - x) ** 2, 0) / from.length
    // 1,600 draws: the sample deviation is within 12 % of the true one except with probability 1e-10.
    expect(Math.sqrt(variance) / ((0.8 * 3) / 12)).toBeGreaterThan(0.88)
    expect(Math.sqrt(variance) / ((0.8 * 3) / 12)).toBeLessThan(1.12)
  })

  it('physical batches change nothing but rounding', () => {
    const states = [1, 4, 7, 512].map((physicalBatchSize) => {
      const plan = right(dpSgd({ ...config, physicalBatchSize }))
      return run(plan, data, plan.init(key(3)))
    })
    const [first, ...others] = states.map(({ params }) => bits(params))
    const apart = (other: readonly number[]): number =>
      Math.max(...other.map((x, i) => Math.abs(x - (first as readonly number[])[i]!)))
    for (const other of others) expect(apart(other)).toBeLessThan(1e-5)
    expect(new Set(states.map(({ ledger }) => JSON.stringify(ledger))).size).toBe(1)
  })

  it('without noise and without clipping it is SGD', () => {
    const plan = right(
      dpSgd({
        ...config,
        backend: reference,
        optimizer: sgd({ learningRate: 0.3, momentum: 0.5 }),
        clip: flatClip(Number.POSITIVE_INFINITY),
        noise: { noiseMultiplier: 0 },
      }),
    )
    const start = plan.init(key(5))
    const private_ = run(plan, data, start)
    const optimizer = sgd({ learningRate: 0.3, momentum: 0.5 })
    const gradient = weightedGrad(crossEntropy, model, { backend: reference })
    let [params, state] = [start.params, optimizer.init(start.params)]
    for (let t = 0; t < 12; t++) {
      const batch = data.take(poissonSample({ samplingProbability: 0.2 })(start.keys.sampling, t)(60))
      const { grad } = gradient(params, batch, full(1, [batch.input.shape[0] as number], 'float64'))
      const [updates, next] = optimizer.update(mapTree(scaleTensor(1 / 12))(grad), state, params)
      state = next
      params = applyUpdates(params, updates) as typeof params
    }
    expect(bits(private_.params)).toEqual(bits(params))
    expect(plan.spent(private_.ledger).upper).toBe(Number.POSITIVE_INFINITY)
  })

  it('a poisoned example changes nothing', () => {
    const poisoned: Dataset = {
      ...data,
      length: 60,
      take: (indices) => {
        const batch = data.take(indices)
        const bad = Array.from(indices).indexOf(7)
        return bad < 0
          ? batch
          : {
              ...batch,
              input: mapTensorAt(batch.input, bad, Number.NaN),
            }
      },
    }
    const without: Dataset = { ...data, take: (indices) => data.take(Array.from(indices).filter((i) => i !== 7)) }
    const plan = right(dpSgd({ ...config, samplingProbability: 1 }))
    const state = plan.init(key(6))
    const [a, b] = [plan.step(poisoned)(state), plan.step(without)(state)]
    expect(bits(a.state.params)).toEqual(bits(b.state.params))
    expect(a.diagnostics.reduce((sum, { value }) => sum + value.nonFinite, 0)).toBe(1)
  })
})

/** The same inputs, save that one sample is all `value`. */
const mapTensorAt = (input: Tree & { readonly shape: readonly number[] }, row: number, value: number) => {
  const width = input.shape.slice(1).reduce((a, b) => a * b, 1)
  let position = 0
  return mapTensor((x) => (Math.floor(position++ / width) === row ? value : x))(input as never)
}

describe('train', () => {
  const data = clusters(90)
  const plan = right(dpSgd({ ...config, noise: { noiseMultiplier: 0.3 }, steps: 30 }))

  it('reports every step, with an epsilon that never falls, and ends at the last', async () => {
    const reports = []
    const evaluate = accuracy(model, { backend })
    for await (const report of train(plan, data, {
      from: plan.init(key(0)),
      evaluate: (params) => evaluate(params, data),
      evaluateEvery: 10,
    }))
      reports.push(report)
    expect(reports.map(({ step }) => step)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1))
    expect(reports.filter((r) => r.accuracy !== undefined).map(({ step }) => step)).toEqual([10, 20, 30])
    reports.reduce((before, { epsilon }) => {
      expect(epsilon.upper).toBeGreaterThan(before)
      return epsilon.upper
    }, 0)
    expect(reports.at(-1)?.accuracy).toBeGreaterThan(0.8)
    expect(reports.at(-1)?.state.ledger).toEqual(plan.event(30, 'float'))
  })

  it('a loop that is left early can be entered again as if nothing had been', async () => {
    const from = plan.init(key(8))
    let stopped = from
    for await (const { state, step } of train(plan, data, { from })) {
      stopped = state
      if (step === 11) break
    }
    const whole = run(plan, data, from)
    let last = stopped
    for await (const { state } of train(plan, data, { from: stopped })) last = state
    expect(bits(last.params)).toEqual(bits(whole.params))
    expect(last.ledger).toEqual(whole.ledger)
  })
})

describe('checkpoints', () => {
  const data = clusters(60)
  const optimizers = [sgd({ learningRate: 0.1, momentum: 0.9 }), adam({ learningRate: 0.01, amsgrad: true })]

  it.each(optimizers.map((optimizer, i) => [['sgd', 'adam'][i], optimizer] as const))(
    'with %s, a resumed run equals the uninterrupted one bit for bit',
    (_, optimizer) => {
      const plan = right(
        dpSgd({ ...config, optimizer: optimizer as unknown as GradientTransformation<OptimizerState> }),
      )
      fc.assert(
        fc.property(fc.integer({ min: 0, max: 12 }), fc.boolean(), (at, secure) => {
          const from = secure ? plan.init(key(9), chachaKey([8, 7, 6, 5, 4, 3, 2, 1])) : plan.init(key(9))
          const half = run(plan, data, from, at)
          const { state, notes } = right(
            decodeCheckpoint(plan, plan.init(key(0)))(encodeCheckpoint(plan)(half, { note: 'kept' })),
          )
          const [resumed, whole] = [run(plan, data, state), run(plan, data, from)]
          expect(bits(resumed.params)).toEqual(bits(whole.params))
          expect(resumed).toEqual(whole)
          expect(notes).toEqual({ note: 'kept' })
        }),
        { numRuns: 8 },
      )
    },
  )

  it('a checkpoint of other settings, another model, or damaged bytes is refused in one sentence', () => {
    const plan = right(dpSgd(config))
    const state = plan.init(key(0))
    const bytes = encodeCheckpoint(plan)(state)
    const other = right(dpSgd({ ...config, clip: flatClip(2) }))
    expect(E.isLeft(decodeCheckpoint(other, state)(bytes))).toBe(true)
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), (length) => {
        expect(E.isLeft(decodeCheckpoint(plan, state)(bytes.subarray(0, length)))).toBe(true)
      }),
    )
    expect(E.isLeft(decodeCheckpoint(plan, state)(new Uint8Array(64).fill(7)))).toBe(true)
  })

  it('a state that was tampered with is refused in one sentence', () => {
    const plan = right(dpSgd(config))
    const state = run(plan, data, plan.init(key(0), chachaKey([1, 2, 3, 4, 5, 6, 7, 8])), 3)
    const { keys, ledger } = state
    const noKey = (noise: unknown) => ({ keys: { ...keys, noise } })
    const damages: readonly object[] = [
      { ledger: Composition.empty },
      { ledger: Event.selfComposed(2)(plan.event(1, 'secure')) },
      { ledger: Event.poissonSampled(0.5)(Event.laplace(1)) },
      { ledger: { ...ledger, count: '3' } },
      { ledger: { ...ledger, count: -3 } },
      { ledger: undefined },
      { keys: undefined },
      noKey(null),
      noKey({ _tag: 'ChaCha20', words: [] }),
      noKey({ _tag: 'ChaCha20', words: null }),
      noKey({ _tag: 'Threefry2x32', words: [0.5, 1] }),
      noKey({ _tag: 'Rot13', words: [1, 2] }),
      { step: -1 },
      { step: 0.5 },
      { params: undefined },
      { params: { ...state.params } },
      { optimizer: undefined },
    ]
    const reads = (damage: object): boolean =>
      E.isRight(decodeCheckpoint(plan, state)(encodeCheckpoint(plan)({ ...state, ...damage } as typeof state)))
    expect(reads({})).toBe(true)
    expect(reads({ ledger: Composition.concat(Event.gaussian(9), ledger) })).toBe(true)
    expect(damages.filter(reads)).toEqual([])
  })

  it('one bit of damage anywhere in the tensors is seen', () => {
    const plan = right(dpSgd(config))
    const state = plan.init(key(0))
    const bytes = encodeCheckpoint(plan)(state)
    const { tensors } = right(decodeSafeTensors(bytes))
    const start = bytes.length - Object.values(tensors).reduce((sum, t) => sum + t.data.length * 4, 0)
    fc.assert(
      fc.property(fc.integer({ min: start, max: bytes.length - 1 }), fc.nat(7), (place, bit) => {
        const damaged = Uint8Array.from(bytes)
        damaged[place] = (damaged[place] as number) ^ (1 << bit)
        const read = decodeCheckpoint(plan, state)(damaged)
        expect(E.isLeft(read) && showDataError(read.left)).toMatch(/content of checksum/)
      }),
    )
  })

  it('the state of another optimizer is refused', () => {
    const [plan, other] = [right(dpSgd(config)), right(dpSgd({ ...config, optimizer: adam({ learningRate: 1 }) }))]
    const bytes = encodeCheckpoint(plan)(plan.init(key(0)))
    expect(E.isLeft(decodeCheckpoint(other, other.init(key(0)))(bytes))).toBe(true)
  })

  it('whatever the metadata of the file, reading it throws nothing', () => {
    const plan = right(dpSgd(config))
    const like = plan.init(key(0))
    const metadata = fc.oneof(
      fc.jsonValue(),
      fc.record({
        format: fc.constant('fp-dp checkpoint 2'),
        plan: fc.constant((right(decodeSafeTensors(encodeCheckpoint(plan)(like))).metadata.plan ?? '') as fc.JsonValue),
        state: fc.oneof(fc.json(), fc.jsonValue()),
        notes: fc.oneof(fc.json(), fc.jsonValue()),
      }),
    )
    fc.assert(
      fc.property(metadata, (value) => {
        const header = new TextEncoder().encode(JSON.stringify({ __metadata__: value }))
        const bytes = new Uint8Array([header.length & 255, header.length >>> 8, 0, 0, 0, 0, 0, 0, ...header])
        const notes = checkpointNotes(bytes)
        if (E.isRight(notes)) expect(Object.values(notes.right).every((note) => typeof note === 'string')).toBe(true)
        expect(E.isLeft(decodeCheckpoint(plan, like)(bytes))).toBe(true)
      }),
    )
  })

  it('a state is kept whatever its keys are called', () => {
    const x = (value: number) => full(value, [1])
    const states: readonly unknown[] = [
      { 'a.b': x(1), a: { b: x(2) } },
      { '': { w: x(1) }, 'w#': x(2), w: x(3) },
      { $tensor: x(1), $number: 'NaN', $$: { $tensor: 'a' } },
      { constructor: Number.NaN, ['__proto__']: x(3) },
    ]
    for (const state of states) expect(decodeState(encodeState(state))).toEqual(state)
    expect(() => decodeState({ json: '{"$tensor":"constructor"}', tensors: {} })).toThrow(/no tensor/)
  })

  it('the ledger of a resumed run goes on where it stopped', () => {
    const plan = right(dpSgd(config))
    const half = run(plan, data, plan.init(key(3)), 5)
    const { state } = right(decodeCheckpoint(plan, half)(encodeCheckpoint(plan)(half)))
    expect(Composition.concat(state.ledger, plan.event(7, 'float'))).toEqual(plan.event(12, 'float'))
  })
})

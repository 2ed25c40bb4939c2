/**
 * The rules that keep the privacy true, one test each, by name. Each is a silent failure that a well-known library has shipped;
 * most are laws elsewhere too, over more instances.
 */

import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, it } from 'vitest'
import type { Dataset } from '../src/data/dataset.js'
import { crossEntropy, linear, sequential, takeBatch, tanh } from '../src/grad/index.js'
import { sgd } from '../src/optim/index.js'
import {
  type BoundedSum,
  clippedGrad,
  clippedGradWithDiagnostics,
  Event,
  flatClip,
  gaussian,
  meanOver,
  rdp,
  samplingEvent,
  scheduledNoise,
} from '../src/privacy/index.js'
import { privacyReport, showPrivacyReport } from '../src/report/index.js'
import {
  foldIn,
  key,
  poissonSample,
  poissonSampler,
  secureKey,
  shuffledSampler,
  withoutReplacementSampler,
} from '../src/sampling/index.js'
import { reference } from '../src/tensor/backend/reference.js'
import { flatten, type Tree, tensor, toArray, zeros, zipTensorsWith } from '../src/tensor/index.js'
import { type DpSgdPlan, decodeCheckpoint, dpSgd, encodeCheckpoint, train } from '../src/train/index.js'
import { anyKey } from './arbitraries/key.js'
import { expectWithin } from './laws/exact-norm.js'
import { clusters } from './runs/clusters.js'

const right = <L, A>(either: E.Either<L, A>): A => {
  if (E.isLeft(either)) throw new Error(JSON.stringify(either.left))
  return either.right
}

const model = sequential(linear(8), tanh, linear(3))
const config = {
  model,
  loss: crossEntropy,
  inputShape: [4],
  optimizer: sgd({ learningRate: 1 }),
  clip: flatClip(1),
  noise: { noiseMultiplier: 0.8 },
  samplingProbability: 0.2,
  expectedBatchSize: 12,
  steps: 6,
  delta: 1e-5,
  backend: reference,
} as const
const plan = right(dpSgd(config))
type Plan = typeof plan extends DpSgdPlan<infer P, infer C, infer S> ? DpSgdPlan<P, C, S> : never

const numbers = (tree: Tree): readonly number[] => toArray(flatten(tree))
const difference = (a: Tree, b: Tree): readonly number[] =>
  toArray(zipTensorsWith((x, y) => x - y)(flatten(a), flatten(b)))
const norm = (list: readonly number[]): number => Math.hypot(...list)
const run = (of: Plan, data: Dataset, from = of.init(key(1)), until: number = of.settings.steps) => {
  let state = from
  while (state.step < until) state = of.step(data)(state).state
  return state
}
const batchOf = (data: Dataset) => data.take(Array.from({ length: data.length }, (_, i) => i))
const clipped = clippedGrad(crossEntropy, model, flatClip(1), { backend: reference })

describe('rules that keep the privacy true', () => {
  it('1. the divisor is the expected batch size, whatever was drawn and however many records there are', () => {
    const noiseless = right(dpSgd({ ...config, noise: { noiseMultiplier: 0 } }))
    for (const count of [59, 60, 61]) {
      const data = clusters(count)
      const from = noiseless.init(key(3))
      const { state } = noiseless.step(data)(from)
      const drawn = poissonSample({ samplingProbability: 0.2 })(from.keys.sampling, 0)(count)
      const { sum } = clipped(from.params, data.take(drawn))
      const moved = difference(from.params, state.params)
      numbers(sum).forEach((x, i) => {
        expect(moved[i]).toBeCloseTo(x / 12, 6)
      })
    }
  })

  it('2. a schedule changes one value, which clip, noise and ledger all read', () => {
    const schedule = (step: number) => ({ clip: flatClip(2 ** -step), noiseMultiplier: 1 + step })
    const { params } = plan.init(key(2))
    const batch = batchOf(clusters(3))
    const step2 = clippedGrad(crossEntropy, model, schedule(2).clip)(params, batch)
    expect(step2.l2Bound).toBe(0.25)
    const released = scheduledNoise(schedule)(key(0), 2)({ ...step2, sum: { w: zeros([4], 'float64') } })
    const unit = gaussian(3)(key(0))({ _tag: 'BoundedSum', sum: { w: zeros([4], 'float64') }, l2Bound: 1 })
    expect(numbers(released.value)).toEqual(numbers(unit.value).map((z) => z / 4))
    expect(released.event).toEqual(Event.gaussian(3))
    // Clipped by step 0, noised by step 2: refused.
    const step0 = clippedGrad(crossEntropy, model, schedule(0).clip)(params, batch)
    expect(() => scheduledNoise(schedule)(key(0), 2)(step0)).toThrow('l2Bound is 1')
  })

  it('3. a gradient that is not finite contributes zero and is counted; it never reaches the sum', () => {
    const { params } = plan.init(key(2))
    const { input, target } = batchOf(clusters(5))
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const pixels = toArray(input)
      pixels[4 * 2] = bad
      const grad = clippedGradWithDiagnostics(crossEntropy, model, flatClip(1), { backend: reference })
      const { bounded, diagnostics } = grad(params, { input: tensor(pixels, input.shape), target })
      const rest = grad(params, takeBatch([0, 1, 3, 4])({ input, target }))
      expect(numbers(bounded.sum)).toEqual(numbers(rest.bounded.sum))
      expect(diagnostics.value.nonFinite).toBe(1)
    }
  })

  it('4. the empty batch is a normal batch: the step adds its noise, and the ledger counts it', () => {
    const data = clusters(0)
    const from = plan.init(key(2))
    const { state } = plan.step(data)(from)
    expect(norm(difference(from.params, state.params))).toBeGreaterThan(0)
    expect(state.ledger).toEqual(Event.normalise(plan.event(1, 'float')))
    expect(numbers(clipped(from.params, data.take([])).sum).every((x) => x === 0)).toBe(true)
  })

  it('5. physical batches change nothing but rounding: one draw of noise, one event; leaving early leaves nothing behind', async () => {
    const data = clusters(60)
    const [whole, parts] = [plan, right(dpSgd({ ...config, physicalBatchSize: 1 }))].map((of) => run(of as Plan, data))
    if (whole === undefined || parts === undefined) throw new Error('two runs')
    expect(Math.max(...difference(whole.params, parts.params).map(Math.abs))).toBeLessThan(1e-6)
    expect(parts.ledger).toEqual(whole.ledger)
    let state = plan.init(key(1))
    for await (const report of train(plan, data, { from: state })) {
      state = report.state
      if (report.step === 2) break
    }
    for await (const report of train(plan, data, { from: state })) state = report.state
    expect(numbers(state.params)).toEqual(numbers(whole.params))
    expect(state.ledger).toEqual(whole.ledger)
  })

  it('6. the event of a shuffled or fixed-size batch is not the Poisson event: a sampler says what it justifies', () => {
    const released = Event.gaussian(1)
    const samplers = [
      poissonSampler({ samplingProbability: 0.25 }),
      shuffledSampler({ datasetSize: 8, batches: 4 }),
      withoutReplacementSampler({ datasetSize: 8, batchSize: 2 }),
    ]
    const tags = samplers.map(({ scheme }) => {
      const event = samplingEvent(scheme, 4)(released)
      return event._tag === 'SelfComposed' ? event.event._tag : event._tag
    })
    expect(tags).toEqual(['PoissonSampled', 'Shuffled', 'SampledWithoutReplacement'])
  })

  it('7. keys are part of the state that a checkpoint saves; a resumed run never repeats noise', () => {
    const data = clusters(0)
    const [straight, half] = [run(plan, data), run(plan, data, plan.init(key(1)), 3)]
    const { state } = right(decodeCheckpoint(plan, plan.init(key(0)))(encodeCheckpoint(plan)(half)))
    expect(state.keys).toEqual(half.keys)
    expect(numbers(run(plan, data, state).params)).toEqual(numbers(straight.params))
    // Without data a step is its noise: six steps, resumed in the middle, six different ones.
    let [at, seen] = [plan.init(key(1)), new Set<string>()]
    for (let step = 0; step < 6; step++) {
      if (step === 3) at = right(decodeCheckpoint(plan, at)(encodeCheckpoint(plan)(at))).state
      const next = plan.step(data)(at).state
      seen = seen.add(difference(at.params, next.params)[0]?.toPrecision(3) ?? '')
      at = next
    }
    expect(seen.size).toBe(6)
  })

  it('8. Poisson draws are keyed by step and example: the union of the shards is the sample', () => {
    fc.assert(
      fc.property(anyKey, fc.nat(100), fc.nat(90), fc.nat(90), (k, step, a, b) => {
        const { batch, shard } = poissonSampler({ samplingProbability: 0.3 })
        const cut = Math.min(a, b)
        const end = Math.max(a, b)
        const union = [...shard(k, step)({ start: 0, end: cut }), ...shard(k, step)({ start: cut, end })]
        expect(union).toEqual(Array.from(batch(k, step)(end)))
      }),
    )
  })

  it('9. rounding: what a sample adds is at most C long, in exact arithmetic on the stored floats', () => {
    const data = clusters(60)
    const { params } = plan.init(key(2))
    fc.assert(
      fc.property(fc.nat(59), fc.double({ min: 1e-6, max: 1, noNaN: true }), (index, c) => {
        const { sum, l2Bound } = clippedGrad(crossEntropy, model, flatClip(c))(params, data.take([index]))
        expect(l2Bound).toBe(c)
        expectWithin(c, sum)
      }),
    )
  })

  it('10. norms and losses are not private, and their type says so', () => {
    const { params } = plan.init(key(2))
    const { diagnostics } = clippedGradWithDiagnostics(crossEntropy, model, flatClip(1))(params, batchOf(clusters(3)))
    expect(diagnostics._tag).toBe('NotPrivate')
    // @ts-expect-error what is not private must be taken out by name
    expect(diagnostics.norm).toBe(undefined)
    const sum: BoundedSum<Tree> = { _tag: 'BoundedSum', sum: { w: zeros([1]) }, l2Bound: 1 }
    // @ts-expect-error a bounded sum without noise is no released value
    const published = () => meanOver(12)(sum)
    expect(published).toThrow()
  })

  it('11. noise that protects people is keyed by the operating system; a seeded key says that it is for experiments', () => {
    const sum = { _tag: 'BoundedSum', sum: { w: zeros([1]) }, l2Bound: 1 } as const
    const [seeded, secure] = [key(0), secureKey()].map((k) => gaussian(1)(foldIn(0)(k))(sum).event)
    expect([seeded, secure]).toEqual([Event.gaussian(1, 'float'), Event.gaussian(1, 'secure')])
    const text = (ledger: Event.PrivacyEvent) =>
      showPrivacyReport(right(privacyReport({ ledger, accountant: rdp(), deltas: [1e-5] })))
    expect(text(seeded as Event.PrivacyEvent)).toContain('float')
    expect(text(secure as Event.PrivacyEvent)).toContain('secure')
    expect(text(seeded as Event.PrivacyEvent)).not.toBe(text(secure as Event.PrivacyEvent))
  })

  it('12. a record that means nothing to the model adds zero: no error tells that it was drawn', () => {
    const data = clusters(60)
    const stray = (label: number): Dataset => ({
      ...data,
      take: (indices) => {
        const { input, target } = data.take(indices)
        return {
          input,
          target: tensor(
            toArray(target).map((own, n) => (indices[n] === 7 ? label : own)),
            target.shape,
          ),
        }
      },
    })
    const without: Dataset = { ...data, take: (indices) => data.take(Array.from(indices).filter((i) => i !== 7)) }
    const noiseless = right(dpSgd({ ...config, noise: { noiseMultiplier: 0 }, samplingProbability: 1 }))
    const expected = numbers(run(noiseless as Plan, without).params)
    for (const label of [3, -1, 0.5, Number.NaN])
      expect(numbers(run(noiseless as Plan, stray(label)).params)).toEqual(expected)
    // A whole class that the model has no output for is a mistake of whoever plans: told before the first step, whatever is drawn.
    expect(() => noiseless.step({ ...data, classes: 4 })).toThrow(
      new RangeError('classes is 4: the loss knows no class 3 where the outputs of the model have shape [3]'),
    )
  })
})

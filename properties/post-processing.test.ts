import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  accumulateGradients,
  adam,
  applyUpdates,
  averaged,
  chain,
  constant,
  disk,
  exponentialAverage,
  type GradientTransformation,
  joined,
  lamb,
  lion,
  lowPass,
  masked,
  noiseCorrectedAdam,
  type OptimizerState,
  partition,
  scale,
  scaleByAdam,
  scaleByTrustRatio,
  sgd,
  tailAverage,
  trace,
  warmUp,
} from '../src/optim/index.js'
import { emptyTree, mapTree, type Tensor, type Tree, tensor, toArray } from '../src/tensor/index.js'
import { contents, descents, run, transformationLaws } from './laws/transformation.js'

const steep = sgd({ learningRate: 0.1, momentum: 0.9 })

describe('lion', () => transformationLaws(lion({ learningRate: 0.1, weightDecay: 0.1 })))
describe('lamb', () => transformationLaws(lamb({ learningRate: 0.1, weightDecay: 0.1 })))
describe('noiseCorrectedAdam', () =>
  transformationLaws(noiseCorrectedAdam({ learningRate: 0.1, noiseVariance: 0.3, floor: 0.1, weightDecay: 0.1 })))
describe('lowPass', () => transformationLaws(lowPass()))
describe('lowPass of second order', () =>
  transformationLaws(lowPass({ feedback: [0.5, 0.2], forward: [0.3, 0.2, 0.1] })))
describe('accumulateGradients', () => transformationLaws(accumulateGradients(2, steep)))
describe('averaged', () => transformationLaws(averaged(exponentialAverage({ decay: 0.9, warmUp: true }), steep)))
describe('disk', () => transformationLaws(disk({ kappa: 0.7 }, steep)))
describe('masked', () => transformationLaws(masked((path) => path.length % 2 === 0, steep)))
describe('partition', () =>
  transformationLaws(
    partition({ a: adam({ learningRate: 0.1 }), b: adam({ learningRate: 1 }) }, (path) =>
      path.length % 2 === 0 ? 'a' : 'b',
    ),
  ))

const history = fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 1, maxLength: 12 })
const one = (x: number): Tensor => tensor([x], [1], 'float64')
const updatesOf = <S extends OptimizerState>(
  transformation: GradientTransformation<S>,
  gradients: readonly number[],
  start = 0,
): readonly number[] =>
  run(transformation, { params: one(start), gradients: gradients.map(one) }).updates.map(
    (update) => toArray(update as Tensor)[0] as number,
  )
const near = (got: readonly number[], want: readonly number[]): void =>
  got.forEach((value, step) => {
    expect(Math.abs(value - (want[step] as number))).toBeLessThanOrEqual(1e-12 * (1 + Math.abs(want[step] as number)))
  })

describe('against the recursion of one number', () => {
  it('Lion follows the sign of a momentum that it then updates', () =>
    fc.assert(
      fc.property(history, (gradients) => {
        let m = 0
        const want = gradients.map((g) => {
          const sign = Math.sign(0.9 * m + (1 - 0.9) * g)
          m = 0.99 * m + (1 - 0.99) * g
          return -0.5 * sign
        })
        near(updatesOf(lion({ learningRate: 0.5 }), gradients), want)
      }),
    ))

  it('a trust ratio makes an update as long as the parameters, and leaves zeros alone', () =>
    fc.assert(
      fc.property(descents, ({ params, gradients }) => {
        const lengths = (tree: Tree): readonly { readonly length: number; readonly count: number }[] => {
          const found: { readonly length: number; readonly count: number }[] = []
          mapTree((leaf) => {
            const numbers = toArray(leaf)
            found.push({ length: Math.hypot(...numbers), count: numbers.length })
            return leaf
          })(tree)
          return found
        }
        const [update] = scaleByTrustRatio.update(gradients[0] as Tree, emptyTree, params)
        const [before, of, after] = [gradients[0] as Tree, params, update].map(lengths)
        after?.forEach(({ length, count }, leaf) => {
          const [u, p] = [before?.[leaf]?.length ?? 0, of?.[leaf]?.length ?? 0]
          // Where there is no ratio, or none that a number can hold, the update stays.
          const want = Math.min(p, u) >= 2 ** -1022 && p / u > 0 && Number.isFinite(p / u) ? p : u
          // Numbers below 2⁻¹²⁶ have fewer bits in float32: rounding moves each by at most half of the smallest of them, and
          // what was subnormal before it was scaled down moves with it.
          if (Number.isFinite(want))
            expect(Math.abs(length - want)).toBeLessThanOrEqual(1e-5 * want + 1.000001 * Math.sqrt(count) * 2 ** -150)
        })
      }),
    ))

  it('noise-corrected Adam is Adam where there is no noise, and takes longer steps where there is', () =>
    fc.assert(
      fc.property(history, fc.double({ min: 0, max: 2, noNaN: true }), (gradients, noiseVariance) => {
        const of = (variance: number): readonly number[] =>
          updatesOf(noiseCorrectedAdam({ learningRate: 1, noiseVariance: variance, floor: 1e-3 }), gradients)
        // 0 / 0 before the first gradient that is not 0.
        const plain = updatesOf(chain(scaleByAdam({ epsilon: 0 }), scale(-1)), gradients).map((x) => x || 0)
        of(0).forEach((step, t) => {
          // Below the floor a step is shorter than Adam's.
          expect(Math.abs(step)).toBeLessThanOrEqual(Math.abs(plain[t] as number) * (1 + 1e-12) + 1e-15)
        })
        of(noiseVariance).forEach((step, t) => {
          expect(Math.abs(step)).toBeGreaterThanOrEqual(Math.abs(of(0)[t] as number) * (1 - 1e-12))
        })
      }),
    ))

  it('a low-pass filter lets constants through, and is linear', () =>
    fc.assert(
      fc.property(history, fc.double({ min: -3, max: 3, noNaN: true }), (gradients, c) => {
        near(
          updatesOf(
            lowPass(),
            gradients.map(() => c),
          ),
          gradients.map(() => c),
        )
        const filtered = updatesOf(lowPass(), gradients)
        near(
          updatesOf(
            lowPass(),
            gradients.map((g) => 2 * g + c),
          ),
          filtered.map((u) => 2 * u + c),
        )
        let [m, unit, before] = [0, 0, Number.NaN]
        const want = gradients.map((g) => {
          const first = Number.isNaN(before)
          m = 0.9 * m + 0.05 * (g + (first ? 0 : before))
          unit = 0.9 * unit + (first ? 0.05 : 0.1)
          before = g
          return m / unit
        })
        near(filtered, want)
      }),
    ))

  it('accumulation steps once in a while, by the mean', () =>
    fc.assert(
      fc.property(history, fc.integer({ min: 1, max: 4 }), (gradients, every) => {
        const want = gradients.map((_, t) => {
          if ((t + 1) % every !== 0) return 0
          const sum = gradients.slice(t + 1 - every, t + 1).reduce((a, b) => a + b, 0)
          return -(sum / every)
        })
        near(updatesOf(accumulateGradients(every, scale(-1)), gradients), want)
      }),
    ))

  it('averages: exponential, and the mean of the tail', () =>
    fc.assert(
      fc.property(history, fc.integer({ min: 0, max: 12 }), (gradients, from) => {
        const averageBy = (rule: (step: number) => number): number =>
          toArray(run(averaged(rule, scale(-1)), walk(gradients)).state.average as Tensor)[0] as number
        const walk = (steps: readonly number[]) => ({ params: one(5), gradients: steps.map(one) })
        // The parameters stand still in `run`: each step is one from 5.
        const points = [5, ...gradients.map((g) => 5 - g)]
        const exponential = points.reduce((mean, x) => 0.9 * mean + 0.1 * x)
        near([averageBy(exponentialAverage({ decay: 0.9 }))], [exponential])
        const tail = points.slice(Math.min(from, points.length - 1))
        near([averageBy(tailAverage({ from }))], [tail.reduce((a, b) => a + b, 0) / tail.length])
      }),
    ))

  it('an average follows the parameters of a training', () => {
    const method = averaged(tailAverage({ from: 2 }), scale(-1))
    let [params, state] = [one(0) as Tree, method.init(one(0))]
    for (const g of [1, 2, 3, 4]) {
      const [updates, next] = method.update(one(g), state, params)
      params = applyUpdates(params, updates)
      state = next
    }
    // Parameters after each step: −1, −3, −6, −10; the tail from the second on.
    near(toArray(state.average as Tensor), [-19 / 3])
  })

  it('DiSK: the filter, and where it asks for the next gradient', () =>
    fc.assert(
      fc.property(history, fc.double({ min: 0.05, max: 1, noNaN: true }), (gradients, kappa) => {
        const method = disk({ kappa }, scale(-1))
        let [params, state, filtered] = [one(1) as Tree, method.init(one(1)), 0]
        gradients.forEach((g, t) => {
          const [updates, next] = method.update(one(g), state, params)
          filtered = t === 0 ? g : (1 - kappa) * filtered + kappa * g
          near(toArray(updates as Tensor), [-filtered])
          params = applyUpdates(params, updates)
          state = next
          const at = toArray(method.probe?.(params, state) as Tensor)[0] as number
          near([at], [(toArray(params as Tensor)[0] as number) - ((1 - kappa) / kappa) * filtered])
        })
      }),
    ))

  it('a chain and an average ask where their parts ask', () => {
    const filtered = disk({ kappa: 0.5 }, scale(-1))
    const wrapped = averaged(exponentialAverage({ decay: 0.5 }), chain(filtered))
    const [, state] = wrapped.update(one(3), wrapped.init(one(1)), one(1))
    expect(toArray(wrapped.probe?.(one(-2), state) as Tensor)).toEqual([-5])
    expect(chain(scale(2), trace({ decay: 0.5 })).probe).toBeUndefined()
    expect(() => partition({ all: filtered }, () => 'all')).toThrow(/all asks for gradients elsewhere/)
    expect(() => disk({ kappa: 0.5 }, filtered)).toThrow(/one filter/)
  })
})

describe('groups of parameters', () => {
  it('each group is stepped as if it were alone', () =>
    fc.assert(
      fc.property(descents, (descent) => {
        const everything = run(
          masked(() => true, steep),
          descent,
        )
        expect(contents(everything.updates)).toEqual(contents(run(steep, descent).updates))
        const nothing = run(
          masked(() => false, steep),
          descent,
        )
        expect(contents(nothing.updates)).toEqual(contents(descent.gradients))
      }),
    ))

  it('a group without a transformation is named', () => {
    const method = partition({ weights: steep }, (path) => path as 'weights')
    expect(() => method.init({ bias: one(1) })).toThrow('the group of bias is bias: it must be one of weights')
  })
})

describe('joined schedules', () => {
  it('each starts at its own 0, and the last goes on', () => {
    const schedule = joined([
      { steps: 2, schedule: constant(7) },
      { steps: 3, schedule: (t) => t },
      { steps: 1, schedule: (t) => 10 + t },
    ])
    expect(Array.from({ length: 8 }, (_, t) => schedule(t))).toEqual([7, 7, 0, 1, 2, 10, 11, 12])
  })

  it('warm-up rises to where the schedule begins', () => {
    const schedule = warmUp({ steps: 4, from: 0.5 })((t) => 8 / (1 + t))
    expect([0, 1, 2, 3, 4, 5].map(schedule)).toEqual([4, 5, 6, 7, 8, 4])
  })

  it('what cannot be is named', () => {
    expect(() => joined([])).toThrow(/stretches is empty/)
    expect(() => joined([{ steps: 0, schedule: constant(1) }])).toThrow(/steps is 0/)
    expect(() => warmUp({ steps: 1, from: -1 })(constant(1))).toThrow(/from is -1/)
    expect(() => disk({ kappa: 0 }, scale(1))).toThrow(/kappa is 0/)
    expect(() => lion({ learningRate: 1, beta1: 1 })).toThrow(/beta1 is 1/)
    expect(() => lowPass({ forward: [0] })).toThrow(/forward is \[0\]/)
    expect(() => noiseCorrectedAdam({ learningRate: 1, noiseVariance: -1 })).toThrow(/noiseVariance is -1/)
    expect(() => accumulateGradients(0, scale(1))).toThrow(/every is 0/)
    expect(() => exponentialAverage({ decay: 1 })).toThrow(/decay is 1/)
  })
})

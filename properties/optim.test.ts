import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  accumulate,
  adadelta,
  adagrad,
  adam,
  adamax,
  adamw,
  addDecayedWeights,
  applyUpdates,
  asSchedule,
  chain,
  constant,
  cosine,
  cosineWarmRestarts,
  exponential,
  identity,
  linear,
  multiStep,
  nadam,
  oneCycle,
  polynomial,
  radam,
  rmsprop,
  type Schedule,
  scale,
  scaleByAdam,
  scaleByLearningRate,
  scaleBySchedule,
  sgd,
  stateless,
  stepDecay,
  trace,
} from '../src/optim/index.js'
import { emptyTree, mapTensor, mapTree, reshape, slice, type Tree, tensor, toArray } from '../src/tensor/index.js'
import { alike } from './arbitraries/tree.js'
import { optimCases } from './golden/optim-cases.js'
import { chainIsAssociative, contents, descents, run, transformationLaws } from './laws/transformation.js'

const halving: Schedule = (step) => 0.5 ** step

describe('identity', () => transformationLaws(identity))
describe('scale', () => transformationLaws(scale(-0.3)))
describe('scaleBySchedule', () => transformationLaws(scaleBySchedule(halving)))
describe('stateless', () => transformationLaws(stateless((updates) => mapTree(mapTensor((x) => 2 * x))(updates))))
describe('addDecayedWeights', () => transformationLaws(addDecayedWeights(0.1)))
describe('trace that keeps nothing', () => transformationLaws(trace({ decay: 0 })))
describe('trace', () => transformationLaws(trace({ decay: 0.9, dampening: 0.2 })))
describe('sgd', () =>
  transformationLaws(sgd({ learningRate: halving, momentum: 0.9, nesterov: true, weightDecay: 0.1 })))
describe('adam', () => transformationLaws(adam({ learningRate: 0.1, weightDecay: 0.1 })))
describe('amsgrad', () => transformationLaws(adam({ learningRate: 0.1, amsgrad: true })))
describe('adamw', () => transformationLaws(adamw({ learningRate: 0.1, weightDecay: 0.1 })))
describe('adamax', () => transformationLaws(adamax({ learningRate: 0.1 })))
describe('nadam', () => transformationLaws(nadam({ learningRate: 0.1 })))
describe('radam', () => transformationLaws(radam({ learningRate: 0.1, beta2: 0.5 })))
describe('rmsprop', () => transformationLaws(rmsprop({ learningRate: 0.1, momentum: 0.5, centered: true })))
describe('adagrad', () => transformationLaws(adagrad({ learningRate: 0.1, initialSum: 0.1, learningRateDecay: 0.5 })))
describe('adadelta', () => transformationLaws(adadelta({})))

describe('chain of stateless links', () => chainIsAssociative(scale(2), addDecayedWeights(0.5), scale(-1)))
describe('chain of links with state', () =>
  chainIsAssociative(trace({ decay: 0.9 }), scaleByAdam(), scaleBySchedule(halving)))

describe('chain', () => {
  it('of nothing is the identity', () => {
    fc.assert(
      fc.property(descents, (descent) => {
        expect(contents(run(chain(), descent).updates)).toEqual(contents(descent.gradients))
      }),
    )
  })

  it('scale(a) then scale(b) is scale(ab)', () => {
    const factor = fc.integer({ min: -8, max: 8 }).map((exponent) => Math.sign(exponent + 0.5) * 2 ** exponent)
    fc.assert(
      fc.property(descents, factor, factor, ({ params, gradients }, a, b) => {
        // Powers of two scale exactly, save in the subnormals.
        const normal = mapTree(mapTensor((x) => (Math.abs(x) < 1e-30 ? 0 : x)))
        const descent = { params, gradients: gradients.map((gradient) => normal(gradient)) }
        const together = run(scale(a * b), descent).updates
        expect(contents(run(chain(scale(a), scale(b)), descent).updates)).toEqual(contents(together))
      }),
    )
  })

  it('schedules see the steps 0, 1, 2', () => {
    fc.assert(
      fc.property(descents, (descent) => {
        const expected = descent.gradients.map((gradient, step) =>
          mapTree(mapTensor((x) => -halving(step) * x))(gradient),
        )
        expect(contents(run(scaleByLearningRate(halving), descent).updates)).toEqual(contents(expected))
      }),
    )
  })

  it('a constant learning rate is a constant schedule', () => {
    fc.assert(
      fc.property(descents, (descent) => {
        const byNumber = run(sgd({ learningRate: 0.3, momentum: 0.5 }), descent)
        expect(contents(run(sgd({ learningRate: constant(0.3), momentum: 0.5 }), descent))).toEqual(contents(byNumber))
        expect(asSchedule(0.3)(9)).toBe(0.3)
      }),
    )
  })
})

describe('applyUpdates', () => {
  it('adds, in the dtype of the parameters, and leaves both as they were', () => {
    fc.assert(
      fc.property(alike(2, { dtypes: ['float32', 'float64'] }), (trees) => {
        const [params, updates] = trees as readonly [Tree, Tree]
        const before = contents([params, updates])
        const sum = (a: Tree, b: Tree): unknown => {
          const [x, y] = [contents(a), contents(b)] as { dtype: string; numbers: number[]; shape: number[] }[]
          const round = x?.dtype === 'float32' ? Math.fround : (value: number): number => value
          return { ...x, numbers: x?.numbers.map((value, i) => round(value + (y?.numbers[i] as number))) }
        }
        const walk = (a: Tree, b: Tree): unknown =>
          '_tag' in a
            ? sum(a, b)
            : Array.isArray(a)
              ? a.map((child: Tree, i) => walk(child, (b as readonly Tree[])[i] as Tree))
              : Object.fromEntries(
                  Object.entries(a).map(([name, child]) => [
                    name,
                    walk(child, (b as Record<string, Tree>)[name] as Tree),
                  ]),
                )
        expect(contents(applyUpdates(params, updates))).toEqual(walk(params, updates))
        expect(contents([params, updates])).toEqual(before)
      }),
    )
  })

  it('refuses another structure and another shape', () => {
    const [two, three] = [tensor([1, 2], [2]), tensor([1, 2, 3], [3])]
    expect(() => applyUpdates({ a: two }, { b: two })).toThrow('structure')
    expect(() => applyUpdates({ a: two }, { a: three })).toThrow('[2], [3]')
    expect(() =>
      sgd({ learningRate: 1, momentum: 0.5 }).update(three, sgd({ learningRate: 1, momentum: 0.5 }).init(two), three),
    ).toThrow('[2], [3]')
  })
})

describe('long leaves', () => {
  const length = 10_000
  const long = (dtype: 'float32' | 'float64', seed: number) =>
    tensor(
      Array.from({ length }, (_, i) => Math.sin(seed + i * i)),
      [length],
      dtype,
    )

  it.each(['float32', 'float64'] as const)('%s: a leaf is updated as its parts are', (dtype) => {
    const parts = <A extends ReturnType<typeof long>>(leaf: A): readonly Tree[] =>
      [0, 1, 2, 3, 4].map((k) => slice({ axis: 0, start: 2000 * k, end: 2000 * (k + 1) })(leaf))
    const optimizer = adam({ learningRate: 0.1, weightDecay: 0.01, amsgrad: true })
    const gradients = [1, 2, 3].map((seed) => long('float32', seed))
    const whole = run(optimizer, { params: long(dtype, 0), gradients }).updates
    const pieces = run(optimizer, { params: parts(long(dtype, 0)), gradients: gradients.map(parts) }).updates
    const joined = pieces.map((tree) => (tree as readonly (typeof gradients)[number][]).flatMap(toArray))
    expect(whole.map((update) => toArray(update as (typeof gradients)[number]))).toEqual(joined)
  })

  it('float32 is float64, rounded once a step', () => {
    const gradients = [long('float32', 5)]
    const [single] = run(sgd({ learningRate: 0.1 }), { params: long('float32', 0), gradients }).updates
    const wide = gradients.map((gradient) => tensor(toArray(gradient), [length], 'float64'))
    const [double] = run(sgd({ learningRate: 0.1 }), { params: long('float64', 0), gradients: wide }).updates
    expect(toArray(single as (typeof wide)[number])).toEqual(toArray(double as (typeof wide)[number]).map(Math.fround))
  })
})

describe('methods against the recursion of one number', () => {
  const history = fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 1, maxLength: 12 })
  const unit = fc.double({ min: 0, max: 0.999, noNaN: true })
  const descentOf = (gradients: readonly number[]) => ({
    params: tensor([0], [], 'float64'),
    gradients: gradients.map((g) => tensor([g], [], 'float64')),
  })
  const close = (got: readonly Tree[], want: readonly number[]): void => {
    got.forEach((update, step) => {
      const [value] = toArray(reshape([1])(update as ReturnType<typeof tensor>))
      const expected = want[step] as number
      expect(Math.abs((value as number) - expected)).toBeLessThanOrEqual(1e-12 * Math.abs(expected) + 1e-15)
    })
  }

  it('momentum: bₜ is the sum of the decayed gradients', () => {
    fc.assert(
      fc.property(history, unit, (gradients, decay) => {
        const want = gradients.map((_, t) =>
          gradients.slice(0, t + 1).reduce((sum, g, s) => sum + decay ** (t - s) * g, 0),
        )
        close(run(trace({ decay }), descentOf(gradients)).updates, decay === 0 ? gradients : want)
      }),
    )
  })

  it('Adam: weighted means of g and g², weights summing to 1', () => {
    fc.assert(
      fc.property(history, unit, unit, (gradients, beta1, beta2) => {
        const average = (f: (g: number) => number, beta: number, t: number): number => {
          const weights = gradients.slice(0, t + 1).map((_, s) => (t === s ? 1 : beta ** (t - s)))
          const total = weights.reduce((sum, w) => sum + w, 0)
          return weights.reduce((sum, w, s) => sum + (w / total) * f(gradients[s] as number), 0)
        }
        const want = gradients.map((_, t) => {
          const mean = average((g) => g, beta1, t)
          return mean / (Math.sqrt(average((g) => g * g, beta2, t)) + 0.01)
        })
        close(run(scaleByAdam({ beta1, beta2, epsilon: 0.01 }), descentOf(gradients)).updates, want)
      }),
    )
  })

  it('weight decay pulls towards 0, decoupled or not', () => {
    const params = tensor([4], [1], 'float64')
    const gradients = [tensor([0], [1], 'float64')]
    const first = (updates: readonly Tree[]): number => toArray(updates[0] as ReturnType<typeof tensor>)[0] as number
    expect(first(run(sgd({ learningRate: 0.5, weightDecay: 0.25 }), { params, gradients }).updates)).toBe(-0.5)
    expect(first(run(adamw({ learningRate: 0.5, weightDecay: 0.25 }), { params, gradients }).updates)).toBe(-0.5)
    expect(first(run(adam({ learningRate: 0.5, weightDecay: 0.25 }), { params, gradients }).updates)).toBeCloseTo(-0.5)
  })

  it('a rule of one line is an optimizer', () => {
    const counting = accumulate({
      initial: { seen: 0, unused: undefined },
      rule: ({ gradient, before, after, update }) => {
        for (let i = 0; i < update.length; i++) {
          after.seen[i] = (before.seen[i] as number) + 1
          update[i] = (gradient[i] as number) / (after.seen[i] as number)
        }
      },
    })
    const { updates, state } = run(counting, descentOf([6, 6, 6]))
    expect(updates.map((update) => toArray(update as ReturnType<typeof tensor>))).toEqual([[6], [3], [2]])
    expect([state.step, state.unused]).toEqual([3, emptyTree])
  })
})

describe('schedules', () => {
  const total = fc.integer({ min: 2, max: 200 })
  const rate = fc.double({ min: 1e-3, max: 1, noNaN: true })

  it('start, end, and stay', () => {
    fc.assert(
      fc.property(total, rate, (totalSteps, initial) => {
        const ends: readonly (readonly [Schedule, number, number])[] = [
          [linear({ initial, startFactor: 0.5, endFactor: 2, totalSteps }), 0.5 * initial, 2 * initial],
          [polynomial({ initial, totalSteps, power: 2 }), initial, 0],
          [cosine({ initial, totalSteps, minimum: 1e-4 }), initial, 1e-4],
          [stepDecay({ initial, stepSize: totalSteps, gamma: 0.5 }), initial, initial / 2],
          [multiStep({ initial, milestones: [totalSteps, 1], gamma: 0.5 }), initial, initial / 4],
          [exponential({ initial, gamma: 0.5 }), initial, initial * 0.5 ** totalSteps],
          [cosineWarmRestarts({ initial, firstPeriod: totalSteps }), initial, initial],
        ]
        for (const [schedule, first, last] of ends) {
          expect(schedule(0)).toBeCloseTo(first, 12)
          expect(schedule(totalSteps)).toBeCloseTo(last, 12)
        }
        const still = [ends[0], ends[1]].map((end) => end?.[0] as Schedule)
        for (const schedule of still) expect(schedule(totalSteps + 7)).toBe(schedule(totalSteps))
      }),
    )
  })

  it('one cycle: bounded, rises, falls, and stays at its last value', () => {
    const options = fc.record({
      maximum: rate,
      totalSteps: fc.integer({ min: 10, max: 200 }),
      risingFraction: fc.double({ min: 0.2, max: 0.4, noNaN: true }),
      anneal: fc.constantFrom('cosine' as const, 'linear' as const),
      threePhase: fc.boolean(),
    })
    fc.assert(
      fc.property(options, (o) => {
        const schedule = oneCycle(o)
        const values = Array.from({ length: o.totalSteps }, (_, step) => schedule(step))
        const top = Math.round(o.risingFraction * o.totalSteps - 1)
        const monotone = (part: readonly number[], sign: number): boolean =>
          part.every((value, i) => i === 0 || sign * (value - (part[i - 1] as number)) >= -1e-15)
        expect(monotone(values.slice(0, top), 1)).toBe(true)
        expect(monotone(values.slice(top + 1), -1)).toBe(true)
        expect(Math.max(...values)).toBeLessThanOrEqual(o.maximum * (1 + 1e-15))
        expect(values[0]).toBeCloseTo(o.maximum / 25, 12)
        expect(values.at(-1)).toBeCloseTo(o.maximum / 25 / 1e4, 12)
        expect(schedule(o.totalSteps + 5)).toBe(o.maximum / 25 / 1e4)
      }),
    )
  })

  it('one cycle without a step to rise in is at its top at once', () => {
    expect(oneCycle({ maximum: 1, totalSteps: 4, risingFraction: 0.25 })(0)).toBe(1)
  })

  it('restarts take periods of growing length', () => {
    const schedule = cosineWarmRestarts({ initial: 1, firstPeriod: 3, factor: 2 })
    expect([0, 3, 9, 21].map(schedule)).toEqual([1, 1, 1, 1])
    expect([1, 4, 8, 20].every((step) => schedule(step) < 1)).toBe(true)
  })
})

describe('options outside of their range are named', () => {
  it.each<readonly [string, () => unknown]>([
    ['decay is 1', () => trace({ decay: 1 })],
    ['dampening is -1', () => trace({ decay: 0.5, dampening: -1 })],
    ['nesterov needs decay > 0', () => sgd({ learningRate: 1, nesterov: true })],
    ['nesterov needs', () => sgd({ learningRate: 1, momentum: 0.5, dampening: 0.5, nesterov: true })],
    ['weightDecay is NaN', () => sgd({ learningRate: 1, weightDecay: Number.NaN })],
    ['learningRate is -1', () => sgd({ learningRate: -1 })],
    ['learningRate is NaN', () => adam({ learningRate: Number.NaN })],
    ['beta1 is 1', () => adam({ learningRate: 1, beta1: 1 })],
    ['beta2 is -0.1', () => adamw({ learningRate: 1, beta2: -0.1 })],
    ['epsilon is Infinity', () => adamax({ learningRate: 1, epsilon: Number.POSITIVE_INFINITY })],
    ['momentumDecay is -1', () => nadam({ learningRate: 1, momentumDecay: -1 })],
    ['beta2 is 2', () => radam({ learningRate: 1, beta2: 2 })],
    ['decay is 2', () => rmsprop({ learningRate: 1, decay: 2 })],
    ['initialSum is -1', () => adagrad({ learningRate: 1, initialSum: -1 })],
    ['learningRateDecay is -1', () => adagrad({ learningRate: 1, learningRateDecay: -1 })],
    ['decay is -1', () => adadelta({ decay: -1 })],
    ['stepSize is 0', () => stepDecay({ initial: 1, stepSize: 0, gamma: 1 })],
    ['totalSteps is 0', () => linear({ initial: 1, startFactor: 0, endFactor: 1, totalSteps: 0 })],
    ['totalSteps is 1.5', () => cosine({ initial: 1, totalSteps: 1.5 })],
    ['firstPeriod is 0', () => cosineWarmRestarts({ initial: 1, firstPeriod: 0 })],
    ['risingFraction is 1', () => oneCycle({ maximum: 1, totalSteps: 5, risingFraction: 1 })],
  ])('%s', (message, build) => {
    expect(build).toThrow(RangeError)
    expect(build).toThrow(message)
  })
})

describe('golden: PyTorch', () => {
  const file = JSON.parse(readFileSync(new URL('./golden/optim.json', import.meta.url), 'utf8')) as {
    readonly source: string
    readonly optimizers: readonly { readonly params: readonly { readonly data: readonly number[] }[] }[]
    readonly schedules: readonly { readonly lrs: readonly number[] }[]
  }
  const cases = optimCases(file)

  it('has a case for every entry', () => {
    expect(cases.length).toBe(file.optimizers.length + file.schedules.length)
    expect(cases.length).toBe(25)
  })

  it.each(cases)('$name', ({ run: compare }) => {
    const outcome = compare()
    expect(outcome._tag).toBe('compared')
    if (outcome._tag === 'compared') expect(outcome.error).toBeLessThanOrEqual(outcome.tolerance)
  })

  it('sees a number that is off by 10⁻⁸', () => {
    const off = (x: number): number => x * (1 + 1e-8)
    const bent = optimCases({
      ...file,
      optimizers: file.optimizers.map((c) => ({
        ...c,
        params: c.params.map((p, step) =>
          step === 4 ? { ...p, data: p.data.map((x, i) => (i === 1 ? off(x) : x)) } : p,
        ),
      })),
      schedules: file.schedules.map((c) => ({ ...c, lrs: c.lrs.map((x, i) => (i === 3 ? off(x) : x)) })),
    })
    for (const { name, run: compare } of bent) {
      const outcome = compare()
      expect([name, outcome._tag === 'compared' && outcome.error > outcome.tolerance]).toEqual([name, true])
    }
  })

  it('says so when a method or an option is not built', () => {
    const odd = { initial: { shape: [], data: [1] }, grads: [], params: [] }
    const outcomes = optimCases({
      optimizers: [
        { optimizer: 'lion', options: {}, ...odd },
        { optimizer: 'sgd', options: { lr: 0.1, maximize: true }, ...odd },
      ],
      schedules: [{ schedule: 'cyclic', baseLr: 1, options: {}, lrs: [] }],
    }).map(({ run: compare }) => compare()._tag)
    expect(outcomes).toEqual(['notSupported', 'notSupported', 'notSupported'])
    expect(() => optimCases({})).toThrow(TypeError)
  })
})

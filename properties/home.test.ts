/**
 * Where a tensor lies cannot be told from a result: what a device does for clipped sums, mechanisms and optimizers has the bits
 * of the loops in JavaScript.
 */
import fc, { type Arbitrary } from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { crossEntropy, linear, relu, sequential } from '../src/grad/index.js'
import {
  accumulateGradients,
  adadelta,
  adagrad,
  adam,
  adamax,
  adamw,
  applyUpdates,
  averaged,
  disk,
  exponentialAverage,
  type GradientTransformation,
  lamb,
  lion,
  lowPass,
  nadam,
  noiseCorrectedAdam,
  type OptimizerState,
  radam,
  rmsprop,
  sgd,
} from '../src/optim/index.js'
import { combine } from '../src/optim/leaf.js'
import { clippedGradWithDiagnostics, flatClip, gaussian, meanOver } from '../src/privacy/index.js'
import { chachaKey, type Key, key, normal } from '../src/sampling/index.js'
import { wasm } from '../src/tensor/backend/wasm/index.js'
import { addTensors, scaleTensor } from '../src/tensor/elementwise.js'
import { homeOf } from '../src/tensor/home.js'
import { allFinite } from '../src/tensor/running-sum.js'
import { type Tensor, tensor, toArray } from '../src/tensor/tensor.js'
import type { Tree } from '../src/tensor/tree.js'
import { slice, transpose } from '../src/tensor/view.js'
import { special } from './arbitraries/tensor.js'
import { expectSameBits, tensorsWithin } from './laws/purity.js'

const backends = [wasm({ threads: 1 }), wasm({ threads: 3 }), wasm({ threads: 1, relaxed: false })]
afterAll(() => {
  for (const backend of backends) backend.close()
})

/** What two matrices are made of: numbers, some of them special, seen whole, in part or transposed. */
const recipes = fc.record({
  rows: fc.integer({ min: 50, max: 130 }),
  columns: fc.integer({ min: 50, max: 130 }),
  seed: fc.nat(1000),
  scale: fc.constantFrom(1, 1e-42, 1e-20, 1e30),
  specials: fc.array(fc.tuple(fc.nat(2499), special), { maxLength: 6 }),
  view: fc.constantFrom('whole', 'part', 'transposed'),
})
type Recipe = typeof recipes extends Arbitrary<infer R> ? R : never

const matrix = ({ rows, columns, seed, scale, specials, view }: Recipe, index: number): Tensor => {
  const numbers = toArray(normal([rows, columns])(key(2 * seed + index))).map((x) => x * scale)
  for (const [place, value] of specials) numbers[place] = value
  const whole = tensor(numbers, [rows, columns])
  return view === 'whole'
    ? whole
    : view === 'part'
      ? slice({ axis: 0, start: 3, end: rows })(whole)
      : transpose()(whole)
}

const keys: Arbitrary<Key> = fc.oneof(
  fc.integer().map(key),
  fc.array(fc.nat(2 ** 31), { minLength: 8, maxLength: 8 }).map(chachaKey),
)
const factors = fc.oneof(fc.double({ min: -3, max: 3, noNaN: true }), fc.constantFrom(0, 1, 1 / 3))

/** Each with the terms that it may leave out. */
const optimizers: Readonly<Record<string, unknown>> = {
  sgd: sgd({ learningRate: 0.1, momentum: 0.9, nesterov: true }),
  adam: adam({ learningRate: 0.1, weightDecay: 0.01 }),
  amsgrad: adam({ learningRate: 0.1, amsgrad: true }),
  adamw: adamw({ learningRate: 0.1, weightDecay: 0.01, epsilon: 0 }),
  adadelta: adadelta({ weightDecay: 0.01 }),
  adagrad: adagrad({ learningRate: 0.1, learningRateDecay: 0.1, initialSum: 0.1 }),
  adamax: adamax({ learningRate: 0.1 }),
  lamb: lamb({ learningRate: 0.1, weightDecay: 0.01 }),
  lion: lion({ learningRate: 0.1, weightDecay: 0.01 }),
  nadam: nadam({ learningRate: 0.1 }),
  'noise-corrected Adam': noiseCorrectedAdam({ learningRate: 0.1, noiseVariance: 0.3 }),
  radam: radam({ learningRate: 0.1, beta2: 0.5 }),
  'radam, rectified': radam({ learningRate: 0.1, beta2: 0.9 }),
  rmsprop: rmsprop({ learningRate: 0.1, momentum: 0.9 }),
  'rmsprop, centered': rmsprop({ learningRate: 0.1, centered: true }),
  averaged: averaged(exponentialAverage({ decay: 0.9 }), adam({ learningRate: 0.1 })),
  disk: disk({ kappa: 0.5 }, adam({ learningRate: 0.1 })),
  'low pass': lowPass(),
  'accumulated gradients': accumulateGradients(2, adam({ learningRate: 0.1 })),
}

/** The last updates, the parameters and the state after some steps. */
const descend = (
  optimizer: GradientTransformation<OptimizerState>,
  params: Tensor,
  gradients: readonly Tensor[],
): readonly [Tensor, Tensor, OptimizerState] =>
  gradients.reduce<readonly [Tensor, Tensor, OptimizerState]>(
    ([, at, state], gradient) => {
      const [updates, next] = optimizer.update(gradient, state, at)
      return [updates, applyUpdates(at, updates), next]
    },
    [params, params, optimizer.init(params)],
  )

describe('home of optimizers', () => {
  const lengths = fc.oneof(
    fc.integer({ min: 1, max: 300 }),
    fc.integer({ min: 8150, max: 8500 }),
    fc.integer({ min: 16_000, max: 40_000 }),
  )
  it.each(Object.entries(optimizers))('%s: the bits of the loops, made in the arena', (_, given) => {
    const optimizer = given as GradientTransformation<OptimizerState>
    fc.assert(
      fc.property(
        lengths,
        fc.nat(1000),
        fc.constantFrom(1, 1e-42, 1e-20, 1e18),
        fc.array(fc.tuple(fc.nat(1999), special), { maxLength: 6 }),
        fc.integer({ min: 1, max: 9 }),
        (length, seed, scale, specials, steps) => {
          const params = normal([length], 'float32')(key(seed))
          const gradients = Array.from({ length: steps }, (__, t) => {
            const numbers = toArray(normal([length])(key(seed + t + 1))).map((x) => x * scale)
            for (const [place, value] of specials) numbers[(place + t) % length] = value
            return tensor(numbers, [length])
          })
          const expected = descend(optimizer, params, gradients)
          for (const backend of backends) {
            const found = backend.scope(() => {
              const placed = gradients.map((t) => backend.map('neg', backend.map('neg', t)))
              const results = descend(optimizer, params, placed)
              expect(tensorsWithin(results).some((t) => homeOf(t) !== undefined)).toBe(true)
              return results
            })
            expectSameBits(found, expected)
          }
        },
      ),
      { numRuns: 8 },
    )
  })

  it('a step needs no more memory than the step before', () => {
    const backend = wasm({ threads: 2 })
    const optimizer = adam({ learningRate: 0.1 })
    const params = normal([20_000], 'float32')(key(1))
    let [current, state] = [params, optimizer.init(params)]
    const peaks = Array.from({ length: 12 }, (_, t) => {
      ;[current, state] = backend.scope(() => {
        const gradient = backend.map('neg', normal([20_000], 'float32')(key(t)))
        const [updates, next] = optimizer.update(gradient, state, current)
        return [applyUpdates(current, updates), next]
      })
      return backend.peakBytes()
    })
    backend.close()
    expect(new Set(peaks.slice(1)).size).toBe(1)
  })
})

describe('home', () => {
  it.each(backends.map((backend) => [backend.name, backend] as const))('of %s: the bits of the loops', (_, backend) => {
    fc.assert(
      fc.property(
        recipes,
        keys,
        factors,
        factors,
        fc.double({ min: 0.01, max: 5, noNaN: true }),
        (recipe, source, a, b, sigma) => {
          const [x, y] = [matrix(recipe, 0), matrix(recipe, 1)]
          const work = (u: Tensor, v: Tensor): readonly [Tensor, ...Tensor[]] => [
            scaleTensor(a)(u),
            combine(a, b)(u, v),
            combine(b, a)(x, v),
            addTensors(u, v),
            gaussian(sigma)(source)({ _tag: 'BoundedSum', sum: u, l2Bound: 0.7 }).value,
          ]
          const expected = work(x, y)
          const found = backend.scope(() => {
            const [u, v] = [x, y].map((t) => backend.map('neg', backend.map('neg', t))) as [Tensor, Tensor]
            expect(homeOf(u)?.allFinite([u])).toBe(toArray(u).every(Number.isFinite))
            return work(u, v)
          })
          expect(homeOf(...found)).toBeUndefined()
          found.forEach((t, index) => {
            expectSameBits(t, expected[index] as Tensor)
          })
        },
      ),
      { numRuns: 40 },
    )
  })

  it('what is not finite is found, in the first number and the last, of however many tensors', () => {
    const lengths = fc.oneof(fc.constantFrom(1, 7, 8, 65_535, 65_536, 65_537, 140_000), fc.integer({ min: 1, max: 70 }))
    fc.assert(
      fc.property(
        fc.array(lengths, { minLength: 1, maxLength: 70 }),
        fc.option(fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY), { nil: undefined }),
        fc.nat(),
        fc.constantFrom('first', 'last', 'any'),
        (sizes, value, chosen, where) => {
          const tensors = sizes.map((length, index) => {
            const numbers = new Float32Array(length).fill(index % 2 === 0 ? 3e38 : -1)
            const place = where === 'first' ? 0 : where === 'last' ? length - 1 : chosen % length
            if (value !== undefined && index === chosen % sizes.length) numbers[place] = value
            return tensor(numbers, [length])
          })
          for (const backend of backends)
            expect(backend.scope(() => allFinite(tensors.map((t) => backend.map('neg', t))))).toBe(value === undefined)
        },
      ),
      { numRuns: 25 },
    )
  })

  it('a step in one scope is the step in many', () => {
    const model = sequential(linear(64), relu, linear(10))
    const input = normal([12, 50], 'float32')(key(3))
    const batch = {
      input,
      target: tensor(
        Array.from({ length: 12 }, (_, n) => n % 10),
        [12],
        'int32',
      ),
    }
    const optimizer = sgd({ learningRate: 0.1, momentum: 0.9, weightDecay: 0.01 })
    for (const backend of backends) {
      const clipped = clippedGradWithDiagnostics(crossEntropy, model, flatClip(1), { backend, numbersAtOnce: 500 })
      const { params } = model.init(key(0), [50])
      const state = optimizer.update(params, optimizer.init(params), params)[1]
      const step = (): Tree => {
        const { bounded } = clipped(params, batch)
        const [updates] = optimizer.update(meanOver(7)(gaussian(1)(key(1))(bounded)).value, state, params)
        return applyUpdates(params, updates)
      }
      expect(backend.scope(step)).toEqual(step())
    }
  })
})

/**
 * Where a tensor lies cannot be told from a result: what a device does for clipped sums, mechanisms and optimizers has the bits
 * of the loops in JavaScript.
 */
import fc, { type Arbitrary } from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { crossEntropy, linear, relu, sequential } from '../src/grad/index.js'
import { applyUpdates, sgd } from '../src/optim/index.js'
import { combine } from '../src/optim/leaf.js'
import { clippedGradWithDiagnostics, flatClip, gaussian, meanOver } from '../src/privacy/index.js'
import { chachaKey, type Key, key, normal } from '../src/sampling/index.js'
import { wasm } from '../src/tensor/backend/wasm/index.js'
import { addTensors, scaleTensor } from '../src/tensor/elementwise.js'
import { homeOf } from '../src/tensor/home.js'
import { size, type Tensor, tensor, toArray } from '../src/tensor/tensor.js'
import type { Tree } from '../src/tensor/tree.js'
import { slice, transpose } from '../src/tensor/view.js'
import { special } from './arbitraries/tensor.js'
import { expectSameBits } from './laws/purity.js'

const backends = [wasm({ threads: 1 }), wasm({ threads: 3 }), wasm({ threads: 1, relaxed: false })]
afterAll(() => {
  for (const backend of backends) backend.close()
})

/** What two matrices are made of: more numbers than are done by hand, some of them special, seen whole, in part or transposed. */
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
            if (size(u) >= 2048) expect(homeOf(u)?.allFinite(u)).toBe(toArray(u).every(Number.isFinite))
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

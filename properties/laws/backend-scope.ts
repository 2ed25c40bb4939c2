/**
 * A scope changes where temporaries live, and nothing that anyone can observe.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Backend } from '../../src/tensor/backend/backend.js'
import { full, type Tensor, toArray } from '../../src/tensor/tensor.js'
import { slice, transpose } from '../../src/tensor/view.js'
import { noise, tensorsOf } from '../arbitraries/tensor.js'
import { expectSameBits, leavesUnchanged } from './purity.js'

/** A few operations whose temporaries depend on each other. */
const work =
  (backend: Backend) =>
  (x: Tensor, y: Tensor): Tensor => {
    const product = backend.matmul(x, transpose()(y))
    const scaled = backend.zip('mul', product, backend.map('tanh', product))
    return backend.zip('add', scaled, backend.sum(scaled, [0]))
  }

const pairs = fc
  .record({ m: fc.nat(6), k: fc.nat(6), p: fc.nat(6) })
  .chain(({ m, k, p }) => fc.tuple(tensorsOf([m, k]), tensorsOf([p, k])))

/** Work that would write over whatever an arena gave back too early. */
const churn = (backend: Backend): void => {
  for (let i = 0; i < 3; i++) {
    backend.scope(() => backend.map('exp', backend.zip('add', full(i, [997]), full(1, [997]))))
    backend.map('neg', full(-7, [499]))
  }
}

export const scopeLaws = (name: string, backend: Backend): void => {
  const f = work(backend)
  describe(`${name}: scopes`, () => {
    it('what leaves a scope equals the unscoped result, survives later work, and so do the inputs', () => {
      fc.assert(
        fc.property(pairs, ([x, y]) => {
          const expected = f(x, y)
          const found = leavesUnchanged([x, y], () => backend.scope(() => f(x, y)))
          const first = toArray(found)
          churn(backend)
          expectSameBits(found, expected)
          expect(toArray(found)).toEqual(first)
        }),
      )
    })
    it('a scope run again gives the same bits', () => {
      fc.assert(
        fc.property(pairs, ([x, y]) => {
          const once = backend.scope(() => f(x, y))
          churn(backend)
          expectSameBits(
            backend.scope(() => f(x, y)),
            once,
          )
        }),
      )
    })
    it('scopes nest: an inner result lives on in the outer scope, and an outer temporary outlives the inner scope', () => {
      fc.assert(
        fc.property(pairs, ([x, y]) => {
          const expected = backend.zip('sub', backend.map('square', f(x, y)), backend.map('sigmoid', f(x, y)))
          const found = backend.scope(() => {
            const outer = backend.map('square', f(x, y))
            const inner = backend.scope(() => {
              const deepest = backend.scope(() => f(x, y))
              churn(backend)
              return backend.map('sigmoid', deepest)
            })
            churn(backend)
            return backend.zip('sub', outer, inner)
          })
          churn(backend)
          expectSameBits(found, expected)
        }),
      )
    })
    it('records, arrays, views, one tensor twice, inputs and what is no tensor leave a scope as they are', () => {
      fc.assert(
        fc.property(pairs, ([x, y]) => {
          const results = () => {
            const product = f(x, y)
            return {
              product,
              again: [product, { deep: [backend.map('neg', product)] }],
              view: transpose()(product),
              rows: slice({ axis: 0, step: -1 })(product),
              input: x,
              number: 3,
              text: 'three',
              nothing: undefined,
              none: null,
              list: [1, 2],
            } as const
          }
          const [found, expected] = [backend.scope(results), results()]
          churn(backend)
          expect(toArray(found.product)).toEqual(toArray(expected.product))
          expect(found.view.shape).toEqual(expected.view.shape)
          expect(toArray(found.view)).toEqual(toArray(expected.view))
          expect(toArray(found.rows)).toEqual(toArray(expected.rows))
          expect(toArray(found.again[0])).toEqual(toArray(expected.product))
          expect(toArray(found.again[1].deep[0] as Tensor)).toEqual(toArray(expected.again[1].deep[0] as Tensor))
          expect(toArray(found.input)).toEqual(toArray(x))
          expect(found.number).toBe(3)
          expect(found.text).toBe('three')
          expect(found.nothing).toBe(undefined)
          expect(found.none).toBe(null)
          expect(found.list).toEqual([1, 2])
        }),
      )
    })
    it('a body that throws throws the same out of the scope, which then has left nothing behind', () => {
      fc.assert(
        fc.property(pairs, ([x, y]) => {
          const expected = f(x, y)
          const failure = new Error('from within')
          const failing = () =>
            backend.scope(() => {
              f(x, y)
              return backend.scope(() => {
                f(x, y)
                throw failure
              })
            })
          expect(failing).toThrow(failure)
          const caught = backend.scope(() => {
            const before = f(x, y)
            expect(failing).toThrow(failure)
            return [before, f(x, y)]
          })
          churn(backend)
          expectSameBits(caught, [expected, expected])
          expectSameBits(f(x, y), expected)
        }),
      )
    })
    it('many scopes take no more room than one, and one scope takes as much as it needs', () => {
      const x = noise([1 << 18])
      const expected = backend.map('neg', x)
      for (let i = 0; i < 400; i++) backend.scope(() => backend.map('neg', x))
      const last = backend.scope(() => {
        const temporaries = Array.from({ length: 65 }, () => backend.map('neg', x))
        return [temporaries[0] as Tensor, temporaries.reduce((kept, next) => backend.zip('min', kept, next))]
      })
      churn(backend)
      expectSameBits(last, [expected, expected])
    })
  })
}

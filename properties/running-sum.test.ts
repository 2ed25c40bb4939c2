/**
 * Sums that grow in storage of their own: the same bits as adding tree to tree.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { combine } from '../src/optim/leaf.js'
import { wasm } from '../src/tensor/backend/wasm/index.js'
import { allFinite, runningSum } from '../src/tensor/running-sum.js'
import { arange, type Tensor, tensor, toArray, zeros } from '../src/tensor/tensor.js'
import { addTrees, mapTree, scaleTree, zipTreesWith } from '../src/tensor/tree.js'
import { transpose } from '../src/tensor/view.js'

type Two = { readonly a: Tensor; readonly b: readonly [Tensor] }

const numbers = (length: number) =>
  fc.array(fc.float({ noDefaultInfinity: true, noNaN: true }), { minLength: length, maxLength: length })
const trees = fc.constantFrom('float32' as const, 'float64' as const).chain((dtype) =>
  fc.array(
    fc.tuple(numbers(6), numbers(3)).map(
      ([a, b]): Two => ({
        a: transpose()(tensor(a, [2, 3], dtype)),
        b: [tensor(b, [3], dtype)],
      }),
    ),
    { minLength: 1, maxLength: 5 },
  ),
)

const copy = (t: Tensor): Tensor => tensor(toArray(t), t.shape, t.dtype)

describe('a running sum', () => {
  it('is what adding tree to tree is, bit by bit, and leaves its arguments as they were', () => {
    fc.assert(
      fc.property(trees, (all) => {
        const before = all.map(({ a, b: [b] }) => [toArray(a), toArray(b)])
        const total = runningSum<Two>()
        const [first, ...rest] = all as [Two, ...Two[]]
        expect(total.add(first)).toBe(false)
        total.begin({
          a: transpose()(tensor(toArray(transpose()(first.a)), [2, 3], first.a.dtype)),
          b: [copy(first.b[0])],
        })
        for (const tree of rest) expect(total.add(tree)).toBe(true)
        const [sum, expected] = [total.value() as Two, all.reduce(addTrees<Two>)]
        expect([sum.a.shape, sum.b[0].dtype]).toEqual([[3, 2], expected.b[0].dtype])
        expect([toArray(sum.a), toArray(sum.b[0])]).toEqual([toArray(expected.a), toArray(expected.b[0])])
        expect(all.map(({ a, b: [b] }) => [toArray(a), toArray(b)])).toEqual(before)
      }),
    )
  })

  it('grows with what lies in an arena, several times in a scope', () => {
    const backends = [wasm({ threads: 1 }), wasm({ threads: 2 })]
    const some = fc.array(fc.tuple(numbers(6), numbers(3)), { minLength: 2, maxLength: 5 })
    fc.assert(
      fc.property(some, fc.boolean(), fc.constantFrom(1, 0.25, 2 ** -60), (drawn, beginsThere, factor) => {
        const all = drawn.map(([a, b]): Two => ({ a: tensor(a, [3, 2]), b: [tensor(b, [3])] }))
        const expected = all.reduce(zipTreesWith(combine(1, factor)) as (a: Two, b: Two) => Two)
        for (const backend of backends) {
          const sum = backend.scope(() => {
            const there = mapTree((t) => backend.map('neg', backend.map('neg', t)))
            const [first, ...rest] = all as [Two, ...Two[]]
            const total = runningSum<Two>()
            total.begin(beginsThere ? there(first) : mapTree(copy)(first))
            for (const tree of rest) total.add(there(tree), factor)
            return total.value() as Two
          })
          expect([toArray(sum.a), toArray(sum.b[0])]).toEqual([toArray(expected.a), toArray(expected.b[0])])
        }
      }),
    )
    for (const backend of backends) backend.close()
  })

  it('a factor of a tree is one of each leaf, in an arena too, more leaves than one launch takes', () => {
    const leaves = Array.from({ length: 40 }, (_, index) => tensor([index, -1.5, 3], [3]))
    const expected = leaves.map((leaf) => toArray(leaf).map((x) => Math.fround(0.3 * x)))
    expect(scaleTree(0.3)(leaves).map(toArray)).toEqual(expected)
    for (const backend of [wasm({ threads: 1 }), wasm({ threads: 2 })]) {
      const there = mapTree((t) => backend.map('neg', backend.map('neg', t)))
      expect(backend.scope(() => scaleTree(0.3)(there(leaves))).map(toArray)).toEqual(expected)
      backend.close()
    }
  })

  it('of nothing is nothing; trees that differ are refused', () => {
    expect(runningSum().value()).toBeUndefined()
    const total = runningSum<{ readonly a: Tensor }>()
    total.begin({ a: zeros([2]) })
    expect(() => total.add({ a: zeros([3]) })).toThrow('leaves differ')
    expect(() => total.add({} as never)).toThrow('trees differ in structure')
  })
})

it('a tree is finite where every number is, wherever the others stand', () => {
  const places = fc.record({
    at: fc.nat(10),
    stray: fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
    dtype: fc.constantFrom('float32' as const, 'float64' as const),
  })
  fc.assert(
    fc.property(places, ({ at, stray, dtype }) => {
      const whole = toArray(arange(11)).map((x) => x * (dtype === 'float32' ? 3e37 : 1e307))
      expect(allFinite({ a: [tensor(whole, [11], dtype)] })).toBe(true)
      expect(allFinite({ a: [zeros([2]), tensor(whole.with(at, stray), [11], dtype)] })).toBe(false)
    }),
  )
})

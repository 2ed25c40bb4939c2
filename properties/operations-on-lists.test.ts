/**
 * Operations that take several tensors at once: the bits of one after the other.
 */
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { type Conv2dParams, conv2d, groupNorm, layer, relu, residual, sequential, tanh } from '../src/grad/index.js'
import { key } from '../src/sampling/index.js'
import type { Backend } from '../src/tensor/backend/backend.js'
import { wasm } from '../src/tensor/backend/wasm/index.js'
import { addTensors, scaleTensor } from '../src/tensor/elementwise.js'
import { full, scalar, type Tensor, tensor, toArray } from '../src/tensor/tensor.js'
import { leaves, mapTree } from '../src/tensor/tree.js'
import { transpose } from '../src/tensor/view.js'
import { noise } from './arbitraries/tensor.js'

const backends = [1, 2].map((threads) => wasm({ threads }))
afterAll(() => {
  for (const backend of backends) backend.close()
})

/** So many rows in tensors of some shapes, also as views, more of them than one launch takes; rows longer than one block. */
const lists = fc.record({
  rows: fc.integer({ min: 0, max: 6 }),
  shapes: fc.array(fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 2 }), {
    minLength: 1,
    maxLength: 70,
    size: 'max',
  }),
  isLong: fc.boolean(),
})

const tensorsOf = ({ rows, shapes, isLong }: { rows: number; shapes: readonly number[][]; isLong: boolean }) =>
  [...shapes, ...(isLong ? [[3, 12_000]] : [])].map((shape, seed): Tensor => {
    const whole = [rows, ...shape]
    return seed % 3 === 0 ? transpose()(noise(whole.toReversed(), { seed })) : noise(whole, { seed })
  }) as [Tensor, ...Tensor[]]

describe('operations on lists', () => {
  it('norms of rows are sums of `rowDots`, in order', () => {
    fc.assert(
      fc.property(lists, (drawn) => {
        const tensors = tensorsOf(drawn)
        for (const { map, rowDots, rowNorms } of backends) {
          const [first, ...rest] = tensors.map((t) => rowDots(t, t)) as [Tensor, ...Tensor[]]
          // What is not written now shows.
          map('neg', noise([64]))
          expect(toArray(rowNorms?.(tensors) as Tensor)).toEqual(toArray(rest.reduce(addTensors, first)))
        }
      }),
      // Rows without numbers.
      { examples: [[{ rows: 3, shapes: [[0], [2, 0]], isLong: false }]] },
    )
  })

  it('weighted sums of rows are those of each', () => {
    fc.assert(
      fc.property(lists, (drawn) => {
        const [tensors, weight] = [tensorsOf(drawn), noise([drawn.rows], { seed: 99 })]
        for (const { weightedRowSum, weightedRowSums } of backends) {
          const found = weightedRowSums?.(weight, tensors) as readonly Tensor[]
          expect(found.map(({ shape }) => shape)).toEqual(tensors.map(({ shape }) => shape.slice(1)))
          expect(found.map(toArray)).toEqual(tensors.map((t) => toArray(weightedRowSum(weight, t))))
        }
      }),
    )
  })

  it('other numbers of rows are refused', () => {
    for (const { rowNorms, weightedRowSums } of backends) {
      const some = [noise([2, 3]), noise([3, 3])] as const
      expect(() => rowNorms?.(some)).toThrow('rowNorms takes as many rows of each')
      expect(() => rowNorms?.([scalar(1)])).toThrow('rowNorms takes as many rows of each')
      expect(() => weightedRowSums?.(noise([2]), some)).toThrow('one weight for each row')
    }
  })

  it('a composition sums the rows of what its layers keep in one', () => {
    const pointwise = residual(sequential(conv2d(4, { kernel: 1 }), tanh))
    const rule = sequential(conv2d(4, { kernel: 3 }), groupNorm({ groups: 2 }), relu, pointwise)
    const { params, output } = rule.init(key(1), [2, 6, 6])
    const [x, gy, weight] = [
      noise([3, 2, 6, 6], { seed: 1 }),
      noise([3, ...output], { seed: 2 }),
      tensor([1, 0.5, 2], [3]),
    ]
    for (const backend of backends) {
      const lists: number[] = []
      const counted: Backend = {
        ...backend,
        weightedRowSums: (by, xs) => {
          lists.push(xs.length)
          return backend.weightedRowSums?.(by, xs) as readonly Tensor[]
        },
      }
      const pulled = rule.pullback(counted, params, rule.forward(counted, params, x)[1], gy)
      const found = leaves(pulled.weightedGrad(weight)).map(toArray)
      expect(lists).toEqual([2, 4])
      const each = leaves(pulled.perSampleGrad()).map((grad) => toArray(backend.weightedRowSum(weight, grad)))
      expect(found).toEqual(each)
    }
  })

  it('who sums otherwise than the pullback that it is made of is asked itself', () => {
    const inner = conv2d(4, { kernel: 3 })
    const doubled = layer<Conv2dParams, Tensor>({
      ...inner,
      pullback: (...at) => {
        const pulled = inner.pullback(...at)
        return { ...pulled, weightedGrad: (weight) => mapTree(scaleTensor(2))(pulled.weightedGrad(weight)) }
      },
    })
    const [x, gy, weight] = [noise([3, 2, 6, 6]), noise([3, 4, 4, 4], { seed: 2 }), full(1, [3])]
    for (const backend of backends) {
      const sums = [inner, doubled].map((rule) => {
        const whole = sequential(rule)
        const { params } = whole.init(key(1), [2, 6, 6])
        const [, cache] = whole.forward(backend, params, x)
        return leaves(whole.pullback(backend, params, cache, gy).weightedGrad(weight)).map(toArray)
      }) as [number[][], number[][]]
      expect(sums[1]).toEqual(sums[0].map((numbers) => numbers.map((number) => 2 * number)))
    }
  })
})

import fc from 'fast-check'
import type { Eq } from 'fp-ts/lib/Eq.js'
import ndarray from 'ndarray'
import { describe, expect, it } from 'vitest'
import { addTensors, mapTensor, zipTensorsWith } from '../src/tensor/elementwise.js'
import { fromNdarray, toNdarray } from '../src/tensor/ndarray.js'
import { broadcastShapes, rowMajor, type Shape, type ShapeError, sizeOf } from '../src/tensor/shape.js'
import {
  arange,
  at,
  cast,
  contiguous,
  full,
  isContiguous,
  scalar,
  size,
  type Tensor,
  tensor,
  toArray,
  zeros,
} from '../src/tensor/tensor.js'
import {
  addTrees,
  flatten,
  foldTree,
  leaves,
  mapTree,
  namedLeaves,
  sumMonoid,
  type Tree,
  treeSize,
  unflatten,
  zerosLike,
  zipTreesWith,
} from '../src/tensor/tree.js'
import { broadcast, concatenate, reshape, slice, take, transpose } from '../src/tensor/view.js'
import { windowOutput } from '../src/tensor/window.js'
import { pools } from './arbitraries/geometry.js'
import { broadcastable } from './arbitraries/operation.js'
import { dyadic, shapes, special, tensors, tensorsOf } from './arbitraries/tensor.js'
import { alike, trees } from './arbitraries/tree.js'
import { commutativeLaws, monoidLaws } from './laws/monoid.js'
import { purityLaws } from './laws/purity.js'

/** Shape, dtype and elements are the same; where these lie is not compared. */
const expectSame = (a: Tensor, b: Tensor): void => {
  expect([a.shape, a.dtype]).toEqual([b.shape, b.dtype])
  expect(toArray(a)).toEqual(toArray(b))
}

/** Element by element: at(index)(t) is what f says for every index of its shape. */
const expectElements = (t: Tensor, shape: Shape, f: (index: readonly number[]) => number): void => {
  expect(t.shape).toEqual(shape)
  for (let i = 0; i < sizeOf(shape); i++) {
    const index = rowMajor(shape).map((step, axis) => Math.floor(i / step) % (shape[axis] as number))
    if (!Object.is(at(...index)(t), f(index))) expect.fail(`[${index}]: ${at(...index)(t)} for ${f(index)}`)
  }
}

const withRank = (minRank: number) => shapes({ minRank }).chain((shape) => tensorsOf(shape, { values: special }))
const any = withRank(0)

/** A tensor with one of its axes that is not empty, and a slice of it that stays inside. */
const sliced = withRank(1)
  .filter((t) => size(t) > 0)
  .chain((t) => fc.record({ t: fc.constant(t), axis: fc.nat(t.shape.length - 1) }))
  .chain(({ t, axis }) => {
    const extent = t.shape[axis] as number
    return fc
      .record({ start: fc.nat(extent - 1), count: fc.nat(extent), step: fc.constantFrom(1, 2, 3, -1, -2) })
      .map(({ start, count, step }) => {
        const length = Math.min(count, step > 0 ? Math.ceil((extent - start) / step) : Math.ceil((start + 1) / -step))
        return { t, axis, length, range: { axis, start, end: start + length * step, step } }
      })
  })

describe('constructors', () => {
  it('toArray undoes tensor, and neither array is shared', () => {
    fc.assert(
      fc.property(fc.array(fc.double()), (numbers) => {
        const source = Float64Array.from(numbers)
        const t = tensor(source, [numbers.length], 'float64')
        source.fill(99)
        toArray(t).fill(99)
        expect(toArray(t)).toEqual(numbers)
      }),
    )
  })
  it('full, zeros, scalar, arange', () => {
    expect([full(2, [2, 2]), zeros([3]), scalar(7), arange(3)].map(toArray)).toEqual([
      [2, 2, 2, 2],
      [0, 0, 0],
      [7],
      [0, 1, 2],
    ])
    expect(at()(scalar(7))).toBe(7)
  })
})

describe('views', () => {
  it('an element of a tensor is where its strides say', () => {
    fc.assert(
      fc.property(any, (t) => {
        expectElements(
          t,
          t.shape,
          (index) => t.data[index.reduce((p, i, axis) => p + i * (t.stride[axis] as number), t.offset)] as number,
        )
        expect(toArray(t).length).toBe(size(t))
      }),
    )
  })
  it('reshape keeps the elements in their order, and is undone by reshape', () => {
    fc.assert(
      fc.property(any, (t) => {
        const flat = reshape([size(t)])(t)
        expect(toArray(flat)).toEqual(toArray(t))
        expectSame(reshape(t.shape)(flat), t)
      }),
    )
  })
  it('contiguous and cast to the own dtype change nothing but the layout', () => {
    fc.assert(
      fc.property(any, (t) => {
        expectSame(contiguous(t), t)
        expect(isContiguous(contiguous(t)) || size(t) === 0).toBe(true)
        expect(toArray(cast('float64')(t))).toEqual(toArray(t))
      }),
    )
  })
  it('transpose twice is the identity; a permutation is undone by its inverse', () => {
    const cases = any.chain((t) =>
      fc.tuple(fc.constant(t), fc.shuffledSubarray([...t.shape.keys()], { minLength: t.shape.length })),
    )
    fc.assert(
      fc.property(cases, ([t, order]) => {
        expect(transpose()(transpose()(t))).toEqual(t)
        expect(transpose(order.map((_, axis) => order.indexOf(axis)))(transpose(order)(t))).toEqual(t)
        expectElements(
          transpose(order)(t),
          order.map((axis) => t.shape[axis] as number),
          (index) => at(...index.map((_, axis) => index[order.indexOf(axis)] as number))(t),
        )
      }),
    )
  })
  it('slice takes every step-th place from start', () => {
    fc.assert(
      fc.property(sliced, ({ t, axis, length, range }) => {
        expectElements(slice(range)(t), t.shape.with(axis, length), (index) =>
          at(...index.with(axis, range.start + (index[axis] as number) * range.step))(t),
        )
      }),
    )
  })
  it('a slice of a slice is the slice of the composed range', () => {
    const twice = sliced
      .filter(({ length }) => length > 0)
      .chain((outer) => fc.tuple(fc.constant(outer), fc.nat(outer.length - 1), fc.constantFrom(1, 2, -1, -3)))
    fc.assert(
      fc.property(twice, ([{ t, axis, length, range }, start, step]) => {
        const inner = slice({ axis, start, step })(slice(range)(t))
        const count = step > 0 ? Math.ceil((length - start) / step) : Math.ceil((start + 1) / -step)
        const from = range.start + start * range.step
        const by = step * range.step
        expectSame(inner, slice({ axis, start: from, end: from + count * by, step: by })(t))
      }),
    )
  })
  it('the whole slice is the identity, and reversing twice too', () => {
    fc.assert(
      fc.property(sliced, ({ t, axis }) => {
        expect(slice({ axis })(t)).toEqual(t)
        expectSame(slice({ axis, step: -1 })(slice({ axis, step: -1 })(t)), t)
      }),
    )
  })
  it('take picks rows; taking twice is taking the taken', () => {
    const cases = withRank(1)
      .filter((t) => t.shape[0] !== 0)
      .chain((t) =>
        fc.tuple(fc.constant(t), fc.array(fc.nat((t.shape[0] as number) - 1), { minLength: 1, maxLength: 6 })),
      )
      .chain(([t, rows]) =>
        fc.tuple(fc.constant(t), fc.constant(rows), fc.array(fc.nat(rows.length - 1), { maxLength: 6 })),
      )
    fc.assert(
      fc.property(cases, ([t, rows, again]) => {
        expectElements(take(rows)(t), [rows.length, ...t.shape.slice(1)], ([i, ...rest]) =>
          at(rows[i as number] as number, ...rest)(t),
        )
        expectSame(take(again)(take(rows)(t)), take(again.map((i) => rows[i] as number))(t))
        expectSame(take(arange(t.shape[0] as number).data)(t), t)
      }),
    )
  })
  it('broadcast repeats along new axes and along those of extent 1', () => {
    const cases = broadcastable().chain(([left, right]) =>
      fc.tuple(tensorsOf(left), fc.constant(broadcastShapes(left, right))),
    )
    fc.assert(
      fc.property(cases, ([t, shape]) => {
        const added = shape.length - t.shape.length
        expectElements(broadcast(shape)(t), shape, (index) =>
          at(...t.shape.map((extent, axis) => (extent === 1 ? 0 : (index[axis + added] as number))))(t),
        )
        expect(broadcast(t.shape)(t).shape).toEqual(t.shape)
      }),
    )
  })
  it('broadcastShapes is commutative, associative, and [] is its unit', () => {
    const attempt = (f: () => Shape): Shape | 'no common shape' => {
      try {
        return f()
      } catch {
        return 'no common shape'
      }
    }
    const three = fc.tuple(shapes({ maxExtent: 2 }), shapes({ maxExtent: 2 }), shapes({ maxExtent: 2 }))
    fc.assert(
      fc.property(three, ([a, b, c]) => {
        expect(broadcastShapes(a, [])).toEqual(a)
        expect(attempt(() => broadcastShapes(a, b))).toEqual(attempt(() => broadcastShapes(b, a)))
        expect(attempt(() => broadcastShapes(broadcastShapes(a, b), c))).toEqual(
          attempt(() => broadcastShapes(a, broadcastShapes(b, c))),
        )
      }),
    )
  })
  it('concatenate joins what slices parted', () => {
    fc.assert(
      fc.property(
        withRank(1).chain((t) => fc.tuple(fc.constant(t), fc.nat(t.shape[0] as number), fc.nat(t.shape[0] as number))),
        ([t, a, b]) => {
          const [first, second] = [Math.min(a, b), Math.max(a, b)]
          const part = (start: number, end: number) => slice({ axis: 0, start, end })(t)
          const [head, middle, tail] = [part(0, first), part(first, second), part(second, t.shape[0] as number)]
          expectSame(concatenate([head, middle, tail]), t)
          expectSame(concatenate([concatenate([head, middle]), tail]), concatenate([head, concatenate([middle, tail])]))
        },
      ),
    )
  })
})

describe('elementwise', () => {
  it('mapTensor: identity, composition', () => {
    const [f, g] = [(x: number) => x + 1, (x: number) => x * 2]
    fc.assert(
      fc.property(tensors({ dtypes: ['float64', 'int32'], values: special }), (t) => {
        expectSame(mapTensor((x) => x)(t), t)
        expectSame(mapTensor(g)(mapTensor(f)(t)), mapTensor((x) => g(f(x)))(t))
      }),
    )
  })
  it('zipTensorsWith pairs the elements of equal indices', () => {
    fc.assert(
      fc.property(
        shapes().chain((shape) => fc.tuple(tensorsOf(shape, { dtypes: ['float64'] }), tensorsOf(shape))),
        ([a, b]) => {
          expectElements(
            zipTensorsWith((x, y) => x - 3 * y)(a, b),
            a.shape,
            (index) => at(...index)(a) - 3 * at(...index)(b),
          )
        },
      ),
    )
  })
  it('addTensors is the zip of a sum, in the dtype of the first', () => {
    fc.assert(
      fc.property(
        shapes().chain((shape) => fc.tuple(tensorsOf(shape), tensorsOf(shape))),
        ([a, b]) => expectSame(addTensors(a, b), zipTensorsWith((x, y) => x + y)(a, b)),
      ),
    )
    expect(() => addTensors(zeros([2]), zeros([3]))).toThrow(/shapes differ/)
  })
})

describe('windows', () => {
  it('windowOutput counts the places where the window fits', () => {
    fc.assert(
      fc.property(pools, ({ window, input }) => {
        const plane = input.slice(2) as [number, number]
        const count = (axis: 0 | 1) => {
          const reach = window.dilation[axis] * (window.kernel[axis] - 1) + 1
          let places = 0
          for (
            let start = -window.padding[axis];
            start + reach <= plane[axis] + window.padding[axis];
            start += window.stride[axis]
          )
            places++
          return places
        }
        expect(windowOutput(window, plane)).toEqual([count(0), count(1)])
      }),
    )
  })
})

const double = mapTensor((x) => 2 * x)
const increment = mapTensor((x) => x + 1)

describe('trees', () => {
  it('mapTree: identity, composition, and the structure stays', () => {
    fc.assert(
      fc.property(trees(), (tree) => {
        expect(mapTree((leaf) => leaf)(tree)).toEqual(tree)
        expect(mapTree(double)(mapTree(increment)(tree))).toEqual(mapTree((leaf) => double(increment(leaf)))(tree))
        expect(namedLeaves(mapTree(double)(tree)).map(({ path }) => path)).toEqual(
          namedLeaves(tree).map(({ path }) => path),
        )
      }),
    )
  })
  it('unflatten undoes flatten; flatten undoes unflatten', () => {
    fc.assert(
      fc.property(trees(), (tree) => {
        const vector = flatten(tree)
        const back = unflatten(tree)(vector)
        expect(size(vector)).toBe(treeSize(tree))
        leaves(back).forEach((leaf, i) => {
          expectSame(leaf, leaves(tree)[i] as Tensor)
        })
        expectSame(flatten(back), vector)
        expect(namedLeaves(back).map(({ path }) => path)).toEqual(namedLeaves(tree).map(({ path }) => path))
      }),
    )
  })
  it('flatten is the leaves one after the other, and foldTree sees them in that order', () => {
    fc.assert(
      fc.property(trees(), (tree) => {
        expect(toArray(flatten(tree))).toEqual(leaves(tree).flatMap(toArray))
        expect(foldTree<readonly Tensor[]>([], (found, leaf) => [...found, leaf])(tree)).toEqual(leaves(tree))
      }),
    )
  })
  it('zipTreesWith pairs the leaves of one place', () => {
    fc.assert(
      fc.property(alike(2), ([a, b]) => {
        const [left, right] = [leaves(a as Tree), leaves(b as Tree)]
        expect(leaves(zipTreesWith((x) => x)(a as Tree, b as Tree))).toEqual(left)
        expect(leaves(zipTreesWith((_, y) => y)(a as Tree, b as Tree))).toEqual(right)
      }),
    )
  })
  it('zipTreesWith goes by key, not by the order of the keys', () => {
    const sum = addTrees({ a: scalar(1), b: scalar(2) }, { b: scalar(20), a: scalar(10) })
    expect([sum.a, sum.b].map(toArray)).toEqual([[11], [22]])
  })

  // exact, and of one dtype, which the sum of mixed ones takes from the left
  const sums = fc
    .constantFrom('float32', 'float64', 'int32')
    .chain((dtype) => alike(3, { dtypes: [dtype], values: dyadic }))
    .map((values) => ({ monoid: sumMonoid(values[0] as Tree), values: values as [Tree, Tree, Tree] }))
  const TreeEq: Eq<Tree> = {
    equals: (a, b) => {
      expect(zerosLike(a)).toEqual(zerosLike(b))
      return toArray(flatten(a)).every((x, i) => x === toArray(flatten(b))[i])
    },
  }
  monoidLaws('sumMonoid', sums, TreeEq)
  commutativeLaws('sumMonoid', sums, TreeEq)
})

describe('shapes that do not fit throw a ShapeError that names them', () => {
  const misfits: readonly (readonly [string, readonly Shape[], () => unknown])[] = [
    ['tensor', [[2, 2]], () => tensor([1, 2, 3], [2, 2])],
    ['zeros of a negative extent', [[-1]], () => zeros([-1])],
    ['zeros of half an extent', [[0.5]], () => zeros([0.5])],
    ['reshape', [[2, 3], [4]], () => reshape([4])(zeros([2, 3]))],
    ['reshape to a negative extent', [[-2, -3]], () => reshape([-2, -3])(zeros([2, 3]))],
    [
      'transpose',
      [
        [0, 0],
        [2, 3],
      ],
      () => transpose([0, 0])(zeros([2, 3])),
    ],
    ['slice of no axis', [[2]], () => slice({ axis: 1 })(zeros([2]))],
    ['slice beyond the end', [[2]], () => slice({ axis: 0, start: 0, end: 3 })(zeros([2]))],
    ['slice from a negative start', [[2]], () => slice({ axis: 0, start: -1 })(zeros([2]))],
    ['slice by 0', [[2]], () => slice({ axis: 0, step: 0 })(zeros([2]))],
    ['slice from between two places', [[2]], () => slice({ axis: 0, start: 0.5 })(zeros([2]))],
    ['slice to NaN', [[2]], () => slice({ axis: 0, end: NaN })(zeros([2]))],
    ['take', [[2]], () => take([2])(zeros([2]))],
    ['take of a scalar', [[]], () => take([0])(scalar(1))],
    ['broadcast', [[2], [3]], () => broadcast([3])(zeros([2]))],
    ['broadcast to fewer axes', [[1, 1], [1]], () => broadcast([1])(zeros([1, 1]))],
    ['broadcast to a negative extent', [[-2, 3]], () => broadcast([-2, 3])(zeros([3]))],
    ['broadcastShapes', [[2, 3], [4]], () => broadcastShapes([2, 3], [4])],
    [
      'concatenate',
      [
        [1, 2],
        [1, 3],
      ],
      () => concatenate([zeros([1, 2]), zeros([1, 3])]),
    ],
    ['concatenate of scalars', [[]], () => concatenate([scalar(1), scalar(2)])],
    ['at', [[2], [2]], () => at(2)(zeros([2]))],
    ['at with too few indices', [[0], [2, 2]], () => at(0)(zeros([2, 2]))],
    ['at between two places', [[0.5], [2]], () => at(0.5)(zeros([2]))],
    ['zipTensorsWith', [[2], [1]], () => zipTensorsWith((x) => x)(zeros([2]), zeros([1]))],
    ['unflatten', [[3], [2]], () => unflatten({ a: zeros([2]) })(zeros([3]))],
    ['addTrees of leaves that differ', [[2], [3]], () => addTrees({ a: zeros([2]) }, { a: zeros([3]) })],
    [
      'windowOutput of stride 0',
      [[0, 1]],
      () => windowOutput({ kernel: [1, 1], stride: [0, 1], padding: [0, 0], dilation: [1, 1] }, [2, 2]),
    ],
    [
      'windowOutput of negative padding',
      [[0, -1]],
      () => windowOutput({ kernel: [1, 1], stride: [1, 1], padding: [0, -1], dilation: [1, 1] }, [2, 2]),
    ],
    [
      'windowOutput',
      [
        [3, 1],
        [2, 2],
      ],
      () => windowOutput({ kernel: [3, 1], stride: [1, 1], padding: [0, 0], dilation: [1, 1] }, [2, 2]),
    ],
  ]
  const thrownBy = (call: () => unknown): ShapeError => {
    try {
      call()
    } catch (error) {
      return error as ShapeError
    }
    return expect.fail('nothing was thrown')
  }
  it.each(misfits)('%s', (_, expected, call) => {
    const { name, message, shapes } = thrownBy(call)
    expect(name, message).toBe('ShapeError')
    for (const shape of expected) {
      expect(shapes).toContainEqual(shape)
      expect(message).toContain(`[${shape.join(',')}]`)
    }
  })
  it.each<readonly [string, Tree, Tree]>([
    ['a leaf more', { a: zeros([1]), b: zeros([1]) }, { a: zeros([1]) }],
    ['another key', { a: zeros([1]) }, { b: zeros([1]) }],
    ['a record for a leaf', { a: zeros([1]) }, { a: { a: zeros([1]) } }],
    ['a longer array', [zeros([1])], [zeros([1]), zeros([1])]],
    ['an array for a record', { 0: zeros([1]) }, [zeros([1])]],
    ['a dot in a key for a branch', { 'a.b': zeros([1]) }, { a: { b: zeros([1]) } }],
  ])('zipTreesWith, structures differ: %s', (_, a, b) => {
    expect(thrownBy(() => zipTreesWith((x) => x)(a, b)).name).toBe('ShapeError')
    expect(thrownBy(() => zipTreesWith((x) => x)(b, a)).name).toBe('ShapeError')
  })
})

describe('ndarray bridge', () => {
  it('a round trip keeps shape, dtype and elements', () => {
    fc.assert(
      fc.property(any, (t) => {
        const a = toNdarray(t)
        expect([[...a.shape], a.dtype, a.offset]).toEqual([t.shape, t.dtype, 0])
        expectSame(fromNdarray(a), t)
      }),
    )
  })
  it('writing to the ndarray changes no tensor', () => {
    fc.assert(
      fc.property(any, (t) => {
        const [before, a] = [toArray(t), toNdarray(t)]
        const copy = fromNdarray(a)
        a.data.fill(77)
        expect(toArray(t)).toEqual(before)
        expect(toArray(copy)).toEqual(before)
      }),
    )
  })
  it('strided ndarrays, and those of other storage, become row-major tensors', () => {
    const a = ndarray(Int16Array.from([0, 1, 2, 3, 4, 5]), [2, 3])
    expectSame(fromNdarray(a.transpose(1, 0).step(-1, 1)), tensor([2, 5, 1, 4, 0, 3], [3, 2], 'int32'))
    expectSame(fromNdarray(ndarray([0.1, 0.2], [2])), tensor([0.1, 0.2], [2], 'float64'))
    expect(() => fromNdarray(ndarray(BigInt64Array.from([1n]) as never, [1]))).toThrow(TypeError)
  })
})

describe('purity', () => {
  purityLaws('reshape', any, (t) => reshape([size(t)])(t))
  purityLaws('transpose', any, transpose())
  purityLaws('slice', sliced, ({ t, range }) => slice(range)(t))
  purityLaws(
    'take',
    any.filter((t) => t.shape.length > 0 && t.shape[0] !== 0),
    take([0, 0]),
  )
  purityLaws('broadcast', any, (t) => broadcast([2, ...t.shape])(t))
  purityLaws('concatenate', withRank(1), (t) => concatenate([t, t]))
  purityLaws('cast', any, cast('int32'))
  purityLaws('contiguous', any, contiguous)
  purityLaws('toArray', any, toArray)
  purityLaws('mapTensor', any, increment)
  purityLaws('zipTensorsWith', any, (t) => zipTensorsWith((x, y) => x + y)(t, t))
  purityLaws('mapTree', trees(), mapTree(double))
  purityLaws('addTrees', alike(2), ([a, b]) => addTrees(a as Tree, b as Tree))
  purityLaws('flatten', trees(), (tree) => flatten(tree))
  purityLaws('unflatten', trees(), (tree) => unflatten(tree)(flatten(tree)))
  purityLaws('zerosLike', trees(), zerosLike)
  purityLaws('toNdarray', any, (t) => [...toNdarray(t).data])
})

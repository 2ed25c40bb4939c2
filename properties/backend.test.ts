import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { reference } from '../src/tensor/backend/reference.js'
import { erfc } from '../src/tensor/special.js'
import { arange, at, full, size, type Tensor, tensor, toArray, zeros } from '../src/tensor/tensor.js'
import { broadcast, reshape } from '../src/tensor/view.js'
import { convolutions, pools } from './arbitraries/geometry.js'
import { broadcastable } from './arbitraries/operation.js'
import { dyadic, extents, shapes, tensorsOf } from './arbitraries/tensor.js'
import { backendLaws } from './laws/backend.js'

/** Every multi-index of a shape, in row-major order. */
const indices = (shape: readonly number[]): readonly (readonly number[])[] =>
  shape.reduce<readonly (readonly number[])[]>(
    (found, extent) => found.flatMap((index) => Array.from({ length: extent }, (_, i) => [...index, i])),
    [[]],
  )

const total = (terms: readonly number[]): number => terms.reduce((sum, term) => sum + term, 0)

/** x[n, c, row, column], or 0 in the padding. */
const pixel = (x: Tensor, n: number, c: number, row: number, column: number): number =>
  row >= 0 && row < (x.shape[2] as number) && column >= 0 && column < (x.shape[3] as number)
    ? at(n, c, row, column)(x)
    : 0

// sums and products of dyadic numbers are exact in float64 in any order, so that formulas can be compared bit for bit
const exact = { dtypes: ['float32', 'float64', 'uint8'], values: dyadic } as const

const expectElements = (t: Tensor, shape: readonly number[], f: (index: readonly number[]) => number): void => {
  expect(t.shape).toEqual(shape)
  // `+ 0`: the sign of a zero is not part of a formula
  expect(toArray(t).map((x) => x + 0)).toEqual(indices(shape).map((index) => f(index) + 0))
}

describe('reference: formulas, written down once more from their definition', () => {
  it('map', () => {
    const formulas = {
      neg: (x: number) => -x,
      abs: Math.abs,
      exp: Math.exp,
      log: Math.log,
      sqrt: Math.sqrt,
      square: (x: number) => x ** 2,
      reciprocal: (x: number) => 1 / x,
      relu: (x: number) => Math.max(x, 0),
      tanh: Math.tanh,
      sigmoid: (x: number) => 1 / (1 + Math.exp(-x)),
      gelu: (x: number) => x * (erfc(-x * Math.SQRT1_2) / 2),
    } as const
    fc.assert(
      fc.property(
        fc.constantFrom(...(Object.keys(formulas) as (keyof typeof formulas)[])),
        shapes().chain((shape) => tensorsOf(shape)),
        (op, x) => {
          expectElements(reference.map(op, x), x.shape, (index) => formulas[op](at(...index)(x)))
        },
      ),
    )
  })

  it('sigmoid and tanh, by their symmetries', () => {
    const x = tensor([-800, -2, -1e-9, 0, 1e-9, 0.5, 800], [7], 'float64')
    const [plus, minus] = [reference.map('sigmoid', x), reference.map('sigmoid', reference.map('neg', x))].map(toArray)
    for (const [i, p] of (plus as number[]).entries()) expect(p + (minus?.[i] as number)).toBeCloseTo(1, 14)
    expect(toArray(reference.map('tanh', x))[4]).toBe(1e-9)
  })

  it('zip', () => {
    const formulas = {
      add: (a: number, b: number) => a + b,
      sub: (a: number, b: number) => a - b,
      mul: (a: number, b: number) => a * b,
      div: (a: number, b: number) => a / b,
      max: Math.max,
      min: Math.min,
      reluGrad: (a: number, b: number) => (b > 0 ? a : 0),
      tanhGrad: (a: number, b: number) => a * (1 - b ** 2),
      sigmoidGrad: (a: number, b: number) => a * b * (1 - b),
      geluGrad: (a: number, b: number) =>
        (erfc(-b * Math.SQRT1_2) / 2 + b * (Math.exp((-b * b) / 2) / Math.sqrt(2 * Math.PI))) * a,
    } as const
    fc.assert(
      fc.property(
        fc.constantFrom(...(Object.keys(formulas) as (keyof typeof formulas)[])),
        broadcastable().chain(([left, right]) => fc.tuple(tensorsOf(left, exact), tensorsOf(right, exact))),
        (op, [a, b]) => {
          const y = reference.zip(op, a, b)
          const element = (t: Tensor, index: readonly number[]) =>
            at(
              ...t.shape.map((extent, axis) =>
                extent === 1 ? 0 : (index[axis + index.length - t.shape.length] as number),
              ),
            )(t)
          expectElements(y, y.shape, (index) => formulas[op](element(a, index), element(b, index)))
        },
      ),
    )
  })

  it('matmul, one product', () => {
    const sizes = fc.tuple(extents(), extents(), extents())
    fc.assert(
      fc.property(
        sizes.chain(([m, k, p]) => fc.tuple(tensorsOf([m, k], exact), tensorsOf([k, p], exact))),
        ([a, b]) => {
          const [[m, k], [, p]] = [a.shape, b.shape] as unknown as [[number, number], [number, number]]
          expectElements(reference.matmul(a, b), [m, p], ([i, j]) =>
            total(Array.from({ length: k }, (_, l) => at(i as number, l)(a) * at(l, j as number)(b))),
          )
        },
      ),
    )
  })

  it('matmul, a batch is its products', () => {
    const a = reshape([2, 1, 3, 4])(arange(24))
    const b = reshape([5, 4, 2])(arange(40))
    const y = reference.matmul(a, b)
    expectElements(y, [2, 5, 3, 2], ([s, t, i, j]) =>
      total([0, 1, 2, 3].map((k) => at(s as number, 0, i as number, k)(a) * at(t as number, k, j as number)(b))),
    )
  })

  it('sum', () => {
    fc.assert(
      fc.property(
        shapes().chain((shape) => fc.tuple(tensorsOf(shape, exact), fc.subarray(shape.map((_, axis) => axis)))),
        ([x, axes]) => {
          const kept = x.shape.flatMap((_, axis) => (axes.includes(axis) ? [] : [axis]))
          expectElements(
            reference.sum(x, axes),
            kept.map((axis) => x.shape[axis] as number),
            (index) =>
              total(
                indices(x.shape)
                  .filter((full) => kept.every((axis, position) => full[axis] === index[position]))
                  .map((full) => at(...full)(x)),
              ),
          )
        },
      ),
    )
  })

  it('rowDots, scaleRows, weightedRowSum', () => {
    fc.assert(
      fc.property(
        shapes({ minRank: 1, maxRank: 3 }).chain((shape) =>
          fc.tuple(tensorsOf(shape, exact), tensorsOf(shape, exact), tensorsOf(shape.slice(0, 1), exact)),
        ),
        ([a, b, weight]) => {
          const [n, ...rest] = a.shape as [number, ...number[]]
          const rows = indices([n]).map(([i]) => i as number)
          expectElements(reference.rowDots(a, b), [n], ([i]) =>
            total(indices(rest).map((index) => at(i as number, ...index)(a) * at(i as number, ...index)(b))),
          )
          expectElements(
            reference.scaleRows(weight, a),
            a.shape,
            (index) => at(index[0] as number)(weight) * at(...index)(a),
          )
          expectElements(reference.weightedRowSum(weight, a), rest, (index) =>
            total(rows.map((i) => at(i)(weight) * at(i, ...index)(a))),
          )
        },
      ),
    )
  })

  it('pad2d', () => {
    const padding = { top: 1, bottom: 0, left: 2, right: 3 }
    const x = reshape([2, 1, 3, 4])(arange(24))
    expectElements(reference.pad2d(x, padding), [2, 1, 4, 9], ([n, c, row, column]) =>
      pixel(x, n as number, c as number, (row as number) - 1, (column as number) - 2),
    )
  })

  it('conv2d', () => {
    fc.assert(
      fc.property(
        convolutions.chain((c) =>
          fc.tuple(
            fc.constant(c),
            tensorsOf(c.input, exact),
            tensorsOf(c.weight, exact),
            tensorsOf([c.weight[0] as number], exact),
          ),
        ),
        ([{ convolution, weight, output }, x, w, bias]) => {
          const { stride, padding, dilation, groups } = convolution
          const [outputs, groupChannels] = weight as readonly number[] as [number, number]
          expectElements(reference.conv2d(x, w, bias, convolution), output, (index) => {
            const [n, o, oh, ow] = index as readonly number[] as [number, number, number, number]
            const firstChannel = Math.floor((o * groups) / outputs) * groupChannels
            const products = indices(weight.slice(1)).map((tap) => {
              const [c, kh, kw] = tap as readonly number[] as [number, number, number]
              const row = oh * stride[0] + kh * dilation[0] - padding[0]
              const column = ow * stride[1] + kw * dilation[1] - padding[1]
              return pixel(x, n, firstChannel + c, row, column) * at(o, c, kh, kw)(w)
            })
            return at(o)(bias) + total(products)
          })
        },
      ),
    )
  })

  it('conv2d on numbers worked out by hand', () => {
    const x = reshape([1, 1, 3, 3])(arange(9))
    const w = tensor([1, 2, 3, 4], [1, 1, 2, 2])
    const convolution = { kernel: [2, 2], stride: [2, 1], padding: [0, 1], dilation: [1, 1], groups: 1 } as const
    // rows 0 and 1 of 0 1 2 / 3 4 5, with a column of zeros at each side
    expect(toArray(reference.conv2d(x, w, undefined, convolution))).toEqual([12, 27, 37, 17])
    expect(toArray(reference.conv2dPerSampleGrad(x, full(1, [1, 1, 1, 4]), convolution))).toEqual([3, 3, 12, 12])
  })

  it('maxPool2d', () => {
    fc.assert(
      fc.property(
        pools.chain((c) => fc.tuple(fc.constant(c), tensorsOf(c.input))),
        ([{ window, input, output }, x]) => {
          const [h, w] = input.slice(2) as [number, number]
          const places = (oh: number, ow: number): readonly (readonly [number, number])[] =>
            indices(window.kernel)
              .map(
                ([kh, kw]) =>
                  [
                    oh * window.stride[0] + (kh as number) * window.dilation[0] - window.padding[0],
                    ow * window.stride[1] + (kw as number) * window.dilation[1] - window.padding[1],
                  ] as const,
              )
              .filter(([row, column]) => row >= 0 && row < h && column >= 0 && column < w)
          const { y, argmax } = reference.maxPool2d(x, window)
          const values = ([n, c, oh, ow]: readonly number[]) =>
            places(oh as number, ow as number).map(([row, column]) => at(n as number, c as number, row, column)(x))
          expectElements(y, output, (index) => Math.max(...values(index)))
          expectElements(argmax, output, (index) => {
            const inWindow = values(index)
            const [row, column] = places(index[2] as number, index[3] as number)[
              inWindow.indexOf(Math.max(...inWindow))
            ] as readonly [number, number]
            return row * w + column
          })
        },
      ),
    )
  })

  it('maxPool2d: padding never wins, the first of equals does, and so does a NaN', () => {
    const window = { kernel: [2, 2], stride: [1, 1], padding: [1, 1], dilation: [1, 1] } as const
    const found = (numbers: readonly number[]) => {
      const { y, argmax } = reference.maxPool2d(tensor(numbers, [1, 1, 2, 2]), window)
      return [toArray(y), toArray(argmax)]
    }
    expect(found([-1, -1, -2, -1])).toEqual([
      [-1, -1, -1, -1, -1, -1, -2, -1, -1],
      [0, 0, 1, 0, 0, 1, 2, 3, 3],
    ])
    expect(found([NaN, 5, NaN, 7])[1]).toEqual([0, 0, 1, 0, 0, 3, 2, 2, 3])
    expect(found([7, NaN, 5, NaN])[0]).toEqual([7, NaN, NaN, 7, NaN, NaN, 5, NaN, NaN])
    expect(found([-Infinity, -Infinity, -Infinity, -Infinity])[1]).toEqual([0, 0, 1, 0, 0, 1, 2, 2, 3])
  })

  it('avgPool2d is the convolution of each channel with 1 / (kh·kw)', () => {
    fc.assert(
      fc.property(
        pools
          .filter(({ input }) => input[1] !== 0)
          .chain((c) => fc.tuple(fc.constant(c.window), tensorsOf(c.input, exact))),
        ([window, x]) => {
          const channels = x.shape[1] as number
          const convolution = { ...window, groups: channels }
          const box = broadcast([channels, 1, ...window.kernel])(full(1, [1]))
          // the sum divided, and the sum of what was divided, agree to rounding
          const [sums, means] = [reference.conv2d(x, box, undefined, convolution), reference.avgPool2d(x, window)]
          const area = window.kernel[0] * window.kernel[1]
          expect(means.shape).toEqual(sums.shape)
          const wanted = toArray(sums)
          for (const [i, mean] of toArray(means).entries()) expect(mean).toBeCloseTo((wanted[i] as number) / area, 10)
        },
      ),
    )
  })

  it('an empty batch is a batch', () => {
    expect(toArray(reference.weightedRowSum(zeros([0]), zeros([0, 3])))).toEqual([0, 0, 0])
    expect(toArray(reference.matmul(zeros([2, 0]), zeros([0, 2])))).toEqual([0, 0, 0, 0])
    expect(size(reference.sum(zeros([0, 3]), [1]))).toBe(0)
  })
})

backendLaws(reference.name, reference, 1e-12)

/**
 * Operations that go on into a function of each number, and a cotangent that goes through one first, give what one after the other
 * gives, bit for bit.
 */
import fc, { type Arbitrary } from 'fast-check'
import { describe, it } from 'vitest'
import type { Backend, UnaryOp } from '../../src/tensor/backend/backend.js'
import type { Tensor } from '../../src/tensor/tensor.js'
import { transpose } from '../../src/tensor/view.js'
import type { Convolution2d } from '../../src/tensor/window.js'
import { convolutions } from '../arbitraries/geometry.js'
import { broadcastable } from '../arbitraries/operation.js'
import { extents, noise, ordinary, tensorsOf } from '../arbitraries/tensor.js'
import { expectSameBits } from './purity.js'

const functions: readonly UnaryOp[] = ['relu', 'tanh', 'sigmoid', 'gelu', 'neg', 'abs', 'exp', 'square']

/** What an operation gives that is told what comes after it, and what it gives without, before that is done. */
type Both = (b: Backend, then: UnaryOp) => readonly [together: unknown, apart: unknown]

const constraints = { values: ordinary } as const

const affine = (r: number, i: number, o: number): Arbitrary<Both> =>
  fc
    .tuple(
      tensorsOf([r, i], constraints),
      tensorsOf([o, i], constraints),
      fc.option(tensorsOf([o], constraints), { nil: undefined }),
    )
    .map(([x, weight, bias]) => (b, then) => {
      const product = b.matmul(x, transpose()(weight))
      return [b.affine(x, weight, bias, then), b.map(then, bias === undefined ? product : b.zip('add', product, bias))]
    })

const convolved: Arbitrary<Both> = convolutions.chain(({ convolution, input, weight }) =>
  fc
    .tuple(
      tensorsOf(input, constraints),
      tensorsOf(weight, constraints),
      fc.option(tensorsOf(weight.slice(0, 1), constraints), { nil: undefined }),
    )
    .map(([x, w, bias]) => (b, then) => [
      b.conv2d(x, w, bias, convolution, then),
      b.map(then, b.conv2d(x, w, bias, convolution)),
    ]),
)

const normalised: Arbitrary<Both> = fc
  .tuple(fc.nat(3), fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 }), fc.nat(5))
  .chain(([n, each, groups, pixels]) =>
    fc
      .tuple(
        tensorsOf([n, each * groups, pixels], constraints),
        fc.option(tensorsOf([each * groups], constraints), { nil: undefined }),
      )
      .map(([x, weight]) => (b, then) => {
        const given = [x, { groups, epsilon: 1e-3 }, weight === undefined ? {} : { weight }] as const
        const apart = b.groupNorm(...given)
        return [b.groupNorm(...given, then), { ...apart, y: b.map(then, apart.y) }]
      }),
  )

const paired: Arbitrary<Both> = broadcastable()
  .chain(([left, right]) => fc.tuple(tensorsOf(left, constraints), tensorsOf(right, constraints)))
  .map(([x, y]) => (b, then) => [b.zip('add', x, y, then), b.map(then, b.zip('add', x, y))])

/** The cotangents of the functions that have one of their output. */
const throughs = { relu: 'reluGrad', tanh: 'tanhGrad', sigmoid: 'sigmoidGrad' } as const

const pulled = (b: Backend, then: UnaryOp, x: Tensor, gy: Tensor, groups: number, weight?: Tensor) => {
  const op = throughs[then as keyof typeof throughs] ?? 'geluGrad'
  const { y, mean, inverseDeviation } = b.groupNorm(x, { groups, epsilon: 1e-3 }, {}, then)
  const statistics = { mean, inverseDeviation }
  return [
    b.groupNormGrad(x, gy, weight, statistics, { op, y }),
    b.groupNormGrad(x, b.zip(op, gy, y), weight, statistics),
  ] as const
}

const pulledThrough: Arbitrary<Both> = fc
  .tuple(fc.nat(3), fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 }), fc.nat(5))
  .chain(([n, each, groups, pixels]) => {
    const shape = [n, each * groups, pixels]
    return fc
      .tuple(
        tensorsOf(shape, constraints),
        tensorsOf(shape, constraints),
        fc.option(tensorsOf([each * groups], constraints), { nil: undefined }),
      )
      .map(
        ([x, gy, weight]): Both =>
          (b, then) =>
            pulled(b, then, x, gy, groups, weight),
      )
  })

const same: Convolution2d = { kernel: [3, 3], stride: [1, 1], padding: [1, 1], dilation: [1, 1], groups: 1 }
const x = (...shape: readonly number[]) => noise(shape, { seed: 1 })

/** Where tiles, blocks, units and threads begin and end. */
const large: readonly (readonly [name: string, both: Both])[] = [
  ...(
    [
      ['filtered, tiles cut at both edges', same, [5, 13, 19, 23], 21],
      ['filtered, two groups', { ...same, groups: 2 }, [3, 32, 12, 11], 40],
      ['filtered, many samples of few tiles', same, [37, 24, 8, 8], 16],
      ['strided', { ...same, kernel: [8, 8], stride: [2, 2], padding: [0, 0] }, [33, 1, 35, 35], 16],
      ['depthwise', { ...same, groups: 24 }, [3, 24, 15, 15], 24],
    ] as const
  ).map(([name, convolution, input, outputs]): readonly [string, Both] => {
    const operands = [
      x(...input),
      x(outputs, input[1] / convolution.groups, ...convolution.kernel),
      x(outputs),
    ] as const
    return [
      `conv2d, ${name}`,
      (b, then) => [b.conv2d(...operands, convolution, then), b.map(then, b.conv2d(...operands, convolution))],
    ]
  }),
  ...(
    [
      [257, 300, 131],
      [1, 1031, 7],
      [515, 1, 67],
      [33, 600, 600],
    ] as const
  ).map(([r, i, o]): readonly [string, Both] => {
    const [rows, weight, bias] = [x(r, i), x(o, i), x(o)]
    return [
      `affine, ${r}×${i} · ${o}×${i}`,
      (b, then) => [
        b.affine(rows, weight, bias, then),
        b.map(then, b.zip('add', b.matmul(rows, transpose()(weight)), bias)),
      ],
    ]
  }),
  [
    'zip, 1 × 40009 to 5 × 1',
    (b, then) => [b.zip('add', x(1, 40009), x(5, 1), then), b.map(then, b.zip('add', x(1, 40009), x(5, 1)))],
  ],
  [
    'groupNormGrad, 5 groups of 4 × 19 × 23',
    (b, then) => pulled(b, then, x(7, 20, 19, 23), noise([7, 20, 19, 23], { seed: 2 }), 5, x(20)),
  ],
  [
    'groupNormGrad, one group beyond the scratch',
    (b, then) => pulled(b, then, x(1, 1, 600, 600), x(1, 1, 600, 600), 1),
  ],
  [
    'groupNorm, 5 groups of 4 × 19 × 23',
    (b, then) => {
      const given = [x(7, 20, 19, 23), { groups: 5, epsilon: 1e-5 }, { weight: x(20), bias: x(20) }] as const
      const apart = b.groupNorm(...given)
      return [b.groupNorm(...given, then), { ...apart, y: b.map(then, apart.y) }]
    },
  ],
]

export const thenLaws = (name: string, backend: Backend, withLarge: boolean): void => {
  const expectTogether = (both: Both, then: UnaryOp): void => {
    const [together, apart] = both(backend, then)
    expectSameBits(together, apart)
  }
  describe(`${name}: what comes after an operation gives the same bits within it`, () => {
    const some = { max: 9 }
    const generated: readonly (readonly [string, Arbitrary<Both>])[] = [
      ['affine', fc.tuple(extents(some), extents(some), extents(some)).chain(([r, i, o]) => affine(r, i, o))],
      ['conv2d', convolved],
      ['groupNorm', normalised],
      ['zip', paired],
      ['groupNormGrad', pulledThrough],
    ]
    it.each(generated)('%s', (_, boths) => {
      fc.assert(fc.property(boths, fc.constantFrom(...functions), expectTogether))
    })
    if (withLarge)
      it.each(large)('%s', (_, both) => {
        for (const then of ['relu', 'tanh', 'sigmoid'] as const) expectTogether(both, then)
      })
  })
}

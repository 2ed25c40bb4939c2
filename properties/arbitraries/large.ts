/**
 * Every operation at fixed sizes where tiles, panels, blocks and threads begin and end.
 */
import { reference } from '../../src/tensor/backend/reference.js'
import { tensor } from '../../src/tensor/tensor.js'
import { reshape, slice, transpose } from '../../src/tensor/view.js'
import type { Convolution2d, Window2d } from '../../src/tensor/window.js'
import * as A from './application.js'
import { groupNorm, groupNormGrad, someStatistics } from './normalisation.js'
import { noise } from './tensor.js'

const x = (...shape: readonly number[]) => noise(shape, { seed: 1 })
const y = (...shape: readonly number[]) => noise(shape, { seed: 2 })

/** The first layer of the usual MNIST model: 8×8 by 2, on planes padded to 35. */
const first: Convolution2d = { kernel: [8, 8], stride: [2, 2], padding: [0, 0], dilation: [1, 1], groups: 1 }
const second: Convolution2d = { kernel: [4, 4], stride: [2, 2], padding: [0, 0], dilation: [1, 1], groups: 1 }
const same: Convolution2d = { kernel: [3, 3], stride: [1, 1], padding: [1, 1], dilation: [1, 1], groups: 1 }
const odd: Convolution2d = { kernel: [3, 5], stride: [2, 1], padding: [2, 1], dilation: [1, 2], groups: 3 }
const depthwise: Convolution2d = { ...same, groups: 24 }
const pointwise: Convolution2d = { ...same, kernel: [1, 1], padding: [0, 0] }

/** Convolution, input, output channels, output plane. */
const convolutionShapes = [
  ['first layer', first, [33, 1, 35, 35], 16, [14, 14]],
  ['second layer', second, [17, 16, 13, 13], 32, [5, 5]],
  ['same', same, [5, 13, 19, 23], 21, [19, 23]],
  ['same, many channels', same, [7, 24, 8, 8], 16, [8, 8]],
  ['same, two groups', { ...same, groups: 2 }, [3, 32, 12, 11], 40, [12, 11]],
  ['odd', odd, [7, 9, 17, 21], 12, [10, 15]],
  ['depthwise', depthwise, [3, 24, 15, 15], 24, [15, 15]],
  ['pointwise', pointwise, [3, 37, 11, 9], 41, [11, 9]],
] as const

const convolutionCases = convolutionShapes.flatMap(([name, convolution, input, outputs, plane]) => {
  const weight = [outputs, input[1] / convolution.groups, ...convolution.kernel]
  const output = [input[0], outputs, ...plane]
  return [
    [`conv2d, ${name}`, A.conv2d(x(...input), y(...weight), x(outputs), convolution)],
    [`conv2dInputGrad, ${name}`, A.conv2dInputGrad(x(...output), y(...weight), convolution, input)],
    [`conv2dPerSampleGrad, ${name}`, A.conv2dPerSampleGrad(x(...input), y(...output), convolution)],
    [`conv2dSquaredNorm, ${name}`, A.conv2dSquaredNorm(x(...input), y(...output), convolution)],
    [`conv2dGramSquaredNorm, ${name}`, A.conv2dGramSquaredNorm(1)(x(...input), y(...output), convolution)],
    [`conv2dWeightedGrad, ${name}`, A.conv2dWeightedGrad(x(...input), y(...output), x(input[0]), convolution)],
  ] as const
})

const pool: Window2d = { kernel: [3, 2], stride: [2, 1], padding: [1, 1], dilation: [1, 1] }

export const large: readonly (readonly [string, A.Application])[] = [
  ['groupNorm, 5 groups of 4 × 19 × 23', groupNorm('y', x(7, 20, 19, 23), 5, { weight: y(20), bias: x(20) })],
  [
    'groupNormGrad, 5 groups of 4 × 19 × 23',
    groupNormGrad('gx', [x(7, 20, 19, 23), y(7, 20, 19, 23), ...someStatistics(x(7, 5))], y(20)),
  ],
  ['tanh, 3 × 70001', A.map('tanh', x(3, 70001))],
  // Down to where Φ(x) is below the normal numbers of float32, and xΦ(x) is not.
  [
    'gelu, from 0 to −13.2',
    A.map(
      'gelu',
      tensor(
        Float32Array.from({ length: 1321 }, (_, i) => -i / 100),
        [1321],
      ),
    ),
  ],
  ['exp, transposed 301 × 257', A.map('exp', transpose()(x(301, 257)))],
  ['add, 1 × 40009 to 5 × 1', A.zip('add', x(1, 40009), y(5, 1))],
  ['mul, reversed 90001', A.zip('mul', slice({ axis: 0, step: -1 })(x(90001)), y(90001))],
  ['matmul, 67×129 · 129×45', A.matmul(x(67, 129), y(129, 45))],
  ['matmul, 257×300 · 300×131', A.matmul(x(257, 300), y(300, 131))],
  ['matmul, 1×1031 · 1031×7', A.matmul(x(1, 1031), y(1031, 7))],
  ['matmul, transposed 129×67 · 129×45', A.matmul(transpose()(x(129, 67)), y(129, 45))],
  ['matmul, 67×129 · transposed 45×129', A.matmul(x(67, 129), transpose()(y(45, 129)))],
  ['matmul, 64 of 16×196 · 196×64', A.matmul(x(64, 16, 196), y(64, 196, 64))],
  ['matmul, 64 of 16×196 · one 196×10', A.matmul(x(64, 16, 196), y(196, 10))],
  ['matmul, 5 × 3 of 9×31 · 3 of 31×33', A.matmul(x(5, 3, 9, 31), y(3, 31, 33))],
  ['affine, 67×129 · 45×129', A.affine(x(67, 129), y(45, 129), x(45))],
  ['affine, 257×300 · 131×300', A.affine(x(257, 300), y(131, 300), x(131))],
  ['sum, axis 0 of 515 × 263', A.sum(x(515, 263), [0])],
  ['sum, axis 1 of 263 × 515', A.sum(x(263, 515), [1])],
  ['sum, axes 0, 2 of 31 × 57 × 83', A.sum(x(31, 57, 83), [0, 2])],
  ['sum, all of 200003', A.sum(x(200003), [0])],
  ['rowDots, 65 × 5003', A.rowDots(x(65, 5003), y(65, 5003))],
  ['rowDots, 3 × 100003', A.rowDots(x(3, 100003), y(3, 100003))],
  ['weightedRowSum, 131 × 2051', A.weightedRowSum(x(131), y(131, 2051))],
  ['weightedRowSum, 3 × 70001', A.weightedRowSum(x(3), y(3, 70001))],
  ['scaleRows, 131 × 2051', A.scaleRows(x(131), y(131, 2051))],
  ['pad2d, 9 × 13 × 67 × 41', A.pad2d(x(9, 13, 67, 41), { top: 3, bottom: 0, left: 1, right: 5 })],
  ...convolutionCases,
  ['maxPool2d, 9 × 13 × 33 × 31', A.maxPool2d(x(9, 13, 33, 31), pool)],
  ['argmax, 9 × 13 × 33 × 31', A.argmax(x(9, 13, 33, 31), pool)],
  ...([1, 2] as const).flatMap((step) => {
    const squares: Window2d = { kernel: [2, 2], stride: [step, step], padding: [1, 1], dilation: [1, 1] }
    return [
      [`maxPool2d of squares by ${step}`, A.maxPool2d(x(9, 13, 33, 31), squares)],
      [`argmax of squares by ${step}`, A.argmax(x(9, 13, 33, 31), squares)],
    ] as const
  }),
  [
    'maxPool2dGrad, 9 × 13 × 33 × 31',
    A.maxPool2dGrad(y(9, 13, 17, 32), reference.maxPool2d(x(9, 13, 33, 31), pool).argmax, [9, 13, 33, 31]),
  ],
  ['avgPool2d, 9 × 13 × 33 × 31', A.avgPool2d(x(9, 13, 33, 31), pool)],
  ['avgPool2dGrad, 9 × 13 × 33 × 31', A.avgPool2dGrad(y(9, 13, 17, 32), pool, [9, 13, 33, 31])],
  [
    'matmul, sliced and reshaped',
    A.matmul(slice({ axis: 1, start: 3, end: 120 })(x(70, 130)), reshape([117, 9])(y(1053))),
  ],
]

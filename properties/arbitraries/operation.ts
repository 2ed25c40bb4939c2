/**
 * Every operation of a backend, applied to generated inputs.
 */
import fc, { type Arbitrary } from 'fast-check'
import type { BinaryOp, UnaryOp } from '../../src/tensor/backend/backend.js'
import { reference } from '../../src/tensor/backend/reference.js'
import type { Shape } from '../../src/tensor/shape.js'
import * as A from './application.js'
import { convolutions, pools } from './geometry.js'
import { extents, ordinary, shapes, type TensorConstraints, tensorsOf } from './tensor.js'

/**
 * What becomes of numbers that are not finite. `same`: the same NaN and infinities as in the reference. `not finite`:
 * what is not finite in the reference is not finite in the backend, but NaN or an infinity, as the order of the sums may
 * have it. `any`: nothing is promised.
 */
export type Flow = 'same' | 'not finite' | 'any'

export interface Operation {
  readonly name: string
  readonly flow: Flow
  readonly applications: (constraints: TensorConstraints) => Arbitrary<A.Application>
}

const operation = (name: string, applications: Operation['applications'], flow: Flow = 'same'): Operation => ({
  name,
  flow,
  applications,
})

/** Two shapes that broadcast: some axes of each are missing at the left, or of extent 1. */
export const broadcastable = ({ maxRank = 4, maxExtent = 4 } = {}): Arbitrary<readonly [Shape, Shape]> =>
  shapes({ maxRank, maxExtent }).chain((shape) => {
    const part = fc
      .record({
        missing: fc.nat(shape.length),
        ones: fc.array(fc.nat(3), { minLength: shape.length, maxLength: shape.length }),
      })
      .map(({ missing, ones }) => shape.map((extent, axis) => (ones[axis] === 3 ? 1 : extent)).slice(missing))
    return fc.tuple(part, part)
  })

const unary = (op: UnaryOp): Operation =>
  operation(
    op,
    (constraints) => shapes().chain((shape) => tensorsOf(shape, constraints).map((x) => A.map(op, x))),
    op === 'relu' ? 'any' : 'same',
  )

const binary = (op: BinaryOp): Operation =>
  operation(
    op,
    (constraints) =>
      broadcastable()
        .chain(([left, right]) => fc.tuple(tensorsOf(left, constraints), tensorsOf(right, constraints)))
        .map(([a, b]) => A.zip(op, a, b)),
    op === 'max' || op === 'min' || op === 'reluGrad' ? 'any' : 'same',
  )

const rows = shapes({ minRank: 1 })

/** All of them. */
export const operations: readonly Operation[] = [
  ...(['neg', 'abs', 'exp', 'log', 'sqrt', 'square', 'reciprocal', 'relu', 'tanh', 'sigmoid'] as const).map(unary),
  ...(['add', 'sub', 'mul', 'div', 'max', 'min', 'reluGrad', 'tanhGrad', 'sigmoidGrad'] as const).map(binary),
  operation('matmul', (constraints) =>
    fc
      .tuple(broadcastable({ maxRank: 2, maxExtent: 3 }), extents({ max: 9 }), extents({ max: 9 }), extents({ max: 9 }))
      .chain(([[left, right], m, k, p]) =>
        fc.tuple(tensorsOf([...left, m, k], constraints), tensorsOf([...right, k, p], constraints)),
      )
      .map(([a, b]) => A.matmul(a, b)),
  ),
  operation('sum', (constraints) =>
    shapes()
      .chain((shape) => fc.tuple(tensorsOf(shape, constraints), fc.shuffledSubarray(shape.map((_, axis) => axis))))
      .map(([x, axes]) => A.sum(x, axes)),
  ),
  operation('rowDots', (constraints) =>
    rows
      .chain((shape) => fc.tuple(tensorsOf(shape, constraints), tensorsOf(shape, constraints)))
      .map(([a, b]) => A.rowDots(a, b)),
  ),
  ...([A.weightedRowSum, A.scaleRows] as const).map((apply) =>
    operation(apply.name, (constraints) =>
      rows
        .chain((shape) => fc.tuple(tensorsOf(shape.slice(0, 1), constraints), tensorsOf(shape, constraints)))
        .map(([weight, x]) => apply(weight, x)),
    ),
  ),
  operation('pad2d', (constraints) =>
    fc
      .tuple(
        shapes({ minRank: 2 }).chain((shape) => tensorsOf(shape, constraints)),
        fc.record({ top: fc.nat(2), bottom: fc.nat(2), left: fc.nat(2), right: fc.nat(2) }),
      )
      .map(([x, padding]) => A.pad2d(x, padding)),
  ),
  operation('conv2d', (constraints) =>
    convolutions.chain(({ convolution, input, weight }) =>
      fc
        .tuple(
          tensorsOf(input, constraints),
          tensorsOf(weight, constraints),
          fc.option(tensorsOf(weight.slice(0, 1), constraints), { nil: undefined }),
        )
        .map(([x, w, bias]) => A.conv2d(x, w, bias, convolution)),
    ),
  ),
  operation('conv2dInputGrad', (constraints) =>
    convolutions.chain(({ convolution, input, weight, output }) =>
      fc
        .tuple(tensorsOf(output, constraints), tensorsOf(weight, constraints))
        .map(([gy, w]) => A.conv2dInputGrad(gy, w, convolution, input)),
    ),
  ),
  operation('conv2dPerSampleGrad', (constraints) =>
    convolutions.chain(({ convolution, input, output }) =>
      fc
        .tuple(tensorsOf(input, constraints), tensorsOf(output, constraints))
        .map(([x, gy]) => A.conv2dPerSampleGrad(x, gy, convolution)),
    ),
  ),
  operation(
    'conv2dSquaredNorm',
    (constraints) =>
      convolutions.chain(({ convolution, input, output }) =>
        fc
          .tuple(tensorsOf(input, constraints), tensorsOf(output, constraints))
          .map(([x, gy]) => A.conv2dSquaredNorm(x, gy, convolution)),
      ),
    'not finite',
  ),
  operation(
    'conv2dWeightedGrad',
    (constraints) =>
      convolutions.chain(({ convolution, input, output }) =>
        fc
          .tuple(
            tensorsOf(input, constraints),
            tensorsOf(output, constraints),
            tensorsOf(input.slice(0, 1), constraints),
          )
          .map(([x, gy, weight]) => A.conv2dWeightedGrad(x, gy, weight, convolution)),
      ),
    'not finite',
  ),
  ...([A.maxPool2d, A.argmax, A.avgPool2d] as const).map((apply) =>
    operation(apply.name, (constraints) =>
      pools.chain(({ window, input }) => tensorsOf(input, constraints).map((x) => apply(x, window))),
    ),
  ),
  operation('maxPool2dGrad', (constraints) =>
    pools.chain(({ window, input, output }) =>
      fc
        .tuple(tensorsOf(output, constraints), tensorsOf(input, { values: ordinary }))
        .map(([gy, x]) => A.maxPool2dGrad(gy, reference.maxPool2d(x, window).argmax, input)),
    ),
  ),
  operation('avgPool2dGrad', (constraints) =>
    pools.chain(({ window, input, output }) =>
      tensorsOf(output, constraints).map((gy) => A.avgPool2dGrad(gy, window, input)),
    ),
  ),
]

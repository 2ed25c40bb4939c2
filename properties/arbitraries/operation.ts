/**
 * Every operation of a backend, applied to generated inputs.
 */
import fc, { type Arbitrary } from 'fast-check'
import type { BinaryOp, UnaryOp } from '../../src/tensor/backend/backend.js'
import { reference } from '../../src/tensor/backend/reference.js'
import type { Shape } from '../../src/tensor/shape.js'
import * as A from './application.js'
import { convolutions, pools } from './geometry.js'
import { groupNormGrads, groupNorms } from './normalisation.js'
import { extents, ordinary, type ShapeConstraints, shapes, type TensorConstraints, tensorsOf } from './tensor.js'

/**
 * What becomes of numbers that are not finite. `same`: the same NaN and infinities as in the reference. `contained`:
 * what is not finite in the reference is not finite in the backend; but an infinity may become NaN, and more may become
 * NaN, as a backend may multiply the zeros of a padding or gather terms in another order. `any`: nothing is promised.
 */
export type Flow = 'same' | 'contained' | 'any'

export interface Operation {
  readonly name: string
  readonly flow: Flow
  /** The inputs whose axis 0 is, sample by sample, that of the result. */
  readonly rows?: readonly number[]
  readonly applications: (constraints: TensorConstraints) => Arbitrary<A.Application>
}

type Traits = Partial<Pick<Operation, 'flow' | 'rows'>>

const operation = (
  name: string,
  { flow = 'same', ...rows }: Traits,
  applications: Operation['applications'],
): Operation => ({ name, flow, ...rows, applications })

/** Two shapes that broadcast: some axes of each are missing at the left, or of extent 1. */
export const broadcastable = ({
  maxRank = 4,
  maxExtent = 4,
}: ShapeConstraints = {}): Arbitrary<readonly [Shape, Shape]> =>
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
  operation(op, { flow: op === 'relu' ? 'any' : 'same' }, (constraints) =>
    shapes().chain((shape) => tensorsOf(shape, constraints).map((x) => A.map(op, x))),
  )

const binary = (op: BinaryOp): Operation =>
  operation(op, { flow: op === 'max' || op === 'min' || op === 'reluGrad' ? 'any' : 'same' }, (constraints) =>
    broadcastable()
      .chain(([left, right]) => fc.tuple(tensorsOf(left, constraints), tensorsOf(right, constraints)))
      .map(([a, b]) => A.zip(op, a, b)),
  )

/** Weights and the rows that they weigh. */
const weighing = (apply: typeof A.scaleRows, traits: Traits): Operation =>
  operation(apply.name, traits, (constraints) =>
    shapes({ minRank: 1 })
      .chain((shape) => fc.tuple(tensorsOf(shape.slice(0, 1), constraints), tensorsOf(shape, constraints)))
      .map(([weight, x]) => apply(weight, x)),
  )

/** Input and cotangent of a convolution. */
const perSample = (apply: typeof A.conv2dPerSampleGrad, name = apply.name): Operation =>
  operation(name, { flow: 'contained', rows: [0, 1] }, (constraints) =>
    convolutions.chain(({ convolution, input, output }) =>
      fc
        .tuple(tensorsOf(input, constraints), tensorsOf(output, constraints))
        .map(([x, gy]) => apply(x, gy, convolution)),
    ),
  )

const pooling = (apply: typeof A.avgPool2d): Operation =>
  operation(apply.name, { rows: [0] }, (constraints) =>
    pools.chain(({ window, input }) => tensorsOf(input, constraints).map((x) => apply(x, window))),
  )

/** All of them. */
export const operations: readonly Operation[] = [
  ...(['neg', 'abs', 'exp', 'log', 'sqrt', 'square', 'reciprocal', 'relu', 'tanh', 'sigmoid', 'gelu'] as const).map(
    unary,
  ),
  ...(['add', 'sub', 'mul', 'div', 'max', 'min', 'reluGrad', 'tanhGrad', 'sigmoidGrad', 'geluGrad'] as const).map(
    binary,
  ),
  operation('matmul', {}, (constraints) =>
    fc
      .tuple(broadcastable({ maxRank: 2, maxExtent: 3 }), extents({ max: 9 }), extents({ max: 9 }), extents({ max: 9 }))
      .chain(([[left, right], m, k, p]) =>
        fc.tuple(tensorsOf([...left, m, k], constraints), tensorsOf([...right, k, p], constraints)),
      )
      .map(([a, b]) => A.matmul(a, b)),
  ),
  operation('matmul by one factor', { rows: [0] }, (constraints) =>
    fc
      .tuple(extents({ max: 9 }), extents({ max: 9 }), extents({ max: 9 }))
      .chain(([m, k, p]) => fc.tuple(tensorsOf([m, k], constraints), tensorsOf([k, p], constraints)))
      .map(([a, b]) => A.matmul(a, b)),
  ),
  operation('affine', { rows: [0] }, (constraints) =>
    fc
      .tuple(extents({ max: 9 }), extents({ max: 9 }), extents({ max: 9 }))
      .chain(([r, i, o]) =>
        fc.tuple(
          tensorsOf([r, i], constraints),
          tensorsOf([o, i], constraints),
          fc.option(tensorsOf([o], constraints), { nil: undefined }),
        ),
      )
      .map(([x, weight, bias]) => A.affine(x, weight, bias)),
  ),
  operation('sum', {}, (constraints) =>
    shapes()
      .chain((shape) => fc.tuple(tensorsOf(shape, constraints), fc.shuffledSubarray(shape.map((_, axis) => axis))))
      .map(([x, axes]) => A.sum(x, axes)),
  ),
  operation('rowDots', { rows: [0, 1] }, (constraints) =>
    shapes({ minRank: 1 })
      .chain((shape) => fc.tuple(tensorsOf(shape, constraints), tensorsOf(shape, constraints)))
      .map(([a, b]) => A.rowDots(a, b)),
  ),
  weighing(A.weightedRowSum, {}),
  weighing(A.scaleRows, { rows: [0, 1] }),
  operation('pad2d', {}, (constraints) =>
    fc
      .tuple(
        shapes({ minRank: 2 }).chain((shape) => tensorsOf(shape, constraints)),
        fc.record({ top: fc.nat(2), bottom: fc.nat(2), left: fc.nat(2), right: fc.nat(2) }),
      )
      .map(([x, padding]) => A.pad2d(x, padding)),
  ),
  ...(['y', 'mean', 'inverseDeviation'] as const).map((reading) =>
    operation(`groupNorm, ${reading}`, { flow: 'contained', rows: [0] }, groupNorms(reading)),
  ),
  ...(['gx', 'ofWeight', 'ofBias'] as const).map((reading) =>
    operation(`groupNormGrad, ${reading}`, { flow: 'contained', rows: [0, 1, 2, 3] }, groupNormGrads(reading)),
  ),
  operation('conv2d', { flow: 'contained', rows: [0] }, (constraints) =>
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
  operation('conv2dInputGrad', { flow: 'contained', rows: [0] }, (constraints) =>
    convolutions.chain(({ convolution, input, weight, output }) =>
      fc
        .tuple(tensorsOf(output, constraints), tensorsOf(weight, constraints))
        .map(([gy, w]) => A.conv2dInputGrad(gy, w, convolution, input)),
    ),
  ),
  perSample(A.conv2dPerSampleGrad),
  perSample(A.conv2dSquaredNorm),
  perSample(A.conv2dGramSquaredNorm(0), 'conv2dGramSquaredNorm'),
  perSample(A.conv2dGramSquaredNorm(1), 'conv2dGramSquaredNorm with a bias'),
  operation('conv2dWeightedGrad', { flow: 'contained' }, (constraints) =>
    convolutions.chain(({ convolution, input, output }) =>
      fc
        .tuple(tensorsOf(input, constraints), tensorsOf(output, constraints), tensorsOf(input.slice(0, 1), constraints))
        .map(([x, gy, weight]) => A.conv2dWeightedGrad(x, gy, weight, convolution)),
    ),
  ),
  pooling(A.maxPool2d),
  pooling(A.argmax),
  pooling(A.avgPool2d),
  operation('maxPool2dGrad', { rows: [0] }, (constraints) =>
    pools.chain(({ window, input, output }) =>
      fc
        .tuple(tensorsOf(output, constraints), tensorsOf(input, { values: ordinary }))
        .map(([gy, x]) => A.maxPool2dGrad(gy, reference.maxPool2d(x, window).argmax, input)),
    ),
  ),
  operation('avgPool2dGrad', { rows: [0] }, (constraints) =>
    pools.chain(({ window, input, output }) =>
      tensorsOf(output, constraints).map((gy) => A.avgPool2dGrad(gy, window, input)),
    ),
  ),
]

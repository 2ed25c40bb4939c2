/**
 * Every operation of a backend, applied to generated inputs: data for laws that hold of all of them.
 */
import fc, { type Arbitrary } from 'fast-check'
import type { Backend, BinaryOp, UnaryOp } from '../../src/tensor/backend/backend.js'
import { reference } from '../../src/tensor/backend/reference.js'
import { mapTensor, zipTensorsWith } from '../../src/tensor/elementwise.js'
import { broadcastShapes, type Shape } from '../../src/tensor/shape.js'
import { cast, type Tensor } from '../../src/tensor/tensor.js'
import { broadcast } from '../../src/tensor/view.js'
import { convolutions, pools } from './geometry.js'
import { extents, ordinary, shapes, type TensorConstraints, tensorsOf } from './tensor.js'

/** An operation and what it is applied to. */
export interface Application {
  readonly inputs: readonly Tensor[]
  readonly apply: (backend: Backend, ...inputs: readonly Tensor[]) => Tensor
  /** For each element of the result, the sum of the absolute values of the terms that make it up. */
  readonly terms: (...inputs: readonly Tensor[]) => Tensor
  /** The dtype of the result, where it is not the backend's. */
  readonly dtype?: 'float64' | 'int32'
}

/** How an operation treats numbers that are not finite. */
export type Flow =
  /** Exactly as the reference: the same NaN and the same infinities at the same places. */
  | 'same'
  /** What is not finite in the reference is not finite in the backend, NaN or infinity. */
  | 'not finite'
  /** Nothing is promised. */
  | 'any'

export interface Operation {
  readonly name: string
  readonly flow: Flow
  readonly applications: (constraints: TensorConstraints) => Arbitrary<Application>
}

const magnitude = (t: Tensor): Tensor => mapTensor(Math.abs)(cast('float64')(t))

/** Where a result is a sum of products of inputs, its terms are those of the absolute values. */
const multilinear = (apply: Application['apply'], inputs: readonly Tensor[]): Application => ({
  inputs,
  apply,
  terms: (...seen) => apply(reference, ...seen.map(magnitude)),
})

const unary = (op: UnaryOp): Operation => ({
  name: op,
  flow: op === 'relu' ? 'any' : 'same',
  applications: (constraints) =>
    shapes().chain((shape) =>
      tensorsOf(shape, constraints).map((x) => {
        const apply = (backend: Backend, ...[x]: readonly Tensor[]) => backend.map(op, x as Tensor)
        return { inputs: [x], apply, terms: (...seen) => magnitude(apply(reference, ...seen)) }
      }),
    ),
})

const binaryTerms: Readonly<Record<BinaryOp, (a: number, b: number) => number>> = {
  add: (a, b) => Math.abs(a) + Math.abs(b),
  sub: (a, b) => Math.abs(a) + Math.abs(b),
  mul: (a, b) => Math.abs(a * b),
  div: (a, b) => Math.abs(a / b),
  max: (a, b) => Math.abs(Math.max(a, b)),
  min: (a, b) => Math.abs(Math.min(a, b)),
  reluGrad: (a) => Math.abs(a),
  tanhGrad: (a, b) => Math.abs(a) * (1 + b * b),
  sigmoidGrad: (a, b) => Math.abs(a * b) * (1 + Math.abs(b)),
}

/** Two shapes that broadcast: some axes of each are missing at the left, or of extent 1. */
export const broadcastable = ({ maxRank = 4, maxExtent = 4 } = {}): Arbitrary<readonly [Shape, Shape]> =>
  shapes({ maxRank, maxExtent }).chain((shape) => {
    const part = fc
      .record({
        missing: fc.nat(shape.length),
        ones: fc.array(fc.nat(3), { minLength: shape.length, maxLength: shape.length }),
      })
      .map(({ missing, ones }) => shape.map((e, axis) => (ones[axis] === 3 ? 1 : e)).slice(missing))
    return fc.tuple(part, part)
  })

const binary = (op: BinaryOp): Operation => ({
  name: op,
  flow: op === 'max' || op === 'min' || op === 'reluGrad' ? 'any' : 'same',
  applications: (constraints) =>
    broadcastable().chain(([left, right]) =>
      fc.tuple(tensorsOf(left, constraints), tensorsOf(right, constraints)).map((inputs) => ({
        inputs,
        apply: (backend, a, b) => backend.zip(op, a as Tensor, b as Tensor),
        terms: (...seen) => {
          const [a, b] = seen.map(cast('float64')) as [Tensor, Tensor]
          const shape = broadcastShapes(a.shape, b.shape)
          return zipTensorsWith(binaryTerms[op])(broadcast(shape)(a), broadcast(shape)(b))
        },
      })),
    ),
})

const matmul: Operation = {
  name: 'matmul',
  flow: 'same',
  applications: (constraints) =>
    fc
      .tuple(broadcastable({ maxRank: 2, maxExtent: 3 }), extents({ max: 9 }), extents({ max: 9 }), extents({ max: 9 }))
      .chain(([[left, right], m, k, p]) =>
        fc.tuple(tensorsOf([...left, m, k], constraints), tensorsOf([...right, k, p], constraints)),
      )
      .map((inputs) => multilinear((backend, a, b) => backend.matmul(a as Tensor, b as Tensor), inputs)),
}

const sum: Operation = {
  name: 'sum',
  flow: 'same',
  applications: (constraints) =>
    shapes().chain((shape) =>
      fc
        .tuple(tensorsOf(shape, constraints), fc.shuffledSubarray(shape.map((_, axis) => axis)))
        .map(([x, axes]) => multilinear((backend, x) => backend.sum(x as Tensor, axes), [x])),
    ),
}

const rows = shapes({ minRank: 1, maxRank: 4 })

const rowDots: Operation = {
  name: 'rowDots',
  flow: 'same',
  applications: (constraints) =>
    rows
      .chain((shape) => fc.tuple(tensorsOf(shape, constraints), tensorsOf(shape, constraints)))
      .map((inputs) => ({
        ...multilinear((backend, a, b) => backend.rowDots(a as Tensor, b as Tensor), inputs),
        dtype: 'float64',
      })),
}

const weighted = (name: 'weightedRowSum' | 'scaleRows'): Operation => ({
  name,
  flow: 'same',
  applications: (constraints) =>
    rows
      .chain((shape) => fc.tuple(tensorsOf(shape.slice(0, 1), constraints), tensorsOf(shape, constraints)))
      .map((inputs) => multilinear((backend, w, x) => backend[name](w as Tensor, x as Tensor), inputs)),
})

const pad2d: Operation = {
  name: 'pad2d',
  flow: 'same',
  applications: (constraints) =>
    fc
      .tuple(
        shapes({ minRank: 2, maxRank: 4 }).chain((shape) => tensorsOf(shape, constraints)),
        fc.record({ top: fc.nat(2), bottom: fc.nat(2), left: fc.nat(2), right: fc.nat(2) }),
      )
      .map(([x, padding]) => multilinear((backend, x) => backend.pad2d(x as Tensor, padding), [x])),
}

/**
 * A weight that is not finite turns the zeros of the padding into NaN, in a backend that multiplies them; so do the
 * cotangents in a gradient by the weight. Backends may do either, as long as nothing becomes finite.
 */
const conv2d: Operation = {
  name: 'conv2d',
  flow: 'same',
  applications: (constraints) =>
    convolutions
      .chain(({ convolution, input, weight }) =>
        fc.tuple(
          fc.constant(convolution),
          tensorsOf(input, constraints),
          tensorsOf(weight, constraints),
          fc.option(tensorsOf(weight.slice(0, 1), constraints)),
        ),
      )
      .map(([convolution, x, weight, bias]) =>
        multilinear(
          (backend, x, weight, bias) => backend.conv2d(x as Tensor, weight as Tensor, bias, convolution),
          bias === null ? [x, weight] : [x, weight, bias],
        ),
      ),
}

const conv2dInputGrad: Operation = {
  name: 'conv2dInputGrad',
  flow: 'same',
  applications: (constraints) =>
    convolutions
      .chain(({ convolution, input, weight, output }) =>
        fc.tuple(fc.constant({ convolution, input }), tensorsOf(output, constraints), tensorsOf(weight, constraints)),
      )
      .map(([{ convolution, input }, ...inputs]) =>
        multilinear((b, gy, weight) => b.conv2dInputGrad(gy as Tensor, weight as Tensor, convolution, input), inputs),
      ),
}

const conv2dPerSampleGrad: Operation = {
  name: 'conv2dPerSampleGrad',
  flow: 'same',
  applications: (constraints) =>
    convolutions
      .chain(({ convolution, input, output }) =>
        fc.tuple(fc.constant(convolution), tensorsOf(input, constraints), tensorsOf(output, constraints)),
      )
      .map(([convolution, ...inputs]) =>
        multilinear((b, x, gy) => b.conv2dPerSampleGrad(x as Tensor, gy as Tensor, convolution), inputs),
      ),
}

const conv2dSquaredNorm: Operation = {
  name: 'conv2dSquaredNorm',
  flow: 'not finite',
  applications: (constraints) =>
    convolutions
      .chain(({ convolution, input, output }) =>
        fc.tuple(fc.constant(convolution), tensorsOf(input, constraints), tensorsOf(output, constraints)),
      )
      .map(([convolution, ...inputs]) => ({
        ...multilinear((b, x, gy) => b.conv2dSquaredNorm(x as Tensor, gy as Tensor, convolution), inputs),
        dtype: 'float64',
      })),
}

const conv2dWeightedGrad: Operation = {
  name: 'conv2dWeightedGrad',
  flow: 'not finite',
  applications: (constraints) =>
    convolutions
      .chain(({ convolution, input, output }) =>
        fc.tuple(
          fc.constant(convolution),
          tensorsOf(input, constraints),
          tensorsOf(output, constraints),
          tensorsOf(input.slice(0, 1), constraints),
        ),
      )
      .map(([convolution, ...inputs]) =>
        multilinear(
          (b, x, gy, weight) => b.conv2dWeightedGrad(x as Tensor, gy as Tensor, weight as Tensor, convolution),
          inputs,
        ),
      ),
}

const maximum: Operation = {
  name: 'maxPool2d',
  flow: 'same',
  applications: (constraints) =>
    pools
      .chain(({ window, input }) => fc.tuple(fc.constant(window), tensorsOf(input, constraints)))
      .map(([window, x]) => {
        const apply = (backend: Backend, ...[x]: readonly Tensor[]) => backend.maxPool2d(x as Tensor, window).y
        return { inputs: [x], apply, terms: (...seen) => magnitude(apply(reference, ...seen)) }
      }),
}

/** Exact: no term, no error. Ties are common among small integers. */
const argmax: Operation = {
  name: 'maxPool2d, argmax',
  flow: 'same',
  applications: (constraints) =>
    pools
      .chain(({ window, input }) => fc.tuple(fc.constant(window), tensorsOf(input, constraints)))
      .map(([window, x]) => {
        const apply = (backend: Backend, ...[x]: readonly Tensor[]) => backend.maxPool2d(x as Tensor, window).argmax
        return {
          inputs: [x],
          apply,
          terms: (...seen) => mapTensor(() => 0)(apply(reference, ...seen)),
          dtype: 'int32',
        }
      }),
}

const maxPool2dGrad: Operation = {
  name: 'maxPool2dGrad',
  flow: 'same',
  applications: (constraints) =>
    pools
      .chain(({ window, input, output }) =>
        fc.tuple(fc.constant({ window, input }), tensorsOf(output, constraints), tensorsOf(input, { values: ordinary })),
      )
      .map(([{ window, input }, gy, x]) =>
        multilinear(
          (b, gy, argmax) => b.maxPool2dGrad(gy as Tensor, argmax as Tensor, input),
          [gy, reference.maxPool2d(x, window).argmax],
        ),
      ),
}

const avgPool2d: Operation = {
  name: 'avgPool2d',
  flow: 'same',
  applications: (constraints) =>
    pools
      .chain(({ window, input }) => fc.tuple(fc.constant(window), tensorsOf(input, constraints)))
      .map(([window, x]) => multilinear((b, x) => b.avgPool2d(x as Tensor, window), [x])),
}

const avgPool2dGrad: Operation = {
  name: 'avgPool2dGrad',
  flow: 'same',
  applications: (constraints) =>
    pools
      .chain(({ window, input, output }) => fc.tuple(fc.constant({ window, input }), tensorsOf(output, constraints)))
      .map(([{ window, input }, gy]) => multilinear((b, gy) => b.avgPool2dGrad(gy as Tensor, window, input), [gy])),
}

const unaryOps = ['neg', 'abs', 'exp', 'log', 'sqrt', 'square', 'reciprocal', 'relu', 'tanh', 'sigmoid'] as const
const binaryOps = ['add', 'sub', 'mul', 'div', 'max', 'min', 'reluGrad', 'tanhGrad', 'sigmoidGrad'] as const

/** All of them. */
export const operations: readonly Operation[] = [
  ...unaryOps.map(unary),
  ...binaryOps.map(binary),
  matmul,
  sum,
  rowDots,
  weighted('weightedRowSum'),
  weighted('scaleRows'),
  pad2d,
  conv2d,
  conv2dInputGrad,
  conv2dPerSampleGrad,
  conv2dSquaredNorm,
  conv2dWeightedGrad,
  maximum,
  argmax,
  maxPool2dGrad,
  avgPool2d,
  avgPool2dGrad,
]

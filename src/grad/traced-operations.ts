/**
 * Operations on the values of one sample, each with its derivative. Behind every value stands the batch [n, …]; axes are
 * those of the sample.
 */
import type { Backend, BinaryOp, UnaryOp } from '../tensor/backend/backend.js'
import { broadcastShapes, type Shape, shapeError } from '../tensor/shape.js'
import { scalar, type Tensor, viewOf } from '../tensor/tensor.js'
import { broadcast, reshape, transpose } from '../tensor/view.js'
import { packedAs } from './pack.js'

/** A value of each sample, and how its cotangent becomes those of what it was made of. */
export interface Value {
  readonly id: number
  /** [n, …]. */
  readonly value: Tensor
  readonly parents: readonly Value[]
  /** The cotangents of the parents. */
  readonly pull: (cotangent: Tensor) => readonly Tensor[]
}

type One = (a: Value) => Value
type Two = (a: Value, b: Value) => Value

/** What a function for `fromFunction` is made of. Shapes and axes are those of one sample. */
export interface Operations {
  readonly neg: One
  readonly exp: One
  readonly log: One
  readonly sqrt: One
  readonly square: One
  readonly reciprocal: One
  readonly abs: One
  readonly relu: One
  readonly tanh: One
  readonly sigmoid: One
  /** Shapes broadcast against each other. */
  readonly add: Two
  readonly sub: Two
  readonly mul: Two
  readonly div: Two
  /** […, m, k] · […, k, p]; leading axes broadcast. */
  readonly matmul: Two
  /** Times a number. */
  readonly scale: (factor: number, a: Value) => Value
  /** Sum over axes, which disappear; all of them by default. */
  readonly sum: (a: Value, axes?: readonly number[]) => Value
  /** The same numbers in another shape. */
  readonly reshape: (shape: Shape, a: Value) => Value
  /** Axes in another order; without one, reversed. */
  readonly transpose: (a: Value, axes?: readonly number[]) => Value
  /** The same number, vector, … for every sample. */
  readonly constant: (value: Tensor) => Value
}

/** The shape of one sample. */
const sampleOf = ({ value }: Value): Shape => value.shape.slice(1)

/** [n, …] with as many axes for the sample as `rank`. */
const raised = (rank: number, x: Tensor): Tensor => {
  const [n, ...sample] = x.shape as readonly [number, ...number[]]
  const ones = new Array<number>(rank - sample.length).fill(1)
  const steps = ones.map(() => 0)
  return viewOf(x, [n, ...ones, ...sample], [x.stride[0] as number, ...steps, ...x.stride.slice(1)])
}

/** The adjoint of broadcasting a sample: sums over the axes along which it was repeated. */
const lowered = (backend: Backend, sample: Shape, x: Tensor): Tensor => {
  const added = x.shape.length - 1 - sample.length
  const axes = x.shape.flatMap((extent, axis) =>
    axis > 0 && (axis <= added || (sample[axis - 1 - added] === 1 && extent !== 1)) ? [axis] : [],
  )
  return axes.length === 0 ? x : reshape([x.shape[0] as number, ...sample])(backend.sum(x, axes))
}

/** The operations of a backend on batches of n, each recorded. @internal */
export const operationsOn = (backend: Backend, record: (value: Omit<Value, 'id'>) => Value, n: number): Operations => {
  const zip = (op: BinaryOp, a: Tensor, b: Tensor): Tensor => backend.zip(op, a, b)
  const map = (op: UnaryOp, a: Tensor): Tensor => backend.map(op, a)

  /** A function of one value, and its cotangent from those of the result, the argument and the result itself. */
  const one =
    (f: (x: Tensor) => Tensor, pull: (gy: Tensor, x: Tensor, y: Tensor) => Tensor): One =>
    (a) => {
      const y = f(a.value)
      return record({ value: y, parents: [a], pull: (gy) => [pull(gy, a.value, y)] })
    }

  /** As `one`, for two values that broadcast. */
  const two =
    (f: (a: Tensor, b: Tensor) => Tensor, pull: (gy: Tensor, a: Tensor, b: Tensor) => readonly [Tensor, Tensor]): Two =>
    (left, right) => {
      const rank = Math.max(left.value.shape.length, right.value.shape.length) - 1
      const [a, b] = [raised(rank, left.value), raised(rank, right.value)]
      return record({
        value: f(a, b),
        parents: [left, right],
        pull: (gy) => {
          const [ga, gb] = pull(gy, a, b)
          return [lowered(backend, sampleOf(left), ga), lowered(backend, sampleOf(right), gb)]
        },
      })
    }

  const scale = (factor: number, a: Value): Value => {
    const times = (x: Tensor) => zip('mul', x, scalar(factor, 'float64'))
    return one(times, times)(a)
  }

  return {
    neg: one(
      (x) => map('neg', x),
      (gy) => map('neg', gy),
    ),
    exp: one(
      (x) => map('exp', x),
      (gy, _x, y) => zip('mul', gy, y),
    ),
    log: one(
      (x) => map('log', x),
      (gy, x) => zip('div', gy, x),
    ),
    sqrt: one(
      (x) => map('sqrt', x),
      (gy, _x, y) => zip('div', zip('mul', gy, scalar(0.5)), y),
    ),
    square: one(
      (x) => map('square', x),
      (gy, x) => zip('mul', gy, zip('add', x, x)),
    ),
    reciprocal: one(
      (x) => map('reciprocal', x),
      (gy, _x, y) => map('neg', zip('mul', gy, map('square', y))),
    ),
    abs: one(
      (x) => map('abs', x),
      (gy, x) => zip('sub', zip('reluGrad', gy, x), zip('reluGrad', gy, map('neg', x))),
    ),
    relu: one(
      (x) => map('relu', x),
      (gy, _x, y) => zip('reluGrad', gy, y),
    ),
    tanh: one(
      (x) => map('tanh', x),
      (gy, _x, y) => zip('tanhGrad', gy, y),
    ),
    sigmoid: one(
      (x) => map('sigmoid', x),
      (gy, _x, y) => zip('sigmoidGrad', gy, y),
    ),
    add: two(
      (a, b) => zip('add', a, b),
      (gy) => [gy, gy],
    ),
    sub: two(
      (a, b) => zip('sub', a, b),
      (gy) => [gy, map('neg', gy)],
    ),
    mul: two(
      (a, b) => zip('mul', a, b),
      (gy, a, b) => [zip('mul', gy, b), zip('mul', gy, a)],
    ),
    div: two(
      (a, b) => zip('div', a, b),
      (gy, a, b) => [zip('div', gy, b), map('neg', zip('div', zip('mul', gy, a), map('square', b)))],
    ),
    matmul: (left, right) => {
      const shapes = [sampleOf(left), sampleOf(right)] as const
      if (shapes.some((shape) => shape.length < 2))
        throw shapeError('matmul: a value of one sample needs two axes', ...shapes)
      const lead = broadcastShapes(shapes[0].slice(0, -2), shapes[1].slice(0, -2))
      const [a, b] = [raised(lead.length + 2, left.value), raised(lead.length + 2, right.value)]
      return record({
        value: backend.matmul(a, b),
        parents: [left, right],
        pull: (gy) => {
          const swap = (x: Tensor): Tensor => {
            const axes = x.shape.map((_, axis) => axis)
            return transpose([...axes.slice(0, -2), axes.length - 1, axes.length - 2])(x)
          }
          return [
            lowered(backend, shapes[0], backend.matmul(gy, swap(b))),
            lowered(backend, shapes[1], backend.matmul(swap(a), gy)),
          ]
        },
      })
    },
    scale,
    sum: (a, axes = sampleOf(a).map((_, axis) => axis)) => {
      const shape = a.value.shape
      const kept = shape.map((extent, axis) => (axis > 0 && axes.includes(axis - 1) ? 1 : extent))
      return one(
        (x) =>
          backend.sum(
            x,
            axes.map((axis) => axis + 1),
          ),
        (gy) => broadcast(shape)(packedAs(backend, kept, gy)),
      )(a)
    },
    reshape: (shape, a) =>
      one(
        (x) => packedAs(backend, [n, ...shape], x),
        (gy, x) => packedAs(backend, x.shape, gy),
      )(a),
    transpose: (a, axes = sampleOf(a).map((_, axis) => sampleOf(a).length - 1 - axis)) => {
      const order = [0, ...axes.map((axis) => axis + 1)]
      return one(
        (x) => transpose(order)(x),
        (gy) => transpose(order.map((_, axis) => order.indexOf(axis)))(gy),
      )(a)
    },
    constant: (value) =>
      record({
        value: broadcast([n, ...value.shape])(reshape([1, ...value.shape])(value)),
        parents: [],
        pull: () => [],
      }),
  }
}

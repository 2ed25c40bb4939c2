/**
 * One operation of a backend applied to given inputs, as a value: what laws about every operation speak of.
 */
import type { Backend, BinaryOp, Padding2d, UnaryOp } from '../../src/tensor/backend/backend.js'
import { reference } from '../../src/tensor/backend/reference.js'
import { mapTensor, zipTensorsWith } from '../../src/tensor/elementwise.js'
import { broadcastShapes, type Shape } from '../../src/tensor/shape.js'
import { cast, type Tensor, tensor, toArray } from '../../src/tensor/tensor.js'
import { broadcast } from '../../src/tensor/view.js'
import type { Convolution2d, Window2d } from '../../src/tensor/window.js'

export interface Application {
  readonly inputs: readonly Tensor[]
  /** The operation of a backend on inputs of the same shapes. */
  readonly apply: (backend: Backend) => (...inputs: readonly Tensor[]) => Tensor
  /** For each element of the result, the sum of the absolute values of the terms that make it up. */
  readonly terms: (...inputs: readonly Tensor[]) => Tensor
  /** The dtype of the result, where it is not the backend's. */
  readonly dtype?: 'float64' | 'int32'
}

/** |x| in float64. */
export const magnitude = (t: Tensor): Tensor => mapTensor(Math.abs)(cast('float64')(t))

/** Takes as many tensors as it is given, which is what the closures below all do. */
type Apply<T extends readonly Tensor[]> = (backend: Backend) => (...inputs: T) => Tensor

/** A result that is a sum of products of inputs: its terms are those of the absolute values. */
const multilinear = <const T extends readonly Tensor[]>(inputs: T, apply: Apply<T>, dtype?: 'float64'): Application => {
  const general = apply as Application['apply']
  return {
    inputs,
    apply: general,
    terms: (...seen) => general(reference)(...seen.map(magnitude)),
    ...(dtype === undefined ? {} : { dtype }),
  }
}

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
  // Φ ≤ 1 and |b| φ(b) < 0.25
  geluGrad: (a) => 1.25 * Math.abs(a),
}

export const map = (op: UnaryOp, x: Tensor): Application => {
  const apply: Apply<readonly [Tensor]> = (backend) => (x) => backend.map(op, x)
  const general = apply as Application['apply']
  return { inputs: [x], apply: general, terms: (...seen) => magnitude(general(reference)(...seen)) }
}

export const zip = (op: BinaryOp, a: Tensor, b: Tensor): Application => ({
  ...multilinear([a, b], (backend) => (a, b) => backend.zip(op, a, b)),
  terms: (...seen) => {
    const [a, b] = seen.map(cast('float64')) as [Tensor, Tensor]
    const shape = broadcastShapes(a.shape, b.shape)
    return zipTensorsWith(binaryTerms[op])(broadcast(shape)(a), broadcast(shape)(b))
  },
})

export const matmul = (a: Tensor, b: Tensor): Application =>
  multilinear([a, b], (backend) => (a, b) => backend.matmul(a, b))

export const affine = (x: Tensor, weight: Tensor, bias: Tensor | undefined): Application =>
  bias === undefined
    ? multilinear([x, weight], (backend) => (x, weight) => backend.affine(x, weight, undefined))
    : multilinear([x, weight, bias], (backend) => (x, weight, bias) => backend.affine(x, weight, bias))

export const sum = (x: Tensor, axes: readonly number[]): Application =>
  multilinear([x], (backend) => (x) => backend.sum(x, axes))

export const rowDots = (a: Tensor, b: Tensor): Application =>
  multilinear([a, b], (backend) => (a, b) => backend.rowDots(a, b), 'float64')

export const weightedRowSum = (weight: Tensor, x: Tensor): Application =>
  multilinear([weight, x], (backend) => (weight, x) => backend.weightedRowSum(weight, x))

export const scaleRows = (weight: Tensor, x: Tensor): Application =>
  multilinear([weight, x], (backend) => (weight, x) => backend.scaleRows(weight, x))

export const pad2d = (x: Tensor, padding: Padding2d): Application =>
  multilinear([x], (backend) => (x) => backend.pad2d(x, padding))

export const conv2d = (x: Tensor, weight: Tensor, bias: Tensor | undefined, convolution: Convolution2d): Application =>
  bias === undefined
    ? multilinear([x, weight], (backend) => (x, weight) => backend.conv2d(x, weight, undefined, convolution))
    : multilinear([x, weight, bias], (b) => (x, weight, bias) => b.conv2d(x, weight, bias, convolution))

/** Planes and filters, [·, ·, h, w], each of which is everywhere as large as where it is largest. */
const levelled = (x: Tensor): Tensor => {
  if (x.shape.length !== 4) return x
  const numbers = toArray(magnitude(x)).map((value) => (Number.isFinite(value) ? value : 0))
  const plane = (x.shape[2] as number) * (x.shape[3] as number)
  const largest = Array.from({ length: numbers.length / Math.max(1, plane) }, (_, i) =>
    Math.max(0, ...numbers.slice(i * plane, (i + 1) * plane)),
  )
  return tensor(
    numbers.map((_, i) => largest[Math.floor(i / plane)] as number),
    x.shape,
    'float64',
  )
}

/** The same application, its error relative to the terms of planes and filters that are everywhere as large as where they are largest. */
export const ofPlanes = (application: Application): Application => ({
  ...application,
  terms: (...seen) => application.terms(...seen.map(levelled)),
})

export const conv2dInputGrad = (gy: Tensor, weight: Tensor, convolution: Convolution2d, input: Shape): Application =>
  multilinear([gy, weight], (backend) => (gy, weight) => backend.conv2dInputGrad(gy, weight, convolution, input))

export const conv2dPerSampleGrad = (x: Tensor, gy: Tensor, convolution: Convolution2d): Application =>
  multilinear([x, gy], (backend) => (x, gy) => backend.conv2dPerSampleGrad(x, gy, convolution))

export const conv2dSquaredNorm = (x: Tensor, gy: Tensor, convolution: Convolution2d): Application =>
  multilinear([x, gy], (backend) => (x, gy) => backend.conv2dSquaredNorm(x, gy, convolution), 'float64')

export const conv2dGramSquaredNorm =
  (one: 0 | 1) =>
  (x: Tensor, gy: Tensor, convolution: Convolution2d): Application =>
    multilinear([x, gy], (backend) => (x, gy) => backend.conv2dGramSquaredNorm(x, gy, one, convolution), 'float64')

export const conv2dWeightedGrad = (x: Tensor, gy: Tensor, weight: Tensor, convolution: Convolution2d): Application =>
  multilinear([x, gy, weight], (b) => (x, gy, weight) => b.conv2dWeightedGrad(x, gy, weight, convolution))

/** The maximum is one of its terms. */
export const maxPool2d = (x: Tensor, window: Window2d): Application => {
  const { apply, inputs } = multilinear([x], (backend) => (x) => backend.maxPool2d(x, window).y)
  return { inputs, apply, terms: (...seen) => magnitude(apply(reference)(...seen)) }
}

/** Exact: no term, so no error. */
export const argmax = (x: Tensor, window: Window2d): Application => {
  const { apply, inputs } = multilinear([x], (backend) => (x) => backend.maxPool2d(x, window).argmax)
  return {
    inputs,
    apply,
    terms: (...seen) => mapTensor(() => 0)(apply(reference)(...seen)),
    dtype: 'int32',
  }
}

export const maxPool2dGrad = (gy: Tensor, places: Tensor, input: Shape): Application =>
  multilinear([gy, places], (backend) => (gy, places) => backend.maxPool2dGrad(gy, places, input))

export const avgPool2d = (x: Tensor, window: Window2d): Application =>
  multilinear([x], (backend) => (x) => backend.avgPool2d(x, window))

export const avgPool2dGrad = (gy: Tensor, window: Window2d, input: Shape): Application =>
  multilinear([gy], (backend) => (gy) => backend.avgPool2dGrad(gy, window, input))

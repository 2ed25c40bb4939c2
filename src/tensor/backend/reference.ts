/**
 * The reference backend: the definition of correct, in float64 throughout. Nothing here is optimised; a reader who wants
 * to know what an operation means reads it here, and every other backend is tested against it.
 *
 * ndarray-ops makes its loops with `new Function`, which a page under a strict content security policy forbids: the
 * library reaches this file by `loadReference` only.
 *
 * Index legend: n sample · i, j row, column of a product · k what is contracted.
 */
import type { NdArray } from 'ndarray'
import ops from 'ndarray-ops'
import { broadcastShapes, ShapeEq, shapeError, sizeOf } from '../shape.js'
import { erfc } from '../special.js'
import { size, type Tensor, zeros } from '../tensor.js'
import { broadcast, reshape, transpose } from '../view.js'
import type { Convolution2d } from '../window.js'
import type { Backend, BinaryOp, UnaryOp } from './backend.js'
import { elements, filled, ndarrayOver } from './reference/array.js'
import { conv2d, conv2dInputGrad, conv2dPerSampleGrad, conv2dWeightedGrad } from './reference/convolution.js'
import { groupNorm, groupNormGrad } from './reference/normalisation.js'
import { pad2d } from './reference/padding.js'
import { avgPool2d, avgPool2dGrad, maxPool2d, maxPool2dGrad } from './reference/pooling.js'
import { separately } from './separately.js'

/** y ← f(x), for fresh y. */
const unary: Readonly<Record<UnaryOp, (y: NdArray, x: NdArray) => void>> = {
  neg: ops.neg,
  abs: ops.abs,
  exp: ops.exp,
  log: ops.log,
  sqrt: ops.sqrt,
  square: (y, x) => ops.mul(y, x, x),
  reciprocal: ops.recip,
  relu: (y, x) => ops.maxs(y, x, 0),
  // ndarray-ops has no tanh, and those made of exponentials cancel near 0
  tanh: (y, x) => {
    ops.assign(y, x)
    const data = y.data as Float64Array
    data.forEach((value, i) => {
      data[i] = Math.tanh(value)
    })
  },
  sigmoid: (y, x) => {
    ops.neg(y, x)
    ops.expeq(y)
    ops.addseq(y, 1)
    ops.recipeq(y)
  },
  gelu: (y, x) => {
    ops.assign(y, x)
    const data = y.data as Float64Array
    data.forEach((value, i) => {
      data[i] = value * normalCdf(value)
    })
  },
}

/** Φ and φ. */
const normalCdf = (x: number): number => erfc(-x * Math.SQRT1_2) / 2
const normalPdf = (x: number): number => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)

/** y ← f(a, b), for fresh y. */
const binary: Readonly<Record<BinaryOp, (y: NdArray, a: NdArray, b: NdArray) => void>> = {
  add: ops.add,
  sub: ops.sub,
  mul: ops.mul,
  div: ops.div,
  max: ops.max,
  min: ops.min,
  reluGrad: (y, a, b) => {
    ops.gts(y, b, 0)
    ops.muleq(y, a)
  },
  tanhGrad: (y, a, b) => {
    ops.mul(y, b, b)
    ops.negeq(y)
    ops.addseq(y, 1)
    ops.muleq(y, a)
  },
  sigmoidGrad: (y, a, b) => {
    ops.neg(y, b)
    ops.addseq(y, 1)
    ops.muleq(y, b)
    ops.muleq(y, a)
  },
  geluGrad: (y, a, b) => {
    ops.assign(y, b)
    const data = y.data as Float64Array
    data.forEach((value, i) => {
      data[i] = normalCdf(value) + value * normalPdf(value)
    })
    ops.muleq(y, a)
  },
}

/** y = f(x), element by element. */
const map = (op: UnaryOp, x: Tensor): Tensor => {
  const y = zeros(x.shape, 'float64')
  unary[op](ndarrayOver(y), ndarrayOver(x))
  return y
}

/** y = f(a, b), element by element, where a and b repeat along the axes in which they have extent 1 or none. */
const zip = (op: BinaryOp, a: Tensor, b: Tensor): Tensor => {
  const shape = broadcastShapes(a.shape, b.shape)
  const y = zeros(shape, 'float64')
  binary[op](ndarrayOver(y), ndarrayOver(broadcast(shape)(a)), ndarrayOver(broadcast(shape)(b)))
  return y
}

/**
 * y[…,i,j] = Σₖ a[…,i,k] b[…,k,j]
 *
 * Shapes  a […, m, k] · b […, k, p] → […, m, p], leading axes broadcast
 */
const matmul = (a: Tensor, b: Tensor): Tensor => {
  const [m, inner] = a.shape.slice(-2) as [number, number]
  const [innerToo, p] = b.shape.slice(-2) as [number, number]
  if (a.shape.length < 2 || b.shape.length < 2 || inner !== innerToo)
    throw shapeError('matmul: inner extents differ', a.shape, b.shape)
  const batch = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2))
  const left = elements(broadcast([...batch, m, inner])(a))
  const right = elements(broadcast([...batch, inner, p])(b))
  return filled([...batch, m, p], (y) => {
    for (let product = 0; product < sizeOf(batch); product++)
      for (let i = 0; i < m; i++)
        for (let j = 0; j < p; j++)
          for (let k = 0; k < inner; k++) {
            const at = (product * m + i) * p + j
            const term =
              (left[(product * m + i) * inner + k] as number) * (right[(product * inner + k) * p + j] as number)
            y[at] = (y[at] as number) + term
          }
  })
}

/** Σ over the given axes, which disappear: what is kept moves to the front, and each row of what remains is added up. */
const sum = (x: Tensor, axes: readonly number[]): Tensor => {
  const kept = x.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis))
  const rows = transpose([...kept, ...axes])(x)
  const shape = kept.map((axis) => x.shape[axis] as number)
  const flat = reshape([sizeOf(shape), sizeOf(axes.map((axis) => x.shape[axis] as number))])(rows)
  return filled(shape, (y) => {
    for (let row = 0; row < y.length; row++) y[row] = ops.sum(ndarrayOver(flat).pick(row, null))
  })
}

/** y[n] = Σ a[n,…] b[n,…] */
const rowDots = (a: Tensor, b: Tensor): Tensor => {
  if (a.shape.length === 0 || !ShapeEq.equals(a.shape, b.shape))
    throw shapeError('rowDots takes rows of equal shape', a.shape, b.shape)
  return sum(zip('mul', a, b), otherAxes(a))
}

const otherAxes = (x: Tensor): readonly number[] => x.shape.map((_, axis) => axis).slice(1)

/** y[n,…] = weight[n] x[n,…] */
const scaleRows = (weight: Tensor, x: Tensor): Tensor => {
  if (x.shape.length === 0 || !ShapeEq.equals(weight.shape, x.shape.slice(0, 1)))
    throw shapeError('one weight for each row', weight.shape, x.shape)
  return zip('mul', reshape([size(weight), ...otherAxes(x).map(() => 1)])(weight), x)
}

/** y[…] = Σₙ weight[n] x[n,…] */
const weightedRowSum = (weight: Tensor, x: Tensor): Tensor => sum(scaleRows(weight, x), [0])

/** y[n] = ‖gₙ‖² for the gradients g of `conv2dPerSampleGrad`. */
const conv2dSquaredNorm = (x: Tensor, gy: Tensor, convolution: Convolution2d): Tensor => {
  const g = conv2dPerSampleGrad(x, gy, convolution)
  return rowDots(g, g)
}

/** y[n] = ‖gₙ‖², and where `one` is 1 also the squared norm of gy[n] summed over its pixels. */
const conv2dGramSquaredNorm: Backend['conv2dGramSquaredNorm'] = (x, gy, one, convolution) => {
  const ofWeight = conv2dSquaredNorm(x, gy, convolution)
  const ofBias = sum(gy, [2, 3])
  return one === 0 ? ofWeight : zip('add', ofWeight, rowDots(ofBias, ofBias))
}

/** The definition of every operation. */
export const reference: Backend = {
  name: 'reference',
  dtype: 'float64',
  scope: (body) => body(),
  map,
  matmul,
  sum,
  rowDots,
  weightedRowSum,
  scaleRows,
  pad2d,
  ...separately({ map, zip, matmul, groupNorm, groupNormGrad, conv2d }),
  conv2dInputGrad,
  conv2dPerSampleGrad,
  conv2dSquaredNorm,
  conv2dGramSquaredNorm,
  conv2dWeightedGrad,
  maxPool2d,
  maxPool2dGrad,
  avgPool2d,
  avgPool2dGrad,
}

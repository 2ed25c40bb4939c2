/**
 * Operations that go on into a function of each number, for backends that take one step after the other.
 */
import { ShapeEq, shapeError } from '../shape.js'
import { transpose } from '../view.js'
import type { Backend } from './backend.js'

type Steps = Pick<Backend, 'map' | 'zip' | 'matmul' | 'conv2d' | 'groupNorm' | 'groupNormGrad'>

/** Shapes of `affine`, checked. @internal */
export const checkAffine = (...[x, weight, bias]: Parameters<Backend['affine']>): void => {
  if (x.shape.length !== 2 || weight.shape.length !== 2 || x.shape[1] !== weight.shape[1])
    throw shapeError('affine: input and weight do not fit', x.shape, weight.shape)
  if (bias !== undefined && !ShapeEq.equals(bias.shape, weight.shape.slice(0, 1)))
    throw shapeError('affine: one bias for each output', bias.shape, weight.shape)
}

/** `affine`, one step after the other. @internal */
export const affineOf =
  ({ map, zip, matmul }: Pick<Backend, 'map' | 'zip' | 'matmul'>): Backend['affine'] =>
  (x, weight, bias, then) => {
    checkAffine(x, weight, bias)
    const product = matmul(x, transpose()(weight))
    const y = bias === undefined ? product : zip('add', product, bias)
    return then === undefined ? y : map(then, y)
  }

/** The same operations, which now take what comes after them or what a cotangent goes through first; and `affine`. @internal */
export const separately = (
  steps: Steps,
): Pick<Backend, 'affine' | 'zip' | 'conv2d' | 'groupNorm' | 'groupNormGrad'> => ({
  affine: affineOf(steps),
  zip: (op, a, b, then) => {
    const y = steps.zip(op, a, b)
    return then === undefined ? y : steps.map(then, y)
  },
  conv2d: (x, weight, bias, convolution, then) => {
    const y = steps.conv2d(x, weight, bias, convolution)
    return then === undefined ? y : steps.map(then, y)
  },
  groupNorm: (x, normalisation, affine, then) => {
    const found = steps.groupNorm(x, normalisation, affine)
    return then === undefined ? found : { ...found, y: steps.map(then, found.y) }
  },
  groupNormGrad: (x, gy, weight, statistics, through) =>
    steps.groupNormGrad(x, through === undefined ? gy : steps.zip(through.op, gy, through.y), weight, statistics),
})

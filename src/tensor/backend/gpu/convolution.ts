/**
 * Convolution and its adjoints. Every cell gathers its own terms.
 */
import { zipTensorsWith } from '../../elementwise.js'
import { ShapeEq, shapeError, sizeOf } from '../../shape.js'
import { size, type Tensor } from '../../tensor.js'
import { type Convolution2d, convolutionOutput } from '../../window.js'
import type { Backend } from '../backend.js'
import { geometry, type Quad } from './geometry.js'
import { dense, roundedToZero } from './operands.js'
import { type Session, zerosOf } from './session.js'

type Convolutions = Pick<
  Backend,
  | 'conv2d'
  | 'conv2dInputGrad'
  | 'conv2dPerSampleGrad'
  | 'conv2dSquaredNorm'
  | 'conv2dGramSquaredNorm'
  | 'conv2dWeightedGrad'
>

const addRows = zipTensorsWith((a, b) => a + b)

/** The shape of the weight, once input and cotangent fit. */
const weightShape = (x: Tensor, gy: Tensor, convolution: Convolution2d): Quad => {
  const [kh, kw] = convolution.kernel
  const shape: Quad = [gy.shape[1] as number, (x.shape[1] as number) / convolution.groups, kh, kw]
  if (gy.shape.length !== 4 || !ShapeEq.equals(convolutionOutput(convolution, x.shape, shape), gy.shape))
    throw shapeError('conv2d: the cotangent has not the shape of the output', gy.shape, x.shape)
  return shape
}

export const convolutions = (session: Session, { sum, rowDots }: Pick<Backend, 'sum' | 'rowDots'>): Convolutions => {
  const on = dense(session)

  const conv2d: Backend['conv2d'] = (x, weight, bias, convolution) => {
    const output = convolutionOutput(convolution, x.shape, weight.shape) as Quad
    if (bias !== undefined && !ShapeEq.equals(bias.shape, [output[1]]))
      throw shapeError('conv2d: one bias for each output channel', bias.shape, weight.shape)
    if (sizeOf(output) === 0) return zerosOf(output, 'float32')
    const operands = [on(x), on(weight), on(bias ?? weight)]
    const parameters = geometry(convolution, x.shape as Quad, output, bias === undefined ? 0 : 1)
    return session.tensorOf(session.launch('conv2d', operands, parameters, sizeOf(output)), output)
  }

  const conv2dInputGrad: Backend['conv2dInputGrad'] = (gy, weight, convolution, input) => {
    const output = convolutionOutput(convolution, input, weight.shape) as Quad
    if (!ShapeEq.equals(gy.shape, output))
      throw shapeError('conv2dInputGrad: the cotangent has not the shape of the output', gy.shape, output)
    if (sizeOf(input) === 0 || size(gy) === 0) return zerosOf(input, 'float32')
    const parameters = geometry(convolution, input as Quad, output)
    return session.tensorOf(session.launch('conv2dInputGrad', [on(gy), on(weight)], parameters, sizeOf(input)), input)
  }

  const conv2dPerSampleGrad: Backend['conv2dPerSampleGrad'] = (x, gy, convolution) => {
    const shape = [x.shape[0] as number, ...weightShape(x, gy, convolution)]
    if (size(x) === 0 || size(gy) === 0 || sizeOf(shape) === 0) return zerosOf(shape, 'float32')
    const parameters = geometry(convolution, x.shape as Quad, gy.shape as Quad)
    return session.tensorOf(session.launch('conv2dPerSampleGrad', [on(x), on(gy)], parameters, sizeOf(shape)), shape)
  }

  const conv2dSquaredNorm: Backend['conv2dSquaredNorm'] = (x, gy, convolution) => {
    const g = conv2dPerSampleGrad(x, gy, convolution)
    return rowDots(g, g)
  }

  const conv2dGramSquaredNorm: Backend['conv2dGramSquaredNorm'] = (x, gy, one, convolution) => {
    const ofWeight = conv2dSquaredNorm(x, gy, convolution)
    if (one === 0) return ofWeight
    const ofBias = sum(gy, [2, 3])
    return addRows(ofWeight, rowDots(ofBias, ofBias))
  }

  const conv2dWeightedGrad: Backend['conv2dWeightedGrad'] = (x, gy, weight, convolution) => {
    const shape = weightShape(x, gy, convolution)
    const n = x.shape[0] as number
    if (!ShapeEq.equals(weight.shape, [n])) throw shapeError('one weight for each sample', weight.shape, x.shape)
    if (size(x) === 0 || size(gy) === 0) return zerosOf(shape, 'float32')
    const operands = [on(x), on(gy), roundedToZero(session)(weight)]
    const parameters = geometry(convolution, x.shape as Quad, gy.shape as Quad, n)
    return session.tensorOf(session.launch('conv2dWeightedGrad', operands, parameters, sizeOf(shape)), shape)
  }

  return { conv2d, conv2dInputGrad, conv2dPerSampleGrad, conv2dSquaredNorm, conv2dGramSquaredNorm, conv2dWeightedGrad }
}

/**
 * Pooling and its adjoints.
 */
import { checkShape, ShapeEq, shapeError, sizeOf } from '../../shape.js'
import { size } from '../../tensor.js'
import type { Window2d } from '../../window.js'
import type { Backend } from '../backend.js'
import { holdsPaddingOnly, pooledOutput } from '../pooled.js'
import { geometry, type Quad } from './geometry.js'
import { dense } from './operands.js'
import { asInt32, type Session, zerosOf } from './session.js'

type Pools = Pick<Backend, 'maxPool2d' | 'maxPool2dGrad' | 'avgPool2d' | 'avgPool2dGrad'>

/** For the adjoint of max pooling at places of which nobody knows the windows. */
const noWindow: Window2d = { kernel: [1, 1], stride: [1, 1], padding: [0, 0], dilation: [1, 1] }

export const pools = (session: Session): Pools => {
  const on = dense(session)
  /** The windows behind places that were found here: the adjoint then looks at few of them. */
  const windowOf = new WeakMap<object, Window2d>()

  const maxPool2d: Backend['maxPool2d'] = (x, window) => {
    const output = pooledOutput(window, x.shape)
    if (holdsPaddingOnly(window, x.shape as Quad, output))
      throw shapeError('maxPool2d: a window holds nothing but padding', window.kernel, window.padding, x.shape)
    if (sizeOf(output) === 0) return { y: zerosOf(output, 'float32'), argmax: zerosOf(output, 'int32') }
    const [numbers, parameters] = [on(x), geometry(window, x.shape as Quad, output)]
    const y = session.tensorOf(session.launch('maxPool2d', [numbers], parameters, sizeOf(output)), output)
    const places = session.launch('argmax', [numbers], parameters, sizeOf(output))
    const argmax = session.tensorOf(places, output, asInt32)
    windowOf.set(argmax.data, window)
    return { y, argmax }
  }

  const maxPool2dGrad: Backend['maxPool2dGrad'] = (gy, argmax, input) => {
    const fits =
      input.length === 4 &&
      ShapeEq.equals(gy.shape, argmax.shape) &&
      ShapeEq.equals(gy.shape.slice(0, 2), input.slice(0, 2))
    if (!fits) throw shapeError('maxPool2dGrad: cotangent, places and input do not fit', gy.shape, argmax.shape, input)
    checkShape(input)
    if (size(gy) === 0 || sizeOf(input) === 0) return zerosOf(input, 'float32')
    const window = windowOf.get(argmax.data)
    const parameters = geometry(window ?? noWindow, input as Quad, gy.shape as Quad, window === undefined ? 0 : 1)
    return session.tensorOf(session.launch('maxPool2dGrad', [on(gy), on(argmax)], parameters, sizeOf(input)), input)
  }

  const avgPool2d: Backend['avgPool2d'] = (x, window) => {
    const output = pooledOutput(window, x.shape)
    if (sizeOf(output) === 0) return zerosOf(output, 'float32')
    const parameters = geometry(window, x.shape as Quad, output)
    return session.tensorOf(session.launch('avgPool2d', [on(x)], parameters, sizeOf(output)), output)
  }

  const avgPool2dGrad: Backend['avgPool2dGrad'] = (gy, window, input) => {
    const output = pooledOutput(window, input)
    if (!ShapeEq.equals(gy.shape, output))
      throw shapeError('avgPool2dGrad: the cotangent has not the shape of the output', gy.shape, output)
    if (size(gy) === 0 || sizeOf(input) === 0) return zerosOf(input, 'float32')
    const parameters = geometry(window, input as Quad, output)
    return session.tensorOf(session.launch('avgPool2dGrad', [on(gy)], parameters, sizeOf(input)), input)
  }

  return { maxPool2d, maxPool2dGrad, avgPool2d, avgPool2dGrad }
}

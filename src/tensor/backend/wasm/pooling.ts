/**
 * Pooling and its adjoints, plane by plane.
 */
import { checkShape, ShapeEq, shapeError, sizeOf } from '../../shape.js'
import { size } from '../../tensor.js'
import type { Window2d } from '../../window.js'
import type { Backend } from '../backend.js'
import { holdsPaddingOnly, pooledOutput } from '../pooled.js'
import { type Footprint, powerUpTo } from './chain.js'
import type { Device } from './device.js'
import { geometry, type Quad } from './geometry.js'
import { kernel } from './kernel.js'

type Pools = Pick<Backend, 'maxPool2d' | 'maxPool2dGrad' | 'avgPool2d' | 'avgPool2dGrad'>

/** For the adjoint of max pooling, which needs no window. */
const anyWindow: Window2d = { kernel: [1, 1], stride: [1, 1], padding: [0, 0], dilation: [1, 1] }

export const pools = (device: Device): Pools => {
  const slide = (
    id: number,
    addresses: readonly [number, number, number],
    window: Window2d,
    input: Quad,
    output: Quad,
    cost: number,
    work: Pick<Footprint, 'reads' | 'writes'>,
  ): void => {
    const planes = input[0] * input[1]
    if (planes === 0) return
    const perChunk = powerUpTo(16_000 / (cost / planes))
    device.launch({
      kernel: id,
      arguments: [...addresses, 0, 0, 0, 0, 0, ...geometry(window, 1, input, output), 0, 0, 0, planes, perChunk],
      parts: Math.ceil(planes / perChunk),
      cost,
      footprint: { split: { samples: input[0], p: input[1], q: perChunk }, ...work },
    })
  }
  const area = (window: Window2d): number => window.kernel[0] * window.kernel[1]

  const maxPool2d: Backend['maxPool2d'] = (x, window) => {
    const output = pooledOutput(window, x.shape)
    const input = x.shape as Quad
    if (sizeOf(output) > 0 && holdsPaddingOnly(window, input, output))
      throw shapeError('maxPool2d: a window holds nothing but padding', window.kernel, input)
    const from = device.dense(x)
    const y = device.result('float32', output)
    const argmax = device.result('int32', output)
    const cost = sizeOf(output) * (1 + 0.4 * area(window))
    slide(kernel.maxPool, [from, y.address, argmax.address], window, input, output, cost, {
      reads: [from, 4 * size(x)],
      writes: [y.address, 4 * sizeOf(output), argmax.address, 4 * sizeOf(output)],
    })
    return { y: y.tensor, argmax: argmax.tensor }
  }

  const maxPool2dGrad: Backend['maxPool2dGrad'] = (gy, argmax, input) => {
    checkShape(input)
    if (input.length !== 4 || gy.shape.length !== 4 || gy.shape[0] !== input[0] || gy.shape[1] !== input[1])
      throw shapeError('maxPool2dGrad: cotangent and input do not fit', gy.shape, input)
    if (!ShapeEq.equals(gy.shape, argmax.shape))
      throw shapeError('maxPool2dGrad: one place for each cotangent', gy.shape, argmax.shape)
    const [from, places] = [device.dense(gy), device.integers(argmax)]
    const { tensor, address } = device.result('float32', input)
    const cost = size(gy) * 1.5 + size(tensor) * 0.1
    slide(kernel.maxPoolGrad, [from, places, address], anyWindow, input as Quad, gy.shape as Quad, cost, {
      reads: [from, 4 * size(gy), places, 4 * size(gy)],
      writes: [address, 4 * size(tensor)],
    })
    return tensor
  }

  const avgPool2d: Backend['avgPool2d'] = (x, window) => {
    const output = pooledOutput(window, x.shape)
    const from = device.dense(x)
    const { tensor, address } = device.result('float32', output)
    const cost = sizeOf(output) * (1 + 0.4 * area(window))
    slide(kernel.averagePool, [from, address, 0], window, x.shape as Quad, output, cost, {
      reads: [from, 4 * size(x)],
      writes: [address, 4 * size(tensor)],
    })
    return tensor
  }

  const avgPool2dGrad: Backend['avgPool2dGrad'] = (gy, window, input) => {
    const output = pooledOutput(window, checkShape(input))
    if (!ShapeEq.equals(gy.shape, output))
      throw shapeError('avgPool2dGrad: the cotangent has not the shape of the output', gy.shape, output)
    const from = device.dense(gy)
    const { tensor, address } = device.result('float32', input)
    const cost = sizeOf(output) * (1 + area(window)) + size(tensor) * 0.1
    slide(kernel.averagePoolGrad, [from, address, 0], window, input as Quad, output, cost, {
      reads: [from, 4 * size(gy)],
      writes: [address, 4 * size(tensor)],
    })
    return tensor
  }

  return { maxPool2d, maxPool2dGrad, avgPool2d, avgPool2dGrad }
}

/**
 * Functions of one number and of two, sums, weighted rows and padding.
 */
import { broadcastShapes, checkShape, type Shape, ShapeEq, shapeError, sizeOf } from '../../shape.js'
import { size, type Tensor } from '../../tensor.js'
import { broadcast, transpose } from '../../view.js'
import type { Backend } from '../backend.js'
import { dense, joinedAxes, roundedToZero, strided } from './operands.js'
import { type Session, type Slot, zerosOf } from './session.js'

type Elementwise = Pick<Backend, 'map' | 'zip' | 'sum' | 'weightedRowSum' | 'scaleRows' | 'pad2d'>

/** Sums of rows [rows, length], in parts, and parts of those. */
const rowSums = (session: Session, numbers: Slot, rows: number, length: number): Slot => {
  const parts = length <= 4 * session.part ? 1 : Math.ceil(length / session.part)
  const part = Math.ceil(length / parts)
  const sums = session.launch('partSums', [numbers], [length, part, parts], rows * parts)
  return parts === 1 ? sums : rowSums(session, sums, rows, parts)
}

export const elementwise = (session: Session): Elementwise => {
  const result = (slot: Slot, shape: Shape): Tensor => session.tensorOf(slot, shape)

  const map: Backend['map'] = (op, x) => {
    if (size(x) === 0) return zerosOf(x.shape, 'float32')
    const { slot, offset, shape, stride } = strided(session)(x)
    const axes = joinedAxes(shape, [stride])
    const parameters = [axes.length, offset, ...axes.flatMap(({ extent, steps }) => [extent, ...steps])]
    return result(session.launch(op, [slot], parameters, size(x)), x.shape)
  }

  const zip: Backend['zip'] = (op, a, b) => {
    const shape = broadcastShapes(a.shape, b.shape)
    if (sizeOf(shape) === 0) return zerosOf(shape, 'float32')
    const [left, right] = [a, b].map((t) => {
      const own = strided(session)(t)
      const { stride } = broadcast(shape)({ ...t, stride: own.stride })
      return { ...own, stride }
    }) as [ReturnType<ReturnType<typeof strided>>, ReturnType<ReturnType<typeof strided>>]
    const axes = joinedAxes(shape, [left.stride, right.stride])
    const parameters = [
      axes.length,
      left.offset,
      right.offset,
      ...axes.flatMap(({ extent, steps }) => [extent, ...steps]),
    ]
    return result(session.launch(op, [left.slot, right.slot], parameters, sizeOf(shape)), shape)
  }

  const sum: Backend['sum'] = (x, axes) => {
    if (new Set(axes).size !== axes.length || !axes.every((axis) => Number.isInteger(axis) && axis in x.shape))
      throw shapeError('sum: no such axes, or one twice', axes, x.shape)
    const kept = x.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis))
    const shape = kept.map((axis) => x.shape[axis] as number)
    if (size(x) === 0) return zerosOf(shape, 'float32')
    const length = size(x) / sizeOf(shape)
    const ordered = [...axes].sort((a, b) => a - b)
    const rows = dense(session)(transpose([...kept, ...ordered])(x))
    return result(length === 1 ? rows : rowSums(session, rows, sizeOf(shape), length), shape)
  }

  const checkRows = (weight: Tensor, x: Tensor): void => {
    if (x.shape.length === 0 || !ShapeEq.equals(weight.shape, x.shape.slice(0, 1)))
      throw shapeError('one weight for each row', weight.shape, x.shape)
  }

  const weightedRowSum: Backend['weightedRowSum'] = (weight, x) => {
    checkRows(weight, x)
    const shape = x.shape.slice(1)
    if (size(x) === 0) return zerosOf(shape, 'float32')
    const [n, length] = [size(weight), sizeOf(shape)]
    const operands = [roundedToZero(session)(weight), dense(session)(x)]
    return result(session.launch('weightedRowSum', operands, [n, length], length), shape)
  }

  const scaleRows: Backend['scaleRows'] = (weight, x) => {
    checkRows(weight, x)
    if (size(x) === 0) return zerosOf(x.shape, 'float32')
    const operands = [roundedToZero(session)(weight), dense(session)(x)]
    return result(session.launch('scaleRows', operands, [size(x) / size(weight), 2 ** -126], size(x)), x.shape)
  }

  const pad2d: Backend['pad2d'] = (x, { top, bottom, left, right }) => {
    const [h, w] = x.shape.slice(-2) as [number, number]
    if (x.shape.length < 2) throw shapeError('pad2d needs two axes', x.shape)
    checkShape([top, bottom, left, right])
    const shape = [...x.shape.slice(0, -2), h + top + bottom, w + left + right]
    if (size(x) === 0) return zerosOf(shape, 'float32')
    const parameters = [h, w, top, left, h + top + bottom, w + left + right]
    return result(session.launch('pad2d', [dense(session)(x)], parameters, sizeOf(shape)), shape)
  }

  return { map, zip, sum, weightedRowSum, scaleRows, pad2d }
}

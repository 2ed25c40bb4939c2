/**
 * Products of matrices, and inner products of rows in two floats each.
 */
import { broadcastShapes, type Shape, ShapeEq, shapeError, sizeOf } from '../../shape.js'
import { contiguous, size, storageOf, type Tensor, unsafeTensor } from '../../tensor.js'
import { broadcast, slice } from '../../view.js'
import type { Backend } from '../backend.js'
import { dense, joinedAxes, type Operand, strided } from './operands.js'
import { type Reading, type Session, type Slot, zerosOf } from './session.js'

/** Offset and strides of batch, row, column; a view whose batches are not evenly spaced is gathered. */
const operandOf = (
  session: Session,
  t: Tensor,
  batch: Shape,
): { readonly slot: Slot; readonly at: readonly number[] } => {
  const spread = (own: Operand): Tensor => broadcast([...batch, ...t.shape.slice(-2)])({ ...t, stride: own.stride })
  const own = strided(session)(t)
  const wide = spread(own)
  const axes = joinedAxes(batch, [wide.stride.slice(0, -2)])
  if (axes.length > 1) {
    const [rows, columns] = t.shape.slice(-2) as [number, number]
    return {
      slot: dense(session)(broadcast([...batch, rows, columns])(t)),
      at: [0, rows * columns, columns, 1],
    }
  }
  const [row, column] = wide.stride.slice(-2) as [number, number]
  return { slot: own.slot, at: [own.offset, axes[0]?.steps[0] ?? 0, row, column] }
}

/** Inner products of rows, each as high and low: [rows, 2]. */
export const pairsOfDots = (session: Session, [a, b]: readonly [Slot, Slot], rows: number, length: number): Slot => {
  const { part } = session
  const parts = Math.ceil(length / part)
  const pairs = session.launch('partDots', [a, b], [length, Math.min(part, length), parts, 1], 2 * rows * parts)
  return parts === 1 ? pairs : session.launch('pairSums', [pairs], [parts, 1], 2 * rows)
}

/** Of so small a sum, too much may have been lost below the smallest numbers. */
const SMALL = 2 ** -70

export interface ProductOptions {
  /** Does the device keep what two floats know? Else inner products are added up here. */
  readonly keepsPairs: boolean
}

export const products = (session: Session, { keepsPairs }: ProductOptions): Pick<Backend, 'matmul' | 'rowDots'> => {
  const matmul: Backend['matmul'] = (a, b) => {
    const [m, inner] = a.shape.slice(-2) as [number, number]
    const [innerToo, p] = b.shape.slice(-2) as [number, number]
    if (a.shape.length < 2 || b.shape.length < 2 || inner !== innerToo)
      throw shapeError('matmul: inner extents differ', a.shape, b.shape)
    const batch = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2))
    const shape = [...batch, m, p]
    if (sizeOf(shape) === 0 || inner === 0) return zerosOf(shape, 'float32')
    const [left, right] = [operandOf(session, a, batch), operandOf(session, b, batch)]
    const parameters = [m, p, inner, ...left.at, ...right.at]
    return session.tensorOf(session.launch('matmul', [left.slot, right.slot], parameters, sizeOf(shape)), shape)
  }

  /** The same in float64, here: where squares leave the range of float32, and where they are lost below it. */
  const dotHere = (a: Tensor, b: Tensor, row: number): number => {
    const [x, y] = [a, b].map((t) => {
      const own = contiguous(slice({ axis: 0, start: row, end: row + 1 })(t))
      return storageOf(own).subarray(own.offset, own.offset + size(own))
    }) as [Float32Array, Float32Array]
    let sum = 0
    for (let i = 0; i < x.length; i++) sum += Math.fround(x[i] as number) * Math.fround(y[i] as number)
    return sum
  }

  const rowDots: Backend['rowDots'] = (a, b) => {
    if (a.shape.length === 0 || !ShapeEq.equals(a.shape, b.shape))
      throw shapeError('rowDots takes rows of equal shape', a.shape, b.shape)
    const rows = a.shape[0] as number
    if (size(a) === 0) return zerosOf([rows], 'float64')
    const length = size(a) / rows
    const sumOf = (pairs: Float32Array | undefined): Float64Array =>
      Float64Array.from({ length: rows }, (_, row) => {
        const sum = pairs === undefined ? 0 : (pairs[2 * row] as number) + (pairs[2 * row + 1] as number)
        return Math.abs(sum) < Number.POSITIVE_INFINITY && Math.abs(sum) > length * SMALL ? sum : dotHere(a, b, row)
      })
    if (!keepsPairs) return unsafeTensor(sumOf(undefined), [rows])
    const slot = pairsOfDots(session, [dense(session)(a), dense(session)(b)], rows, length)
    const reading: Reading<'float64'> = { dtype: 'float64', decode: sumOf, isDirect: false }
    return session.tensorOf(slot, [rows], reading)
  }

  return { matmul, rowDots }
}

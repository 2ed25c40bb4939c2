/**
 * Products of matrices in batches.
 */
import { broadcastShapes, rowMajor, type Shape, shapeError, sizeOf } from '../../shape.js'
import { type Tensor, viewOf } from '../../tensor.js'
import { broadcast, transpose } from '../../view.js'
import type { Backend } from '../backend.js'
import { affineOf, checkAffine } from '../separately.js'
import type { Device } from './device.js'
import { kernel, thenOf } from './kernel.js'
import { collapse } from './walk.js'

/** What becomes of each number of a product: the address of a bias or 0, and an operation as `thenOf` numbers it. */
interface Finish {
  readonly bias: number
  readonly op: number
}

const asItIs: Finish = { bias: 0, op: 0 }

/** One operand: strides in elements. */
interface Operand {
  readonly address: number
  readonly batch: readonly number[]
  readonly row: number
  readonly column: number
}

const roundUp = (value: number, multiple: number): number => Math.ceil(value / multiple) * multiple

export const products = (
  device: Device,
  { map, zip }: Pick<Backend, 'map' | 'zip'>,
): Pick<Backend, 'matmul' | 'affine'> => {
  const operand = (t: Tensor, batch: Shape): Operand => {
    const [rows, columns] = t.shape.slice(-2) as [number, number]
    const view = device.strided(t)
    const usable = (stride: readonly number[]): boolean => columns === 1 || rows === 1 || stride.slice(-2).includes(1)
    const strided = usable(view.stride)
    const stride = strided ? view.stride : rowMajor(t.shape)
    const wide = broadcast([...batch, rows, columns])(viewOf(t, t.shape, stride, 0))
    return {
      address: strided ? view.address : device.dense(t),
      batch: wide.stride.slice(0, -2),
      row: rows === 1 ? columns : (stride.at(-2) as number),
      column: columns === 1 ? 1 : (stride.at(-1) as number),
    }
  }

  const matmul: Backend['matmul'] = (a, b) => {
    const [m, k] = a.shape.slice(-2) as [number, number]
    const [inner, p] = b.shape.slice(-2) as [number, number]
    if (a.shape.length < 2 || b.shape.length < 2 || k !== inner)
      throw shapeError('matmul: inner extents differ', a.shape, b.shape)
    const batch = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2))
    const shape = [...batch, m, p]
    if (sizeOf(shape) === 0 || k === 0) {
      return device.filled('float32', shape, 0)
    }
    const [left, right] = [operand(a, batch), operand(b, batch)]
    const { tensor, address } = device.result('float32', shape)
    device.arena.temporarily(() => multiply(batch, { m, k, p }, left, right, address, asItIs))
    return tensor
  }

  const stepByStep = affineOf({ map, zip, matmul })

  const affine: Backend['affine'] = (x, weight, bias, then) => {
    checkAffine(x, weight, bias)
    const [[m, k], p] = [x.shape as readonly [number, number], weight.shape[0] as number]
    if (m === 0 || k === 0 || p === 0) return stepByStep(x, weight, bias, then)
    const [left, right] = [operand(x, []), operand(transpose()(weight), [])]
    const finish = { bias: bias === undefined ? 0 : device.dense(bias), op: thenOf(then) }
    const { tensor, address } = device.result('float32', [m, p])
    device.arena.temporarily(() => multiply([], { m, k, p }, left, right, address, finish))
    return tensor
  }

  const multiply = (
    batch: Shape,
    { m, k, p }: { readonly m: number; readonly k: number; readonly p: number },
    left: Operand,
    right: Operand,
    out: number,
    { bias, op }: Finish,
  ): void => {
    // A right factor common to all batches: the batches are rows of one product.
    if (right.batch.every((stride, axis) => stride === 0 || batch[axis] === 1) && sizeOf(batch) > 1) {
      const rows = collapse([...batch, m], [[...left.batch, left.row]])
      if (rows.axes.length === 0) {
        const row = rows.step[0] as number
        if (row === 1 || left.column === 1) {
          multiply([], { m: rows.run, k, p }, { ...left, batch: [], row }, { ...right, batch: [] }, out, asItIs)
          return
        }
      }
    }
    const count = sizeOf(batch)
    const table = device.arena.written('int32', 2 * count, (out) => fillOffsets(out, batch, left.batch, right.batch))
    const work = m * k * p
    // Small units where there are few batches, so that every thread gets some; a unit packs what it reads.
    const wanted = work * count < 200_000 ? 1 : Math.ceil(8 / count)
    const rowBlock = p >= 32 * wanted ? 256 : Math.min(256, Math.max(16, roundUp(m / wanted, 4)))
    const rowBlocks = Math.ceil(m / rowBlock)
    const columnBlock = Math.min(512, Math.max(32, roundUp(p / Math.ceil(wanted / rowBlocks), 8)))
    const units = count * rowBlocks * Math.ceil(p / columnBlock)
    const perUnit = (work * count) / units
    const unitsPerChunk = Math.max(1, Math.floor(100_000 / perUnit))
    // A tile tells by the address of the right factor that it is done, so a stride of 0 has to be packed. So has a factor that
    // is smaller than what tiles read of it: behind it may be numbers so small that products with them take many times as long.
    const isSmall = m > 16 && k * p < 64
    const packsRight = right.column !== 1 || right.row === 0 || isSmall || (m > 16 && k >= 64 && right.row >= 128)
    const packsLeft = left.column !== 1 && left.row === 1 && p > 16 && k >= 64 && left.column >= 128
    device.launch({
      kernel: kernel.gemm,
      arguments: [
        left.address,
        right.address,
        out,
        table.byteOffset,
        m,
        k,
        p,
        4 * left.row,
        4 * left.column,
        4 * right.row,
        4 * right.column,
        rowBlock,
        columnBlock,
        units,
        unitsPerChunk,
        (packsLeft ? 1 : 0) + (packsRight ? 2 : 0),
        bias,
        op,
      ],
      parts: Math.ceil(units / unitsPerChunk),
      cost: 0.06 * work * count,
    })
  }

  return { matmul, affine }
}

/** For each batch, in row-major order, the offsets of both operands in bytes. */
const fillOffsets = (table: Int32Array, batch: Shape, left: readonly number[], right: readonly number[]): void => {
  const index = batch.map(() => 0)
  let [a, b] = [0, 0]
  for (let i = 0; i < table.length; i += 2) {
    table[i] = 4 * a
    table[i + 1] = 4 * b
    for (let axis = batch.length - 1; axis >= 0; axis--) {
      const extent = batch[axis] as number
      a += left[axis] as number
      b += right[axis] as number
      index[axis] = (index[axis] as number) + 1
      if ((index[axis] as number) < extent) break
      index[axis] = 0
      a -= extent * (left[axis] as number)
      b -= extent * (right[axis] as number)
    }
  }
}

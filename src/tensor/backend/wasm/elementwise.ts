/**
 * Functions of one number and of two, sums, and padding.
 */
import { broadcastShapes, checkShape, rowMajor, type Shape, ShapeEq, shapeError, sizeOf } from '../../shape.js'
import { isContiguous, size, type Tensor, viewOf } from '../../tensor.js'
import { broadcast } from '../../view.js'
import type { Backend } from '../backend.js'
import { type Footprint, powerUpTo, rowsOfChunk } from './chain.js'
import type { Device } from './device.js'
import { binaryOps, kernel, scaling, thenOf, unaryOps } from './kernel.js'
import { pieces } from './pieces.js'
import { sumRuns } from './run-sums.js'
import { collapse, type Joined, zipArguments } from './walk.js'

/** Elements that one chunk of an elementwise kernel handles. */
const PART = 8192

/** Nanoseconds that an element takes, roughly. */
const unaryCost = { exp: 1, log: 1.5, tanh: 2, sigmoid: 1.5 } as const

/** Numbers of a row that are summed before they are added to those before them. */
const BLOCK = 32768

/** Tensors that one launch of a kernel has arguments for. */
const NORMS = 28
const SUMS = 19

/** How the chunks of a kernel that goes through the numbers of a tensor, one after the other, are shared out. */
const splitOf = (t: Tensor): Pick<Footprint, 'split'> => {
  const [samples] = t.shape
  return samples ? { split: { samples, p: size(t) / samples, q: PART } } : {}
}

type Elementwise = Pick<Backend, 'map' | 'zip' | 'sum' | 'rowDots' | 'weightedRowSum' | 'scaleRows' | 'pad2d'> &
  Required<Pick<Backend, 'rowNorms' | 'weightedRowSums'>>

export const elementwise = (device: Device): Elementwise => {
  const map: Backend['map'] = (op, x) => {
    const from = device.dense(x)
    const { tensor, address } = device.result('float32', x.shape)
    const count = size(x)
    device.launch({
      kernel: kernel.map,
      arguments: [from, address, unaryOps[op], count, PART],
      parts: Math.ceil(count / PART),
      cost: count * ((unaryCost as Partial<Record<string, number>>)[op] ?? 0.3),
      footprint: { ...splitOf(x), reads: [from, 4 * count], writes: [address, 4 * count] },
    })
    return tensor
  }

  /** Runs zip over views whose innermost strides, after joining axes, are 0 or 1, and not both 0. */
  const zipViews = (
    op: number,
    { axes, run, step }: Joined,
    [a, b, out]: readonly [a: number, b: number, out: number],
    then = 0,
    footprint?: Footprint,
  ): void => {
    const count = axes.reduce((product, { extent }) => product * extent, 1)
    const units = count * Math.ceil(run / PART)
    const unitsPerChunk = Math.max(1, Math.floor(PART / run))
    device.launch({
      kernel: kernel.zip,
      arguments: zipArguments({
        addresses: [a, b, out],
        op,
        run,
        steps: [4 * (step[0] as number), 4 * (step[1] as number)],
        part: PART,
        units,
        unitsPerChunk,
        axes,
        then,
      }),
      parts: Math.ceil(units / unitsPerChunk),
      cost: count * (10 + 0.3 * run),
      ...(footprint === undefined ? {} : { footprint }),
    })
  }

  /** Strides, in elements, of a tensor with these strides under a larger shape. */
  const spread = (t: Tensor, stride: readonly number[], shape: Shape): readonly number[] =>
    broadcast(shape)(viewOf(t, t.shape, stride, 0)).stride

  const zip: Backend['zip'] = (op, a, b, then) => {
    const after = thenOf(then)
    const same = ShapeEq.equals(a.shape, b.shape)
    const shape = same ? a.shape : broadcastShapes(a.shape, b.shape)
    if (sizeOf(shape) === 0) return device.result('float32', shape).tensor
    if (same && isContiguous(a) && isContiguous(b)) {
      const [left, right] = [device.dense(a), device.dense(b)]
      const { tensor, address } = device.result('float32', shape)
      const bytes = 4 * size(tensor)
      zipViews(binaryOps[op], { axes: [], run: size(tensor), step: [1, 1] }, [left, right, address], after, {
        ...splitOf(tensor),
        reads: [left, bytes, right, bytes],
        writes: [address, bytes],
      })
      return tensor
    }
    const [left, right] = [device.strided(a), device.strided(b)]
    const joined = collapse(shape, [spread(a, left.stride, shape), spread(b, right.stride, shape)])
    const fits = joined.step.every((s) => s === 0 || s === 1) && joined.step.some((s) => s === 1)
    if (fits) {
      const { tensor, address } = device.result('float32', shape)
      zipViews(binaryOps[op], joined, [left.address, right.address, address], after)
      return tensor
    }
    const [whole, part] = [device.dense(broadcast(shape)(a)), device.dense(b)]
    const { tensor, address } = device.result('float32', shape)
    zipViews(
      binaryOps[op],
      collapse(shape, [rowMajor(shape), spread(b, rowMajor(b.shape), shape)]),
      [whole, part, address],
      after,
    )
    return tensor
  }

  const sum: Backend['sum'] = (x, axes) => {
    const summed = new Set(axes)
    if (summed.size !== axes.length || axes.some((axis) => x.shape[axis] === undefined))
      throw shapeError('sum: axes are different axes of the tensor', axes, x.shape)
    const shape = x.shape.filter((_, axis) => !summed.has(axis))
    const source = device.dense(x)
    if (size(x) === 0) return device.filled('float32', shape, 0)
    const { tensor, address } = device.result('float32', shape)
    device.arena.temporarily(() => {
      let from = source
      let extents = x.shape
      // One run of neighbouring axes at a time, from the innermost on; the last one goes to the result.
      let groups = runsOf(axes)
      if (groups.length === 0) groups = [[x.shape.length, x.shape.length]]
      groups.forEach(([first, end], index) => {
        const outer = sizeOf(extents.slice(0, first))
        const r = sizeOf(extents.slice(first, end))
        const inner = sizeOf(extents.slice(end))
        const to = index === groups.length - 1 ? address : device.result('float32', [outer * inner]).address
        const units = outer * Math.ceil(inner / 8)
        const unitsPerChunk = Math.max(1, Math.ceil(PART / (r * Math.min(inner, 8))))
        device.launch({
          kernel: kernel.reduce,
          arguments: [from, to, outer, r, inner, units, unitsPerChunk],
          parts: Math.ceil(units / unitsPerChunk),
          cost: 0.4 * outer * r * inner,
        })
        from = to
        extents = [...extents.slice(0, first), ...extents.slice(end)]
      })
    })
    return tensor
  }

  const rowDots: Backend['rowDots'] = (a, b) => {
    if (a.shape.length === 0 || !ShapeEq.equals(a.shape, b.shape))
      throw shapeError('rowDots takes rows of equal shape', a.shape, b.shape)
    const rows = a.shape[0] as number
    const length = sizeOf(a.shape.slice(1))
    const left = device.dense(a)
    const right = a === b ? left : device.dense(b)
    if (size(a) === 0) return device.filled('float64', [rows], 0)
    const { tensor, address } = device.result('float64', [rows])
    device.arena.temporarily(() => {
      const blocks = Math.ceil(length / BLOCK)
      const partial = blocks === 1 ? address : device.arena.allocate('float64', rows * blocks).byteOffset
      const units = rows * blocks
      const unitsPerChunk = rowsOfChunk(units, PART / length)
      device.launch({
        kernel: kernel.rowDots,
        arguments: [left, right, partial, length, BLOCK, units, unitsPerChunk],
        parts: Math.ceil(units / unitsPerChunk),
        cost: 0.3 * size(a),
        footprint: {
          split: { samples: rows, p: blocks, q: unitsPerChunk },
          reads: [left, 4 * size(a), right, 4 * size(a)],
          writes: [partial, 8 * units],
        },
      })
      if (blocks > 1) sumRuns(device, partial, address, rows, blocks)
    })
    return tensor
  }

  const rowNorms: Elementwise['rowNorms'] = (xs) => {
    const rows = xs[0].shape[0] as number
    const odd = xs.find(({ shape }) => shape.length === 0 || shape[0] !== rows)
    if (odd !== undefined) throw shapeError('rowNorms takes as many rows of each', xs[0].shape, odd.shape)
    if (rows === 0) return device.filled('float64', [rows], 0)
    const all = xs.map((x) => [device.dense(x), size(x) / rows] as const)
    const { tensor, address } = device.result('float64', [rows])
    pieces(all, NORMS).forEach((some, index) => {
      const length = some.reduce((sum, [, length]) => sum + length, 0)
      const rowsPerChunk = rowsOfChunk(rows, PART / Math.max(1, length))
      device.launch({
        kernel: kernel.rowNorms,
        arguments: [address, rows, rowsPerChunk, index > 0 ? 1 : 0, BLOCK, some.length, ...some.flat()],
        parts: Math.ceil(rows / rowsPerChunk),
        cost: 0.3 * rows * length,
        footprint: {
          split: { samples: rows, p: 1, q: rowsPerChunk },
          reads: some.flatMap(([from, length]) => [from, 4 * rows * length]),
          writes: [address, 8 * rows],
        },
      })
    })
    return tensor
  }

  const checkWeights = (weight: Tensor, x: Tensor): void => {
    if (x.shape.length === 0 || !ShapeEq.equals(weight.shape, x.shape.slice(0, 1)))
      throw shapeError('one weight for each row', weight.shape, x.shape)
  }

  const weightedRowSums: Elementwise['weightedRowSums'] = (weight, xs) => {
    for (const x of xs) checkWeights(weight, x)
    const rows = size(weight)
    if (rows === 0) return xs.map((x) => device.filled('float32', x.shape.slice(1), 0))
    const weights = device.roundedToZero(weight)
    const all = xs.map((x) => ({ from: device.dense(x), ...device.result('float32', x.shape.slice(1)) }))
    const part = 1024
    for (const some of pieces(all, SUMS)) {
      const columns = some.map(({ tensor }) => size(tensor))
      device.launch({
        kernel: kernel.weightedRowSums,
        arguments: [
          ...[weights, rows, part],
          ...some.flatMap(({ from, address }, index) => [from, address, columns[index] as number]),
        ],
        parts: columns.reduce((sum, count) => sum + Math.ceil(count / part), 0),
        cost: 0.3 * rows * columns.reduce((sum, count) => sum + count, 0),
      })
    }
    return all.map(({ tensor }) => tensor)
  }

  const weightedRowSum: Backend['weightedRowSum'] = (weight, x) => weightedRowSums(weight, [x])[0] as Tensor

  const scaleRows: Backend['scaleRows'] = (weight, x) => {
    checkWeights(weight, x)
    if (size(x) === 0) return device.result('float32', x.shape).tensor
    const scale = device.roundedToZero(weight)
    const from = device.dense(x)
    const { tensor, address } = device.result('float32', x.shape)
    const shape = [x.shape[0] as number, size(x) / (x.shape[0] as number)]
    zipViews(scaling, collapse(shape, [[1, 0], rowMajor(shape)]), [scale, from, address])
    return tensor
  }

  const pad2d: Backend['pad2d'] = (x, { top, bottom, left, right }) => {
    const [h, w] = x.shape.slice(-2)
    if (h === undefined || w === undefined) throw shapeError('pad2d needs two axes', x.shape)
    checkShape([top, bottom, left, right])
    const lead = x.shape.slice(0, -2)
    const from = device.dense(x)
    const { tensor, address } = device.result('float32', [...lead, top + h + bottom, left + w + right])
    const planes = sizeOf(lead)
    const plane = size(tensor) / Math.max(1, planes)
    const planesPerChunk = powerUpTo((2 * PART) / Math.max(1, plane))
    device.launch({
      kernel: kernel.pad,
      arguments: [from, address, h, w, top, bottom, left, right, planes, planesPerChunk],
      parts: Math.ceil(planes / planesPerChunk),
      cost: 0.2 * size(tensor),
      footprint: {
        ...(lead[0] ? { split: { samples: lead[0], p: planes / lead[0], q: planesPerChunk } } : {}),
        reads: [from, 4 * size(x)],
        writes: [address, 4 * size(tensor)],
      },
    })
    return tensor
  }

  return { map, zip, sum, rowDots, rowNorms, weightedRowSum, weightedRowSums, scaleRows, pad2d }
}

/** Runs of neighbours [first, end) among axes, innermost first. */
const runsOf = (axes: readonly number[]): readonly (readonly [first: number, end: number])[] => {
  const runs: [first: number, end: number][] = []
  for (const axis of [...axes].sort((a, b) => b - a)) {
    const last = runs.at(-1)
    if (last?.[0] === axis + 1) last[0] = axis
    else runs.push([axis, axis + 1])
  }
  return runs
}

/**
 * Padding of the last axes of each sample, by zeros or by what the sample holds.
 */
import type { Backend } from '../../tensor/backend/backend.js'
import { type Shape, shapeError, sizeOf } from '../../tensor/shape.js'
import { type Tensor, zeros } from '../../tensor/tensor.js'
import type { EmptyTree } from '../../tensor/tree.js'
import { broadcast, reshape, slice } from '../../tensor/view.js'
import { type LayerRule, withoutParams } from '../layer.js'
import { join, packedAs, parted } from '../pack.js'

/** How many numbers are added before and after those of an axis. */
export type Edge = readonly [before: number, after: number]

/** `reflect` mirrors about the outermost number, `replicate` repeats it, `circular` goes on at the other end. */
export type PaddingMode = 'zeros' | 'reflect' | 'replicate' | 'circular'

/** The settings of `pad`. */
export interface PadOptions {
  /** One for each of the last axes. */
  readonly edges: readonly Edge[]
  /** Default zeros. */
  readonly mode?: PaddingMode
}

/**
 * The edges with which a convolution of stride 1 keeps the extents ('same'): the smaller half before.
 *
 * @example
 * samePadding([3, 4]) // => [[1, 1], [1, 2]]
 */
export const samePadding = (
  kernel: readonly number[],
  dilation: readonly number[] = kernel.map(() => 1),
): readonly Edge[] =>
  kernel.map((k, axis) => {
    const total = (dilation[axis] as number) * (k - 1)
    return [Math.floor(total / 2), Math.ceil(total / 2)]
  })

/** Where `count` added numbers come from: a slice of the axis. */
interface Source {
  readonly start: number
  readonly end: number
  readonly step: 1 | -1
}

/** Sources before and after an axis of some extent. Replicated numbers come one by one from the end that they repeat. */
const sourcesOf = (
  mode: Exclude<PaddingMode, 'zeros'>,
  [before, after]: Edge,
  extent: number,
): readonly [Source, Source] => {
  switch (mode) {
    case 'reflect':
      return [
        { start: before, end: 0, step: -1 },
        { start: extent - 2, end: extent - 2 - after, step: -1 },
      ]
    case 'circular':
      return [
        { start: extent - before, end: extent, step: 1 },
        { start: 0, end: after, step: 1 },
      ]
    case 'replicate':
      return [
        { start: 0, end: 1, step: 1 },
        { start: extent - 1, end: extent, step: 1 },
      ]
  }
}

/** Zeros around a part of an axis, so that it stands from `start` on in `total`. */
const placed = (backend: Backend, axis: number, start: number, total: number, part: Tensor): Tensor => {
  const lead = sizeOf(part.shape.slice(0, axis))
  const [extent, rest] = [part.shape[axis] as number, sizeOf(part.shape.slice(axis + 1))]
  const rows = packedAs(backend, [lead, extent, rest], part)
  const whole = backend.pad2d(rows, { top: start, bottom: total - start - extent, left: 0, right: 0 })
  return reshape(part.shape.with(axis, total))(whole)
}

/** One axis of x padded. */
const padAxis = (backend: Backend, mode: PaddingMode, axis: number, edge: Edge, x: Tensor): Tensor => {
  const extent = x.shape[axis] as number
  const [before, after] = edge
  if (before + after === 0) return x
  if (mode === 'zeros') return placed(backend, axis, before, before + extent + after, x)
  const [first, last] = sourcesOf(mode, edge, extent).map((source, side) => {
    const part = slice({ axis, ...source })(x)
    return mode === 'replicate' ? broadcast(x.shape.with(axis, edge[side] as number))(part) : part
  }) as [Tensor, Tensor]
  return join(backend, axis, [first, x, last])
}

/** The adjoint of `padAxis`: what was copied is added where it came from. */
const unpadAxis = (backend: Backend, mode: PaddingMode, axis: number, edge: Edge, gy: Tensor): Tensor => {
  const [before, after] = edge
  if (before + after === 0) return gy
  const extent = (gy.shape[axis] as number) - before - after
  const [first, own, last] = parted(axis, [before, extent, after], gy) as [Tensor, Tensor, Tensor]
  if (mode === 'zeros') return packedAs(backend, own.shape, own)
  return sourcesOf(mode, edge, extent)
    .map((source, side) => {
      const part = (side === 0 ? first : last) as Tensor
      const count = edge[side] as number
      if (count === 0) return zeros(own.shape, backend.dtype)
      if (mode === 'replicate') {
        const sum = reshape(part.shape.with(axis, 1))(backend.sum(part, [axis]))
        return placed(backend, axis, source.start, extent, sum)
      }
      const inOrder = source.step === 1 ? part : slice({ axis, step: -1 })(part)
      return placed(backend, axis, Math.min(source.start, source.end + (source.step === 1 ? 0 : 1)), extent, inOrder)
    })
    .reduce((sum, part) => backend.zip('add', sum, part), own)
}

/**
 * Numbers around the last axes of each sample. Before a convolution without padding it gives every padding mode, with the
 * per-sample gradients that go with it.
 *
 * Shapes  x [n, …, d…] → y [n, …, before + d + after…]
 * Errors  ShapeError where an axis is missing, or too short to reflect (edges below its extent) or to go around (at most it)
 *
 * @example
 * pad({ edges: [[1, 1], [2, 2]], mode: 'reflect' }).init(key(0), [3, 4, 5]).output // => [3, 6, 9]
 */
export const pad = ({ edges, mode = 'zeros' }: PadOptions): LayerRule<EmptyTree, null> => {
  const name = `pad(${mode})`
  const axisOf = (x: Tensor, index: number): number => x.shape.length - edges.length + index
  const most = (extent: number): number =>
    mode === 'reflect' ? extent - 1 : mode === 'circular' || extent === 0 ? extent : Number.POSITIVE_INFINITY
  return withoutParams({
    name,
    output: (input: Shape) => {
      const skipped = input.length - edges.length
      const fits = edges.every((edge, index) => {
        const extent = input[skipped + index]
        return (
          extent !== undefined &&
          edge.every(
            (count) => Number.isSafeInteger(count) && count >= 0 && (mode === 'zeros' || count <= most(extent)),
          )
        )
      })
      if (skipped < 0 || !fits)
        throw shapeError(`${name}: the input does not reach as far as its edges`, input, ...edges)
      return input.map((extent, axis) => extent + (edges[axis - skipped]?.reduce((a, b) => a + b, 0) ?? 0))
    },
    forward: (backend, x) => [
      edges.reduce((y, edge, index) => padAxis(backend, mode, axisOf(x, index), edge, y), x),
      null,
    ],
    backward: (backend, _none, gy) =>
      edges.reduce((g, edge, index) => unpadAxis(backend, mode, axisOf(gy, index), edge, g), gy),
  })
}

/**
 * Parts of an axis: a layer that keeps one, and a layer that works on one.
 */
import type { Backend } from '../../tensor/backend/backend.js'
import { type Shape, shapeError, sizeOf } from '../../tensor/shape.js'
import type { Tensor } from '../../tensor/tensor.js'
import type { EmptyTree, Tree } from '../../tensor/tree.js'
import { reshape, slice } from '../../tensor/view.js'
import { type LayerRule, layer, type Pullback, withoutParams } from '../layer.js'
import { join, packed, packedAs, parted } from '../pack.js'

/** A range of one axis of a sample. Negative numbers count from the end, as for arrays. */
export interface Part {
  /** 0 is the first axis of a sample, −1 its last. */
  readonly axis: number
  /** Default 0. */
  readonly start?: number
  /** Exclusive; default the end. */
  readonly end?: number
}

/** The axis with n counted, and how much lies before the part, within it, and after it. */
const cut = (name: string, { axis, start = 0, end }: Part, shape: Shape): { axis: number; extents: Shape } => {
  const at = axis < 0 ? shape.length + axis : axis + 1
  const extent = at >= 1 ? shape[at] : undefined
  const from = extent !== undefined && start < 0 ? extent + start : start
  const to = end === undefined ? (extent ?? 0) : end < 0 ? (extent ?? 0) + end : end
  if (
    extent === undefined ||
    !(Number.isInteger(from) && Number.isInteger(to) && from >= 0 && from <= to && to <= extent)
  )
    throw shapeError(`${name}: no such part of a sample`, shape.slice(1), [axis, start, end ?? extent ?? 0])
  return { axis: at, extents: [from, to - from, extent - to] }
}

const nameOf = ({ axis, start = 0, end }: Part): string => `${start}:${end ?? ''} of axis ${axis}`

/** A part with zeros around it. */
const placed = (backend: Backend, axis: number, [before, , after]: Shape, x: Tensor): Tensor => {
  const rest = sizeOf(x.shape.slice(axis + 1))
  const extent = x.shape[axis] as number
  const rows = packedAs(backend, [sizeOf(x.shape.slice(0, axis)), extent, rest], x)
  const whole = backend.pad2d(rows, { top: before as number, bottom: after as number, left: 0, right: 0 })
  return reshape(x.shape.with(axis, (before as number) + extent + (after as number)))(whole)
}

/**
 * A part of each sample, the rest dropped.
 *
 * Shapes  x [n, …, d, …] → y [n, …, end − start, …]
 * Errors  ShapeError where the sample has no such part
 *
 * @example
 * part({ axis: -1, end: -1 }).init(key(0), [5, 4]).output // => [5, 3]
 */
export const part = (range: Part): LayerRule<EmptyTree, Shape> => {
  const name = `part(${nameOf(range)})`
  return withoutParams<Shape>({
    name,
    output: (input) => {
      const { axis, extents } = cut(name, range, [1, ...input])
      return input.with(axis - 1, extents[1] as number)
    },
    forward: (backend, x) => {
      const { axis, extents } = cut(name, range, x.shape)
      const [start, extent] = extents as readonly [number, number]
      return [packed(backend, slice({ axis, start, end: start + extent })(x)), x.shape]
    },
    backward: (backend, input, gy) => {
      const { axis, extents } = cut(name, range, input)
      return placed(backend, axis, extents, gy)
    },
  })
}

/** The layer's cache, and where its output stands. */
export interface OnPartCache<C> {
  readonly inner: C
  readonly axis: number
  /** Extents before, of the output, and after. */
  readonly output: Shape
}

/**
 * A layer that works on a part of each sample; what stands before and after it stays as it is. The layer may change how
 * long its part is, and no other axis.
 *
 *   y = [before, f(θ, part), after]      ‖g‖² = ‖g_f‖²
 *
 * Shapes  x [n, …, d, …] → y [n, …, d', …]
 * Cost    that of the layer, and copies of the rest
 * Errors  ShapeError where the sample has no such part, or the output does not fit beside the rest
 *
 * @example
 * onPart({ axis: -1, end: -1 })(linear(8)).init(key(0), [5, 4]).output // => [5, 9]
 */
export const onPart =
  (range: Part) =>
  <P extends Tree, C>(rule: LayerRule<P, C>): LayerRule<P, OnPartCache<C>> => {
    const name = `onPart(${nameOf(range)}: ${rule.name})`
    const own = ({ axis, output }: OnPartCache<C>, gy: Tensor): readonly Tensor[] => parted(axis, output, gy)
    /** Cotangents of the rest, around that of the part. */
    const around = (backend: Backend, { axis }: OnPartCache<C>, parts: readonly Tensor[], gx: Tensor): Tensor =>
      join(backend, axis, [parts[0] as Tensor, gx, parts[2] as Tensor])
    return layer<P, OnPartCache<C>>({
      name,
      init: (key, input) => {
        const { axis, extents } = cut(name, range, [1, ...input])
        const made = rule.init(key, input.with(axis - 1, extents[1] as number))
        const [before, , after] = extents as readonly [number, number, number]
        const output = made.output
        if (output.length !== input.length || output.some((e, a) => a !== axis - 1 && e !== input[a]))
          throw shapeError(`${name}: the output does not fit beside the rest`, output, input)
        return { params: made.params, output: output.with(axis - 1, before + (output[axis - 1] as number) + after) }
      },
      forward: (backend, params, x) => {
        const { axis, extents } = cut(name, range, x.shape)
        const [before, mine, after] = parted(axis, extents, x) as readonly [Tensor, Tensor, Tensor]
        const [y, inner] = rule.forward(backend, params, packed(backend, mine))
        const output = [extents[0] as number, y.shape[axis] as number, extents[2] as number]
        return [join(backend, axis, [before, y, after]), { inner, axis, output }]
      },
      backward: (backend, params, cache, gy) => {
        const parts = own(cache, gy)
        const mine = packed(backend, parts[1] as Tensor)
        return around(backend, cache, parts, rule.backward(backend, params, cache.inner, mine))
      },
      perSampleGrad: (backend, params, cache, gy) =>
        rule.perSampleGrad(backend, params, cache.inner, packed(backend, own(cache, gy)[1] as Tensor)),
      perSampleSquaredNorm: (backend, params, cache, gy) =>
        rule.perSampleSquaredNorm(backend, params, cache.inner, packed(backend, own(cache, gy)[1] as Tensor)),
      weightedGrad: (backend, params, cache, gy, weight) =>
        rule.weightedGrad(backend, params, cache.inner, packed(backend, own(cache, gy)[1] as Tensor), weight),
      pullback: (backend, params, cache, gy): Pullback<P> => {
        const parts = own(cache, gy)
        const pulled = rule.pullback(backend, params, cache.inner, packed(backend, parts[1] as Tensor))
        return { ...pulled, inputGrad: () => around(backend, cache, parts, pulled.inputGrad()) }
      },
    })
  }

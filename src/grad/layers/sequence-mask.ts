/**
 * Sequences with a mask: sequences of different lengths in one batch. n sample · t position · e feature.
 *
 * The mask is the last feature of a sequence, [n, t, e + 1]: a position counts where it is above 0. It is data, and travels
 * with the sequence, so that a sample still stands alone. `masked` layers read it, hand it on as 0 or 1, and give it no
 * cotangent; `withMask` makes any other layer hand it on.
 */
import type { Backend } from '../../tensor/backend/backend.js'
import { mapTensor } from '../../tensor/elementwise.js'
import { type Shape, shapeError } from '../../tensor/shape.js'
import { type Tensor, toArray, unsafeTensor, zeros } from '../../tensor/tensor.js'
import type { EmptyTree, Tree } from '../../tensor/tree.js'
import { reshape, slice } from '../../tensor/view.js'
import { type OnPartCache, onPart } from '../composition/part.js'
import { type LayerRule, withoutParams } from '../layer.js'
import { join, packed, packedAs } from '../pack.js'

const step = mapTensor((m) => (m > 0 ? 1 : 0), 'float64')

/** 1 where a position of [n, t, e + 1] counts, else 0: [n, t, 1]. @internal */
export const countsOf = (x: Tensor): Tensor => {
  const features = x.shape[2] as number
  return step(slice({ axis: 2, start: features - 1, end: features })(x))
}

/** The features without the mask, packed: [n, t, e]. @internal */
export const featuresOf = (backend: Backend, x: Tensor): Tensor =>
  packed(backend, slice({ axis: 2, start: 0, end: (x.shape[2] as number) - 1 })(x))

/** A cotangent of the features with zeros for the mask. @internal */
export const withoutMaskCotangent = (backend: Backend, gx: Tensor): Tensor => {
  const [n, t] = gx.shape as readonly [number, number]
  return join(backend, 2, [gx, zeros([n, t, 1], backend.dtype)])
}

const checkMasked =
  (name: string) =>
  (input: Shape): Shape => {
    if (input.length !== 2 || input[1] === 0)
      throw shapeError(`${name} needs [t, e + 1], whose last feature is a mask`, input)
    return input
  }

/**
 * Which tokens are not the padding: 1 for those, 0 for it. Beside an embedding it makes a sequence with a mask.
 *
 * Shapes  x [n, t] → y [n, t, 1]
 *
 * @example
 * const masked = parallel({ combine: 'concatenate', axis: 1 })(embedding({ vocabulary: 9, features: 4 }), tokenMask(0))
 * masked.init(key(0), [6]).output // => [6, 5]
 */
export const tokenMask = (paddingIndex: number): LayerRule<EmptyTree, Shape> =>
  withoutParams<Shape>({
    name: `tokenMask(${paddingIndex})`,
    output: (input) => [...input, 1],
    forward: (_backend, x) => [
      unsafeTensor(
        Float32Array.from(toArray(x), (token) => Number(token !== paddingIndex)),
        [...x.shape, 1],
      ),
      x.shape,
    ],
    backward: (backend, input) => zeros(input, backend.dtype),
  })

/** The mask of a sequence alone, as 0 or 1: [n, t, e + 1] → [n, t, 1]. @internal */
export const maskAlone: LayerRule<EmptyTree, Shape> = withoutParams<Shape>({
  name: 'mask',
  output: (input) => [checkMasked('mask')(input)[0] as number, 1],
  forward: (backend, x) => [packed(backend, countsOf(x)), x.shape],
  backward: (backend, input) => zeros(input, backend.dtype),
})

/**
 * A layer of sequences for sequences with a mask: it sees the features, and the mask goes by.
 *
 * @example
 * withMask(linear(8)).init(key(0), [6, 5]).output // => [6, 9]
 */
export const withMask: <P extends Tree, C>(rule: LayerRule<P, C>) => LayerRule<P, OnPartCache<C>> = onPart({
  axis: -1,
  end: -1,
})

/** Weights of positions [n, t, 1], and the shape of x. */
interface PoolCache {
  readonly share: Tensor
  readonly input: Shape
}

/** Σₜ cₜ xₜ over the positions, with weights that the mask gives. */
const pooledBy = (
  name: string,
  shares: (counts: readonly number[]) => readonly number[],
): LayerRule<EmptyTree, PoolCache> =>
  withoutParams<PoolCache>({
    name,
    output: (input) => [(checkMasked(name)(input)[1] as number) - 1],
    forward: (backend, x) => {
      const [n, t] = x.shape as readonly [number, number]
      const counts = toArray(countsOf(x))
      const each = Array.from({ length: n }, (_, i) => shares(counts.slice(i * t, (i + 1) * t)))
      const share = unsafeTensor(Float64Array.from(each.flat()), [n, t, 1])
      return [backend.sum(backend.zip('mul', featuresOf(backend, x), share), [1]), { share, input: x.shape }]
    },
    backward: (backend, { share, input }, gy) => {
      const [n] = input as readonly [number]
      const cotangent = packedAs(backend, [n, 1, gy.shape[1] as number], gy)
      return withoutMaskCotangent(backend, backend.zip('mul', cotangent, share))
    },
  })

/**
 * The mean of the positions that count, zeros where none does: what a classifier reads of a sequence with a mask.
 *
 * Shapes  x [n, t, e + 1] → y [n, e]
 *
 * @example
 * sequential(lstm(4, { masked: true }), maskedMean).init(key(0), [6, 5]).output // => [4]
 */
export const maskedMean: LayerRule<EmptyTree, unknown> = pooledBy('maskedMean', (counts) => {
  const total = counts.reduce((a, b) => a + b, 0)
  return counts.map((c) => (total === 0 ? 0 : c / total))
})

/**
 * The last position that counts, zeros where none does.
 *
 * Shapes  x [n, t, e + 1] → y [n, e]
 *
 * @example
 * sequential(lstm(4, { masked: true }), maskedLast).init(key(0), [6, 5]).output // => [4]
 */
export const maskedLast: LayerRule<EmptyTree, unknown> = pooledBy('maskedLast', (counts) => {
  const last = counts.lastIndexOf(1)
  return counts.map((_, t) => Number(t === last))
})

/** 0 where a position counts, −∞ where not, to be added to scores [n, h, t, s]: [n, 1, 1, s]. @internal */
export const keyMask = (counts: Tensor): Tensor => {
  const [n, s] = counts.shape as readonly [number, number]
  return reshape([n, 1, 1, s])(mapTensor((c) => (c > 0 ? 0 : Number.NEGATIVE_INFINITY), 'float64')(counts))
}

/**
 * What attention does between its projections: softmax(q kᵀ / √d) v for each head, without parameters. n sample · t query
 * position · s key position · e feature · h head · d feature of a head (e = h d).
 */
import type { Backend } from '../../tensor/backend/backend.js'
import { type Shape, shapeError } from '../../tensor/shape.js'
import { scalar, type Tensor, tensor, zeros } from '../../tensor/tensor.js'
import type { EmptyTree } from '../../tensor/tree.js'
import { reshape, transpose } from '../../tensor/view.js'
import { type LayerRule, withoutParams } from '../layer.js'
import { join, packed, packedAs, parted } from '../pack.js'
import { countsOf, featuresOf, keyMask, withoutMaskCotangent } from './sequence-mask.js'
import { pullSoftmax, softmaxOf } from './softmax.js'

/** Queries [n, h, t, d], keys and values [n, h, s, d], and the weights of the mean [n, h, t, s]. */
export interface HeadsCache {
  readonly q: Tensor
  readonly k: Tensor
  readonly v: Tensor
  readonly weights: Tensor
}

/** 0 where position t may look at s, −∞ where s is later. */
const causalMask = (t: number): Tensor =>
  tensor(
    Array.from({ length: t * t }, (_, i) => (i % t > Math.floor(i / t) ? Number.NEGATIVE_INFINITY : 0)),
    [t, t],
  )

const swapLast = (x: Tensor): Tensor => transpose([0, 1, 3, 2])(x)

/** [n, t, e] as a view [n, h, t, d]. */
const splitHeads = (backend: Backend, h: number, x: Tensor): Tensor => {
  const [n, t, e] = x.shape as readonly [number, number, number]
  return transpose([0, 2, 1, 3])(packedAs(backend, [n, t, h, e / h], x))
}

/** [n, h, t, d] as [n, t, e]. */
const joinHeads = (backend: Backend, x: Tensor): Tensor => {
  const [n, h, t, d] = x.shape as readonly [number, number, number, number]
  return packedAs(backend, [n, t, h * d], transpose([0, 2, 1, 3])(x))
}

const scaled = (backend: Backend, d: number, x: Tensor): Tensor =>
  backend.zip('mul', x, scalar(1 / Math.sqrt(d), 'float64'))

/** Queries, keys and values of [n, ·, e], all heads side by side. */
type Triplet = readonly [q: Tensor, k: Tensor, v: Tensor]

/** The means, [n, t, e]. A position that may look at none gets zeros. */
const attend = (
  backend: Backend,
  h: number,
  [queries, keys, values]: Triplet,
  masks: readonly Tensor[],
): readonly [Tensor, HeadsCache] => {
  const [q, k, v] = [queries, keys, values].map((x) => splitHeads(backend, h, x)) as unknown as Triplet
  const scores = scaled(backend, q.shape[3] as number, backend.matmul(q, swapLast(k)))
  const seen = masks.reduce((sum, mask) => backend.zip('add', sum, mask), scores)
  const weights = softmaxOf(backend, seen, masks.length > 0)
  return [joinHeads(backend, backend.matmul(weights, v)), { q, k, v, weights }]
}

/** The cotangents of queries, keys and values, [n, ·, e] each. */
const pullAttend = (backend: Backend, { q, k, v, weights }: HeadsCache, gy: Tensor): Triplet => {
  const [, h, , d] = q.shape as readonly [number, number, number, number]
  const cotangent = splitHeads(backend, h, gy)
  const ofScores = pullSoftmax(backend, weights, backend.matmul(cotangent, swapLast(v)))
  return [
    scaled(backend, d, backend.matmul(ofScores, k)),
    scaled(backend, d, backend.matmul(swapLast(ofScores), q)),
    backend.matmul(swapLast(weights), cotangent),
  ].map((x) => joinHeads(backend, x)) as unknown as Triplet
}

export interface HeadsOptions {
  readonly heads: number
  readonly causal?: boolean
  readonly masked?: boolean
}

/** Attention of a sequence to itself: [n, t, 3e], with a mask 3e + 1, → [n, t, e]. @internal */
export const selfHeads = ({ heads, causal = false, masked = false }: HeadsOptions): LayerRule<EmptyTree, HeadsCache> =>
  withoutParams<HeadsCache>({
    name: `heads(${heads})`,
    output: ([t, width]: Shape) => [t as number, ((width as number) - (masked ? 1 : 0)) / 3],
    forward: (backend, x) => {
      const t = x.shape[1] as number
      const all = masked ? featuresOf(backend, x) : x
      const e = (all.shape[2] as number) / 3
      const masks = [...(causal ? [causalMask(t)] : []), ...(masked ? [keyMask(countsOf(x))] : [])]
      return attend(backend, heads, parted(2, [e, e, e], all) as unknown as Triplet, masks)
    },
    backward: (backend, cache, gy) => {
      const gx = join(backend, 2, pullAttend(backend, cache, gy))
      return masked ? withoutMaskCotangent(backend, gx) : gx
    },
  })

/**
 * Attention of one sequence to another, from one vector: the queries [t, e], the keys and values side by side [s, 2e], and the
 * mask of the keys [s] where there is one. [n, t e + 2 s e (+ s)] → [n, t, e].
 *
 * @internal
 */
export const crossHeads = ({
  heads,
  features: e,
  memory: s,
  masked = false,
}: Omit<HeadsOptions, 'causal'> & { readonly features: number; readonly memory: number }): LayerRule<
  EmptyTree,
  HeadsCache
> => {
  const ofMask = masked ? s : 0
  const queriesOf = (width: number): number => (width - 2 * s * e - ofMask) / e
  const name = `crossHeads(${heads})`
  return withoutParams<HeadsCache>({
    name,
    output: (input) => {
      const t = queriesOf(input[0] as number)
      if (input.length !== 1 || !(Number.isInteger(t) && t >= 0)) throw shapeError(`${name}: no such sample`, input)
      return [t, e]
    },
    forward: (backend, x) => {
      const [n, width] = x.shape as readonly [number, number]
      const t = queriesOf(width)
      const [ofQueries, ofMemory, mask] = parted(1, [t * e, 2 * s * e, ofMask], x) as unknown as Triplet
      const both = packedAs(backend, [n, s, 2 * e], ofMemory)
      const [k, v] = parted(2, [e, e], both) as unknown as readonly [Tensor, Tensor]
      const masks = masked ? [keyMask(reshape([n, s, 1])(packed(backend, mask)))] : []
      return attend(backend, heads, [packedAs(backend, [n, t, e], ofQueries), k, v], masks)
    },
    backward: (backend, cache, gy) => {
      const n = gy.shape[0] as number
      const [q, k, v] = pullAttend(backend, cache, gy)
      const t = q.shape[1] as number
      const both = join(backend, 2, [k, v])
      const flat = [reshape([n, t * e])(q), reshape([n, 2 * s * e])(both)] as const
      return join(backend, 1, masked ? [...flat, zeros([n, s], backend.dtype)] : flat)
    },
  })
}

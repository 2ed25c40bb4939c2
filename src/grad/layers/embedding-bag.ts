/**
 * Rows of a table, chosen by tokens and put together: one vector for each bag. n sample · t place in the bag · v token ·
 * e feature.
 */
import type { Key } from '../../sampling/key.js'
import type { Backend } from '../../tensor/backend/backend.js'
import { type Shape, shapeError } from '../../tensor/shape.js'
import { contiguous, storageOf, type Tensor, unsafeTensor, zeros } from '../../tensor/tensor.js'
import { reshape } from '../../tensor/view.js'
import { type LayerRule, layer } from '../layer.js'
import {
  type EmbeddingOptions,
  type EmbeddingParams,
  initialTable,
  rowsOfTable,
  type TokenCache,
  tableGradients,
} from './embedding.js'
import { tokensOf } from './token-segments.js'

export interface EmbeddingBagOptions extends EmbeddingOptions {
  /** How a bag becomes one row; default mean. */
  readonly mode?: 'sum' | 'mean' | 'max'
}

/** What each place of a bag counts for: [n, t] (sum, mean), or [n, t, e] (max). */
export interface BagCache extends TokenCache {
  readonly share: Tensor
}

/**
 * The sum, mean or maximum of the rows of a bag of tokens. Tokens that occur twice count twice; those of the padding do
 * not count, and a bag of nothing else gives zeros. The cotangent of the tokens is zeros.
 *
 *   sum, mean   yₙ = Σₜ cₙₜ W_{zₙₜ}     gW_v = (Σ_{t: zₜ = v} cₜ) gy     (c = 1, or 1 / the number of tokens)
 *   max         yₙₑ = maxₜ W_{zₙₜ,e}     gyₑ goes to the first token that holds the maximum of feature e
 *
 * Shapes     x [n, t] → y [n, e]; weight [v, e]
 * Cost       O(n t (log t + e)); nothing is as large as n · v unless `perSampleGrad` asks for it
 * Guarantee  norms are of the very float64 sums that a weighted sum adds
 * Errors     RangeError for a token outside of the table
 *
 * @example
 * embeddingBag({ vocabulary: 9, features: 4 }).init(key(0), [5]).output // => [4]
 */
export const embeddingBag = (options: EmbeddingBagOptions): LayerRule<EmbeddingParams, BagCache> => {
  const { vocabulary, features, paddingIndex, mode = 'mean' } = options
  const name = `embeddingBag(${vocabulary}×${features}, ${mode})`

  /** Which places count, and for how much: [n, t]. */
  const shares = (tokens: Int32Array, [n, t]: readonly [number, number]): Float64Array => {
    const out = new Float64Array(n * t)
    for (let from = 0; from < out.length; from += t) {
      let count = 0
      for (let i = from; i < from + t; i++) if (tokens[i] !== paddingIndex) count++
      for (let i = from; i < from + t; i++) out[i] = tokens[i] === paddingIndex ? 0 : mode === 'sum' ? 1 : 1 / count
    }
    return out
  }

  /** 1 where a place holds the maximum of a feature first: [n, t, e]. A NaN is a maximum. */
  const winners = (rows: Tensor, counts: Float64Array): Tensor => {
    const [n, t] = rows.shape as readonly [number, number]
    const dense = contiguous(rows)
    const data = storageOf(dense)
    const out = new Float64Array(n * t * features)
    for (let sample = 0; sample < n; sample++)
      for (let e = 0; e < features; e++) {
        let best = -1
        for (let i = sample * t; i < (sample + 1) * t; i++) {
          const value = data[dense.offset + i * features + e] as number
          const held = best < 0 ? Number.NEGATIVE_INFINITY : (data[dense.offset + best * features + e] as number)
          if (counts[i] !== 0 && (best < 0 || value > held || (Number.isNaN(value) && !Number.isNaN(held)))) best = i
        }
        if (best >= 0) out[best * features + e] = 1
      }
    return unsafeTensor(out, rows.shape)
  }

  const scaled = (backend: Backend, share: Tensor, rows: Tensor): Tensor =>
    backend.zip('mul', share.shape.length === 2 ? reshape([...share.shape, 1])(share) : share, rows)

  /** The cotangents of the chosen rows: [n, t, e]. */
  const rowCotangents = (backend: Backend, { share }: BagCache, gy: Tensor): Tensor =>
    scaled(backend, share, reshape([gy.shape[0] as number, 1, features])(gy))

  const gradients = (backend: Backend, cache: BagCache, gy: Tensor) =>
    tableGradients(backend, options, cache, rowCotangents(backend, cache, gy))

  return layer({
    name,
    init: (k: Key, input: Shape) => {
      if (input.length !== 1) throw shapeError(`${name} needs bags [t]`, input)
      if (paddingIndex !== undefined && !(paddingIndex >= 0 && paddingIndex < vocabulary))
        throw shapeError(`${name}: no row ${paddingIndex} for the padding`, input)
      return { params: { weight: initialTable(options)(k) }, output: [features] }
    },
    forward: (backend, { weight }, x) => {
      if (x.shape.length !== 2) throw shapeError(`${name} needs bags [n, t]`, x.shape)
      const shape = x.shape as readonly [number, number]
      const tokens = tokensOf(name, vocabulary, x)
      const rows = reshape([...shape, features])(rowsOfTable(backend, weight, tokens))
      const counts = shares(tokens, shape)
      const share = mode === 'max' ? winners(rows, counts) : unsafeTensor(counts, shape)
      return [backend.sum(scaled(backend, share, rows), [1]), { tokens, input: x.shape, share }]
    },
    backward: (backend, _params, { input }) => zeros(input, backend.dtype),
    perSampleGrad: (backend, _params, cache, gy) => ({ weight: gradients(backend, cache, gy).perSample() }),
    perSampleSquaredNorm: (backend, _params, cache, gy) => gradients(backend, cache, gy).squaredNorm(),
    weightedGrad: (backend, _params, cache, gy, weight) => ({ weight: gradients(backend, cache, gy).weighted(weight) }),
  })
}

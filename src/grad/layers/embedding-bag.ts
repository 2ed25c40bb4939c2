/**
 * Rows of a table, chosen by tokens and put together: one vector for each bag. n sample · t place in the bag · v token ·
 * e feature.
 */
import type { Key } from '../../sampling/key.js'
import type { Backend } from '../../tensor/backend/backend.js'
import { type Shape, shapeError } from '../../tensor/shape.js'
import { contiguous, storageOf, type Tensor, toArray, unsafeTensor, zeros } from '../../tensor/tensor.js'
import { reshape } from '../../tensor/view.js'
import { type LayerRule, layer } from '../layer.js'
import { join, pick } from '../pack.js'
import {
  type EmbeddingOptions,
  type EmbeddingParams,
  initialTable,
  rowsOfTable,
  type TokenCache,
  tableGradients,
} from './embedding.js'
import { tokensOf } from './token-segments.js'

/** The settings of `embeddingBag`. */
export interface EmbeddingBagOptions extends EmbeddingOptions {
  /** How a bag becomes one row; default mean, or sum with weights. */
  readonly mode?: 'sum' | 'mean' | 'max'
  /** Does each token come with a weight, by which its row is multiplied? For `sum` only. Default false. */
  readonly perSampleWeights?: boolean
}

/** What each place of a bag counts for: [n, t] (sum, mean), or [n, t, e] (max). */
export interface BagCache extends TokenCache {
  readonly share: Tensor
}

/**
 * The sum, mean or maximum of the rows of a bag of tokens. Tokens that occur twice count twice; those of the padding do
 * not count, and a bag of nothing else gives zeros. The cotangent of the tokens is zeros; that of a weight is ⟨W_z, gy⟩.
 *
 *   sum, mean   yₙ = Σₜ cₙₜ W_{zₙₜ}     gW_v = (Σ_{t: zₜ = v} cₜ) gy     (c = 1, the weight, or 1 / the number of tokens)
 *   max         yₙₑ = maxₜ W_{zₙₜ,e}     gyₑ goes to the first token that holds the maximum of feature e
 *
 * Shapes     x [n, t], or [n, 2, t] with weights (the tokens, then their weights) → y [n, e]; weight [v, e]
 * Cost       O(n t (log t + e)); nothing is as large as n · v unless `perSampleGrad` asks for it
 * Guarantee  norms are of the very float64 sums that a weighted sum adds; a token outside of the table is as in `embedding`
 * Errors     RangeError for weights in another mode than sum
 *
 * @example
 * embeddingBag({ vocabulary: 9, features: 4 }).init(key(0), [5]).output // => [4]
 */
export const embeddingBag = (options: EmbeddingBagOptions): LayerRule<EmbeddingParams, BagCache> => {
  const { vocabulary, features, paddingIndex, perSampleWeights = false } = options
  const { mode = perSampleWeights ? 'sum' : 'mean' } = options
  const name = `embeddingBag(${vocabulary}×${features}, ${perSampleWeights ? 'weighted ' : ''}${mode})`
  if (perSampleWeights && mode !== 'sum')
    throw new RangeError(`${name}: the mode is ${mode}; tokens with weights are summed`)

  /** Tokens and their weights, where they have some: [n, t] each. */
  const read = (x: Tensor): { readonly tokens: Tensor; readonly weights?: Float64Array } => {
    if (x.shape.length !== (perSampleWeights ? 3 : 2) || (perSampleWeights && x.shape[1] !== 2))
      throw shapeError(`${name} needs bags ${perSampleWeights ? '[n, 2, t]' : '[n, t]'}`, x.shape)
    return perSampleWeights
      ? { tokens: pick(1, 0, x), weights: Float64Array.from(toArray(pick(1, 1, x))) }
      : { tokens: x }
  }

  /** Which places count, and for how much: [n, t]. */
  const shares = (tokens: Int32Array, [n, t]: readonly [number, number], weights?: Float64Array): Float64Array => {
    const out = new Float64Array(n * t)
    for (let from = 0; from < out.length; from += t) {
      let count = 0
      for (let i = from; i < from + t; i++) if (tokens[i] !== paddingIndex) count++
      for (let i = from; i < from + t; i++)
        out[i] = tokens[i] === paddingIndex ? 0 : (weights?.[i] ?? (mode === 'sum' ? 1 : 1 / count))
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
      if (input.length !== (perSampleWeights ? 2 : 1) || (perSampleWeights && input[0] !== 2))
        throw shapeError(`${name} needs bags ${perSampleWeights ? '[2, t]' : '[t]'}`, input)
      if (paddingIndex !== undefined && !(paddingIndex >= 0 && paddingIndex < vocabulary))
        throw shapeError(`${name}: no row ${paddingIndex} for the padding`, input)
      return { params: { weight: initialTable(options)(k) }, output: [features] }
    },
    forward: (backend, { weight }, x) => {
      const bag = read(x)
      const shape = bag.tokens.shape as readonly [number, number]
      const tokens = tokensOf(vocabulary, bag.tokens)
      const rows = reshape([...shape, features])(rowsOfTable(backend, weight, tokens))
      const counts = shares(tokens, shape, bag.weights)
      const share = mode === 'max' ? winners(rows, counts) : unsafeTensor(counts, shape)
      return [backend.sum(scaled(backend, share, rows), [1]), { tokens, input: shape, share }]
    },
    backward: (backend, { weight }, { tokens, input }, gy) => {
      if (!perSampleWeights) return zeros(input, backend.dtype)
      const [n, t] = input as readonly [number, number]
      const rows = reshape([n, t, features])(rowsOfTable(backend, weight, tokens))
      const ofWeights = backend.sum(backend.zip('mul', rows, reshape([n, 1, features])(gy)), [2])
      const counts = unsafeTensor(
        Float64Array.from(tokens, (token) => Number(token !== paddingIndex)),
        [n, t],
      )
      return reshape([n, 2, t])(join(backend, 1, [zeros([n, t], backend.dtype), backend.zip('mul', ofWeights, counts)]))
    },
    perSampleGrad: (backend, _params, cache, gy) => ({ weight: gradients(backend, cache, gy).perSample() }),
    perSampleSquaredNorm: (backend, _params, cache, gy) => gradients(backend, cache, gy).squaredNorm(),
    weightedGrad: (backend, _params, cache, gy, weight) => ({ weight: gradients(backend, cache, gy).weighted(weight) }),
  })
}

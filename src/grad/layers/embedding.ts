/**
 * Rows of a table, chosen by tokens. n sample · t position (all axes after the first) · v token · e feature.
 *
 *   yₙₜ = W_{zₙₜ}
 */
import { foldIn, type Key } from '../../sampling/key.js'
import { normal } from '../../sampling/normal.js'
import type { Backend } from '../../tensor/backend/backend.js'
import { type Shape, shapeError, sizeOf } from '../../tensor/shape.js'
import { allocate, cast, type Tensor, tensor, toArray, unsafeTensor, zeros } from '../../tensor/tensor.js'
import { reshape, take } from '../../tensor/view.js'
import { type LayerRule, layer } from '../layer.js'
import { eachSegmentSum, STRAY, tokensOf } from './token-segments.js'

/** weight [v, e]. */
export type EmbeddingParams = { readonly weight: Tensor }

/** The settings of `embedding`. */
export interface EmbeddingOptions {
  /** v: tokens are 0 … vocabulary − 1. */
  readonly vocabulary: number
  /** e. */
  readonly features: number
  /** A token whose row starts as zeros and has no gradient. */
  readonly paddingIndex?: number
}

/** The tokens in row-major order, and the shape that they had. */
export interface TokenCache {
  readonly tokens: Int32Array
  readonly input: Shape
}

/** Positions of one sample. */
const positionsOf = ({ input }: TokenCache): number => sizeOf(input.slice(1))

/** Chosen rows of a table, in the backend's dtype; NaN for a token outside of it. @internal */
export const rowsOfTable = (backend: Backend, weight: Tensor, tokens: Int32Array): Tensor => {
  if (!tokens.includes(STRAY)) return cast(backend.dtype)(take(tokens)(weight))
  const rows = cast(backend.dtype)(take(tokens.map((token) => (token === STRAY ? 0 : token)))(weight))
  const features = rows.shape[1] as number
  const numbers = toArray(rows)
  tokens.forEach((token, t) => {
    if (token === STRAY) numbers.fill(Number.NaN, t * features, (t + 1) * features)
  })
  return tensor(numbers, rows.shape, backend.dtype)
}

/** A table of standard normal rows, as PyTorch starts from; the row of the padding is 0. @internal */
export const initialTable =
  ({ vocabulary, features, paddingIndex }: EmbeddingOptions) =>
  (k: Key): Tensor => {
    const table = toArray(normal([vocabulary, features])(foldIn(0)(k)))
    if (paddingIndex !== undefined) table.fill(0, paddingIndex * features, (paddingIndex + 1) * features)
    return unsafeTensor(Float32Array.from(table), [vocabulary, features])
  }

/** Per-sample gradients, norms and weighted sums of a table whose chosen rows have cotangents [n, …, e]. @internal */
export const tableGradients = (
  backend: Backend,
  { vocabulary, features, paddingIndex }: EmbeddingOptions,
  cache: TokenCache,
  rows: Tensor,
): {
  readonly perSample: () => Tensor
  readonly squaredNorm: () => Tensor
  readonly weighted: (weight: Tensor) => Tensor
} => {
  const samples = cache.input[0] as number
  const segments = { tokens: cache.tokens, positions: positionsOf(cache), skip: paddingIndex }
  return {
    perSample: () => {
      const out = allocate(backend.dtype, samples * vocabulary * features)
      eachSegmentSum(segments, rows, (n, token, sum) => out.set(sum, (n * vocabulary + token) * features))
      return unsafeTensor(out, [samples, vocabulary, features])
    },
    squaredNorm: () => {
      const out = new Float64Array(samples)
      eachSegmentSum(segments, rows, (n, _token, sum) => {
        for (let e = 0; e < features; e++) out[n] = (out[n] as number) + (sum[e] as number) ** 2
      })
      return unsafeTensor(out, [samples])
    },
    weighted: (weight) => {
      const by = toArray(weight)
      const out = new Float64Array(vocabulary * features)
      eachSegmentSum(segments, rows, (n, token, sum) => {
        const [at, w] = [token * features, by[n] as number]
        for (let e = 0; e < features; e++) out[at + e] = (out[at + e] as number) + w * (sum[e] as number)
      })
      return cast(backend.dtype)(unsafeTensor(out, [vocabulary, features]))
    },
  }
}

/**
 * A row of the table for each token. The input is tokens (int32, or whole numbers of any dtype); its cotangent is zeros.
 *
 *   gW_v = Σ_{t: zₜ = v} gyₜ     ‖g‖² = Σ_v ‖Σ_{t: zₜ = v} gyₜ‖²     (both without v = paddingIndex)
 *
 * Shapes     x [n, …] → y [n, …, e]; weight [v, e]
 * Cost       norms and weighted sums sort the tokens of each sample and add up segments: O(n t (log t + e)) time; nothing
 *            is as large as n · v unless `perSampleGrad` asks for it
 * Guarantee  norms are of the very float64 sums that a weighted sum adds; a token outside of the table has a row of NaN, and so has
 *            the gradient of its sample: an error would tell that its record was drawn
 * Reference  Li et al. 2022, arXiv:2110.05679, section 4 (norms of embeddings, by a t × t mask instead)
 *
 * @example
 * embedding({ vocabulary: 7, features: 3 }).init(key(0), [5]).output // => [5, 3]
 */
export const embedding = (options: EmbeddingOptions): LayerRule<EmbeddingParams, TokenCache> => {
  const { vocabulary, features, paddingIndex } = options
  const name = `embedding(${vocabulary}×${features})`
  const gradients = (backend: Backend, cache: TokenCache, gy: Tensor) => tableGradients(backend, options, cache, gy)
  return layer({
    name,
    init: (k: Key, input: Shape) => {
      if (paddingIndex !== undefined && !(paddingIndex >= 0 && paddingIndex < vocabulary))
        throw shapeError(`${name}: no row ${paddingIndex} for the padding`, input)
      return { params: { weight: initialTable(options)(k) }, output: [...input, features] }
    },
    forward: (backend, { weight }, x) => {
      const tokens = tokensOf(vocabulary, x)
      return [reshape([...x.shape, features])(rowsOfTable(backend, weight, tokens)), { tokens, input: x.shape }]
    },
    backward: (backend, _params, { input }) => zeros(input, backend.dtype),
    perSampleGrad: (backend, _params, cache, gy) => ({ weight: gradients(backend, cache, gy).perSample() }),
    perSampleSquaredNorm: (backend, _params, cache, gy) => gradients(backend, cache, gy).squaredNorm(),
    weightedGrad: (backend, _params, cache, gy, weight) => ({ weight: gradients(backend, cache, gy).weighted(weight) }),
  })
}

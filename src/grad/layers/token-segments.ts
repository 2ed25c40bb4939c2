/**
 * Rows gathered by tokens, and their adjoint: rows added up where a sample's tokens are equal. Sorted within each sample,
 * so that nothing is as large as samples × vocabulary. n sample · t position · v token · e feature.
 */
import { cast, contiguous, size, storageOf, type Tensor } from '../../tensor/tensor.js'

/**
 * Stands for a token outside of the table. Its row is NaN, and so is the gradient of its sample, which then adds exactly zero to a
 * clipped sum and is counted; to throw would tell that its record is in the batch, which is private.
 *
 * @internal
 */
export const STRAY = -1

/** Tokens [n, …] as integers in row-major order; `STRAY` for what is none of 0 … vocabulary − 1. @internal */
export const tokensOf = (vocabulary: number, x: Tensor): Int32Array => {
  const exact = cast('float64')(x)
  const source = storageOf(exact).subarray(exact.offset, exact.offset + size(exact))
  const tokens = new Int32Array(source.length)
  for (let i = 0; i < tokens.length; i++) {
    const token = source[i] as number
    tokens[i] = Number.isInteger(token) && token >= 0 && token < vocabulary ? token : STRAY
  }
  return tokens
}

/** Positions of one sample in the order of their tokens; equal tokens keep their order. */
const sortedPositions = (tokens: Int32Array): Int32Array =>
  Int32Array.from(tokens, (_, t) => t).sort((a, b) => (tokens[a] as number) - (tokens[b] as number) || a - b)

/**
 * Visits Σ_{t: zₙₜ = v} bₙₜ for each sample and each of its tokens but `skip`, in float64; NaN for all of a sample with a token
 * outside of the table. `sum` is reused.
 *
 * Cost  O(n t (log t + e)) time, O(t + e) memory
 *
 * @internal
 */
export const eachSegmentSum = (
  {
    tokens,
    positions,
    skip,
  }: { readonly tokens: Int32Array; readonly positions: number; readonly skip?: number | undefined },
  rows: Tensor,
  visit: (sample: number, token: number, sum: Float64Array) => void,
): void => {
  const features = rows.shape.at(-1) as number
  const exact = contiguous(rows)
  const data = storageOf(exact)
  const sum = new Float64Array(features)
  const samples = positions === 0 ? 0 : tokens.length / positions
  for (let n = 0; n < samples; n++) {
    const own = tokens.subarray(n * positions, (n + 1) * positions)
    const isStray = own.includes(STRAY)
    const order = sortedPositions(own)
    for (let i = 0; i < positions; ) {
      const token = own[order[i] as number] as number
      sum.fill(0)
      for (; i < positions && own[order[i] as number] === token; i++) {
        const from = exact.offset + (n * positions + (order[i] as number)) * features
        for (let e = 0; e < features; e++) sum[e] = (sum[e] as number) + (data[from + e] as number)
      }
      if (isStray) sum.fill(Number.NaN)
      if (token !== skip) visit(n, token === STRAY ? 0 : token, sum)
    }
  }
}

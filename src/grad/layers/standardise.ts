/**
 * Zero mean and unit variance along the last axis, and the way back. r row (all axes but the last) · m entry.
 *
 *   x̂ = (x − μᵣ) / √(σ²ᵣ + ε)
 */
import type { Backend } from '../../tensor/backend/backend.js'
import { scalar, type Tensor } from '../../tensor/tensor.js'
import { reshape } from '../../tensor/view.js'

/** x̂ [r, m] and 1/√(σ² + ε) [r, 1]. */
export interface Standardised {
  readonly normalised: Tensor
  readonly inverseDeviation: Tensor
}

/** Mean over the last axis of […, m], kept as an axis of extent 1. @internal */
export const rowMean = (backend: Backend, x: Tensor): Tensor => {
  const [axis, m] = [x.shape.length - 1, x.shape.at(-1) as number]
  return backend.zip('mul', reshape(x.shape.with(axis, 1))(backend.sum(x, [axis])), scalar(1 / m, 'float64'))
}

/** x̂ of rows [r, m]. @internal */
export const standardise = (backend: Backend, epsilon: number, x: Tensor): Standardised => {
  const centred = backend.zip('sub', x, rowMean(backend, x))
  const variance = rowMean(backend, backend.map('square', centred))
  const deviation = backend.map('sqrt', backend.zip('add', variance, scalar(epsilon, 'float64')))
  const inverseDeviation = backend.map('reciprocal', deviation)
  return { normalised: backend.zip('mul', centred, inverseDeviation), inverseDeviation }
}

/**
 * gx = (ĝ − mean ĝ − x̂ mean(ĝ x̂)) / σ: the part of ĝ [r, m] or [n, r, m] that neither a shift nor a scaling of the row explains.
 *
 * @internal
 */
export const pullStandardised = (
  backend: Backend,
  { normalised, inverseDeviation }: Standardised,
  cotangent: Tensor,
): Tensor => {
  const alongScale = backend.zip('mul', normalised, rowMean(backend, backend.zip('mul', cotangent, normalised)))
  const rest = backend.zip('sub', backend.zip('sub', cotangent, rowMean(backend, cotangent)), alongScale)
  return backend.zip('mul', rest, inverseDeviation)
}

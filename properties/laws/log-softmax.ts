/**
 * Losses of log-probabilities as losses of logits.
 */
import type { Loss } from '../../src/grad/index.js'
import { type Tensor, tensor, toArray } from '../../src/tensor/tensor.js'

/** Rows of [n, k]. */
const rowsOf = (x: Tensor): readonly (readonly number[])[] => {
  const [n, k] = x.shape as readonly [number, number]
  const all = toArray(x)
  return Array.from({ length: n }, (_, i) => all.slice(i * k, (i + 1) * k))
}

/** ℓ(log softmax z); ∂ℓ/∂z = g − softmax(z) Σ g. */
export const logSoftmaxOf =
  (loss: Loss): Loss =>
  (prediction, target) => {
    const logs = rowsOf(prediction).map((row) => {
      const largest = Math.max(...row)
      const total = largest + Math.log(row.reduce((sum, v) => sum + Math.exp(v - largest), 0))
      return row.map((v) => v - total)
    })
    const { value, cotangent } = loss(tensor(logs.flat(), prediction.shape, 'float64'), target)
    const pulled = rowsOf(cotangent).map((g, n) => {
      const sum = g.reduce((a, b) => a + b, 0)
      return g.map((v, k) => v - Math.exp((logs[n] as readonly number[])[k] as number) * sum)
    })
    return { value, cotangent: tensor(pulled.flat(), prediction.shape, 'float64') }
  }

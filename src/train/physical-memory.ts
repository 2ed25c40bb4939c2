/**
 * How many samples fit into a number of bytes: the results of the operations of one gradient, counted.
 */
import { type Batch, takeBatch } from '../grad/batch.js'
import type { LayerRule } from '../grad/layer.js'
import type { Loss } from '../grad/losses/loss.js'
import { type GradientOptions, withPerSampleGradients } from '../grad/per-sample.js'
import type { Backend } from '../tensor/backend/backend.js'
import { defaultBackend } from '../tensor/backend/default.js'
import { full, isTensor, size, storageOf } from '../tensor/tensor.js'
import type { Tree } from '../tensor/tree.js'

const bytesOf = (value: unknown): number =>
  isTensor(value)
    ? size(value) * storageOf(value).BYTES_PER_ELEMENT
    : typeof value === 'object' && value !== null
      ? Object.values(value).reduce((sum: number, part) => sum + bytesOf(part), 0)
      : 0

/** A backend that adds up the bytes of its results. */
const counting = (backend: Backend): { readonly backend: Backend; readonly bytes: () => number } => {
  let bytes = 0
  const counted = Object.fromEntries(
    Object.entries(backend).map(([name, member]) => [
      name,
      typeof member !== 'function' || name === 'scope'
        ? member
        : (...inputs: readonly unknown[]) => {
            const result = (member as (...inputs: readonly unknown[]) => unknown)(...inputs)
            bytes += bytesOf(result)
            return result
          },
    ]),
  ) as unknown as Backend
  return { backend: counted, bytes: () => bytes }
}

/** Bytes that a gradient takes whatever the batch, and those that each sample adds. */
export interface GradientMemory {
  readonly fixed: number
  readonly perSample: number
}

/**
 * The memory of the clipped gradient of a batch: bytes of all results of its operations, which an arena holds until the end. The
 * batch gives the shapes: one sample is enough.
 *
 *   bytes(n) = fixed + n · perSample,   from n = 1 and n = 2
 */
export const gradientMemory =
  <P extends Tree, C>(
    loss: Loss,
    model: LayerRule<P, C>,
    { backend = defaultBackend(), ...options }: GradientOptions = {},
  ) =>
  (params: P, batch: Batch): GradientMemory => {
    const bytes = (indices: readonly number[]): number => {
      const counter = counting(backend)
      withPerSampleGradients(loss, model, { ...options, backend: counter.backend })(
        params,
        takeBatch(indices)(batch),
        (gradients) => {
          gradients.squaredNorm()
          gradients.weightedSum(full(1, [indices.length], 'float64'))
          return undefined
        },
      )
      return counter.bytes()
    }
    const [one, two] = [bytes([0]), bytes([0, 0])]
    return { fixed: Math.max(0, 2 * one - two), perSample: Math.max(1, two - one) }
  }

/**
 * The largest batch whose gradient fits into so many bytes, and at least 1: a single sample cannot be split.
 *
 * @example
 * samplesWithin(1000)({ fixed: 100, perSample: 200 }) // => 4
 */
export const samplesWithin =
  (bytes: number) =>
  ({ fixed, perSample }: GradientMemory): number =>
    Math.max(1, Math.floor((bytes - fixed) / perSample))

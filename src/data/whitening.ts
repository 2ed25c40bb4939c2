/**
 * Whitening: the affine map after which channels are uncorrelated and of one scale, learnt from data that are public or
 * made up.
 *
 * Legend: n sample · k channel · p position.
 */
import type { Backend } from '../tensor/backend/backend.js'
import { shapeError, sizeOf } from '../tensor/shape.js'
import { mapSpectrum } from '../tensor/symmetric-eigen.js'
import { cast, storageOf, type Tensor, unsafeTensor } from '../tensor/tensor.js'
import { reshape } from '../tensor/view.js'

/** z ↦ W (z − μ). */
export interface Whitening {
  /** μ, float64 [k] */
  readonly mean: Tensor
  /** W, float64 [k, k], symmetric */
  readonly matrix: Tensor
}

/** Mean and covariance of channels over all samples and positions of [n, k, …]. */
export interface ChannelMoments {
  readonly mean: Tensor
  readonly covariance: Tensor
}

/**
 * Mean and covariance of the channels of [n, k, …positions], over samples and positions alike.
 *
 * Cost  k² n p / 2 multiply-adds in float64, in two passes: deviations are taken from the mean
 *
 * @throws ShapeError for a tensor without samples or positions
 */
export const channelMoments = (x: Tensor): ChannelMoments => {
  const [samples = 0, channels = 0, ...rest] = x.shape
  const positions = sizeOf(rest)
  const count = samples * positions
  if (x.shape.length < 2 || count * channels === 0) throw shapeError('channelMoments: no numbers [n, k, …]', x.shape)
  const { data, offset } = cast('float64')(x)
  const sums = new Float64Array(channels)
  for (let n = 0, at = offset; n < samples; n++)
    for (let k = 0; k < channels; k++)
      for (let p = 0; p < positions; p++, at++) sums[k] = (sums[k] as number) + (data[at] as number)
  const mean = sums.map((sum) => sum / count)
  const products = new Float64Array(channels * channels)
  const one = new Float64Array(channels * positions)
  for (let n = 0; n < samples; n++) {
    for (let k = 0, at = 0; k < channels; k++)
      for (let p = 0; p < positions; p++, at++)
        one[at] = (data[offset + n * one.length + at] as number) - (mean[k] as number)
    addProducts(products, one, channels, positions)
  }
  for (let i = 0; i < channels; i++)
    for (let j = 0; j <= i; j++) {
      const value = (products[i * channels + j] as number) / count
      products[i * channels + j] = value
      products[j * channels + i] = value
    }
  return { mean: unsafeTensor(mean, [channels]), covariance: unsafeTensor(products, [channels, channels]) }
}

/** The lower triangle of Σₚ zₚ zₚᵀ, for z [k, p], added to what is there. */
const addProducts = (products: Float64Array, z: Float64Array, channels: number, positions: number): void => {
  for (let i = 0; i < channels; i++)
    for (let j = 0; j <= i; j++) {
      let sum = 0
      for (let p = 0; p < positions; p++) sum += (z[i * positions + p] as number) * (z[j * positions + p] as number)
      products[i * channels + j] = (products[i * channels + j] as number) + sum
    }
}

/**
 * The whitening of some moments, with a ridge that keeps what hardly varies from being blown up.
 *
 *   W = (Σ + λ tr(Σ)/k · I)^(−½)
 *
 * @throws RangeError unless the ridge is positive and the covariance is not zero
 */
export const whiteningOf =
  (ridge: number) =>
  ({ mean, covariance }: ChannelMoments): Whitening => {
    const channels = mean.shape[0] as number
    const numbers = Float64Array.from(storageOf(cast('float64')(covariance)))
    const trace = numbers.reduce((sum, value, at) => (at % (channels + 1) === 0 ? sum + value : sum), 0)
    if (!(ridge > 0 && Number.isFinite(ridge)))
      throw new RangeError(`ridge is ${ridge}: it must be a finite number above 0`)
    if (!(trace > 0)) throw new RangeError(`the channels have a total variance of ${trace}: it must be above 0`)
    for (let k = 0; k < channels; k++)
      numbers[k * (channels + 1)] = (numbers[k * (channels + 1)] as number) + (ridge * trace) / channels
    return { mean, matrix: mapSpectrum((value) => 1 / Math.sqrt(value))(unsafeTensor(numbers, covariance.shape)) }
  }

/** W (z − μ) at every position of z [n, k, …]. */
export const whiten =
  (backend: Backend, { mean, matrix }: Whitening) =>
  (z: Tensor): Tensor => {
    const [samples, channels, ...rest] = z.shape as readonly [number, number, ...number[]]
    const centred = backend.zip('sub', reshape([samples, channels, sizeOf(rest)])(z), reshape([channels, 1])(mean))
    return reshape(z.shape)(backend.matmul(matrix, centred))
  }

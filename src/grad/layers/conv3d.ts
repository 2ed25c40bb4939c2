/**
 * Three-dimensional convolution, as a two-dimensional one (see `volume.ts`). n sample · c input channel · o output channel ·
 * d, h, w voxel · u, v, s place in the kernel.
 */
import { foldIn, type Key } from '../../sampling/key.js'
import type { Backend } from '../../tensor/backend/backend.js'
import { type Shape, shapeError, sizeOf } from '../../tensor/shape.js'
import type { Tensor } from '../../tensor/tensor.js'
import { reshape } from '../../tensor/view.js'
import { type LayerRule, layer, type Pullback } from '../layer.js'
import { type Conv2dParams, conv2d } from './conv2d.js'
import { type ConvolutionPadding, convolutionWith } from './convolution-padding.js'
import { fanInUniform } from './initialise.js'
import type { PaddingMode } from './pad.js'
import { type Conv3dCache, type Triple, triple, volumeOf } from './volume.js'

/** weight [o, c/groups, kd, kh, kw]; bias [o] unless left out. */
export type Conv3dParams = { readonly weight: Tensor; readonly bias?: Tensor }

/** The settings of `conv3d`. */
export interface Conv3dOptions {
  readonly kernel: number | Triple
  /** Default 1. */
  readonly stride?: number | Triple
  /** Around the input, default 0. */
  readonly padding?: ConvolutionPadding<Triple>
  /** What the padding is made of; default zeros. */
  readonly paddingMode?: PaddingMode
  /** Default 1. */
  readonly dilation?: number | Triple
  /** Default 1; must divide both channel counts. */
  readonly groups?: number
  /** Default true. */
  readonly bias?: boolean
}

/**
 * Convolution of volumes.
 *
 *   yₙₒ = Σ_{c,u,v,s} W_{o,c,u,v,s} x_{n,c,(od,oh,ow)·stride + (u,v,s)·dilation − padding} + bₒ      within each group
 *
 * Shapes     x [n, c, d, h, w] → y [n, o, od, oh, ow]; weight [o, c/groups, kd, kh, kw]; bias [o]
 * Cost       as conv2d on an image of od·(h + 2·padding) rows and c·kd channels, which is kept
 * Guarantee  no norm is shorter, by rounding, than the sample's share of a weighted sum
 * Reference  Bu et al. 2022, arXiv:2205.10683 (norms of convolutions)
 *
 * @example
 * conv3d(2, { kernel: 2, padding: 1 }).init(key(0), [2, 3, 4, 3]).output // => [2, 4, 5, 4]
 */
export const conv3d = (outputChannels: number, options: Conv3dOptions): LayerRule<Conv3dParams, Conv3dCache> => {
  const window = {
    kernel: triple(options.kernel),
    stride: triple(options.stride ?? 1),
    dilation: triple(options.dilation ?? 1),
  }
  return convolutionWith((padding) =>
    zeroPadded3d(outputChannels, { ...options, padding: padding as unknown as Triple }),
  )(`conv3d(${outputChannels})`, window, { padding: options.padding, mode: options.paddingMode })
}

/** A convolution of volumes with zeros on both sides alike. @internal */
export const zeroPadded3d = (
  outputChannels: number,
  options: Conv3dOptions & { readonly padding: Triple },
): LayerRule<Conv3dParams, Conv3dCache> => {
  const { bias = true, groups = 1, padding } = options
  const kernel = triple(options.kernel)
  const [stride, dilation] = [triple(options.stride ?? 1), triple(options.dilation ?? 1)]
  const [kd, kh, kw] = kernel
  const name = `conv3d(${outputChannels}, ${kernel.join('×')})`
  const plane = conv2d(outputChannels, {
    kernel: [kh, kw],
    stride: [stride[1], stride[2]],
    dilation: [dilation[1], dilation[2]],
    groups,
    bias,
  })
  const volume = volumeOf({ name, kernel, stride, padding, dilation, groups })
  const flat = ({ weight, ...rest }: Conv3dParams): Conv2dParams => {
    const [o, c] = weight.shape as readonly [number, number]
    return { weight: reshape([o, c * kd, kh, kw])(weight), ...rest }
  }
  const unflat = ({ weight, ...rest }: Conv2dParams): Conv3dParams => {
    const [c, ...end] = weight.shape.slice(-3) as [number, number, number]
    return { weight: reshape([...weight.shape.slice(0, -3), c / kd, kd, ...end])(weight), ...rest }
  }
  /** Does `read` with the cotangent that the tall image has. */
  const inPlane = <A>(backend: Backend, { input }: Conv3dCache, gy: Tensor, read: (gy: Tensor) => A): A =>
    read(volume.tallCotangent(backend, input, gy))

  return layer<Conv3dParams, Conv3dCache>({
    name,
    init: (k: Key, input: Shape) => {
      const output = volume.output(input)
      if (outputChannels % groups !== 0)
        throw shapeError(`${name} (groups ${groups}): the groups do not divide the output channels`, input)
      const weight = [outputChannels, (input[0] as number) / groups, ...kernel]
      const fanIn = sizeOf(weight.slice(1))
      return {
        params: {
          weight: fanInUniform({ shape: weight, fanIn })(foldIn(0)(k)),
          ...(bias ? { bias: fanInUniform({ shape: [outputChannels], fanIn })(foldIn(1)(k)) } : {}),
        },
        output: [outputChannels, ...output],
      }
    },
    forward: (backend, params, x) => {
      const cache = volume.cacheOf(backend, x)
      const [y] = plane.forward(backend, flat(params), cache.tall)
      return [volume.fromTall(backend, cache.input, y), cache]
    },
    backward: (backend, params, cache, gy) =>
      inPlane(backend, cache, gy, (cotangent) =>
        volume.untall(backend, cache.input, plane.backward(backend, flat(params), cache.tall, cotangent)),
      ),
    perSampleGrad: (backend, params, cache, gy) =>
      inPlane(backend, cache, gy, (cotangent) =>
        unflat(plane.perSampleGrad(backend, flat(params), cache.tall, cotangent)),
      ),
    perSampleSquaredNorm: (backend, params, cache, gy) =>
      inPlane(backend, cache, gy, (cotangent) =>
        plane.perSampleSquaredNorm(backend, flat(params), cache.tall, cotangent),
      ),
    weightedGrad: (backend, params, cache, gy, weight) =>
      inPlane(backend, cache, gy, (cotangent) =>
        unflat(plane.weightedGrad(backend, flat(params), cache.tall, cotangent, weight)),
      ),
    pullback: (backend, params, cache, gy): Pullback<Conv3dParams> =>
      inPlane(backend, cache, gy, (cotangent) => {
        const pulled = plane.pullback(backend, flat(params), cache.tall, cotangent)
        return {
          inputGrad: () => volume.untall(backend, cache.input, pulled.inputGrad()),
          perSampleGrad: () => unflat(pulled.perSampleGrad()),
          squaredNorm: pulled.squaredNorm,
          weightedGrad: (weight) => unflat(pulled.weightedGrad(weight)),
        }
      }),
  })
}

/**
 * Three-dimensional convolution, as a two-dimensional one. n sample · c input channel · o output channel · d, h, w voxel ·
 * u, v, s place in the kernel.
 *
 * Each slice of the output sees kd slices of the input: they become channels. The slices of the output stand one below
 * the other in one tall image, with rows between them so that every block starts at a multiple of the stride:
 *
 *   tall_{n,(c,u),(od,row),w} = padded x_{n,c,od·stride + u·dilation,row,w}
 *   conv3d(x) = the first oh rows of each block of conv2d(tall)
 *
 * A sample stays one image, so the norms and contractions of conv2d are those of conv3d. Windows that straddle two blocks
 * have cotangent 0.
 */
import { foldIn, type Key } from '../../sampling/key.js'
import type { Backend } from '../../tensor/backend/backend.js'
import { type Shape, shapeError, sizeOf } from '../../tensor/shape.js'
import type { Tensor } from '../../tensor/tensor.js'
import { reshape, slice } from '../../tensor/view.js'
import { type LayerRule, layer, type Pullback } from '../layer.js'
import { packed, packedAs } from '../pack.js'
import { type Conv2dParams, conv2d } from './conv2d.js'
import { fanInUniform } from './initialise.js'

/** Depth, height, width. */
export type Triple = readonly [depth: number, height: number, width: number]

/** weight [o, c/groups, kd, kh, kw]; bias [o] unless left out. */
export type Conv3dParams = { readonly weight: Tensor; readonly bias?: Tensor }

export interface Conv3dOptions {
  readonly kernel: number | Triple
  /** Default 1. */
  readonly stride?: number | Triple
  /** Zeros around the input, default 0. */
  readonly padding?: number | Triple
  /** Default 1. */
  readonly dilation?: number | Triple
  /** Default 1; must divide both channel counts. */
  readonly groups?: number
  /** Default true. */
  readonly bias?: boolean
}

/** The tall image, and the shape of x. */
export interface Conv3dCache {
  readonly tall: Tensor
  readonly input: Shape
}

const triple = (value: number | Triple): Triple => (typeof value === 'number' ? [value, value, value] : value)

/** Where everything lies for inputs of one shape. */
interface Geometry {
  readonly channels: number
  readonly extent: Triple
  readonly output: Triple
  /** Slices of the padded input. */
  readonly depth: number
  /** Rows of a block of the tall image, and of one of its output. */
  readonly rows: number
  readonly outputRows: number
  /** Rows after the last block, which the last straddling window needs. */
  readonly below: number
  readonly width: number
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
  const { bias = true, groups = 1 } = options
  const kernel = triple(options.kernel)
  const [stride, padding, dilation] = [options.stride ?? 1, options.padding ?? 0, options.dilation ?? 1].map(
    triple,
  ) as unknown as readonly [Triple, Triple, Triple]
  const [kd, kh, kw] = kernel
  const name = `conv3d(${outputChannels}, ${kernel.join('×')})`
  const plane = conv2d(outputChannels, {
    kernel: [kh, kw],
    stride: [stride[1], stride[2]],
    dilation: [dilation[1], dilation[2]],
    groups,
    bias,
  })

  const geometry = (input: Shape): Geometry => {
    const [channels, ...extent] = input as readonly [number, ...Triple]
    const isTriple = (value: Triple, least: number): boolean =>
      value.length === 3 && value.every((v) => Number.isSafeInteger(v) && v >= least)
    if (![kernel, stride, dilation].every((value) => isTriple(value, 1)) || !isTriple(padding, 0))
      throw shapeError(`${name}: kernel, stride and dilation are at least 1`, kernel, stride, dilation, padding)
    if (input.length !== 4 || channels % groups !== 0 || outputChannels % groups !== 0)
      throw shapeError(`${name} (groups ${groups}): needs [c, d, h, w] with channels that the groups divide`, input)
    const padded = extent.map((e, axis) => e + 2 * (padding[axis] as number))
    const reach = kernel.map((k, axis) => (dilation[axis] as number) * (k - 1) + 1)
    const output = padded.map((p, axis) =>
      Math.floor((p - (reach[axis] as number)) / (stride[axis] as number) + 1),
    ) as unknown as Triple
    if (!output.every((o) => o >= 1))
      throw shapeError(`${name}: the kernel is larger than the padded input`, kernel, input)
    const outputRows = Math.ceil((padded[1] as number) / stride[1])
    return {
      channels,
      extent: extent as unknown as Triple,
      output,
      depth: padded[0] as number,
      rows: outputRows * stride[1],
      outputRows,
      below: Math.max(0, (reach[1] as number) - stride[1]),
      width: padded[2] as number,
    }
  }

  /** The tall image of x. */
  const tallOf = (
    backend: Backend,
    { channels, extent, output, depth, rows, below, width }: Geometry,
    x: Tensor,
  ): Tensor => {
    const n = x.shape[0] as number
    const [, height] = extent
    const edges = { top: padding[1], bottom: rows - height - padding[1], left: padding[2], right: padding[2] }
    const slices = reshape([n, channels, extent[0], rows * width])(backend.pad2d(x, edges))
    const deep = backend.pad2d(slices, { top: padding[0], bottom: padding[0], left: 0, right: 0 })
    const step = rows * width
    const windows: Tensor = {
      ...deep,
      shape: [n, channels, kd, output[0], step],
      stride: [channels * depth * step, depth * step, dilation[0] * step, stride[0] * step, 1],
    }
    const image = packedAs(backend, [n, channels * kd, output[0] * rows, width], windows)
    return below === 0 ? image : backend.pad2d(image, { top: 0, bottom: below, left: 0, right: 0 })
  }

  /** The adjoint of `tallOf`: slices of the tall image add up where they came from. */
  const untall = (
    backend: Backend,
    { channels, extent, output, depth, rows, width }: Geometry,
    tall: Tensor,
  ): Tensor => {
    const n = tall.shape[0] as number
    const step = rows * width
    const image = slice({ axis: 2, start: 0, end: output[0] * rows })(tall)
    const windows = packedAs(backend, [n, channels, kd, output[0], 1, step], image)
    const reached = (output[0] - 1) * stride[0] + 1
    const placed = Array.from({ length: kd }, (_, u) => {
      const start = u * dilation[0]
      const slices = slice({ axis: 2, start: u, end: u + 1 })(windows)
      const spread = backend.pad2d(slices, { top: 0, bottom: stride[0] - 1, left: 0, right: 0 })
      const spaced = reshape([n, channels, output[0] * stride[0], step])(spread)
      return backend.pad2d(slice({ axis: 2, start: 0, end: reached })(spaced), {
        top: start,
        bottom: depth - start - reached,
        left: 0,
        right: 0,
      })
    })
    const deep = placed.reduce((sum, part) => backend.zip('add', sum, part))
    const volume = reshape([n, channels, depth, rows, width])(deep)
    const inner = [0, 1, 2].reduce((x, axis) => {
      const start = padding[axis] as number
      return slice({ axis: axis + 2, start, end: start + (extent[axis] as number) })(x)
    }, volume)
    return packed(backend, inner)
  }

  /** [n, o, od, oh, ow] as the output of the tall image, with zeros in rows that no slice owns. */
  const tallCotangent = (backend: Backend, { output, outputRows }: Geometry, gy: Tensor): Tensor => {
    const [n, o] = gy.shape as readonly [number, number]
    const blocks = backend.pad2d(gy, { top: 0, bottom: outputRows - output[1], left: 0, right: 0 })
    return reshape([n, o, output[0] * outputRows, output[2]])(blocks)
  }

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
    read(tallCotangent(backend, geometry(input), gy))

  return layer<Conv3dParams, Conv3dCache>({
    name,
    init: (k: Key, input: Shape) => {
      const { channels, output } = geometry(input)
      const weight = [outputChannels, channels / groups, ...kernel]
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
      const g = geometry(x.shape.slice(1))
      const tall = tallOf(backend, g, x)
      const [y] = plane.forward(backend, flat(params), tall)
      const blocks = reshape([x.shape[0] as number, outputChannels, g.output[0], g.outputRows, g.output[2]])(y)
      return [
        packed(backend, slice({ axis: 3, start: 0, end: g.output[1] })(blocks)),
        { tall, input: x.shape.slice(1) },
      ]
    },
    backward: (backend, params, cache, gy) =>
      inPlane(backend, cache, gy, (cotangent) =>
        untall(backend, geometry(cache.input), plane.backward(backend, flat(params), cache.tall, cotangent)),
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
          inputGrad: () => untall(backend, geometry(cache.input), pulled.inputGrad()),
          perSampleGrad: () => unflat(pulled.perSampleGrad()),
          squaredNorm: pulled.squaredNorm,
          weightedGrad: (weight) => unflat(pulled.weightedGrad(weight)),
        }
      }),
  })
}

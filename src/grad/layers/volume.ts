/**
 * Convolution of volumes as one of images. n sample · c input channel · o output channel · d, h, w voxel ·
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
import type { Backend } from '../../tensor/backend/backend.js'
import { type Shape, shapeError } from '../../tensor/shape.js'
import { scalar, type Tensor } from '../../tensor/tensor.js'
import { broadcast, reshape, slice } from '../../tensor/view.js'
import { packed, packedAs } from '../pack.js'

/** Depth, height, width. */
export type Triple = readonly [depth: number, height: number, width: number]

/** A number stands for all three axes. */
export const triple = (value: number | Triple): Triple => (typeof value === 'number' ? [value, value, value] : value)

/** The tall image, and the shape of x. */
export interface Conv3dCache {
  readonly tall: Tensor
  readonly input: Shape
}

/** A window that slides over volumes with zeros around them. */
export interface VolumeWindow {
  readonly name: string
  readonly kernel: Triple
  readonly stride: Triple
  readonly padding: Triple
  readonly dilation: Triple
  readonly groups: number
}

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

/** The geometry of a window, and the tall images that it makes of volumes. @internal */
export interface Volume {
  /** The extents of the output. Throws a ShapeError for a sample that the window does not fit. */
  readonly output: (input: Shape) => Triple
  readonly cacheOf: (backend: Backend, x: Tensor) => Conv3dCache
  /** A cache of the right shapes for what does not read its numbers: the adjoint in x. */
  readonly shapesOf: (count: number, input: Shape) => Conv3dCache
  /** The adjoint of the tall image: slices add up where they came from. */
  readonly untall: (backend: Backend, input: Shape, tall: Tensor) => Tensor
  /** [n, o, od, oh, ow] as the output of the tall image, with zeros in rows that no slice owns. */
  readonly tallCotangent: (backend: Backend, input: Shape, gy: Tensor) => Tensor
  /** The output of the tall image as that of the volume. */
  readonly fromTall: (backend: Backend, input: Shape, y: Tensor) => Tensor
}

/** @internal */
export const volumeOf = ({ name, kernel, stride, padding, dilation, groups }: VolumeWindow): Volume => {
  const kd = kernel[0]
  const geometry = (input: Shape): Geometry => {
    const [channels, ...extent] = input as readonly [number, ...Triple]
    const isTriple = (value: Triple, least: number): boolean =>
      value.length === 3 && value.every((v) => Number.isSafeInteger(v) && v >= least)
    if (![kernel, stride, dilation].every((value) => isTriple(value, 1)) || !isTriple(padding, 0))
      throw shapeError(`${name}: kernel, stride and dilation are at least 1`, kernel, stride, dilation, padding)
    if (input.length !== 4 || channels % groups !== 0)
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

  return {
    output: (input) => geometry(input).output,
    cacheOf: (backend, x) => {
      const input = x.shape.slice(1)
      return { tall: tallOf(backend, geometry(input), x), input }
    },
    shapesOf: (count, input) => {
      const { channels, output, rows, below, width } = geometry(input)
      return { tall: broadcast([count, channels * kd, output[0] * rows + below, width])(scalar(0)), input }
    },
    untall: (backend, input, tall) => untall(backend, geometry(input), tall),
    tallCotangent: (backend, input, gy) => tallCotangent(backend, geometry(input), gy),
    fromTall: (backend, input, y) => {
      const { output, outputRows } = geometry(input)
      const [n, o] = y.shape as readonly [number, number]
      const blocks = reshape([n, o, output[0], outputRows, output[2]])(y)
      return packed(backend, slice({ axis: 3, start: 0, end: output[1] })(blocks))
    },
  }
}

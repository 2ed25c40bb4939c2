/**
 * Windows that fit their planes: geometries of convolutions and pools.
 */
import fc, { type Arbitrary } from 'fast-check'
import type { Shape } from '../../src/tensor/shape.js'
import {
  type Convolution2d,
  convolutionOutput,
  type Pair,
  type Window2d,
  windowOutput,
} from '../../src/tensor/window.js'

/** A convolution with the shapes that it joins. */
export interface ConvolutionCase {
  readonly convolution: Convolution2d
  readonly input: Shape
  readonly weight: Shape
  readonly output: Shape
}

/** A pool with the shapes that it joins. */
export interface PoolCase {
  readonly window: Window2d
  readonly input: Shape
  readonly output: Shape
}

interface Axis {
  readonly kernel: number
  readonly stride: number
  readonly padding: number
  readonly dilation: number
  readonly extent: number
}

const paired = (rows: Axis, columns: Axis): { readonly window: Window2d; readonly plane: Pair } => ({
  window: {
    kernel: [rows.kernel, columns.kernel],
    stride: [rows.stride, columns.stride],
    padding: [rows.padding, columns.padding],
    dilation: [rows.dilation, columns.dilation],
  },
  plane: [rows.extent, columns.extent],
})

/** `room` is what remains of the padded extent beyond the reach of the kernel. */
const axes = (maxPadding: number): Arbitrary<Axis> =>
  fc
    .record({
      kernel: fc.integer({ min: 1, max: 4 }),
      stride: fc.integer({ min: 1, max: 3 }),
      padding: fc.nat(maxPadding),
      dilation: fc.integer({ min: 1, max: 3 }),
      room: fc.nat(5),
    })
    .map(({ kernel, stride, padding, dilation, room }) => ({
      kernel,
      stride,
      padding,
      dilation,
      extent: Math.max(0, dilation * (kernel - 1) + 1 + room - 2 * padding),
    }))

/** Any kernel, stride, padding, dilation and groups; no samples, no channels and planes of padding only are among them. */
export const convolutions: Arbitrary<ConvolutionCase> = fc
  .record({
    rows: axes(3),
    columns: axes(3),
    groups: fc.integer({ min: 1, max: 3 }),
    samples: fc.nat(3),
    channels: fc.nat(3),
    outputs: fc.nat(3),
  })
  .map(({ rows, columns, groups, samples, channels, outputs }) => {
    const { window, plane } = paired(rows, columns)
    const convolution = { ...window, groups }
    const input = [samples, channels * groups, ...plane]
    const weight = [outputs * groups, channels, ...window.kernel]
    return { convolution, input, weight, output: convolutionOutput(convolution, input, weight) }
  })

/** 3 × 3 without stride, of so many channels that a backend may filter tiles rather than multiply patches, to planes of these sizes. */
const filteredTo = (...planes: readonly Pair[]): Arbitrary<ConvolutionCase> =>
  fc
    .record({
      samples: fc.nat(3),
      channels: fc.integer({ min: 16, max: 18 }),
      padding: fc.nat(1),
      plane: fc.constantFrom(...planes),
    })
    .map(({ samples, channels, padding, plane }) => {
      const square: Pair = [3, 3]
      const convolution = {
        kernel: square,
        stride: [1, 1],
        padding: [padding, padding],
        dilation: [1, 1],
        groups: 1,
      } as const
      const input = [samples, channels, ...plane.map((extent) => extent + 2 - 2 * padding)]
      const weight = [16, channels, ...square]
      return { convolution, input, weight, output: convolutionOutput(convolution, input, weight) }
    })

export const manyChannels: Arbitrary<ConvolutionCase> = filteredTo([4, 4], [4, 8], [7, 8])

/** So many positions too that a sample's gradient alone is filtered. */
export const manyChannelsAndPositions: Arbitrary<ConvolutionCase> = filteredTo([8, 8], [8, 11])

/** Windows of which every one holds a pixel, so that each has a maximum. */
/** Windows of two, over rows of several vectors. */
const ofTwo: Arbitrary<Axis> = fc.record({
  kernel: fc.constant(2),
  stride: fc.integer({ min: 1, max: 2 }),
  padding: fc.nat(1),
  dilation: fc.constant(1),
  extent: fc.integer({ min: 4, max: 15 }),
})

const windows = fc.oneof(
  { weight: 3, arbitrary: fc.record({ rows: axes(2), columns: axes(2) }) },
  { weight: 1, arbitrary: fc.record({ rows: ofTwo, columns: ofTwo }) },
)

export const pools: Arbitrary<PoolCase> = fc
  .tuple(windows, fc.record({ samples: fc.nat(2), channels: fc.nat(3) }))
  .map(([window, counts]) => ({ ...window, ...counts }))
  .map(({ rows, columns, samples, channels }) => ({ ...paired(rows, columns), samples, channels }))
  .filter(({ window, plane }) => everyWindowHoldsAPixel(window, plane))
  .map(({ window, plane, samples, channels }) => ({
    window,
    input: [samples, channels, ...plane],
    output: [samples, channels, ...windowOutput(window, plane)],
  }))

const everyWindowHoldsAPixel = (window: Window2d, plane: Pair): boolean =>
  ([0, 1] as const).every((axis) =>
    Array.from({ length: windowOutput(window, plane)[axis] }, (_, at) =>
      Array.from(
        { length: window.kernel[axis] },
        (_, k) => at * window.stride[axis] + k * window.dilation[axis] - window.padding[axis],
      ).some((place) => place >= 0 && place < plane[axis]),
    ).every(Boolean),
  )

/**
 * Layers of every kind with any hyper-parameters, and models made of them.
 */
import fc, { type Arbitrary } from 'fast-check'
import {
  type AnyLayer,
  activation,
  adaptiveAvgPool2d,
  avgPool2d,
  conv2d,
  elu,
  flatten,
  gelu,
  geluTanh,
  groupNorm,
  hardtanh,
  leakyRelu,
  linear,
  maxPool2d,
  mish,
  type PoolOptions,
  relu,
  selu,
  sequential,
  sigmoid,
  silu,
  softplus,
  tanh,
  zeroPad2d,
} from '../../src/grad/index.js'
import { key } from '../../src/sampling/index.js'
import type { Shape } from '../../src/tensor/shape.js'
import { mapTree, type Tree } from '../../src/tensor/tree.js'
import { extents, noise, shapes } from './tensor.js'

/** A layer with the shapes of one sample that it takes and does not take. */
export interface LayerCase {
  readonly rule: AnyLayer
  readonly input: Shape
  readonly misfits: readonly Shape[]
}

/** A rule that fast-check shows by its name. */
const shown = (rule: AnyLayer): AnyLayer => Object.assign({ ...rule }, { [fc.toStringMethod]: () => rule.name })

const between = (min: number, max: number): Arbitrary<number> => fc.integer({ min, max })
const both = <A>(arbitrary: Arbitrary<A>): Arbitrary<readonly [A, A]> => fc.tuple(arbitrary, arbitrary)

const linears: Arbitrary<LayerCase> = fc
  .record({
    outputs: between(1, 4),
    bias: fc.boolean(),
    positions: shapes({ maxRank: 3, maxExtent: 3 }),
    inputs: between(1, 4),
  })
  .map(({ outputs, bias, positions, inputs }) => ({
    rule: linear(outputs, { bias }),
    input: [...positions, inputs],
    misfits: [[]],
  }))

/** One axis of a convolution; `room` is what remains of the padded extent beyond the reach of the kernel. */
const convolutionAxis = fc
  .record({
    kernel: between(1, 3),
    stride: between(1, 2),
    padding: fc.nat(2),
    dilation: between(1, 2),
    room: fc.nat(2),
  })
  .map(({ room, ...axis }) => ({
    ...axis,
    extent: Math.max(1, axis.dilation * (axis.kernel - 1) + 1 + room - 2 * axis.padding),
  }))

const convolutions: Arbitrary<LayerCase> = fc
  .record({
    axes: both(convolutionAxis),
    groups: between(1, 2),
    inputs: between(1, 2),
    outputs: between(1, 2),
    bias: fc.boolean(),
  })
  .map(({ axes: [rows, columns], groups, inputs, outputs, bias }) => {
    const channels = groups * inputs
    return {
      rule: conv2d(groups * outputs, {
        kernel: [rows.kernel, columns.kernel],
        stride: [rows.stride, columns.stride],
        padding: [rows.padding, columns.padding],
        dilation: [rows.dilation, columns.dilation],
        groups,
        bias,
      }),
      input: [channels, rows.extent, columns.extent],
      misfits: [
        [channels],
        [channels, rows.extent],
        [1, channels, rows.extent, columns.extent],
        ...(groups > 1 ? [[channels + 1, rows.extent, columns.extent]] : []),
        ...(rows.padding === 0 && rows.kernel > 1 ? [[channels, 1 + (rows.kernel - 2), columns.extent]] : []),
      ],
    }
  })

/** Padding below the kernel leaves a pixel in every window. */
const poolAxis = between(1, 3).chain((kernel) =>
  fc
    .record({ stride: between(1, 3), padding: fc.nat(kernel - 1), room: fc.nat(4) })
    .map((axis) => ({ ...axis, kernel, extent: Math.max(1, kernel + axis.room - 2 * axis.padding) })),
)

const pools = (pool: (options: PoolOptions) => AnyLayer): Arbitrary<LayerCase> =>
  fc
    .record({ axes: both(poolAxis), channels: between(1, 2), byKernel: fc.boolean() })
    .map(({ axes: [rows, columns], channels, byKernel }) => ({
      rule: pool({
        kernel: [rows.kernel, columns.kernel],
        padding: [rows.padding, columns.padding],
        ...(byKernel ? {} : { stride: [rows.stride, columns.stride] }),
      }),
      input: [channels, rows.extent, columns.extent],
      misfits: [[channels], [channels, rows.extent], [1, channels, rows.extent, columns.extent]],
    }))

const groupNorms: Arbitrary<LayerCase> = fc
  .record({
    groups: between(1, 3),
    each: between(1, 2),
    positions: shapes({ maxRank: 2, maxExtent: 3 }).map((shape) => shape.map((extent) => Math.max(1, extent))),
    epsilon: fc.constantFrom(undefined, 1e-3, 0.1, 1),
    affine: fc.constantFrom(true, true, false),
    bias: fc.boolean(),
  })
  .map(({ groups, each, positions, epsilon, affine, bias }) => ({
    rule: groupNorm({ groups, affine, bias, ...(epsilon === undefined ? {} : { epsilon }) }),
    input: [groups * each, ...positions],
    misfits: [[], ...(groups > 1 ? [[groups * each + 1, ...positions]] : [])],
  }))

const edges = fc.oneof(fc.nat(2), fc.record({ top: fc.nat(2), bottom: fc.nat(2), left: fc.nat(2), right: fc.nat(2) }))

const paddings: Arbitrary<LayerCase> = fc
  .tuple(edges, both(between(1, 3)), between(1, 2))
  .map(([padding, plane, channels]) => ({
    rule: zeroPad2d(padding),
    input: [channels, ...plane],
    misfits: [[channels], [1, channels, ...plane]],
  }))

const adaptivePools: Arbitrary<LayerCase> = fc
  .tuple(fc.oneof(between(1, 4), both(between(1, 4))), both(between(1, 6)), between(1, 2))
  .map(([output, plane, channels]) => ({
    rule: adaptiveAvgPool2d(output),
    input: [channels, ...plane],
    misfits: [[channels], [1, channels, ...plane]],
  }))

const anywhere = (rule: AnyLayer): Arbitrary<LayerCase> =>
  shapes({ maxRank: 3, maxExtent: 3 }).map((input) => ({ rule, input, misfits: [] }))

const activations: readonly AnyLayer[] = [
  relu,
  tanh,
  sigmoid,
  gelu,
  geluTanh,
  silu,
  elu(),
  elu(0.5),
  selu,
  softplus,
  leakyRelu(),
  leakyRelu(0.3),
  mish,
  hardtanh,
  activation({ name: 'cube', value: (x) => x ** 3, derivative: (x) => 3 * x * x }),
]

const families: readonly (readonly [name: string, cases: Arbitrary<LayerCase>])[] = [
  ['linear', linears],
  ['conv2d', convolutions],
  ['groupNorm', groupNorms],
  ['maxPool2d', pools(maxPool2d)],
  ['avgPool2d', pools(avgPool2d)],
  ['adaptiveAvgPool2d', adaptivePools],
  ['zeroPad2d', paddings],
  ['flatten', anywhere(flatten)],
  ['an activation', fc.constantFrom(...activations).chain(anywhere)],
]

/** Every kind of layer. */
export const layerFamilies: readonly (readonly [name: string, cases: Arbitrary<LayerCase>])[] = families.map(
  ([name, cases]) => [name, cases.map((c) => ({ ...c, rule: shown(c.rule) }))],
)

/** Parameters of any numbers in [−1, 1) where a layer would initialise its own. */
export const paramsOf = (rule: AnyLayer, input: Shape): Arbitrary<Tree> =>
  fc.nat(2 ** 20).map((seed) => {
    let leaf = 0
    return mapTree(({ shape }) => noise(shape, { seed: 64 * seed + leaf++, dtype: 'float64' }))(
      rule.init(key(0), input).params,
    )
  })

/** Layers in their order, and a nesting of them into one model whose samples end as vectors of `outputs` numbers. */
export interface ModelCase {
  readonly layers: readonly AnyLayer[]
  readonly nest: (layers: readonly AnyLayer[]) => AnyLayer
  readonly model: AnyLayer
  readonly input: Shape
  readonly outputs: number
}

/** A layer for samples of a shape, or none where it would not fit. */
type Step = (shape: Shape) => AnyLayer | undefined

const onImages =
  (step: (channels: number, height: number, width: number) => AnyLayer): Step =>
  (shape) =>
    shape.length === 3 ? step(...(shape as unknown as readonly [number, number, number])) : undefined

const convolutionSteps = fc
  .record({
    outputs: between(1, 3),
    kernel: between(1, 3),
    stride: between(1, 2),
    padding: fc.nat(1),
    bias: fc.boolean(),
    depthwise: fc.boolean(),
  })
  .map(
    ({ outputs, kernel, stride, padding, bias, depthwise }): Step =>
      onImages((c, h, w) =>
        conv2d(depthwise ? c : outputs, {
          kernel: [Math.min(kernel, h), Math.min(kernel, w)],
          stride,
          padding,
          bias,
          groups: depthwise ? c : 1,
        }),
      ),
  )

const poolSteps = fc
  .tuple(fc.constantFrom(maxPool2d, avgPool2d), between(1, 2), between(1, 2))
  .map(
    ([pool, kernel, stride]): Step =>
      onImages((_, h, w) => pool({ kernel: [Math.min(kernel, h), Math.min(kernel, w)], stride })),
  )

const steps: Arbitrary<Step> = fc.oneof(
  fc.constantFrom(...activations).map(
    (rule): Step =>
      () =>
        rule,
  ),
  fc.tuple(between(1, 4), fc.boolean()).map(
    ([outputs, bias]): Step =>
      () =>
        linear(outputs, { bias }),
  ),
  fc.boolean().map(
    (one): Step =>
      ([channels]) =>
        groupNorm({ groups: one ? 1 : (channels as number), epsilon: 0.1 }),
  ),
  convolutionSteps,
  poolSteps,
  fc.nat(1).map((padding): Step => onImages(() => zeroPad2d(padding))),
  fc.constant<Step>(() => flatten),
)

const samples: Arbitrary<Shape> = fc.oneof(
  fc.tuple(between(1, 4)),
  fc.tuple(between(1, 3), between(1, 4)),
  fc.tuple(between(1, 2), between(1, 4), between(1, 4)),
)

/** Two layers next to each other, again and again, become one. */
const nesting =
  (places: readonly number[]) =>
  (layers: readonly AnyLayer[]): AnyLayer => {
    const nested = places.reduce<readonly AnyLayer[]>((list, place) => {
      const from = place % (list.length + 1)
      return [...list.slice(0, from), sequential(...list.slice(from, from + 2)), ...list.slice(from + 2)]
    }, layers)
    return shown(sequential(...nested))
  }

/** Small models, nested in any way; the last layer is linear, any layer without parameters may come before it. */
export const models: Arbitrary<ModelCase> = fc
  .record({
    input: samples,
    chosen: fc.array(steps, { maxLength: 4 }),
    outputs: between(1, 3),
    places: fc.array(fc.nat(6), { maxLength: 3 }),
  })
  .map(({ input, chosen, outputs, places }) => {
    const layers: AnyLayer[] = []
    const last = chosen.reduce((shape, step) => {
      const rule = step(shape)
      if (rule === undefined) return shape
      layers.push(rule)
      return rule.init(key(0), shape).output
    }, input)
    if (last.length !== 1) layers.push(flatten)
    layers.push(linear(outputs))
    const nest = nesting(places)
    return { layers, nest, model: nest(layers), input, outputs }
  })

/** How many samples: none, one, or a few. */
export const counts: Arbitrary<number> = extents({ max: 3 })

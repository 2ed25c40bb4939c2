/**
 * Convolutions with every padding, and transposed ones, of one to three axes.
 */
import fc, { type Arbitrary } from 'fast-check'
import {
  type AnyLayer,
  conv1d,
  conv2d,
  conv3d,
  convTranspose1d,
  convTranspose3d,
  type Triple,
} from '../../src/grad/index.js'
import type { Pair } from '../../src/tensor/window.js'
import type { LayerCase } from './layer.js'
import { type Family, shown } from './layer-kinds.js'

const between = (min: number, max: number): Arbitrary<number> => fc.integer({ min, max })

const channels = fc.record({
  groups: between(1, 2),
  inputs: between(1, 2),
  outputs: between(1, 2),
  bias: fc.boolean(),
})

const axis = fc.record({
  kernel: between(1, 2),
  stride: between(1, 2),
  dilation: between(1, 2),
  padding: fc.nat(1),
  extent: between(3, 4),
})

type Axis = { readonly [K in 'kernel' | 'stride' | 'dilation' | 'padding' | 'extent']: number }
type Mode = 'zeros' | 'reflect' | 'replicate' | 'circular' | undefined

const make = (
  axes: readonly Axis[],
  word: 'numbers' | 'same' | 'valid',
  paddingMode: Mode,
  { groups, inputs, outputs, bias }: { groups: number; inputs: number; outputs: number; bias: boolean },
): AnyLayer => {
  const each = (field: keyof Axis): readonly number[] => axes.map((one) => one[field])
  const shared = { groups, bias, ...(paddingMode === undefined ? {} : { paddingMode }) }
  const stride = word === 'same' ? axes.map(() => 1) : each('stride')
  const padding = word === 'numbers' ? each('padding') : word
  const [o, rank] = [groups * outputs * inputs, axes.length]
  if (rank === 1) {
    const [first] = axes as readonly [Axis]
    const { kernel, dilation } = first
    return conv1d(o, {
      kernel,
      dilation,
      stride: stride[0] as number,
      padding: typeof padding === 'string' ? padding : (padding[0] as number),
      ...shared,
    })
  }
  const window = { kernel: each('kernel'), dilation: each('dilation'), stride, padding, ...shared }
  return rank === 2
    ? conv2d(o, window as unknown as { kernel: Pair; dilation: Pair; stride: Pair; padding: Pair | 'same' })
    : conv3d(o, window as unknown as { kernel: Triple; dilation: Triple; stride: Triple; padding: Triple | 'same' })
}

const padded: Arbitrary<LayerCase> = fc
  .record({
    axes: fc.oneof(
      { weight: 2, arbitrary: fc.tuple(axis) },
      { weight: 2, arbitrary: fc.tuple(axis, axis) },
      { weight: 1, arbitrary: fc.tuple(axis, axis, axis) },
    ),
    word: fc.constantFrom('numbers', 'same', 'valid'),
    mode: fc.constantFrom('zeros', 'reflect', 'replicate', 'circular', undefined),
    at: channels,
  })
  .map(({ axes, word, mode, at }) => {
    const input = [at.groups * at.inputs, ...axes.map(({ extent }) => extent)]
    return { rule: make(axes, word, mode, at), input, misfits: [input.slice(1), [1, ...input]] }
  })

const lines: Arbitrary<LayerCase> = fc
  .record({ at: axis, channels, outputPadding: fc.nat(1) })
  .map(
    ({ at: { kernel, stride, dilation, padding, extent }, channels: { groups, inputs, outputs, bias }, ...rest }) => ({
      rule: convTranspose1d(groups * outputs, {
        kernel,
        stride,
        dilation,
        padding: kernel > 1 ? padding : 0,
        outputPadding: Math.min(rest.outputPadding, stride - 1),
        groups,
        bias,
      }) as AnyLayer,
      input: [groups * inputs, extent],
      misfits: [[groups * inputs], [1, groups * inputs, extent]],
    }),
  )

const volumes: Arbitrary<LayerCase> = fc
  .record({ axes: fc.tuple(axis, axis, axis), channels, outputPadding: fc.nat(1) })
  .map(({ axes, channels: { groups, inputs, outputs, bias }, outputPadding }) => {
    const each = (of: (one: Axis) => number): Triple => axes.map(of) as unknown as Triple
    const extents = each(({ extent }) => extent - 2)
    return {
      rule: convTranspose3d(groups * outputs, {
        kernel: each(({ kernel }) => kernel),
        stride: each(({ stride }) => stride),
        dilation: each(({ dilation }) => dilation),
        padding: each(({ kernel, padding, extent }) => (kernel > 1 && extent > 3 ? padding : 0)),
        outputPadding: each(({ stride }) => Math.min(outputPadding, stride - 1)),
        groups,
        bias,
      }) as AnyLayer,
      input: [groups * inputs, ...extents],
      misfits: [[groups * inputs], extents, ...(groups > 1 ? [[groups * inputs + 1, ...extents]] : [])],
    }
  })

export const convolutionFamilies: readonly Family[] = (
  [
    ['padded convolution', padded],
    ['convTranspose1d', lines],
    ['convTranspose3d', volumes],
  ] as const
).map(shown)

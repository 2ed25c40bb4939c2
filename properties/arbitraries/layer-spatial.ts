/**
 * Layers that change how many positions the channels have: pooling of volumes and of whole channels, interpolation.
 */
import fc, { type Arbitrary } from 'fast-check'
import {
  type AnyLayer,
  adaptiveAvgPool3d,
  avgPool3d,
  globalAvgPool,
  globalMaxPool,
  maxPool3d,
  type Triple,
  upsample,
} from '../../src/grad/index.js'
import type { LayerCase } from './layer.js'
import { type Family, shown } from './layer-kinds.js'

const between = (min: number, max: number): Arbitrary<number> => fc.integer({ min, max })

const axis = between(1, 2).chain((kernel) =>
  fc
    .record({ stride: between(1, 2), padding: fc.nat(kernel - 1), room: fc.nat(2) })
    .map((at) => ({ ...at, kernel, extent: Math.max(1, kernel + at.room - 2 * at.padding) })),
)

const volumes: Arbitrary<LayerCase> = fc
  .record({ axes: fc.tuple(axis, axis, axis), channels: between(1, 2), byKernel: fc.boolean(), kind: between(0, 2) })
  .map(({ axes, channels, byKernel, kind }) => {
    const each = (field: 'kernel' | 'stride' | 'padding' | 'extent'): Triple =>
      axes.map((one) => one[field]) as unknown as Triple
    const [kernel, extent] = [each('kernel'), each('extent')]
    const options = { kernel, padding: each('padding'), ...(byKernel ? {} : { stride: each('stride') }) }
    const rule = kind === 0 ? maxPool3d(options) : kind === 1 ? avgPool3d(options) : adaptiveAvgPool3d(kernel)
    return {
      rule: rule as unknown as AnyLayer,
      input: [channels, ...extent],
      misfits: [extent, [1, channels, ...extent]],
    }
  })

const wholes: Arbitrary<LayerCase> = fc
  .record({
    rule: fc.constantFrom<AnyLayer>(globalAvgPool as unknown as AnyLayer, globalMaxPool as unknown as AnyLayer),
    channels: between(1, 3),
    extents: fc.array(between(1, 3), { maxLength: 3 }),
  })
  .map(({ rule, channels, extents }) => ({ rule, input: [channels, ...extents], misfits: [[], [channels, 0]] }))

const interpolations: Arbitrary<LayerCase> = fc
  .record({
    channels: between(1, 2),
    extents: fc.array(between(1, 3), { minLength: 1, maxLength: 3 }),
    factors: fc.tuple(...[0, 1, 2].map(() => fc.constantFrom(1, 1.5, 2, 3))),
    one: fc.boolean(),
    mode: fc.constantFrom('nearest', 'linear', undefined),
    alignCorners: fc.boolean(),
  })
  .map(({ channels, extents, factors, one, mode, alignCorners }) => ({
    rule: upsample({
      factor: one ? (factors[0] as number) : factors.slice(0, extents.length),
      alignCorners,
      ...(mode === undefined ? {} : { mode }),
    }) as unknown as AnyLayer,
    input: [channels, ...extents],
    misfits: [[channels], [channels, 0]],
  }))

export const spatialFamilies: readonly Family[] = (
  [
    ['pool3d', volumes],
    ['a global pool', wholes],
    ['upsample', interpolations],
  ] as const
).map(shown)

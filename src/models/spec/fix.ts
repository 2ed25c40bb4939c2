/**
 * Models as they can be trained privately, with as little changed as possible.
 */
import type { BatchNormSpec, LayerSpec } from './layer-spec.js'
import { type ModelSpec, namesIn } from './model-spec.js'

/** What became of a layer. */
export interface ModelChange {
  readonly layer: string
  /** What it was, and what it is; undefined where it is gone. */
  readonly from: LayerSpec
  readonly to: LayerSpec | undefined
  /** One sentence. */
  readonly what: string
}

/** A repaired model, and everything that was changed: nothing, where nothing had to be. */
export interface FixedModel {
  readonly model: ModelSpec
  readonly changes: readonly ModelChange[]
}

/** The settings of `fix`. */
export interface FixOptions {
  /** What stands for batch normalisation; default `groupNorm`. */
  readonly batchNorm?: 'groupNorm' | 'instanceNorm'
}

const greatestCommonDivisor = (a: number, b: number): number => (b === 0 ? a : greatestCommonDivisor(b, a % b))

/** Without pixels, a channel has one number, and nothing to normalise over: then all channels are one group. */
const instead = (spec: BatchNormSpec, { batchNorm = 'groupNorm' }: FixOptions): LayerSpec => {
  const kept = {
    affine: spec.affine !== false,
    ...(spec.epsilon === undefined ? {} : { epsilon: spec.epsilon }),
  }
  if (spec.axes === 0) return { _tag: 'GroupNorm', groups: 1, ...kept }
  return batchNorm === 'instanceNorm'
    ? { _tag: 'InstanceNorm', ...kept }
    : { _tag: 'GroupNorm', groups: greatestCommonDivisor(32, spec.channels), ...kept }
}

const nameOf = (spec: LayerSpec): string => {
  switch (spec._tag) {
    case 'GroupNorm':
      return `group normalisation in ${spec.groups} ${spec.groups === 1 ? 'group' : 'groups'}`
    default:
      return 'instance normalisation'
  }
}

/** A layer and what is changed about it, from the outside in. */
const fixedLayer = (
  layer: string,
  spec: LayerSpec,
  options: FixOptions,
): { readonly spec: LayerSpec; readonly changes: readonly ModelChange[] } => {
  switch (spec._tag) {
    case 'BatchNorm': {
      const to = instead(spec, options)
      return {
        spec: to,
        changes: [{ layer, from: spec, to, what: `${layer}: batch normalisation became ${nameOf(to)}` }],
      }
    }
    case 'InstanceNorm': {
      if (spec.runningStatistics !== true) return { spec, changes: [] }
      const { runningStatistics: _, ...to } = spec
      return {
        spec: to,
        changes: [{ layer, from: spec, to, what: `${layer}: instance normalisation lost its running statistics` }],
      }
    }
    case 'SpectralNorm': {
      const inner = fixedLayer(layer, spec.of, options)
      const change = { layer, from: spec, to: inner.spec, what: `${layer}: lost its spectral normalisation` }
      return { spec: inner.spec, changes: [change, ...inner.changes] }
    }
    case 'WeightStandardised': {
      const inner = fixedLayer(layer, spec.of, options)
      return { spec: { ...spec, of: inner.spec }, changes: inner.changes }
    }
    default:
      return { spec, changes: [] }
  }
}

/**
 * A model without what `validate` finds in its layers, and what was changed.
 *
 * - Batch normalisation, synchronised or not, becomes group normalisation in gcd(32, channels) groups, or instance normalisation;
 *   where there are no pixels, one group.
 * - Instance normalisation loses its running statistics.
 * - Spectral normalisation is left out: clipping bounds what a step can do.
 * - Layers that no wiring names are left out.
 *
 * Parameters keep their names and shapes. What the wiring itself gets wrong stays: a layer used twice, or one that is not there.
 *
 * Laws       `fix` of a fixed model changes nothing; a valid model stays as it is
 * Reference  Wu, He 2018, arXiv:1803.08494 (group normalisation)
 *
 * @example
 * const model: ModelSpec = { layers: { norm: { _tag: 'BatchNorm', channels: 48, axes: 2 } }, wiring: 'norm' }
 * fix(model).changes.map(({ what }) => what) // => ['norm: batch normalisation became group normalisation in 16 groups']
 */
export const fix = (model: ModelSpec, options: FixOptions = {}): FixedModel => {
  const used = new Set(namesIn(model.wiring))
  const parts = Object.entries(model.layers).map(([layer, spec]) =>
    used.has(layer)
      ? { layer, ...fixedLayer(layer, spec, options) }
      : {
          layer,
          spec: undefined,
          changes: [{ layer, from: spec, to: undefined, what: `${layer}: left out, no wiring names it` }],
        },
  )
  const changes = parts.flatMap((part) => part.changes)
  const layers = Object.fromEntries(
    parts.flatMap(({ layer, spec }) => (spec === undefined ? [] : [[layer, spec] as const])),
  )
  return { model: changes.length === 0 ? model : { ...model, layers }, changes }
}

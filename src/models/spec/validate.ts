/**
 * What keeps a model from private training, all of it at once.
 */
import * as E from 'fp-ts/lib/Either.js'
import type { NonEmptyArray } from 'fp-ts/lib/NonEmptyArray.js'
import type { LayerSpec } from './layer-spec.js'
import { type ModelSpec, namesIn } from './model-spec.js'

/** Why a layer cannot be trained privately, or a model not built. */
export type ModelProblem =
  /** The output of a sample depends on the other samples of its batch, so it has no gradient of its own. */
  | { readonly _tag: 'MixesSamples'; readonly layer: string; readonly synchronised: boolean }
  /** Averages over samples are kept outside of the parameters, where no noise protects them. */
  | { readonly _tag: 'RunningStatistics'; readonly layer: string }
  /** What the layer computes depends on a state that changes with each pass. */
  | { readonly _tag: 'KeepsState'; readonly layer: string }
  /** Parameters without gradients: noise would be all that moves them. */
  | { readonly _tag: 'UnusedParameters'; readonly layer: string }
  /** The wiring names a layer several times. */
  | { readonly _tag: 'UsedAgain'; readonly layer: string; readonly times: number }
  /** The wiring names a layer that is not there. */
  | { readonly _tag: 'UnknownLayer'; readonly layer: string; readonly known: readonly string[] }

/**
 * A problem as one sentence.
 *
 * @example
 * showModelProblem({ _tag: 'UnusedParameters', layer: 'fc3' }) // => 'fc3 is in no wiring: its parameters would have no gradient, and take noise alone'
 */
export const showModelProblem = (problem: ModelProblem): string => {
  const { layer } = problem
  switch (problem._tag) {
    case 'MixesSamples':
      return problem.synchronised
        ? `${layer} normalises over the samples of all devices: no sample has a gradient of its own`
        : `${layer} normalises over the samples of a batch: no sample has a gradient of its own`
    case 'RunningStatistics':
      return `${layer} keeps averages over samples outside of the parameters, and no noise protects those`
    case 'KeepsState':
      return `${layer} divides its weight by a norm that power iteration follows from pass to pass: a state that is no parameter`
    case 'UnusedParameters':
      return `${layer} is in no wiring: its parameters would have no gradient, and take noise alone`
    case 'UsedAgain':
      return `${layer} is in the wiring ${problem.times} times: shared parameters are written as rules, by tied or reuse`
    case 'UnknownLayer':
      return `${layer} is in the wiring and not among the layers: ${problem.known.join(', ')}`
  }
}

/** What is wrong with a layer by itself. */
const layerProblems = (layer: string, spec: LayerSpec): readonly ModelProblem[] => {
  switch (spec._tag) {
    case 'BatchNorm':
      return [{ _tag: 'MixesSamples', layer, synchronised: spec.synchronised === true }]
    case 'InstanceNorm':
      return spec.runningStatistics === true ? [{ _tag: 'RunningStatistics', layer }] : []
    case 'SpectralNorm':
      return [{ _tag: 'KeepsState', layer }, ...layerProblems(layer, spec.of)]
    case 'WeightStandardised':
      return layerProblems(layer, spec.of)
    default:
      return []
  }
}

/**
 * The model, if each of its samples can have a gradient of its own; else everything that is in the way, in the order of the
 * layers.
 *
 * @example
 * const model: ModelSpec = { layers: { norm: { _tag: 'BatchNorm', channels: 4, axes: 0 }, spare: { _tag: 'Linear', outputs: 2 } }, wiring: ['norm', 'head'] }
 * pipe(validate(model), E.mapLeft((problems) => problems.map(({ _tag }) => _tag))) // => E.left(['MixesSamples', 'UnusedParameters', 'UnknownLayer'])
 */
export const validate = (model: ModelSpec): E.Either<NonEmptyArray<ModelProblem>, ModelSpec> => {
  const names = namesIn(model.wiring)
  const known = Object.keys(model.layers)
  const ofLayers = Object.entries(model.layers).flatMap(([layer, spec]): readonly ModelProblem[] => {
    const times = names.filter((name) => name === layer).length
    const ofUse: readonly ModelProblem[] =
      times === 0
        ? [{ _tag: 'UnusedParameters', layer }]
        : times > 1 && hasParameters(spec)
          ? [{ _tag: 'UsedAgain', layer, times }]
          : []
    return [...layerProblems(layer, spec), ...ofUse]
  })
  const ofWiring = Array.from(new Set(names))
    .filter((name) => !Object.hasOwn(model.layers, name))
    .map((layer): ModelProblem => ({ _tag: 'UnknownLayer', layer, known }))
  const [first, ...rest] = [...ofLayers, ...ofWiring]
  return first === undefined ? E.right(model) : E.left([first, ...rest])
}

/** Is there anything that sharing would share? */
const hasParameters = (spec: LayerSpec): boolean => {
  switch (spec._tag) {
    case 'Plain':
    case 'MaxPool1d':
    case 'MaxPool2d':
    case 'AvgPool1d':
    case 'AvgPool2d':
    case 'AdaptiveAvgPool1d':
    case 'AdaptiveAvgPool2d':
      return false
    case 'GroupNorm':
      return spec.affine !== false
    case 'InstanceNorm':
      return spec.affine === true
    case 'BatchNorm':
      return spec.affine !== false
    case 'SpectralNorm':
    case 'WeightStandardised':
      return hasParameters(spec.of)
    default:
      return true
  }
}

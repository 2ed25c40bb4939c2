/**
 * Cases in the format of layers.json (PyTorch autograd in float64, one sample at a time) against a backend.
 */
import {
  absoluteError,
  binaryCrossEntropyWithLogits,
  crossEntropy,
  crossEntropyWith,
  type GradientOptions,
  hinge,
  huber,
  klDivergence,
  type Loss,
  meanSquaredError,
  negativeLogLikelihood,
  type Plan,
  tripletMargin,
  withPerSampleGradients,
} from '../../src/grad/index.js'
import { key } from '../../src/sampling/index.js'
import type { Backend } from '../../src/tensor/backend/backend.js'
import { mapTree, namedLeaves, tensor, toArray } from '../../src/tensor/index.js'
import { layerOfConfig } from './model-words.js'
import { type Numbers, relativeError, tensorOf } from './numbers.js'
import { type GoldenCase, notSupported } from './outcome.js'

interface LayerCase {
  readonly name: string
  readonly layer: string
  readonly config: Readonly<Record<string, unknown>>
  readonly loss: string
  readonly lossConfig?: Readonly<Record<string, unknown>>
  readonly params: Readonly<Record<string, Numbers>>
  readonly input: Numbers
  readonly target: Numbers
  readonly expected: {
    readonly output: Numbers
    readonly losses: readonly number[]
    readonly perSampleGrad: Readonly<Record<string, Numbers>>
    readonly squaredNorm: readonly number[]
    readonly inputGrad: Numbers | null
  }
}

/** PyTorch's names for losses and their options. */
const lossOf = (name: string, options: Readonly<Record<string, unknown>> = {}): Loss | undefined => {
  const number = (key: string) => (typeof options[key] === 'number' ? { [key]: options[key] } : {})
  const weights = Array.isArray(options.weight) ? { classWeights: options.weight as readonly number[] } : {}
  switch (name) {
    case 'mse':
      return meanSquaredError
    case 'l1':
      return absoluteError
    case 'huber':
      return huber(number('delta'))
    case 'crossEntropy':
      return Object.keys(options).length === 0
        ? crossEntropy
        : crossEntropyWith({ ...weights, ...number('labelSmoothing'), ...number('ignoreIndex') })
    case 'nll':
      return negativeLogLikelihood({ ...weights, ...number('ignoreIndex') })
    case 'bceWithLogits':
      return binaryCrossEntropyWithLogits
    case 'klDiv':
      return klDivergence
    case 'hinge':
      return hinge
    case 'tripletMargin':
      return tripletMargin(number('margin'))
    default:
      return undefined
  }
}

const plans: readonly Plan[] = ['bookKeeping', 'materialised', 'oneByOne']

const check = (
  golden: LayerCase,
  model: NonNullable<ReturnType<typeof layerOfConfig>>,
  loss: Loss,
  backend: Backend,
): number => {
  const { expected } = golden
  const input = tensorOf(golden.input)
  const target = tensorOf(golden.target)
  const params = mapTree((_, path) => tensorOf(golden.params[path] as Numbers))(
    model.init(key(0), golden.input.shape.slice(1)).params,
  )
  const [output, cache] = model.forward(backend, params, input)
  const inputGrad = model.pullback(backend, params, cache, loss(output, target).cotangent).inputGrad()
  // Some gradients are 0 but for rounding: that of a bias below a normalisation. They are judged beside the others.
  const largest = Object.values(expected.perSampleGrad).reduce(
    (sum, { data }) => data.reduce((most, g) => Math.max(most, Math.abs(g)), sum),
    0,
  )
  const least = 1e-2 * largest
  const errorOf = (plan: Plan): number => {
    const options: GradientOptions = { backend, plan }
    return withPerSampleGradients(loss, model, options)(params, { input, target }, (g) => {
      const unit = tensor(
        expected.losses.map(() => 1),
        [expected.losses.length],
        'float64',
      )
      const sums = g.weightedSum(unit)
      const ofGradients = namedLeaves(g.grad()).map(({ path, leaf }) =>
        relativeError(toArray(leaf), (expected.perSampleGrad[path] as Numbers).data, least),
      )
      const ofSums = namedLeaves(sums).map(({ path, leaf }) => {
        const rows = expected.perSampleGrad[path] as Numbers
        const width = rows.data.length / rows.shape[0]!
        const total = Array.from({ length: width }, (_, j) =>
          expected.losses.reduce((sum, _loss, n) => sum + (rows.data[n * width + j] as number), 0),
        )
        return relativeError(toArray(leaf), total, least)
      })
      return Math.max(
        relativeError(toArray(g.loss), expected.losses),
        relativeError(toArray(g.squaredNorm()), expected.squaredNorm),
        ...ofGradients,
        ...ofSums,
      )
    })
  }
  return Math.max(
    relativeError(toArray(output), expected.output.data),
    expected.inputGrad === null ? 0 : relativeError(toArray(inputGrad), expected.inputGrad.data),
    ...plans.map(errorOf),
  )
}

/** One case for each entry of the file; all three plans are compared, in every quantity. */
export const layerCases = (
  file: unknown,
  { backend, tolerance }: { readonly backend: Backend; readonly tolerance: number },
): readonly GoldenCase[] =>
  (file as { readonly cases: readonly LayerCase[] }).cases.map((golden) => ({
    name: golden.name,
    run: () => {
      const model = layerOfConfig(golden.layer, golden.config)
      const loss = lossOf(golden.loss, golden.lossConfig)
      if (model === undefined || loss === undefined) return notSupported(`${golden.layer} with ${golden.loss}`)
      return { _tag: 'compared', error: check(golden, model, loss, backend), tolerance }
    },
  }))

/**
 * Transposed convolution of any rank: the adjoint of a convolution in its input, as a layer. n sample · c input channel ·
 * o output channel · t input position.
 */
import { foldIn, type Key } from '../../sampling/key.js'
import type { Backend } from '../../tensor/backend/backend.js'
import { type Shape, shapeError, sizeOf } from '../../tensor/shape.js'
import type { Tensor } from '../../tensor/tensor.js'
import { reshape } from '../../tensor/view.js'
import { groupedAffine } from '../grouped.js'
import { type LayerRule, layer, lazy, type Pullback } from '../layer.js'
import { addNorms } from '../norm-sums.js'
import { fanInUniform } from './initialise.js'

/** weight [c, o/groups, k…]; bias [o] unless left out. */
export type ConvTransposeParams = { readonly weight: Tensor; readonly bias?: Tensor }

/** The window, an entry for each axis. */
export interface TransposedWindow {
  readonly kernel: readonly number[]
  readonly stride: readonly number[]
  readonly padding: readonly number[]
  readonly dilation: readonly number[]
  readonly outputPadding: readonly number[]
  readonly groups: number
}

/** The convolution whose adjoint is taken, which has no bias: y ↦ x. */
export interface Transposable<C> {
  readonly rule: LayerRule<ConvTransposeParams, C>
  /** What the convolution would keep of y. */
  readonly cacheOf: (backend: Backend, y: Tensor) => C
  /** The same for so many y of a shape, where only the shape is read. */
  readonly shapesOf: (count: number, y: Shape) => C
}

/** The shape of one output sample, or a ShapeError. */
const outputShape = (name: string, outputChannels: number, window: TransposedWindow, input: Shape): Shape => {
  const { kernel, stride, padding, dilation, outputPadding, groups } = window
  const [channels, ...extents] = input as readonly [number, ...number[]]
  const each = [kernel, stride, padding, dilation, outputPadding]
  const whole = [...kernel, ...stride, ...dilation].every((value) => Number.isSafeInteger(value) && value >= 1)
  const padded = [...padding, ...outputPadding].every((value) => Number.isSafeInteger(value) && value >= 0)
  const fits = outputPadding.every((value, axis) => value < (stride[axis] as number))
  if (!whole || !padded || !fits || each.some(({ length }) => length !== kernel.length))
    throw shapeError(`${name}: no such window`, ...each)
  if (extents.length !== kernel.length || channels % groups !== 0 || outputChannels % groups !== 0)
    throw shapeError(
      `${name} (groups ${groups}): needs channels that the groups divide, and ${kernel.length} axes`,
      input,
    )
  const output = extents.map(
    (extent, axis) =>
      (extent - 1) * (stride[axis] as number) -
      2 * (padding[axis] as number) +
      (dilation[axis] as number) * ((kernel[axis] as number) - 1) +
      (outputPadding[axis] as number) +
      1,
  )
  if (!output.every((extent) => extent >= 1)) throw shapeError(`${name}: nothing is left of the output`, input, output)
  return [outputChannels, ...output]
}

/** [o] as [o, 1, …], to meet [n, o, …]. */
const perChannel = (bias: Tensor, rank: number): Tensor => reshape([...bias.shape, ...new Array(rank).fill(1)])(bias)

/**
 * The adjoint of a convolution, with a bias.
 *
 *   ⟨y, z⟩ = ⟨x, convolution z⟩ for all z      gW: input and cotangent change places      gb = Σ gy
 *
 * @internal
 */
export const transposedConvolution = <C>(
  outputChannels: number,
  {
    name,
    window,
    bias,
    convolution: { rule, cacheOf, shapesOf },
  }: {
    readonly name: string
    readonly window: TransposedWindow
    readonly bias: boolean
    readonly convolution: Transposable<C>
  },
): LayerRule<ConvTransposeParams, Tensor> => {
  const outputOf = (input: Shape): Shape => outputShape(name, outputChannels, window, input)
  const channelSums = (backend: Backend, gy: Tensor): Tensor =>
    backend.sum(
      gy,
      window.kernel.map((_, axis) => axis + 2),
    )
  const pullback = (
    backend: Backend,
    params: ConvTransposeParams,
    x: Tensor,
    gy: Tensor,
  ): Pullback<ConvTransposeParams> => {
    const pulled = lazy(() => rule.pullback(backend, { weight: params.weight }, cacheOf(backend, gy), x))
    const gb = lazy(() => channelSums(backend, gy))
    const withBias = (weight: Tensor, of: (sums: Tensor) => Tensor): ConvTransposeParams => ({
      weight,
      ...(params.bias === undefined ? {} : { bias: of(gb()) }),
    })
    return {
      inputGrad: lazy(() => rule.forward(backend, { weight: params.weight }, gy)[0]),
      perSampleGrad: lazy(() => withBias(pulled().perSampleGrad().weight, (sums) => sums)),
      squaredNorm: lazy(() => {
        const ofWeight = pulled().squaredNorm()
        return params.bias === undefined ? ofWeight : addNorms(ofWeight, backend.rowDots(gb(), gb()))
      }),
      weightedGrad: (by) => withBias(pulled().weightedGrad(by).weight, (sums) => backend.weightedRowSum(by, sums)),
      grouped: (labels) =>
        groupedAffine(
          backend,
          labels,
          { squaredNorm: () => pulled().squaredNorm(), weightedGrad: (by) => pulled().weightedGrad(by) },
          gb,
        ),
    }
  }
  return layer<ConvTransposeParams, Tensor>({
    name,
    init: (k: Key, input: Shape) => {
      const output = outputOf(input)
      const weight = [input[0] as number, outputChannels / window.groups, ...window.kernel]
      const fanIn = sizeOf(weight.slice(1))
      return {
        params: {
          weight: fanInUniform({ shape: weight, fanIn })(foldIn(0)(k)),
          ...(bias ? { bias: fanInUniform({ shape: [outputChannels], fanIn })(foldIn(1)(k)) } : {}),
        },
        output,
      }
    },
    forward: (backend, params, x) => {
      const [n, ...input] = x.shape as readonly [number, ...number[]]
      const output = outputOf(input)
      if (params.weight.shape[0] !== input[0])
        throw shapeError(`${name}: input and weight do not fit`, x.shape, params.weight.shape)
      const y = rule.backward(backend, params, shapesOf(n, output), x)
      const rank = window.kernel.length
      return [params.bias === undefined ? y : backend.zip('add', y, perChannel(params.bias, rank)), x]
    },
    backward: (backend, params, x, gy) => pullback(backend, params, x, gy).inputGrad(),
    perSampleGrad: (backend, params, x, gy) => pullback(backend, params, x, gy).perSampleGrad(),
    perSampleSquaredNorm: (backend, params, x, gy) => {
      const weightOnly = { weight: params.weight }
      const ofWeight = rule.perSampleSquaredNorm(backend, weightOnly, cacheOf(backend, gy), x)
      if (params.bias === undefined) return ofWeight
      const gb = channelSums(backend, gy)
      return addNorms(ofWeight, backend.rowDots(gb, gb))
    },
    weightedGrad: (backend, params, x, gy, by) => {
      const weightOnly = { weight: params.weight }
      const ofWeight = rule.weightedGrad(backend, weightOnly, cacheOf(backend, gy), x, by)
      if (params.bias === undefined) return ofWeight
      return { ...ofWeight, bias: backend.weightedRowSum(by, channelSums(backend, gy)) }
    },
    pullback,
  })
}

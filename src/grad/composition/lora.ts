/**
 * Low-rank adapters: a frozen layer, and a trained correction of low rank beside it.
 */
import { scalar, type Tensor } from '../../tensor/tensor.js'
import { type EmptyTree, type Tree, zerosLike } from '../../tensor/tree.js'
import { type AnyLayer, type LayerRule, withoutParams } from '../layer.js'
import { type Conv1dOptions, type Conv1dParams, conv1d } from '../layers/conv1d.js'
import { type Conv2dOptions, type Conv2dParams, conv2d } from '../layers/conv2d.js'
import { type Conv3dOptions, type Conv3dParams, conv3d } from '../layers/conv3d.js'
import { type LinearParams, linear } from '../layers/linear.js'
import { inForm } from './form.js'
import { frozen } from './frozen.js'
import { parallel } from './parallel.js'
import { sequential } from './sequential.js'

/** down V [r, i], up U [o, r]: what is trained. Of convolutions down [r, c, k…], up [o, r, 1, …]. */
export type LoraParams = { readonly down: Tensor; readonly up: Tensor }

/** The settings of the low-rank adapters. */
export interface LoraOptions {
  /** r. */
  readonly rank: number
  /** α: the correction is multiplied by α / r. Default r. */
  readonly alpha?: number
}

/** c·x. */
const times = (factor: number): LayerRule<EmptyTree, null> => {
  const c = scalar(factor, 'float64')
  return withoutParams({
    name: `times(${factor})`,
    output: (input) => input,
    forward: (backend, x) => [backend.zip('mul', x, c), null],
    backward: (backend, _none, gy) => backend.zip('mul', gy, c),
  })
}

/** A rule with one weight. */
type Weight = { readonly weight: Tensor }

/** U V x, of rank r, times α/r. It starts as zeros, U being 0. @internal */
export const lowRank = (
  name: string,
  { rank, alpha = rank }: LoraOptions,
  [down, up]: readonly [down: AnyLayer, up: AnyLayer],
): LayerRule<LoraParams, unknown> => {
  type Both = readonly [Weight, Weight, EmptyTree]
  const rule = inForm<LoraParams, Both>({
    name,
    into: (params) => [{ weight: params.down }, { weight: params.up }, {}],
    from: ([first, second]) => ({ down: first.weight, up: second.weight }),
  })(sequential(down, up, times(alpha / rank) as unknown as AnyLayer) as unknown as LayerRule<Both, unknown>)
  return {
    ...rule,
    init: (k, input) => {
      const made = rule.init(k, input)
      return { ...made, params: { ...made.params, up: zerosLike(made.params.up) } }
    },
  }
}

/** A fixed layer and its correction. */
const beside = (
  name: string,
  fixed: AnyLayer,
  correction: LayerRule<LoraParams, unknown>,
): LayerRule<LoraParams, unknown> => {
  type Both = readonly [EmptyTree, LoraParams]
  return inForm<LoraParams, Both>({
    name,
    into: (params) => [{}, params],
    from: ([, params]) => params,
  })(parallel()(fixed, correction as unknown as AnyLayer) as unknown as LayerRule<Both, unknown>)
}

const fix = <P extends Tree, C>(params: P, rule: LayerRule<P, C>): AnyLayer =>
  frozen(params)(rule) as unknown as AnyLayer

/**
 * An affine layer with fixed parameters and a trained correction of rank r; it starts as the fixed layer, U being 0.
 *
 *   y = W x + b + (α/r) U V x     gU = (α/r) Σₜ gyₜ (V xₜ)ᵀ     gV = (α/r) Σₜ (Uᵀ gyₜ) xₜᵀ
 *
 * Shapes     x [n, …, i] → y [n, …, o]; down [r, i], up [o, r]
 * Cost       norms as for two `linear` layers of width r; no gradient of W is computed, and no noise is added to it
 * Guarantee  no norm is shorter, by rounding, than the sample's share of a weighted sum
 * Reference  Hu et al. 2022, arXiv:2106.09685; Yu et al. 2022, arXiv:2110.06500 (under privacy)
 *
 * @example
 * const base = linear(4).init(key(0), [6]).params
 * namedLeaves(loraLinear(base, { rank: 2 }).init(key(1), [6]).params).map(({ path }) => path) // => ['down', 'up']
 */
export const loraLinear = (base: LinearParams, options: LoraOptions): LayerRule<LoraParams, unknown> => {
  const outputs = base.weight.shape[0] as number
  const name = `loraLinear(${outputs}, rank ${options.rank})`
  const affine = (features: number): AnyLayer => linear(features, { bias: false }) as unknown as AnyLayer
  return beside(
    name,
    fix(base, linear(outputs, { bias: base.bias !== undefined })),
    lowRank(name, options, [affine(options.rank), affine(outputs)]),
  )
}

/**
 * A convolution of sequences with fixed parameters and a trained correction of rank r: a convolution to r channels, and one
 * of kernel 1 from them. See `loraConv2d`.
 *
 * @example
 * const base = conv1d(4, { kernel: 3 }).init(key(0), [6, 9]).params
 * loraConv1d(base, { kernel: 3 }, { rank: 2 }).init(key(1), [6, 9]).params.down.shape // => [2, 6, 3]
 */
export const loraConv1d = (
  base: Conv1dParams,
  convolution: Conv1dOptions,
  options: LoraOptions,
): LayerRule<LoraParams, unknown> => loraConvolution(1, base, convolution, options, conv1d as never)

/**
 * A convolution of images with fixed parameters, and a trained correction of rank r beside it; it starts as the fixed layer.
 *
 *   y = conv(W, x) + b + (α/r) U conv(V, x)      V has r channels, U kernel 1; neither a bias nor groups
 *
 * Shapes     those of the convolution, whose options are given again; down [r, c, kh, kw], up [o, r, 1, 1]
 * Cost       norms as for two convolutions of r channels; no gradient of W is computed, and no noise is added to it
 * Guarantee  no norm is shorter, by rounding, than the sample's share of a weighted sum
 * Reference  Hu et al. 2022, arXiv:2106.09685, as their code has it for convolutions
 *
 * @example
 * const base = conv2d(4, { kernel: 3 }).init(key(0), [6, 5, 5]).params
 * loraConv2d(base, { kernel: 3 }, { rank: 2 }).init(key(1), [6, 5, 5]).params.up.shape // => [4, 2, 1, 1]
 */
export const loraConv2d = (
  base: Conv2dParams,
  convolution: Conv2dOptions,
  options: LoraOptions,
): LayerRule<LoraParams, unknown> => loraConvolution(2, base, convolution, options, conv2d as never)

/**
 * A convolution of volumes with fixed parameters and a trained correction of rank r. See `loraConv2d`.
 *
 * @example
 * const base = conv3d(4, { kernel: 2 }).init(key(0), [6, 3, 3, 3]).params
 * loraConv3d(base, { kernel: 2 }, { rank: 1 }).init(key(1), [6, 3, 3, 3]).output // => [4, 2, 2, 2]
 */
export const loraConv3d = (
  base: Conv3dParams,
  convolution: Conv3dOptions,
  options: LoraOptions,
): LayerRule<LoraParams, unknown> => loraConvolution(3, base, convolution, options, conv3d as never)

/** The same for convolutions of any rank. */
const loraConvolution = (
  axes: number,
  base: Conv2dParams,
  { groups, ...convolution }: Conv1dOptions | Conv2dOptions | Conv3dOptions,
  options: LoraOptions,
  make: (channels: number, options: object) => LayerRule<Conv2dParams, unknown>,
): LayerRule<LoraParams, unknown> => {
  const outputs = base.weight.shape[0] as number
  const name = `loraConv${axes}d(${outputs}, rank ${options.rank})`
  const whole = make(outputs, {
    ...convolution,
    ...(groups === undefined ? {} : { groups }),
    bias: base.bias !== undefined,
  })
  return beside(
    name,
    fix(base, whole),
    lowRank(name, options, [
      make(options.rank, { ...convolution, bias: false }) as unknown as AnyLayer,
      make(outputs, { kernel: 1, bias: false }) as unknown as AnyLayer,
    ]),
  )
}

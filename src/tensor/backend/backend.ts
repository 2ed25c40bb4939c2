/**
 * The whole numeric surface that a device must supply.
 *
 * Contract of every operation
 * - Inputs are any views (strided, broadcast, offset) of any dtype; they are never written to.
 * - The result is a fresh row-major tensor in the backend's `dtype`, unless the operation says otherwise.
 * - An extent of 0 is an extent like others: an empty batch gives an empty result, or zeros where the batch is summed.
 * - Every operation agrees with the reference backend: float64 to 1e-12, float32 to 1e-5, relative to the sum of the
 *   absolute values of the terms that make up an element.
 *   In a convolution the terms are those of planes and filters that are everywhere as large as where they are largest, since
 *   filtering mixes neighbours.
 * - NaN and infinities flow through as IEEE 754 says; no operation turns one into a number, save `relu` and the
 *   comparisons, of which nothing is promised.
 * - Shapes that do not fit throw a ShapeError.
 * - An operation that is given `then` makes what `map(then, …)` would make of its y, to the last bit.
 * - In a convolution, zeros of padding or stride may be multiplied, so an infinity may become NaN and a NaN may spread, but
 *   only within its sample.
 *
 * Index legend: n sample · c input channel · o output channel · h, w pixel · oh, ow output pixel · g group.
 */
import type { Shape } from '../shape.js'
import type { Tensor } from '../tensor.js'
import type { Tree } from '../tree.js'
import type { Convolution2d, Window2d } from '../window.js'

/** Functions of one number. */
export type UnaryOp =
  | 'neg'
  | 'abs'
  | 'exp'
  | 'log'
  | 'sqrt'
  | 'square'
  | 'reciprocal'
  | 'relu'
  | 'tanh'
  | 'sigmoid'
  /** x Φ(x), with Φ the standard normal distribution function. */
  | 'gelu'

/**
 * Functions of two numbers. The last four are cotangents through an activation, given its cotangent a = gy and its
 * *output* b = y: reluGrad a·[b > 0], tanhGrad a·(1 − b²), sigmoidGrad a·b·(1 − b); save geluGrad, which is given the
 * *input* b = x: a·(Φ(b) + b φ(b)).
 */
export type BinaryOp =
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'max'
  | 'min'
  | 'reluGrad'
  | 'tanhGrad'
  | 'sigmoidGrad'
  | 'geluGrad'

/** Rows, columns to add at each edge of the last two axes. */
export interface Padding2d {
  readonly top: number
  readonly bottom: number
  readonly left: number
  readonly right: number
}

/** A scale γ [c] and a shift β [c] of each channel, where there are any. */
export interface ChannelAffine {
  readonly weight?: Tensor
  readonly bias?: Tensor
}

/** An activation that a cotangent goes through first: the function of both, and the activation's output. */
export interface Through {
  readonly op: BinaryOp
  readonly y: Tensor
}

/** The means μ of the groups of channels of each sample, and 1/√(σ² + ε): [n, g]. */
export interface GroupStatistics {
  readonly mean: Tensor
  readonly inverseDeviation: Tensor
}

/** Where filtering (Winograd's) saves products of a convolution: what the gradients of its weight cost, and how they round. */
export interface Filtering {
  /** Multiply-adds, or what takes as long, that form the gradient of a sample, and that are its part of a weighted sum. */
  readonly form: number
  readonly contract: number
  /**
   * A sample's part of conv2dWeightedGrad is within `amplification` · γ · √A of the exact one, where γ is the error of a sum of so many
   * `terms` and A = kh kw ‖x‖² ‖gy‖².
   */
  readonly amplification: number
  readonly terms: number
}

/** Thrown through the body of a scope that needs more memory than there is, before it is taken. */
export interface MemoryLimit extends RangeError {
  readonly name: 'MemoryLimit'
  /** Bytes, as far as the scope came. */
  readonly needed: number
  readonly limit: number
}

/** What a layer computes: its output, the cotangent of its input, the gradients of its parameters, their norms, their sum. */
export interface LayerWork {
  readonly layer: string
  readonly params: Tree
  readonly reading: 'forward' | 'backward' | 'gradients' | 'norm' | 'sum'
  /** How a layer of products comes by its norms. */
  readonly norm?: string
}

/** What a body made of some tensors, and what makes the same of others. */
export interface Recording<A> {
  /** Of the tensors that came last. */
  readonly result: A
  /**
   * Has `result` hold what the body makes of these inputs. False where they differ from the first in shape or dtype, or where the
   * scope of the recording has ended. Missing where the body has to be run instead.
   */
  readonly again?: (inputs: readonly Tensor[]) => boolean
}

/** What computes: every operation on tensors that the library needs, with the contract that each implementation keeps. */
export interface Backend {
  readonly name: string
  /** The dtype of results. */
  readonly dtype: 'float32' | 'float64'

  /**
   * Runs a body whose temporaries share one arena. What the body returns (tensors within records and arrays) is copied
   * out; every other tensor that it made must not be used afterwards. The body must be pure: it may be run again. Scopes
   * nest. A backend without an arena just runs the body.
   */
  readonly scope: <A>(body: () => A) => A

  /**
   * Told of a tensor that an operation of the innermost scope made and that nobody reads any more, under any view: its memory
   * may serve another. A backend whose memory is collected needs none of this.
   */
  readonly release?: (t: Tensor) => void

  /** Bytes that the tensors of a scope may take, where there is such a limit. A scope that needs more throws a `MemoryLimit`. */
  readonly memoryLimit?: number

  /**
   * Runs a body that is a function of these tensors, so that what it asked of the backend can be asked again for others. What the
   * body works on besides does not change.
   */
  readonly record?: <A>(inputs: readonly Tensor[], body: (inputs: readonly Tensor[]) => A) => Recording<A>

  /** Where there is one, layers tell it who computes: their name, their parameters, and what is read. It runs the body. */
  readonly within?: <A>(work: LayerWork, body: () => A) => A

  /** f of every element. */
  readonly map: (op: UnaryOp, x: Tensor) => Tensor
  /** f of every pair of elements, broadcast against each other. */
  readonly zip: (op: BinaryOp, a: Tensor, b: Tensor, then?: UnaryOp) => Tensor

  /** Matrix products of the last two axes, [..., m, k]·[..., k, p] → [..., m, p]; leading axes broadcast. */
  readonly matmul: (a: Tensor, b: Tensor) => Tensor
  /** x Wᵀ + b: x [r, i], W [o, i], b [o] → [r, o]. The same bits as `matmul` and an addition. */
  readonly affine: (x: Tensor, weight: Tensor, bias: Tensor | undefined, then?: UnaryOp) => Tensor

  /** Sum over the given axes, which disappear. */
  readonly sum: (x: Tensor, axes: readonly number[]) => Tensor
  /** Σ over all axes but the first of a·b: [n, …], [n, …] → [n], float64 whatever the dtype, accumulated in float64. */
  readonly rowDots: (a: Tensor, b: Tensor) => Tensor
  /** Σ of rowDots(x, x), in their order, of at least one x: the same bits, from one pass. */
  readonly rowNorms?: (xs: readonly [Tensor, ...Tensor[]]) => Tensor
  /** Σᵢ wᵢ xᵢ: [n], [n, …] → […]. A weight is rounded towards zero, never away. */
  readonly weightedRowSum: (weight: Tensor, x: Tensor) => Tensor
  /** weightedRowSum of each, the same bits, from one pass. */
  readonly weightedRowSums?: (weight: Tensor, xs: readonly Tensor[]) => readonly Tensor[]
  /**
   * wᵢ xᵢ: [n], [n, …] → [n, …]. A weight is rounded towards zero, never away; a product below the smallest normal number
   * is 0.
   */
  readonly scaleRows: (weight: Tensor, x: Tensor) => Tensor

  /** Zeros around the last two axes. Its adjoint is a slice. */
  readonly pad2d: (x: Tensor, padding: Padding2d) => Tensor

  /**
   * Normalises each group of channels of each sample over its channels and pixels, then scales and shifts each channel:
   * x̂ = (x − μ)/√(σ² + ε), y = γ x̂ + β, for x [n, c, …]. Rounding is relative to the largest |x| of the group over √(σ² + ε).
   * The groups must divide the channels; a group without numbers has mean and variance 0.
   */
  readonly groupNorm: (
    x: Tensor,
    normalisation: { readonly groups: number; readonly epsilon: number },
    affine: ChannelAffine,
    then?: UnaryOp,
  ) => GroupStatistics & { readonly y: Tensor }
  /**
   * The adjoint of groupNorm, for gy [n, c, …]: the cotangent of x, and those of γ and β for each sample, Σ gy x̂ and Σ gy over
   * pixels, [n, c] (whether there are γ and β or not). Through an activation behind it, whose output is y and whose cotangent
   * is gy, it is that of zip(op, gy, y), to the last bit.
   */
  readonly groupNormGrad: (
    x: Tensor,
    gy: Tensor,
    weight: Tensor | undefined,
    statistics: GroupStatistics,
    through?: Through,
  ) => { readonly gx: Tensor; readonly ofWeight: Tensor; readonly ofBias: Tensor }

  /** Cross-correlation: x [n, c, h, w], weight [o, c/groups, kh, kw], bias [o] → [n, o, oh, ow]. */
  readonly conv2d: (
    x: Tensor,
    weight: Tensor,
    bias: Tensor | undefined,
    convolution: Convolution2d,
    then?: UnaryOp,
  ) => Tensor
  /** The adjoint of conv2d in x: gy [n, o, oh, ow] → [n, c, h, w] = `input`. */
  readonly conv2dInputGrad: (gy: Tensor, weight: Tensor, convolution: Convolution2d, input: Shape) => Tensor
  /** The adjoint of conv2d in weight, one sample at a time: → [n, o, c/groups, kh, kw]. */
  readonly conv2dPerSampleGrad: (x: Tensor, gy: Tensor, convolution: Convolution2d) => Tensor
  /** conv2dPerSampleGrad, and the squared norms [n] of its rows, float64, from one pass through memory. */
  readonly conv2dNormedGrad?: (
    x: Tensor,
    gy: Tensor,
    convolution: Convolution2d,
  ) => { readonly grad: Tensor; readonly squaredNorm: Tensor }
  /** Squared norms of the rows of conv2dPerSampleGrad, which are not kept: → [n], float64. */
  readonly conv2dSquaredNorm: (x: Tensor, gy: Tensor, convolution: Convolution2d) => Tensor
  /**
   * The same from inner products of pixels and of cotangents, and where `one` is 1 with the squared norms of gy summed over
   * its pixels, which is the gradient of a bias. Cheaper where there are many channels and few pixels: → [n], float64.
   */
  readonly conv2dGramSquaredNorm: (x: Tensor, gy: Tensor, one: 0 | 1, convolution: Convolution2d) => Tensor
  /** Σᵢ wᵢ · row i of conv2dPerSampleGrad, as one contraction: → [o, c/groups, kh, kw]. Weights are rounded
   * towards zero. */
  readonly conv2dWeightedGrad: (x: Tensor, gy: Tensor, weight: Tensor, convolution: Convolution2d) => Tensor
  /**
   * How the gradients of a convolution's weight are filtered, where they are: x [n, c, h, w] = `input`, gy [n, o, oh, ow] = `output`.
   * Undefined where they are sums of products, as defined.
   */
  readonly filtering?: (convolution: Convolution2d, input: Shape, output: Shape) => Filtering | undefined

  /**
   * Maximum of each window, and where it was found: `argmax` (int32, [n, c, oh, ow]) is the position y·w + x in the
   * plane of the input, the first of equals. Padding never wins. A window that holds a NaN gives NaN, at the NaN's place; one that
   * holds padding alone throws a ShapeError.
   */
  readonly maxPool2d: (x: Tensor, window: Window2d) => { readonly y: Tensor; readonly argmax: Tensor }
  /** The adjoint of maxPool2d at the places it chose: gy [n, c, oh, ow] → `input` = [n, c, h, w]. */
  readonly maxPool2dGrad: (gy: Tensor, argmax: Tensor, input: Shape) => Tensor
  /** Mean of each window; padding counts as zeros (PyTorch's count_include_pad). */
  readonly avgPool2d: (x: Tensor, window: Window2d) => Tensor
  /** The adjoint of avgPool2d. */
  readonly avgPool2dGrad: (gy: Tensor, window: Window2d, input: Shape) => Tensor
}

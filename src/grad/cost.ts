/**
 * What the ways to a norm cost, and which is the cheapest. Costs are in multiply-adds for one sample; a byte that goes to memory
 * and back to a kernel takes about as long as one of them. n sample · t position · i input · o output.
 *
 * A gradient is a sum of outer products over positions, g = Σₜ gyₜ aₜᵀ, and its norm is had in one of two ways:
 * - `gram`: ‖g‖² = Σₛₜ ⟨aₛ, aₜ⟩⟨gyₛ, gyₜ⟩; nothing as large as g is formed.
 * - `form`: g is formed, and its squares are added up.
 * The weighted sum that follows contracts positions and samples at once; where g was formed it can be kept for it instead. A backend
 * that filters a convolution needs fewer products for both (see `Filtering`).
 */
import type { Filtering } from '../tensor/backend/backend.js'
import type { Shape } from '../tensor/shape.js'
import { sizeOf } from '../tensor/shape.js'
import type { Convolution2d } from '../tensor/window.js'

/** The ways to the norm and the weighted gradient of a layer, for one sample. */
export interface GradientCosts {
  /** Multiply-adds of the norm in the Gram form. */
  readonly gram: number
  /** Multiply-adds that form the gradient and forget it. */
  readonly form: number
  /** Those that form it to be kept, and those of the contraction that makes the weighted sum without it. */
  readonly keep: number
  readonly contract: number
  /** Numbers of the gradient. */
  readonly gradient: number
  /** Numbers of the input and of the cotangent, which the pass holds anyway. */
  readonly operands: number
}

/** A kept gradient is written, and read for its norm and for the weighted sum. */
const BYTES_OF_KEEPING = 12
/** To begin a run of additions of shifted inner products takes as long as so many multiply-adds. */
const RUN_START = 400

/** Numbers that a layer may keep for each that its operands hold. */
const KEPT_TO_OPERANDS = 3

/** Numbers that a layer may keep in any case: 16 MiB of float32. */
export const keptNumbersLimit: number = 2 ** 22

/**
 * The costs of y = W x at so many positions.
 *
 *   gram = t² (i + o + 1)      form = t i o
 *
 * @example
 * affineCosts({ positions: 2, inputs: 3, outputs: 5 }).gram // => 36
 */
export const affineCosts = ({
  positions: t,
  inputs: i,
  outputs: o,
}: {
  readonly positions: number
  readonly inputs: number
  readonly outputs: number
}): GradientCosts => {
  const form = t * i * o
  return { gram: t * t * (i + o + 1), form, keep: form, contract: form, gradient: i * o, operands: t * (i + o) }
}

/**
 * Multiply-adds of a convolution's norm in the Gram form, for one sample (see `convolutionCosts`).
 *
 * @internal
 */
export const gramMultiplyAdds = (
  { kernel, stride, padding, groups }: Omit<Convolution2d, 'dilation'>,
  input: Shape,
  output: Shape,
): number => {
  const [, c, h, w] = input as readonly [number, number, number, number]
  const [, o, oh, ow] = output as readonly [number, number, number, number]
  const room = stride[0] === 1 && stride[1] === 1 ? padding[1] : 0
  const [pixels, places, positions] = [h * (w + room), oh * (ow + room), oh * ow]
  return (pixels ** 2 * c + places ** 2 * o + groups * positions ** 2 * kernel[0] * kernel[1]) / 2
}

/**
 * The costs of a convolution: inner products of the pixels, of which the inner products of patches are sums over the kernel,
 * and of the cotangents; each pair once, group by group.
 *
 *   gram = (p² c + q² o) / 2 + g t kh kw (400 + t/2)      form = t · o · c/g · kh kw      p pixels, q positions, with room
 *                                                                                      between rows
 *
 * To keep and to contract costs as much as to form, or what the backend says of its filtering.
 *
 * Shapes  input [n, c, h, w], output [n, o, oh, ow]
 *
 * @example
 * const same: Convolution2d = { kernel: [3, 3], stride: [1, 1], padding: [1, 1], dilation: [1, 1], groups: 1 }
 * const { gram, form } = convolutionCosts(same, [1, 64, 8, 8], [1, 64, 8, 8])
 * form / gram > 4 // => true
 */
export const convolutionCosts = (
  { kernel, stride, padding, groups }: Convolution2d,
  input: Shape,
  output: Shape,
  filtering?: Filtering,
): GradientCosts => {
  const [, c] = input as readonly [number, number]
  const [, o, oh, ow] = output as readonly [number, number, number, number]
  const positions = oh * ow
  const taps = kernel[0] * kernel[1]
  const gradient = (o * c * taps) / groups
  const form = positions * gradient
  return {
    gram: gramMultiplyAdds({ kernel, stride, padding, groups }, input, output) + RUN_START * groups * positions * taps,
    form,
    keep: filtering?.form ?? form,
    contract: filtering?.contract ?? form,
    gradient,
    operands: sizeOf(input.slice(1)) + sizeOf(output.slice(1)),
  }
}

/** Is a norm cheaper in the Gram form than by forming the gradient? */
export const gramIsCheaper = ({ gram, form, gradient }: GradientCosts): boolean => gram < form + gradient

/**
 * Does it pay to form the gradients for the norm, and to keep them for the weighted sum? Only where the sum's contraction would
 * cost more than their way through memory, and they are few: no more than three times what the operands hold, or than `keptNumbersLimit`.
 * So the kept gradients of a model never need more memory than three times its activations and cotangents, or 16 MiB a layer, whatever
 * its size.
 *
 * @example
 * keepsGradients(affineCosts({ positions: 64, inputs: 8, outputs: 8 }), 256) // => true
 * @example
 * keepsGradients(affineCosts({ positions: 2, inputs: 512, outputs: 512 }), 256) // => false
 */
export const keepsGradients = (costs: GradientCosts, samples: number): boolean => {
  const { gram, form, keep, contract, gradient, operands } = costs
  const apart = Math.min(gram, form + gradient) + contract
  const together = keep + (2 + BYTES_OF_KEEPING) * gradient
  return together < apart && samples * gradient <= Math.max(keptNumbersLimit, KEPT_TO_OPERANDS * samples * operands)
}

/**
 * How a layer comes by the norms of its gradients: `rank one`, the product of two norms, where there is one position; `gram`; `form`,
 * the gradient formed and forgotten; `keep`, formed and kept for the weighted sum.
 */
export type NormWay = 'rank one' | 'gram' | 'form' | 'keep'

/**
 * The way that book-keeping takes for so many samples.
 *
 * @example
 * normWay(affineCosts({ positions: 64, inputs: 8, outputs: 8 }), 256) // => 'keep'
 */
export const normWay = (costs: GradientCosts, samples: number): Exclude<NormWay, 'rank one'> =>
  keepsGradients(costs, samples) ? 'keep' : gramIsCheaper(costs) ? 'gram' : 'form'

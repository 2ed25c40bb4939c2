/**
 * Where a tensor lies. What a scope of a backend makes stays in the memory of a device until the scope ends; the few operations
 * of clipped sums, mechanisms and optimizers on such tensors are done by that device, by all of its threads, where they are.
 *
 * Guarantee  the loops in JavaScript are their slow twins, bit for bit: where a tensor lies cannot be told from a result
 */
import type { Program } from './formula.js'
import { ShapeEq } from './shape.js'
import { size, storageOf, type Tensor } from './tensor.js'

/** Where a block cipher begins: the key of Threefry-2x32, or the 16 words of ChaCha20's first block. */
export interface CipherState {
  readonly cipher: 'threefry' | 'chacha20'
  readonly words: readonly number[]
}

/** What the device can do for tensors of float32 in its memory. Each number is found in float64 and rounded once. */
export interface Home {
  /** factor · x */
  readonly scale: (factor: number, x: Tensor) => Tensor
  /** a·x + b·y */
  readonly combine: (a: number, x: Tensor, b: number, y: Tensor) => Tensor
  /** x + deviation · z, where z are the standard normal variates of a cipher's 64-bit words, from the first on. */
  readonly addNormals: (x: Tensor, deviation: number, state: CipherState) => Tensor
  /** The results of a program whose inputs are these. */
  readonly compute: (program: Program, inputs: readonly [Tensor, ...Tensor[]]) => readonly Tensor[]
  /** Is no number of x infinite or NaN? */
  readonly allFinite: (x: Tensor) => boolean
}

/** By buffer: a memory that grows has several. */
const homes = new WeakMap<ArrayBufferLike, () => Home>()

/** Says which device the tensors in a buffer are at home in. @internal */
export const settle = (buffer: ArrayBufferLike, home: () => Home): void => {
  homes.set(buffer, home)
}

/** Fewer numbers are done sooner than another thread is told of them. */
const FEW = 2048

/**
 * The device in whose memory one of the tensors lies, where there is one and the tensors are many float32 numbers of one shape.
 *
 * @internal
 */
export const homeOf = (...tensors: readonly [Tensor, ...Tensor[]]): Home | undefined => {
  const [{ shape }] = tensors
  if (size(tensors[0]) < FEW || !tensors.every((t) => t.dtype === 'float32' && ShapeEq.equals(shape, t.shape)))
    return undefined
  const lying = tensors.find((t) => homes.has(storageOf(t).buffer))
  return lying === undefined ? undefined : homes.get(storageOf(lying).buffer)?.()
}

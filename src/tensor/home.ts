/**
 * Where a tensor lies. What a scope of a backend makes stays in the memory of a device until the scope ends; the few operations
 * of clipped sums, mechanisms and optimizers on such tensors are done by that device, by all of its threads, where they are.
 *
 * Guarantee  the loops in JavaScript are their slow twins, bit for bit: where a tensor lies cannot be told from a result
 */
import type { Program } from './formula.js'
import { ShapeEq } from './shape.js'
import { placeOf, type Storage, type Tensor } from './tensor.js'

/** Where a block cipher begins: the key of Threefry-2x32, or the 16 words of ChaCha20's first block. */
export interface CipherState {
  readonly cipher: 'threefry' | 'chacha20'
  readonly words: readonly number[]
}

/** What the device can do for tensors in its memory, float32 but where it says more. Each number is found in float64 and rounded once. */
export interface Home {
  /** factor · x of each. */
  readonly scale: (factor: number, xs: readonly Tensor[]) => readonly Tensor[]
  /** a·x + b·y */
  readonly combine: (a: number, x: Tensor, b: number, y: Tensor) => Tensor
  /** into + factor · all numbers of the xs, one tensor after another: [N] → [N]. */
  readonly add: (into: Tensor, factor: number, xs: readonly Tensor[]) => Tensor
  /** x + deviation · z, where z are the standard normal variates of a cipher's 64-bit words, from the first on. */
  readonly addNormals: (x: Tensor, deviation: number, state: CipherState) => Tensor
  /** The results of a program whose inputs are these, all float32 or all float64, as its results are. */
  readonly compute: (program: Program, inputs: readonly [Tensor, ...Tensor[]]) => readonly Tensor[]
  /** Is no number of these infinite or NaN? */
  readonly allFinite: (xs: readonly Tensor[]) => boolean
}

/** By buffer: a memory that grows has several. */
const homes = new WeakMap<ArrayBufferLike, () => Home>()

/** Says which device the tensors in a buffer are at home in. @internal */
export const settle = (buffer: ArrayBufferLike, home: () => Home): void => {
  homes.set(buffer, home)
}

/** Does it lie in the memory of a device? There it may be yet to be written, or be written over when a scope ends. @internal */
export const isAtHome = (data: Storage): boolean => !ArrayBuffer.isView(data) || homes.has(data.buffer)

/** The device in whose memory one of the tensors lies, where there is one. */
const homeAmong = (tensors: readonly Tensor[]): Home | undefined => {
  const lying = tensors.find((t) => homes.has(placeOf(t).buffer))
  return lying === undefined ? undefined : homes.get(placeOf(lying).buffer)?.()
}

/** The device in whose memory one of the tensors lies, where there is one and all are of this type and of one shape. @internal */
export const homeIn = (dtype: 'float32' | 'float64', ...tensors: readonly [Tensor, ...Tensor[]]): Home | undefined => {
  const [{ shape }] = tensors
  return tensors.every((t) => t.dtype === dtype && ShapeEq.equals(shape, t.shape)) ? homeAmong(tensors) : undefined
}

/** The device in whose memory one of the tensors lies, where there is one and all are float32. @internal */
export const homeOfAll = (tensors: readonly Tensor[]): Home | undefined =>
  tensors.every((t) => t.dtype === 'float32') ? homeAmong(tensors) : undefined

/** The device in whose memory one of the tensors lies, where there is one and all are float32 and of one shape. @internal */
export const homeOf = (...tensors: readonly [Tensor, ...Tensor[]]): Home | undefined => homeIn('float32', ...tensors)

/**
 * Arithmetic on single leaves. Every loop runs on Float64Array, whatever the dtypes of the leaves: V8 then compiles each
 * loop for one kind of array, and a float32 result is rounded once.
 */
import { homeOf } from '../tensor/home.js'
import { ShapeEq, shapeError } from '../tensor/shape.js'
import { allocate, contiguous, type DType, size, storageOf, type Tensor, unsafeTensor } from '../tensor/tensor.js'

/** Reads the inputs, fills the outputs; all have one length. Sees a leaf in parts, so it works element by element. */
export type LeafKernel = (inputs: readonly Float64Array[], outputs: readonly Float64Array[]) => void

/** Fresh memory costs more than arithmetic, so what is not float64 goes through pieces that stay in the cache. */
const PIECE = 4096

/**
 * Runs a kernel over leaves of one shape; output k has the k-th dtype.
 *
 * Cost  float64: no copy. Other dtypes: O(1) memory beside the outputs.
 *
 * @throws ShapeError when the inputs differ in shape
 * @internal
 */
export const overLeaves = (
  kernel: LeafKernel,
  inputs: readonly [Tensor, ...Tensor[]],
  dtypes: readonly DType[],
): readonly Tensor[] => {
  const [first] = inputs
  for (const input of inputs)
    if (!ShapeEq.equals(first.shape, input.shape))
      throw shapeError('leaves of two trees: shapes differ', first.shape, input.shape)
  const length = size(first)
  const sources = inputs.map((input) => {
    const row = contiguous(input)
    return storageOf(row).subarray(row.offset, row.offset + length)
  })
  const results = dtypes.map((dtype) => allocate(dtype, length))
  if ([...sources, ...results].every((array) => array instanceof Float64Array))
    kernel(sources as Float64Array[], results as Float64Array[])
  else inPieces(kernel, sources, results, length)
  return results.map((result) => unsafeTensor(result, first.shape))
}

type Numbers = ReturnType<typeof allocate>

const inPieces = (
  kernel: LeafKernel,
  sources: readonly Numbers[],
  results: readonly Numbers[],
  length: number,
): void => {
  const room = [...sources, ...results].map(() => new Float64Array(Math.min(PIECE, length)))
  for (let start = 0; start < length; start += PIECE) {
    const end = Math.min(start + PIECE, length)
    const piece = end - start < PIECE ? room.map((array) => array.subarray(0, end - start)) : room
    const inputs = piece.slice(0, sources.length)
    const outputs = piece.slice(sources.length)
    inputs.forEach((input, k) => {
      input.set((sources[k] as Numbers).subarray(start, end))
    })
    kernel(inputs, outputs)
    results.forEach((result, k) => {
      result.set(outputs[k] as Float64Array, start)
    })
  }
}

/** a·x + b·y, in the dtype of x. @internal */
export const combine =
  (a: number, b: number) =>
  (x: Tensor, y: Tensor): Tensor => {
    const home = homeOf(x, y)
    if (home !== undefined) return home.combine(a, x, b, y)
    const [left, right] = [contiguous(x), contiguous(y)]
    if (x.dtype !== 'float32' || y.dtype !== 'float32' || !ShapeEq.equals(x.shape, y.shape))
      return overLeaves(
        ([from, and], [to]) => blend(a, from as Float64Array, b, and as Float64Array, to as Float64Array),
        [x, y],
        [x.dtype],
      )[0] as Tensor
    // The dtype of training: a loop of its own is faster than going through pieces, and rounds once as they do.
    const to = new Float32Array(size(x))
    blendFloat32(a, storageOf(left).subarray(left.offset), b, storageOf(right).subarray(right.offset), to)
    return unsafeTensor(to, x.shape)
  }

const blend = (a: number, left: Float64Array, b: number, right: Float64Array, to: Float64Array): void => {
  for (let i = 0; i < to.length; i++) to[i] = a * (left[i] as number) + b * (right[i] as number)
}

const blendFloat32 = (a: number, left: Numbers, b: number, right: Numbers, to: Float32Array): void => {
  for (let i = 0; i < to.length; i++) to[i] = a * (left[i] as number) + b * (right[i] as number)
}

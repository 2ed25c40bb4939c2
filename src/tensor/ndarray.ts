/**
 * The bridge to ndarray, for programs that use its ecosystem. Both directions copy: an ndarray can be written to, a
 * tensor never changes, and no storage is shared between the two. ndarray makes its views with `new Function`, at the first
 * one of each kind: under a strict content security policy `toNdarray` throws.
 */
import ndarray, { type NdArray } from 'ndarray'
import { sizeOf } from './shape.js'
import { allocate, copyInto, type DType, type Storage, size, type Tensor, unsafeTensor } from './tensor.js'

/** The narrowest dtype that holds what an ndarray stores. Plain arrays hold JavaScript numbers. */
const dtypeFor: Readonly<Record<string, DType>> = {
  float16: 'float32',
  float32: 'float32',
  float64: 'float64',
  int8: 'int32',
  int16: 'int32',
  int32: 'int32',
  uint8: 'uint8',
  uint8_clamped: 'uint8',
  uint16: 'uint32',
  uint32: 'uint32',
  array: 'float64',
  generic: 'float64',
}

/**
 * A row-major ndarray with the elements, the shape and the dtype of a tensor, which the caller may change.
 *
 * @example
 * toNdarray(arange(6)).get(2) // => 2
 */
export const toNdarray = (t: Tensor): NdArray<Storage> => {
  const data = allocate(t.dtype, size(t))
  copyInto(data, 0, t)
  return ndarray(data, [...t.shape])
}

/**
 * A tensor with the elements and the shape of an ndarray, as it is now.
 *
 * @throws TypeError when the ndarray holds no numbers that a tensor can hold (64-bit integers)
 * @example
 * toArray(fromNdarray(toNdarray(arange(3)))) // => [0, 1, 2]
 */
export const fromNdarray = (a: NdArray): Tensor => {
  const dtype = dtypeFor[a.dtype]
  if (dtype === undefined) throw new TypeError(`no tensor holds the numbers of an ndarray of ${a.dtype}`)
  const shape = [...a.shape]
  const out = allocate(dtype, sizeOf(shape))
  const index = shape.map(() => 0)
  for (let position = 0; position < out.length; position++) {
    out[position] = a.get(...index)
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = (index[axis] as number) + 1
      if ((index[axis] as number) < (shape[axis] as number)) break
      index[axis] = 0
    }
  }
  return unsafeTensor(out, shape)
}

/**
 * The immutable tensor: a strided view of numbers. Structurally an ndarray that nobody can write to.
 *
 * A value of this type never changes. Kernels fill buffers that they allocated and then hand them over as tensors.
 */
import { checkShape, rowMajor, type Shape, ShapeEq, shapeError, sizeOf } from './shape.js'

/** Storage types. Arithmetic happens in the dtype of the backend, whatever the dtype of its inputs. */
export type DType = 'float32' | 'float64' | 'int32' | 'uint32' | 'uint8'

/** The mutable storage behind a tensor; only kernels see it. */
export type Storage = Float32Array | Float64Array | Int32Array | Uint32Array | Uint8Array

/**
 * A strided view: element (i, j, …) is `data[offset + i·stride[0] + j·stride[1] + …]`. A stride may be 0 (broadcast) or
 * negative (reversed).
 */
export interface Tensor {
  readonly _tag: 'Tensor'
  readonly data: Readonly<ArrayLike<number>>
  readonly shape: Shape
  readonly stride: readonly number[]
  readonly offset: number
  readonly dtype: DType
}

const storages = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  uint32: Uint32Array,
  uint8: Uint8Array,
} as const

/** Fresh zeroed storage for `length` numbers of a dtype. */
export const allocate = (dtype: DType, length: number): Storage => new storages[dtype](length)

/** The dtype that a typed array stores. */
export const dtypeOf = (data: Storage): DType =>
  data instanceof Float32Array
    ? 'float32'
    : data instanceof Float64Array
      ? 'float64'
      : data instanceof Int32Array
        ? 'int32'
        : data instanceof Uint32Array
          ? 'uint32'
          : 'uint8'

/**
 * Wraps storage that the caller gives up: a row-major tensor without a copy. For kernels.
 *
 * @internal
 */
export const unsafeTensor = (data: Storage, shape: Shape): Tensor => ({
  _tag: 'Tensor',
  data,
  shape,
  stride: rowMajor(shape),
  offset: 0,
  dtype: dtypeOf(data),
})

/** Storage that a device may still have to fill, what has it do so, and the tensor of which this is true. */
interface Awaited {
  readonly storage: Storage
  readonly settle: () => void
  readonly of: Tensor
}

/** Where an awaited tensor keeps what it waits for. Of a tensor that was spread out the numbers are there, and this is not true. */
const awaited = Symbol('awaited')
type MaybeAwaited = Tensor & { readonly [awaited]?: Awaited }

const readWhenThere: PropertyDescriptor = {
  enumerable: true,
  get(this: { readonly [awaited]: Awaited }) {
    const { storage, settle } = this[awaited]
    settle()
    return storage
  },
}

/** One property alone is defined: that takes as long as all the others. */
const awaiting = (
  { storage, settle }: Pick<Awaited, 'storage' | 'settle'>,
  { shape, stride, offset, dtype }: Pick<Tensor, 'shape' | 'stride' | 'offset' | 'dtype'>,
): Tensor => {
  const own = { storage, settle, of: undefined as unknown }
  const t = { _tag: 'Tensor', shape, stride, offset, dtype, [awaited]: own }
  own.of = t
  return Object.defineProperty(t, 'data', readWhenThere) as unknown as Tensor
}

/** What a tensor waits for, if it does. */
const awaitedOf = (t: MaybeAwaited): Awaited | undefined => (t[awaited]?.of === t ? t[awaited] : undefined)

/**
 * A row-major tensor in storage that is yet to be filled: whoever reads its `data` has `settle` fill it first. For kernels that
 * run later.
 *
 * @internal
 */
export const awaitedTensor = (storage: Storage, shape: Shape, settle: () => void): Tensor =>
  awaiting({ storage, settle }, { shape, stride: rowMajor(shape), offset: 0, dtype: dtypeOf(storage) })

/** The storage behind a tensor, to be read only. For kernels. @internal */
export const storageOf = (t: Tensor): Storage => t.data as Storage

/** The storage behind a tensor, filled or not: for who asks where it is, and not what is there. @internal */
export const placeOf = (t: Tensor): Storage => awaitedOf(t)?.storage ?? (t.data as Storage)

/** The same storage under another shape. @internal */
export const viewOf = (t: Tensor, shape: Shape, stride: readonly number[], offset: number = t.offset): Tensor => {
  const { dtype } = t
  const own = awaitedOf(t)
  return own === undefined
    ? { _tag: 'Tensor', data: t.data, shape, stride, offset, dtype }
    : awaiting(own, { shape, stride, offset, dtype })
}

/** Is this value a tensor (rather than a record or an array of them)? */
export const isTensor = (value: unknown): value is Tensor =>
  typeof value === 'object' && value !== null && (value as { readonly _tag?: unknown })._tag === 'Tensor'

/** Number of elements. */
export const size = (t: Tensor): number => sizeOf(t.shape)

/** Are two tensors of one shape and dtype? @internal */
export const isAlike = (one: Tensor, other: Tensor): boolean =>
  one.dtype === other.dtype && ShapeEq.equals(one.shape, other.shape)

/** Are the elements adjacent and in row-major order? */
export const isContiguous = (t: Tensor): boolean => {
  for (let axis = t.shape.length - 1, step = 1; axis >= 0; axis--) {
    const extent = t.shape[axis] as number
    if (extent !== 1 && t.stride[axis] !== step) return false
    step *= extent
  }
  return true
}

/**
 * A tensor from numbers in row-major order; the numbers are copied.
 *
 * @throws ShapeError when the count of numbers is not the size of the shape
 * @example
 * toArray(tensor([1, 2, 3, 4], [2, 2])) // => [1, 2, 3, 4]
 */
export const tensor = (data: Readonly<ArrayLike<number>>, shape: Shape, dtype: DType = 'float32'): Tensor => {
  if (data.length !== sizeOf(checkShape(shape))) throw shapeError(`${data.length} numbers do not fill a tensor`, shape)
  const storage = allocate(dtype, data.length)
  storage.set(data)
  return unsafeTensor(storage, shape)
}

/** A tensor without axes. */
export const scalar = (value: number, dtype: DType = 'float32'): Tensor => tensor([value], [], dtype)

/** All zeros. */
export const zeros = (shape: Shape, dtype: DType = 'float32'): Tensor =>
  unsafeTensor(allocate(dtype, sizeOf(checkShape(shape))), shape)

/** The same number everywhere. */
export const full = (value: number, shape: Shape, dtype: DType = 'float32'): Tensor =>
  unsafeTensor(allocate(dtype, sizeOf(checkShape(shape))).fill(value), shape)

/** 0, 1, …, length − 1. */
export const arange = (length: number, dtype: DType = 'int32'): Tensor =>
  unsafeTensor(
    allocate(dtype, length).map((_: number, index: number) => index),
    [length],
  )

/** Writes the elements of `t`, in row-major order, to `out` from `start` on. @internal */
export const copyInto = (out: Storage, start: number, t: Tensor): void => {
  const data = storageOf(t)
  if (isContiguous(t)) {
    out.set(data.subarray(t.offset, t.offset + size(t)), start)
    return
  }
  const rank = t.shape.length
  let position = start
  const walk = (axis: number, at: number): void => {
    const extent = t.shape[axis] as number
    const step = t.stride[axis] as number
    if (axis === rank - 1)
      for (let i = 0, from = at; i < extent; i++, from += step) out[position++] = data[from] as number
    else for (let i = 0, from = at; i < extent; i++, from += step) walk(axis + 1, from)
  }
  if (size(t) > 0) walk(0, t.offset)
}

/** The elements, in row-major order, in storage of their own. @internal */
export const ownElements = (dtype: DType, t: Tensor): Storage => {
  // Made of the numbers at once, storage is not filled with zeros before.
  if (isContiguous(t)) return new storages[dtype](storageOf(t).subarray(t.offset, t.offset + size(t)))
  const out = allocate(dtype, size(t))
  copyInto(out, 0, t)
  return out
}

/** The same elements in another dtype, row-major. Returns its argument when nothing would change. */
export const cast =
  (dtype: DType) =>
  (t: Tensor): Tensor => {
    if (t.dtype === dtype && isContiguous(t)) return t
    return unsafeTensor(ownElements(dtype, t), t.shape)
  }

/** The same elements in row-major order; a copy only where the view is strided. */
export const contiguous = (t: Tensor): Tensor => cast(t.dtype)(t)

/** The elements in row-major order, as numbers that the caller may change. */
export const toArray = (t: Tensor): number[] => Array.from(ownElements(t.dtype, t))

/**
 * One element.
 *
 * @example
 * at(1, 0)(tensor([1, 2, 3, 4], [2, 2])) // => 3
 */
export const at =
  (...index: readonly number[]) =>
  (t: Tensor): number => {
    if (index.length !== t.shape.length) throw shapeError('an index names every axis', index, t.shape)
    const position = index.reduce((sum, i, axis) => {
      if (!(Number.isInteger(i) && i >= 0 && i < (t.shape[axis] as number)))
        throw shapeError('index outside of the tensor', index, t.shape)
      return sum + i * (t.stride[axis] as number)
    }, t.offset)
    return t.data[position] as number
  }

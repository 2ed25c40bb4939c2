/**
 * NPY: one array in a file, as NumPy writes it.
 *
 *   bytes = '\x93NUMPY' · version (2 bytes) · header length (u16, or u32 from version 2 on) · header, a Python literal · data
 *
 * References  NumPy Enhancement Proposal 1, "A simple file format for NumPy arrays"
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { type Shape, showShape, sizeOf } from '../tensor/shape.js'
import { allocate, copyInto, type DType, size, type Tensor, unsafeTensor } from '../tensor/tensor.js'
import { transpose } from '../tensor/view.js'
import { type DataError, malformedData } from './data-error.js'

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59] as const

const refuse = (found: string, allowed: string): E.Either<DataError, never> =>
  E.left(malformedData({ source: 'NPY data', found, allowed }))

/** How numbers of one kind are read: bytes each, and the dtype that holds them. */
interface Format {
  readonly bytes: number
  readonly dtype: DType
  readonly read: (view: DataView, at: number, littleEndian: boolean) => number
}

const formats: Readonly<Record<string, Format>> = {
  f4: { bytes: 4, dtype: 'float32', read: (view, at, little) => view.getFloat32(at, little) },
  f8: { bytes: 8, dtype: 'float64', read: (view, at, little) => view.getFloat64(at, little) },
  i1: { bytes: 1, dtype: 'int32', read: (view, at) => view.getInt8(at) },
  i2: { bytes: 2, dtype: 'int32', read: (view, at, little) => view.getInt16(at, little) },
  i4: { bytes: 4, dtype: 'int32', read: (view, at, little) => view.getInt32(at, little) },
  i8: { bytes: 8, dtype: 'int32', read: (view, at, little) => Number(view.getBigInt64(at, little)) },
  u1: { bytes: 1, dtype: 'uint8', read: (view, at) => view.getUint8(at) },
  b1: { bytes: 1, dtype: 'uint8', read: (view, at) => view.getUint8(at) },
  u2: { bytes: 2, dtype: 'uint32', read: (view, at, little) => view.getUint16(at, little) },
  u4: { bytes: 4, dtype: 'uint32', read: (view, at, little) => view.getUint32(at, little) },
  u8: { bytes: 8, dtype: 'uint32', read: (view, at, little) => Number(view.getBigUint64(at, little)) },
}

const descriptions: Readonly<Record<DType, string>> = {
  float32: '<f4',
  float64: '<f8',
  int32: '<i4',
  uint32: '<u4',
  uint8: '|u1',
}

/**
 * The bytes of a tensor, in row-major order and little endian.
 *
 * @example
 * decodeNpy(encodeNpy(tensor([1, 2, 3], [3])))._tag // => 'Right'
 */
export const encodeNpy = (tensor: Tensor): Uint8Array => {
  const shape = tensor.shape.length === 1 ? `(${tensor.shape[0]},)` : `(${tensor.shape.join(', ')})`
  const dictionary = `{'descr': '${descriptions[tensor.dtype]}', 'fortran_order': False, 'shape': ${shape}, }`
  // Spaces and a line feed bring the data to a multiple of 64 bytes.
  const length = Math.ceil((10 + dictionary.length + 1) / 64) * 64
  const header = `${dictionary.padEnd(length - 11)}\n`
  const data = allocate(tensor.dtype, size(tensor))
  copyInto(data, 0, tensor)
  const bytes = new Uint8Array(length + data.byteLength)
  bytes.set([...MAGIC, 1, 0, header.length & 255, header.length >>> 8])
  bytes.set(new TextEncoder().encode(header), 10)
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), length)
  return bytes
}

interface Header {
  readonly format: Format
  readonly littleEndian: boolean
  readonly fortranOrder: boolean
  readonly shape: Shape
  readonly start: number
}

const parseHeader = (bytes: Uint8Array): E.Either<DataError, Header> => {
  const shown = `${bytes.length} bytes`
  if (bytes.length < 12 || MAGIC.some((byte, i) => bytes[i] !== byte))
    return refuse(`${shown} without the mark of the format`, 'a file that begins with \\x93NUMPY')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const version = bytes[6] as number
  if (version < 1 || version > 3) return refuse(`version ${version}`, 'version 1, 2 or 3')
  const [lead, length] = version === 1 ? [10, view.getUint16(8, true)] : [12, view.getUint32(8, true)]
  const start = lead + length
  if (start > bytes.length) return refuse(`${shown}, cut within the header`, `${start} bytes or more`)
  const text = new TextDecoder('latin1').decode(bytes.subarray(lead, start))
  const [, order, kind] = /'descr'\s*:\s*'([<>|=]?)([a-z]\d+)'/.exec(text) ?? []
  const [, fortran] = /'fortran_order'\s*:\s*(True|False)/.exec(text) ?? []
  const [, extents] = /'shape'\s*:\s*\(([\d\sL,]*)\)/.exec(text) ?? []
  const format = kind === undefined ? undefined : Object.hasOwn(formats, kind) ? formats[kind] : undefined
  if (format === undefined || order === undefined)
    return refuse(`numbers of kind ${kind ?? 'unknown'}`, `one of ${Object.keys(formats).join(', ')}`)
  if (fortran === undefined || extents === undefined) return refuse('a header without order or shape', 'both')
  const shape = extents
    .split(',')
    .map((extent) => extent.trim())
    .filter((extent) => extent !== '')
    .map((extent) => Number.parseInt(extent, 10))
  const count = shape.reduce((product, extent) => product * extent, 1)
  if (!Number.isSafeInteger(count) || start + count * format.bytes !== bytes.length)
    return refuse(
      `${bytes.length - start} bytes of data`,
      `${count * format.bytes}, since the shape is ${showShape(shape)} of ${kind}`,
    )
  return E.right({ format, littleEndian: order !== '>', fortranOrder: fortran === 'True', shape, start })
}

/**
 * The tensor of a file. Integers of 8 or 16 bits, and of 64 bits where they fit, come as 32 bits; booleans as uint8.
 *
 * Cost    memory in proportion to the file: nothing is allocated for a shape that the file does not fill
 * Errors  MalformedData for a file that is none, is cut, or holds another kind of numbers
 */
export const decodeNpy = (bytes: Uint8Array): E.Either<DataError, Tensor> =>
  pipe(
    parseHeader(bytes),
    E.chain(({ format, littleEndian, fortranOrder, shape, start }) => {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      const data = allocate(format.dtype, sizeOf(shape))
      for (let i = 0; i < data.length; i++) {
        const value = format.read(view, start + i * format.bytes, littleEndian)
        data[i] = value
        if (format.bytes === 8 && format.dtype !== 'float64' && data[i] !== value)
          return refuse(`the integer ${value} at place ${i}`, 'integers of 32 bits')
      }
      return E.right(fortranOrder ? transpose()(unsafeTensor(data, [...shape].reverse())) : unsafeTensor(data, shape))
    }),
  )

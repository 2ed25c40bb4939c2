/**
 * The IDX format of the MNIST files: two zero bytes, a type, a rank, an extent per axis (big-endian 32 bits), then the
 * elements (big-endian), row-major.
 *
 * References  LeCun, Cortes & Burges, "The MNIST database of handwritten digits", section "File formats"
 */
import * as E from 'fp-ts/lib/Either.js'
import { type Shape, showShape } from '../tensor/shape.js'
import { type DataError, malformedData } from './data-error.js'

/** Element types. Those that MNIST and its relatives use are bytes. */
export type IdxType = 'uint8' | 'int8' | 'int16' | 'int32' | 'float32' | 'float64'

/** An array as it stood in the file. */
export interface IdxArray {
  readonly type: IdxType
  readonly shape: Shape
  /** Row-major; of the typed array that `type` names. */
  readonly data: Readonly<ArrayLike<number>>
}

/** What the first bytes of a file promise. */
export interface IdxHeader {
  readonly type: IdxType
  readonly shape: Shape
  /** Bytes of the header. */
  readonly headerBytes: number
  /** Bytes of header and elements together: the length of the file. */
  readonly totalBytes: number
}

interface ElementType {
  readonly type: IdxType
  readonly bytes: number
  readonly read: (view: DataView, count: number) => Readonly<ArrayLike<number>>
}

/** Fills an array by reading each element; data views are the portable way to read big-endian numbers. */
const filled = <A extends { [index: number]: number }>(out: A, count: number, element: (i: number) => number): A => {
  for (let i = 0; i < count; i++) out[i] = element(i)
  return out
}

const elementTypes: Readonly<Record<number, ElementType>> = {
  8: { type: 'uint8', bytes: 1, read: (v) => new Uint8Array(v.buffer, v.byteOffset, v.byteLength).slice() },
  9: { type: 'int8', bytes: 1, read: (v) => new Int8Array(v.buffer, v.byteOffset, v.byteLength).slice() },
  11: { type: 'int16', bytes: 2, read: (v, n) => filled(new Int16Array(n), n, (i) => v.getInt16(2 * i)) },
  12: { type: 'int32', bytes: 4, read: (v, n) => filled(new Int32Array(n), n, (i) => v.getInt32(4 * i)) },
  13: { type: 'float32', bytes: 4, read: (v, n) => filled(new Float32Array(n), n, (i) => v.getFloat32(4 * i)) },
  14: { type: 'float64', bytes: 8, read: (v, n) => filled(new Float64Array(n), n, (i) => v.getFloat64(8 * i)) },
}

/** No dataset in memory is larger, and a size below 2³¹ is exact in every step of its computation. */
const LARGEST = 2 ** 31 - 1

const refuse = (found: string, allowed: string): E.Either<DataError, never> =>
  E.left(malformedData({ source: 'IDX data', found, allowed }))

const hex = (byte: number): string => `0x${byte.toString(16).padStart(2, '0')}`

/**
 * Reads the header and nothing else: the cheap check before anything is allocated.
 *
 * @example
 * pipe(parseIdxHeader(Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 5)), E.map((h) => [h.shape, h.totalBytes])) // => E.right([[5], 13])
 */
export const parseIdxHeader = (bytes: Uint8Array, largest: number = LARGEST): E.Either<DataError, IdxHeader> => {
  if (bytes.length < 4) return refuse(`${bytes.length} bytes`, 'at least the 4 bytes of the magic number')
  const [zero, nought, code, rank] = bytes as unknown as readonly [number, number, number, number]
  const element = elementTypes[code]
  if (zero !== 0 || nought !== 0 || element === undefined)
    return refuse(
      `the first bytes ${[zero, nought, code, rank].map(hex).join(' ')}`,
      'two zero bytes, a type from 0x08, 0x09, 0x0b, 0x0c, 0x0d, 0x0e, and a rank',
    )
  if (rank < 1 || rank > 4) return refuse(`${rank} axes`, '1 to 4')
  const headerBytes = 4 + 4 * rank
  if (bytes.length < headerBytes)
    return refuse(`${bytes.length} bytes`, `a header of ${headerBytes} bytes for ${rank} axes`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis))
  // An extent of 0 must not hide an absurd one beside it, and doubles hold the product of four 32-bit extents well enough.
  const claimed = shape.reduce((product, extent) => product * Math.max(1, extent), element.bytes)
  if (claimed > largest)
    return refuse(`a header that claims shape ${showShape(shape)} of ${element.type}`, `${largest} bytes of elements`)
  const size = shape.reduce((product, extent) => product * extent, element.bytes)
  return E.right({ type: element.type, shape, headerBytes, totalBytes: headerBytes + size })
}

/**
 * Reads a whole (uncompressed) file.
 *
 * Guarantee   allocates no more than the bytes that were given, whatever the header claims
 * Errors      MalformedData when the header is no IDX header, or the length is not what it promises
 *
 * @example
 * pipe(parseIdx(Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 7, 9)), E.map((a) => Array.from(a.data))) // => E.right([7, 9])
 */
export const parseIdx = (bytes: Uint8Array): E.Either<DataError, IdxArray> => {
  if (isGzip(bytes)) return refuse('gzip data', 'uncompressed bytes: inflate them first')
  const header = parseIdxHeader(bytes)
  if (E.isLeft(header)) return header
  const { shape, type, headerBytes, totalBytes } = header.right
  if (bytes.length !== totalBytes)
    return refuse(
      `${bytes.length} bytes`,
      `exactly ${totalBytes}, since the header claims shape ${showShape(shape)} of ${type}`,
    )
  const element = elementTypes[bytes[2] as number] as ElementType
  const view = new DataView(bytes.buffer, bytes.byteOffset + headerBytes, totalBytes - headerBytes)
  return E.right({ type, shape, data: element.read(view, view.byteLength / element.bytes) })
}

/** How elements of a type are stored: bytes each, and a reader of so many. @internal */
export const idxElements = (type: IdxType): Pick<ElementType, 'bytes' | 'read'> =>
  Object.values(elementTypes).find((element) => element.type === type) as ElementType

/** Do these bytes start as a gzip file does? */
export const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b

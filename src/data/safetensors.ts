/**
 * Safetensors: named tensors and a record of strings in one file that needs no code to be read.
 *
 *   bytes = u64 header length · JSON header { name: { dtype, shape, data_offsets }, __metadata__ } · row-major data
 *
 * @reference the format as published with the safetensors library of Hugging Face
 */
import * as E from 'fp-ts/lib/Either.js'
import { showShape, sizeOf } from '../tensor/shape.js'
import { allocate, copyInto, type DType, size, type Tensor, unsafeTensor } from '../tensor/tensor.js'
import { type DataError, malformedData } from './data-error.js'

/** What a file holds. */
export interface SafeTensors {
  readonly tensors: Readonly<Record<string, Tensor>>
  readonly metadata: Readonly<Record<string, string>>
}

const names: Readonly<Record<DType, string>> = {
  float32: 'F32',
  float64: 'F64',
  int32: 'I32',
  uint32: 'U32',
  uint8: 'U8',
}
const dtypes = new Map(Object.entries(names).map(([dtype, name]) => [name, dtype as DType]))

/** Bytes that `decodeSafeTensors` turns back into the same value. */
export const encodeSafeTensors = ({ tensors, metadata }: SafeTensors): Uint8Array => {
  let end = 0
  const entries = Object.entries(tensors).map(([name, tensor]) => {
    const data = allocate(tensor.dtype, size(tensor))
    copyInto(data, 0, tensor)
    const start = end
    end += data.byteLength
    return { name, tensor, data, start, end }
  })
  const header = Object.fromEntries([
    ['__metadata__', metadata],
    ...entries.map((entry) => [
      entry.name,
      { dtype: names[entry.tensor.dtype], shape: entry.tensor.shape, data_offsets: [entry.start, entry.end] },
    ]),
  ])
  const json = new TextEncoder().encode(JSON.stringify(header))
  // Spaces bring the data to a multiple of 8 bytes, so that readers can map it.
  const padded = Math.ceil(json.length / 8) * 8
  const bytes = new Uint8Array(8 + padded + end).fill(0x20, 8, 8 + padded)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true)
  bytes.set(json, 8)
  for (const { data, start } of entries)
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 8 + padded + start)
  return bytes
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Is a parsed JSON value a record of strings? @internal */
export const isRecordOfStrings = (value: unknown): value is Readonly<Record<string, string>> =>
  isRecord(value) && Object.values(value).every((item) => typeof item === 'string')

interface Entry {
  readonly dtype: string
  readonly shape: readonly number[]
  readonly data_offsets: readonly [number, number]
}

const isEntry = (value: unknown): value is Entry => {
  const entry = value as Partial<Entry> | null
  const isCount = (x: unknown): boolean => Number.isSafeInteger(x) && (x as number) >= 0
  return (
    typeof entry === 'object' &&
    entry !== null &&
    typeof entry.dtype === 'string' &&
    Array.isArray(entry.shape) &&
    entry.shape.every(isCount) &&
    Array.isArray(entry.data_offsets) &&
    entry.data_offsets.length === 2 &&
    entry.data_offsets.every(isCount)
  )
}

const refuse = (found: string, allowed: string): E.Either<DataError, never> =>
  E.left(malformedData({ source: 'the safetensors file', found, allowed }))

interface Header {
  readonly entries: Readonly<Record<string, unknown>>
  readonly metadata: Readonly<Record<string, string>>
  /** Where the data begins. */
  readonly start: number
}

const parseHeader = (bytes: Uint8Array): E.Either<DataError, Header> => {
  if (bytes.length < 8) return refuse(`${bytes.length} bytes`, 'at least the 8 bytes of the header length')
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true)
  if (length > BigInt(bytes.length - 8))
    return refuse(`a header of ${length} bytes`, `at most the ${bytes.length - 8} bytes that follow`)
  const start = 8 + Number(length)
  try {
    const header: unknown = JSON.parse(new TextDecoder().decode(bytes.subarray(8, start)))
    if (!isRecord(header)) return refuse('a header that is no record', 'a JSON object')
    const { __metadata__: metadata = {}, ...entries } = header
    if (!isRecordOfStrings(metadata)) return refuse('metadata of another kind', 'a record of strings')
    return E.right({ entries, metadata, start })
  } catch {
    return refuse('a header that is not JSON', 'a JSON object')
  }
}

/** The tensors and metadata of a file. No more is allocated than the file has bytes. */
export const decodeSafeTensors = (bytes: Uint8Array): E.Either<DataError, SafeTensors> =>
  E.chain(({ entries, metadata, start }: Header): E.Either<DataError, SafeTensors> => {
    const tensors: (readonly [string, Tensor])[] = []
    let claimed = 0
    for (const [name, entry] of Object.entries(entries)) {
      const dtype = isEntry(entry) ? dtypes.get(entry.dtype) : undefined
      if (!isEntry(entry) || dtype === undefined)
        return refuse(`an unreadable entry for tensor ${name}`, `dtype (${[...dtypes.keys()]}), shape and data_offsets`)
      const [from, to] = entry.data_offsets
      const needed = sizeOf(entry.shape) * allocate(dtype, 0).BYTES_PER_ELEMENT
      if (to - from !== needed || start + to > bytes.length)
        return refuse(
          `bytes ${from} to ${to} of ${bytes.length - start} for tensor ${name}`,
          `${needed} bytes within the file, since its shape is ${showShape(entry.shape)}`,
        )
      // Tensors that share bytes could claim the file many times over.
      claimed += needed
      if (claimed > bytes.length - start)
        return refuse(
          `tensors of ${claimed} bytes up to ${JSON.stringify(name)}`,
          `the ${bytes.length - start} bytes of data, each in one tensor`,
        )
      const data = allocate(dtype, sizeOf(entry.shape))
      new Uint8Array(data.buffer).set(bytes.subarray(start + from, start + to))
      tensors.push([name, unsafeTensor(data, entry.shape)])
    }
    return E.right({ tensors: Object.fromEntries(tensors), metadata })
  })(parseHeader(bytes))

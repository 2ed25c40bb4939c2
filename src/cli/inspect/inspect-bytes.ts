/**
 * What bytes are, by how they begin, and what is in them.
 */
import * as E from 'fp-ts/lib/Either.js'
import { cifarCount, cifarLayouts } from '../../data/cifar.js'
import { isGzip } from '../../data/idx.js'
import {
  type CifarLabels,
  type DataError,
  decodeNpy,
  decodeNpz,
  decodeSafeTensors,
  gunzip,
  parseTar,
  showDataError,
} from '../../data/index.js'
import { decodeIdx } from '../../data/inflate.js'
import { arrayFinding, broken, type Finding, tensorFinding } from './findings.js'
import { inspectTable } from './inspect-table.js'

/** Archives that hold more are not unpacked. */
const LARGEST = 2 ** 29

const startsWith = (bytes: Uint8Array, ...first: readonly number[]): boolean =>
  first.every((byte, i) => bytes[i] === byte)

const isSafeTensors = (bytes: Uint8Array): boolean =>
  bytes.length > 8 &&
  bytes[8] === 0x7b &&
  new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true) <= BigInt(bytes.length - 8)

const orBroken = <A>(
  name: string,
  format: string,
  result: E.Either<DataError, A>,
  found: (value: A) => readonly Finding[],
): readonly Finding[] => (E.isLeft(result) ? [broken(name, format, showDataError(result.left))] : found(result.right))

const idx = async (name: string, bytes: Uint8Array): Promise<readonly Finding[]> => {
  const format = isGzip(bytes) ? 'IDX, gzip' : 'IDX'
  return orBroken(name, format, await decodeIdx(bytes)(), ({ type, shape, data }) => [
    arrayFinding({ name, format, dtype: type, shape }, data),
  ])
}

/** Which records the name of a file speaks of. */
const cifarKind = (name: string): CifarLabels | undefined =>
  /(data|test)_batch\w*\.bin$/.test(name) ? 'cifar10' : /(^|\/)(train|test)\.bin$/.test(name) ? 'fine' : undefined

const cifar = (name: string, bytes: Uint8Array, labels: CifarLabels): readonly Finding[] => {
  const format = labels === 'cifar10' ? 'CIFAR-10' : 'CIFAR-100'
  return orBroken(name, format, cifarCount(bytes.length, labels), (count) => {
    const { label, classes } = cifarLayouts[labels]
    const targets = Uint8Array.from({ length: count }, (_, i) => bytes[i * (bytes.length / count) + label] as number)
    const { classes: counts = {}, problems } = arrayFinding({ name, format, dtype: 'uint8', shape: [count] }, targets)
    const wrong = Object.keys(counts).filter((found) => Number(found) >= classes)
    return [
      {
        ...{ name, format, dtype: 'uint8', shape: [count, 3, 32, 32], classes: counts },
        problems: wrong.length > 0 ? [`labels ${wrong.join(', ')}, where there are ${classes} classes`] : problems,
      },
    ]
  })
}

const tar = async (name: string, bytes: Uint8Array): Promise<readonly Finding[]> => {
  const unpacked = isGzip(bytes) ? await gunzip({ most: LARGEST })(bytes)() : E.right(bytes)
  if (E.isLeft(unpacked)) return [broken(name, 'tar, gzip', showDataError(unpacked.left))]
  const files = parseTar(unpacked.right)
  if (E.isLeft(files)) return [broken(name, 'tar', showDataError(files.left))]
  const found: Finding[] = []
  for (const file of files.right) {
    const inside = await inspectBytes(`${name}: ${file.name}`, file.content)
    found.push(...(inside ?? []))
  }
  return found.length > 0 ? found : [broken(name, 'tar', 'there is no file of a known kind in it')]
}

/** What is in a file; nothing where it is of no known kind. */
export const inspectBytes = async (name: string, bytes: Uint8Array): Promise<readonly Finding[] | undefined> => {
  if (/\.(tar|tgz|tar\.gz)$/.test(name)) return tar(name, bytes)
  const records = cifarKind(name)
  if (records !== undefined) return cifar(name, bytes, records)
  if (/\.(csv|tsv)$/.test(name)) return [await inspectTable(name, bytes)]
  if (startsWith(bytes, 0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59) || name.endsWith('.npy'))
    return orBroken(name, 'NPY', decodeNpy(bytes), (tensor) => [tensorFinding(name, 'NPY', tensor)])
  if (startsWith(bytes, 0x50, 0x4b) || name.endsWith('.npz'))
    return orBroken(name, 'NPZ', decodeNpz(bytes), (arrays) =>
      Object.entries(arrays).map(([array, tensor]) => tensorFinding(`${name}: ${array}`, 'NPZ', tensor)),
    )
  if (isSafeTensors(bytes) || name.endsWith('.safetensors'))
    return orBroken(name, 'safetensors', decodeSafeTensors(bytes), ({ tensors }) =>
      Object.entries(tensors).map(([array, tensor]) => tensorFinding(`${name}: ${array}`, 'safetensors', tensor)),
    )
  return isGzip(bytes) || startsWith(bytes, 0, 0) || /idx\d-ubyte$/.test(name) ? idx(name, bytes) : undefined
}

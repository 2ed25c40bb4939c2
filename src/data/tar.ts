/**
 * Tape archives, as far as published data come in them: plain files and folders.
 *
 *   archive = (header of 512 bytes · content, filled up to a multiple of 512)* · two blocks of zeros
 *
 * References  IEEE Std 1003.1, pax, section "ustar Interchange Format"
 */
import * as E from 'fp-ts/lib/Either.js'
import { type DataError, malformedData } from './data-error.js'

/** A file in an archive. */
export interface TarFile {
  readonly name: string
  /** A view of the archive. */
  readonly content: Uint8Array
}

const BLOCK = 512

const refuse = (found: string, allowed: string): E.Either<DataError, never> =>
  E.left(malformedData({ source: 'tar data', found, allowed }))

const latin = new TextDecoder('latin1')

/** Text up to its first zero byte. */
const text = (header: Uint8Array, from: number, length: number): string =>
  (latin.decode(header.subarray(from, from + length)).split('\0')[0] ?? '').trim()

/** A number in octal digits; NaN for anything else, such as the binary sizes of files of more than 8 GiB. */
const octal = (header: Uint8Array, from: number, length: number): number => {
  const digits = text(header, from, length)
  return /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number.NaN
}

/** The sum of the bytes of a header, its own checksum counted as spaces. */
const checksumOf = (header: Uint8Array): number =>
  header.reduce((sum, byte, place) => sum + (place >= 148 && place < 156 ? 0x20 : byte), 0)

/** Kinds of entries that are not files: folders, and what extended headers say of the entry that follows. */
const skipped = new Set(['5', 'x', 'g'])

/**
 * The plain files of an archive that is not compressed, in its order.
 *
 * Cost    views: nothing is copied
 * Errors  MalformedData for a header that is none, an archive that is cut, and entries that are neither files nor folders
 *
 * @example
 * parseTar(new Uint8Array(1024)) // => E.right([])
 */
export const parseTar = (bytes: Uint8Array): E.Either<DataError, readonly TarFile[]> => {
  const files: TarFile[] = []
  let at = 0
  while (at < bytes.length) {
    if (at + BLOCK > bytes.length) return refuse(`${bytes.length} bytes`, 'whole blocks of 512')
    const header = bytes.subarray(at, at + BLOCK)
    if (header.every((byte) => byte === 0)) return E.right(files)
    if (octal(header, 148, 8) !== checksumOf(header))
      return refuse(`a header at byte ${at} whose checksum does not match`, 'a tar archive that is not compressed')
    const length = octal(header, 124, 12)
    const start = at + BLOCK
    const prefix = latin.decode(header.subarray(257, 262)) === 'ustar' ? text(header, 345, 155) : ''
    const name = `${prefix === '' ? '' : `${prefix}/`}${text(header, 0, 100)}`
    if (!(start + length <= bytes.length))
      return refuse(`${name} of ${length} bytes at byte ${at}`, `at most the ${bytes.length - start} that follow`)
    const kind = text(header, 156, 1)
    if (kind === '' || kind === '0') files.push({ name, content: bytes.subarray(start, start + length) })
    else if (!skipped.has(kind)) return refuse(`${name}, an entry of kind ${kind}`, 'plain files and folders')
    at = start + Math.ceil(length / BLOCK) * BLOCK
  }
  return refuse('an archive that ends without a block of zeros', 'a whole archive')
}

/**
 * Decompression of gzip with a bound that is known beforehand: the last four bytes of a file say how long its content is, and
 * nothing longer or shorter is accepted. Uses the streams that browsers and Node share.
 *
 * References  Deutsch 1996, RFC 1952, section 2.3.1 (ISIZE)
 */
import * as E from 'fp-ts/lib/Either.js'
import type * as TE from 'fp-ts/lib/TaskEither.js'
import { type DataError, malformedData } from './data-error.js'
import { isGzip } from './idx.js'

/** Deflate spends at least 2 bits on 258 bytes: no stream grows by more than 1032. @internal */
export const LARGEST_RATIO = 1032

/** A header of 10 bytes, an empty block, checksum and length. */
const LEAST = 18

const refuse = (found: string, allowed: string): E.Either<DataError, never> =>
  E.left(malformedData({ source: 'gzip data', found, allowed }))

/** The content, which is to have exactly so many bytes. */
const inflate = async (bytes: Uint8Array, length: number): Promise<E.Either<DataError, Uint8Array>> => {
  const stream = new DecompressionStream('gzip')
  const writer = stream.writable.getWriter()
  // A broken stream rejects on both sides; the reading side reports it.
  const ignored = (): void => undefined
  writer.write(bytes as Uint8Array<ArrayBuffer>).catch(ignored)
  writer.close().catch(ignored)
  const reader = stream.readable.getReader()
  const content = new Uint8Array(length)
  let used = 0
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      if (used + value.length > length) {
        reader.cancel().catch(ignored)
        return refuse('more content than the file says', `the ${length} bytes that its last four bytes promise`)
      }
      content.set(value, used)
      used += value.length
    }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    return refuse(`a stream that cannot be inflated (${reason})`, 'a complete gzip file')
  }
  return used === length
    ? E.right(content)
    : refuse(`${used} bytes of content`, `the ${length} bytes that its last four bytes promise`)
}

/**
 * The content of a gzip file of one member.
 *
 * Guarantee  allocates the length that the file states, and only where it is at most `most` and at most what deflate can hold in
 *            so many bytes
 * Errors     MalformedData for what is no gzip file, is cut, is damaged, or states another length than it has
 */
export const gunzip =
  ({ most }: { readonly most: number }) =>
  (bytes: Uint8Array): TE.TaskEither<DataError, Uint8Array> =>
  async () => {
    if (!isGzip(bytes) || bytes.length < LEAST)
      return refuse(`${bytes.length} bytes without the mark of the format`, 'a gzip file')
    const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(bytes.length - 4, true)
    const limit = Math.min(most, LARGEST_RATIO * bytes.length)
    if (length > limit) return refuse(`a promise of ${length} bytes in ${bytes.length}`, `at most ${limit}`)
    return inflate(bytes, length)
  }

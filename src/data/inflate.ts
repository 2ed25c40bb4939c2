/**
 * Decompression of IDX files with a bound on memory: what comes out is never more than the header inside promises, and
 * that never more than gzip can hold. Uses the streams that browsers and Node share.
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { showShape } from '../tensor/shape.js'
import { type DataError, malformedData } from './data-error.js'
import { type IdxArray, isGzip, parseIdx, parseIdxHeader } from './idx.js'

/** Deflate spends at least 2 bits on 258 bytes: no stream grows by more than 1032. */
const LARGEST_RATIO = 1032

/** Rank 4: the longest header. */
const HEADER_BYTES = 20

const refuse = (found: string, allowed: string): E.Either<DataError, never> =>
  E.left(malformedData({ source: 'IDX data', found, allowed }))

/** Inflates as much as the header inside claims, and refuses anything longer or shorter. */
const inflate = async (bytes: Uint8Array): Promise<E.Either<DataError, Uint8Array>> => {
  const stream = new DecompressionStream('gzip')
  const writer = stream.writable.getWriter()
  // A broken stream rejects on both sides; the reading side reports it.
  const ignored = (): void => undefined
  writer.write(bytes as Uint8Array<ArrayBuffer>).catch(ignored)
  writer.close().catch(ignored)
  const reader = stream.readable.getReader()
  let held: Uint8Array = new Uint8Array(0)
  let used = 0
  let claimed: number | undefined
  const stop = (refusal: E.Either<DataError, never>): E.Either<DataError, never> => {
    reader.cancel().catch(ignored)
    return refusal
  }
  const longer = (limit: number): E.Either<DataError, never> =>
    stop(refuse('more compressed data than the header inside claims', `${limit} bytes after inflating`))
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return E.right(held.subarray(0, used))
      if (claimed !== undefined && used + value.length > claimed) return longer(claimed)
      if (used + value.length > held.length) {
        const grown = new Uint8Array(used + value.length)
        grown.set(held.subarray(0, used))
        held = grown
      }
      held.set(value, used)
      used += value.length
      if (claimed === undefined && used >= HEADER_BYTES) {
        const header = parseIdxHeader(held)
        if (E.isLeft(header)) return stop(header)
        const { totalBytes, shape, type } = header.right
        if (totalBytes > LARGEST_RATIO * bytes.length)
          return stop(
            refuse(
              `a header that claims shape ${showShape(shape)} of ${type} in ${bytes.length} compressed bytes`,
              `at most ${LARGEST_RATIO} times as much as the file holds`,
            ),
          )
        if (used > totalBytes) return longer(totalBytes)
        claimed = totalBytes
        const whole = new Uint8Array(totalBytes)
        whole.set(held.subarray(0, used))
        held = whole
      }
    }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    return refuse(`a gzip stream that cannot be inflated (${reason})`, 'a complete gzip file')
  }
}

/**
 * Reads an IDX file, compressed with gzip or not: the first two bytes tell.
 *
 * Guarantee   memory stays below a small multiple of what the header claims, and a header that the file cannot fill is
 *             refused before anything is allocated for it
 * Errors      MalformedData as in parseIdx, or when the compressed stream is broken
 */
export const decodeIdx = (bytes: Uint8Array): TE.TaskEither<DataError, IdxArray> =>
  isGzip(bytes)
    ? pipe((): Promise<E.Either<DataError, Uint8Array>> => inflate(bytes), TE.flatMapEither(parseIdx))
    : TE.fromEither(parseIdx(bytes))

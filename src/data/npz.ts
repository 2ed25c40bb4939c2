/**
 * NPZ: named arrays in a zip archive of NPY files, as `numpy.savez` writes it.
 */
import { unzipSync, zipSync } from 'fflate'
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import type { Tensor } from '../tensor/tensor.js'
import { blame, type DataError, malformedData } from './data-error.js'
import { LARGEST_RATIO } from './gzip.js'
import { decodeNpy, encodeNpy } from './npy.js'

/** The bytes of named tensors, not compressed. `numpy.load` reads them. */
export const encodeNpz = (tensors: Readonly<Record<string, Tensor>>): Uint8Array =>
  zipSync(Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [`${name}.npy`, encodeNpy(tensor)])), {
    level: 0,
    // A file of the same tensors has the same bytes whenever it is made.
    mtime: '1980-01-01T00:00:00',
  })

/**
 * The tensors of an archive, by name without `.npy`.
 *
 * Cost    memory in proportion to the file: an entry that claims to grow by more than deflate can is refused unread
 * Errors  MalformedData for an archive that is none, or holds anything but NPY files
 */
export const decodeNpz = (bytes: Uint8Array): E.Either<DataError, Readonly<Record<string, Tensor>>> => {
  const refuse = (found: string, allowed: string): DataError => malformedData({ source: 'NPZ data', found, allowed })
  let claimed = 0
  return pipe(
    E.tryCatch(
      () =>
        unzipSync(bytes, {
          filter: ({ name, size, originalSize }) => {
            if (originalSize > LARGEST_RATIO * size)
              throw new Error(`${name} claims ${originalSize} bytes from ${size}`)
            // Entries that share bytes could claim the file many times over.
            claimed += size
            if (claimed > bytes.length) throw new Error(`entries of ${claimed} bytes up to ${JSON.stringify(name)}`)
            return true
          },
        }),
      (cause) => refuse(cause instanceof Error ? cause.message : String(cause), 'a zip archive of NPY files'),
    ),
    E.chain((files) =>
      pipe(
        Object.entries(files),
        E.traverseArray(([name, content]) =>
          name.endsWith('.npy')
            ? pipe(
                decodeNpy(content),
                E.bimap(blame(`NPZ data, ${name}`), (tensor): readonly [string, Tensor] => [name.slice(0, -4), tensor]),
              )
            : E.left(refuse(`a file ${name}`, 'files whose names end in .npy')),
        ),
        E.map((entries) => Object.fromEntries(entries)),
      ),
    ),
  )
}

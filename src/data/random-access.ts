/**
 * Files of which parts are read by their place. Node only.
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { blame, type DataError, unreadableFile } from './data-error.js'
import { nodeModule } from './node-module.js'

/** What may be read of a file. */
export interface RandomAccess {
  readonly size: number
  readonly read: (position: number, length: number) => Uint8Array
}

/** Opens a file for a while. */
export type WithFile = <A>(path: string, use: (file: RandomAccess) => A) => A

/** How Node opens files. */
export const filesOfNode = (): WithFile => {
  const { closeSync, fstatSync, openSync, readSync } = nodeModule('node:fs')
  return (path, use) => {
    const handle = openSync(path, 'r')
    try {
      return use({
        size: fstatSync(handle).size,
        read: (position, length) => {
          const bytes = new Uint8Array(length)
          for (let done = 0; done < length; ) {
            const got = readSync(handle, bytes, done, length - done, position + done)
            if (got === 0) throw new Error(`${path} ends at byte ${position + done}: it has become shorter`)
            done += got
          }
          return bytes
        },
      })
    } finally {
      closeSync(handle)
    }
  }
}

/** Runs a reader of a file, whose failures are the file's. */
export const reading =
  (withFile: WithFile, path: string) =>
  <A>(use: (file: RandomAccess) => E.Either<DataError, A>): E.Either<DataError, A> =>
    pipe(
      E.tryCatch(
        () => withFile(path, use),
        (cause) => unreadableFile(path, `cannot be read (${cause instanceof Error ? cause.message : cause})`),
      ),
      E.chain(E.mapLeft(blame(path))),
    )

/**
 * Files that are there whole or not at all, whenever the machine stops.
 */
import * as TE from 'fp-ts/lib/TaskEither.js'
import { type DataError, unreadableFile } from './data-error.js'
import { nodeModule } from './node-module.js'

const failure =
  (path: string, what: string) =>
  (cause: unknown): DataError =>
    unreadableFile(path, `${what} (${cause instanceof Error ? cause.message : String(cause)})`)

/**
 * Writes a file by way of `PATH.part`: its bytes reach the disk, and only then does it take the name; the folder is flushed
 * too. A reader sees the old content or the new, never a part of either. A secret is for its owner alone to read, where the
 * system has such permissions. Node only.
 *
 * Errors  UnreadableFile, with the reason of the operating system
 */
export const writeFileAtomically = (
  path: string,
  content: Uint8Array | string,
  { secret = false }: { readonly secret?: boolean } = {},
): TE.TaskEither<DataError, void> =>
  TE.tryCatch(
    async () => {
      const { open, rename } = nodeModule('node:fs/promises')
      const { dirname } = nodeModule('node:path')
      const part = `${path}.part`
      const file = await open(part, 'w', secret ? 0o600 : 0o666)
      try {
        // A part that a process left behind has the permissions that it had.
        if (secret) await file.chmod(0o600)
        await file.writeFile(content)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(part, path)
      const folder = await open(dirname(path), 'r')
      try {
        // Some systems have no flush of a folder, and need none.
        await folder.sync().catch(() => undefined)
      } finally {
        await folder.close()
      }
    },
    failure(path, 'cannot be written'),
  )

/**
 * The bytes of a file. Node only.
 *
 * Errors  UnreadableFile, with the reason of the operating system
 */
export const readBytes = (path: string): TE.TaskEither<DataError, Uint8Array> =>
  TE.tryCatch(
    async () => {
      return new Uint8Array(await nodeModule('node:fs/promises').readFile(path))
    },
    failure(path, 'cannot be read'),
  )

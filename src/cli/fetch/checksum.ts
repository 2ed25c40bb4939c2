/**
 * SHA-256 of files, and of what compressed files hold, in streams: memory does not depend on their sizes.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'

/** The checksum of a file or of its content; undefined where it is no compressed file. */
export const sha256Of = async (path: string, of: 'file' | 'content'): Promise<string | undefined> => {
  const hash = createHash('sha256')
  try {
    if (of === 'file') await pipeline(createReadStream(path), hash)
    else await pipeline(createReadStream(path), createGunzip(), hash)
  } catch (cause) {
    if (String((cause as NodeJS.ErrnoException).code).startsWith('Z_')) return undefined
    throw cause
  }
  return hash.digest('hex')
}

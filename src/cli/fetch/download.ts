/**
 * A published file from one of several mirrors: whole and checked, or not there.
 */
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { exists } from '../run/run-files.js'
import type { Screen } from '../screen.js'
import { sha256Of } from './checksum.js'
import type { PublishedFile } from './published.js'
import { type Transferred, transfer } from './transfer.js'

/** A file that is there now. */
export interface Downloaded {
  readonly name: string
  readonly how: 'kept' | 'fetched' | 'resumed'
  /** Where it came from; none where it was there. */
  readonly url: string | undefined
}

/** Why a file is not there. */
export type NotDownloaded =
  | { readonly _tag: 'Interrupted' }
  | { readonly _tag: 'AnotherFile'; readonly path: string }
  | {
      readonly _tag: 'Refused'
      readonly name: string
      readonly reasons: readonly string[]
      readonly noNetwork: boolean
    }

export interface DownloadOptions {
  readonly folder: string
  readonly mirrors: readonly string[]
  readonly patienceMs: number
  readonly screen: Screen
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`

const progressOf = (name: string, screen: Screen) => {
  const began = performance.now()
  let first: number | undefined
  return (received: number, total: number | undefined): void => {
    first ??= received
    const speed = (received - first) / Math.max(1e-3, (performance.now() - began) / 1000)
    screen.progress(
      `${name}: ${megabytes(received)}${total === undefined ? '' : ` of ${megabytes(total)}`} · ${megabytes(speed)}/s`,
    )
  }
}

/**
 * Fetches one file. What was received of it before is asked for no more, where the server can do so; where the result is not the
 * published file, what there was may have been another's: once more from the beginning.
 */
export const download = async (
  file: PublishedFile,
  { folder, mirrors, patienceMs, screen }: DownloadOptions,
): Promise<E.Either<NotDownloaded, Downloaded>> => {
  const { name, sha256, of, most } = file
  const path = join(folder, name)
  const part = `${path}.part`
  const isRight = async (at: string): Promise<boolean> => (await sha256Of(at, of)) === sha256
  if (await exists(path))
    return (await isRight(path))
      ? E.right({ name, how: 'kept', url: undefined })
      : E.left({ _tag: 'AnotherFile', path })

  const reasons: string[] = []
  let noNetwork = true
  for (const mirror of mirrors) {
    const url = new URL(name, mirror.endsWith('/') ? mirror : `${mirror}/`).href
    const ask = (): Promise<Transferred> =>
      transfer({ url, part, most, patienceMs, interrupted: screen.interrupted, onBytes: progressOf(name, screen) })
    // Broken off, it may go on; resumed and wrong, it may be right from the beginning.
    for (let tries = 0; tries < 3; tries++) {
      const result = await ask()
      if (result._tag === 'Interrupted') return E.left({ _tag: 'Interrupted' })
      if (result._tag === 'Broken') {
        reasons.push(`${url}: ${result.reason}`)
        noNetwork &&= result.noNetwork
        if (!/^only |^nothing came|^terminated|^UND_ERR_SOCKET|^ECONNRESET/.test(result.reason)) break
        continue
      }
      noNetwork = false
      if (await isRight(part)) {
        await rename(part, path)
        return E.right({ name, how: result.resumed ? 'resumed' : 'fetched', url })
      }
      await rm(part, { force: true })
      reasons.push(`${url}: the checksum is not that of the published file`)
      if (!result.resumed) break
    }
  }
  return E.left({ _tag: 'Refused', name, reasons, noNetwork })
}

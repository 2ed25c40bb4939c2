/**
 * One request for a file, or for the rest of it.
 */
import { type FileHandle, open, stat } from 'node:fs/promises'

/** What a transfer is told. */
export interface Transfer {
  readonly url: string
  /** Where the bytes go; those that are there already are not asked for again. */
  readonly part: string
  readonly most: number
  /** A transfer that brings nothing for so long is given up. */
  readonly patienceMs: number
  readonly interrupted: () => boolean
  /** Told after each piece. */
  readonly onBytes: (received: number, total: number | undefined) => void
}

/** How it ended: whole as far as the server says, or why not. */
export type Transferred =
  | { readonly _tag: 'Whole'; readonly resumed: boolean }
  | { readonly _tag: 'Broken'; readonly reason: string; readonly noNetwork: boolean }
  | { readonly _tag: 'Interrupted' }

const broken = (reason: string, noNetwork = false): Transferred => ({ _tag: 'Broken', reason, noNetwork })

const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  )

/** The codes of what stands between here and any server. */
const offline = new Set([
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'ECONNREFUSED',
  'ENETDOWN',
  'UND_ERR_CONNECT_TIMEOUT',
])

/** `fetch` says little, and its cause more. */
const causeOf = (error: unknown): { readonly code: string; readonly message: string } => {
  const { message, cause } = error as {
    readonly message?: string
    readonly cause?: { readonly code?: string; readonly message?: string }
  }
  const code = cause?.code ?? (error as NodeJS.ErrnoException).code ?? ''
  return { code, message: code !== '' ? code : (cause?.message ?? message ?? String(error)) }
}

/** Does a partial answer begin where the file ends? */
const beginsAt = (response: Response, offset: number): boolean =>
  response.headers.get('content-range')?.startsWith(`bytes ${offset}-`) === true

const expected = (response: Response, before: number): number | undefined => {
  const length = Number(response.headers.get('content-length') ?? Number.NaN)
  return Number.isFinite(length) ? before + length : undefined
}

/** Writes the body at the end of the file. */
const receive = async (
  response: Response,
  file: FileHandle,
  before: number,
  { most, interrupted, onBytes }: Transfer,
  alive: () => void,
): Promise<Transferred | undefined> => {
  let received = before
  const total = expected(response, before)
  for await (const piece of response.body as unknown as AsyncIterable<Uint8Array>) {
    alive()
    received += piece.length
    if (received > most) return broken(`more than ${most} bytes, as many as the file can have`)
    await file.write(piece)
    onBytes(received, total)
    if (interrupted()) return { _tag: 'Interrupted' }
  }
  return total !== undefined && received < total ? broken(`only ${received} of ${total} bytes`) : undefined
}

/** Asks once. What arrives is kept, whatever happens then. */
export const transfer = async (request: Transfer): Promise<Transferred> => {
  const { url, part, patienceMs } = request
  const offset = await sizeOf(part)
  const abort = new AbortController()
  let timer = setTimeout(() => abort.abort(), patienceMs)
  const alive = (): void => {
    clearTimeout(timer)
    timer = setTimeout(() => abort.abort(), patienceMs)
  }
  try {
    const response = await fetch(url, {
      signal: abort.signal,
      headers:
        offset > 0 ? { range: `bytes=${offset}-`, 'accept-encoding': 'identity' } : { 'accept-encoding': 'identity' },
    })
    alive()
    // Nothing follows what is there already: the checksum says whether it is the file.
    if (response.status === 416 && offset > 0) return { _tag: 'Whole', resumed: true }
    if (!response.ok || response.body === null) return broken(`status ${response.status}`)
    const resumes = response.status === 206
    if (resumes && !beginsAt(response, offset))
      return broken('an answer that begins at another byte than was asked for')
    const file = await open(part, resumes ? 'a' : 'w')
    try {
      const problem = await receive(response, file, resumes ? offset : 0, request, alive)
      await file.sync()
      return problem ?? { _tag: 'Whole', resumed: resumes }
    } finally {
      await file.close()
    }
  } catch (error) {
    if (abort.signal.aborted) return broken(`nothing came for ${patienceMs / 1000} s`)
    const { code, message } = causeOf(error)
    return broken(message, offline.has(code))
  } finally {
    clearTimeout(timer)
    abort.abort()
  }
}

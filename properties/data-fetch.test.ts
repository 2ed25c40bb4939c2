/**
 * `fp-dp data fetch` against a server of its own: interrupted, wrong, slow, and not there.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import * as E from 'fp-ts/lib/Either.js'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Downloaded, type DownloadOptions, download, type NotDownloaded } from '../src/cli/fetch/download.js'
import { type PublishedFile, published, publishedNames } from '../src/cli/fetch/published.js'
import { fpDp } from '../src/cli/fp-dp.js'
import type { Screen } from '../src/cli/screen.js'
import { runInProcess } from './laws/in-process.js'
import { temporaryFolder } from './runs/temporary-folder.js'

type Answer = (request: IncomingMessage, response: ServerResponse, asked: number) => void

const content = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * i * 31 + (i >> 7)) % 256))
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const plain: PublishedFile = { name: 'a.bin', sha256: sha256(content), of: 'file', most: content.length }
const zipped: PublishedFile = { name: 'b.gz', sha256: sha256(content), of: 'content', most: 200_000 }

let server: Server
let mirror = ''
let answer: Answer
let requests: (string | undefined)[] = []
let folder = ''

beforeAll(async () => {
  server = createServer((request, response) => {
    requests.push(request.headers.range)
    answer(request, response, requests.length)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  mirror = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})
beforeEach(() => {
  requests = []
  folder = temporaryFolder()
})

/** The bytes, and the rest of them where a rest is asked for. */
const serve =
  (bytes: Buffer): Answer =>
  (request, response) => {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
    if (from >= bytes.length && from > 0) return void response.writeHead(416).end()
    const partial = request.headers.range !== undefined
    response.writeHead(partial ? 206 : 200, {
      'content-length': bytes.length - from,
      ...(partial ? { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {}),
    })
    response.end(bytes.subarray(from))
  }

/** Some of the bytes from where they were asked for, and then no more. */
const cut =
  (bytes: Buffer, after: number): Answer =>
  (request, response) => {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
    response.writeHead(from > 0 ? 206 : 200, {
      'content-length': bytes.length - from,
      ...(from > 0 ? { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {}),
    })
    response.write(bytes.subarray(from, from + after), () => setTimeout(() => response.destroy(), 20))
  }

const quiet: Screen = { progress: () => undefined, print: () => undefined, interrupted: () => false }
const get = (
  file: PublishedFile,
  options: Partial<DownloadOptions> = {},
): Promise<E.Either<NotDownloaded, Downloaded>> =>
  download(file, { folder, mirrors: [mirror], patienceMs: 2000, screen: quiet, ...options })
const got = (name = plain.name): Buffer => readFileSync(join(folder, name))
const refusal = (result: E.Either<NotDownloaded, unknown>): string =>
  E.isLeft(result) && result.left._tag === 'Refused'
    ? result.left.reasons.join('; ')
    : expect.fail(JSON.stringify(result))

describe('a download', () => {
  it('is whole, checked, and alone in its folder', async () => {
    answer = serve(content)
    expect(await get(plain)).toEqual(E.right({ name: 'a.bin', how: 'fetched', url: `${mirror}a.bin` }))
    expect([got(), readdirSync(folder), requests]).toEqual([content, ['a.bin'], [undefined]])
  })

  it('is known by its content, however it is compressed', async () => {
    for (const level of [1, 9]) {
      answer = serve(gzipSync(content, { level }))
      expect(E.isRight(await get(zipped))).toBe(true)
      rmSync(join(folder, zipped.name))
    }
    answer = serve(content)
    expect(refusal(await get(zipped))).toMatch(/b\.gz: the checksum is not that of the published file/)
  })

  it('is kept where it is there and right; another file of its name is left alone', async () => {
    writeFileSync(join(folder, plain.name), content)
    expect(await get(plain)).toEqual(E.right({ name: 'a.bin', how: 'kept', url: undefined }))
    writeFileSync(join(folder, plain.name), 'mine')
    expect(await get(plain)).toEqual(E.left({ _tag: 'AnotherFile', path: join(folder, plain.name) }))
    expect([got().toString(), requests]).toEqual(['mine', []])
  })

  it('that breaks off is continued, within a call and by the next', async () => {
    answer = cut(content, 30_000)
    expect(refusal(await get(plain))).toMatch(/UND_ERR_SOCKET|terminated|ECONNRESET/)
    expect(readdirSync(folder)).toEqual(['a.bin.part'])
    expect(requests).toEqual([undefined, 'bytes=30000-', 'bytes=60000-'])
    expect(await get(plain)).toEqual(E.right({ name: 'a.bin', how: 'resumed', url: `${mirror}a.bin` }))
    expect([got(), readdirSync(folder)]).toEqual([content, ['a.bin']])
  })

  it('from a server that knows no ranges begins again', async () => {
    writeFileSync(join(folder, 'a.bin.part'), 'another beginning')
    answer = (_, response) => void response.writeHead(200, { 'content-length': content.length }).end(content)
    expect(await get(plain)).toEqual(E.right({ name: 'a.bin', how: 'fetched', url: `${mirror}a.bin` }))
    expect([got(), requests]).toEqual([content, ['bytes=17-']])
  })

  it('that goes on after a wrong beginning begins again', async () => {
    writeFileSync(join(folder, 'a.bin.part'), 'another beginning')
    answer = serve(content)
    expect(await get(plain)).toEqual(E.right({ name: 'a.bin', how: 'fetched', url: `${mirror}a.bin` }))
    expect([got(), requests]).toEqual([content, ['bytes=17-', undefined]])
  })

  it('that was whole, and not yet named, is named', async () => {
    writeFileSync(join(folder, 'a.bin.part'), content)
    answer = serve(content)
    expect(await get(plain)).toEqual(E.right({ name: 'a.bin', how: 'resumed', url: `${mirror}a.bin` }))
  })

  it.each<readonly [string, Answer, RegExp]>([
    ['is not there', (_, response) => void response.writeHead(404).end('no'), /^\S+a\.bin: status 404$/],
    ['is another one', serve(Buffer.from(content).fill(0, 500, 501)), /^\S+a\.bin: the checksum is not that/],
    ['is too long', serve(Buffer.concat([content, content])), /more than 100000 bytes/],
    ['never comes', () => undefined, /nothing came for 0\.2 s/],
    [
      'stops coming',
      (_, response) => void response.writeHead(200, { 'content-length': content.length }).write('ab'),
      /nothing came for 0\.2 s/,
    ],
    [
      'comes from another place than was asked',
      (_, response, asked) =>
        asked === 1
          ? cut(content, 10)(_, response, asked)
          : void response.writeHead(206, { 'content-range': 'bytes 0-9/10', 'content-length': 10 }).end('0123456789'),
      /another byte than was asked for/,
    ],
  ])('is refused where it %s, and the next mirror is asked', async (_, how, sentence) => {
    answer = how
    const name = join(folder, plain.name)
    expect(refusal(await get(plain, { patienceMs: 200 }))).toMatch(sentence)
    expect(readdirSync(folder)).not.toContain('a.bin')
    const other = createServer((request, response) => serve(content)(request, response, 0))
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const second = `http://127.0.0.1:${(other.address() as AddressInfo).port}`
    expect(await get(plain, { patienceMs: 200, mirrors: [mirror, second] })).toMatchObject({ _tag: 'Right' })
    expect(readFileSync(name)).toEqual(content)
    other.closeAllConnections()
    other.close()
  })

  it('is slow, and comes', async () => {
    answer = (_, response) => {
      response.writeHead(200, { 'content-length': content.length })
      let at = 0
      const more = (): void => {
        if (at >= content.length) return void response.end()
        response.write(content.subarray(at, at + 20_000))
        at += 20_000
        setTimeout(more, 60)
      }
      more()
    }
    expect(await get(plain, { patienceMs: 200 })).toMatchObject({ _tag: 'Right' })
  })

  it('is left where Ctrl-C stopped it', async () => {
    answer = serve(content)
    const screen = { ...quiet, interrupted: () => true }
    expect(await get(plain, { screen })).toEqual(E.left({ _tag: 'Interrupted' }))
    expect(readdirSync(folder)).toEqual(['a.bin.part'])
    expect(await get(plain)).toMatchObject({ _tag: 'Right' })
  })
})

describe('fp-dp data fetch', () => {
  const fetching = (...argv: readonly string[]) => runInProcess(fpDp('0'), ['data', 'fetch', ...argv])

  it('says plainly that there is no network, with status 1', async () => {
    const gone = createServer()
    await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve))
    const { port } = gone.address() as AddressInfo
    await new Promise((resolve) => gone.close(resolve))
    const { status, out, err } = await fetching('mnist', '--to', folder, '--mirror', `http://127.0.0.1:${port}/`)
    expect([status, out]).toEqual([1, ''])
    expect(err).toMatch(
      /^train-images-idx3-ubyte\.gz cannot be fetched, since no network reaches the servers \(http:\/\/127\.0\.0\.1:\d+\/train-images-idx3-ubyte\.gz: ECONNREFUSED\): fetch the files of MNIST elsewhere, and put them into \S+\.\n$/,
    )
  })

  it('takes nothing that was not published', async () => {
    answer = serve(gzipSync(content))
    const { status, err } = await fetching('fashion-mnist', '--to', folder, '--mirror', mirror)
    expect([status, err]).toEqual([
      1,
      expect.stringMatching(
        /train-images-idx3-ubyte\.gz cannot be fetched \(.*the checksum is not that of the published file\)\.\n$/,
      ),
    ])
    expect(readdirSync(folder)).toEqual([])
  })

  it('knows names, sums and addresses', () => {
    expect(publishedNames.toSorted()).toEqual(Object.keys(published).toSorted())
    const sets = Object.values(published)
    const files = sets.flatMap((set) => set.files)
    expect(new Set(files.map((file) => file.sha256)).size).toBe(files.length)
    for (const { sha256: sum, most } of files) expect([/^[0-9a-f]{64}$/.test(sum), most > 1e5]).toEqual([true, true])
    for (const { mirrors } of sets) for (const address of mirrors) expect(address).toMatch(/^https?:\/\/.*\/$/)
  })

  it.each<readonly [readonly string[], RegExp]>([
    [['imagenet', '--to', 'x'], /^<dataset> must be mnist, fashion-mnist or cifar10, not 'imagenet'\.$/],
    [['--to', 'x'], /^<dataset> is missing/],
    [['mnist'], /^--to is missing: it must be the name of a folder\.$/],
    [['mnist', '--to', ''], /^--to must be the name of a folder, not ''\.$/],
    [
      ['mnist', '--to', 'x', '--mirror', 'ftp://a/'],
      /^--mirror must be an address that begins with http:\/\/ or https:\/\/, not 'ftp:\/\/a\/'\.$/,
    ],
    [['mnist', '--to', 'x', '--patience', '0'], /^--patience must be a number above 0, not '0'\.$/],
    [['mnist', 'cifar10', '--to', 'x'], /'cifar10' must not be given/],
  ])('%j: a sentence, and status 2', async (argv, sentence) => {
    const { status, err } = await fetching(...argv)
    expect([status, err.trim()]).toEqual([2, expect.stringMatching(sentence)])
  })
})

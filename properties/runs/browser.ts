/**
 * A browser for tests, where one is installed, and folders served to it.
 */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'
import { type Browser, chromium } from 'playwright-core'

const PLACES: readonly string[] = [
  ...(process.env.CHROMIUM_PATH === undefined ? [] : [process.env.CHROMIUM_PATH]),
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
]

/** Where Chromium is, or undefined. */
export const chromiumPath: string | undefined = PLACES.find((path) => existsSync(path))

/** Why tests in a browser do not run, for their title. */
export const withoutChromium: string =
  chromiumPath === undefined
    ? ' (skipped: no Chromium is installed; set CHROMIUM_PATH, or apt-get install chromium)'
    : ''

export const launchChromium = (): Promise<Browser> =>
  chromium.launch({
    ...(chromiumPath === undefined ? {} : { executablePath: chromiumPath }),
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
}

export interface Served {
  readonly url: string
  readonly close: () => Promise<void>
}

/** Serves the files of a folder under a path, like a static host. */
export const serveFolder = async (
  folder: string,
  { path = '/', headers = {} }: { readonly path?: string; readonly headers?: Readonly<Record<string, string>> } = {},
): Promise<Served> => {
  const server = createServer(async ({ url = '/' }, response) => {
    const { pathname } = new URL(url, 'http://localhost')
    const inside = pathname.startsWith(path) ? normalize(`/${pathname.slice(path.length)}`) : ''
    const file = join(folder, inside.endsWith('/') ? `${inside}index.html` : inside)
    const content = inside === '' ? undefined : await readFile(file).catch(() => undefined)
    response.writeHead(content === undefined ? 404 : 200, {
      'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream',
      ...headers,
    })
    response.end(content)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}${path}`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

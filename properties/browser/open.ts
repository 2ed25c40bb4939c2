/**
 * A page of this repository's modules in a headless browser, for what Node does not have: WebGL and WebGPU, by a software
 * rasteriser where there is no GPU.
 */
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { chromium, type Page } from 'playwright-core'
import { build } from 'vite'

const candidates = [
  process.env.CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

/** A browser of the machine, or the one in CHROMIUM. */
export const browserPath: string | undefined = candidates.find((path) => path !== undefined && existsSync(path))

/** Software rasterisers behind WebGL and WebGPU; without them, whatever GPU the browser finds. */
const software = ['--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--use-webgpu-adapter=swiftshader']

/** A GPU of a Linux server, without a display. */
const headless =
  process.platform === 'linux' ? ['--use-angle=vulkan', '--disable-vulkan-surface', '--ignore-gpu-blocklist'] : []

export interface Opened {
  readonly page: Page
  readonly close: () => Promise<void>
}

/** An entry file with all that it imports, as one module. */
export const bundle = async (entry: string): Promise<string> => {
  const result = await build({
    configFile: false,
    logLevel: 'error',
    root: fileURLToPath(new URL('../..', import.meta.url)),
    // The laws say what they find to vitest, which a page does not have.
    resolve: { alias: { vitest: fileURLToPath(new URL('./no-vitest.ts', import.meta.url)) } },
    build: {
      write: false,
      minify: false,
      target: 'esnext',
      modulePreload: false,
      lib: { entry, formats: ['es'] },
      rollupOptions: { output: { codeSplitting: false } },
    },
  })
  const [made] = Array.isArray(result) ? result : [result]
  if (made === undefined || !('output' in made)) throw new Error(`${entry} was not bundled`)
  return made.output[0].code
}

/** The page with an entry file's modules. `gpu` takes the machine's GPU instead of the software rasteriser. */
export const openPage = async (entry: string, { gpu = false }: { readonly gpu?: boolean } = {}): Promise<Opened> => {
  const code = await bundle(entry)
  const server = createServer((request, response) => {
    const script = request.url === '/page.js'
    response.setHeader('content-type', script ? 'text/javascript' : 'text/html')
    response.end(script ? code : '<!doctype html><title>fp-dp</title><script type="module" src="/page.js"></script>')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const browser = await chromium.launch({
    ...(browserPath === undefined ? {} : { executablePath: browserPath }),
    args: ['--enable-unsafe-webgpu', '--enable-features=Vulkan', ...(gpu ? headless : software)],
  })
  const page = await browser.newPage()
  page.on('pageerror', (error) => console.error(error))
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, { waitUntil: 'load' })
  return {
    page,
    close: async () => {
      await browser.close()
      server.close()
    },
  }
}

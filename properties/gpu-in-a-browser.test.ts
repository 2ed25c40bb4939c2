/**
 * The GPU backend where gpu.js uses the shading languages: WebGL 2 and WebGPU in a headless browser, by a software rasteriser.
 */
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { browserPath, type Opened, openPage } from './browser/open.js'
import type { Checked, Wanted } from './browser/page.js'

const why = browserPath === undefined ? ' (skipped: no browser was found; CHROMIUM names one)' : ''

describe.skipIf(browserPath === undefined)(`the GPU backend in a browser${why}`, () => {
  let opened: Opened

  beforeAll(async () => {
    opened = await openPage(fileURLToPath(new URL('browser/page.ts', import.meta.url)))
  })
  afterAll(() => opened.close())

  it.each(['webgl2', 'webgpu', 'wgsl'] as const)(
    '%s keeps the contract of a backend, and of a private step',
    async (mode) => {
      const wanted: Wanted = {
        mode,
        seed: inject('seed'),
        runs: 5,
        large: '^(sum, all|rowDots, 3|argmax|gelu)',
        tolerance: 1e-5,
        tiles: ['^large', 1],
      }
      const checked = await opened.page.evaluate(
        (w) => (globalThis as unknown as { readonly check: (of: Wanted) => Promise<Checked | string> }).check(w),
        wanted,
      )
      // A browser without the mode says so; nothing is known of it then.
      if (typeof checked === 'string')
        return expect(checked).toMatch(/^The mode is \w+, which this machine does not have/)
      expect(checked.findings.filter(({ broken }) => broken !== undefined)).toEqual([])
      expect(checked.findings.length).toBeGreaterThan(60)
    },
  )
})

import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as E from 'fp-ts/lib/Either.js'
import type { Browser, Page } from 'playwright-core'
import { build, createLogger, type PreviewServer, preview } from 'vite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, exactAnswers, instantAnswers, latticeAnswers } from '../playground/src/calculator/answers.js'
import { type Query, queryFields, type Relation } from '../playground/src/calculator/query.js'
import { initialValues } from '../playground/src/page/field.js'
import { shown } from '../playground/src/page/number-text.js'
import { stepEvent } from '../playground/src/training/run.js'
import { TRAINING_DELTA, trainingFields } from '../playground/src/training/training-settings.js'
import { Event, epsilonOf, exact, rdp, showEvent } from '../src/privacy/index.js'
import { chromiumPath, launchChromium, type Served, serveFolder, withoutChromium } from './runs/browser.js'
import type { Probe } from './runs/browser-probe.js'
import { temporaryFolder } from './runs/temporary-folder.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const playground = join(root, 'playground')

/** Vite with its warnings kept, and nothing printed. */
const quietly = () => {
  const warnings: string[] = []
  // How long plugins took depends on what else the machine does.
  const keep = (message: string): void => {
    if (!message.includes('PLUGIN_TIMINGS')) warnings.push(message)
  }
  const logger = { ...createLogger('silent'), warn: keep, warnOnce: keep }
  return { warnings, logger }
}

describe('the library in a bundle', () => {
  it('is built for a browser without a warning, and asks for no module of Node', async () => {
    const { warnings, logger } = quietly()
    const folder = temporaryFolder()
    await build({
      configFile: false,
      root: folder,
      customLogger: logger,
      build: {
        outDir: join(folder, 'out'),
        minify: false,
        lib: { entry: join(root, 'src/index.ts'), formats: ['es'], fileName: () => 'library.js' },
        // Optional packages, which a page that draws no picture does not install.
        rollupOptions: { external: ['@observablehq/plot', '@resvg/resvg-js', 'linkedom', 'mathjs', 'gpu.js'] },
      },
    })
    expect(warnings).toEqual([])
    const text = await readFile(join(folder, 'out', 'library.js'), 'utf8')
    expect(text.length).toBeGreaterThan(100_000)
    expect(text).not.toMatch(/(from|import\()\s*["']node:|vite-browser-external/)
  })
})

/** The upper ends that the library proves for a query, by accountant and relation. */
const provedBy = (answers: Iterable<Answer>): ReadonlyMap<string, number> =>
  new Map(
    [...answers].flatMap((answer) =>
      answer._tag === 'Epsilon' && E.isRight(answer.bounds)
        ? [[`${answer.method} ${answer.relation}`, answer.bounds.right.upper] as const]
        : [],
    ),
  )

/** The numbers of a generator of answers, without its curves. */
const onlyNumbers = function* (answers: Iterable<Answer>): Generator<Answer> {
  for (const answer of answers) {
    if (answer._tag === 'Points') return
    yield answer
  }
}

const inNode = (query: Query): ReadonlyMap<string, number> =>
  new Map([
    ...provedBy(instantAnswers(query)),
    ...provedBy(onlyNumbers(exactAnswers(query))),
    ...provedBy(onlyNumbers(latticeAnswers(query))),
  ])

const initial: Query = { ...initialValues(queryFields), neighbouring: 'addOrRemoveOne' }

describe.skipIf(chromiumPath === undefined)(`the page in Chromium${withoutChromium}`, () => {
  let work = ''
  let browser: Browser
  let server: PreviewServer
  let url = ''
  const opened: Page[] = []
  const complaints: string[] = []

  beforeAll(async () => {
    work = temporaryFolder()
    const built = {
      root: playground,
      configFile: join(playground, 'vite.config.ts'),
      build: { outDir: work, emptyOutDir: true },
    }
    const { warnings, logger } = quietly()
    const [, launched] = await Promise.all([build({ ...built, customLogger: logger }), launchChromium()])
    expect(warnings).toEqual([])
    browser = launched
    server = await preview({ ...built, logLevel: 'silent', preview: { port: 0, host: '127.0.0.1' } })
    url = server.resolvedUrls?.local[0] ?? ''
  })

  afterAll(async () => {
    await browser?.close()
    await server?.close()
  })

  const open = async (address: string): Promise<Page> => {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, reducedMotion: 'reduce' })
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
    })
    page.on('pageerror', (error) => complaints.push(error.message))
    opened.push(page)
    await page.goto(address)
    await page.locator('#epsilon[data-method]').waitFor()
    return page
  }

  /** The table of the page once every accountant has answered the latest query. */
  const tableOf = async (page: Page): Promise<ReadonlyMap<string, number>> => {
    await page.waitForFunction(() => document.querySelectorAll('.accountants .old').length === 0, undefined, {
      timeout: 60_000,
    })
    const cells = await page
      .locator('.accountants td[data-upper]')
      .evaluateAll((found) =>
        found.map((cell): [string, number] => [
          `${cell.parentElement?.dataset.method} ${(cell as HTMLElement).dataset.relation}`,
          Number((cell as HTMLElement).dataset.upper),
        ]),
      )
    return new Map(cells)
  }

  const box = (page: Page, name: string) => page.locator(`[data-field=${name}] .box`)
  const slider = (page: Page, name: string) => page.locator(`[data-field=${name}] .slider`)

  it('shows the numbers of the library, and what it claims is the least that is proved', async () => {
    const page = await open(url)
    const found = await tableOf(page)
    const expected = inNode(initial)
    expect([...found.keys()].toSorted()).toEqual([...expected.keys()].toSorted())
    for (const [name, upper] of expected) expect(found.get(name)! / upper, name).toBeCloseTo(1, 10)
    const relation: Relation = 'addOrRemoveOne'
    const least = Math.min(...['exact', 'pld', 'prv', 'rdp'].map((method) => expected.get(`${method} ${relation}`)!))
    expect(Number(await page.locator('#epsilon').getAttribute('data-upper')) / least).toBeCloseTo(1, 10)
    expect(await page.locator('#epsilon').textContent()).toBe(shown(least, 4, 'up'))
  })

  it('answers within 100 ms of a slider’s move', async () => {
    const page = opened[0]!
    await slider(page, 'noise-multiplier').focus()
    const move = (key: string): Promise<number> =>
      page.evaluate(
        (pressed) =>
          new Promise<number>((resolve) => {
            const number = document.querySelector('#epsilon') as HTMLElement
            const began = performance.now()
            const watch = new MutationObserver(() => {
              watch.disconnect()
              resolve(performance.now() - began)
            })
            watch.observe(number, { attributes: true, attributeFilter: ['data-query'] })
            const moved = new KeyboardEvent('keydown', { key: pressed, bubbles: true, cancelable: true })
            document.activeElement?.dispatchEvent(moved)
          }),
        key,
      )
    // Other tests may share the processor: the page is asked again before it is blamed.
    const medians: number[] = []
    for (let round = 0; round < 3 && !medians.some((median) => median < 100); round++) {
      const times: number[] = []
      for (let k = 0; k < 9; k++) times.push(await move(k % 3 === 2 ? 'ArrowLeft' : 'ArrowRight'))
      medians.push(times.toSorted((a, b) => a - b)[4]!)
    }
    expect(Math.min(...medians)).toBeLessThan(100)
    const noiseMultiplier = Number(await box(page, 'noise-multiplier').inputValue())
    expect(noiseMultiplier).toBeGreaterThan(initial.noiseMultiplier)
    const query = { ...initial, noiseMultiplier }
    const table = await tableOf(page)
    for (const [name, upper] of provedBy(instantAnswers(query)))
      expect(table.get(name)! / upper, name).toBeCloseTo(1, 10)
  })

  it('writes its settings into a link that brings them back, and says what is wrong with one', async () => {
    const page = opened[0]!
    await box(page, 'steps').fill('321')
    await page.waitForFunction(() => location.hash.includes('steps=321'))
    const hash = new URL(page.url()).hash
    await page.locator('.epochs summary').click()
    await page.locator('#epochs-batchSize').fill('600')
    await page.locator('.epochs button').click()
    expect(await box(page, 'sampling-probability').inputValue()).toBe('0.01')
    expect(await box(page, 'steps').inputValue()).toBe('6000')
    await page.close()
    const again = await open(`${url}${hash}&neighbouring=replace-one&train-clip-norm=0.25`)
    expect(await box(again, 'steps').inputValue()).toBe('321')
    expect(await box(again, 'noise-multiplier').inputValue()).toBe(
      new URLSearchParams(hash.slice(1)).get('noise-multiplier'),
    )
    expect(await box(again, 'train-clip-norm').inputValue()).toBe('0.25')
    expect(await again.locator('input[value=replaceOne]').isChecked()).toBe(true)
    await again.evaluate(() => {
      location.hash = '#delta=7&steps=100'
    })
    await again.locator('#notice').waitFor()
    expect(await again.locator('#notice').textContent()).toContain('delta must be a number from 1e-100 to below 1')
    expect(await box(again, 'delta').inputValue()).toBe('1e-5')
    await box(again, 'delta').fill('2')
    expect(await again.locator('[data-field=delta] .problem').textContent()).toContain('delta must be')
    await again.close()
  })

  it('trains by the keyboard alone, under a ledger that grows with each step', async () => {
    const page = await open(url)
    const active = (selector: string) =>
      page.evaluate((wanted) => document.activeElement?.matches(wanted) ?? false, selector)
    const tabTo = async (selector: string): Promise<void> => {
      for (let presses = 0; presses < 60; presses++) {
        await page.keyboard.press('Tab')
        if (await active(selector)) return
      }
      throw new Error(`no Tab leads to ${selector}`)
    }
    await page.keyboard.press('Tab')
    expect(await active('.skip')).toBe(true)
    await page.keyboard.press('Enter')
    await tabTo('[data-field=noise-multiplier] .slider')
    expect(await page.evaluate(() => getComputedStyle(document.activeElement as Element).outlineStyle)).toBe('solid')
    await page.keyboard.press('ArrowRight')
    expect(Number(await box(page, 'noise-multiplier').inputValue())).toBeGreaterThan(initial.noiseMultiplier)
    await tabTo('input[name=relation]')
    await page.keyboard.press('ArrowRight')
    expect(await page.locator('input[value=replaceOne]').isChecked()).toBe(true)

    await tabTo('#train-start')
    await page.keyboard.press('Enter')
    await tabTo('[data-field=train-rate] .slider')
    for (let k = 0; k < 6; k++) await page.keyboard.press('PageUp')
    const reading = async () => ({
      step: Number(await page.locator('#train-step').textContent()),
      accuracy: Number.parseFloat((await page.locator('#train-accuracy').textContent()) ?? ''),
      epsilon: Number(await page.locator('#train-epsilon').textContent()),
    })
    await page.waitForFunction(
      () => Number.parseFloat(document.querySelector('#train-accuracy')?.textContent ?? '') >= 0,
    )
    const first = await reading()
    await page.waitForFunction(() => Number(document.querySelector('#train-step')?.textContent) >= 40)
    const second = await reading()
    expect(second.epsilon).toBeGreaterThan(first.epsilon)
    await page.waitForFunction(
      () => Number.parseFloat(document.querySelector('#train-accuracy')?.textContent ?? '') >= 45,
      undefined,
      { timeout: 60_000 },
    )
    expect((await reading()).accuracy).toBeGreaterThan(first.accuracy)
    expect(await page.locator('.histogram .bar').count()).toBeGreaterThan(5)

    await tabTo('.handle')
    await page.keyboard.press('ArrowLeft')
    const clip = Number(await box(page, 'train-clip-norm').inputValue())
    expect(clip).toBeLessThan(trainingFields.clipNorm.initial)
    expect(Number(await page.locator('.handle').getAttribute('aria-valuenow'))).toBe(clip)
    const changedAt = (await reading()).step
    await page.waitForFunction(
      (step) => Number(document.querySelector('#train-step')?.textContent) > step + 5,
      changedAt,
    )
    await box(page, 'train-noise-multiplier').fill('1.5')
    await page.waitForFunction(
      (step) => Number(document.querySelector('#train-step')?.textContent) > step + 30,
      changedAt,
    )
    await page.locator('#train-start').focus()
    await page.keyboard.press('Enter')
    await page.locator('#train-statement').waitFor()
    await page.waitForFunction(() => document.querySelector('#train-claim')?.textContent?.includes('exact'))

    // C moves nothing in the ledger; σ begins a second count.
    const ledger = (await page.locator('#train-ledger').textContent()) ?? ''
    const [, before, after] =
      /^(\d+) × Poisson\(0\.05, Gaussian\(1\)\) \+ (\d+) × Poisson\(0\.05, Gaussian\(1\.5\)\)$/.exec(ledger) ?? []
    const settings = initialValues(trainingFields)
    const event = Event.composed([
      Event.selfComposed(Number(before))(stepEvent(settings)),
      Event.selfComposed(Number(after))(stepEvent({ ...settings, noiseMultiplier: 1.5 })),
    ])
    expect(showEvent(event)).toBe(ledger)
    expect(Number(before) + Number(after)).toBe((await reading()).step)
    const spent = [exact(), rdp()].map((accountant) =>
      epsilonOf(accountant as ReturnType<typeof rdp>, TRAINING_DELTA)(event),
    )
    const uppers = spent.map((bounds) => (E.isRight(bounds) ? bounds.right.upper : Number.NaN))
    expect(await page.locator('#train-claim').textContent()).toContain(
      `ε ≤ ${shown(uppers[0]!, 4, 'up')} by exact accounting`,
    )
    expect(await page.locator('#train-epsilon').textContent()).toBe(shown(Math.min(...uppers), 3, 'up'))
    expect(await page.locator('#train-statement').textContent()).toContain('The settings changed 2 times')
    await page.locator('#train-reset').click()
    expect(await page.locator('#train-step').textContent()).toBe('–')
    await page.close()
  })

  it('trains on one thread under a folder of a host that does not isolate the page', async () => {
    const host = await serveFolder(work, { path: '/some/folder/' })
    try {
      const page = await open(host.url)
      expect(await page.evaluate(() => globalThis.crossOriginIsolated)).toBe(false)
      await page.locator('#train-start').click()
      await page.waitForFunction(() => Number(document.querySelector('#train-step')?.textContent) >= 2)
      expect(await page.locator('#train-status').getAttribute('data-backend')).toMatch(/1 thread\)/)
      await page.close()
    } finally {
      await host.close()
    }
  })

  it('fits every width from that of a small phone on', async () => {
    const page = await open(url)
    await page.locator('details summary').first().click()
    for (const width of [320, 375, 768, 1280]) {
      await page.setViewportSize({ width, height: 900 })
      // Pictures follow in the next frame.
      await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 120)))
      expect(await page.evaluate(() => document.documentElement.scrollWidth), `at ${width}`).toBeLessThanOrEqual(width)
      const widest = await page
        .locator('svg.chart')
        .evaluateAll((charts) => Math.max(...charts.map((chart) => chart.getBoundingClientRect().right)))
      expect(widest).toBeLessThanOrEqual(width)
    }
    await page.close()
  })

  it('has letters that can be read in light and in dark, and a theme that can be chosen', async () => {
    const page = await open(url)
    /** Contrast ratios by WCAG 2: of letters on what they stand on. */
    const contrasts = () =>
      page.evaluate(() => {
        const style = getComputedStyle(document.documentElement)
        const luminance = (name: string): number => {
          const probe = document.createElement('i')
          probe.style.color = style.getPropertyValue(name)
          document.body.append(probe)
          const channels = (getComputedStyle(probe).color.match(/\d+/g) ?? []).slice(0, 3).map((text) => {
            const share = Number(text) / 255
            return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
          }) as [number, number, number]
          probe.remove()
          return 0.2126 * channels[0] + 0.7152 * channels[1] + 0.0722 * channels[2]
        }
        const contrast = (a: string, b: string): number => {
          const [less, more] = [luminance(a), luminance(b)].toSorted((x, y) => x - y) as [number, number]
          return (more + 0.05) / (less + 0.05)
        }
        return [
          ...['--ink', '--soft', '--quiet', '--accent', '--warn'].flatMap((letters) =>
            ['--paper', '--surface'].map((ground) => contrast(letters, ground)),
          ),
          contrast('--on-accent', '--accent'),
          luminance('--paper'),
        ]
      })
    const isReadable = (found: readonly number[], ground: 'light' | 'dark'): void => {
      for (const ratio of found.slice(0, -1)) expect(ratio).toBeGreaterThanOrEqual(4.5)
      if (ground === 'light') expect(found.at(-1)).toBeGreaterThan(0.8)
      else expect(found.at(-1)).toBeLessThan(0.1)
    }
    for (const [system, other] of [
      ['light', 'dark'],
      ['dark', 'light'],
    ] as const) {
      await page.emulateMedia({ colorScheme: system })
      await page.locator('#theme input[value=system]').check()
      isReadable(await contrasts(), system)
      await page.locator(`#theme input[value=${other}]`).check()
      isReadable(await contrasts(), other)
    }
    await page.reload()
    isReadable(await contrasts(), 'light')
    await page.close()
  })

  it('said nothing on the console', () => {
    expect(complaints).toEqual([])
  })

  describe('the wasm backend', () => {
    let probes: readonly Served[] = []

    beforeAll(async () => {
      const folder = join(work, 'probe')
      await mkdir(folder)
      await build({
        configFile: false,
        root,
        logLevel: 'silent',
        publicDir: false,
        build: {
          outDir: folder,
          lib: { entry: join(root, 'properties/runs/browser-probe.ts'), formats: ['es'], fileName: () => 'probe.js' },
        },
      })
      await writeFile(
        join(folder, 'index.html'),
        '<!doctype html><title>probe</title><script type="module" src="probe.js"></script>',
      )
      probes = [
        await serveFolder(folder, {
          headers: { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' },
        }),
        await serveFolder(folder),
      ]
    })

    afterAll(async () => {
      await Promise.all(probes.map(({ close }) => close()))
    })

    it.each([
      ['with shared memory', 0, /3 threads/],
      ['without', 1, /1 thread\)/],
    ] as const)(
      '%s has the same bits on a page and in a worker, with one thread and with several',
      async (_, which, threads) => {
        const page = await browser.newPage()
        await page.goto(probes[which]?.url ?? '')
        await page.waitForFunction(() => 'probe' in globalThis)
        const onPage = await page.evaluate(() => (globalThis as unknown as { probe: () => Promise<Probe> }).probe())
        const inWorker = await page.evaluate(
          () =>
            new Promise<Probe>((resolve, reject) => {
              const worker = new Worker('probe.js', { type: 'module' })
              worker.onmessage = ({ data }) => resolve(data)
              worker.onerror = ({ message }) => reject(new Error(message))
            }),
        )
        for (const found of [onPage, inWorker]) {
          expect(found.isolated).toBe(which === 0)
          expect(found.names[1]).toMatch(threads)
          expect(found.names.join()).not.toContain('two results')
          expect(found.same).toBe(true)
        }
        expect(inWorker.values).toEqual(onPage.values)
        await page.close()
      },
    )
  })
})

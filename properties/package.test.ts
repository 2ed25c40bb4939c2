/**
 * The package as a stranger gets it: built, packed, installed in an empty folder, and used from each kind of program.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from './runs/temporary-folder.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')

/** Made by the build of the kernels, which stands before every other step and is no part of this test. */
const kernels = join(root, 'src', 'tensor', 'backend', 'wasm', 'generated')

interface Manifest {
  readonly name: string
  readonly version: string
  readonly files: readonly string[]
  readonly exports: Readonly<Record<string, unknown>>
}

const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Manifest

/** `fp-dp`, `fp-dp/tensor`, … */
const specifiers = Object.keys(manifest.exports)
  .filter((subpath) => subpath !== './package.json')
  .map((subpath) => manifest.name + subpath.slice(1))

/** What is found where every subpath loads. */
const all = Object.fromEntries(specifiers.map((specifier) => [specifier, true]))

const run = async (cwd: string, command: string, ...args: readonly string[]): Promise<string> => {
  try {
    // Tests of the repository run under settings of npm and Node that a stranger does not have.
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => name !== 'NODE_OPTIONS'))
    return (await promisify(execFile)(command, args, { cwd, env, maxBuffer: 2 ** 26 })).stdout
  } catch (cause) {
    const { stdout, stderr } = cause as { readonly stdout?: string; readonly stderr?: string }
    throw new Error(`${command} ${args.join(' ')}\n${stdout ?? ''}\n${stderr ?? cause}`)
  }
}

describe.skipIf(!existsSync(kernels))('the package', () => {
  let work = ''
  let consumer = ''
  let packed: readonly string[] = []

  beforeAll(async () => {
    work = temporaryFolder()
    const source = join(work, 'source')
    consumer = join(work, 'consumer')
    await Promise.all([mkdir(source), mkdir(consumer)])
    // Built aside: a build in place would change files under the feet of tests that run at the same time.
    for (const name of ['package.json', 'LICENSE', 'README.md', 'CHANGELOG.md', 'src'])
      if (existsSync(join(root, name))) await cp(join(root, name), join(source, name), { recursive: true })
    await run(root, process.execPath, tsc, '-p', 'tsconfig.build.json', '--outDir', join(source, 'dist'))
    const [made] = JSON.parse(await run(source, 'npm', 'pack', '--ignore-scripts', '--json')) as readonly {
      readonly filename: string
      readonly files: readonly { readonly path: string }[]
    }[]
    packed = made?.files.map(({ path }) => path) ?? []
    await writeFile(join(consumer, 'package.json'), '{ "private": true }')
    const tarball = join(source, made?.filename ?? '')
    await run(consumer, 'npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', '--omit=peer', tarball)
  }, 180_000)

  it('holds the library, its sources and its papers, and nothing else', () => {
    const folders = new Set(packed.map((path) => path.split('/')[0]))
    expect([...folders].toSorted()).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'dist', 'package.json', 'src'])
    expect(packed).toContain('dist/index.js')
    expect(packed).toContain('dist/index.d.ts')
  })

  it('offers its subpaths', () => {
    for (const folder of ['tensor', 'grad', 'privacy', 'sampling', 'optim'])
      expect(specifiers).toContain(`${manifest.name}/${folder}`)
  })

  it('is imported', async () => {
    const program = `
      const found = {}
      for (const name of ${JSON.stringify(specifiers)})
        found[name] = await import(name).then((module) => Object.keys(module).length > 0, String)
      console.log(JSON.stringify(found))`
    await writeFile(join(consumer, 'run.mjs'), program)
    expect(JSON.parse(await run(consumer, process.execPath, 'run.mjs'))).toEqual(all)
  })

  it('is required', async () => {
    const program = `
      const found = {}
      for (const name of ${JSON.stringify(specifiers)})
        try { found[name] = Object.keys(require(name)).length > 0 } catch (error) { found[name] = String(error) }
      console.log(JSON.stringify(found))`
    await writeFile(join(consumer, 'run.cjs'), program)
    expect(JSON.parse(await run(consumer, process.execPath, 'run.cjs'))).toEqual(all)
  })

  it('computes', async () => {
    const program = `
      import { tensor } from '${manifest.name}'
      import { toArray } from '${manifest.name}/tensor'
      import { key, uniform } from '${manifest.name}/sampling'
      console.log(JSON.stringify([toArray(tensor.tensor([1, 2], [2])), uniform([3])(key(0)).shape]))`
    await writeFile(join(consumer, 'run.mjs'), program)
    expect(JSON.parse(await run(consumer, process.execPath, 'run.mjs'))).toEqual([[1, 2], [3]])
  })

  it('tells its version', async () => {
    await writeFile(join(consumer, 'run.cjs'), `console.log(require('${manifest.name}/package.json').version)`)
    expect((await run(consumer, process.execPath, 'run.cjs')).trim()).toBe(manifest.version)
  })

  it('has a command line', async () => {
    const bin = join(consumer, 'node_modules', '.bin', 'fp-dp')
    expect((await run(consumer, bin, '--version')).trim()).toBe(manifest.version)
    const training = ['--noise-multiplier', '2', '--sampling-probability', '1', '--steps', '4']
    const { claims } = JSON.parse(await run(consumer, 'npx', 'fp-dp', 'epsilon', ...training, '--json')) as {
      readonly claims: readonly { readonly epsilon: number }[]
    }
    // Four releases of noise multiplier 2 are one of 1: 4.377178 at δ = 1e-5.
    expect(claims[0]?.epsilon).toBeCloseTo(4.377178, 5)
    const csv = join(consumer, 'curve.csv')
    await run(consumer, bin, 'curve', 'delta-by-epsilon', ...training, '--points', '3', '--output', csv)
    expect(await readFile(csv, 'utf8')).toMatch(/^curve,/)
    await expect(
      run(consumer, bin, 'curve', 'delta-by-epsilon', ...training, '--points', '3', '--output', 'curve.svg'),
    ).rejects.toThrow(/A picture needs the package @observablehq\/plot, which is not installed: npm install/)
  })

  it('says what a picture needs, where that is not installed', async () => {
    const program = `
      import { lineChart, showReportError } from '${manifest.name}/report'
      const panels = [{ label: 'y', series: [{ name: 'a', points: [[0, 1]] }] }]
      const drawn = await lineChart({ title: 'A run', x: { label: 'x' }, panels })()
      console.log(drawn._tag, showReportError(drawn.left))`
    await writeFile(join(consumer, 'run.mjs'), program)
    const said = await run(consumer, process.execPath, 'run.mjs')
    expect(said).toMatch(/^Left A picture needs the package @observablehq\/plot, .*npm install/)
  })

  it.each([
    ['node10', { module: 'esnext', moduleResolution: 'node10', ignoreDeprecations: '6.0' }],
    ['node16', { module: 'node16', moduleResolution: 'node16' }],
    ['bundler', { module: 'esnext', moduleResolution: 'bundler' }],
  ])('type-checks under moduleResolution %s', async (name, options) => {
    const program = `
      ${specifiers.map((specifier, index) => `import * as module${index} from '${specifier}'`).join('\n')}
      import { toArray, zeros, type Tensor } from '${manifest.name}/tensor'
      export const modules: readonly object[] = [${specifiers.map((_, index) => `module${index}`).join(', ')}]
      export const t: Tensor = module0.tensor.zeros([2])
      export const numbers: number[] = toArray(t)
      // @ts-expect-error a tensor is no shape: the types are there, and are not any
      export const wrong: Tensor = zeros(t)`
    const strict = {
      strict: true,
      noEmit: true,
      target: 'es2022',
      lib: ['es2023', 'dom'],
      types: [],
      skipDefaultLibCheck: true,
    }
    await writeFile(join(consumer, `${name}.mts`), program)
    const settings = { compilerOptions: { ...strict, ...options }, files: [`${name}.mts`] }
    await writeFile(join(consumer, `${name}.json`), JSON.stringify(settings))
    expect(await run(consumer, process.execPath, tsc, '-p', `${name}.json`)).toBe('')
  })
})

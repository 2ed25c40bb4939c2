/**
 * Compiles the AssemblyScript kernels, each module in its variants, and embeds them in TypeScript modules, base64. Does
 * nothing for a module of which neither the kernels, nor this script, nor the compiler have changed.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A memory of at most 4 GiB, which the host makes: it decides how much of it there is. Constants stand in the control page. */
const hostMemory = ['--initialMemory', '1', '--maximumMemory', '65536', '--memoryBase', '4096']
/** One page, of the module's own, with constants near its end. */
const ownMemory = ['--initialMemory', '1', '--maximumMemory', '1', '--memoryBase', '49152']

const modules = [
  {
    folder: 'src/tensor/backend/wasm',
    variants: {
      plain: hostMemory,
      relaxed: [...hostMemory, '--enable', 'relaxed-simd'],
      sharedPlain: [...hostMemory, '--enable', 'threads', '--sharedMemory'],
      sharedRelaxed: [...hostMemory, '--enable', 'threads', '--sharedMemory', '--enable', 'relaxed-simd'],
    },
  },
  {
    folder: 'src/sampling/wasm',
    // Ciphers and variates are kernels of the backend, which draws noise with them.
    imports: ['src/tensor/backend/wasm'],
    variants: { generators: ownMemory },
  },
]

const root = fileURLToPath(new URL('..', import.meta.url))
const script = readFileSync(fileURLToPath(import.meta.url))
const compilerPackage = readFileSync(fileURLToPath(new URL('../package.json', import.meta.resolve('assemblyscript'))))

const read = (path) => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

const compile = async (folder, sources, options) => {
  const { main } = await import('assemblyscript/asc')
  let binary
  const config = `${folder}/kernels/asconfig.json`
  const entry = `${folder}/kernels/index.ts`
  const { error, stderr } = await main([entry, '--config', config, '--outFile', 'module.wasm', ...options], {
    readFile: (name, base) => sources[join(base, name)] ?? sources[name] ?? null,
    writeFile: (name, contents) => {
      if (name === 'module.wasm') binary = contents
    },
    listFiles: () => [],
  })
  if (error !== null || binary === undefined) throw new Error(`${error?.message}\n${stderr.toString()}`)
  return Buffer.from(binary)
}

for (const { folder, imports = [], variants } of modules) {
  const target = join(root, folder, 'generated', 'modules.ts')
  /** Decorators on functions are AssemblyScript only: the sources have a comment instead, which TypeScript's tools can read. */
  const source = (name) => readFileSync(join(root, name), 'utf8').replace(/^\/\/ @inline$/gm, '@inline')
  const names = [folder, ...imports].flatMap((from) =>
    readdirSync(join(root, from, 'kernels')).map((name) => `${from}/kernels/${name}`),
  )
  const sources = Object.fromEntries(names.map((name) => [name, source(name)]))
  const hash = createHash('sha256').update(script).update(compilerPackage).update(JSON.stringify(sources)).digest('hex')
  const header = `// Made by scripts/build-kernels.mjs from ../kernels, ${hash}\n`
  if (read(target)?.startsWith(header)) continue
  const lines = []
  for (const [name, options] of Object.entries(variants)) {
    const binary = await compile(folder, sources, options)
    lines.push(`export const ${name}: string =\n  '${binary.toString('base64')}'\n`)
    console.log(`${name}: ${binary.length} bytes`)
  }
  mkdirSync(join(root, folder, 'generated'), { recursive: true })
  writeFileSync(target, `${header}${lines.join('')}`)
}

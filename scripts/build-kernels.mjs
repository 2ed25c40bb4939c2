/**
 * Compiles the AssemblyScript kernels in their four variants, and embeds them in a TypeScript module, base64. Does nothing
 * when neither the kernels, nor this script, nor the compiler have changed.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('../src/tensor/backend/wasm/', import.meta.url))
const kernels = join(folder, 'kernels')
const target = join(folder, 'generated', 'modules.ts')

/** Every module declares a memory of at most 4 GiB; the host decides how much of it there is. */
const PAGES = 65536
const variants = {
  plain: [],
  relaxed: ['--enable', 'relaxed-simd'],
  sharedPlain: ['--enable', 'threads', '--sharedMemory'],
  sharedRelaxed: ['--enable', 'threads', '--sharedMemory', '--enable', 'relaxed-simd'],
}

const read = (path) => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/** Decorators on functions are AssemblyScript only: the sources have a comment instead, which TypeScript's tools can read. */
const source = (name) => readFileSync(join(kernels, name), 'utf8').replace(/^\/\/ @inline$/gm, '@inline')
const sources = Object.fromEntries(readdirSync(kernels).map((name) => [name, source(name)]))
const compilerPackage = fileURLToPath(new URL('../package.json', import.meta.resolve('assemblyscript')))
const hash = createHash('sha256')
for (const text of [
  readFileSync(fileURLToPath(import.meta.url)),
  readFileSync(compilerPackage),
  JSON.stringify(sources),
])
  hash.update(text)
const header = `// Made by scripts/build-kernels.mjs from ../kernels, ${hash.digest('hex')}\n`

if (!read(target)?.startsWith(header)) {
  const { main } = await import('assemblyscript/asc')
  const compile = async (options) => {
    let binary
    const { error, stderr } = await main(
      ['index.ts', '--outFile', 'module.wasm', '--initialMemory', '1', '--maximumMemory', `${PAGES}`, ...options],
      {
        readFile: (name) => sources[name] ?? null,
        writeFile: (name, contents) => {
          if (name === 'module.wasm') binary = contents
        },
        listFiles: () => [],
      },
    )
    if (error !== null || binary === undefined) throw new Error(`${error?.message}\n${stderr.toString()}`)
    return Buffer.from(binary)
  }
  const lines = []
  for (const [name, options] of Object.entries(variants)) {
    const binary = await compile(options)
    lines.push(`export const ${name}: string =\n  '${binary.toString('base64')}'\n`)
    console.log(`${name}: ${binary.length} bytes`)
  }
  mkdirSync(join(folder, 'generated'), { recursive: true })
  writeFileSync(target, `${header}${lines.join('')}`)
}

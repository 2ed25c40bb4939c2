/**
 * The sources as JavaScript in a folder of their own: for tests that start many processes, each of which would otherwise spend
 * most of its life on compiling.
 */
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Fills `folder` with src and properties/runs; returns the path of a file of the repository there. */
export const transpiled = (folder: string): ((path: string) => string) => {
  for (const part of ['src', 'properties/runs'])
    for (const entry of readdirSync(join(root, part), { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name)
      if (!entry.isFile() || !path.endsWith('.ts') || path.includes('/kernels/')) continue
      const { outputText } = ts.transpileModule(readFileSync(path, 'utf8'), {
        compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true },
      })
      const target = join(folder, relative(root, path).replace(/\.ts$/, '.js'))
      mkdirSync(dirname(target), { recursive: true })
      writeFileSync(target, outputText)
    }
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'dir')
  return (path) => join(folder, path.replace(/\.ts$/, '.js'))
}

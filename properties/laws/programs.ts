/**
 * Programs of pages and notebooks: found, translated, and run with what they import.
 */
import { join } from 'node:path'
import { format } from 'node:util'
import ts from 'typescript'

/** The blocks of TypeScript on a page; they go on, one where the other ends. */
export const blocksOf = (markdown: string): readonly string[] =>
  Array.from(markdown.matchAll(/^```ts\n([\s\S]*?)^```$/gm), ([, code]) => code as string)

type Module = Readonly<Record<string, unknown>>

const importedBy = (code: string): readonly string[] =>
  Array.from(code.matchAll(/\bfrom '([^']+)'|\bimport\('([^']+)'\)/g), ([, from, on]) => (from ?? on) as string)

/** A module by the name that a program of this package gives it; `fp-dp/…` is the source. */
const load =
  (root: string) =>
  async (name: string): Promise<Module> =>
    import(
      /* @vite-ignore */ name.startsWith('fp-dp/') ? join(root, 'src', name.slice('fp-dp/'.length), 'index.ts') : name
    ) as Promise<Module>

const AsyncFunction = Object.getPrototypeOf(async () => undefined).constructor as new (
  ...text: readonly string[]
) => (...values: readonly unknown[]) => Promise<void>

/**
 * Runs the parts of a program one after another, in one scope; what each part printed. `given` stands for modules that are
 * not installed.
 */
export const printedBy = async (
  root: string,
  parts: readonly string[],
  given: Readonly<Record<string, Module>> = {},
): Promise<readonly string[]> => {
  const code = parts.map((part, index) => `${part}\n;__part(${index + 1});\n`).join('')
  const names = Array.from(new Set(importedBy(code)))
  const modules = new Map(
    await Promise.all(names.map(async (name) => [name, given[name] ?? (await load(root)(name))] as const)),
  )
  const { outputText } = ts.transpileModule(code, {
    compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.CommonJS },
  })
  const printed: string[] = parts.map(() => '')
  let at = 0
  const print = (...values: readonly unknown[]): void => {
    printed[at] += `${format(...values)}\n`
  }
  const run = new AsyncFunction('require', 'exports', 'console', '__part', outputText)
  await run(
    (name: string) => modules.get(name),
    {},
    { ...console, log: print },
    (next: number) => {
      at = next
    },
  )
  return printed
}

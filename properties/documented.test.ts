/**
 * What the package exports is documented, and its examples have types. That they run is `examples.test.ts`.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { type DocExample, examplesOf, folders, foldersBelow } from './laws/examples.js'
import { complaintsIn, exportsIn, programOf } from './laws/type-check.js'

const root = fileURLToPath(new URL('..', import.meta.url))

const sources = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
  .filter((path) => !path.startsWith('src/cli/') && !path.includes('/kernels/'))
  .toSorted()

const indexOf = (folder: string): string => join(root, 'src', folder, 'index.ts')

/** The source of every subpath of the package, but for the index of indices. */
const entries = Object.values(
  (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { readonly exports: object }).exports,
).flatMap((entry: string | { readonly types: string }) =>
  typeof entry === 'string' || entry.types === './dist/index.d.ts'
    ? []
    : [entry.types.replace('./dist/', 'src/').replace(/\.d\.ts$/, '.ts')],
)

const library = programOf({ root, files: sources.map((path) => join(root, path)) })
const exportsOf = exportsIn(library)

/** A symbol has a comment of its own, or one on a declaration it merges with. */
const isDocumented = (checker: ts.TypeChecker, symbol: ts.Symbol): boolean =>
  symbol.getDocumentationComment(checker).some(({ text }) => text.trim() !== '')

const undocumentedIn = (program: ts.Program, path: string): readonly string[] =>
  Array.from(exportsIn(program)(path))
    .filter(([, symbol]) => !(symbol.flags & ts.SymbolFlags.Module))
    .filter(([, symbol]) => !isDocumented(program.getTypeChecker(), symbol))
    .map(([name]) => name)

describe('documentation', () => {
  it.each(entries)('everything that %s exports has it', (path) => {
    expect(exportsOf(join(root, path)).size).toBeGreaterThan(0)
    expect(undocumentedIn(library, join(root, path))).toEqual([])
  })

  it('every module is an entry of the package, and of the reference', () => {
    const reference = JSON.parse(readFileSync(join(root, 'typedoc.json'), 'utf8')) as { readonly entryPoints: string[] }
    expect(entries).toEqual(expect.arrayContaining(folders.map((folder) => `src/${folder}/index.ts`)))
    expect(reference.entryPoints.toSorted()).toEqual(entries.toSorted())
  })

  it('an export without it is found', () => {
    const path = join(root, 'src', 'of-the-test.ts')
    const text = `/** One. */\nexport const one = 1\nexport const two = 2\nexport interface Three { readonly three: 3 }\n
      /** Four. */\nexport const four = (): 4 => 4\n/** Five. */\nexport type Five = 5\n/** */\nexport type Six = 6\n`
    expect(undocumentedIn(programOf({ root, texts: { [path]: text }, before: library }), path)).toEqual([
      'two',
      'Three',
      'Six',
    ])
  })
})

const identifiersOf = (code: string): ReadonlySet<string> => {
  const found = new Set<string>()
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) found.add(node.text)
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile('example.ts', code, ts.ScriptTarget.Latest, true))
  return found
}

const general = [
  `import * as E from 'fp-ts/lib/Either.js'`,
  `import * as TE from 'fp-ts/lib/TaskEither.js'`,
  `import { flow, pipe } from 'fp-ts/lib/function.js'`,
]

/** The example as a module beside its file: names come from the file, its folder, and what the folder may import. */
const moduleOf = ({ path, line, code }: DocExample): readonly [path: string, text: string] => {
  const folder = path.split('/')[1] as string
  const places = [join(root, path), indexOf(folder), ...foldersBelow(folder).map(indexOf)]
  const body = code.join('\n')
  const imports = Array.from(identifiersOf(body)).flatMap((name) => {
    const place = places.find((candidate) => exportsOf(candidate).has(name))
    return place === undefined ? [] : [`import { ${name} } from '${place.replace(/\.ts$/, '.js')}'`]
  })
  const text = [...general, ...imports, 'export const run = async () => {{', body, '}}'].join('\n')
  return [join(root, path.replace(/\.ts$/, `.line-${line}.ts`)), text]
}

const examples = sources.flatMap((path) => examplesOf({ path, source: readFileSync(join(root, path), 'utf8') }))

describe('the examples of docstrings', () => {
  it('have types', () => {
    const texts = Object.fromEntries(examples.map(moduleOf))
    const paths = Object.keys(texts)
    expect(paths.length).toBeGreaterThan(300)
    const complaints = complaintsIn(programOf({ root, texts, before: library }))
    expect(paths.flatMap((path) => complaints(path).map((text) => `${relative(root, path)}: ${text}`))).toEqual([])
  })

  it('a name that does not exist, and an argument of another type, are found', () => {
    const example = (text: string): DocExample => ({ path: 'src/grad/layers/linear.ts', line: 1, code: [text] })
    const found = (text: string): readonly string[] => {
      const [path, module] = moduleOf(example(text))
      return complaintsIn(programOf({ root, texts: { [path]: module }, before: library }))(path)
    }
    expect(found('linear(3).name // => "linear"')).toEqual([])
    expect(found('linaer(3)').join()).toMatch(/linaer/)
    expect(found('linear("three")').join()).toMatch(/string/)
  })
})

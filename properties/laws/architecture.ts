/**
 * The rules of the house, as functions from source files to sentences about what breaks them.
 */
import { dirname, posix } from 'node:path'
import ts from 'typescript'

/** A file with its path from the root of the repository, such as `src/grad/linear.ts`. */
export interface SourceFile {
  readonly path: string
  readonly source: string
}

/** What a file asks for, and how. */
export interface Import {
  readonly specifier: string
  readonly isType: boolean
  readonly isDynamic: boolean
}

/** From one file to what is wrong with it: nothing, if all is well. */
export type Check = (file: SourceFile) => readonly string[]

/** The folders of src that hold the mathematics: they run in a browser, and the same everywhere. */
const PURE = ['tensor', 'sampling', 'grad', 'models', 'privacy', 'optim']

/** Which folders a folder may import from. Those not named here may import everything. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  tensor: ['tensor'],
  sampling: ['tensor', 'sampling'],
  grad: ['tensor', 'sampling', 'grad'],
  models: ['tensor', 'sampling', 'grad', 'models'],
  privacy: ['tensor', 'sampling', 'privacy'],
  optim: ['tensor', 'optim'],
}

/** The one file where gradients meet clipping. */
const JOINT = 'src/privacy/clipped-grad.ts'

const folderOf = (path: string): string => /^src\/([^/]+)\//.exec(path)?.[1] ?? ''
const isPure = ({ path }: SourceFile): boolean => PURE.includes(folderOf(path))

/** AssemblyScript looks like TypeScript and is another language, with a world of its own. */
export const isAssemblyScript = ({ path }: Pick<SourceFile, 'path'>): boolean =>
  path.startsWith('src/tensor/backend/wasm/kernels/')

const parsed = new Map<string, ts.SourceFile>()

const parse = ({ path, source }: SourceFile): ts.SourceFile => {
  const known = parsed.get(path)
  if (known?.text === source) return known
  const tree = ts.createSourceFile(path, source, ts.ScriptTarget.Latest, true, ts.ScriptKind.TS)
  parsed.set(path, tree)
  return tree
}

const everyNode = (file: SourceFile): readonly ts.Node[] => {
  const found: ts.Node[] = []
  const walk = (node: ts.Node): void => {
    found.push(node)
    ts.forEachChild(node, walk)
  }
  walk(parse(file))
  return found
}

const specifierOf = (node: ts.Node | undefined): string =>
  node !== undefined && ts.isStringLiteralLike(node) ? node.text : ''

/** `import`, `export … from`, `import()` and `import('…').Type`. */
export const importsOf = (file: SourceFile): readonly Import[] =>
  everyNode(file).flatMap((node): readonly Import[] => {
    if (ts.isImportDeclaration(node)) {
      const named = node.importClause?.namedBindings
      const onlyTypes =
        node.importClause?.isTypeOnly === true ||
        (node.importClause?.name === undefined &&
          named !== undefined &&
          ts.isNamedImports(named) &&
          named.elements.length > 0 &&
          named.elements.every((element) => element.isTypeOnly))
      return [{ specifier: specifierOf(node.moduleSpecifier), isType: onlyTypes, isDynamic: false }]
    }
    if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined)
      return [{ specifier: specifierOf(node.moduleSpecifier), isType: node.isTypeOnly, isDynamic: false }]
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      return [{ specifier: specifierOf(node.arguments[0]), isType: false, isDynamic: true }]
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument))
      return [{ specifier: specifierOf(node.argument.literal), isType: true, isDynamic: false }]
    return []
  })

/** The path of the file that a relative import means. */
const target = (path: string, specifier: string): string => posix.join(dirname(path), specifier).replace(/\.js$/, '.ts')

const isRelative = ({ specifier }: Import): boolean => specifier.startsWith('.')

const placeOf = (file: SourceFile, node: ts.Node): string =>
  `${file.path}:${parse(file).getLineAndCharacterOfPosition(node.getStart()).line + 1}`

/** tensor ◄ sampling ◄ grad ◄ privacy, tensor ◄ optim; only the joint file of privacy looks at gradients. */
export const importDirection: Check = (file) => {
  const folder = folderOf(file.path)
  const allowedHere = allowed[folder]
  return importsOf(file)
    .filter(isRelative)
    .map(({ specifier }) => target(file.path, specifier))
    .flatMap((path) => {
      const to = folderOf(path)
      if (!path.startsWith('src/')) return [`${file.path} imports ${path}, outside of src`]
      if (allowedHere === undefined || allowedHere.includes(to)) return []
      if (file.path === JOINT && to === 'grad') return []
      return [`${file.path} imports ${path}, and ${folder} may import ${allowedHere.join(', ')} only`]
    })
}

/** The pure folders hold no class, no clock, no shared randomness, and nothing untyped. */
export const purity: Check = (file) =>
  !isPure(file)
    ? []
    : everyNode(file).flatMap((node) => {
        const here = (what: string): readonly string[] => [`${placeOf(file, node)} ${what}`]
        if (ts.isClassLike(node)) return here('declares a class')
        if (node.kind === ts.SyntaxKind.AnyKeyword) return here('uses any')
        if (!ts.isIdentifier(node)) return []
        if (node.text === 'Date') return here('uses Date')
        // `const { random } = Math` and `const m = Math` would hide it from the next line.
        if (node.text === 'Math' && !ts.isPropertyAccessExpression(node.parent))
          return here('uses Math other than for a named member')
        return node.text === 'random' && ts.isPropertyAccessExpression(node.parent) && node.parent.name === node
          ? node.parent.expression.getText() === 'Math'
            ? here('uses Math.random')
            : []
          : []
      })

const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')

/** Array packages stay under tensor, and BigNumbers are loaded where they are wanted. */
export const packages: Check = (file) =>
  importsOf(file).flatMap(({ specifier, isDynamic, isType }) => {
    const name = packageOf(specifier)
    if (['gpu.js', 'ndarray', 'ndarray-ops'].includes(name) && folderOf(file.path) !== 'tensor')
      return [`${file.path} imports ${name}, which belongs under src/tensor`]
    if (name === 'mathjs' && !isDynamic && !isType) return [`${file.path} imports mathjs, not by import()`]
    return []
  })

/** What a browser does not have is asked for when it is used, in a way that bundlers do not follow; the command line has Node. */
export const browser: Check = (file) =>
  folderOf(file.path) === 'cli'
    ? []
    : importsOf(file)
        .filter(({ specifier, isType }) => specifier.startsWith('node:') && !isType)
        .map(
          ({ specifier }) =>
            `${file.path} imports ${specifier}, which a browser does not have: ask nodeModule of src/data/node-module.ts for it`,
        )

/** Names say what is inside: no drawer for the rest, and one way to write them. */
export const naming: Check = ({ path }) =>
  path
    .split('/')
    .map((part) => part.replace(/(\.test|\.config)?\.(ts|json)$/, ''))
    .flatMap((name) => [
      ...(/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) ? [] : [`${path}: ${name} is not in kebab-case`]),
      ...(/^(utils?|commons?|helpers?|types?|misc)$/.test(name) ? [`${path}: ${name} names no concept`] : []),
    ])

/** fp-ts under the one name that Node, bundlers and notebooks all resolve. */
export const fpTsPath: Check = (file) =>
  importsOf(file)
    .filter(({ specifier }) => packageOf(specifier) === 'fp-ts' && !/^fp-ts\/lib\/\w+\.js$/.test(specifier))
    .map(({ specifier }) => `${file.path} imports ${specifier}: write fp-ts/lib/….js`)

/** Every check of a single file. */
export const checks: Readonly<Record<string, Check>> = {
  'imports go one way': importDirection,
  'the pure folders are pure': purity,
  'packages stay where they belong': packages,
  'a browser can load the library': browser,
  'names say what is inside': naming,
  'fp-ts is imported in one form': fpTsPath,
}

/** The circles in which files import each other, each once, as paths that end where they begin. */
export const importCycles = (files: readonly SourceFile[]): readonly (readonly string[])[] => {
  const edges = new Map(
    files.map((file) => [
      file.path,
      importsOf(file)
        .filter((found) => isRelative(found) && !found.isDynamic)
        .map(({ specifier }) => target(file.path, specifier)),
    ]),
  )
  const finished = new Set<string>()
  const cycles: (readonly string[])[] = []
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path)
    if (start >= 0) cycles.push([...trail.slice(start), path])
    if (start >= 0 || finished.has(path)) return
    for (const next of edges.get(path) ?? []) visit(next, [...trail, path])
    finished.add(path)
  }
  for (const path of edges.keys()) visit(path, [])
  return cycles
}

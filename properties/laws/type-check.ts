/**
 * Programs as a strict project that has the package would see them: what TypeScript says of text that stands in no file.
 */
import { join } from 'node:path'
import ts from 'typescript'

const options = (root: string): ts.CompilerOptions => ({
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  noEmit: true,
  target: ts.ScriptTarget.ES2022,
  lib: ['lib.es2023.d.ts', 'lib.dom.d.ts'],
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  types: ['node'],
  skipLibCheck: true,
  paths: { 'fp-dp/*': [join(root, 'src', '*', 'index.ts')] },
})

/** A program of files that exist and of texts, by path, that do not. The package is `src/`. */
export const programOf = ({
  root,
  files = [],
  texts = {},
  before,
}: {
  readonly root: string
  readonly files?: readonly string[]
  readonly texts?: Readonly<Record<string, string>>
  readonly before?: ts.Program
}): ts.Program => {
  const settings = options(root)
  const disk = ts.createCompilerHost(settings)
  const host: ts.CompilerHost = {
    ...disk,
    fileExists: (name) => name in texts || disk.fileExists(name),
    readFile: (name) => texts[name] ?? disk.readFile(name),
    getSourceFile: (name, target, ...rest) =>
      texts[name] === undefined
        ? (before?.getSourceFile(name) ?? disk.getSourceFile(name, target, ...rest))
        : ts.createSourceFile(name, texts[name], target, true),
  }
  return ts.createProgram({
    rootNames: [...files, ...Object.keys(texts)],
    options: settings,
    host,
    ...(before === undefined ? {} : { oldProgram: before }),
  })
}

/** What is wrong with the text at a path, one sentence each. */
export const complaintsIn =
  (program: ts.Program) =>
  (path: string): readonly string[] => {
    const file = program.getSourceFile(path)
    return [...program.getOptionsDiagnostics(), ...program.getSyntacticDiagnostics(file)]
      .concat(program.getSemanticDiagnostics(file))
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
  }

/** The names that a module exports, and the symbols that they stand for. */
export const exportsIn =
  (program: ts.Program) =>
  (path: string): ReadonlyMap<string, ts.Symbol> => {
    const checker = program.getTypeChecker()
    const file = program.getSourceFile(path)
    const module = file === undefined ? undefined : checker.getSymbolAtLocation(file)
    return new Map(
      (module === undefined ? [] : checker.getExportsOfModule(module)).map((symbol) => [
        symbol.name,
        symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol,
      ]),
    )
  }

import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import {
  browser,
  type Check,
  checks,
  fpTsPath,
  importCycles,
  importDirection,
  isAssemblyScript,
  naming,
  packages,
  purity,
  type SourceFile,
} from './laws/architecture.js'

const root = fileURLToPath(new URL('..', import.meta.url))

const sources: readonly SourceFile[] = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map((entry) => join(entry.parentPath, entry.name))
  .map((path) => ({ path: relative(root, path).split(sep).join('/'), source: readFileSync(path, 'utf8') }))
  .filter(({ path }) => !path.includes('/generated/'))
  .toSorted((a, b) => (a.path < b.path ? -1 : 1))

const typescript = sources.filter((file) => !isAssemblyScript(file))

describe('the house', () => {
  it('is there', () => {
    const folders = new Set(typescript.map(({ path }) => path.split('/')[1]))
    expect([...folders]).toEqual(expect.arrayContaining(['tensor', 'sampling', 'grad', 'privacy', 'optim']))
  })

  it.each(Object.entries(checks))('%s', (_, check) => {
    expect(typescript.flatMap((file) => [...check(file)])).toEqual([])
  })

  it('imports make no circle', () => {
    expect(importCycles(typescript)).toEqual([])
  })

  it('kernels have names too', () => {
    expect(sources.filter(isAssemblyScript).flatMap((file) => [...naming(file)])).toEqual([])
  })
})

/** A file, whether the check objects, and to what. */
type Example = readonly [path: string, source: string, complaint?: RegExp]

const examples: readonly (readonly [name: string, check: Check, examples: readonly Example[]])[] = [
  [
    'importDirection',
    importDirection,
    [
      ['src/tensor/a.ts', `import { key } from '../sampling/key.js'`, /tensor may import tensor only/],
      ['src/tensor/a/b.ts', `import type { Key } from '../../sampling/key.js'`, /imports src\/sampling\/key.ts/],
      ['src/sampling/a.ts', `export * from '../grad/layer.js'`, /sampling may import tensor, sampling only/],
      ['src/grad/a.ts', `import { flat } from '../privacy/clip.js'`, /grad may import/],
      ['src/optim/a.ts', `import { sum } from '../sampling/key.js'`, /optim may import tensor, optim only/],
      ['src/privacy/clip.ts', `import { layer } from '../grad/layer.js'`, /privacy may import/],
      ['src/privacy/clipped-grad.ts', `import { sgd } from '../optim/sgd.js'`, /privacy may import/],
      ['src/tensor/a.ts', `const load = () => import('../grad/layer.js')`, /tensor may import/],
      ['src/tensor/a.ts', `type T = import('../grad/layer.js').Layer`, /tensor may import/],
      ['src/train/a.ts', `import { gemm } from '../../bench/gemm.js'`, /outside of src/],
      ['src/privacy/clipped-grad.ts', `import { layer } from '../grad/layer.js'`],
      ['src/grad/a.ts', `import { key } from '../sampling/key.js'\nimport { zeros } from '../tensor/tensor.js'`],
      ['src/train/a.ts', `import { sgd } from '../optim/sgd.js'\nimport { clip } from '../privacy/clip.js'`],
      ['src/index.ts', `export * as grad from './grad/index.js'`],
    ],
  ],
  [
    'purity',
    purity,
    [
      ['src/grad/a.ts', `\nclass Layer {}`, /a.ts:2 declares a class/],
      ['src/grad/a.ts', `export const Layer = class {}`, /declares a class/],
      ['src/grad/a.ts', `const x = Math.random()`, /Math.random/],
      ['src/grad/a.ts', `const { random } = Math`, /uses Math other/],
      ['src/grad/a.ts', `const x = Math['random']()`, /uses Math other/],
      ['src/grad/a.ts', `const now = Date.now()`, /uses Date/],
      ['src/grad/a.ts', `const x = (y: any) => y`, /uses any/],
      ['src/grad/a.ts', `const x = y as unknown as any[]`, /uses any/],
      ['src/grad/a.ts', `// a class, any Date, Math.random\nconst x = 'class any Date' + Math.sqrt(2)`],
      ['src/grad/a.ts', `const x = (random: number) => Math.max(random, model.random)`],
      ['src/train/a.ts', `const now = Date.now()`],
    ],
  ],
  [
    'packages',
    packages,
    [
      ['src/grad/a.ts', `import ndarray from 'ndarray'`, /ndarray, which belongs/],
      ['src/grad/a.ts', `import * as ops from 'ndarray-ops'`, /ndarray-ops, which belongs/],
      ['src/train/a.ts', `const load = () => import('gpu.js')`, /gpu.js, which belongs/],
      ['src/privacy/a.ts', `import { bignumber } from 'mathjs'`, /not by import/],
      ['src/privacy/a.ts', `const load = async () => (await import('mathjs')).bignumber`],
      ['src/tensor/a/b.ts', `import ndarray from 'ndarray'`],
    ],
  ],
  [
    'browser',
    browser,
    [
      ['src/tensor/a.ts', `import { cpus } from 'node:os'`, /node:os/],
      ['src/tensor/a.ts', `export { cpus } from 'node:os'`, /node:os/],
      ['src/tensor/a.ts', `import type { Worker } from 'node:worker_threads'`],
      ['src/tensor/a.ts', `const load = () => import('node:worker_threads')`, /node:worker_threads/],
      ['src/data/a.ts', `import { join } from 'node:path'`, /ask nodeModule/],
      ['src/data/a.ts', `interface Modules { readonly path: typeof import('node:path') }`],
      ['src/cli/a.ts', `import { join } from 'node:path'`],
    ],
  ],
  [
    'naming',
    naming,
    [
      ['src/grad/utils.ts', '', /utils names no concept/],
      ['src/helpers/a.ts', '', /helpers names no concept/],
      ['src/grad/types.ts', '', /types names no concept/],
      ['src/grad/groupNorm.ts', '', /groupNorm is not in kebab-case/],
      ['src/grad/group_norm.ts', '', /group_norm is not/],
      ['src/grad/group-norm.ts', ''],
      ['src/grad/conv2d.ts', ''],
      ['src/privacy/rdp-types-of-event.ts', ''],
    ],
  ],
  [
    'fpTsPath',
    fpTsPath,
    [
      ['src/grad/a.ts', `import { pipe } from 'fp-ts/function'`, /fp-ts\/function: write/],
      ['src/grad/a.ts', `import { either } from 'fp-ts'`, /imports fp-ts: write/],
      ['src/grad/a.ts', `import * as E from 'fp-ts/lib/Either.js'`],
    ],
  ],
]

describe.each(examples)('%s', (_, check, cases) => {
  for (const [path, source, complaint] of cases)
    it(`${complaint === undefined ? 'accepts' : 'refuses'} ${path}: ${source}`, () => {
      const found = check({ path, source })
      expect(found).toHaveLength(complaint === undefined ? 0 : 1)
      if (complaint !== undefined) expect(found[0]).toMatch(complaint)
    })
})

describe('importCycles', () => {
  const file = (path: string, ...imports: readonly string[]): SourceFile => ({
    path,
    source: imports.map((specifier) => `import '${specifier}'`).join('\n'),
  })

  it('finds circles of any length, and none in a tree', () => {
    const tree = [file('src/a.ts', './b.js', './c.js'), file('src/b.ts', './c.js'), file('src/c.ts')]
    expect(importCycles(tree)).toEqual([])
    expect(importCycles([file('src/a.ts', './a.js')])).toEqual([['src/a.ts', 'src/a.ts']])
    const ring = [file('src/a.ts', './x/b.js'), file('src/x/b.ts', '../c.js'), file('src/c.ts', './a.js')]
    expect(importCycles(ring)).toEqual([['src/a.ts', 'src/x/b.ts', 'src/c.ts', 'src/a.ts']])
  })

  it('counts types, and not what is loaded on demand', () => {
    const types = [
      { path: 'src/a.ts', source: `import type { B } from './b.js'` },
      { path: 'src/b.ts', source: `import type { A } from './a.js'` },
    ]
    expect(importCycles(types)).toHaveLength(1)
    const onDemand = [file('src/a.ts', './b.js'), { path: 'src/b.ts', source: `const f = () => import('./a.js')` }]
    expect(importCycles(onDemand)).toEqual([])
  })
})

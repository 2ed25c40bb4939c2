/**
 * The tiles of the WGSL kernels within a page, each by itself: which one a product takes depends on its size, and the large ones
 * would want large products.
 */
import fc from 'fast-check'
import { isLeft } from 'fp-ts/lib/Either.js'
import { backendOn } from '../../src/tensor/backend/gpu/backend.js'
import { openWgsl } from '../../src/tensor/backend/gpu/wgsl/open.js'
import { type Prescribed, tiles } from '../../src/tensor/backend/gpu/wgsl/tiles.js'
import { reference } from '../../src/tensor/backend/reference.js'
import { cast } from '../../src/tensor/tensor.js'
import { transpose } from '../../src/tensor/view.js'
import * as A from '../arbitraries/application.js'
import { large } from '../arbitraries/large.js'
import { operations } from '../arbitraries/operation.js'
import { noise, ordinary, special } from '../arbitraries/tensor.js'
import { type Finding, judge, worstOf } from './judge.js'

const x = (...shape: readonly number[]) => noise(shape, { seed: 1 })

/** Products that begin and end within tiles, along either axis of either factor. */
const products = [
  A.matmul(x(131, 70), x(70, 137)),
  A.matmul(transpose()(x(70, 131)), x(70, 137)),
  A.matmul(x(3, 131, 70), transpose()(x(137, 70))),
  A.matmul(transpose()(x(33, 9)), transpose()(x(5, 33))),
] as const

const prescriptions: readonly (readonly [string, Prescribed])[] = [
  ...Object.entries(tiles).map(([name, tile]) => [`${name} tiles`, { tile, cuts: 1 }] as const),
  ['middle tiles, three parts, geometry in the text', { tile: tiles.middle, cuts: 3, isWritten: true }],
  ['no tiles, geometry in the text', { isWritten: true }],
]

/** Of the prescriptions whose names match, on so many draws of each product. */
export const tileFindings = async (pattern: string, runs: number, seed: number): Promise<readonly Finding[]> => {
  const findings: Finding[] = []
  for (const [prescription, prescribed] of prescriptions.filter(([name]) => new RegExp(pattern).test(name))) {
    const device = await openWgsl(prescribed)()
    if (isLeft(device)) throw new Error(device.left)
    const backend = await backendOn(device.right)
    const judged =
      ({ inputs, apply, terms }: A.Application, flow: 'same' | 'contained') =>
      async () => {
        const seen = inputs.map(cast('float32'))
        const found = await backend.task(() => apply(backend)(...inputs))()
        return judge(found, { expected: apply(reference)(...seen), terms: terms(...seen), tolerance: 1e-5, flow })
      }
    for (const { name, flow, applications } of operations.filter((each) => /^(matmul|conv2d)/.test(each.name))) {
      const drawn = [ordinary, special].flatMap((values) =>
        fc.sample(applications({ values, dtypes: ['float32'] }), { numRuns: runs, seed }),
      )
      const kept = flow === 'any' ? 'contained' : flow
      findings.push(
        await worstOf(
          `${prescription}: ${name}`,
          drawn.map((application) => judged(application, kept)),
        ),
      )
    }
    const fixed = [
      ...products,
      ...large.filter(([name]) => /^conv2d(Weig.*)?, .*two groups/.test(name)).map(([, each]) => each),
    ]
    findings.push(
      await worstOf(
        `${prescription}: large products`,
        fixed.map((application) => judged(application, 'same')),
      ),
    )
    backend.close()
  }
  return findings
}

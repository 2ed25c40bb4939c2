/**
 * What runs within a page: the operations of the GPU backend in a mode that only a browser has, against the definition.
 */
import fc from 'fast-check'
import { isLeft } from 'fp-ts/lib/Either.js'
import { type GpuMode, gpu } from '../../src/tensor/backend/gpu/index.js'
import { reference } from '../../src/tensor/backend/reference.js'
import { cast, toArray } from '../../src/tensor/tensor.js'
import type { Application } from '../arbitraries/application.js'
import { large } from '../arbitraries/large.js'
import { type Flow, operations } from '../arbitraries/operation.js'
import { ordinary, special } from '../arbitraries/tensor.js'
import { adapterOf } from './adapter.js'
import { type Finding, type Judgement, judge, worstOf } from './judge.js'
import { stepFindings } from './steps.js'
import { tileFindings } from './tiles.js'

export interface Checked {
  readonly mode: GpuMode
  /** The GPU, or the rasteriser that stands in for one. */
  readonly adapter: string
  readonly findings: readonly Finding[]
}

export interface Wanted {
  readonly mode: GpuMode
  readonly seed: number
  /** Draws of each operation, of ordinary numbers and of special ones. */
  readonly runs: number
  /** Large applications to run: a pattern of their names. */
  readonly large: string
  readonly tolerance: number
  /** Tiles of the WGSL kernels to try one by one, and on how many draws. */
  readonly tiles?: readonly [pattern: string, runs: number]
}

/** The findings in a mode, or a sentence that says that there is none. */
export const check = async ({
  mode,
  seed,
  runs,
  large: names,
  tolerance,
  tiles,
}: Wanted): Promise<Checked | string> => {
  const made = await gpu({ mode })()
  if (isLeft(made)) return made.left
  const backend = made.right
  const judged =
    ({ inputs, apply, terms }: Application, flow: Flow) =>
    async (): Promise<Judgement> => {
      const seen = inputs.map(cast('float32'))
      const run = backend.task(() => apply(backend)(...inputs))
      const found = await run()
      const again = toArray(await run())
      const judgement = judge(found, { expected: apply(reference)(...seen), terms: terms(...seen), tolerance, flow })
      return toArray(found).every((value, i) => Object.is(value, again[i]))
        ? judgement
        : { error: judgement.error, broken: 'another result when run again' }
    }
  const findings: Finding[] = []
  for (const { name, flow, applications } of operations) {
    const draws = fc.sample(applications({ values: ordinary }), { numRuns: runs, seed })
    findings.push(
      await worstOf(
        name,
        draws.map((application) => judged(application, 'same')),
      ),
    )
    if (flow === 'any') continue
    const hard = fc.sample(applications({ values: special, dtypes: ['float32', 'float64'] }), { numRuns: runs, seed })
    findings.push(
      await worstOf(
        `${name}, NaN and infinities`,
        hard.map((application) => judged(application, flow)),
      ),
    )
  }
  for (const [name, application] of large)
    if (new RegExp(names).test(name)) findings.push(await worstOf(name, [judged(application, 'same')]))
  findings.push(...(await stepFindings(backend)))
  if (mode === 'wgsl' && tiles !== undefined) findings.push(...(await tileFindings(...tiles, seed)))
  return { mode, adapter: await adapterOf(mode), findings }
}

Object.assign(globalThis, { check })

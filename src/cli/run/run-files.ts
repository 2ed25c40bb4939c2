/**
 * What a run keeps while it goes on, and what it leaves.
 */
import { access, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { readBytes, showDataError, type TrainAndTest, writeFileAtomically } from '../../data/index.js'
import { checkpointNotes, decodeCheckpoint, encodeCheckpoint } from '../../train/index.js'
import { badArguments, type Failure, failed } from '../failure.js'
import type { Measured } from '../training-run.js'
import type { RunPlan, RunState } from './plan-run.js'
import type { RunConfig } from './run-config.js'
import { dataIdentity, differences, essence } from './run-identity.js'

/** The names of the files in the folder of a run. */
export const runFiles = {
  checkpoint: 'checkpoint.safetensors',
  report: 'report.json',
  privacy: 'privacy.md',
  privacyJson: 'privacy.json',
  model: 'model.safetensors',
  curves: 'curves.svg',
  timing: 'timing.json',
} as const

/** Writes a file of the run whole or not at all. */
export const writeRunFile = async (
  out: string,
  file: keyof typeof runFiles,
  content: Uint8Array | string,
): Promise<E.Either<Failure, void>> => {
  const path = join(out, runFiles[file])
  return pipe(
    await writeFileAtomically(path, content, { secret: file === 'checkpoint' })(),
    E.mapLeft((error) => failed(showDataError(error))),
  )
}

/** A folder that is there, or why it cannot be. */
export const makeFolder = async (out: string): Promise<E.Either<Failure, void>> => {
  try {
    await mkdir(out, { recursive: true })
    return E.right(undefined)
  } catch (cause) {
    return E.left(failed(`${out}: the folder cannot be made (${(cause as Error).message}).`))
  }
}

export const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

/** Where a run goes on. */
export interface Resumed {
  readonly state: RunState
  readonly curve: readonly Measured[]
}

/** The bytes of a checkpoint: the state, and which run it belongs to. */
export const checkpointOf =
  (plan: RunPlan, config: RunConfig, identity: string) =>
  (state: RunState, curve: readonly Measured[]): Uint8Array =>
    encodeCheckpoint(plan)(state, {
      config: JSON.stringify(essence(config)),
      data: identity,
      curve: JSON.stringify(curve),
    })

/** The curve of a checkpoint; JSON has no infinity. */
const curveFrom = (json: string): readonly Measured[] =>
  (JSON.parse(json) as readonly (Omit<Measured, 'epsilon'> & { readonly epsilon: number | null })[]).map(
    (measured) => ({
      ...measured,
      epsilon: measured.epsilon ?? Number.POSITIVE_INFINITY,
    }),
  )

/** Is the checkpoint of this run, on these data? */
const belongs = (
  notes: Readonly<Record<string, string>>,
  config: RunConfig,
  identity: string,
): E.Either<string, void> => {
  const noted = E.tryCatch(
    () => JSON.parse(notes.config ?? '') as unknown,
    () => 'it is not of a run of fp-dp train',
  )
  return pipe(
    noted,
    E.chain((before) => {
      const changed = differences(before, JSON.parse(JSON.stringify(essence(config))))
      if (changed.length > 0) return E.left(`it is of a run with another ${changed.join(', ')}`)
      return notes.data === identity ? E.right(undefined) : E.left('it is of a run on other data')
    }),
  )
}

/**
 * The state that a run left in its folder.
 *
 * Errors  a checkpoint that is damaged, or of another run: that is what the configuration is to be compared with
 */
export const readRunState = async (
  out: string,
  {
    plan,
    fresh,
    config,
    data,
  }: { readonly plan: RunPlan; readonly fresh: RunState; readonly config: RunConfig; readonly data: TrainAndTest },
): Promise<E.Either<Failure, Resumed>> => {
  const path = join(out, runFiles.checkpoint)
  const bytes = await readBytes(path)()
  return pipe(
    bytes,
    E.mapLeft((error): Failure => failed(showDataError(error))),
    E.chain((saved) =>
      pipe(
        checkpointNotes(saved),
        E.mapLeft((error): Failure => failed(`${path}: ${showDataError(error)}`)),
        E.chainFirst((notes) =>
          pipe(
            belongs(notes, config, dataIdentity(data)),
            E.mapLeft((why): Failure => badArguments(`${path} cannot be continued with this configuration: ${why}.`)),
          ),
        ),
        E.chain(({ curve = '[]' }) =>
          pipe(
            decodeCheckpoint(plan, fresh)(saved),
            E.bimap(
              (error): Failure => failed(`${path}: ${showDataError(error)}`),
              ({ state }) => ({ state, curve: curveFrom(curve) }),
            ),
          ),
        ),
      ),
    ),
  )
}

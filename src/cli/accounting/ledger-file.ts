/**
 * What a run has released, from what it left.
 */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { readBytes, showDataError } from '../../data/index.js'
import { eventFromJson, type PrivacyEvent } from '../../privacy/index.js'
import { checkpointSpending } from '../../train/index.js'
import { type BadArguments, badArguments, sentenceOf } from '../failure.js'
import { readJson, reasonOf } from '../read-text.js'

/** A ledger, and what is known of the run that wrote it. */
export interface FoundLedger {
  readonly ledger: PrivacyEvent
  /** The file that it was read from. */
  readonly from: string
  readonly delta: number | undefined
  /** `step 40 of 100` */
  readonly progress: string | undefined
  readonly model: string | undefined
}

const fromCheckpoint = async (path: string): Promise<E.Either<BadArguments, FoundLedger>> =>
  pipe(
    await readBytes(path)(),
    E.chain(checkpointSpending),
    E.bimap(
      (error) => badArguments(`<run> ${path} must be a checkpoint: ${showDataError(error)}`),
      ({ ledger, delta, step, steps, model }) => ({
        ...{ ledger, delta, model, from: path },
        progress: `step ${step} of ${steps}`,
      }),
    ),
  )

const fromJson = async (path: string): Promise<E.Either<BadArguments, FoundLedger>> =>
  pipe(
    await readJson('<run>', path),
    E.chain((json) => {
      const { ledger, delta } = (typeof json === 'object' && json !== null ? json : {}) as {
        readonly ledger?: unknown
        readonly delta?: unknown
      }
      return pipe(
        eventFromJson(ledger ?? json),
        E.bimap(
          (invalid) =>
            badArguments(`<run> ${path} must be a privacy event, or have one as its ledger: ${sentenceOf(invalid)}`),
          (event): FoundLedger => ({
            ...{ ledger: event, from: path, progress: undefined, model: undefined },
            delta: typeof delta === 'number' ? delta : undefined,
          }),
        ),
      )
    }),
  )

/** What a folder of a run may hold, the nearest to the run first. */
const inFolder = ['checkpoint.safetensors', 'privacy.json', 'report.json'] as const

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isFile(),
    () => false,
  )

/** The ledger of a folder, a checkpoint, or a JSON file. */
export const findLedger = async (path: string): Promise<E.Either<BadArguments, FoundLedger>> => {
  const kind = await stat(path).catch((cause: unknown) => cause as Error)
  if (kind instanceof Error)
    return E.left(
      badArguments(`<run> must be a folder, a checkpoint or a JSON file, not '${path}': ${reasonOf(kind)}.`),
    )
  if (!kind.isDirectory()) return path.endsWith('.safetensors') ? fromCheckpoint(path) : fromJson(path)
  for (const name of inFolder) {
    const file = join(path, name)
    if (await isThere(file)) return findLedger(file)
  }
  return E.left(badArguments(`<run> must be a folder that holds one of ${inFolder.join(', ')}, and ${path} does not.`))
}

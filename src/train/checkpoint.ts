/**
 * Checkpoints: a training state in one safetensors file. It holds the keys of the noise to come, so it is a secret.
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { readBytes, writeFileAtomically } from '../data/atomic-file.js'
import { crc32 } from '../data/crc32.js'
import { blame, type DataError, inconsistentData } from '../data/data-error.js'
import { decodeSafeTensors, encodeSafeTensors, isRecordOfStrings, type SafeTensors } from '../data/safetensors.js'
import type { OptimizerState } from '../optim/index.js'
import { type PrivacyEvent, showEvent } from '../privacy/event/event.js'
import { eventFromJson } from '../privacy/event/json.js'
import { showInvalidParameter } from '../privacy/invalid-parameter.js'
import type { Key } from '../sampling/index.js'
import { showShape } from '../tensor/shape.js'
import { isTensor } from '../tensor/tensor.js'
import type { Tree } from '../tensor/tree.js'
import type { TrainingPlan, TrainState } from './plan.js'
import { initialBound } from './query.js'
import { decodeState, encodeState } from './state-codec.js'

const format = 'fp-dp checkpoint 2'

/** A state read back, and what was noted beside it. */
export interface Checkpoint<P extends Tree, S extends OptimizerState> {
  readonly state: TrainState<P, S>
  readonly notes: Readonly<Record<string, string>>
}

const checksumOf = (text: string | Uint8Array): string =>
  crc32(typeof text === 'string' ? new TextEncoder().encode(text) : text)
    .toString(16)
    .padStart(8, '0')

/**
 * The settings of the plan as text: all that privacy depends on, step by step as a checksum. Another run's state is refused by
 * them.
 */
const fingerprint = <P extends Tree, C, S extends OptimizerState>(plan: TrainingPlan<P, C, S>): string => {
  const { steps } = plan.settings
  const bounds = Array.from({ length: steps }, (_, step) => initialBound(plan.at(step).clip))
  const schedule = checksumOf(JSON.stringify([plan.event(steps, 'float'), bounds]))
  return JSON.stringify({ model: plan.model.name, ...plan.settings, physicalBatchSize: undefined, schedule })
}

/** A file with the checksum of what it holds without it. */
const sealed = ({ tensors, metadata }: SafeTensors): SafeTensors => ({
  tensors,
  metadata: { ...metadata, checksum: checksumOf(encodeSafeTensors({ tensors, metadata })) },
})

/** The content of a sealed file of this format, or why it is none. */
const unseal = (bytes: Uint8Array): E.Either<DataError, SafeTensors> =>
  pipe(
    decodeSafeTensors(bytes),
    E.chain(({ tensors, metadata: { checksum, ...metadata } }) => {
      if (metadata.format !== format) return refuse(`format ${metadata.format ?? 'none'}`, `'${format}'`)
      const file = { tensors, metadata }
      const { metadata: found } = sealed(file)
      return checksum === found.checksum
        ? E.right(file)
        : refuse(`content of checksum ${found.checksum}`, `the checksum it was written with, ${checksum ?? 'none'}`)
    }),
  )

/**
 * The state as bytes, with notes of the caller (how the data was made, say) beside it. The keys of the noise to come are
 * among the bytes: keep them secret, and continue them only once. Two continuations that differ draw the same noise, and the
 * difference of what they release has none.
 */
export const encodeCheckpoint =
  <P extends Tree, C, S extends OptimizerState>(plan: TrainingPlan<P, C, S>) =>
  (state: TrainState<P, S>, notes: Readonly<Record<string, string>> = {}): Uint8Array => {
    const { json, tensors } = encodeState(state)
    return encodeSafeTensors(
      sealed({ tensors, metadata: { format, plan: fingerprint(plan), state: json, notes: JSON.stringify(notes) } }),
    )
  }

const refuse = (found: string, allowed: string): E.Either<DataError, never> =>
  E.left(inconsistentData({ source: 'the checkpoint', found, allowed }))

/** A state with its numbers left out: equal for two states of one structure, whose tensors agree in shape and dtype. */
const outline = (state: unknown): string =>
  JSON.stringify(state, (_, part: unknown) =>
    isTensor(part) ? `${part.dtype}${showShape(part.shape)}` : typeof part === 'number' ? 0 : part,
  )

const isKey = (key: Partial<Key> | null | undefined): boolean => {
  const words: unknown = key?.words
  const count = key?._tag === 'ChaCha20' ? 8 : key?._tag === 'Threefry2x32' ? 2 : Number.NaN
  return Array.isArray(words) && words.length === count && words.every((word) => word === word >>> 0)
}

/** Only the notes of a checkpoint, which tell a caller what plan to make. */
export const checkpointNotes = (bytes: Uint8Array): E.Either<DataError, Readonly<Record<string, string>>> =>
  pipe(
    unseal(bytes),
    E.chain(({ metadata }) =>
      E.tryCatch(
        () => JSON.parse(metadata.notes ?? '{}') as unknown,
        () => inconsistentData({ source: 'the checkpoint', found: 'notes that are not JSON', allowed: 'JSON' }),
      ),
    ),
    E.chain((notes) => (isRecordOfStrings(notes) ? E.right(notes) : refuse('other notes', 'a record of strings'))),
  )

/** What a checkpoint says of the run that it belongs to, and of what that has released. */
export interface CheckpointSpending {
  readonly ledger: PrivacyEvent
  /** Steps taken, of so many. */
  readonly step: number
  readonly steps: number
  readonly model: string
  readonly delta: number
}

/**
 * What the run of a checkpoint has released so far, without its plan: enough for a report, and not to continue it.
 *
 * Errors  as `decodeCheckpoint`, as far as a plan is not needed: that the ledger is that of its steps is not checked
 */
export const checkpointSpending = (bytes: Uint8Array): E.Either<DataError, CheckpointSpending> =>
  pipe(
    unseal(bytes),
    E.chain(({ tensors, metadata }) =>
      E.tryCatch(
        () => ({
          plan: JSON.parse(metadata.plan ?? '') as Partial<Record<'model' | 'steps' | 'delta', unknown>>,
          state: decodeState({ json: metadata.state ?? '', tensors }) as Partial<TrainState<Tree, OptimizerState>>,
        }),
        (cause) => inconsistentData({ source: 'the checkpoint', found: `${cause}`, allowed: 'an encoded state' }),
      ),
    ),
    E.chain(({ plan: { model, steps, delta }, state: { step, ledger: json } }) => {
      if (typeof model !== 'string' || typeof steps !== 'number' || typeof delta !== 'number')
        return refuse('settings that are none', 'the model, the steps and the δ of a run')
      if (typeof step !== 'number') return refuse(`step ${step}`, 'a count of steps')
      return E.map((ledger: PrivacyEvent) => ({ ledger, step, steps, model, delta }))(ledgerFrom(json))
    }),
  )

const ledgerFrom = (json: unknown): E.Either<DataError, PrivacyEvent> =>
  pipe(
    eventFromJson(json),
    E.mapLeft((invalid) =>
      inconsistentData({
        source: 'the checkpoint',
        found: `a ledger in which ${showInvalidParameter(invalid)}`,
        allowed: 'a privacy event',
      }),
    ),
  )

/**
 * The state of a checkpoint, to be continued by `train` under the plan that it was made under. `like` is any state of that
 * plan, such as `plan.init(key(0))`: parameters and optimizer state must have its structure.
 *
 * Compared are the name of the model and the settings of the plan except its physical batch size. Loss, rates of the
 * optimizer and the factor of the clip rule are functions: that they are the same is for the caller to see to.
 *
 * Errors  a file of another kind, of another version, or damaged (its checksum says so); other settings, another model or another optimizer than the plan's; a state that is
 *         damaged, its keys being none or its ledger spending less than its steps. A file that was forged with care cannot
 *         be told from an honest one
 */
export const decodeCheckpoint =
  <P extends Tree, C, S extends OptimizerState>(plan: TrainingPlan<P, C, S>, like: TrainState<P, S>) =>
  (bytes: Uint8Array): E.Either<DataError, Checkpoint<P, S>> =>
    pipe(
      unseal(bytes),
      E.bindTo('file'),
      E.bind('notes', () => checkpointNotes(bytes)),
      E.chain(({ file: { tensors, metadata }, notes }) => {
        if (metadata.plan !== fingerprint(plan))
          return refuse(`a run with the settings ${metadata.plan}`, `the settings of this run, ${fingerprint(plan)}`)
        return pipe(
          E.tryCatch(
            () => decodeState({ json: metadata.state ?? '', tensors }) as Partial<TrainState<P, S>> | null,
            (cause) => inconsistentData({ source: 'the checkpoint', found: `${cause}`, allowed: 'an encoded state' }),
          ),
          E.chain((state) => checkState(plan, like, state ?? {})),
          E.map((state) => ({ state, notes })),
        )
      }),
    )

const isBounds = (bounds: unknown): boolean =>
  typeof bounds === 'object' &&
  bounds !== null &&
  Object.values(bounds).every((bound) => typeof bound === 'number' && bound > 0 && Number.isFinite(bound))

/** ε of a ledger; NaN where it is none that the accountant of the plan knows. */
const spends = <P extends Tree, C, S extends OptimizerState>(
  plan: TrainingPlan<P, C, S>,
  ledger: PrivacyEvent,
): number => {
  try {
    return plan.spent(ledger).upper
  } catch {
    return Number.NaN
  }
}

const checkState = <P extends Tree, C, S extends OptimizerState>(
  plan: TrainingPlan<P, C, S>,
  like: TrainState<P, S>,
  { step, params, optimizer, keys, ledger: json, bounds }: Partial<TrainState<P, S>>,
): E.Either<DataError, TrainState<P, S>> => {
  const [found, allowed] = [outline([params, optimizer]), outline([like.params, like.optimizer])]
  if (found !== allowed) return refuse(`parameters and optimizer ${found}`, allowed)
  if (!(Number.isSafeInteger(step) && (step as number) >= 0)) return refuse(`step ${step}`, 'a count of steps')
  if (!(isKey(keys?.sampling) && isKey(keys?.noise))) return refuse('keys that are none', 'a sampling and a noise key')
  if (!isBounds(bounds)) return refuse('bounds that are none', 'a positive number for each group')
  return pipe(
    ledgerFrom(json),
    // The fields in the order of a step: the state of a file makes the bytes of the file.
    E.chain((ledger) => {
      const released = plan.event(step as number, 'float')
      return spends(plan, ledger) >= spends(plan, released)
        ? E.right({ step, params, optimizer, keys, ledger, bounds } as TrainState<P, S>)
        : refuse(`a ledger of ${showEvent(ledger)}`, `at least ${showEvent(released)}`)
    }),
  )
}

/**
 * Writes a checkpoint to a file, which is there whole or not at all: a process that is killed while it writes leaves the
 * checkpoint before. Only its owner may read it, where the system has such permissions. Node only.
 *
 * Errors  UnreadableFile, with the reason of the operating system
 */
export const writeCheckpoint =
  <P extends Tree, C, S extends OptimizerState>(plan: TrainingPlan<P, C, S>) =>
  (path: string) =>
  (state: TrainState<P, S>, notes: Readonly<Record<string, string>> = {}): TE.TaskEither<DataError, void> =>
    writeFileAtomically(path, encodeCheckpoint(plan)(state, notes), { secret: true })

/**
 * Reads the checkpoint of a file back. Node only.
 *
 * Errors  UnreadableFile, and those of `decodeCheckpoint`, which name the file
 */
export const readCheckpoint =
  <P extends Tree, C, S extends OptimizerState>(plan: TrainingPlan<P, C, S>, like: TrainState<P, S>) =>
  (path: string): TE.TaskEither<DataError, Checkpoint<P, S>> =>
    pipe(
      readBytes(path),
      TE.chainEitherK((bytes) => pipe(decodeCheckpoint(plan, like)(bytes), E.mapLeft(blame(path)))),
    )

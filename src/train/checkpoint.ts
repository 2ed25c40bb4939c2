/**
 * Checkpoints: a training state in one safetensors file. It holds the keys of the noise to come, so it is a secret.
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { type DataError, inconsistentData } from '../data/data-error.js'
import { decodeSafeTensors, encodeSafeTensors } from '../data/safetensors.js'
import type { OptimizerState } from '../optim/index.js'
import { eventFromJson } from '../privacy/event-json.js'
import { showInvalidParameter } from '../privacy/invalid-parameter.js'
import { showShape } from '../tensor/shape.js'
import { namedLeaves, type Tree } from '../tensor/tree.js'
import type { DpSgdPlan, TrainState } from './dp-sgd.js'
import { decodeState, encodeState } from './state-codec.js'

const format = 'fp-dp checkpoint 1'

/** A state read back, and what was noted beside it. */
export interface Checkpoint<P extends Tree, S extends OptimizerState> {
  readonly state: TrainState<P, S>
  readonly notes: Readonly<Record<string, string>>
}

/** The settings of the plan as text: a state is continued under the settings that it was made under, or not at all. */
const fingerprint = <P extends Tree, C, S extends OptimizerState>(plan: DpSgdPlan<P, C, S>): string =>
  JSON.stringify({ model: plan.model.name, ...plan.settings, physicalBatchSize: undefined })

/** The state as bytes, with notes of the caller (how the data was made, say) beside it. */
export const encodeCheckpoint =
  <P extends Tree, C, S extends OptimizerState>(plan: DpSgdPlan<P, C, S>) =>
  (state: TrainState<P, S>, notes: Readonly<Record<string, string>> = {}): Uint8Array => {
    const { json, tensors } = encodeState(state)
    return encodeSafeTensors({
      tensors,
      metadata: { format, plan: fingerprint(plan), state: json, notes: JSON.stringify(notes) },
    })
  }

const refuse = (found: string, allowed: string): E.Either<DataError, never> =>
  E.left(inconsistentData({ source: 'the checkpoint', found, allowed }))

/** The structure of a tree in words: equal for two trees whose leaves have the same paths, shapes and dtypes. */
const structure = (tree: Tree): string =>
  namedLeaves(tree)
    .map(({ path, leaf }) => `${path} ${leaf.dtype}${showShape(leaf.shape)}`)
    .join(', ')

/** Only the notes of a checkpoint, which tell a caller what plan to make. */
export const checkpointNotes = (bytes: Uint8Array): E.Either<DataError, Readonly<Record<string, string>>> =>
  pipe(
    decodeSafeTensors(bytes),
    E.chain(({ metadata }) =>
      metadata.format === format
        ? E.tryCatch(
            () => JSON.parse(metadata.notes ?? '{}') as Readonly<Record<string, string>>,
            () => inconsistentData({ source: 'the checkpoint', found: 'notes that are not JSON', allowed: 'JSON' }),
          )
        : refuse(`format ${metadata.format ?? 'none'}`, `'${format}'`),
    ),
  )

/**
 * The state of a checkpoint, to be continued by `train` under the plan that it was made under.
 *
 * Errors  a file of another kind; other settings or another model than the plan's; a state that is damaged
 */
export const decodeCheckpoint =
  <P extends Tree, C, S extends OptimizerState>(plan: DpSgdPlan<P, C, S>, like: TrainState<P, S>) =>
  (bytes: Uint8Array): E.Either<DataError, Checkpoint<P, S>> =>
    pipe(
      decodeSafeTensors(bytes),
      E.bindTo('file'),
      E.bind('notes', () => checkpointNotes(bytes)),
      E.chain(({ file: { tensors, metadata }, notes }) => {
        if (metadata.plan !== fingerprint(plan))
          return refuse(`a run with the settings ${metadata.plan}`, `the settings of this run, ${fingerprint(plan)}`)
        return pipe(
          E.tryCatch(
            () => decodeState({ json: metadata.state ?? '', tensors }) as TrainState<P, S>,
            (cause) => inconsistentData({ source: 'the checkpoint', found: `${cause}`, allowed: 'an encoded state' }),
          ),
          E.chain((state) => checkState(state, like)),
          E.map((state) => ({ state, notes })),
        )
      }),
    )

const checkState = <P extends Tree, S extends OptimizerState>(
  state: TrainState<P, S>,
  like: TrainState<P, S>,
): E.Either<DataError, TrainState<P, S>> => {
  const [found, allowed] = [structure(state.params), structure(like.params)]
  if (found !== allowed) return refuse(`parameters ${found}`, allowed)
  if (!(Number.isSafeInteger(state.step) && state.step >= 0)) return refuse(`step ${state.step}`, 'a count of steps')
  return pipe(
    eventFromJson(state.ledger),
    E.mapLeft((invalid) =>
      inconsistentData({
        source: 'the checkpoint',
        found: `a ledger in which ${showInvalidParameter(invalid)}`,
        allowed: 'a privacy event',
      }),
    ),
    E.map((ledger) => ({ ...state, ledger })),
  )
}

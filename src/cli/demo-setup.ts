/**
 * What the demo does before its first step: data, plan and state, or one sentence about what is in the way.
 */
import { readFile } from 'node:fs/promises'
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { showDataError, type TrainAndTest } from '../data/index.js'
import { crossEntropy } from '../grad/index.js'
import { smallCnn } from '../models/index.js'
import { constant, cosine, oneCycle, type Schedule, sgd } from '../optim/index.js'
import { flatClip, showInvalidParameter } from '../privacy/index.js'
import { key, secureKey } from '../sampling/index.js'
import type { Backend } from '../tensor/backend/backend.js'
import { checkpointNotes, decodeCheckpoint, dpSgd } from '../train/index.js'
import { openBackend } from './backend.js'
import type { DemoOptions } from './demo-options.js'
import { loadData } from './load-data.js'
import { dataIdentity } from './run/run-identity.js'
import { type Refusal, refusal } from './screen.js'
import type { Measured, SgdPlan, SgdTrainState } from './training-run.js'

const scheduleOf = ({ schedule, learningRate }: DemoOptions, steps: number): Schedule => {
  switch (schedule) {
    case 'constant':
      return constant(learningRate)
    case 'cosine':
      return cosine({ initial: learningRate, totalSteps: steps })
    case 'oneCycle':
      return oneCycle({ maximum: learningRate, totalSteps: steps })
  }
}

const planOf = (options: DemoOptions, data: TrainAndTest, backend: Backend): E.Either<Refusal, SgdPlan> => {
  const samplingProbability = options.batchSize / data.train.length
  const steps = Math.max(1, Math.round(options.epochs / samplingProbability))
  return pipe(
    dpSgd({
      model: smallCnn(options.activation),
      loss: crossEntropy,
      inputShape: data.train.inputShape,
      optimizer: sgd({ learningRate: scheduleOf(options, steps), momentum: options.momentum }),
      clip: flatClip(options.clip),
      noise:
        options.noiseMultiplier === undefined
          ? { targetEpsilon: options.epsilon }
          : { noiseMultiplier: options.noiseMultiplier },
      samplingProbability,
      expectedBatchSize: options.batchSize,
      steps,
      delta: options.delta,
      physicalBatchSize: options.physicalBatchSize,
      backend,
    }),
    E.mapLeft((invalid) =>
      refusal(
        invalid
          .map((field) =>
            field.parameter === 'samplingProbability'
              ? `${showInvalidParameter(field)}: it is --batch-size over the ${data.train.length} examples to train on`
              : showInvalidParameter(field),
          )
          .join('; '),
      ),
    ),
  )
}

/** Where the run starts: afresh, or where a checkpoint left it. */
const start = (
  plan: SgdPlan,
  { seed, secure }: DemoOptions,
  saved: Uint8Array | undefined,
): E.Either<Refusal, SgdTrainState> => {
  const root = key(seed)
  const fresh = secure ? plan.init(root, secureKey()) : plan.init(root)
  if (saved === undefined) return E.right(fresh)
  return pipe(
    decodeCheckpoint(plan, fresh)(saved),
    E.bimap(
      (error) => refusal(showDataError(error)),
      ({ state }) => state,
    ),
  )
}

/** What a checkpoint notes of the run that it belongs to. */
interface Noted {
  readonly flags: Partial<DemoOptions>
  /** Which examples it was trained on. */
  readonly data: string | undefined
  readonly curve: readonly Measured[]
}

const readNotes = (bytes: Uint8Array): E.Either<Refusal, Noted> =>
  pipe(
    checkpointNotes(bytes),
    E.mapLeft((error) => refusal(showDataError(error))),
    E.chain(({ options, data, curve }) =>
      E.tryCatch(
        () => ({
          flags: lastingOptions(JSON.parse(options ?? '') as DemoOptions),
          data,
          curve: JSON.parse(curve ?? '') as readonly Measured[],
        }),
        () => refusal('the checkpoint: its flags cannot be read; only checkpoints of this demo can be resumed.'),
      ),
    ),
  )

/** The flags of the run that is continued; where to write and how to compute may be said anew. */
const continued = ({ data: _, noiseMultiplier: __, ...given }: DemoOptions, { flags }: Noted): DemoOptions => ({
  ...given,
  ...flags,
})

const readSaved = async (path: string): Promise<E.Either<Refusal, Uint8Array>> => {
  try {
    return E.right(await readFile(path))
  } catch (cause) {
    return E.left(refusal(`${path}: cannot be read (${(cause as Error).message}).`))
  }
}

/** Everything that a run needs. */
export interface DemoSetup {
  /** The flags, with those of the checkpoint where there is one. */
  readonly options: DemoOptions
  readonly data: TrainAndTest
  readonly backend: Backend
  /** What the user should know of the backend. */
  readonly said?: string
  readonly plan: SgdPlan
  readonly from: SgdTrainState
  /** What was measured before it stopped. */
  readonly curve: readonly Measured[]
}

/** The flags that outlast a run: where to write and how to compute may change when it is continued. */
export const lastingOptions = ({
  out,
  resume,
  threads,
  backend,
  physicalBatchSize,
  ...lasting
}: DemoOptions): Partial<DemoOptions> => lasting

/** From flags to a run that can start. */
export const setUp = async (given: DemoOptions): Promise<E.Either<Refusal, DemoSetup>> => {
  const saved = given.resume === undefined ? undefined : await readSaved(given.resume)
  if (saved !== undefined && E.isLeft(saved)) return saved
  const noted = saved === undefined ? undefined : readNotes(saved.right)
  if (noted !== undefined && E.isLeft(noted)) return noted
  const options = noted === undefined ? given : continued(given, noted.right)
  const curve = noted?.right.curve ?? []
  const loaded = await loadData(options)
  if (E.isLeft(loaded)) return loaded
  const data = loaded.right
  if (noted !== undefined && noted.right.data !== dataIdentity(data))
    return E.left(refusal('the checkpoint: it is of a run on other data, and a run is continued on its own.'))
  const opened = await openBackend(options.backend, options.threads === undefined ? {} : { threads: options.threads })
  if (E.isLeft(opened)) return opened
  const { backend, said } = opened.right
  return pipe(
    planOf(options, data, backend),
    E.chain((plan) =>
      pipe(
        start(plan, options, saved?.right),
        E.map((from) => ({ options, data, backend, plan, from, curve, ...(said === undefined ? {} : { said }) })),
      ),
    ),
  )
}

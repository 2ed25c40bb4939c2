/**
 * The run behind `npm run scattering`: features, plan, training.
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import {
  cachedFeatures,
  type Dataset,
  examplesFrom,
  scatteringFeatures,
  showDataError,
  type TrainAndTest,
} from '../data/index.js'
import { crossEntropy } from '../grad/index.js'
import { linearFromZero } from '../models/index.js'
import { constant, sgd } from '../optim/index.js'
import { flatClip, gdp, showInvalidParameter } from '../privacy/index.js'
import { privacyReport } from '../report/index.js'
import { key, secureKey } from '../sampling/index.js'
import type { Backend } from '../tensor/backend/backend.js'
import { wasm } from '../tensor/backend/wasm/index.js'
import { showShape } from '../tensor/shape.js'
import { dpSgd } from '../train/index.js'
import { describeData, loadData } from './load-data.js'
import type { ScatteringOptions } from './scattering-options.js'
import { minutes, type Refusal, refusal, type Screen } from './screen.js'
import { describePlan, publicSize, runTraining, type SgdPlan } from './training-run.js'

/** The leaves that the whitening is learnt from have a key of their own: features do not depend on the seed of a run. */
const leavesKey = key(2011)

/** Replaces examples by their features, which are read from the folder where it has them. */
type Reader = (part: keyof TrainAndTest, dataset: Dataset) => Promise<E.Either<Refusal, Dataset>>

const featureReader = (
  { features: dir, leaves }: ScatteringOptions,
  inputShape: Dataset['inputShape'],
  backend: Backend,
  screen: Screen,
): E.Either<Refusal, Reader> => {
  const [planes = 0, rows = 0, columns = 0, ...others] = inputShape
  if (others.length > 0 || Math.min(rows, columns) < 5)
    return E.left(
      refusal(
        `the examples have shape ${showShape(inputShape)}: scattering needs images [c, h, w] of at least 5 × 5 pixels`,
      ),
    )
  const recipe = scatteringFeatures({ inputShape: [planes, rows, columns], key: leavesKey, leaves, backend })
  return E.right(async (part, dataset) => {
    const began = performance.now()
    const read = cachedFeatures(recipe, {
      dir,
      onProgress: ({ done, total, computed, refused }) => {
        if (refused !== undefined) screen.print(`Not used: ${showDataError(refused)}`)
        const seconds = (performance.now() - began) / 1000
        const line = `Features of ${done} of ${total} examples to ${part}, ${computed} computed: ${minutes(seconds)}`
        if (done === total) screen.print(line)
        else screen.progress(line)
      },
    })
    return pipe(
      await read(dataset)(),
      E.mapLeft((error) => refusal(showDataError(error))),
    )
  })
}

/** What to train on and what to measure with; with a hold-out, the test set is not even read. */
const partsOf = async (
  options: ScatteringOptions,
  { train, test }: TrainAndTest,
  read: Reader,
): Promise<E.Either<Refusal, TrainAndTest>> => {
  const { holdOut } = options
  if (holdOut !== undefined && holdOut >= train.length)
    return E.left(refusal(`--hold-out is ${holdOut}: it must be below ${train.length}, the examples to train on`))
  const ofTrain = await read('train', train)
  if (E.isLeft(ofTrain)) return ofTrain
  if (holdOut !== undefined) {
    const cut = train.length - holdOut
    const part = (start: number, end: number): Dataset => examplesFrom({ start, end })(ofTrain.right)
    return E.right({ train: part(0, cut), test: part(cut, train.length) })
  }
  return E.map((measured: Dataset) => ({ train: ofTrain.right, test: measured }))(await read('test', test))
}

const planOf = (options: ScatteringOptions, train: Dataset, backend: Backend): E.Either<Refusal, SgdPlan> =>
  pipe(
    dpSgd({
      model: linearFromZero({ classes: train.classes }),
      loss: crossEntropy,
      inputShape: train.inputShape,
      optimizer: sgd({ learningRate: constant(options.learningRate), momentum: options.momentum }),
      clip: flatClip(options.clip),
      noise: { targetEpsilon: options.epsilon },
      // Everyone, every time: nothing is amplified by sampling, and the ε of the Gaussian mechanism is exact.
      samplingProbability: 1,
      expectedBatchSize: train.length,
      accountant: gdp(),
      steps: options.steps,
      delta: options.delta,
      physicalBatchSize: options.physicalBatchSize,
      backend,
    }),
    E.mapLeft((invalid) => refusal(invalid.map(showInvalidParameter).join('; '))),
  )

/**
 * Runs the recipe. Right: the exit status; Left: why it could not start.
 */
export const runScattering = async (options: ScatteringOptions, screen: Screen): Promise<E.Either<Refusal, number>> => {
  const loaded = await loadData(options)
  if (E.isLeft(loaded)) return loaded
  screen.print(describeData(options, loaded.right))
  const backend = wasm(options.threads === undefined ? {} : { threads: options.threads })
  const reader = featureReader(options, loaded.right.train.inputShape, backend, screen)
  if (E.isLeft(reader)) return reader
  const parts = await partsOf(options, loaded.right, reader.right)
  if (E.isLeft(parts)) return parts
  const plan = planOf(options, parts.right.train, backend)
  if (E.isLeft(plan)) return plan
  const root = key(options.seed)
  const from = options.secure ? plan.right.init(root, secureKey()) : plan.right.init(root)
  const run = { plan: plan.right, from, backend }
  screen.print(describePlan(run, options))
  const status = await runTraining(
    {
      ...run,
      title: 'Private softmax regression on scattering features',
      options,
      data: parts.right,
      measuredOn: options.holdOut === undefined ? 'test' : 'hold-out',
      curve: [],
      evaluateEvery: 10,
      privacy: (request) =>
        privacyReport({
          ...request,
          accountant: gdp(),
          assumptions: [
            publicSize(parts.right.train.length),
            'Features are a function of each example by itself; their whitening was learnt from images that nobody is in.',
          ],
        }),
    },
    screen,
  )
  return E.right(status)
}

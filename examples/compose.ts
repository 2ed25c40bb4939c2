/**
 * Private training put together by hand: the first program of the README, complete. Run it with
 *
 *   npx tsx examples/compose.ts
 *
 * Outside of this repository, '../src/grad/index.js' is 'fp-dp/grad', and so on.
 */

import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { drawDigits } from '../src/data/index.js'
import { crossEntropy, flatten, linear, relu, sequential } from '../src/grad/index.js'
import { applyUpdates, sgd } from '../src/optim/index.js'
import {
  type ClipRule,
  clippedGrad,
  Event,
  epsilonOf,
  gaussian,
  meanOver,
  rdp,
  showAccountingFailure,
} from '../src/privacy/index.js'
import { foldIn, key, poissonSample } from '../src/sampling/index.js'
import { accuracy } from '../src/train/index.js'

const [q, sigma, T] = [0.05, 1, 100] // sampling probability, noise multiplier, steps
const [initKey, sampleKey, noiseKey] = [foldIn(0)(key(0)), foldIn(1)(key(0)), foldIn(2)(key(0))]
const dataset = drawDigits({ count: 2000, key: key(1) })

/** AUTO-S (Bu et al. 2022, arXiv:2206.07136): gᵢ / (‖gᵢ‖ + γ). s / (s + γ) < 1 for every s ≥ 0. */
const autoS = (gamma: number): ClipRule => ({ factor: (norm) => 1 / (norm + gamma), l2Bound: 1 })

const model = sequential(flatten, linear(128), relu, linear(10))
const grad = clippedGrad(crossEntropy, model, autoS(0.01)) // (params, batch) → BoundedSum
const optimizer = sgd({ learningRate: 0.05, momentum: 0.9 })

const { params } = model.init(initKey, dataset.inputShape)
const start = { params, state: optimizer.init(params) }

const step = ({ params, state }: typeof start, t: number): typeof start => {
  const batch = dataset.take(poissonSample({ samplingProbability: q })(sampleKey, t)(dataset.length))
  const released = pipe(grad(params, batch), gaussian(sigma)(foldIn(t)(noiseKey)), meanOver(q * dataset.length))
  const [updates, next] = optimizer.update(released.value, state, params)
  return { params: applyUpdates(params, updates), state: next }
}

const end = Array.from({ length: T }, (_, t) => t).reduce(step, start)
const spent = pipe(Event.gaussian(sigma), Event.poissonSampled(q), Event.selfComposed(T), epsilonOf(rdp(), 1e-5))
// Either<AccountingFailure, { lower, estimate, upper, … }>: `upper` is the claim

const test = drawDigits({ count: 500, key: key(2) })
console.log(`test accuracy ${accuracy(model)(end.params, test)}`)
console.log(E.isRight(spent) ? `ε ≤ ${spent.right.upper.toFixed(3)}` : showAccountingFailure(spent.left))
